"""The console's app: one page, its figures, strict headers, closed to strangers."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from habitue_collector.events import RejectReason
from habitue_collector.settings import Data, Server, Settings, Shop, WriteKey
from habitue_console.app import _SENTENCES, SECURITY, create_console

SECRET = "hs_" + "x" * 30


def _ask(
    path: str,
    *,
    tmp_path: Path,
    peer: str = "127.0.0.1",
    headers: dict[str, str] | None = None,
    host: str = "127.0.0.1",
) -> tuple[int, dict[str, str], bytes]:
    """One GET through the ASGI app, mounted at /console."""
    settings = Settings(
        server=Server(host=host),
        data=Data(folder=tmp_path),
        shop=Shop(name="<b>Shop</b>"),
        keys=(WriteKey(SECRET, "server"),),
    )

    async def figures() -> dict[str, dict[str, Any]]:
        return {"worker-1": {"events": 3, "model": "abc"}}

    said = {"host": "127.0.0.1:8000", **(headers or {})}
    answer: dict[str, Any] = {"body": b""}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answer["status"] = message["status"]
            answer["headers"] = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            answer["body"] += message.get("body", b"")

    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": "/console" + path, "raw_path": b"", "root_path": "/console",
        "query_string": b"", "client": (peer, 1),
        "server": ("127.0.0.1", 8000),
        "headers": [(name.encode(), value.encode()) for name, value in said.items()],
    }  # fmt: skip
    asyncio.run(create_console(settings, figures)(scope, receive, send))
    return answer["status"], answer["headers"], answer["body"]


def test_the_page_is_there_and_the_shop_s_name_is_text(tmp_path: Path) -> None:
    status, headers, body = _ask("/", tmp_path=tmp_path)
    assert status == 200
    assert headers["content-type"].startswith("text/html")
    assert b"&lt;b&gt;Shop&lt;/b&gt;" in body
    assert b"/console/static/live.js" in body


def test_nothing_of_it_is_inline(tmp_path: Path) -> None:
    _, _, body = _ask("/", tmp_path=tmp_path)
    assert b"<style" not in body
    assert b" style=" not in body
    assert b" onclick" not in body
    assert body.count(b"<script") == body.count(b'<script type="module" src=')


@pytest.mark.parametrize("path", ["/", "/figures", "/static/live.js", "/static/console.css", "/nowhere"])
def test_every_answer_has_the_strict_headers(tmp_path: Path, path: str) -> None:
    _, headers, _ = _ask(path, tmp_path=tmp_path)
    assert {name: headers[name] for name in SECURITY} == SECURITY
    assert "unsafe" not in headers["content-security-policy"]


def test_the_figures_are_json_even_without_redis(tmp_path: Path) -> None:
    status, _, body = _ask("/figures", tmp_path=tmp_path)
    figures = json.loads(body)
    assert status == 200
    assert figures["events"] == 3
    assert figures["redis"] is None


@pytest.mark.parametrize("path", ["/", "/figures", "/static/live.js"])
def test_a_stranger_sees_nothing(tmp_path: Path, path: str) -> None:
    status, headers, body = _ask(path, tmp_path=tmp_path, peer="192.0.2.7")
    assert status == 401
    assert headers["www-authenticate"].startswith("Basic")
    assert b"abc" not in body


def test_a_server_for_others_asks_even_this_machine_for_the_key(tmp_path: Path) -> None:
    assert _ask("/", tmp_path=tmp_path, host="0.0.0.0")[0] == 401
    key = {"authorization": f"Bearer {SECRET}"}
    assert _ask("/", tmp_path=tmp_path, host="0.0.0.0", peer="192.0.2.7", headers=key)[0] == 200


def test_every_reason_has_words() -> None:
    assert set(_SENTENCES) == set(RejectReason)
