"""One's own account: the password, and where one is signed in."""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from habitue_recommender.rulebook.mistakes import Mistake

from ..attempts import Attempts, too_soon
from ..forms import read_form, text
from ..guard import require
from ..house import House
from ..rendering import redirect, render
from ..roles import Me
from ..settings_tabs import tabs
from ..users import UserError, check_password, hash_password, matches
from ..words import words


def routes(house: House) -> list[BaseRoute]:
    attempts = Attempts(house.redis, house.clock)

    async def page(request: Request, status: int = 200, **more: Any) -> Response:
        me: Me = request.state.me
        values: dict[str, Any] = {
            "tabs_shown": tabs(request),
            "sessions": await house.sessions.of(me.name),
            "mistakes": [],
        }
        return render(request, "settings/you.html", status=status, **{**values, **more})

    @require("viewer")
    async def you(request: Request) -> Response:
        if request.state.me.session is None:  # a secret key, or the demo: there is no account
            raise HTTPException(404)
        return await page(request)

    @require("viewer")
    async def change(request: Request) -> Response:
        me: Me = request.state.me
        user = await house.users.find(me.name)
        if user is None or me.session is None:
            raise HTTPException(404)
        form = await read_form(request)
        _ = words(request)
        if text(form, "action") == "sign_out":
            await house.sessions.end_all(me.name, but=me.session)
            await house.audit.note(me.name, "user.signed_out", me.name, address=request.state.address)
            return redirect(request, "/settings/you", _("You are signed out everywhere else."))
        if wait := await attempts.pause(request.state.address, me.name, me.session):
            told, headers = too_soon(wait, _)
            return await page(request, 429, headers=headers, mistakes=[Mistake("before", told)])
        before, password = _raw(form.get("before")), _raw(form.get("password"))
        mistakes = []
        if not await house.in_thread(matches, user.password, before):
            mistakes.append(Mistake("before", _("This is not your password.")))
        try:
            check_password(me.name, password)
        except UserError as error:
            mistakes.append(Mistake("password", _(str(error))))
        if mistakes:
            return await page(request, 422, mistakes=mistakes)
        await attempts.good(request.state.address, me.name, me.session)
        hashed = await house.in_thread(hash_password, password)
        await house.users.change(me.name, password=hashed, password_set=house.clock())
        await house.sessions.end_all(me.name, but=me.session)
        await house.audit.note(me.name, "user.password", me.name, address=request.state.address)
        told = _("The new password counts. Everywhere else you are signed out.")
        return redirect(request, "/settings/you", told)

    return [Route("/settings/you", you), Route("/settings/you", change, methods=["POST"])]


def _raw(value: object) -> str:
    """A password as it was typed, spaces included."""
    return value if isinstance(value, str) else ""
