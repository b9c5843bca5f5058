"""The slow way for the handlers of `beacon`: mounted in Starlette, chunked bodies included.

It takes what the beacon protocol lets through (pipelined, chunked, `Expect: 100-continue`) and
everything under another ASGI server. One contract suite runs against both ways.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from starlette.requests import ClientDisconnect
from starlette.requests import Request as StarletteRequest
from starlette.responses import Response

from .events import MAX_BODY_BYTES
from .request import (
    BODY_TIMEOUT,
    BODY_TOO_LARGE,
    INTERNAL_ERROR,
    Handler,
    Headers,
    Readable,
    Request,
    Tally,
    for_nobody,
    header_map,
)

logger = logging.getLogger("habitue.beacon")

_Answer = tuple[int, bytes, Headers]


def starlette_endpoint(
    handler: Handler,
    *,
    max_body_bytes: int = MAX_BODY_BYTES,
    body_timeout_seconds: float = 60.0,
    tally: Tally | None = None,
    readable: Readable = for_nobody,
) -> Callable[[StarletteRequest], Awaitable[Response]]:
    """The handler as an endpoint for `Route(path, endpoint, methods=["POST"])`."""
    counts = tally or Tally()

    async def endpoint(request: StarletteRequest) -> Response:
        headers = header_map(request.scope["headers"])
        refusal = readable(headers.get(b"origin"))
        declared = headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > max_body_bytes:
            counts.too_large += 1
            return _response(413, BODY_TOO_LARGE, refusal)
        body = bytearray()
        try:
            async with asyncio.timeout(body_timeout_seconds):
                async for piece in request.stream():
                    body += piece
                    if len(body) > max_body_bytes:
                        counts.too_large += 1
                        return _response(413, BODY_TOO_LARGE, refusal)
        except ClientDisconnect:
            counts.gone += 1
            return Response(status_code=400)  # nobody reads it
        except TimeoutError:
            counts.timed_out += 1
            return _response(408, BODY_TIMEOUT, [(b"connection", b"close"), *refusal])
        scope = request.scope
        client = scope.get("client")
        complete = Request(
            path=scope["path"],
            query=scope["query_string"],
            headers=headers,
            body=bytes(body),
            peer=client[0] if client else None,
            scheme=scope["scheme"],
        )
        counts.beacons += 1
        return _response(*await _answer(handler, complete, counts))

    return endpoint


async def _answer(handler: Handler, request: Request, counts: Tally) -> _Answer:
    waiting: asyncio.Future[_Answer] = asyncio.get_running_loop().create_future()

    def respond(status: int, body: bytes, headers: Headers) -> None:
        if not waiting.done():
            waiting.set_result((status, body, headers))
        elif not waiting.cancelled():
            counts.failed += 1
            logger.error("a handler answered %s twice", request.path)

    try:
        handler(request, respond)
        request.release()
    except Exception:
        counts.failed += 1
        logger.exception("the handler of %s failed", request.path)
        if not waiting.done():
            return 500, INTERNAL_ERROR, ()
    return await waiting


def _response(status: int, body: bytes, headers: Headers = ()) -> Response:
    kind = "application/json" if status < 400 else "application/problem+json"
    own = any(name.lower() == b"content-type" for name, _ in headers)
    response = Response(body, status_code=status, media_type=None if own else kind)
    response.raw_headers.extend((name.lower(), value) for name, value in headers)
    return response
