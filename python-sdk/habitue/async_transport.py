"""HTTP/1.1 for event loops: asyncio's streams, h11's reading and writing, connections kept per loop."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from habitue.transport import (
    IDLE_SECONDS,
    MAX_ANSWER_BYTES,
    MAX_IDLE_CONNECTIONS,
    Request,
    Response,
    TransportError,
)

PIECE = 65_536
Headers = Sequence[tuple[bytes, bytes]]
Body = bytes | AsyncIterator[bytes]


class AsyncHTTPTransport:
    """Requests of one event loop at a time to one host."""

    def __init__(self, host: str, context: ssl.SSLContext | None = None) -> None:
        """`host` as in `https://shop.example:8443/habitue`; raises ValueError when it is no such address."""
        split = urlsplit(host)
        if split.scheme not in ("http", "https") or not split.hostname:
            raise ValueError(f"no http(s) address: {host!r}")
        self._name = split.hostname
        self._ssl = (context or ssl.create_default_context()) if split.scheme == "https" else None
        self._port = split.port or (443 if self._ssl else 80)
        self._host = split.netloc.rpartition("@")[2].encode("idna" if not split.netloc.isascii() else "ascii")
        self._prefix = split.path.rstrip("/").encode("ascii", "replace")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._idle: list[tuple[_Connection, float]] = []

    async def send(self, request: Request, seconds: float) -> Response:
        """The whole answer within `seconds`; raises TransportError."""
        headers = [(name.encode(), value.encode("latin-1")) for name, value in request.headers.items()]
        headers.append((b"host", self._host))
        try:
            async with asyncio.timeout(seconds):
                answer = await self.stream(
                    request.method.encode(),
                    request.path.encode("ascii"),
                    headers,
                    request.body,
                    seconds=None,  # one timer: with two, each would cancel what the other is cancelling
                )
                try:
                    body = b""
                    async for piece in answer.pieces():
                        body += piece
                        if len(body) > MAX_ANSWER_BYTES:
                            raise TransportError("unreachable", "the answer is too long")
                finally:
                    answer.close()
        except TimeoutError as error:
            raise TransportError("deadline", error) from None
        named = {name.decode("latin-1"): value.decode("latin-1") for name, value in answer.headers}
        return Response(answer.status, body, named)

    async def stream(
        self,
        method: bytes,
        target: bytes,
        headers: Headers,
        body: Body,
        *,
        seconds: float | None,
        length: int | None = None,
    ) -> AsyncStreamed:
        """A request and its answer in pieces, for a proxy; raises TransportError.

        `body` as pieces needs their `length` in bytes, or is sent chunked. `seconds` is the patience until
        the answer begins, and for each further piece. What `body` raises comes through.
        """
        import h11

        whole = isinstance(body, bytes)
        connection, fresh = (self._take() if whole else None), False
        while True:
            try:
                async with asyncio.timeout(seconds):
                    if connection is None:
                        connection, fresh = await _Connection.open(self._name, self._port, self._ssl), True
                    head = await connection.begin(method, self._prefix + target, headers, body, length)
                return AsyncStreamed(self, connection, head, seconds)
            except TimeoutError as error:
                _abort(connection)
                raise TransportError("deadline", error) from None
            except (OSError, EOFError, h11.ProtocolError, ValueError) as error:
                _abort(connection)
                # The server may close a kept connection just when we write to it. Requests are idempotent.
                if fresh or connection is None or isinstance(error, ssl.SSLCertVerificationError):
                    raise TransportError("unreachable", error) from None
                connection = None
            except BaseException:
                _abort(connection)
                raise

    async def close(self) -> None:
        idle, self._idle = self._idle, []
        for connection, _ in idle:
            connection.abort()
        await asyncio.sleep(0)  # their transports tell the loop in its next round

    def give_back(self, connection: _Connection) -> None:
        if len(self._idle) < MAX_IDLE_CONNECTIONS and asyncio.get_running_loop() is self._loop:
            self._idle.append((connection, time.monotonic()))
        else:
            connection.abort()

    def _take(self) -> _Connection | None:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:  # those of another loop are of no use, and not ours to close
            self._loop, self._idle = loop, []
        oldest = time.monotonic() - IDLE_SECONDS
        while self._idle:
            connection, since = self._idle.pop()
            if since >= oldest and not connection.is_over:
                return connection
            connection.abort()
        return None


class AsyncStreamed:
    """An answer whose body comes in pieces: iterate `pieces`, then `close`. Header names are lower case."""

    def __init__(
        self, transport: AsyncHTTPTransport, connection: _Connection, head: Any, seconds: float | None
    ) -> None:
        self.status: int = head.status_code
        self.headers: list[tuple[bytes, bytes]] = list(head.headers)
        self._transport = transport
        self._connection: _Connection | None = connection
        self.patience = seconds

    async def pieces(self) -> AsyncIterator[bytes]:
        """Raises TransportError when the body breaks off."""
        import h11

        connection = self._connection
        if connection is None:
            return
        try:
            while True:
                async with asyncio.timeout(self.patience):
                    event = await connection.next_event()
                if isinstance(event, h11.Data):
                    yield bytes(event.data)
                elif isinstance(event, h11.EndOfMessage):
                    break
        except TimeoutError as error:
            raise TransportError("deadline", error) from None
        except (OSError, EOFError, h11.ProtocolError) as error:
            raise TransportError("unreachable", error) from None
        if connection.starts_anew():
            self._connection = None
            self._transport.give_back(connection)

    def close(self) -> None:
        """Give the connection up if the body was not read to its end."""
        if self._connection is not None:
            self._connection.abort()
            self._connection = None


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        import h11

        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.CLIENT)

    @classmethod
    async def open(cls, name: str, port: int, context: ssl.SSLContext | None) -> _Connection:
        reader, writer = await asyncio.open_connection(name, port, ssl=context, limit=PIECE)
        return cls(reader, writer)

    @property
    def is_over(self) -> bool:
        return self._writer.is_closing() or self._reader.at_eof()

    async def begin(
        self, method: bytes, target: bytes, headers: Headers, body: Body, length: int | None
    ) -> Any:
        """Send a request; the answer's head."""
        import h11

        framing: list[tuple[bytes, bytes]] = []
        if isinstance(body, bytes):
            if body or method not in (b"GET", b"HEAD", b"OPTIONS"):
                framing.append((b"content-length", b"%d" % len(body)))
        elif length is None:
            framing.append((b"transfer-encoding", b"chunked"))
        else:
            framing.append((b"content-length", b"%d" % length))
        send = self._http.send
        head = send(h11.Request(method=method, target=target, headers=[*headers, *framing])) or b""
        if isinstance(body, bytes):
            data = (send(h11.Data(data=body)) or b"") if body else b""
            self._writer.write(head + data + (send(h11.EndOfMessage()) or b""))
        else:
            self._writer.write(head)
            async for piece in body:
                if piece:
                    self._writer.write(send(h11.Data(data=piece)) or b"")
                    await self._writer.drain()
            self._writer.write(send(h11.EndOfMessage()) or b"")
        await self._writer.drain()
        while True:
            event = await self.next_event()
            if isinstance(event, h11.Response):
                return event
            if not isinstance(event, h11.InformationalResponse):
                raise EOFError("no answer")

    async def next_event(self) -> Any:
        import h11

        while True:
            event = self._http.next_event()
            if event is not h11.NEED_DATA:
                return event
            self._http.receive_data(await self._reader.read(PIECE))

    def starts_anew(self) -> bool:
        """Whether another request may follow."""
        import h11

        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
            return True
        return False

    def abort(self) -> None:
        with suppress(OSError, RuntimeError):  # the loop may be closed already
            self._writer.transport.abort()


def _abort(connection: _Connection | None) -> None:
    if connection is not None:
        connection.abort()
