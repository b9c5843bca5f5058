"""Users and their roles. Nobody chooses somebody else's password: an admin hands over a one-time link."""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from habitue_recommender.rulebook.mistakes import Mistake

from ..forms import read_form, text
from ..guard import require
from ..house import House
from ..rendering import redirect, render
from ..roles import Me, Role
from ..settings_tabs import tabs
from ..users import User, UserError, clean_name
from ..words import N_, words

ROLES = {
    Role.VIEWER: N_("viewer: reads"),
    Role.MARKETER: N_("marketer: rules, segments, slots, contents"),
    Role.ADMIN: N_("admin: users, keys and models too"),
}


def routes(house: House) -> list[BaseRoute]:
    async def page(request: Request, status: int = 200, **more: Any) -> Response:
        values: dict[str, Any] = {
            "tabs_shown": tabs(request),
            "users": await house.users.all(),
            "roles": ROLES,
            "link": "",
            "invited": "",
            "mistakes": [],
            "given": {"name": "", "role": Role.MARKETER},
        }
        return render(request, "settings/users.html", status=status, **{**values, **more})

    async def note(request: Request, action: str, name: str, **detail: object) -> None:
        me: Me = request.state.me
        await house.audit.note(me.name, action, name, address=request.state.address, **detail)

    async def with_link(request: Request, name: str, role: Role) -> Response:
        token = await house.users.make_link(name, role, request.state.me.name)
        await note(request, "user.invited", name, role=role)
        base = house.settings.server.public_url or f"{request.url.scheme}://{request.headers.get('host', '')}"
        root = str(request.scope.get("root_path", ""))
        return await page(request, link=f"{base.rstrip('/')}{root}/welcome/{token}", invited=name)

    @require("admin")
    async def users(request: Request) -> Response:
        return await page(request)

    @require("admin")
    async def invite(request: Request) -> Response:
        form = await read_form(request)
        role = _role(text(form, "role"))
        _ = words(request)
        try:
            name = clean_name(text(form, "name", 200))
            if await house.users.find(name) is not None:
                raise UserError(N_("There is somebody of this name already."))
        except UserError as error:
            given = {"name": text(form, "name", 64), "role": role}
            return await page(request, 422, mistakes=[Mistake("name", _(str(error)))], given=given)
        # There at once, so that an admin can take the invitation back.
        await house.users.save(User(name, role, created=house.clock(), created_by=request.state.me.name))
        return await with_link(request, name, role)

    @require("admin")
    async def change(request: Request) -> Response:
        _ = words(request)
        form = await read_form(request)
        user = await house.users.find(request.path_params["name"])
        if user is None:
            raise HTTPException(404)
        action = text(form, "action")
        role = _role(text(form, "role"))
        loses = action in ("disable", "remove") or (action == "role" and role is not Role.ADMIN)
        if loses and await house.users.is_last_admin(user.name):
            return redirect(request, "/settings/users", _("Somebody has to stay admin."), "bad")
        if action == "link":
            return await with_link(request, user.name, user.role)
        if action == "role":
            await house.users.change(user.name, role=role)
            await note(request, "user.role", user.name, before=user.role, after=role)
        elif action in ("disable", "enable"):
            await house.users.change(user.name, disabled=action == "disable")
            if action == "disable":
                await house.sessions.end_all(user.name)
            await note(request, "user.blocked" if action == "disable" else "user.unblocked", user.name)
        elif action == "remove":
            await house.sessions.end_all(user.name)
            await house.users.remove(user.name)
            await note(request, "user.removed", user.name)
        else:
            raise HTTPException(400)
        return redirect(request, "/settings/users", _("Saved."))

    return [
        Route("/settings/users", users),
        Route("/settings/users", invite, methods=["POST"]),
        Route("/settings/users/{name}", change, methods=["POST"]),
    ]


def _role(said: str) -> Role:
    return Role(said) if said in set(Role) else Role.VIEWER
