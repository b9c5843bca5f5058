"""Who may: every endpoint says it with `@require("viewer")` or `@open_to_all`; one that does not is refused.

`require` also sees to it that what changes something came from a form of ours (`csrf` field or
`X-CSRF-Token`), so a page cannot forget it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import wraps
from typing import Any
from urllib.parse import quote, urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from .roles import Me, Role
from .security import SAFE, is_from_our_pages

Endpoint = Callable[[Request], Awaitable[Response]]
CSRF_FIELD = "csrf"
CSRF_HEADER = "x-csrf-token"
MAX_FIELDS = 2_000
_NEEDS = "__needs__"


def require(role: Role | str) -> Callable[[Endpoint], Endpoint]:
    """Only who is signed in with at least this role; a POST needs the form's token."""
    needed = Role(role)

    def decorate(endpoint: Endpoint) -> Endpoint:
        @wraps(endpoint)
        async def guarded(request: Request) -> Response:
            me: Me | None = getattr(request.state, "me", None)
            if me is None:
                return to_sign_in(request)
            if not me.role.may(needed):
                raise HTTPException(403)
            if request.method in SAFE:
                return await endpoint(request)
            try:
                await _check_form(request, me)
                return await endpoint(request)
            finally:
                await request.close()  # the temporary files of what was uploaded

        setattr(guarded, _NEEDS, needed.value)
        return guarded

    return decorate


def open_to_all(endpoint: Endpoint) -> Endpoint:
    """For the sign-in itself. What changes something must still come from a page of ours."""

    @wraps(endpoint)
    async def guarded(request: Request) -> Response:
        if request.method in SAFE:
            return await endpoint(request)
        _check_origin(request)
        try:
            return await endpoint(request)
        finally:
            await request.close()

    setattr(guarded, _NEEDS, "nobody")
    return guarded


def check_all_are_guarded(routes: Iterable[BaseRoute]) -> None:
    """Raises RuntimeError for an endpoint that does not say who may: better at the start than unseen."""
    for route in routes:
        if isinstance(route, Mount):
            check_all_are_guarded(route.routes or [])
        elif isinstance(route, Route) and not hasattr(route.endpoint, _NEEDS):
            raise RuntimeError(f"{route.path}: say who may, with @require(role) or @open_to_all")


def to_sign_in(request: Request) -> Response:
    """A person is led to the sign-in and back; a script is told how to say who it is."""
    root = request.scope["root_path"].rstrip("/")
    if request.headers.get("hx-request") == "true":
        shown = urlsplit(request.headers.get("hx-current-url", ""))
        return Response(status_code=401, headers={"hx-redirect": _sign_in(root, shown.path, shown.query)})
    if request.method in SAFE and "text/html" in request.headers.get("accept", ""):
        return RedirectResponse(_sign_in(root, request.url.path, request.url.query), 303)
    raise HTTPException(401, headers={"www-authenticate": 'Basic realm="Habitue console", charset="UTF-8"'})


def _sign_in(root: str, path: str, query: str) -> str:
    """The sign-in that leads back to a page."""
    return f"{root}/sign-in?next={quote(path + (f'?{query}' if query else ''), safe='')}"


async def _check_form(request: Request, me: Me) -> None:
    _check_origin(request)
    if me.session is None:
        return
    said: Any = request.headers.get(CSRF_HEADER)
    if said is None:
        form = await request.form(max_fields=MAX_FIELDS)  # kept: the endpoint gets the same
        said = form.get(CSRF_FIELD)
    if not isinstance(said, str) or not request.app.state.house.sessions.is_csrf(me.session, said):
        raise HTTPException(403, "stale_form")


def _check_origin(request: Request) -> None:
    if not is_from_our_pages(request.headers, request.app.state.hosts):
        raise HTTPException(403, "other_site")
