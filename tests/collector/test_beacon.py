"""One contract for both ways to a handler: below Starlette, and mounted in it. Over real sockets."""

from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import orjson
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request as StarletteRequest
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from habitue_collector.beacon import beacon_protocol
from habitue_collector.request import Request, Respond, Tally
from habitue_collector.slow_path import starlette_endpoint

pytestmark = pytest.mark.anyio

PATIENCE = 30  # seconds; for a busy machine, nothing takes as long
CAP = 1_000_000
BELOW = "below Starlette"
INSIDE = "in Starlette"


@pytest.fixture(
    params=[("asyncio", {"use_uvloop": True}), ("asyncio", {"use_uvloop": False})], ids=["uvloop", "asyncio"]
)
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    backend: tuple[str, dict[str, bool]] = request.param
    return backend


@pytest.fixture(params=[BELOW, INSIDE])
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


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


@pytest.fixture
async def house(way: str) -> AsyncIterator[House]:
    async with a_house(way) as built:
        yield built


@pytest.fixture(autouse=True)
def no_surprises(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """What is logged as an error must have been expected by the test (which then clears the log)."""
    with caplog.at_level(logging.WARNING):
        yield
    surprises = [record for record in caplog.get_records("call") if record.levelno >= logging.ERROR]
    assert not surprises


# one request


async def test_a_post_is_answered(house: House) -> None:
    client = await house.connect()
    client.send(post(b"hello"))
    answer = await client.answer()
    assert (answer.status, answer.json) == (200, {"got": "hello", "length": 5})
    assert answer.header("content-type") == "application/json"
    assert answer.header("server") == "uvicorn"
    assert answer.header("date") is not None
    assert answer.header("connection") is None


async def test_the_handler_sees_the_whole_request(house: House) -> None:
    client = await house.connect()
    lines = ["Cookie: a=1", "X-One: first", "COOKIE: b=2", "X-One: second", "Content-Type: text/plain"]
    client.send(post(b"{}", *lines, path="/h/v1/batch?k=demo&x=%20"))
    await client.answer()
    (request,) = house.desk.requests
    assert (request.path, request.query, request.body) == ("/h/v1/batch", b"k=demo&x=%20", b"{}")
    assert (request.peer, request.scheme) == ("127.0.0.1", "http")
    assert request.headers == {
        b"host": b"shop.test",
        b"content-length": b"2",
        b"cookie": b"a=1; b=2",
        b"x-one": b"second",
        b"content-type": b"text/plain",
    }


async def test_a_trusted_proxy_says_who_and_how(house: House) -> None:
    client = await house.connect()
    lines = ["X-Forwarded-For: 198.51.100.9", "X-Forwarded-For: 203.0.113.7:1234", "X-Forwarded-Proto: https"]
    client.send(post(b"{}", *lines))
    await client.answer()
    assert (house.desk.requests[0].peer, house.desk.requests[0].scheme) == ("203.0.113.7", "https")


async def test_an_untrusted_peer_says_nothing(way: str) -> None:
    async with a_house(way, forwarded_allow_ips="10.0.0.1") as house:
        client = await house.connect()
        client.send(post(b"{}", "X-Forwarded-For: 203.0.113.7", "X-Forwarded-Proto: https"))
        await client.answer()
        assert (house.desk.requests[0].peer, house.desk.requests[0].scheme) == ("127.0.0.1", "http")


async def test_an_empty_body_is_a_body(house: House) -> None:
    client = await house.connect()
    client.send(post(b""))
    assert (await client.answer()).json == {"got": "", "length": 0}


async def test_a_post_without_length_has_an_empty_body(house: House) -> None:
    client = await house.connect()
    client.send(b"POST /h/v1/batch HTTP/1.1\r\nHost: shop.test\r\n\r\n")
    assert (await client.answer()).json == {"got": "", "length": 0}


async def test_compressed_bodies_pass_untouched(house: House) -> None:
    packed = gzip.compress(b"{}" * 1000)
    client = await house.connect()
    client.send(post(packed, "Content-Encoding: gzip"))
    await client.answer()
    assert house.desk.requests[0].body == packed
    assert house.desk.requests[0].headers[b"content-encoding"] == b"gzip"


async def test_every_byte_value_arrives(house: House) -> None:
    body = bytes(range(256)) * 3000  # more than one packet
    client = await house.connect()
    client.send(post(body))
    await client.answer()
    assert house.desk.requests[0].body == body


async def test_extra_headers_are_sent_each(house: House) -> None:
    client = await house.connect()
    client.send(post(b"cookie"))
    answer = await client.answer()
    assert [value for name, value in answer.headers if name == "set-cookie"] == ["a=1", "b=2"]
    assert answer.header("content-type") == "application/json"


async def test_a_refusal_is_a_problem(house: House) -> None:
    client = await house.connect()
    client.send(post(b"refuse"))
    answer = await client.answer()
    assert (answer.status, answer.header("retry-after")) == (503, "7")
    assert answer.header("content-type") == "application/problem+json"


async def test_a_handler_may_choose_the_content_type(house: House) -> None:
    client = await house.connect()
    client.send(post(b"plain"))
    answer = await client.answer()
    assert [value for name, value in answer.headers if name == "content-type"] == ["text/plain"]


async def test_a_handler_that_raises_is_a_500_without_details(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    client = await house.connect()
    client.send(post(b"raise"))
    answer = await client.answer()
    assert (answer.status, answer.json["code"]) == (500, "internal_error")
    assert b"bug of ours" not in answer.body
    assert "a bug of ours" in caplog.text
    assert house.tally.failed == 1
    caplog.clear()
    client.send(post(b"next"))
    assert (await client.answer()).json == {"got": "next", "length": 4}


async def test_a_second_answer_is_dropped_and_counted(house: House, caplog: pytest.LogCaptureFixture) -> None:
    client = await house.connect()
    client.send(post(b"twice"))
    assert (await client.answer()).json == {"answer": 1}
    client.send(post(b"next"))
    assert (await client.answer()).json == {"got": "next", "length": 4}
    assert house.tally.failed == 1
    caplog.clear()


# connections


async def test_a_connection_serves_many(house: House) -> None:
    client = await house.connect()
    for number in range(200):
        body = b"%d" % number
        client.send(post(body))
        assert (await client.answer()).json["got"] == body.decode()


async def test_beacons_and_pages_take_turns(house: House) -> None:
    client = await house.connect()
    for number in range(20):
        client.send(post(b"%d" % number))
        assert (await client.answer()).json["got"] == str(number)
        client.send(get())
        assert (await client.answer()).body == b"GET /page"


@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_connection_close_is_respected(house: House, version: str) -> None:
    client = await house.connect()
    client.send(post(b"last", "Connection: close", version=version))
    answer = await client.answer()
    assert answer.json["got"] == "last"
    assert answer.header("connection") == "close"
    assert await client.is_closed()


@pytest.mark.parametrize("lines", [[], ["Connection: keep-alive"]])
async def test_http_1_0_is_closed(house: House, lines: list[str]) -> None:
    client = await house.connect()
    client.send(post(b"old", *lines, version="1.0"))
    answer = await client.answer()
    assert (answer.json["got"], answer.header("connection")) == ("old", "close")
    assert await client.is_closed()


async def test_keep_alive_can_be_asked_for(house: House) -> None:
    client = await house.connect()
    for _ in range(3):
        client.send(post(b"x", "Connection: Keep-Alive"))
        assert (await client.answer()).header("connection") is None


async def test_idle_connections_are_closed(way: str) -> None:
    async with a_house(way, timeout_keep_alive=1) as house:
        client = await house.connect()
        client.send(post(b"x"))
        await client.answer()
        assert await client.is_closed()


async def test_slow_bytes_make_a_request(house: House) -> None:
    client = await house.connect()
    for byte in post(b"drop by drop"):
        client.send(bytes([byte]))
        await client.writer.drain()
        await asyncio.sleep(0)
    assert (await client.answer()).json["got"] == "drop by drop"


async def test_a_body_in_pieces_is_one_body(house: House) -> None:
    body = b"0123456789" * 20_000
    client = await house.connect()
    whole = post(body)
    for start in range(0, len(whole), 7_001):
        client.send(whole[start : start + 7_001])
        await client.writer.drain()
        await asyncio.sleep(0)
    await client.answer()
    assert house.desk.requests[0].body == body


# order


async def test_pipelined_beacons_are_answered_in_order(house: House) -> None:
    client = await house.connect()
    client.send(*[post(b"%d" % number) for number in range(50)])
    assert [(await client.answer()).json["got"] for _ in range(50)] == [str(number) for number in range(50)]


async def test_a_page_behind_a_waiting_beacon_waits(house: House) -> None:
    client = await house.connect()
    client.send(post(b"wait 1"), get(), post(b"2"), get("/h/v1/batch"), post(b"wait 3"))
    await house.desk.has_waiting(1)
    assert await client.is_silent()
    house.desk.release()
    assert (await client.answer()).json["got"] == "wait 1"
    assert (await client.answer()).body == b"GET /page"
    assert (await client.answer()).json["got"] == "2"
    assert (await client.answer()).body == b"GET /h/v1/batch"
    await house.desk.has_waiting(1)
    house.desk.release()
    assert (await client.answer()).json["got"] == "wait 3"


async def test_a_second_beacon_is_not_begun_before_the_first_is_answered(house: House) -> None:
    client = await house.connect()
    client.send(post(b"wait 1"), post(b"wait 2"))
    await house.desk.has_waiting(1)
    assert await client.is_silent()
    assert len(house.desk.requests) == 1
    house.desk.release()
    await house.desk.has_waiting(1)
    house.desk.release()
    assert [(await client.answer()).json["got"] for _ in range(2)] == ["wait 1", "wait 2"]


async def test_a_request_that_comes_during_the_wait_is_answered_after_it(house: House) -> None:
    client = await house.connect()
    client.send(post(b"wait 1"))
    await house.desk.has_waiting(1)
    whole = post(b"second")
    client.send(whole[:30])
    await client.is_silent()
    house.desk.release()
    assert (await client.answer()).json["got"] == "wait 1"
    client.send(whole[30:])
    assert (await client.answer()).json["got"] == "second"


async def test_big_and_small_are_answered_in_order(house: House) -> None:
    client = await house.connect()
    big = b"B" * 400_000
    client.send(post(big), post(b"small"), get(), post(big), post(b"end"))
    assert (await client.answer()).json["length"] == 400_000
    assert (await client.answer()).json["got"] == "small"
    assert (await client.answer()).body == b"GET /page"
    assert (await client.answer()).json["length"] == 400_000
    assert (await client.answer()).json["got"] == "end"


async def test_connections_do_not_wait_for_each_other(house: House) -> None:
    first, second = await house.connect(), await house.connect()
    first.send(post(b"wait 1"))
    await house.desk.has_waiting(1)
    second.send(post(b"2"))
    assert (await second.answer()).json["got"] == "2"
    house.desk.release()
    assert (await first.answer()).json["got"] == "wait 1"


async def test_delayed_answers_of_many_connections_find_their_client(house: House) -> None:
    clients = [await house.connect() for _ in range(20)]
    for number, client in enumerate(clients):
        client.send(post(b"wait %d" % number))
    await house.desk.has_waiting(20)
    for _ in range(20):
        house.desk.release(index=-1)
    assert [(await client.answer()).json["got"] for client in clients] == [f"wait {n}" for n in range(20)]


async def test_nothing_is_processed_after_connection_close(house: House) -> None:
    client = await house.connect()
    client.send(post(b"wait", "Connection: close"), post(b"never"))
    await house.desk.has_waiting(1)
    house.desk.release()
    assert (await client.answer()).json["got"] == "wait"
    assert await client.is_closed()
    assert [request.body for request in house.desk.requests] == [b"wait"]


# disconnects


async def test_a_client_that_leaves_within_its_body_never_happened(house: House) -> None:
    client = await house.connect()
    client.send(post(b"x" * 1000)[:-10])
    await until(lambda: len(house.server.server_state.connections) == 1)
    await client.is_silent()
    client.hang_up()
    await until(lambda: not house.server.server_state.connections)
    await until(lambda: house.tally.gone == 1)
    assert not house.desk.requests


async def test_a_client_that_leaves_before_its_answer_harms_nobody(house: House) -> None:
    leaving, staying = await house.connect(), await house.connect()
    leaving.send(post(b"wait 1"))
    await house.desk.has_waiting(1)
    staying.send(post(b"wait 2"))
    await house.desk.has_waiting(2)
    leaving.hang_up()
    await until(lambda: len(house.server.server_state.connections) == 1)
    house.desk.release()
    house.desk.release()
    assert (await staying.answer()).json["got"] == "wait 2"


async def test_a_client_that_leaves_with_more_in_the_pipeline_harms_nobody(house: House) -> None:
    client = await house.connect()
    client.send(post(b"wait 1"), post(b"2"), get())
    await house.desk.has_waiting(1)
    client.hang_up()
    house.desk.release()
    await until(lambda: not house.server.server_state.connections)
    other = await house.connect()
    other.send(post(b"other"))
    assert (await other.answer()).json["got"] == "other"


# what is not a plain beacon


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
async def test_other_methods_on_the_path_are_not_ours(house: House, method: str) -> None:
    client = await house.connect()
    client.send(get("/h/v1/batch", method), post(b"x"))
    assert (await client.answer()).body == f"{method} /h/v1/batch".encode()
    assert (await client.answer()).json["got"] == "x"


async def test_head_has_no_body(house: House) -> None:
    client = await house.connect()
    client.send(get("/h/v1/batch", "HEAD"), post(b"x"))
    assert (await client.answer(head_only=True)).status == 200
    assert (await client.answer()).json["got"] == "x"


async def test_other_paths_are_not_ours(house: House) -> None:
    client = await house.connect()
    client.send(post(b"x", path="/page"), post(b"x", path="/nowhere"), post(b"x", path="/h/v1/batch/"))
    assert (await client.answer()).body == b"POST /page"
    assert (await client.answer()).status == 404
    assert (await client.answer()).status == 307
    assert not house.desk.requests


async def test_an_encoded_path_finds_the_handler(house: House) -> None:
    client = await house.connect()
    client.send(post(b"x", path="/h/v1/b%61tch"), post(b"y", path="http://shop.test/h/v1/batch"))
    assert (await client.answer()).json["got"] == "x"
    assert (await client.answer()).json["got"] == "y"
    assert {request.path for request in house.desk.requests} == {"/h/v1/batch"}


def chunked(*pieces: bytes) -> bytes:
    head = b"POST /h/v1/batch HTTP/1.1\r\nHost: shop.test\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


async def test_chunked_bodies_are_bodies(house: House) -> None:
    client = await house.connect()
    client.send(chunked(b"in ", b"pieces"), post(b"next"))
    assert (await client.answer()).json["got"] == "in pieces"
    assert (await client.answer()).json["got"] == "next"


async def test_chunked_bodies_are_capped(house: House) -> None:
    client = await house.connect()
    client.send(chunked(*[b"x" * 60_000] * 20), post(b"next"))
    answer = await client.answer()
    assert (answer.status, answer.json["code"]) == (413, "body_too_large")
    assert (await client.answer()).json["got"] == "next"
    assert house.tally.too_large == 1


async def test_trailers_are_not_headers() -> None:
    async with a_house(BELOW) as house:
        client = await house.connect()
        client.send(chunked(b"x")[:-2], b"X-Forwarded-For: 203.0.113.7\r\n\r\n")
        await client.answer()
        assert b"x-forwarded-for" not in house.desk.requests[0].headers


async def test_expect_100_continue_is_told_to_go_on(house: House) -> None:
    client = await house.connect()
    whole = post(b"patient", "Expect: 100-continue")
    client.send(whole[:-7])
    assert (await client.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
    client.send(whole[-7:])
    assert (await client.answer()).json["got"] == "patient"


async def test_expect_100_continue_is_refused_before_the_body(house: House) -> None:
    client = await house.connect()
    client.send(
        b"POST /h/v1/batch HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9000000\r\n\r\n"
    )
    assert (await client.answer()).status == 413


async def test_an_upgrade_is_not_taken_up(house: House, caplog: pytest.LogCaptureFixture) -> None:
    client = await house.connect()
    client.send(post(b"x", "Connection: upgrade", "Upgrade: websocket"))
    assert (await client.answer()).status == 200


async def test_an_offer_of_http_2_costs_no_body(house: House) -> None:
    client = await house.connect()
    offer = ("Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAEAAEAA", "Upgrade: h2c")
    whole = post(b"patient", *offer)
    client.send(whole[:-7])
    client.send(whole[-7:])
    assert (await client.answer()).json["got"] == "patient"
    client.send(post(b"next"))
    assert (await client.answer()).json["got"] == "next"


# sizes


async def test_a_body_at_the_cap_is_taken(house: House) -> None:
    client = await house.connect()
    client.send(post(b"x" * CAP))
    assert (await client.answer()).json["length"] == CAP


async def test_a_body_past_the_cap_is_refused_and_the_connection_lives(house: House) -> None:
    client = await house.connect()
    client.send(post(b"x" * (CAP * 5), "Origin: https://shop.test"))
    answer = await client.answer()
    assert (answer.status, answer.json["code"]) == (413, "body_too_large")
    assert answer.header("content-type") == "application/problem+json"
    assert answer.header("access-control-allow-origin") == "https://shop.test", "its page reads why"
    client.send(post(b"next"))
    assert (await client.answer()).json["got"] == "next"
    assert house.tally.too_large == 1
    assert len(house.desk.requests) == 1


async def test_a_body_past_the_cap_is_refused_before_it_is_sent(house: House) -> None:
    client = await house.connect()
    client.send(b"POST /h/v1/batch HTTP/1.1\r\nHost: x\r\nContent-Length: 90000000000\r\n\r\n")
    assert (await client.answer()).status == 413


async def test_a_client_that_does_not_read_is_not_read_from(house: House) -> None:
    client = await house.connect()
    client.send(post(b"huge answer"), post(b"huge answer"), post(b"end"))
    await until(lambda: len(house.desk.requests) >= 1)
    (connection,) = house.server.server_state.connections
    await until(lambda: connection.flow.write_paused)  # type: ignore[union-attr]
    assert len(house.desk.requests) < 3
    assert len((await client.answer()).body) == 30_000_000
    assert len((await client.answer()).body) == 30_000_000
    assert (await client.answer()).json["got"] == "end"


# what is broken


@pytest.mark.parametrize(
    "lines",
    [
        "Content-Length: 1\r\nContent-Length: 2",
        "Content-Length: -1",
        "Content-Length: x",
        "Content-Length: 1,1",
        "Content-Length: 99999999999999999999999999",
        "Content-Length: 1\r\nTransfer-Encoding: chunked",
        "Content-Length : 1",
        "Bad Header: 1\r\nContent-Length: 1",
    ],
)
async def test_broken_heads_are_refused(house: House, lines: str, caplog: pytest.LogCaptureFixture) -> None:
    client = await house.connect()
    client.send(f"POST /h/v1/batch HTTP/1.1\r\nHost: x\r\n{lines}\r\n\r\nx".encode())
    assert (await client.answer()).status == 400
    assert await client.is_closed()
    assert not house.desk.requests


async def test_bytes_past_the_length_are_the_next_request(house: House) -> None:
    client = await house.connect()
    client.send(post(b"right") + b"garbage\r\n\r\n")
    assert (await client.answer()).json["got"] == "right"
    with suppress(asyncio.IncompleteReadError):  # when the first answer was still owed, only the end tells
        assert (await client.answer()).status == 400
    assert await client.is_closed()


async def test_a_refused_request_is_told_in_json() -> None:
    async with a_house(BELOW) as house:
        client = await house.connect()
        client.send(b"garbage\r\n\r\n")
        answer = await client.answer()
        assert (answer.status, answer.json["code"]) == (400, "invalid_request")
        for origin, reads in (("https://shop.test", True), ("https://other.test", False)):
            client = await house.connect()
            client.send(post(b"{}", f"Origin: {origin}", "X: y", "no header at all"))
            answer = await client.answer()
            assert (answer.status, answer.header("access-control-allow-origin")) == (
                400,
                origin if reads else None,
            )


async def test_garbage_behind_a_waiting_beacon_is_not_its_answer() -> None:
    async with a_house(BELOW) as house:
        client = await house.connect()
        client.send(post(b"wait") + b"garbage\r\n\r\n")
        await house.desk.has_waiting(1)
        assert await client.is_silent()
        house.desk.release()
        answer = await client.answer()
        assert (answer.status, answer.header("connection")) == (200, "close")
        assert await client.is_closed()


@pytest.mark.parametrize(
    "flood", [b"X: " + b"y" * 2_000_000, b"".join(b"X-%d: y\r\n" % n for n in range(150_000))]
)
async def test_header_floods_are_cut_off(flood: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async with a_house(BELOW) as house:
        client = await house.connect()
        client.send(b"POST /h/v1/batch HTTP/1.1\r\n", flood)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            # the rest of the flood may meet a closed door before the answer is read
            assert (await client.answer()).status == 431
        await until(lambda: not house.server.server_state.connections)
        assert not house.desk.requests


async def test_many_headers_are_still_headers(house: House) -> None:
    client = await house.connect()
    client.send(post(b"x", *[f"X-{number}: {'y' * 100}" for number in range(100)]))
    assert (await client.answer()).status == 200
    assert len(house.desk.requests[0].headers) == 102


# slow clients


async def test_a_slow_body_is_given_up(way: str) -> None:
    async with a_house(way, body_timeout_seconds=0.2) as house:
        client = await house.connect()
        client.send(post(b"x" * 100)[:-10])
        answer = await client.answer()
        assert (answer.status, answer.json["code"]) == (408, "body_timeout")
        assert await client.is_closed()
        assert (house.tally.timed_out, house.desk.requests) == (1, [])


async def test_a_slow_head_is_given_up() -> None:
    async with a_house(BELOW, head_timeout_seconds=0.2) as house:
        silent, slow = await house.connect(), await house.connect()
        slow.send(post(b"x")[:-10])
        assert await silent.is_closed()
        assert await slow.is_closed()


async def test_a_slow_head_after_an_answer_is_given_up() -> None:
    async with a_house(BELOW, head_timeout_seconds=0.2) as house:
        client = await house.connect()
        client.send(post(b"wait"))
        await house.desk.has_waiting(1)
        client.send(post(b"x")[:20])
        await client.is_silent()
        house.desk.release()
        assert (await client.answer()).json["got"] == "wait"
        assert await client.is_closed()


async def test_a_client_that_never_reads_is_given_up() -> None:
    async with a_house(BELOW, body_timeout_seconds=0.2) as house:
        client = await house.connect()
        client.send(post(b"huge answer"))
        await until(lambda: house.tally.timed_out == 1)
        await until(lambda: not house.server.server_state.connections)


async def test_a_client_that_never_reads_is_given_up_with_more_in_the_pipeline() -> None:
    async with a_house(BELOW, body_timeout_seconds=0.2) as house:
        client = await house.connect()
        client.send(post(b"huge answer"), get(), post(b"end"))
        await until(lambda: house.tally.timed_out == 1)
        await until(lambda: not house.server.server_state.connections)
        assert len(house.desk.requests) == 1


async def test_our_own_slowness_is_nobodys_fault() -> None:
    async with a_house(
        BELOW, head_timeout_seconds=0.1, body_timeout_seconds=0.1, timeout_keep_alive=1
    ) as house:
        client = await house.connect()
        client.send(post(b"wait"))
        await house.desk.has_waiting(1)
        await asyncio.sleep(0.5)  # longer than any patience with the client
        house.desk.release()
        assert (await client.answer()).json["got"] == "wait"


# the server


async def test_shutdown_lets_a_waiting_beacon_finish(house: House) -> None:
    waiting, idle = await house.connect(), await house.connect()
    idle.send(post(b"x"))
    await idle.answer()
    waiting.send(post(b"wait"))
    await house.desk.has_waiting(1)
    leaving = asyncio.create_task(house.server.shutdown())
    assert await idle.is_closed()
    house.desk.release()
    answer = await waiting.answer()
    assert (answer.json["got"], answer.header("connection")) == ("wait", "close")
    assert await waiting.is_closed()
    await leaving


async def test_shutdown_lets_a_pipeline_finish(house: House) -> None:
    client = await house.connect()
    client.send(post(b"wait 1"), get())
    await house.desk.has_waiting(1)
    leaving = asyncio.create_task(house.server.shutdown())
    await until(lambda: not house.server.servers[0].is_serving())
    house.desk.release()
    assert (await client.answer()).json["got"] == "wait 1"
    assert (await client.answer()).body == b"GET /page"
    assert await client.is_closed()
    await leaving


async def test_shutdown_does_not_wait_long_for_a_body() -> None:
    async with a_house(BELOW, leave_timeout_seconds=0.1, head_timeout_seconds=2) as house:
        client = await house.connect()
        client.send(post(b"x" * 100)[:-10])
        await client.is_silent()
        async with asyncio.timeout(PATIENCE):
            await house.server.shutdown()
        assert (await client.answer()).status == 408


async def test_too_many_connections_are_overload(way: str) -> None:
    async with a_house(way, limit_concurrency=3) as house:
        kept = [await house.connect() for _ in range(2)]
        for client in kept:
            client.send(post(b"x"))
            assert (await client.answer()).status == 200
        third = await house.connect()
        third.send(post(b"x"))
        assert (await third.answer()).status == 503
        assert await third.is_closed()


async def test_overload_says_when_to_come_back() -> None:
    async with a_house(BELOW, limit_concurrency=1) as house:
        client = await house.connect()
        client.send(post(b"x"))
        answer = await client.answer()
        assert (answer.json["code"], answer.header("retry-after")) == ("overloaded", "1")
        assert house.tally.overloaded == 1


async def test_requests_are_counted_by_the_server(house: House) -> None:
    client = await house.connect()
    client.send(post(b"1"), get(), post(b"2", "Connection: close"))
    for _ in range(3):
        await client.answer()
    assert await client.is_closed()
    assert house.server.server_state.total_requests == 3


async def test_the_access_log_names_the_request(way: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "uvicorn.access")
    async with a_house(way) as house:
        client = await house.connect()
        client.send(post(b"x", path="/h/v1/batch?k=1"))
        await client.answer()
    assert '"POST /h/v1/batch?k=1 HTTP/1.1" 200' in caplog.text
