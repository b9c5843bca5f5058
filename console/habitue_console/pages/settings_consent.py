"""Consent: what counts for each key when an event says nothing, and how much is only counted for it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ..figures import summary
from ..guard import require
from ..house import House
from ..rendering import render
from ..settings_tabs import tabs
from .settings_keys import shown_keys


def routes(house: House) -> list[BaseRoute]:
    @require("viewer")
    async def consent(request: Request) -> Response:
        figures = summary(await house.figures(), {}, house.clock())
        return render(
            request,
            "settings/consent.html",
            tabs_shown=tabs(request),
            keys=shown_keys(house.settings),
            events=figures["events"],
            counted=figures["kept"].get("counted", 0),
            claimed=figures["kept"].get("claimed", 0),
        )

    return [Route("/settings/consent", consent)]
