"""The mounts before a server that answers, hangs and breaks off: WSGI and ASGI alike."""

from __future__ import annotations

import asyncio
import gzip
import io
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from support.raw_server import Behaviour, RawServer, answers, hangs, hangs_up, raw_server

import habitue.asgi
import habitue.wsgi
from habitue import AsyncClient, Client, current_visit
from habitue.breaker import Breaker
from habitue.reporter import DEADLINE, Reporter

Pairs = list[tuple[str, str]]


@dataclass
class Answer:
    status: int
    headers: Pairs
    body: bytes
    pieces: list[bytes] = field(default_factory=list)
    broke_off: bool = False

    def header(self, name: str) -> list[str]:
        return [value for known, value in self.headers if known.lower() == name]


Ask = Callable[..., Answer]


def asgi(url: str, app: Any = None, **options: Any) -> Ask:
    """Requests through the ASGI mount; `pieces` is the request's body as it arrives."""

    async def page(scope: Any, receive: Any, send: Any) -> None:
        visit = current_visit()
        body = f"page of {visit.cookie if visit else 'nobody'}".encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    client = AsyncClient("secret", url)
    mounted = habitue.asgi.mount(app or page, "/h", client=client, write_key="key", **options)

    def ask(
        path: str,
        method: str = "GET",
        headers: Pairs | None = None,
        pieces: list[bytes] | None = None,
        *,
        address: str = "203.0.113.7",
        scheme: str = "http",
        leaves: bool = False,
        prefix: str = "",
    ) -> Answer:
        path, _, query = path.partition("?")
        path = prefix + path
        scope = {
            "type": "http",
            "method": method,
            "scheme": scheme,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": prefix,
            "headers": [(name.encode(), value.encode()) for name, value in headers or []],
            "client": (address, 1234),
        }
        left = list(pieces or [b""])
        answer = Answer(0, [], b"")

        async def run() -> None:
            gone = asyncio.Event()

            async def receive() -> dict[str, Any]:
                if left:
                    piece = left.pop(0)
                    return {"type": "http.request", "body": piece, "more_body": bool(left)}
                if leaves:
                    return {"type": "http.disconnect"}
                await gone.wait()
                return {"type": "http.disconnect"}

            async def send(message: dict[str, Any]) -> None:
                if message["type"] == "http.response.start":
                    answer.status = message["status"]
                    answer.headers = [
                        (name.decode("latin-1"), value.decode("latin-1"))
                        for name, value in message["headers"]
                    ]
                elif message.get("body"):
                    answer.pieces.append(message["body"])

            try:
                await asyncio.wait_for(mounted(scope, receive, send), 20)
            except habitue.TransportError:
                answer.broke_off = True
            finally:
                await client.close()
                proxy = mounted._proxy
                if proxy._transport is not None:
                    await proxy._transport.close()

        asyncio.run(run())
        answer.body = b"".join(answer.pieces)
        return answer

    return ask


def wsgi(url: str, app: Any = None, **options: Any) -> Ask:
    """The same through the WSGI mount."""

    def page(environ: Any, start_response: Any) -> list[bytes]:
        visit = current_visit()
        start_response("200 OK", [])
        return [f"page of {visit.cookie if visit else 'nobody'}".encode()]

    mounted = habitue.wsgi.mount(app or page, "/h", client=Client("secret", url), write_key="key", **options)

    def ask(
        path: str,
        method: str = "GET",
        headers: Pairs | None = None,
        pieces: list[bytes] | None = None,
        *,
        address: str = "203.0.113.7",
        scheme: str = "http",
        leaves: bool = False,
        prefix: str = "",
    ) -> Answer:
        path, _, query = path.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": prefix,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REMOTE_ADDR": address,
            "wsgi.url_scheme": scheme,
            "wsgi.input": io.BytesIO(b"".join(pieces or [])),
            "wsgi.input_terminated": True,
        }
        for name, value in headers or []:
            key = name.upper().replace("-", "_")
            key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
            environ[key] = f"{environ[key]}, {value}" if key in environ else value
        answer = Answer(0, [], b"")

        def start_response(status: str, given: Pairs, *_: Any) -> None:
            answer.status = int(status.split()[0])
            answer.headers = given

        body = mounted(environ, start_response)
        try:
            for piece in body:
                answer.pieces.append(piece)
                if leaves:
                    break
        except habitue.TransportError:
            answer.broke_off = True
        finally:
            getattr(body, "close", lambda: None)()
        answer.body = b"".join(answer.pieces)
        return answer

    return ask


