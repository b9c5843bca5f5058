"""Heads that are known go past the parser; whatever comes in, nobody can tell."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import uvicorn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from uvicorn.server import ServerState

from habitue_collector.beacon import beacon_protocol
from habitue_collector.heads import MAX_KNOWN, MAX_MISSES, Head, cut, cut_lines
from habitue_collector.request import Request, Respond

CHROME = (
    b"Host: shop.test",
    b"Connection: keep-alive",
    b"Content-Length: %d",
    b'sec-ch-ua: "Chromium";v="131"',
    b"Content-Type: text/plain;charset=UTF-8",
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64) Chrome/131.0.0.0",
    b"Origin: https://shop.test",
    b"Referer: https://shop.test/shoes?size=42",
    b"Cookie: a=1; habitue=abc.def.ghi; b=2",
)


class Wire:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.written = b""
        self.closing = False

    def write(self, data: bytes) -> None:
        if not self.closing:
            self.written += data

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": ("127.0.0.1", 5), "sockname": ("127.0.0.1", 80)}.get(name, default)

    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...


class Nothing(dict[bytes, Head]):
    """A memory that keeps nothing: every head is the parser's."""

    def __setitem__(self, key: bytes, value: Head) -> None: ...


async def app(scope: Any, receive: Any, send: Any) -> None:
    """What is no beacon: answered with what was understood."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    said = repr((scope["method"], scope["path"], sorted(scope["headers"]), body)).encode()
    length = (b"content-length", b"%d" % len(said))
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": said})


class House:
    """Connections to one server, whose beacons are answered with what was understood."""

    def __init__(self, remembers: bool) -> None:
        self.seen: list[Request] = []
        self.protocol: Any = beacon_protocol({"/h/v1/batch": self.answer}, max_body_bytes=100)
        if not remembers:
            self.protocol.heads = Nothing()
        self.heads: dict[bytes, Head] = self.protocol.heads
        self.config = uvicorn.Config(app, http=self.protocol, ws="none", log_config=None)
        self.config.load()
        self.state = ServerState()

    def answer(self, request: Request, respond: Respond) -> None:
        of = request
        self.seen.append(Request(of.path, of.query, dict(of.headers), of.body, of.peer, of.scheme))
        respond(200, repr((of.path, of.query, sorted(of.headers.items()), of.body)).encode())

    async def send(self, *pieces: bytes) -> bytes:
        """What comes back on a connection of its own."""
        wire = Wire()
        connection = self.protocol(self.config, self.state, {}, asyncio.get_running_loop())
        connection.connection_made(wire)
        for piece in pieces:
            if not wire.closing:
                connection.data_received(piece)
            for _ in range(5):
                await asyncio.sleep(0)
        connection.connection_lost(None)
        return wire.written


def request(*lines: bytes, body: bytes = b"hello", first: bytes = b"POST /h/v1/batch HTTP/1.1") -> bytes:
    lines = tuple(line % len(body) if line.endswith(b"%d") else line for line in lines)
    return b"\r\n".join([first, *lines, b"", body])


def test_the_second_beacon_of_a_browser_goes_past_the_parser() -> None:
    async def run() -> None:
        house = House(remembers=True)
        await house.send(request(*CHROME))
        assert len(house.heads) == 1
        house.protocol.on_headers_complete = None  # the parser would stumble over it
        other = [b"Referer: https://shop.test/", *CHROME[:7], b"Cookie: habitue=other"]
        assert b"hello, you" in await house.send(request(*other, body=b"hello, you"))
        first, second = house.seen
        assert first.headers | {
            b"content-length": b"10",
            b"referer": b"https://shop.test/",
            b"cookie": b"habitue=other",
        } == (second.headers)
        assert (second.path, second.body, second.peer, second.scheme) == (
            *("/h/v1/batch", b"hello, you"),
            *("127.0.0.1", "http"),
        )

    asyncio.run(run())


def test_memory_is_bounded() -> None:
    async def run() -> None:
        house = House(remembers=True)
        for number in range(0, MAX_KNOWN + 10, 5):
            await house.send(*[request(*CHROME, b"X-Number: %d" % (number + more)) for more in range(5)])
        assert len(house.heads) == MAX_KNOWN
        assert not any(b"X-Number: 3" in rest.split(b"\r\n") for rest in house.heads)
        await house.send(request(*CHROME, b"X-Long: " + b"x" * 5_000))
        assert not any(b"X-Long" in rest for rest in house.heads)

    asyncio.run(run())


def test_what_a_proxy_adds_is_no_other_browser() -> None:
    async def run() -> None:
        house = House(remembers=True)
        for number in (1, 2):
            added = b"X-Forwarded-For: 203.0.113.%d" % number, b"X-Forwarded-Proto: https"
            await house.send(request(*CHROME[:1], *added, *CHROME[1:]))
        assert len(house.heads) == 1
        assert [one.peer for one in house.seen] == ["203.0.113.1", "203.0.113.2"]
        assert [one.scheme for one in house.seen] == ["https", "https"]

    asyncio.run(run())


def test_a_connection_of_ever_other_heads_is_left_alone_for_a_while() -> None:
    async def run() -> None:
        house = House(remembers=True)
        pieces = [request(*CHROME, b"X-Number: %d" % number) for number in range(20)]
        answers = await house.send(*pieces, request(*CHROME))
        assert answers.count(b"HTTP/1.1 200 OK") == 21
        assert len(house.heads) == MAX_MISSES

    asyncio.run(run())


def test_a_head_is_cut_at_whole_lines() -> None:
    whole = request(*CHROME)
    rest = request(*CHROME[:2], *CHROME[3:7], body=b"").removesuffix(b"\r\n\r\n")
    values = {b"content-length": b"5", b"referer": CHROME[7][9:], b"cookie": CHROME[8][8:]}
    assert cut(whole) == cut_lines(whole) == (rest, b"hello", values)
    turned = request(*reversed(CHROME[3:7]), *reversed(CHROME[:2]), body=b"").removesuffix(b"\r\n\r\n")
    assert cut(request(*reversed(CHROME))) == (turned, b"hello", values)
    assert cut(whole + b"more") is None
    assert cut(whole[:-1]) is None


PLAIN = st.sampled_from(
    [*CHROME[:2], *CHROME[3:7], b"Accept: */*", b"X-Forwarded-For: 1.2.3.4", b"X-Request-ID: 7"]
)
LENGTHS = st.sampled_from(
    [
        *(b"Content-Length: %d", b"Content-Length: %d", b"Content-Length: %d", b"content-length: %d"),
        *(b"Content-Length:%d", b"Content-Length:  %d", b"Content-Length : 5", b"Content-Length: 05"),
        *(b"Content-Length: +5", b"Content-Length: 5 ", b"Content-Length: 0x5", b"Content-Length: 5, 5"),
        *(b"Content-Length: 4", b"Content-Length: 6", b"Content-Length: 0", b"Content-Length: 101"),
        *(b"Content-Length: \xb2", b"Content-Length: 123456789", b"Content-Length: ", b"Content-Length: 5\t"),
    ]
)
ODD = st.sampled_from(
    [
        *(CHROME[7], CHROME[8], b"Referer: http://x/", b"Cookie: a", b"Cookie: ", b"Referer: "),
        *(
            b"Cookie:  a",
            b"Cookie: a ",
            b"Cookie: a\tb",
            b"Cookie: a\x00b",
            b"Cookie: \xe4",
            b"Referer: \xe4",
        ),
        *(b"Referer: a b", b"cookie: b", b"COOKIE: c", b"referer: y", b"Cookie: a\nX: b", b"Cookie: a\rX: b"),
        *(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", b"Expect: 100-continue"),
        *(
            b"Connection: close",
            b"Connection: Upgrade",
            b"Upgrade: websocket",
            b"Upgrade: h2c",
            b"TE: trailers",
        ),
        *(b" folded", b"\tfolded", b"No-Colon", b": nameless", b"Bad Name: 1", b"Empty:", b"Two:  spaces"),
        *(
            b"Tail: space ",
            b"Bare: a\nb",
            b"Nul: \x00",
            b"Proxy-Connection: keep-alive",
            b"\r",
            b"Trailer: X",
        ),
    ]
)
FIRST = st.sampled_from(
    [
        *(b"POST /h/v1/batch HTTP/1.1",) * 4,
        *(b"POST /h/v1/batch?k=1 HTTP/1.1", b"POST /h/v1/batch HTTP/1.0", b"POST  /h/v1/batch HTTP/1.1"),
        *(b"GET /h/v1/batch HTTP/1.1", b"POST /page HTTP/1.1", b"post /h/v1/batch HTTP/1.1"),
        *(
            b"POST http://x/h/v1/batch HTTP/1.1",
            b"\r\nPOST /h/v1/batch HTTP/1.1",
            b"Cookie: a\r\nPOST /h/v1/batch HTTP/1.1",
            b"POST /h/v1/batch",
        ),
    ]
)
BODIES = st.sampled_from([b"hello", b"", b"x" * 101, b"a\r\n\r\nb", b"5\r\nhello\r\n0\r\n\r\n"])


@st.composite
def requests(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A request, and a plain one with the same rest, by which it may have been learnt."""
    first = draw(FIRST)
    plain = draw(st.lists(PLAIN, max_size=4))
    odd = draw(st.lists(ODD, max_size=2))
    lines = draw(st.permutations([*plain, *odd, *draw(st.lists(LENGTHS, min_size=1, max_size=1))]))
    three = (b"content-length:", b"cookie:", b"referer:")
    rest = [line for line in lines if not line.lower().startswith(three)]
    return request(*lines, first=first, body=draw(BODIES)), request(*rest, *CHROME[2:3], first=first)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(requests(), min_size=1, max_size=3), st.booleans(), st.lists(st.integers(0, 400), max_size=2))
def test_no_bytes_tell_the_ways_apart(
    sent: list[tuple[bytes, bytes]], together: bool, cuts: list[int]
) -> None:
    pieces = [one for one, _ in sent]
    if together:
        whole = b"".join(pieces)
        edges = [0, *sorted(cuts), len(whole)]
        pieces = [whole[at:until] for at, until in pairwise(edges)]

    async def run() -> None:
        knowing, plain = House(remembers=True), House(remembers=False)
        for one, learnt in sent:
            for house in (knowing, plain):
                await house.send(learnt)
                await house.send(one)
        assert await knowing.send(*pieces) == await plain.send(*pieces)
        assert knowing.seen == plain.seen

    asyncio.run(run())
