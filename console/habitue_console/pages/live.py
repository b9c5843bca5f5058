"""The house's pulse: events and offers a second, what waits, what is refused; as JSON and as a page.

The part `live/part.html` with static/live.js can stand in any page.
"""

from __future__ import annotations

from importlib.util import find_spec

import redis
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from habitue_collector.events import RejectReason

from ..figures import summary
from ..guard import require
from ..house import House
from ..rendering import render
from ..words import N_

POLL_SECONDS = 2


def routes(house: House) -> list[BaseRoute]:
    @require("viewer")
    async def page(request: Request) -> Response:
        return render(request, "live/page.html", poll_seconds=POLL_SECONDS, reasons=REASONS)

    @require("viewer")
    async def figures(request: Request) -> Response:
        by_process = await house.figures()
        try:
            info = await house.redis.info()
        except (redis.RedisError, OSError):
            info = {}
        return JSONResponse(summary(by_process, info, house.clock()))

    first = [] if find_spec(f"{__package__}.today") else [Route("/", page)]
    return [*first, Route("/live", page), Route("/figures", figures)]


REASONS = {
    RejectReason.INVALID_EVENT: N_("not an event"),
    RejectReason.UNKNOWN_TYPE: N_("unknown call type"),
    RejectReason.MISSING_NAME: N_("track without a name"),
    RejectReason.NO_IDENTITY: N_("nobody named"),
    RejectReason.INVALID_IDENTITY: N_("unusable id"),
    RejectReason.EVENT_TOO_LARGE: N_("event too large"),
    RejectReason.TOO_MANY_EVENTS: N_("batch too long"),
    RejectReason.TOO_MANY_ITEMS: N_("too many items"),
    RejectReason.INVALID_TIMESTAMP: N_("unusable time"),
    RejectReason.TIMESTAMP_TOO_OLD: N_("too long ago"),
    RejectReason.TIMESTAMP_TOO_NEW: N_("in the future"),
    RejectReason.INVALID_VALUE: N_("unusable number"),
    RejectReason.MISSING_ORDER_ID: N_("order without an id"),
    RejectReason.NO_PRODUCT: N_("no product in the markup"),
    RejectReason.AMBIGUOUS_PRODUCT: N_("several products in the markup"),
}
