"""The collector as an app: a function of its data. Routes and middleware are lists."""

from __future__ import annotations

import re
from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Lifespan, Message, Receive, Scope, Send

from habitue_collector.beacons import UNAVAILABLE
from habitue_collector.errors import Problem, answer_problem
from habitue_collector.ingest import Ingest
from habitue_collector.request import Handler, Tally
from habitue_collector.slow_path import starlette_endpoint
from habitue_collector.store.link import LinkLost, ReplyError
from habitue_collector.transfers import TransferError

CODES = {404: "not_found", 405: "method_not_allowed", 400: "bad_request", 413: "body_too_large"}


def create_app(
    ingest: Ingest,
    handlers: dict[str, Handler],
    routes: Sequence[BaseRoute],
    tally: Tally | None = None,
    lifespan: Lifespan[Starlette] | None = None,
) -> Starlette:
    """The ASGI app: the handlers on the slow path, the other routes, problem+json for every error."""
    # A path that takes other methods too has one route for all, so that `Allow` names them all.
    routed = {route.path for route in routes if isinstance(route, Route) and "POST" in (route.methods or ())}
    mounted = [
        Route(path, starlette_endpoint(handler, tally=tally, readable=ingest.readable), methods=["POST"])
        for path, handler in handlers.items()
        if path not in routed
    ]
    app = Starlette(
        routes=sorted([*mounted, *routes], key=lambda route: getattr(route, "comes_last", False)),
        lifespan=lifespan,
        exception_handlers={
            Problem: _problem,
            HTTPException: _http_error,
            LinkLost: _unavailable,
            ReplyError: _unavailable,
            TransferError: _unavailable,
            Exception: _our_bug,
        },
    )
    app.add_middleware(Preflight, ingest=ingest)
    app.add_middleware(HereRedirects)
    app.add_middleware(PlainPaths, known=frozenset(handlers))
    return app


class PlainPaths:
    """`//v1/batch` and `/v1/batch/` are `/v1/batch`: clients glue paths to whatever host they were given.

    A redirect would do for few of them: a page may not read one of another origin.
    """

    def __init__(self, app: ASGIApp, known: frozenset[str]) -> None:
        self.app = app
        self.known = known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST" and scope["path"] not in self.known:
            plain = re.sub("/{2,}", "/", scope["path"]).removesuffix("/")
            if plain in self.known:
                scope = {**scope, "path": plain, "raw_path": plain.encode()}
        await self.app(scope, receive, send)


class HereRedirects:
    """A redirect to this very host names no host: behind a proxy ours is not what the browser knows.

    Starlette sends `/console` to `http://<Host>/console/`, which leaves https and a proxy's port.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in (301, 302, 303, 307, 308):
                here = b"%b://%b" % (
                    scope["scheme"].encode(),
                    next((value for name, value in scope["headers"] if name == b"host"), b""),
                )
                message["headers"] = [
                    (name, value.removeprefix(here) if value.startswith(here + b"/") else value)
                    if name == b"location"
                    else (name, value)
                    for name, value in message["headers"]
                ]
            await send(message)

        await self.app(scope, receive, answer)


class Preflight:
    """Answers what browsers ask before a cross-origin request: reflected, with credentials, for a day."""

    def __init__(self, app: ASGIApp, ingest: Ingest) -> None:
        self.app = app
        self.ingest = ingest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "OPTIONS":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        origin = request.headers.get("origin")
        if origin is None or "access-control-request-method" not in request.headers:
            await self.app(scope, receive, send)
            return
        if not self.ingest.any_key_allows(origin.encode("latin-1")):
            response = answer_problem(
                403, "origin_not_allowed", "Pages of this origin may not use any key here."
            )
        else:
            response = Response(
                b"",
                200,
                {
                    "access-control-allow-origin": origin,
                    "access-control-allow-credentials": "true",
                    "access-control-allow-methods": "GET, POST, DELETE, OPTIONS",
                    "access-control-allow-headers": request.headers.get("access-control-request-headers", ""),
                    "access-control-max-age": "86400",
                    "vary": "Origin, Access-Control-Request-Headers",
                },
            )
        await response(scope, receive, send)


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return answer_problem(error.status, error.code, str(error), error.headers)


async def _unavailable(request: Request, error: Exception) -> Response:
    """Redis is away, refuses, or somebody else is writing all the time: send it again."""
    return Response(UNAVAILABLE, 503, {"retry-after": "1"}, media_type="application/problem+json")


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = CODES.get(error.status_code, "error")
    message = {
        404: "There is nothing at this address.",
        405: "This address does not take that method.",
    }.get(error.status_code, str(error.detail))
    return answer_problem(error.status_code, code, message, dict(error.headers or {}))


async def _our_bug(request: Request, error: Exception) -> Response:
    return answer_problem(500, "internal_error", "Something went wrong here. It has been noted.")
