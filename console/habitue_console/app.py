"""The console as an ASGI app: the pages, who may open them, and a friendly answer to whatever goes wrong.

It runs in a process of its own (docs/decisions/0021-console-process.md); the workers' `proxy.py` leads there.
"""

from __future__ import annotations

import logging
from importlib import import_module
from importlib.util import find_spec

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from .errors import Friendly, error_answer
from .guard import check_all_are_guarded
from .house import House
from .identity import Identity
from .settling import Settling

_log = logging.getLogger("habitue.console")

# Each is pages/<name>.py with `routes(house) -> list[Route]`; the order is that of the navigation.
PAGES = (
    "today",
    "visitors",
    "segments",
    "rules",
    "contents",
    "slots",
    "catalog",
    "events",
    "models",
    "settings",
)
ALWAYS = ("live", "search", "sign_in")  # what has no place in the navigation


def create_console(house: House) -> ASGIApp:
    """The app. Paths are below its `root_path` ("/console")."""
    found = {name: routes for name in (*PAGES, *ALWAYS) if (routes := _routes(name, house)) is not None}
    routes = [route for some in found.values() for route in some]
    check_all_are_guarded(routes)
    static = Mount("/static", StaticFiles(packages=[("habitue_console", "static")]))
    app = Starlette(routes=[*routes, static])
    app.state.house = house
    app.state.pages = frozenset(found)
    app.state.hosts = frozenset(_hosts(house))
    # Without Starlette's own layer for errors, which answers before `Friendly` can.
    pages = ExceptionMiddleware(app.router, handlers={HTTPException: _refused})
    known = Identity(pages, house)
    if house.tasks and house.recommender is not None:  # a process that keeps its catalog fresh
        return Friendly(Settling(known, lambda: house.is_open and bool(house.recommender.is_ready)), app)
    return Friendly(known, app)


def _routes(name: str, house: House) -> list[BaseRoute] | None:
    module = f"{__package__}.pages.{name}"
    if find_spec(module) is None:
        return None
    try:
        routes: list[BaseRoute] = list(import_module(module).routes(house))
    except Exception:  # one page that is broken must not close the others
        _log.exception("the page %s cannot be opened", name)
        return None
    return routes


def _hosts(house: House) -> list[str]:
    url = house.settings.server.public_url
    return [url.split("://")[-1].split("/")[0].lower()] if url else []


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return error_answer(request, error.status_code, error.detail, dict(error.headers or {}))
