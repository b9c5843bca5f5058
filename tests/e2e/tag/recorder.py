"""A shop and a collector in one small server, to try the tag: it notes every beacon and can misbehave.

`shop.test` serves the pages a test lays out, `h.shop.test` the built tag and the browser wire. Chromium
maps both names to 127.0.0.1, so shop and collector are same-site, as in a real installation.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

TAG = Path(__file__).parents[3] / "collector" / "habitue_collector" / "static" / "tag"

PATIENCE_SECONDS = 120.0  # only what fails waits for so long

TILE = b'<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0h90v90H0z" fill="#c60"/></svg>'

SOON = """<script>setTimeout(() => {
    window.soon = getComputedStyle(document.querySelector('[data-habitue-slot]')).visibility
}, 2000)</script>"""
"""Half a second after the stub's own patience, by the page's clock: is the shop's own content shown?"""

Mood = Literal["ok", "overloaded", "hang", "close", "portal"]
"""How the collector behaves: 200; 503; never answers; hangs up; a captive portal's 200 that is no JSON."""


@dataclass(frozen=True)
class Beacon:
    """One request to the collector. `status` is what it was answered, 0 when it was not."""

    path: str
    body: dict[str, Any]
    cookie: str
    content_type: str
    status: int
    received_at: float

    @property
    def events(self) -> list[dict[str, Any]]:
        return list(self.body.get("batch", []))


@dataclass
class Page:
    html: str
    headers: dict[str, str] = field(default_factory=dict)


def offers(*item_ids: str, **changes: Any) -> dict[str, Any]:
    """A slot's answer with these items; `changes` go into every offer."""
    return {
        "decision_id": f"d-{'-'.join(item_ids)}",
        "model": "test",
        "variant": "default",
        "offers": [
            {
                "item_id": item_id,
                "name": f"Item {item_id}",
                "price": 12.5,
                "currency": "EUR",
                "url": f"/p/{item_id}",
                "image_url": f"/image/{item_id}.svg",
                "score": 1.0,
                "reasons": [{"code": "popular", "text": "popular this week"}],
                **changes,
            }
            for item_id in item_ids
        ],
    }


class Recorder:
    """The server, its pages, its mood and what it saw."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.answers: dict[str, dict[str, Any]] = {}
        self.mood: Mood = "ok"
        self.retry_after: int | None = None
        self.delay = 0.0
        self.answers_when = threading.Event()
        self.answers_when.set()
        self.serves_others = True
        self.beacons: list[Beacon] = []
        self.fetched: list[str] = []
        self.reports: list[str] = []
        self._changed = threading.Condition()
        self._closing = threading.Event()
        recorder = self

        class Handler(_Handler):
            pass

        Handler.recorder = recorder
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Recorder:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self.answers_when.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def shop(self) -> str:
        return f"http://shop.test:{self.port}"

    @property
    def collector(self) -> str:
        return f"http://h.shop.test:{self.port}"

    def lay(
        self,
        path: str,
        body: str = "",
        *,
        head: str = "",
        tag: str = 'data-consent="assumed"',
        stub: bool = True,
        headers: dict[str, str] | None = None,
        nonce: str = "",
    ) -> str:
        """Lays out a page of the shop with the two lines in its head; returns its address."""
        mark = f' nonce="{nonce}"' if nonce else ""
        lines = f"<script{mark}>{(TAG / 'stub.js').read_text()}</script>" if stub else ""
        lines += f'<script{mark} async src="{self.collector}/h/s.js" data-key="demo" {tag}></script>'
        html = (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{path}</title>'
            f"{lines}{head}</head><body>{body}</body></html>"
        )
        self.pages[path] = Page(html, headers or {})
        return self.shop + path

    def bare(self) -> str:
        """A page without the tag: whoever goes there has left, and nobody tries again."""
        self.pages["/bare"] = Page("<!doctype html><title>bare</title>")
        return self.shop + "/bare"

    def note(self, beacon: Beacon) -> None:
        with self._changed:
            self.beacons.append(beacon)
            self._changed.notify_all()

    def hold(self) -> None:
        """Keeps a request waiting until the test is over."""
        self._closing.wait(60)

    def wait(
        self, condition: Callable[[], Any], what: str = "the condition", timeout: float = PATIENCE_SECONDS
    ) -> Any:
        """Waits until `condition` is true of what was recorded; asked again after each request."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while not (found := condition()):
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"waited {timeout} s for {what}; seen: {self.summary()}")
                self._changed.wait(min(left, 0.2))
            return found

    def summary(self) -> list[tuple[str, int, list[str]]]:
        return [(b.path, b.status, [_name(e) for e in b.events]) for b in self.beacons]

    def acknowledged(self) -> dict[str, dict[str, Any]]:
        """The events that were answered with 200, once each, by messageId."""
        return {e["messageId"]: e for b in self.beacons if b.status == 200 for e in b.events}

    def names(self) -> list[str]:
        """What the acknowledged events are called, in the order they happened."""
        events = sorted(self.acknowledged().values(), key=lambda event: str(event["timestamp"]))
        return [_name(event) for event in events]

    def expect(self, *names: str, timeout: float = PATIENCE_SECONDS) -> None:
        """Exactly these events are acknowledged sooner or later, whatever their order."""
        self.wait(lambda: len(self.names()) >= len(names), f"events {names}", timeout)
        assert sorted(self.names()) == sorted(names)


