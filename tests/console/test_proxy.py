"""From the worker to the console's own process: whole, as a stream, with the worker's word about who asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route

import habitue_console.proxy as proxy_module
from habitue_cli.verbs.console import _listening
from habitue_collector.settings import Data, Server, Settings
from habitue_console.handed import Handed
from habitue_console.proxy import SOCKET, ConsoleProxy
from habitue_console.security import HEADERS

pytestmark = pytest.mark.asyncio


async def _echo(request: Request) -> Response:
    body = await request.body()
    told = {
        "method": request.method,
        "path": request.scope["path"],
        "query": request.url.query,
        "host": request.headers.get("host"),
        "scheme": request.url.scheme,
        "peer": request.client.host if request.client else None,
        "headers": dict(request.headers),
        "length": len(body),
    }
    answer = JSONResponse(told, 201)
    answer.set_cookie("a", "1")
    answer.set_cookie("b", "2")
    return answer


async def _drops(request: Request) -> Response:
    async def drops() -> AsyncIterator[bytes]:
        yield b"first"
        await _second.wait()
        yield b"second"

    return StreamingResponse(drops())


_second = asyncio.Event()


@asynccontextmanager
async def serving(data: Path, inner: Any = None) -> AsyncIterator[None]:
    app = inner or Starlette(
        routes=[
            Route("/drops", _drops),
            Route("/{path:path}", _echo, methods=["GET", "POST", "DELETE", "HEAD"]),
        ]
    )
    config = uvicorn.Config(Handed(app), loop="asyncio", ws="none", lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    with _listening(data / SOCKET) as listener:
        task = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:
            await asyncio.sleep(0.001)
        try:
            yield
        finally:
            server.should_exit = True
            await task


@asynccontextmanager
async def worker(settings: Settings, peer: str = "203.0.113.9") -> AsyncIterator[httpx.AsyncClient]:
    proxy = ConsoleProxy(settings)
    app = Starlette(routes=[Mount("/console", proxy)])
    transport = httpx.ASGITransport(app=app, client=(peer, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test:8000") as client:
        yield client
    await proxy.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=Data(folder=tmp_path))


async def test_a_request_arrives_as_it_was_sent(settings: Settings) -> None:
    async with serving(settings.data.folder), worker(settings) as client:
        answer = await client.post("/console/r%C3%BCles/x%2Fy?q=%20a&b", content=b"x" * 100_000)
    told = answer.json()
    assert answer.status_code == 201
    assert (told["method"], told["path"], told["query"]) == ("POST", "/console/rüles/x/y", "q=%20a&b")
    assert (told["host"], told["scheme"], told["peer"]) == ("shop.test:8000", "http", "203.0.113.9")
    assert told["length"] == 100_000
    assert [value.split(";")[0] for value in answer.headers.get_list("set-cookie")] == ["a=1", "b=2"]


async def test_nobody_but_the_worker_says_who_asks(settings: Settings) -> None:
    lies = {
        "x-habitue-console-peer": "127.0.0.1",
        "X-Habitue-Console-Scheme": "https",
        "x-habitue-console-anything": "1",
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-proto": "https",
    }
    async with serving(settings.data.folder), worker(settings) as client:
        told = (await client.get("/console/", headers=lies)).json()
    assert (told["peer"], told["scheme"]) == ("203.0.113.9", "http")
    assert not [name for name in told["headers"] if name.startswith("x-habitue-console")]
    assert told["headers"]["x-forwarded-for"] == "127.0.0.1", "so that nobody is taken for this machine"


async def test_one_browser_s_cookies_are_never_another_s(settings: Settings) -> None:
    async with serving(settings.data.folder), worker(settings) as client:
        await client.get("/console/")
        client.cookies.clear()
        told = (await client.get("/console/", headers={"user-agent": "me"})).json()
    assert "cookie" not in told["headers"]
    assert told["headers"]["user-agent"] == "me"


async def test_a_trusted_proxy_says_who_is_behind_it(settings: Settings) -> None:
    settings = replace(settings, server=Server(trusted_proxies=("10.0.0.0/8",)))
    forwarded = {"x-forwarded-for": "6.6.6.6, 198.51.100.4", "x-forwarded-proto": "https"}
    async with serving(settings.data.folder), worker(settings, "10.0.0.1") as client:
        told = (await client.get("/console/", headers=forwarded)).json()
    assert (told["peer"], told["scheme"]) == ("198.51.100.4", "https")


async def test_an_answer_is_a_stream(settings: Settings) -> None:
    """httpx' own transport for apps waits for the whole body, so the proxy is asked without it."""
    pieces: list[bytes] = []

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body" and message["body"]:
            pieces.append(message["body"])
            _second.set()  # not before the first piece has come through

    scope = {
        "type": "http", "method": "GET", "path": "/console/drops", "raw_path": b"/console/drops",
        "root_path": "/console", "query_string": b"", "headers": [(b"host", b"shop.test")],
        "client": ("203.0.113.9", 1), "server": ("shop.test", 80), "scheme": "http",
        "http_version": "1.1", "asgi": {"version": "3.0", "spec_version": "2.4"},
    }  # fmt: skip
    proxy = ConsoleProxy(settings)
    _second.clear()
    async with serving(settings.data.folder):
        await asyncio.wait_for(proxy(scope, receive, send), 10)
        await proxy.close()
    assert pieces == [b"first", b"second"]


async def test_while_the_process_is_away_the_page_loads_again_by_itself(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxy_module, "STARTING_SECONDS", 0.0)
    async with worker(settings) as client:
        answer = await client.get("/console/")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
    assert "refresh" in answer.text
    assert answer.headers["x-frame-options"] == HEADERS["x-frame-options"]


async def test_a_request_waits_for_a_process_that_starts(settings: Settings) -> None:
    async with worker(settings) as client:
        asked = asyncio.create_task(client.get("/console/early"))
        await asyncio.sleep(0)
        async with serving(settings.data.folder):
            assert (await asked).json()["path"] == "/console/early"


async def test_a_process_that_breaks_off_is_no_traceback(settings: Settings) -> None:
    async def gone(scope: Any, receive: Any, send: Any) -> None:
        raise SystemError

    async with serving(settings.data.folder, gone), worker(settings) as client:
        assert (await client.get("/console/")).status_code in (500, 503)


async def test_a_form_is_never_sent_over_a_connection_that_may_be_closing(settings: Settings) -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        with suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")  # the next request, in the moment of the closing
        writer.close()

    path = settings.data.folder / SOCKET
    path.parent.mkdir()
    async with await asyncio.start_unix_server(once, path), worker(settings) as client:
        said = [
            (await client.post("/console/rules/new", data={"step": "save"})).status_code for _ in range(3)
        ]
    assert said == [200, 200, 200]


async def test_only_this_user_may_open_the_socket(settings: Settings) -> None:
    async with serving(settings.data.folder):
        assert (settings.data.folder / SOCKET).stat().st_mode & 0o777 == 0o600


async def test_headers_of_one_connection_stay_with_it(settings: Settings) -> None:
    async with serving(settings.data.folder), worker(settings) as client:
        answer = await client.get("/console/", headers={"connection": "close, x-a", "te": "trailers"})
        assert "te" not in orjson.loads(answer.content)["headers"]
        again = await client.head("/console/")
    assert again.status_code == 201
