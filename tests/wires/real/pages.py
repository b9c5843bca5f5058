"""A shop's pages with somebody else's client on them, walked by a headless Chromium on its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

from support.house import BROWSER

from .toolbox import bundle
from .witness import Witness

STEPS = ("home", "product", "cart", "login", "order")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-quic", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
    "--host-resolver-rules=MAP *.test 127.0.0.1",
    f"--user-agent={BROWSER}",  # "HeadlessChrome" is flagged as a bot
)
PAGE = """<!doctype html><html lang="de"><title>Shop: {step}</title>
<script>window.SHOP = {said}</script><script src="/client.js"></script>"""


def chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if (path := shutil.which(name)) is not None:
            return path
    raise AssertionError("there is no Chromium on this machine")


@contextmanager
def browsing(address: str) -> Iterator[None]:
    """A Chromium that nobody has used, on this page."""
    folder = Path(tempfile.mkdtemp(prefix="habitue-chromium-"))
    browser = subprocess.Popen(
        [chromium(), *FLAGS, f"--user-data-dir={folder}", "--remote-debugging-port=0", address],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "HOME": str(folder)},
        start_new_session=True,
    )
    try:
        yield
    finally:
        browser.terminate()
        try:
            browser.wait(10)
        except subprocess.TimeoutExpired:
            browser.kill()
            browser.wait()
        shutil.rmtree(folder, ignore_errors=True)


def run_once(script: bytes, settled: Callable[[], None]) -> None:
    """One page with this script, until it is settled."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = self.path == "/"
            body = b"<!doctype html><title>Shop</title><script src=/client.js></script>" if page else script
            self.send_response(200)
            self.send_header("content-type", f"text/{'html' if page else 'javascript'}; charset=utf-8")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        with browsing(f"http://shop.test:{server.server_port}/"):
            settled()
    finally:
        server.shutdown()
        server.server_close()


class Pages:
    """`walk` returns when the last step is settled; raises what a page complained of."""

    def __init__(
        self,
        shop: Witness,
        client: str,
        key: str,
        order: str,
        counts: tuple[int, ...],
        variant: str,
        older: Mapping[str, str] | None = None,
    ) -> None:
        self.shop = shop
        self.counts = dict(zip(STEPS, counts, strict=True))
        self.said = {
            "host": f"h.shop.test:{shop.collector.port}",
            "key": key,
            "order": order,
            "variant": variant,
        }
        self.script = bundle(client, older)
        self.done = Event()
        self.complaints: list[str] = []
        pages = self

        class Answers(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                pages.answer(self)

            def do_POST(self) -> None:
                length = int(self.headers.get("content-length", "0"))
                pages.complain(self.rfile.read(length).decode())
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.server.daemon_threads = True

    def complain(self, what: str) -> None:
        self.complaints.append(what)
        self.done.set()

    def answer(self, asked: BaseHTTPRequestHandler) -> None:
        path = asked.path.partition("?")[0]
        kind, body = "text/html; charset=utf-8", b""
        if path == "/client.js":
            kind, body = "text/javascript; charset=utf-8", self.script
        elif path.startswith("/settled/"):
            step = path.rpartition("/")[2]
            try:
                self.shop.wait(self.counts[step])
            except AssertionError as error:
                self.complain(f"{step}: {error}")
            if step == STEPS[-1]:
                self.done.set()
        elif (step := path.strip("/").removesuffix(".html")) in STEPS:
            after = STEPS[STEPS.index(step) + 1 :]
            said = {**self.said, "step": step, "next": f"/{after[0]}.html" if after else None}
            body = PAGE.format(step=step, said=json.dumps(said)).encode()
        asked.send_response(200)
        asked.send_header("content-type", kind)
        asked.send_header("content-length", str(len(body)))
        asked.end_headers()
        asked.wfile.write(body)

    def walk(self) -> None:
        Thread(target=self.server.serve_forever, daemon=True).start()
        address = f"http://shop.test:{self.server.server_port}/home.html?utm_source=news&utm_campaign=spring"
        try:
            with browsing(address):
                assert self.done.wait(60), f"the walk never ended; there are {self.shop.names()}"
                assert not self.complaints, self.complaints
        finally:
            self.server.shutdown()
            self.server.server_close()