@pytest.fixture
def serve() -> Iterator[Callable[[Behaviour], RawServer]]:
    opened = []

    def start(behave: Behaviour) -> RawServer:
        context = raw_server(behave)
        opened.append(context)
        return context.__enter__()

    yield start
    for context in opened:
        context.__exit__(None, None, None)


Serve = Callable[[Behaviour], RawServer]
both = pytest.mark.parametrize("door", [asgi, wsgi])
OK = answers("200 OK\r\ncontent-type: application/json", b"{}")


@both
class TestWhatPasses:
    def test_a_beacon_and_its_answer(self, door: Any, serve: Serve) -> None:
        server = serve(answers("200 OK\r\ncontent-type: application/json\r\nx-more: 1", b'{"results":[]}'))
        body = b'{"writeKey":"key","batch":[]}'
        asked = [("content-type", "text/plain"), ("host", "shop.test"), ("content-length", str(len(body)))]
        answer = door(server.url)("/h/v1/batch?a=1", "POST", asked, [body])
        assert (answer.status, answer.body) == (200, b'{"results":[]}')
        assert answer.header("x-more") == ["1"]
        assert server.heads[0].startswith("POST /h/v1/batch?a=1 HTTP/1.1\r\n")
        assert server.bodies == [body]
        assert server.header("content-type") == ["text/plain"]
        assert server.header("host") == ["shop.test"]
        assert server.header("content-length") == [str(len(body))]

    def test_another_folder_on_the_server(self, door: Any, serve: Serve) -> None:
        server = serve(OK)
        door(server.url + "/inner", base_path="/beacons")("/h/v1/x")
        assert server.heads[0].startswith("GET /inner/beacons/v1/x HTTP/1.1")

    def test_a_shop_in_a_folder_of_its_host(self, door: Any, serve: Serve) -> None:
        server = serve(OK)
        ask = door(server.url)
        assert ask("/h/v1/x", prefix="/shop").status == 200
        assert server.heads[-1].startswith("GET /h/v1/x HTTP/1.1")
        assert ask("/hello", prefix="/shop").body == b"page of None"

    def test_what_is_packed_or_unchanged_passes_as_it_is(self, door: Any, serve: Serve) -> None:
        packed = gzip.compress(b"the tag")
        server = serve(
            answers("200 OK\r\ncontent-encoding: gzip\r\netag: x\r\nvary: Accept-Encoding", packed)
        )
        ask = door(server.url)
        answer = ask("/h/s.js", headers=[("accept-encoding", "gzip, br")])
        assert (answer.body, answer.header("content-encoding")) == (packed, ["gzip"])
        assert server.header("accept-encoding") == ["gzip, br"]
        server.behave = answers("304 Not Modified\r\netag: x")
        unchanged = ask("/h/s.js", headers=[("if-none-match", "x")])
        assert (unchanged.status, unchanged.body, unchanged.header("etag")) == (304, b"", ["x"])
        assert server.header("if-none-match") == ["x"]

    def test_a_preflight_passes(self, door: Any, serve: Serve) -> None:
        server = serve(answers("204 No Content\r\naccess-control-allow-origin: https://a.test"))
        answer = door(server.url)("/h/v1/batch", "OPTIONS", [("origin", "https://a.test")])
        assert (answer.status, answer.header("access-control-allow-origin")) == (204, ["https://a.test"])
        assert server.heads[0].startswith("OPTIONS /h/v1/batch HTTP/1.1")

    @pytest.mark.parametrize("host", ["evil.example", "shop.test:99999", "a b", "", "x" * 5_000, "[::1"])
    def test_a_hostile_host_breaks_nothing(self, door: Any, serve: Serve, host: str) -> None:
        server = serve(OK)
        assert door(server.url)("/h/v1/x", headers=[("host", host)]).status in (200, 400)
        assert all(len(server.header("host", number)) == 1 for number in range(len(server.heads)))

    def test_pages_know_their_visitor_and_only_theirs(self, door: Any, serve: Serve) -> None:
        ask = door(serve(OK).url)
        assert ask("/", headers=[("cookie", "a=1; habitue=x.y.z")]).body == b"page of x.y.z"
        assert ask("/hello", headers=[("cookie", "habituex=1")]).body == b"page of None"
        assert current_visit() is None

    def test_the_address_is_appended_to_the_chain(self, door: Any, serve: Serve) -> None:
        server = serve(OK)
        ask = door(server.url)
        ask("/h/v1/x", headers=[("x-forwarded-for", "198.51.100.1, 198.51.100.2")], scheme="https")
        assert server.header("x-forwarded-for") == ["198.51.100.1, 198.51.100.2, 203.0.113.7"]
        assert server.header("x-forwarded-proto") == ["https"]
        ask("/h/v1/x", headers=[("x-forwarded-proto", "https"), ("x-real-ip", "1.1.1.1")])
        assert server.header("x-forwarded-for") == ["203.0.113.7"]
        assert server.header("x-forwarded-proto") == ["http"]
        assert server.header("x-real-ip") == []
        ask("/h/v1/x", headers=[("x-forwarded-for", ",".join(f"10.0.0.{n}" for n in range(40)))])
        assert len(server.header("x-forwarded-for")[0].split(",")) == 16
        assert server.header("x-forwarded-for")[0].endswith("10.0.0.39, 203.0.113.7")

    def test_what_is_the_shops_stays_in_the_shop(self, door: Any, serve: Serve) -> None:
        server = serve(OK)
        secret = [
            ("cookie", "sessionid=s3cret; habitue=a.b.c; csrftoken=t"),
            ("authorization", "Basic c2hvcA=="),
            ("x-habitue-visitor", "somebody.else.s"),
            ("proxy-authorization", "x"),
        ]
        door(server.url)("/h/v1/x", headers=secret)
        assert server.header("cookie") == ["habitue=a.b.c"]
        names = {name for name, _ in server.headers()}
        assert not names & {"authorization", "x-habitue-visitor", "proxy-authorization"}

    def test_headers_of_one_connection_stay_on_it(self, door: Any, serve: Serve) -> None:
        server = serve(
            answers("200 OK\r\nconnection: x-hop\r\nx-hop: 1\r\nkeep-alive: timeout=5\r\nserver: s")
        )
        answer = door(server.url)(
            "/h/v1/x", headers=[("connection", "x-mine"), ("x-mine", "1"), ("te", "trailers")]
        )
        assert not {name for name, _ in server.headers()} & {"x-mine", "te", "upgrade"}
        assert not {name for name, _ in answer.headers} & {"connection", "x-hop", "keep-alive", "server"}

    def test_cookies_of_the_server_pass_each_and_are_secure_by_https(self, door: Any, serve: Serve) -> None:
        head = "200 OK\r\nset-cookie: habitue=a; Path=/; HttpOnly\r\nset-cookie: other=b; Path=/"
        answer = door(serve(answers(head)).url)("/h/v1/x", scheme="https")
        assert answer.header("set-cookie") == ["habitue=a; Path=/; HttpOnly; Secure", "other=b; Path=/"]

    def test_a_large_body_passes_in_pieces(self, door: Any, serve: Serve) -> None:
        server = serve(OK)
        pieces = [bytes([65 + n]) * 100_000 for n in range(5)]
        ask = door(server.url)
        assert ask("/h/v1/batch", "POST", [("content-length", "500000")], pieces).status == 200
        assert server.bodies[-1] == b"".join(pieces)
        assert ask("/h/v1/batch", "POST", [], pieces).status == 200  # sent chunked
        assert server.bodies[-1] == b"".join(pieces)

    def test_an_answer_in_pieces_is_not_waited_for(self, door: Any, serve: Serve) -> None:
        def two(connection: socket.socket, server: RawServer) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n")
            server.released.wait(0.3)
            connection.sendall(b"3\r\ntwo\r\n0\r\n\r\n")

        answer = door(serve(two).url)("/h/me/export")
        assert answer.pieces[0] == b"one"
        assert answer.body == b"onetwo"

    def test_a_head_request_has_a_length_and_no_body(self, door: Any, serve: Serve) -> None:
        def head(connection: socket.socket, server: RawServer) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n")

        answer = door(serve(head).url)("/h/s.js", "HEAD")
        assert (answer.status, answer.body, answer.header("content-length")) == (200, b"", ["5000"])


