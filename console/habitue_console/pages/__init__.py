"""One file per page of the console: `routes(house) -> list[Route]`, every endpoint with `@require(role)`."""
