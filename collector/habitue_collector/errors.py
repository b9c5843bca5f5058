"""An answer that is an error, for every endpoint: status, code, and a sentence to act on."""

from __future__ import annotations

from starlette.responses import Response

from habitue_collector.request import problem


class Problem(Exception):
    """An answer that is an error: status, code, message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code

    @property
    def headers(self) -> dict[str, str]:
        """What belongs to the status, whoever refuses."""
        return {
            401: {"www-authenticate": "Bearer"},
            429: {"retry-after": "1"},
            503: {"retry-after": "1"},
        }.get(self.status, {})


def answer_problem(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
    """An `application/problem+json` response."""
    return Response(
        problem(status, code, message), status, headers=headers, media_type="application/problem+json"
    )