def _name(event: dict[str, Any]) -> str:
    return str(event.get("event") or event["type"])


class _Handler(BaseHTTPRequestHandler):
    recorder: Recorder
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """The tests speak for themselves."""

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionError, ValueError):
            self.close_connection = True  # a browser that left; the tag has to live with it, and so have we

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        recorder = self.recorder
        recorder.fetched.append(self.path)
        if path == "/h/s.js" or path.startswith("/h/s-"):
            if path.startswith("/h/s-") and not recorder.serves_others:
                return self._answer(404, b"", "text/plain")
            content = (TAG / path.rpartition("/")[2]).read_bytes()
            return self._answer(
                200,
                content,
                "text/javascript",
                {"Cache-Control": "max-age=600", "Access-Control-Allow-Origin": "*"},
            )
        if path.startswith("/image/"):
            return self._answer(200, TILE, "image/svg+xml")
        if path == "/favicon.ico":
            return self._answer(200, b"", "image/x-icon")
        page = recorder.pages.get(path)
        if page is None:
            return self._answer(404, b"not laid out", "text/plain")
        return self._answer(200, page.html.encode(), "text/html; charset=utf-8", page.headers)

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        recorder = self.recorder
        path = self.path.partition("?")[0]
        if path == "/csp":
            recorder.reports.append(raw.decode())
            return self._answer(200, b"", "text/plain")
        body = json.loads(raw)
        mood = recorder.mood
        status = {"ok": 200, "overloaded": 503, "portal": 599}.get(mood, 0)
        beacon = Beacon(
            path,
            body,
            self.headers.get("Cookie", ""),
            self.headers.get("Content-Type", ""),
            status,
            time.monotonic(),
        )
        if mood == "hang":
            recorder.note(beacon)
            recorder.hold()
        if status == 0:
            self.close_connection = True
            if mood == "close":
                recorder.note(beacon)
            return None
        if recorder.delay:
            recorder._closing.wait(recorder.delay)
        headers = {
            "Access-Control-Allow-Origin": self.headers.get("Origin", "*"),
            "Access-Control-Allow-Credentials": "true",
            "Access-Control-Expose-Headers": "Retry-After",
        }
        if mood == "overloaded":
            if recorder.retry_after is not None:
                headers["Retry-After"] = str(recorder.retry_after)
            recorder.note(beacon)
            return self._answer(
                503, b'{"code":"overloaded","message":"later"}', "application/problem+json", headers
            )
        if mood == "portal":
            recorder.note(beacon)
            return self._answer(200, b"<html>please log in</html>", "text/html", headers)
        consent = body.get("context", {}).get("consent", {})
        if consent.get("analytics") == "granted" and not beacon.cookie:
            headers["Set-Cookie"] = "habitue=visitor-1; HttpOnly; SameSite=Lax; Path=/; Max-Age=1000"
        if consent.get("analytics") == "denied" and beacon.cookie:
            headers["Set-Cookie"] = "habitue=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0"
        answer: dict[str, Any] = {
            "results": [{"index": i, "status": "accepted"} for i in range(len(beacon.events))]
        }
        if "slots" in body:
            unknown = {"offers": [], "reason": "unknown_slot"}
            answer["slots"] = {slot: recorder.answers.get(slot, unknown) for slot in body["slots"]}
        recorder.note(beacon)
        recorder.answers_when.wait(PATIENCE_SECONDS)
        return self._answer(200, json.dumps(answer).encode(), "application/json", headers)

    def _answer(
        self, status: int, content: bytes, content_type: str, headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
