"""Requests at a fixed rate, whatever the server does: latency counts from when a request was due.

So a server that stalls is charged for everybody who would have waited (no coordinated omission).
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Outcome:
    """Latencies in milliseconds, in the order of the answers; `bodies` of every answer for checking."""

    latencies: list[float] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class _Connection(asyncio.Protocol):
    """One keep-alive connection with one request at a time."""

    def __init__(self, idle: deque[_Connection]) -> None:
        self.idle = idle
        self.transport: asyncio.Transport | None = None
        self.data = b""
        self.done: Callable[[bytes], None] | None = None
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # a stream's transport

    def ask(self, request: bytes, done: Callable[[bytes], None]) -> None:
        assert self.transport is not None
        self.done = done
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.data += data
        head, found, body = self.data.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(body) >= length and self.done is not None:
            done, self.done, self.data = self.done, None, b""
            self.idle.append(self)
            done(head.partition(b"\r\n")[0] + b"\n" + body)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set_result(None)
        if self.done is not None:
            self.done(b"lost")


async def run(port: int, requests: list[bytes], rate: float, connections: int = 64) -> Outcome:
    """Send `requests` at `rate` per second over at most `connections`; waits for the last answer."""
    loop = asyncio.get_running_loop()
    idle: deque[_Connection] = deque()
    made = [
        await loop.create_connection(lambda: _Connection(idle), "127.0.0.1", port) for _ in range(connections)
    ]
    idle.extend(connection for _, connection in made)
    outcome = Outcome()
    queue: deque[tuple[float, bytes]] = deque()
    finished = loop.create_future()

    def send() -> None:
        while queue and idle:
            due, request = queue.popleft()
            idle.popleft().ask(request, lambda body, due=due: answered(due, body))  # type: ignore[misc]

    def answered(due: float, body: bytes) -> None:
        outcome.latencies.append((loop.time() - due) * 1e3)
        outcome.bodies.append(body)
        if len(outcome.bodies) == len(requests):
            finished.set_result(None)
        send()

    def at(due: float, request: bytes) -> None:
        queue.append((due, request))
        send()

    start = loop.time() + 0.05
    for number, request in enumerate(requests):
        due = start + number / rate
        while (ahead := due - loop.time()) > 0.2:  # the timer heap stays short
            await asyncio.sleep(ahead - 0.1)
        loop.call_at(due, at, due, request)
    await asyncio.wait_for(finished, 60)
    for transport, _ in made:
        transport.close()
    await asyncio.wait([connection.closed for _, connection in made], timeout=5)
    return outcome


def post(path: str, body: object, cookie: str) -> bytes:
    """A browser's request as bytes."""
    payload = json.dumps(body, separators=(",", ":")).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\n"
        f"Content-Length: {len(payload)}\r\n"
        'sec-ch-ua: "Chromium";v="131", "Not_A Brand";v="24"\r\nContent-Type: text/plain;charset=UTF-8\r\n'
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/131.0.0.0 Safari/537.36\r\nAccept: */*\r\nOrigin: http://127.0.0.1\r\n"
        "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nReferer: http://127.0.0.1/shoes/trail\r\n"
        "Accept-Encoding: gzip, deflate, br\r\nAccept-Language: de-DE,de;q=0.9\r\n"
        f"Cookie: habitue={cookie}\r\n\r\n"
    )
    return head.encode() + payload
