"""From a web worker's `/console` to the console's own process, as a stream: one address for browsers.

The worker knows who connected (trusted proxies considered) and says it in headers that it alone may set: what
a client sends under these names is dropped here. The other end is `handed.py`, behind a unix socket that only
this user can open.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from habitue_collector.proxies import seen_through, trusted_networks
from habitue_collector.settings import Settings

from .handed import PEER, PREFIX, SCHEME
from .security import HEADERS

if TYPE_CHECKING:
    import httpx

_log = logging.getLogger("habitue.console")

SOCKET = "run/console.sock"  # below the data folder
STARTING_SECONDS = 10.0  # how long a page waits for the process: it is starting, or starting again
_POLL_SECONDS = 0.1
_MAX_CONNECTIONS = 64
_HOP = frozenset(
    {
        b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection",
        b"te", b"trailer", b"transfer-encoding", b"upgrade",
    }
)  # fmt: skip
_AWAY = (
    b"<!doctype html><meta charset=utf-8><meta http-equiv=refresh content=2><title>Console</title>"
    b"<p>The console is starting. This page loads again by itself.\n"
)


class ConsoleProxy:
    """The ASGI app to mount at `/console`. httpx is imported at the first request: beacons need none.

    Only httpx' transport is used: its client has a jar, and would send one visitor's cookies for the next.
    """

    def __init__(self, settings: Settings) -> None:
        self._socket = settings.data.folder.resolve() / SOCKET
        self._trusted = trusted_networks(settings.server.trusted_proxies)
        self._transport: httpx.AsyncHTTPTransport | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        answer = await self._answer(Request(scope, receive))
        await answer(scope, receive, send)

    async def close(self) -> None:
        if self._transport is not None:
            await self._transport.aclose()

    async def _answer(self, request: Request) -> Response:
        import httpx

        if self._transport is None:
            self._transport = _transport(self._socket)
        upstream = httpx.Request(
            request.method,
            httpx.URL(scheme="http", host="console", raw_path=_target(request)),
            headers=self._headers(request),
            content=request.stream() if _has_body(request) else None,
            # A live tail may be silent for long.
            extensions={"timeout": {"connect": 2.0, "read": None, "write": 60.0, "pool": 60.0}},
        )
        waited = 0.0
        while True:
            try:
                answered = await self._transport.handle_async_request(upstream)
                break
            except httpx.ConnectError:  # nothing was sent yet
                if waited >= STARTING_SECONDS:
                    return _away()
                waited += _POLL_SECONDS
                await asyncio.sleep(_POLL_SECONDS)
            except ClientDisconnect:
                return Response(status_code=400)  # nobody reads it
            except httpx.HTTPError as error:
                _log.warning("the console's process did not answer: %s (%s)", error, type(error).__name__)
                return _away()
        kept = [(name, value) for name, value in answered.headers.raw if name.lower() not in _HOP]
        response = StreamingResponse(_body(answered), answered.status_code)
        response.raw_headers = kept
        return response

    def _headers(self, request: Request) -> list[tuple[bytes, bytes]]:
        headers = request.scope["headers"]
        given = dict(headers)
        peer, scheme = seen_through(
            self._trusted,
            request.client.host if request.client else None,
            request.scope["scheme"],
            b", ".join(value for name, value in headers if name == b"x-forwarded-for") or None,
            given.get(b"x-forwarded-proto"),
        )
        kept = [(name, value) for name, value in headers if name not in _HOP and not name.startswith(PREFIX)]
        return [*kept, (PEER, (peer or "").encode("latin-1", "replace")), (SCHEME, scheme.encode())]


def _transport(socket: Path) -> httpx.AsyncHTTPTransport:
    import httpx

    # Each request has a connection of its own, 0.1 ms over a unix socket: the console may close one that is
    # kept in the moment in which a form is sent over it, and nobody would know whether it was saved.
    limits = httpx.Limits(max_connections=_MAX_CONNECTIONS, max_keepalive_connections=0)
    return httpx.AsyncHTTPTransport(uds=str(socket), limits=limits)


def _target(request: Request) -> bytes:
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    query: bytes = request.scope["query_string"]
    return raw + (b"?" + query if query else b"")


def _has_body(request: Request) -> bool:
    length = request.headers.get("content-length")
    return (length is not None and length != "0") or "transfer-encoding" in request.headers


async def _body(answered: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for piece in answered.aiter_raw():
            yield piece
    finally:
        await answered.aclose()


def _away() -> Response:
    return Response(_AWAY, 503, {**HEADERS, "retry-after": "2", "cache-control": "no-store"}, "text/html")
