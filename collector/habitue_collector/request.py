"""What an endpoint of the hot paths gets and how it answers, however the bytes came in.

A handler is a plain function. It may answer before it returns or any time later (after Redis
replied), so no task and no future is spent on a beacon. `beacon` serves handlers below Starlette,
`slow_path` mounts the same handlers in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any

import orjson

Headers = tuple[tuple[bytes, bytes], ...] | list[tuple[bytes, bytes]]


@dataclass(slots=True)
class Request:
    """One complete request.

    `headers` has lower-case names. Of a header sent twice the last one wins, but for `cookie`
    (joined by "; ") and `x-forwarded-for` (joined by ", "). `body` is as it was sent: compressed
    bodies are the handler's business. `peer` is the address of the client, behind trusted proxies
    too; None on a unix socket.

    `headers` and `body` are there until the handler returns: most requests then wait for Redis, and
    memory that is free again at once stays in the processor's cache for the next one.
    """

    path: str
    query: bytes
    headers: dict[bytes, bytes]
    body: bytes
    peer: str | None
    scheme: str

    def release(self) -> None:
        """The handler has returned: what only it needed goes."""
        self.headers = _NOTHING
        self.body = b""


_NOTHING: dict[bytes, bytes] = {}


class Prepared(tuple[tuple[bytes, bytes], ...]):
    """Headers that many answers share, already as lines. Whoever adds to them makes a list."""

    lines: bytes

    def __new__(cls, pairs: Iterable[tuple[bytes, bytes]] = ()) -> Prepared:
        """Raises ValueError for a name or value that holds a line break."""
        made = super().__new__(cls, pairs)
        made.lines = b"".join([b"%b: %b\r\n" % pair for pair in made])
        if made.lines.count(b"\n") + made.lines.count(b"\r") != 2 * len(made) or b"\0" in made.lines:
            raise ValueError("a header holds a line break")
        return made


NO_HEADERS = Prepared()

Respond = Callable[[int, bytes, Headers], None]
"""`respond(status, body, headers)`: exactly once, now or later, in the event loop's thread.

The content type is `application/json`, for a status of 400 and above `application/problem+json`,
unless `headers` brings its own. Length, date and connection headers are added. When the client
has gone the call does nothing.
"""

Readable = Callable[[bytes | None], Headers]
"""The headers that let a page of this origin read a refusal; none for an origin that is no key's."""


def for_nobody(origin: bytes | None) -> Headers:
    """No page reads a refusal: it sees that the network failed."""
    return NO_HEADERS


Handler = Callable[[Request, Respond], None]
"""Promises not to raise: every input has an answer. What it raises all the same is our bug,
logged, counted and answered as a 500."""


@dataclass(slots=True)
class Tally:
    """What happened at the door, for the metrics."""

    beacons: int = 0  # complete requests handed to a handler
    gone: int = 0  # the client left before its answer was written
    too_large: int = 0  # 413
    timed_out: int = 0  # a head, a body or a reader that took too long
    overloaded: int = 0  # 503 by uvicorn's limit_concurrency
    failed: int = 0  # a handler raised or answered twice: always our bug


_JOINED = {b"cookie": b"; ", b"x-forwarded-for": b", "}


def header_map(pairs: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Header lines (lower-case names) as `Request.headers` wants them."""
    headers: dict[bytes, bytes] = {}
    for name, value in pairs:
        if name in headers and (glue := _JOINED.get(name)) is not None:
            value = headers[name] + glue + value
        headers[name] = value
    return headers


def from_scope(scope: Mapping[str, Any], body: bytes) -> Request:
    """The request behind an ASGI scope, for endpoints that have one."""
    client = scope.get("client")
    return Request(
        scope["path"],
        scope["query_string"],
        header_map(scope["headers"]),
        body,
        client[0] if client else None,
        scope["scheme"],
    )


def is_secure(request: Request) -> bool:
    """Cookies are `Secure`, except where plain http stays on this machine."""
    return request.scheme == "https" or not _is_local(request.peer)


@lru_cache(1_024)
def _is_local(peer: str | None) -> bool:
    if peer is None:
        return True
    try:
        return ip_address(peer).is_loopback
    except ValueError:
        return False


def problem(status: int, code: str, message: str) -> bytes:
    """The body of an `application/problem+json` answer (RFC 9457), with `code` and `message`."""
    return orjson.dumps(
        {
            "type": "about:blank",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "code": code,
            "message": message,
        }
    )


BODY_TOO_LARGE = problem(413, "body_too_large", "The body is larger than this server takes.")
BODY_TIMEOUT = problem(408, "body_timeout", "The body did not arrive in time.")
INTERNAL_ERROR = problem(500, "internal_error", "Something went wrong here. It has been noted.")
OVERLOADED = problem(503, "overloaded", "The server is busy. Please send this again a little later.")
INVALID_REQUEST = problem(400, "invalid_request", "This is not an HTTP request that can be read.")
HEAD_TOO_LARGE = problem(431, "head_too_large", "The headers are larger than this server takes.")
