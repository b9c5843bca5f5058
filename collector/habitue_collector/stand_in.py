"""A beacon on its way, in the place where uvicorn keeps its active cycle (see `beacon`)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from .door import DRAIN, HEAD, IDLE
from .request import Handler, Headers, Prepared, Request

if TYPE_CHECKING:
    from .beacon import _BeaconProtocol

logger = logging.getLogger("habitue.beacon")

CLOSE: Headers = ((b"connection", b"close"),)


class NoEvent:
    """uvicorn wakes its active cycle through this; a beacon has nobody asleep."""

    def set(self) -> None:
        pass


class Beacon(Request):
    """A request on its way, and uvicorn's active cycle as far as uvicorn looks at it."""

    __slots__ = (
        "answered",
        "disconnected",
        "handler",
        "keep_alive",
        "pieces",
        "protocol",
        "response_complete",
    )
    message_event: ClassVar[NoEvent] = NoEvent()

    def __init__(
        self,
        protocol: _BeaconProtocol,
        path: str,
        handler: Handler,
        query: bytes,
        headers: dict[bytes, bytes],
        keep_alive: bool,
    ) -> None:
        self.protocol = protocol
        self.path = path
        self.handler = handler
        self.query = query
        self.headers = headers
        self.keep_alive = keep_alive
        self.body = b""
        self.pieces: bytearray | None = None  # of a body that comes in more than one
        self.answered = self.response_complete = self.disconnected = False

    def respond(self, status: int, body: bytes, headers: Headers = ()) -> None:
        """`request.Respond`, in the loop's thread."""
        protocol = self.protocol
        if self.answered:
            protocol.tally.failed += 1
            logger.error("a handler answered %s twice", self.path)
            return
        self.answered = True
        transport = protocol.transport
        if transport.is_closing():
            self.response_complete = True
            protocol.tally.gone += 1
            return
        if protocol.access_log:
            protocol.log_access(self, status)
        door = protocol.door
        if status == 200 and self.keep_alive and type(headers) is Prepared:
            transport.write(door.acknowledgement(body, headers))
        else:
            if CLOSE[0] in headers:
                self.keep_alive = False
            transport.write(door.answer(status, body, headers, self.keep_alive))
        if not self.keep_alive:
            self.response_complete = True
            protocol.server_state.total_requests += 1
            protocol.close()
        elif protocol.flow.write_paused:
            protocol.undrained = self
            protocol.enter(DRAIN)
        elif protocol.pipeline or protocol.flow.read_paused:
            self.response_complete = True
            protocol.on_response_complete()
        else:  # the same, for nobody waits behind it
            self.response_complete = True
            protocol.server_state.total_requests += 1
            protocol.phase = HEAD if protocol._in_head else IDLE
            protocol.since = door.tick


new_beacon: Callable[[type[Beacon]], Beacon] = object.__new__
