"""The hot path: a beacon's bytes in, its acknowledgement out, below Starlette.

`beacon_protocol(handlers)` is uvicorn's own httptools protocol with one door more. A complete POST
with Content-Length to a known path goes straight to its handler; no task, no future, no ASGI scope
is made. One whose head has been seen before does not even need the parser (see `heads`). Everything
else (other methods, chunked bodies, `Expect`, `Upgrade`, unknown paths, whatever is pipelined behind
an answer still owed) is replayed into uvicorn's parser callbacks as if nothing had been here;
`slow_path` serves the same handlers there.

Order of answers: a beacon is taken only when no request is active. Until it is answered, a
stand-in (`Beacon`) sits where uvicorn keeps its active cycle, so that uvicorn queues what comes
next behind it, and starts it when the answer is written.

Written against uvicorn 0.54 (pinned): it relies on `cycle`, `pipeline`, `flow` and the callbacks.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final
from urllib.parse import quote

import httptools
from uvicorn.config import Config
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from .door import BODY, BUSY, DRAIN, HEAD, IDLE, Door
from .events import MAX_BODY_BYTES
from .heads import MAX_KNOWN, MAX_MISSES, MISSES_FORGOTTEN, Cut, Head, agrees, cut, cut_lines
from .request import (
    BODY_TIMEOUT,
    BODY_TOO_LARGE,
    HEAD_TOO_LARGE,
    INTERNAL_ERROR,
    INVALID_REQUEST,
    OVERLOADED,
    Handler,
    Headers,
    Readable,
    Tally,
    for_nobody,
    header_map,
)
from .stand_in import CLOSE, Beacon, new_beacon

logger = logging.getLogger("habitue.beacon")

MAX_HEAD_BYTES = 65_536  # counted in whole packets, from the second packet of a head on
_RETRY: Headers = ((b"retry-after", b"1"), (b"connection", b"close"))


# Java's client offers HTTP/2 with its first request. The offer may be passed over (RFC 9110, 7.8), but the
# parser would pass over the body with it: so it does not hear of the offer.
_H2C: Final = re.compile(rb"\r\nupgrade(: ?h2c)\r\n", re.IGNORECASE)


class _BeaconProtocol(HttpToolsProtocol):
    """uvicorn's protocol with the door for beacons. Made by `beacon_protocol`."""

    # Read fast, and uvicorn's own attributes stay below the thirty that the interpreter lays out well.
    __slots__ = (
        "_between",
        "_head_bytes",
        "_in_head",
        "_is_old",
        "_known",
        "_misses",
        "_pairs",
        "_peer",
        "_proxy",
        "_receiving",
        "_tally",
        "_unknown",
        "door",
        "phase",
        "since",
        "undrained",
    )

    handlers: ClassVar[Mapping[bytes, tuple[str, Handler]]] = {}
    max_body_bytes: ClassVar[int] = MAX_BODY_BYTES
    head_timeout_seconds: ClassVar[float] = 10.0
    body_timeout_seconds: ClassVar[float] = 60.0
    leave_timeout_seconds: ClassVar[float] = 5.0
    readable: ClassVar[staticmethod[[bytes | None], Headers]] = staticmethod(for_nobody)
    tally: ClassVar[Tally]
    heads: ClassVar[dict[bytes, Head]]  # by what is left of them without the lines that change
    _doors: ClassVar[list[Door]]

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        pairs: list[tuple[bytes, bytes]] = []  # the header lines of the head that is being read
        note = pairs.append
        self._pairs = pairs
        self._known = self.heads  # an attribute of the class costs 0.1 µs
        self._tally = self.tally
        # The parser's; a page has seventeen, and so nothing is looked up on the way.
        self.on_header = lambda name, value: note((name.lower(), value))  # type: ignore[method-assign]
        super().__init__(config, server_state, app_state, _loop)
        self.ws_protocol_class = None  # an upgrade would take the transport from under a waiting beacon
        self.door = self._door()
        self.phase: int = HEAD
        self.since = self.door.tick
        self.undrained: Beacon | None = None  # answered, but the client does not read
        self._receiving: Beacon | None = None  # its body is on the way
        self._between = True  # the parser stands before a new message on a connection that lives on
        self._misses = 0  # heads in a row that were not known
        self._unknown: Cut | None = None  # the head that the parser is about to read
        self._in_head = False
        self._head_bytes = -1  # -1: the packet in which the head began
        self._is_old: bool | None = None  # HTTP/1.0
        self._peer: str | None = None
        self._proxy: Any = None  # the trusted hosts, when the peer is one of them

    def _door(self) -> Door:
        for door in self._doors:
            if door.state is self.server_state:
                return door
        patience = {
            IDLE: float(self.timeout_keep_alive),
            HEAD: self.head_timeout_seconds,
            BODY: self.body_timeout_seconds,
            DRAIN: self.body_timeout_seconds,
        }
        door = Door(self.server_state, self.loop, patience, self.tally)
        self._doors[:] = [door]  # a class serves one server at a time
        return door

    def enter(self, phase: int) -> None:
        """From now on the connection waits for something else."""
        self.phase = phase
        self.since = self.door.tick

    def close(self) -> None:
        """Close when what was written has been read."""
        self.enter(DRAIN)
        self.transport.close()

    # the connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self._peer = self.client[0] if self.client else None
        app = self.config.loaded_app
        if isinstance(app, ProxyHeadersMiddleware) and self._peer in app.trusted_hosts:
            self._proxy = app.trusted_hosts
        self.since = self.door.tick
        self.door.watch(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._receiving is not None:
            if not self._receiving.answered:
                self.tally.gone += 1
            self._receiving.answered = self._receiving.response_complete = True
            self._receiving = None
        self.undrained = None
        self.door.connections.discard(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._between:
            if self._misses < MAX_MISSES:
                if self._recognise(data):
                    return
            else:
                self._misses = (self._misses + 1) % MISSES_FORGOTTEN
            end = data.find(b"\r\n\r\n")
            if offer := _H2C.search(data, 0, len(data) if end < 0 else end + 2):
                data = b"%b\r\nX-Upgrade%b" % (data[: offer.start()], data[offer.start(1) :])
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._between = False
            self._unsupported_upgrade_warning()
        except httptools.HttpParserError:
            self._between = False
            self.logger.warning("Invalid HTTP request received.")
            self._refuse(400, INVALID_REQUEST)
        else:
            if self._in_head:
                self._head_bytes = 0 if self._head_bytes < 0 else self._head_bytes + len(data)
                if self._head_bytes > MAX_HEAD_BYTES:
                    self._refuse(431, HEAD_TOO_LARGE)

    def _refuse(self, status: int, body: bytes) -> None:
        """End the connection, after the answers still owed: a client would take this one for theirs."""
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete and not getattr(cycle, "more_body", False):
            cycle.keep_alive = False
            self.flow.pause_reading()
            return
        if self.transport.is_closing():
            return
        if cycle is None or cycle.response_complete or not cycle.response_started:
            origin = next((value for name, value in self._pairs if name == b"origin"), None)
            headers = [*CLOSE, *self.readable(origin)]
            self.transport.write(self.door.answer(status, body, headers, False))
        self.close()

    def resume_writing(self) -> None:
        super().resume_writing()
        if (beacon := self.undrained) is not None:
            self.undrained = None
            beacon.response_complete = True
            if beacon.keep_alive:
                self.on_response_complete()
            else:  # the server is shutting down
                self.close()

    def shutdown(self) -> None:
        super().shutdown()
        self.door.hurry(self, self.leave_timeout_seconds)

    def out_of_patience(self) -> None:
        """Called by the sweep: this phase has lasted too long."""
        if self.phase != IDLE:
            self.tally.timed_out += 1
        if self.phase == DRAIN:
            self.transport.abort()
        elif (beacon := self._receiving) is not None and not beacon.answered:
            beacon.keep_alive = False
            beacon.respond(408, BODY_TIMEOUT, self.readable(beacon.headers.get(b"origin")))
        else:
            self.close()

    def _recognise(self, data: bytes) -> bool:
        """Take a beacon that is all of `data` and whose head is known, past the parser."""
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            return False
        found = cut(data)
        if found is None:
            return False
        head = self._known.get(found[0])
        if head is None:
            found = cut_lines(data)
            if found is None:
                return False
            head = self._known.get(found[0])
            if head is None:
                self._unknown = found
                self._misses += 1
                return False
        self._misses = 0
        _, body, values = found
        if (
            len(body) > self.max_body_bytes
            or self.limit_concurrency is not None
            or self.transport.is_closing()
        ):
            return False
        beacon = new_beacon(Beacon)  # as its constructor, which costs 0.4 µs
        beacon.protocol = self
        beacon.path = head.path
        beacon.handler = head.handler
        beacon.query = head.query
        beacon.headers = head.headers | values
        beacon.body = body
        beacon.keep_alive = True
        beacon.pieces = None
        beacon.answered = beacon.response_complete = beacon.disconnected = False
        self.cycle = beacon  # type: ignore[assignment]  # the stand-in
        self._handle(beacon, head.forwarded or b"x-forwarded-for" in values)
        return True

    # the parser

    def on_message_begin(self) -> None:
        self._between = False
        self.url = b""
        self._pairs.clear()
        self._in_head = True
        self._head_bytes = -1
        if self.phase == IDLE:
            self.phase = HEAD
            self.since = self.door.tick

    def on_headers_complete(self) -> None:
        self._in_head = False
        unknown, self._unknown = self._unknown, None
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            path, _, query = self.url.partition(b"?")
            known = self.handlers.get(path)
            if known is not None and self._take(known[0], known[1], query, unknown):
                return
        self._fall_through()

    def _take(self, path: str, handler: Handler, query: bytes, unknown: Cut | None) -> bool:
        """Begin a beacon, if this request is one."""
        parser = self.parser
        headers = dict(self._pairs)
        length = headers.get(b"content-length")  # digits, once, without Transfer-Encoding: llhttp saw to it
        if (
            length is None
            or parser.get_method() != b"POST"
            or b"transfer-encoding" in headers
            or b"expect" in headers
            or b"upgrade" in headers
            or (query and b"#" in query)  # bytes try what is sought as a number first: 0.4 µs
        ):
            return False
        if len(headers) != len(self._pairs):
            headers = header_map(self._pairs)
        keep_alive = parser.should_keep_alive()
        if keep_alive and self._is_old is None:
            self._is_old = (
                parser.get_http_version() == "1.0"
            )  # a client keeps its version; asking costs 0.5 µs
        if self._is_old:
            keep_alive = False
        if keep_alive and unknown is not None:
            constant = agrees(unknown, self.url, self._pairs)
            if constant is not None:
                heads = self.heads
                heads[unknown[0]] = Head(path, query, handler, constant)
                if len(heads) > MAX_KNOWN:
                    del heads[next(iter(heads))]
        self._pairs.clear()
        beacon = Beacon(self, path, handler, query, headers, keep_alive)
        self.cycle = beacon  # type: ignore[assignment]  # the stand-in
        self._receiving = beacon
        self.phase = BODY
        self.since = self.door.tick
        if self.transport.is_closing():  # sent after a "Connection: close": not to be processed
            beacon.answered = beacon.response_complete = True
        elif int(length) > self.max_body_bytes:
            # answered at once and kept alive, as Starlette's way does; the rest is read past
            self.tally.too_large += 1
            beacon.respond(413, BODY_TOO_LARGE, self.readable(headers.get(b"origin")))
            self.enter(BODY)
        elif self.limit_concurrency is not None and (
            len(self.connections) >= self.limit_concurrency or len(self.tasks) >= self.limit_concurrency
        ):
            self.tally.overloaded += 1
            beacon.keep_alive = False
            beacon.respond(503, OVERLOADED, [*_RETRY, *self.readable(headers.get(b"origin"))])
        return True

    def _fall_through(self) -> None:
        """Replay the head into uvicorn's own callbacks."""
        if self.phase != DRAIN:  # queued behind an answer that is not read, it changes no patience
            self.phase = BUSY
        url = self.url
        super().on_message_begin()
        super().on_url(url)
        for name, value in self._pairs:
            super().on_header(name, value)
        super().on_headers_complete()  # trailers of a chunked body go to `_pairs`, not to the app

    def on_body(self, body: bytes) -> None:
        beacon = self._receiving
        if beacon is None:
            self.since = self.door.tick  # an early answer may have begun the idle time
            super().on_body(body)
        elif beacon.answered:
            pass
        elif not beacon.body:
            beacon.body = body
        elif beacon.pieces is None:
            beacon.pieces = bytearray(beacon.body) + body
        else:
            beacon.pieces += body

    def on_message_complete(self) -> None:
        self._between = self.parser.should_keep_alive()
        beacon = self._receiving
        if beacon is None:
            super().on_message_complete()
            return
        self._receiving = None
        if beacon.answered:
            self.enter(DRAIN if self.transport.is_closing() else IDLE)
            return
        if beacon.pieces is not None:
            beacon.body = bytes(beacon.pieces)
        self._handle(beacon, True)

    def _handle(self, beacon: Beacon, forwarded: bool) -> None:
        """Hand a complete request to its handler. `forwarded`: a proxy may have said for whom it speaks."""
        self.phase = BUSY
        self._tally.beacons += 1
        beacon.peer = self._peer
        beacon.scheme = self.scheme or "http"
        if forwarded and self._proxy is not None:
            self._see_through(beacon)
        try:
            beacon.handler(beacon, beacon.respond)
            beacon.release()
        except Exception:
            self.tally.failed += 1
            logger.exception("the handler of %s failed", beacon.path)
            if not beacon.answered:
                beacon.respond(500, INTERNAL_ERROR, self.readable(beacon.headers.get(b"origin")))

    def _see_through(self, beacon: Beacon) -> None:
        """Peer and scheme as a trusted proxy tells them, by the rule of uvicorn's ProxyHeadersMiddleware."""
        headers = beacon.headers
        if b"x-forwarded-proto" in headers:
            told = headers[b"x-forwarded-proto"].decode("latin1").strip()
            if told in {"http", "https", "ws", "wss"}:
                beacon.scheme = told
        chain = headers.get(b"x-forwarded-for")
        if chain:
            beacon.peer = self._proxy.get_trusted_client_address(chain.decode("latin1"))[0] or beacon.peer

    # answers

    def on_response_complete(self) -> None:
        """As uvicorn's, with the sweep in place of a timer for every idle connection."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            self.enter(DRAIN)
            return
        if self.flow.read_paused:
            self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self.phase = BUSY
            self._start_asgi_task(cycle, app)
        else:
            self.phase = HEAD if self._in_head else IDLE
            self.since = self.door.tick

    def log_access(self, beacon: Beacon, status: int) -> None:
        """uvicorn's access line."""
        path = quote(beacon.path)
        if beacon.query:
            path += "?" + beacon.query.decode("latin1")
        client = f"{self.client[0]}:{self.client[1]}" if self.client else ""
        self.access_logger.info('%s - "%s %s HTTP/%s" %d', client, "POST", path, "1.1", status)


def beacon_protocol(
    handlers: Mapping[str, Handler],
    *,
    root_path: str = "",
    max_body_bytes: int = MAX_BODY_BYTES,
    head_timeout_seconds: float = 10.0,
    body_timeout_seconds: float = 60.0,
    leave_timeout_seconds: float = 5.0,
    tally: Tally | None = None,
    readable: Readable = for_nobody,
) -> type[HttpToolsProtocol]:
    """A protocol class for `uvicorn.Config(http=…)` that serves these paths below Starlette.

    The same paths must be mounted in the app with `slow_path.starlette_endpoint`. `root_path` is
    uvicorn's. A head must be complete `head_timeout_seconds` after its first byte, a beacon's body
    `body_timeout_seconds` after its head; a client that does not read its answers has as long. Once
    the server shuts down nobody gets more than `leave_timeout_seconds`. `readable` says which pages may
    read what is refused before a handler sees it.
    """
    return type(
        "BeaconProtocol",
        (_BeaconProtocol,),
        {
            "handlers": {
                path.encode("ascii"): (root_path + path, handler) for path, handler in handlers.items()
            },
            "max_body_bytes": max_body_bytes,
            "head_timeout_seconds": head_timeout_seconds,
            "body_timeout_seconds": body_timeout_seconds,
            "leave_timeout_seconds": leave_timeout_seconds,
            "readable": staticmethod(readable),
            "tally": tally if tally is not None else Tally(),
            "heads": {},
            "_doors": [],
        },
    )
