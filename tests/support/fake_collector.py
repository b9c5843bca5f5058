"""A collector that behaves as badly as a test wants it to, behind a real socket."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Behaviour = Callable[["Handler", dict[str, Any]], None]


@dataclass
class FakeCollector:
    """`script` holds what the next requests meet, in order; afterwards everything is accepted."""

    url: str = ""
    requests: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    connections: int = 0
    script: list[Behaviour] = field(default_factory=list)
    always: Behaviour | None = None
    released: threading.Event = field(default_factory=threading.Event)
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for path, _, body in self.requests if path == "/v1/batch" for event in body["batch"]]

    def wait_for_requests(self, count: int, seconds: float = 60.0) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.requests) >= count, seconds), self.requests


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    collector: FakeCollector

    def setup(self) -> None:
        super().setup()
        self.collector.connections += 1

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        collector = self.collector
        with collector.changed:
            collector.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            behave = collector.script.pop(0) if collector.script else collector.always or accept
            collector.changed.notify_all()
        behave(self, body)

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


def accept(handler: Handler, body: dict[str, Any]) -> None:
    if handler.path == "/v1/batch":
        results = [{"index": index, "status": "accepted"} for index in range(len(body["batch"]))]
        handler.answer(200, json.dumps({"results": results}).encode())
    else:
        slots = {
            slot: {"decision_id": "d-1", "offers": [{"item_id": "SKU-001"}], "model": "m", "variant": None}
            for slot in body["slots"]
        }
        handler.answer(200, json.dumps({"slots": slots}).encode())


def status(code: int, body: bytes = b'{"code":"x","message":"y"}', **headers: str) -> Behaviour:
    return lambda handler, _: handler.answer(code, body, **headers)


def hang(handler: Handler, _: dict[str, Any]) -> None:
    """Says nothing until the test is over."""
    handler.collector.released.wait(30)
    handler.close_connection = True


def drip(handler: Handler, _: dict[str, Any]) -> None:
    """Half an answer, then a byte now and then: each within any timeout that counts per read."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
    while not handler.collector.released.wait(0.02):
        try:
            handler.wfile.write(b" ")
            handler.wfile.flush()
        except OSError:
            break
    handler.close_connection = True


def hang_up(handler: Handler, _: dict[str, Any]) -> None:
    handler.close_connection = True


def half_an_answer(handler: Handler, _: dict[str, Any]) -> None:
    handler.wfile.write(b'HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"results":[')
    handler.close_connection = True


def garbage(handler: Handler, _: dict[str, Any]) -> None:
    handler.wfile.write(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
    handler.close_connection = True


@contextmanager
def running_collector() -> Iterator[FakeCollector]:
    fake = FakeCollector()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"collector": fake}))
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield fake
    finally:
        fake.released.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
