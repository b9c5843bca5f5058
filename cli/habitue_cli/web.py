"""What a web worker serves: the rooms composed into one ASGI app, and the protocol class below it.

This is the only place where collector, recommender and console meet in one process.
"""

from __future__ import annotations

import asyncio

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from habitue_collector.settings import Settings


def create(settings: Settings, worker: str = "worker-1") -> tuple[ASGIApp, type[asyncio.Protocol]]:
    """The app of one worker and uvicorn's http protocol class for it."""

    async def healthz(request: Request) -> Response:
        return PlainTextResponse("ok\n")

    return Starlette(routes=[Route("/healthz", healthz)]), HttpToolsProtocol
