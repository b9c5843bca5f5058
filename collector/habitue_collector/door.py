"""What all beacon connections of one server share: the heads of answers, and patience with slow clients.

uvicorn's httptools protocol has no limit for slow heads and bodies, and one timer per answer for
idle connections. One sweep a second does both here, for all connections of a server.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Mapping
from typing import Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE
from uvicorn.server import ServerState

from .request import INTERNAL_ERROR, Headers, Prepared, Tally

logger = logging.getLogger("habitue.beacon")

# What a connection is waiting for; each but the last has its patience. Plain numbers: an enum's
# attribute costs 40 ns, and five of them are touched per beacon.
IDLE = 0  # for the next request
HEAD = 1  # for the rest of a head
BODY = 2  # for the rest of a beacon's body
DRAIN = 3  # for the client to read
BUSY = 4  # for us


class Patient(Protocol):
    """A connection as the sweep sees it."""

    phase: int
    since: int  # the tick at which the phase began

    def out_of_patience(self) -> None: ...


class Door:
    """What all connections of one server share: the heads of answers and the patience with slow clients."""

    def __init__(
        self, state: ServerState, loop: asyncio.AbstractEventLoop, patience: Mapping[int, float], tally: Tally
    ) -> None:
        self.state = state
        self.loop = loop
        self.tally = tally
        self.tick = 0
        self.connections: set[Patient] = set()
        self._interval = min(1.0, *(max(0.05, seconds / 4) for seconds in patience.values()))
        self._ticks = {phase: math.ceil(seconds / self._interval) for phase, seconds in patience.items()}
        self._sweeping = False
        self._source: list[tuple[bytes, bytes]] | None = None
        self._common = self._ok = self._last = self._last_body = b""
        self._last_headers: Prepared | None = None

    def acknowledgement(self, body: bytes, headers: Prepared) -> bytes:
        """A whole 200 on a connection that lives on. One after the other is the same, as long as a second."""
        if self.state.default_headers is not self._source:
            self._refresh()
        if body is not self._last_body or headers is not self._last_headers:
            self._last_body, self._last_headers = body, headers
            self._last = b"%b%d\r\n%b\r\n%b" % (self._ok, len(body), headers.lines, body)
        return self._last

    def answer(self, status: int, body: bytes, headers: Headers, keep_alive: bool) -> bytes:
        """A whole answer as bytes."""
        own = b"".join([b"%b: %b\r\n" % pair for pair in headers])
        if own.count(b"\n") != len(headers) or own.count(b"\r") != len(headers) or b"\0" in own:
            self.tally.failed += 1
            logger.error("a header of an answer holds a line break: %r", headers)
            status, body, headers, own = 500, INTERNAL_ERROR, (), b""
        if self.state.default_headers is not self._source:
            self._refresh()
        if b"content-type: " in own and any(name.lower() == b"content-type" for name, _ in headers):
            kind = b""
        elif status < 400:
            kind = b"content-type: application/json\r\n"
        else:
            kind = b"content-type: application/problem+json\r\n"
        if not keep_alive and b"connection: close\r\n" not in own:
            own += b"connection: close\r\n"
        return b"%b%b%bcontent-length: %d\r\n%b\r\n%b" % (
            STATUS_LINE[status],
            self._common,
            kind,
            len(body),
            own,
            body,
        )

    def _refresh(self) -> None:
        self._source = self.state.default_headers
        self._last_headers = None
        self._common = b"".join([b"%b: %b\r\n" % pair for pair in self._source])
        self._ok = b"%b%bcontent-type: application/json\r\ncontent-length: " % (
            STATUS_LINE[200],
            self._common,
        )

    def hurry(self, connection: Patient, seconds: float) -> None:
        """The server is going: what is still missing must come within so many seconds."""
        allowed = self._ticks.get(connection.phase)
        if allowed is not None:
            spent = allowed - math.ceil(seconds / self._interval)
            connection.since = min(connection.since, self.tick - spent)

    def watch(self, connection: Patient) -> None:
        """Have an eye on it, until `connections.discard`."""
        self.connections.add(connection)
        if not self._sweeping:
            self._sweeping = True
            self.loop.call_later(self._interval, self._sweep)

    def _sweep(self) -> None:
        self.tick += 1
        for connection in list(self.connections):
            allowed = self._ticks.get(connection.phase)
            if allowed is not None and self.tick - connection.since > allowed:
                connection.out_of_patience()
        if self.connections:
            self.loop.call_later(self._interval, self._sweep)
        else:
            self._sweeping = False
