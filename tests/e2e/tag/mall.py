"""Shops to try the tag in: one server for all their hosts, and the way to the real collector.

Each trial has a host of its own (`t7.test`), so that nothing is shared between two of them, and `h.t7.test`
leads to the collector; what goes there is noted, and may be refused on the way. Pages are files with
`{{NONCE}}` and `{{SDK}}` in them and are served under the switches that ../shared/data/pages/serve.mjs has.
"""

from __future__ import annotations

import http.client
import json
import re
import secrets
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Literal
from urllib.parse import parse_qs

from e2e.tag.real_collector import ASSUMED

Csp = Literal["off", "nonce", "strict-dynamic", "self", "report", "trusted-types"]
Sdk = Literal["async", "defer", "sync", "late", "none"]

POLICIES = {
    "nonce": "default-src 'self'; script-src 'nonce-{nonce}'; connect-src 'self' {collector}; "
    "img-src 'self' data: {collector}; base-uri 'none'; object-src 'none'; report-uri /__csp",
    "strict-dynamic": "script-src 'nonce-{nonce}' 'strict-dynamic' 'unsafe-inline' https:; "
    "connect-src 'self' {collector}; object-src 'none'; base-uri 'none'; "
    "require-trusted-types-for 'script'; report-uri /__csp",
    "self": "default-src 'self'; script-src 'self' {collector} 'nonce-{nonce}'; connect-src 'self'; "
    "img-src 'self'; report-uri /__csp",
    "report": "default-src 'self'; script-src 'nonce-{nonce}'; connect-src 'self' {collector}",
    "trusted-types": "default-src 'self'; script-src 'nonce-{nonce}'; connect-src 'self' {collector}; "
    "require-trusted-types-for 'script'; trusted-types habitue shop loader; report-uri /__csp",
}
GPC = "Object.defineProperty(Navigator.prototype,'globalPrivacyControl',{get:()=>true,configurable:true})"
LATE = """setTimeout(function () {
  var s = document.createElement('script'), types = window.trustedTypes
  var policy = types && (window.__loader = window.__loader ||
    types.createPolicy('loader', {createScriptURL: function (url) { return url }}))
  s.src = policy ? policy.createScriptURL(%s) : %s; s.nonce = '%s'; document.head.appendChild(s)
}, %d)"""
LATE_MS = 1500
HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}
VARIANTS = {"44100": ("TS-42", "Trail Shoe - 42"), "44101": ("TS-43", "Trail Shoe - 43")}


@dataclass(frozen=True)
class Sent:
    """One request to the collector. `status` is what it was answered, 0 while it is not."""

    method: str
    path: str
    query: str
    cookie: str
    raw: bytes
    status: int
    answer: bytes = b""

    @property
    def rejected(self) -> list[str]:
        """Why the collector refused events of this request."""
        try:
            results = json.loads(self.answer)["results"]
        except (ValueError, KeyError, TypeError):
            return []
        return [one.get("reason", "") for one in results if one.get("status") == "rejected"]

    @property
    def body(self) -> dict[str, Any]:
        try:
            found = json.loads(self.raw)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def events(self) -> list[dict[str, Any]]:
        return list(self.body.get("batch", []))

    @property
    def sent_at(self) -> float:
        """When it left the page, by the page's clock: seconds since 1970, 0 where it does not say."""
        said = self.body.get("sentAt")
        return datetime.fromisoformat(said).timestamp() if isinstance(said, str) else 0.0

    @property
    def names_somebody(self) -> str:
        """What in this request would tell one visitor from another; "" when nothing does."""
        body, context = self.body, self.body.get("context", {})
        marks = [name for name in ("nonce", "anonymousId", "userId") if body.get(name)]
        marks += ["cookie"] * bool(self.cookie)
        marks += [name for name in ("page", "screen", "timezone", "locale", "user_hash") if context.get(name)]
        marks += ["events"] * bool(self.events)
        known = ("key", "consent", "v")
        marks += [f"?{name}" for name in parse_qs(self.query) if name not in known and self.method == "POST"]
        return ", ".join(marks)


