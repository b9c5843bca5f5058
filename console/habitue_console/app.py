"""The console as an app: for now one page of live figures, for this machine or with a secret key.

It is mounted in the web workers while it is one page (docs/decisions/0001-console-in-the-worker.md).
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import redis.asyncio
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from habitue_collector import private_redis
from habitue_collector.events import RejectReason
from habitue_collector.settings import Settings

from .access import is_this_machine, knows_a_secret
from .figures import summary

_HERE = Path(__file__).parent
POLL_SECONDS = 2
SECURITY = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}

Figures = Callable[[], Awaitable[dict[str, dict[str, Any]]]]


def create_console(settings: Settings, figures: Figures) -> ASGIApp:
    """The app to mount at `/console`. `figures` gives what each process published, by its name."""
    templates = Environment(
        loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined
    )
    client = redis.asyncio.Redis.from_url(
        settings.redis.url or private_redis.url(settings.data.folder), socket_timeout=1, decode_responses=True
    )

    async def page(request: Request) -> Response:
        root = request.scope["root_path"].rstrip("/")
        body = templates.get_template("live.html").render(
            shop=settings.shop.name, root=root, poll_seconds=POLL_SECONDS, reasons=_SENTENCES
        )
        return HTMLResponse(body)

    async def live(request: Request) -> Response:
        try:
            info = await client.info()
        except (redis.RedisError, OSError):
            info = {}
        try:
            by_worker = await figures()
        except (OSError, ConnectionError) as error:
            raise HTTPException(503, "The figures are in Redis, and Redis does not answer.") from error
        return JSONResponse(summary(by_worker, info, time.time_ns() // 1_000_000))

    app = Starlette(
        routes=[
            Route("/", page),
            Route("/figures", live),
            Mount("/static", StaticFiles(directory=_HERE / "static")),
        ]
    )
    return Guarded(app, settings)


class Guarded:
    """Lets this machine and holders of a secret key in; every answer carries the strict headers."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._secrets = settings.secret_keys
        self._open_here = not settings.exposed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope)
        peer = request.client.host if request.client else None
        here = self._open_here and is_this_machine(peer, request.headers)

        async def guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *((name, value) for name, value in message["headers"] if name.decode() not in SECURITY),
                    *((name.encode(), value.encode()) for name, value in SECURITY.items()),
                ]
            await send(message)

        if here or knows_a_secret(request.headers.get("authorization"), self._secrets):
            await self._app(scope, receive, guarded)
        else:
            refusal = Response(
                "The console opens on the machine it runs on, or with a secret key as the password.\n",
                401,
                {"www-authenticate": 'Basic realm="Habitue console", charset="UTF-8"'},
                "text/plain",
            )
            await refusal(scope, receive, guarded)


_SENTENCES = {
    RejectReason.INVALID_EVENT: "not an event",
    RejectReason.UNKNOWN_TYPE: "unknown call type",
    RejectReason.MISSING_NAME: "track without a name",
    RejectReason.NO_IDENTITY: "nobody named",
    RejectReason.INVALID_IDENTITY: "unusable id",
    RejectReason.EVENT_TOO_LARGE: "event too large",
    RejectReason.TOO_MANY_EVENTS: "batch too long",
    RejectReason.TOO_MANY_ITEMS: "too many items",
    RejectReason.INVALID_TIMESTAMP: "unusable time",
    RejectReason.TIMESTAMP_TOO_OLD: "too long ago",
    RejectReason.TIMESTAMP_TOO_NEW: "in the future",
    RejectReason.INVALID_VALUE: "unusable number",
    RejectReason.MISSING_ORDER_ID: "order without an id",
    RejectReason.NO_PRODUCT: "no product in the markup",
    RejectReason.AMBIGUOUS_PRODUCT: "several products in the markup",
}
