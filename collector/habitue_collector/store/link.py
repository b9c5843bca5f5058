"""The committer's own connection to Redis: packed bytes out, a list of replies back by callback.

One `send` is one write; replies come in order, so any number of sends may be under way. Why not
redis-py: docs/decisions/0002-own-redis-link.md. Protocol: RESP2, https://redis.io/docs/latest/develop/reference/protocol-spec/.

A `Link` never connects by itself. Its owner calls `reconnect` when it has decided what the loss
means for it, and learns of a loss by the callbacks of what was under way and by `on_lost`.
"""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
from collections import deque
from collections.abc import Callable
from typing import Any, Self, cast

import hiredis

from .redis_url import RedisUrl
from .resp import pack

logger = logging.getLogger("habitue.link")

Done = Callable[["list[object] | Exception"], None]

_MISSING = object()  # what the reader says while a reply is incomplete; None is a reply
FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 2.0


class ReplyError(Exception):
    """Redis refused one command; it stands in the list of replies at that command's place."""

    @property
    def code(self) -> str:
        """The first word: `ERR`, `NOSCRIPT`, `LOADING`, `OOM`, …"""
        return str(self).partition(" ")[0]


class LinkLost(ConnectionError):
    """The connection is gone. Whether Redis still executed what was under way cannot be known."""


class Link:
    """One connection to one Redis.

    `reply_timeout_seconds`: when something is under way and nothing at all comes for so long, the
    server counts as gone. It must be longer than the longest blocking command sent.
    `on_lost` is called once for each loss, after the callbacks of what was under way.
    """

    def __init__(
        self,
        url: str,
        *,
        reply_timeout_seconds: float = 5.0,
        connect_timeout_seconds: float = 5.0,
        on_lost: Callable[[Exception], None] | None = None,
    ) -> None:
        self.url = RedisUrl.parse(url)
        self.reply_timeout_seconds = reply_timeout_seconds
        self.connect_timeout_seconds = connect_timeout_seconds
        self._on_lost = on_lost
        self._wire: _Wire | None = None
        self._closed = False
        self._connecting = asyncio.Lock()

    @classmethod
    async def connect(cls, url: str, **options: Any) -> Self:
        """A connected link; raises LinkLost when the first attempt fails."""
        link = cls(url, **options)
        await link.reconnect(attempts=1)
        return link

    @property
    def connected(self) -> bool:
        return self._wire is not None

    @property
    def under_way(self) -> int:
        """Sends whose replies have not all come."""
        return len(self._wire.waiting) if self._wire else 0

    def send(self, packed: bytes, replies: int, done: Done) -> None:
        """Write `packed`, which holds `replies` commands; `done` gets that many replies, or LinkLost.

        A reply is bytes, int, None, a list of these, or a ReplyError. `done` is called exactly once,
        never before `send` returns; it must not raise.
        """
        wire = self._wire
        if wire is None:
            asyncio.get_running_loop().call_soon(done, LinkLost(f"no connection to {self.url}"))
        else:
            wire.send(packed, replies, done)

    async def ask(self, *commands: bytes) -> list[object]:
        """Packed commands, awaited: for what is no hot path. Raises LinkLost."""
        answer: asyncio.Future[list[object]] = asyncio.get_running_loop().create_future()

        def done(result: list[object] | Exception) -> None:
            if answer.done():
                return
            if isinstance(result, Exception):
                answer.set_exception(result)
            else:
                answer.set_result(result)

        self.send(b"".join(commands), len(commands), done)
        return await answer

    async def reconnect(self, *, attempts: int | None = None) -> None:
        """Connect unless connected, with growing pauses (20 ms to 2 s, jittered) between attempts.

        `attempts=None` tries for ever. A server that still loads its data counts as not there yet.
        Raises LinkLost after the last attempt, and at once when the server refuses our credentials.
        """
        async with self._connecting:
            await self._reconnect(attempts)

    async def _reconnect(self, attempts: int | None) -> None:
        pause = FIRST_PAUSE_SECONDS
        tried = 0
        while self._wire is None:
            if self._closed:
                raise LinkLost("the link was closed")
            try:
                async with asyncio.timeout(self.connect_timeout_seconds):
                    await self._open()
                return
            except _NotYet as reason:
                failure: Exception = reason
            except ReplyError as refusal:
                raise LinkLost(f"{self.url} refuses us: {refusal}") from refusal
            except (OSError, TimeoutError) as reason:
                failure = reason
            tried += 1
            if attempts is not None and tried >= attempts:
                raise LinkLost(f"no connection to {self.url}: {failure or 'timeout'}") from failure
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(LONGEST_PAUSE_SECONDS, pause * 2)

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        url = self.url

        def factory() -> _Wire:
            return _Wire(loop, self.reply_timeout_seconds)

        if url.path is not None:
            _, wire = await loop.create_unix_connection(factory, url.path)
        else:
            context: ssl.SSLContext | None = url.tls_context() if url.tls else None
            _, wire = await loop.create_connection(factory, url.host, url.port, ssl=context)
        try:
            await self._greet(wire)
        except BaseException:
            wire.abort()
            raise
        if self._closed:
            wire.abort()
        if wire.lost is not None:
            raise wire.lost
        self._wire = wire
        wire.on_lost = self._lost

    async def _greet(self, wire: _Wire) -> None:
        url = self.url
        commands = []
        if url.password is not None:
            commands.append(
                pack(b"AUTH", url.username.encode(), url.password.encode())
                if url.username
                else pack(b"AUTH", url.password.encode())
            )
        if url.db:
            commands.append(pack(b"SELECT", b"%d" % url.db))
        commands.append(pack(b"PING"))
        greeting: asyncio.Future[list[object] | Exception] = asyncio.get_running_loop().create_future()
        wire.send(
            b"".join(commands), len(commands), lambda r: None if greeting.done() else greeting.set_result(r)
        )
        replies = await greeting
        if isinstance(replies, Exception):
            raise replies
        for reply in replies:
            if isinstance(reply, ReplyError):
                if reply.code in ("LOADING", "MASTERDOWN", "BUSY"):
                    raise _NotYet(str(reply))
                raise reply

    def _lost(self, reason: Exception) -> None:
        self._wire = None
        if self._on_lost is not None and not self._closed:
            self._on_lost(reason)

    async def close(self) -> None:
        """Close for good; what is under way fails with LinkLost."""
        self._closed = True
        if self._wire is not None:
            wire, self._wire = self._wire, None
            await wire.close()