@dataclass
class Trial:
    """A shop of one page on a host of its own. `refuse(n)` decides what becomes of the n-th beacon."""

    host: str
    html: str
    csp: Csp = "off"
    sdk: Sdk = "async"
    gpc: bool = False
    key: str = ASSUMED
    tag: str = "consent=assumed"
    late_ms: int = LATE_MS
    port: int = 0
    refuse: Callable[[int], bool] = lambda number: False
    sent: list[Sent] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    orders: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def collector(self) -> str:
        return f"http://h.{self.host}:{self.port}"

    @property
    def source(self) -> str:
        return f"{self.collector}/h/s.js?key={self.key}" + (f"&{self.tag}" if self.tag else "")

    @property
    def beacons(self) -> list[Sent]:
        return [one for one in self.sent if one.method == "POST"]

    def render(self, path: str, query: dict[str, list[str]]) -> tuple[str, str]:
        """The page at `path` and its policy ("" for none)."""
        said = {name: values[0] for name, values in query.items()}
        csp, sdk = said.get("csp", self.csp), said.get("sdk", self.sdk)
        nonce = secrets.token_urlsafe(12)
        element = ""
        if sdk == "late":
            source = json.dumps(self.source)
            element = f'<script nonce="{nonce}">{LATE % (source, source, nonce, self.late_ms)}</script>'
        elif sdk != "none":
            word = "" if sdk == "sync" else f" {sdk}"
            element = f'<script nonce="{nonce}" src="{self.source}"{word}></script>'
        gpc = f'<script nonce="{nonce}">{GPC}</script>' if self.gpc or "gpc" in said else ""
        html = self.files.get(path, self.html)
        for mark, text in {
            "{{NONCE}}": nonce,
            "{{SDK}}": element,
            "{{PRICE}}": said.get("price", "1.189,90"),
            "{{RUN}}": self.host.partition(".")[0],
            "<head>": "<head>" + gpc,
            **{f"{{{{QUERY:{name}}}}}": text for name, text in said.items()},
        }.items():
            html = html.replace(mark, text)
        return html, POLICIES.get(csp, "").format(nonce=nonce, collector=self.collector)