@both
class TestWhatDoesNot:
    @pytest.mark.parametrize(
        "path",
        [
            "/h/../v1/profiles/x",
            "/h/./x",
            "/h//x",
            "/h/v1/..",
            "/h/a b",
            "/h/a\\b",
            "/h/a\r\nx: y",
            "/h/é",
            "/h/" + "a" * 3_000,
        ],
    )
    def test_paths_that_lead_elsewhere(self, door: Any, serve: Serve, path: str) -> None:
        server = serve(OK)
        answer = door(server.url)(path)
        # WSGI hands over paths with their escapes undone: such a name is written in escapes again.
        if answer.status != 404:
            assert door is wsgi
            assert "%" in server.heads[0].split()[1]
        else:
            assert b'"not_found"' in answer.body
            assert server.heads == []

    @pytest.mark.parametrize("path", ["/h/%2e%2e/x", "/h/%2E./x", "/h/a%2fb", "/h/a%5Cb", "/h/%00", "/h/%zz"])
    def test_escapes_that_lead_elsewhere(self, door: Any, serve: Serve, path: str) -> None:
        if door is wsgi:
            pytest.skip("WSGI hands over paths with their escapes undone")
        server = serve(OK)
        assert door(server.url)(path).status == 404
        assert server.heads == []

    def test_bodies_that_are_too_large(self, door: Any, serve: Serve) -> None:
        server = serve(OK)
        ask = door(server.url, max_body_bytes=1_000)
        assert ask("/h/v1/batch", "POST", [("content-length", "1001")], [b"x"]).status == 413
        assert server.heads == []
        assert ask("/h/v1/batch", "POST", [], [b"x" * 600, b"x" * 600]).status == 413
        assert ask("/h/v1/batch", "POST", [("content-length", "-1")], [b"x"]).status == 400
        assert ask("/h/v1/batch", "POST", [("content-length", "1000")], [b"x" * 1_000]).status == 200

    def test_methods_that_nothing_here_has(self, door: Any, serve: Serve) -> None:
        answer = door(serve(OK).url)("/h/v1/batch", "TRACE")
        assert answer.status == 405
        assert b'"message"' in answer.body