class _NotYet(Exception):
    """The server answers, but not with data."""


class _Wire(asyncio.Protocol):
    """One life of the connection."""

    def __init__(self, loop: asyncio.AbstractEventLoop, reply_timeout_seconds: float) -> None:
        self.loop = loop
        self.timeout = reply_timeout_seconds
        self.transport: asyncio.Transport | None = None
        self.waiting: deque[tuple[int, Done]] = deque()  # (replies, callback), oldest first
        self.lost: Exception | None = None
        self.on_lost: Callable[[Exception], None] | None = None
        self._reader = hiredis.Reader(replyError=ReplyError, notEnoughData=_MISSING)
        self._replies: list[object] = []  # of the oldest send, as far as they have come
        self._heard = 0.0  # loop time of the last sign of life, or of the first send after silence
        self._watch: asyncio.TimerHandle | None = None
        self._ended: asyncio.Future[None] = loop.create_future()

    def send(self, packed: bytes, replies: int, done: Done) -> None:
        transport = self.transport
        if self.lost is not None or transport is None:
            self.loop.call_soon(done, self.lost or LinkLost("not connected"))
            return
        if not self.waiting:
            self._heard = self.loop.time()
            if self._watch is None:
                # one timer runs on and looks again; starting and stopping one for each send costs 2 µs
                self._watch = self.loop.call_later(self.timeout, self._look)
        self.waiting.append((replies, done))
        transport.write(packed)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's are none by class

    def data_received(self, data: bytes) -> None:
        reader = self._reader
        waiting = self.waiting
        replies = self._replies
        self._heard = self.loop.time()
        try:
            reader.feed(data)
            while waiting:
                wanted = waiting[0][0]
                while len(replies) < wanted:
                    reply = reader.gets()
                    if reply is _MISSING:
                        return
                    replies.append(reply)
                _, done = waiting.popleft()
                self._replies = []
                complete, replies = replies, self._replies
                try:
                    done(complete)
                except Exception:  # the replies behind it belong to others
                    logger.exception("a callback of the link failed")
            if reader.has_data():
                raise hiredis.ProtocolError("a reply that nobody asked for")
        except hiredis.ProtocolError as broken:
            self._end(LinkLost(f"Redis does not speak its protocol: {broken}"))

    def eof_received(self) -> None:
        self._end(LinkLost("Redis closed the connection"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(LinkLost(f"the connection to Redis was lost: {exc or 'closed'}"))
        if not self._ended.done():
            self._ended.set_result(None)

    def _look(self) -> None:
        self._watch = None
        if not self.waiting or self.lost is not None:
            return
        left = self._heard + self.timeout - self.loop.time()
        if left <= 0:
            self._end(LinkLost(f"no reply from Redis for {self.timeout:g} s"))
        else:
            self._watch = self.loop.call_later(left, self._look)

    def _end(self, reason: LinkLost) -> None:
        """Fail what is under way, oldest first. Once only."""
        if self.lost is not None:
            return
        self.lost = reason
        if self._watch is not None:
            self._watch.cancel()
        if self.transport is not None:
            self.transport.abort()
        waiting = list(self.waiting)
        self.waiting.clear()
        on_lost = self.on_lost
        for _, done in waiting:
            try:
                done(reason)
            except Exception:
                logger.exception("a callback of the link failed")
        if on_lost is not None:
            on_lost(reason)

    def abort(self) -> None:
        self._end(LinkLost("given up"))

    async def close(self) -> None:
        self._end(LinkLost("the link was closed"))
        await self._ended
