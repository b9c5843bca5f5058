"""Keys: who may send, from which pages; made and revoked here, in force within a second in every process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Literal

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from habitue_collector.origins import OriginPattern
from habitue_collector.secret_keys import create_write_key, new_key, replace_write_keys
from habitue_collector.settings import Settings, WriteKey
from habitue_recommender.rulebook.mistakes import Mistake

from ..forms import lines, read_form, text
from ..guard import require
from ..house import House
from ..rendering import redirect, render
from ..settings_tabs import tabs
from ..words import words

MAX_NAME = 80


@dataclass(frozen=True, slots=True)
class KeyShown:
    """A key as the page shows it: a secret one never whole. `id` names it in addresses."""

    id: str
    name: str
    shown: str
    secret: bool
    consent: str
    origins: tuple[str, ...]
    changeable: bool


def routes(house: House) -> list[BaseRoute]:
    def page(request: Request, status: int = 200, **more: Any) -> Response:
        values: dict[str, Any] = {
            "tabs_shown": tabs(request),
            "keys": shown_keys(house.settings),
            "fresh": None,
            "mistakes": [],
            "given": {},
        }
        return render(request, "settings/keys.html", status=status, **{**values, **more})

    @require("viewer")
    async def keys(request: Request) -> Response:
        return page(request)

    @require("admin")
    async def create(request: Request) -> Response:
        form = await read_form(request)
        if house.settings.demo:
            raise HTTPException(409)
        kind: Literal["browser", "server"] = "server" if text(form, "kind") == "server" else "browser"
        origins = tuple(lines(form, "origins")) if kind == "browser" else ()
        mistakes = _mistakes_of(request, origins)
        given = {"kind": kind, "name": text(form, "name", MAX_NAME), "origins": text(form, "origins")}
        if mistakes:
            return page(request, 422, mistakes=mistakes, given=given)
        key = WriteKey(
            new_key(kind), kind, _consent(text(form, "consent")), origins=origins, name=given["name"]
        )
        await house.in_thread(create_write_key, house.settings.data.folder, key)
        house.settings = await house.in_thread(house.settings.with_created_keys)
        await _note(house, request, "key.created", key)
        return page(request, fresh=key)

    @require("admin")
    async def one(request: Request) -> Response:
        known = _find(house.settings, request.path_params["id"])
        if request.method != "POST":
            return _edit(request, known)
        if not known.changeable:
            raise HTTPException(409)
        form = await read_form(request)
        if text(form, "action") == "revoke":
            await _change(house, known.id, lambda key: None)
            await house.audit.note(
                request.state.me.name, "key.revoked", known.name or known.shown, address=request.state.address
            )
            _ = words(request)
            return redirect(request, "/settings", _("The key is revoked. Nobody can use it any more."))
        origins = () if known.secret else tuple(lines(form, "origins"))
        if mistakes := _mistakes_of(request, origins):
            return _edit(request, known, 422, mistakes=mistakes, origins=text(form, "origins"))
        name, consent = text(form, "name", MAX_NAME), _consent(text(form, "consent"))
        await _change(house, known.id, lambda key: replace(key, origins=origins, name=name, consent=consent))
        await house.audit.note(
            request.state.me.name,
            "key.changed",
            name or known.shown,
            address=request.state.address,
            origins=list(origins),
            consent=consent,
        )
        _ = words(request)
        return redirect(request, "/settings", _("Saved. It counts from now on."))

    return [
        Route("/settings", keys),
        Route("/settings/keys", create, methods=["POST"]),
        Route("/settings/keys/{id}", one, methods=["GET", "POST"]),
    ]


def key_id(key: WriteKey) -> str:
    """A name for addresses, which stand in logs and histories: a secret key must not."""
    return sha256(key.key.encode("utf-8", "replace")).hexdigest()[:16]


def shown_keys(settings: Settings) -> list[KeyShown]:
    """Every key, browser keys first."""
    found = [
        KeyShown(
            key_id(key),
            key.name,
            f"{key.key[:6]}…" if key.secret else key.key,
            key.secret,
            "assumed" if key.consent_assumed else "required",
            key.origins,
            key.key in settings.created,
        )
        for key in settings.keys
    ]
    return sorted(found, key=lambda one: (one.secret, one.name))


def _find(settings: Settings, wanted: str) -> KeyShown:
    for known in shown_keys(settings):
        if known.id == wanted:
            return known
    raise HTTPException(404)


def _edit(request: Request, known: KeyShown, status: int = 200, **more: Any) -> Response:
    values: dict[str, Any] = {
        "tabs_shown": tabs(request),
        "key": known,
        "mistakes": [],
        "origins": "\n".join(known.origins),
    }
    return render(request, "settings/key.html", status=status, **{**values, **more})


async def _change(house: House, wanted: str, change: Callable[[WriteKey], WriteKey | None]) -> None:
    def of_this_one(key: WriteKey) -> WriteKey | None:
        return change(key) if key_id(key) == wanted else key

    await house.in_thread(replace_write_keys, house.settings.data.folder, of_this_one)
    house.settings = await house.in_thread(house.settings.with_created_keys)


def _mistakes_of(request: Request, origins: tuple[str, ...]) -> list[Mistake]:
    _ = words(request)
    found = []
    for origin in origins:
        try:
            OriginPattern.parse(origin)
        except ValueError:
            told = _(
                "“%(origin)s” is not an origin: write https://www.shop.example, without a path.",
                origin=origin[:80],
            )
            found.append(Mistake("origins", told))
    return found


def _consent(said: str) -> Literal["required", "assumed"] | None:
    return "required" if said == "required" else "assumed" if said == "assumed" else None


async def _note(house: House, request: Request, action: str, key: WriteKey) -> None:
    await house.audit.note(
        request.state.me.name,
        action,
        key.name or f"{key.key[:6]}…",
        address=request.state.address,
        kind=key.kind,
        origins=list(key.origins),
    )