@both
class TestTrouble:
    @pytest.mark.parametrize("trouble", [hangs, hangs_up])
    def test_a_server_in_trouble_is_a_503_with_retry_after(
        self, door: Any, serve: Serve, trouble: Behaviour
    ) -> None:
        began = time.monotonic()
        answer = door(serve(trouble).url, patience=0.2)("/h/v1/batch", "POST", [], [b"{}"])
        assert time.monotonic() - began < 3
        assert answer.status == 503
        assert answer.header("retry-after") == ["2"]
        assert b'"code": "unavailable"' in answer.body

    def test_nobody_there(self, door: Any) -> None:
        assert door("http://127.0.0.1:9")("/h/v1/batch", "POST", [], [b"{}"]).status == 503

    def test_after_five_failures_it_is_left_alone(self, door: Any, serve: Serve) -> None:
        server = serve(hangs_up)
        ask = door(server.url)
        assert {ask("/h/v1/x").status for _ in range(5)} == {503}
        before = len(server.heads)
        assert b"overloaded" in ask("/h/v1/x").body
        assert len(server.heads) == before

    def test_an_answer_that_breaks_off_does_not_look_whole(self, door: Any, serve: Serve) -> None:
        def half(connection: socket.socket, server: RawServer) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\nhalf")
            connection.close()

        answer = door(serve(half).url)("/h/me/export")
        assert answer.broke_off
        assert answer.header("content-length") == ["100000"]

    def test_an_answer_that_stops_is_given_up(self, door: Any, serve: Serve) -> None:
        def stops(connection: socket.socket, server: RawServer) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n")
            server.released.wait(20)

        began = time.monotonic()
        assert door(serve(stops).url, piece_patience=0.2)("/h/me/export").broke_off
        assert time.monotonic() - began < 5

    def test_who_leaves_in_the_middle_frees_the_connection(self, door: Any, serve: Serve) -> None:
        over = threading.Event()

        def endless(connection: socket.socket, server: RawServer) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            try:
                while not server.released.wait(0.005):
                    connection.sendall(b"3\r\none\r\n")
            finally:
                over.set()

        door(serve(endless).url)("/h/me/live", leaves=True)
        assert over.wait(10)

    def test_a_kept_connection_that_was_closed_meanwhile_is_made_anew(self, door: Any, serve: Serve) -> None:
        def once(connection: socket.socket, server: RawServer) -> None:
            OK(connection, server)
            connection.close()

        server = serve(once)
        ask = door(server.url)
        assert [ask("/h/v1/batch", "POST", [], [b"{}"]).status for _ in range(3)] == [200, 200, 200]

    def test_pages_are_unaffected_and_in_time(
        self, door: Any, serve: Serve, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(Reporter.__init__.__kwdefaults__, "deadline", DEADLINE)

        def app_wsgi(environ: Any, start_response: Any) -> list[bytes]:
            visit = current_visit()
            assert visit is not None
            visit.concerned = True
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [b"fine"]

        async def app_asgi(scope: Any, receive: Any, send: Any) -> None:
            visit = current_visit()
            assert visit is not None
            visit.concerned = True
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"fine"})

        app = app_wsgi if door is wsgi else app_asgi
        ask = door(serve(hangs).url, app, consent="assumed")
        began = time.monotonic()
        answer = ask("/")
        assert time.monotonic() - began < 5  # hanging, the server would take 20 s
        assert (answer.status, answer.body) == (200, b"fine")
        assert answer.header("set-cookie") == []


