"""HTTP/1.1 by hand: cheap enough for a hundred impatient clients in one process, and it hides nothing."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True)
class Reply:
    """`status` 0: no answer (refused, cut off, too late). Whether the server acted on it is unknown."""

    status: int
    headers: dict[str, str]
    body: bytes


NO_ANSWER = Reply(0, {}, b"")


class HttpClient:
    """Connections to one address, kept alive; parallel requests go over different ones, so to any worker."""

    def __init__(self, host: str, port: int, patience_seconds: float = 2.0) -> None:
        self._host = host
        self._port = port
        self._patience = patience_seconds
        self._idle: list[Connection] = []

    async def post(
        self, path: str, body: bytes, headers: dict[str, str] | None = None, patience: float | None = None
    ) -> Reply:
        """One attempt; nothing is sent twice in here. `patience` seconds after which the line is cut."""
        lines = [
            f"POST {path} HTTP/1.1",
            f"Host: {self._host}:{self._port}",
            f"Content-Length: {len(body)}",
            *(f"{name}: {value}" for name, value in (headers or {}).items()),
        ]
        head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
        connection: Connection | None = None
        try:
            async with asyncio.timeout(self._patience if patience is None else patience):
                connection = (
                    self._idle.pop() if self._idle else await asyncio.open_connection(self._host, self._port)
                )
                connection[1].write(head + body)
                reply = await self._read(connection[0])
        except (OSError, EOFError, TimeoutError, ValueError):
            self._drop(connection)
            return NO_ANSWER
        except asyncio.CancelledError:
            self._drop(connection)
            raise
        if reply.headers.get("connection") == "close":
            self._drop(connection)
        else:
            self._idle.append(connection)
        return reply

    async def close(self) -> None:
        while self._idle:
            self._drop(self._idle.pop())
        await asyncio.sleep(0)

    @staticmethod
    async def _read(reader: asyncio.StreamReader) -> Reply:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {}
        for line in head[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = await reader.readexactly(int(headers["content-length"]))
        return Reply(int(head[0].split()[1]), headers, body)

    @staticmethod
    def _drop(connection: Connection | None) -> None:
        if connection is not None:
            with suppress(OSError, RuntimeError):
                connection[1].transport.abort()
