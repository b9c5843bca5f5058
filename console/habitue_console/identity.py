"""Finds out who asks, in which language: a session, a secret key, in the demo whoever sits at the machine."""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from .access import is_this_machine, knows_a_secret
from .house import House
from .roles import Me, Role
from .sessions import COOKIE
from .words import LANGUAGE_COOKIE, choose, words_of

DEMO_USER = "demo"
KEY_USER = "secret key"


class Identity:
    """Sets `request.state.me` (None: nobody known), `.words` and `.address`."""

    def __init__(self, app: ASGIApp, house: House) -> None:
        self._app = app
        self._house = house

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope)
        state = scope.setdefault("state", {})
        state["address"] = request.client.host if request.client else ""
        accepted = request.headers.get("accept-language", "")
        state["words"] = words_of(choose(request.cookies.get(LANGUAGE_COOKIE, ""), accepted))
        state["me"] = None
        if not _is_static(scope):
            me = await self._who(request)
            state["me"] = me
            if me is not None and me.language:
                state["words"] = words_of(choose(me.language, accepted))
        await self._app(scope, receive, send)

    async def _who(self, request: Request) -> Me | None:
        settings = self._house.settings
        if knows_a_secret(request.headers.get("authorization"), settings.secret_keys):
            return Me(KEY_USER, Role.ADMIN)
        if cookie := request.cookies.get(COOKIE):
            session = await self._house.sessions.read(cookie)
            user = await self._house.users.find(session.user) if session is not None else None
            if session is not None and user is not None and not user.disabled:
                return Me(user.name, user.role, session.digest, user.language)
        peer = request.client.host if request.client else None
        if settings.demo and not settings.exposed and is_this_machine(peer, request.headers):
            return Me(DEMO_USER, Role.ADMIN)
        return None


def _is_static(scope: Scope) -> bool:
    """Style and scripts are no secret, and the sign-in page needs them."""
    root = str(scope.get("root_path", "")).rstrip("/")
    return str(scope["path"]).startswith(f"{root}/static/")