def test_wsgi_keeps_one_connection_for_answers_of_every_kind(serve: Serve) -> None:
    def of_all_kinds(connection: socket.socket, server: RawServer) -> None:
        method, path = server.heads[-1].split(" ")[:2]
        if path == "/h/chunked":
            connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")
        elif path == "/h/same":
            connection.sendall(b"HTTP/1.1 304 Not Modified\r\n\r\n")
        elif method == "HEAD":
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n")
        else:
            OK(connection, server)

    server = serve(of_all_kinds)
    ask = wsgi(server.url)
    for _ in range(2):
        assert ask("/h/v1/batch", "POST", [], [b"{}"]).status == 200
        assert ask("/h/s.js").status == 200
        assert ask("/h/s.js", "HEAD").status == 200
        assert ask("/h/same").status == 304
        assert ask("/h/chunked").body == b"ok"
    assert server.connections == 1


def test_a_child_shares_neither_connections_nor_places_with_its_parent(serve: Serve) -> None:
    server = serve(OK)
    mounted = habitue.wsgi.mount(lambda *_: [], client=Client("secret", server.url), max_in_flight=1)
    environ = {"PATH_INFO": "/h/s.js", "wsgi.url_scheme": "http", "REQUEST_METHOD": "GET"}

    def ask() -> str:
        said: list[str] = []
        b"".join(mounted(dict(environ), lambda status, headers: said.append(status)))
        return said[0]

    assert (ask(), ask(), server.connections) == ("200 OK", "200 OK", 1)
    assert mounted._proxy._places.acquire(blocking=False)  # by a thread that the child will not have
    assert ask().startswith("503")
    mounted._proxy.after_fork()
    assert (ask(), ask(), server.connections) == ("200 OK", "200 OK", 2)


def test_wsgi_holds_only_so_many_threads_of_the_host(serve: Serve) -> None:
    server = serve(hangs)
    ask = wsgi(server.url, patience=15.0, max_in_flight=2, breaker=Breaker(failures=100))
    waiting = [threading.Thread(target=ask, args=("/h/v1/x",), daemon=True) for _ in range(2)]
    for thread in waiting:
        thread.start()
    while len(server.heads) < 2:
        time.sleep(0.005)
    began = time.monotonic()
    assert b"overloaded" in ask("/h/v1/x").body
    assert time.monotonic() - began < 10  # it did not wait for the two before it
    server.released.set()
    for thread in waiting:
        thread.join(10)
    server.behave = OK
    assert ask("/h/v1/x").status == 200  # the places are free again


@pytest.mark.parametrize(
    "settings", [{"path": "h"}, {"path": "/h?"}, {"consent": "maybe"}, {"base_path": "x/"}]
)
def test_what_cannot_be_meant_is_said_at_the_start(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"mount|base_path|consent"):
        habitue.wsgi.mount(
            lambda environ, start: [],
            client=Client("secret"),
            **{"path": "/h", "write_key": "key", **settings},
        )