class Mall:
    """The server. `mall.open(html, csp="nonce")` is a shop; the collector is asked at `collector_port`."""

    def __init__(self, collector_port: int) -> None:
        self.collector_port = collector_port
        self.trials: dict[str, Trial] = {}
        self.lock = threading.Lock()
        self._numbers = count(1)
        mall = self

        class Handler(_Handler):
            pass

        Handler.mall = mall
        self._server = _Server(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Mall:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def open(self, html: str, **switches: Any) -> Trial:
        with self.lock:
            trial = Trial(f"t{next(self._numbers)}.test", html, port=self.port, **switches)
            # Pages that are not ours call their order the same each time; an order counts once for ever.
            trial.html = trial.html.replace("ORD-1001", f"ORD-1001-{trial.host.partition('.')[0]}")
            self.trials[trial.host] = trial
        return trial

    def open_file(self, path: Path, **switches: Any) -> Trial:
        return self.open(path.read_text(), **switches)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class _Handler(BaseHTTPRequestHandler):
    mall: Mall
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:
        """The tests speak for themselves."""

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionError, ValueError):
            self.close_connection = True  # a browser that left

    def _serve(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        host = self.headers.get("Host", "").partition(":")[0]
        trial = self.mall.trials.get(host.removeprefix("h."))
        if trial is None:
            self._answer(404, b"no such shop", "text/plain")
        elif host.startswith("h."):
            self._collect(trial, raw)
        else:
            self._shop(trial, raw)

    do_GET = do_POST = do_OPTIONS = do_DELETE = _serve

    def _shop(self, trial: Trial, raw: bytes) -> None:
        path, _, query = self.path.partition("?")
        if path == "/__csp":
            trial.reports.append(raw.decode())
            return self._answer(204, b"", "text/plain")
        if path.endswith((".ico", ".jpg", ".png")):
            return self._answer(204, b"", "image/x-icon")
        if "refuse=422" in query:
            return self._answer(422, b'{"status":422,"message":"Cart Error"}', "application/json")
        wants_json = path.endswith(".js") or "json" in self.headers.get("Accept", "")
        if path.endswith(("/cart/add.js", "/cart/add")) and wants_json:
            return self._answer(200, json.dumps(_shopify(raw)).encode(), "application/json")
        if "wc-ajax" in query or self.headers.get("X-Requested-With"):
            return self._answer(200, b'{"fragments":{},"cart_hash":"abc"}', "application/json")
        if "/api/" in path or path.startswith("/wp-json/") or "json" in self.headers.get("Accept", ""):
            return self._answer(200, b"{}", "application/json")
        if self.command == "POST":
            return self._answer(303, b"", "text/plain", {"Location": self.path})
        html, policy = trial.render(path, parse_qs(query))
        name = "Content-Security-Policy" + ("-Report-Only" if "csp=report" in query else "")
        self._answer(200, html.encode(), "text/html; charset=utf-8", {name: policy} if policy else {})

    def _collect(self, trial: Trial, raw: bytes) -> None:
        path, _, query = self.path.partition("?")
        with self.mall.lock:
            number = len(trial.beacons)
            place = len(trial.sent)
            sent = Sent(self.command, path, query, self.headers.get("Cookie", ""), raw, 0)
            trial.sent.append(sent)
        if self.command == "POST" and trial.refuse(number):
            status, headers, content = 503, _later(self.headers.get("Origin", "*")), b'{"code":"overloaded"}'
        else:
            status, headers, content = self._forward(raw)
        trial.sent[place] = replace(sent, status=status, answer=content)
        self._answer(status, content, None, headers)

    def _forward(self, raw: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
        # A connection for each: one that is kept may be closed by the collector at the moment it is used.
        with closing(
            http.client.HTTPConnection("127.0.0.1", self.mall.collector_port, timeout=120)
        ) as upstream:
            upstream.request(self.command, self.path, raw or None, headers)
            answer = upstream.getresponse()
            kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in HOP]
            return answer.status, kept, answer.read()

    def _answer(
        self,
        status: int,
        content: bytes,
        content_type: str | None,
        headers: dict[str, str] | list[tuple[str, str]] | None = None,
    ) -> None:
        self.send_response_only(status)
        if content_type is not None:
            self.send_header("Content-Type", content_type)
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items() if isinstance(headers, dict) else headers or ():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD" and status != 204:
            self.wfile.write(content)


def _shopify(raw: bytes) -> dict[str, Any]:
    """What Shopify's /cart/add.js answers: the line, or the lines when it was asked for `items`."""

    def line(variant: str, quantity: int) -> dict[str, Any]:
        sku, title = VARIANTS.get(variant, ("", "Something"))
        return {
            **{
                "id": int(variant),
                "variant_id": int(variant),
                "product_id": 8100,
                "sku": sku,
                "title": title,
            },
            **{"product_title": "Trail Shoe", "price": 11990, "quantity": quantity, "vendor": "Fjell"},
        }

    if raw.startswith(b"{"):
        asked = json.loads(raw)
        lines = [line(str(one["id"]), one.get("quantity", 1)) for one in asked.get("items", [asked])]
        return {"items": lines} if "items" in asked else lines[0]
    found = dict(re.findall(rb'(?:^|&|name=")(id|quantity)(?:="?|"\r\n\r\n)(\d+)', raw))
    return line(found[b"id"].decode(), int(found.get(b"quantity", b"1")))


def _later(origin: str) -> list[tuple[str, str]]:
    """What the collector answers when it has too much to do; Retry-After is in whole seconds."""
    return [
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Allow-Credentials", "true"),
        ("Access-Control-Expose-Headers", "Retry-After"),
        ("Retry-After", "0"),
        ("Content-Type", "application/problem+json"),
    ]
