"""A server of one handler, reached below Starlette or mounted in it, and a client that minds every byte."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request as StarletteRequest
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from habitue_collector.beacon import beacon_protocol
from habitue_collector.request import Request, Respond, Tally
from habitue_collector.slow_path import starlette_endpoint

PATIENCE = 30  # seconds; for a busy machine, nothing takes as long
CAP = 1_000_000
BELOW = "below Starlette"
INSIDE = "in Starlette"


@dataclass
class Desk:
    """The handler: answers at once, or when the test says so ("wait…"), or breaks its promise ("raise")."""

    requests: list[Request] = field(default_factory=list)
    waiting: list[tuple[Request, Respond]] = field(default_factory=list)

    def __call__(self, request: Request, respond: Respond) -> None:
        of = request
        request = Request(of.path, of.query, of.headers, of.body, of.peer, of.scheme)  # to look at later
        self.requests.append(request)
        if request.body.startswith(b"wait"):
            self.waiting.append((request, respond))
        elif request.body == b"raise":
            raise RuntimeError("a bug of ours")
        elif request.body == b"twice":
            respond(200, b'{"answer":1}', ())
            respond(200, b'{"answer":2}', ())
        elif request.body == b"cookie":
            respond(200, b"{}", ((b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")))
        elif request.body == b"refuse":
            respond(503, b'{"code":"overloaded"}', ((b"retry-after", b"7"),))
        elif request.body == b"plain":
            respond(200, b"hello", ((b"content-type", b"text/plain"),))
        elif request.body == b"huge answer":
            respond(200, b"x" * 30_000_000, ())
        else:
            respond(200, echo(request.body), ())

    async def has_waiting(self, number: int) -> None:
        await until(lambda: len(self.waiting) >= number)

    def release(self, index: int = 0) -> None:
        request, respond = self.waiting.pop(index)
        respond(200, echo(request.body), ())


def echo(body: bytes) -> bytes:
    return orjson.dumps({"got": body[:20].decode("latin1"), "length": len(body)})


@dataclass
class House:
    port: int
    desk: Desk
    tally: Tally
    server: uvicorn.Server
    clients: list[Client] = field(default_factory=list)

    async def connect(self) -> Client:
        self.clients.append(Client(*await asyncio.open_connection("127.0.0.1", self.port)))
        return self.clients[-1]


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for other, value in self.headers if other == name), None)

    @property
    def json(self) -> dict[str, object]:
        decoded: dict[str, object] = orjson.loads(self.body)
        return decoded


@dataclass
class Client:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, *data: bytes) -> None:
        self.writer.write(b"".join(data))

    async def answer(self, *, head_only: bool = False) -> Answer:
        async with asyncio.timeout(PATIENCE):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin1")
            status, *lines = head[:-4].split("\r\n")
            headers = [
                (name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)
            ]
            answer = Answer(int(status.split()[1]), headers, b"")
            length = answer.header("content-length")
            if length is not None and not head_only:
                answer.body = await self.reader.readexactly(int(length))
            return answer

    async def is_closed(self) -> bool:
        async with asyncio.timeout(PATIENCE):
            try:
                return await self.reader.read(1) == b""
            except ConnectionResetError:
                return True

    async def is_silent(self) -> bool:
        """Nothing comes for as long as an answer takes many times over."""
        try:
            async with asyncio.timeout(0.05):
                return await self.reader.read(1) == b""
        except TimeoutError:
            return True

    def hang_up(self) -> None:
        self.writer.transport.abort()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.002)


def post(body: bytes, *lines: str, path: str = "/h/v1/batch", version: str = "1.1") -> bytes:
    head = [f"POST {path} HTTP/{version}", "Host: shop.test", f"Content-Length: {len(body)}", *lines]
    return "\r\n".join([*head, "", ""]).encode("latin1") + body


def get(path: str = "/page", method: str = "GET") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: shop.test\r\n\r\n".encode()


async def page(request: StarletteRequest) -> PlainTextResponse:
    return PlainTextResponse(f"{request.method} {request.url.path}")


def readable(origin: bytes | None) -> list[tuple[bytes, bytes]]:
    return [(b"access-control-allow-origin", origin)] if origin == b"https://shop.test" else []


@asynccontextmanager
async def a_house(way: str, **options: object) -> AsyncIterator[House]:
    desk, tally = Desk(), Tally()
    limits = {
        name: options.pop(name)
        for name in ("head_timeout_seconds", "leave_timeout_seconds")
        if name in options
    }
    both = {name: options.pop(name) for name in ("body_timeout_seconds",) if name in options}
    both["readable"] = readable
    endpoint = starlette_endpoint(desk, max_body_bytes=CAP, tally=tally, **both)  # type: ignore[arg-type]
    app = Starlette(
        routes=[
            Route("/h/v1/batch", endpoint, methods=["POST"]),
            Route("/h/v1/batch", page, methods=["GET", "HEAD", "OPTIONS"]),
            Route("/page", page, methods=["GET", "POST"]),
        ]
    )
    handlers = {"/h/v1/batch": desk} if way == BELOW else {}
    protocol = beacon_protocol(handlers, max_body_bytes=CAP, tally=tally, **limits, **both)  # type: ignore[arg-type]
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=0,
        http=protocol,
        ws="none",
        log_config=None,
        **options,  # type: ignore[arg-type]
    )
    # uvicorn.Server.serve without its signals and its main loop, which sleeps 0.1 s a round
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    await server.on_tick(0)
    port = server.servers[0].sockets[0].getsockname()[1]
    house = House(port, desk, tally, server)
    try:
        yield house
    finally:
        for client in house.clients:
            client.hang_up()
        for _, respond in desk.waiting:
            respond(200, b"{}", ())
        await until(lambda: not server.server_state.connections and not server.server_state.tasks)
        for listener in server.servers:
            listener.close()
        await server.lifespan.shutdown()


def chunked(*pieces: bytes) -> bytes:
    head = b"POST /h/v1/batch HTTP/1.1\r\nHost: shop.test\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
