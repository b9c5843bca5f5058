"""The debug view on a strict page, in a real Chromium, against the real server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from e2e.tag.patience import SECONDS, patient_context, until
from e2e.tag.real_collector import ASSUMED, REQUIRED, RealCollector
from playwright.sync_api import Browser, BrowserContext, Page, expect

from habitue_collector.debug import DebugTokens
from habitue_collector.secret_keys import signing_keys

USUAL_PATIENCE_MS = 5_000  # Playwright's own
NONCE = "TmljZSB0cnk"
POLICY = (
    "default-src 'self'; script-src 'nonce-{nonce}' 'strict-dynamic'; style-src 'self'; object-src 'none';"
    " connect-src 'self' {server}; require-trusted-types-for 'script'; trusted-types habitue; base-uri 'none'"
)
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Trail Shoe</title>
<script nonce="{nonce}">window.dataLayer = []</script>
<script nonce="{nonce}" async src="{server}/h/s.js" data-key="{key}" data-consent="{consent}"></script>
<script type="application/ld+json">{{"@type": "Product", "name": "Trail Shoe <b>x</b>", "sku": "SKU-001",
"offers": {{"price": "89,90 €"}}}}</script></head><body><h1>Trail Shoe</h1>
<button id="add">Add</button><button id="buy">Buy</button><div data-habitue-slot="mystery"></div>
<script nonce="{nonce}">
const push = (event, ecommerce) => dataLayer.push({{event, ecommerce}})
add.onclick = () => push('add_to_cart', {{currency: 'EUR', items: [{{item_id: 'SKU-001', price: 89.9}}]}})
buy.onclick = () => push('purchase', {{value: 5, items: [{{item_id: 'SKU-001'}}]}})
</script></body></html>"""


class Shop:
    """One product page under a strict policy."""

    def __init__(self, collector: RealCollector) -> None:
        self.host = f"http://h.shop.test:{collector.port}"
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                consent = "required" if "required" in self.path else "assumed"
                key = REQUIRED if consent == "required" else ASSUMED
                page = PAGE.format(nonce=NONCE, server=shop.host, key=key, consent=consent)
                self.send_response(204 if "favicon" in self.path else 200)
                self.send_header("content-type", "text/html; charset=utf-8")
                self.send_header("content-security-policy", POLICY.format(nonce=NONCE, server=shop.host))
                self.end_headers()
                if "favicon" not in self.path:
                    self.wfile.write(page.encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._tokens = DebugTokens(signing_keys(collector.folder / "data"))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def link(self, token: str | None = None, path: str = "/p/1") -> str:
        signed = self._tokens.sign("www.shop.test") if token is None else token
        return f"http://www.shop.test:{self._server.server_port}{path}" + (
            f"#habitue_debug={signed}" if signed else ""
        )

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with RealCollector() as collector:
        running = Shop(collector)
        expect.set_options(timeout=SECONDS * 1000)
        yield running
        expect.set_options(timeout=USUAL_PATIENCE_MS)
        running.close()


@pytest.fixture
def visitor(browser: Browser) -> Iterator[BrowserContext]:
    context = patient_context(browser)
    yield context
    context.close()


def test_it_shows_what_was_captured_sent_and_refused_as_it_happens(
    shop: Shop, page: Page, complaints: list[str]
) -> None:
    page.goto(shop.link())
    view = page.locator("habitue-debug")
    expect(view).to_contain_text("page view")
    expect(view).to_contain_text("granted")
    line = view.locator("li", has_text="view_item")
    expect(line).to_contain_text("markup")
    expect(line).to_contain_text("SKU-001 · Trail Shoe x · 89.9 EUR")
    expect(line).to_contain_text("accepted")
    page.click("#add")
    expect(view.locator("li", has_text="add_to_cart")).to_contain_text("accepted")
    page.click("#buy")
    expect(view.locator("li", has_text="purchase")).to_contain_text("refused: missing_order_id")
    expect(view.locator("li", has_text="mystery")).to_contain_text("unknown_slot")
    assert complaints == []


def test_it_is_used_by_keyboard_and_closed_by_escape(shop: Shop, page: Page) -> None:
    page.goto(shop.link())
    view = page.locator("habitue-debug")
    expect(view).to_contain_text("view_item")
    focused = "document.querySelector('habitue-debug').shadowRoot.activeElement"
    assert page.evaluate(f"{focused}.getAttribute('role')") == "dialog"
    for name in ("Copy everything as JSON", "Make it small", "Close (Escape)"):
        page.keyboard.press("Tab")
        assert page.evaluate(f"{focused}.getAttribute('aria-label')") == name
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(view.get_by_role("button", name="Show what the tag does on this page")).to_be_focused()
    page.keyboard.press("Enter")
    expect(view.get_by_role("dialog")).to_be_focused()
    page.keyboard.press("Escape")
    expect(view).to_have_count(0)


def test_everything_is_copied_as_json(shop: Shop, page: Page) -> None:
    page.goto(shop.link())
    view = page.locator("habitue-debug")
    expect(view.locator("li", has_text="view_item")).to_contain_text("accepted")
    view.get_by_role("button", name="Copy everything as JSON").click()
    # shop.test is no secure context, so there is no clipboard: the text stands ready to be copied.
    area = view.get_by_label("The report as JSON")
    expect(area).to_be_focused()
    said: dict[str, Any] = json.loads(area.input_value())
    assert said["server"] == f"{shop.host}/h"
    assert said["consent"]["analytics"] == "granted"
    assert {line["what"] for line in said["events"]} >= {"page view", "view_item"}
    assert "habitue_debug" not in said["page"]


@pytest.mark.parametrize("token", ["nonsense", "a.b.c"])
def test_without_a_good_token_it_says_so_and_shows_nothing(shop: Shop, page: Page, token: str) -> None:
    page.goto(shop.link(token))
    view = page.locator("habitue-debug")
    expect(view).to_contain_text("This token is not ours")
    assert "view_item" not in view.inner_text()
    expect(view.get_by_role("button", name="Copy everything as JSON")).to_be_hidden()


def test_a_token_for_another_host_opens_nothing(shop: Shop, page: Page) -> None:
    page.goto(shop.link().replace("www.shop.test", "evil.shop.test"))
    expect(page.locator("habitue-debug")).to_contain_text("for the pages of www.shop.test")


def test_while_consent_is_pending_no_event_leaves_the_page_for_it(shop: Shop, page: Page) -> None:
    bodies: list[str] = []
    page.on("request", lambda request: bodies.append(request.post_data or ""))
    page.goto(shop.link(path="/required"))
    view = page.locator("habitue-debug")
    expect(view.locator("li", has_text="page view")).to_contain_text("waits")
    expect(view).to_contain_text("pending")
    asked = [json.loads(body) for body in bodies if body]
    assert all(not body.get("batch") for body in asked)
    page.evaluate("habitue('consent', {analytics: false})")
    expect(view).to_contain_text("denied")
    page.click("#add")
    expect(view).to_contain_text("ignored: consent")


def test_the_console_says_the_same_without_a_token(shop: Shop, page: Page) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.goto(shop.link(token=""))
    with page.expect_console_message(lambda message: "habitue doctor --page" in message.text):
        page.evaluate("habitue('doctor')")
    until(page, lambda: sum(line.startswith("table") for line in said) >= 2, "both tables")
    assert page.locator("habitue-debug").count() == 0
