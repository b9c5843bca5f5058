"""Whatever the page, the policy or the collector do: no error of ours ever reaches the shop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from e2e.tag.mall import POLICIES, Mall, Trial
from e2e.tag.patience import patient_context
from e2e.tag.real_collector import RealCollector
from e2e.tag.trials import WATCH
from playwright.sync_api import Browser, BrowserContext, Page, Route
from support.house import BROWSER

EVERYTHING = """<!doctype html><html><head><title>All</title><script nonce="{{NONCE}}">window.dataLayer = [
{event: 'view_item', ecommerce: {currency: 'EUR', items: [{item_id: 'A', price: 1}]}}]</script>{{SDK}}</head>
<body><script type="application/ld+json">{"@type": "Product", "name": "A", "sku": "A"}</script>
<div data-habitue-slot="home-hero">Ours</div><form class="cart" method="post" action="/?n=1" id="form">
<button id="buy" name="add-to-cart" value="7">Buy</button></form></body></html>"""


@dataclass
class Quiet:
    """A tab that listens to everything a shop could hear from us."""

    trial: Trial
    context: BrowserContext
    page: Page
    heard: list[str] = field(default_factory=list)

    def complaints(self) -> list[str]:
        return [*self.heard, *self.page.evaluate("window.__complaints"), *self.trial.reports]


Open = Callable[..., Quiet]


@pytest.fixture
def tab(browser: Browser, mall: Mall) -> Iterator[Open]:
    """`tab(csp="nonce")` is a shop in a tab of its own; tests use several at once, since most is waiting."""
    opened: list[Quiet] = []

    def open_tab(**switches: str) -> Quiet:
        context = patient_context(browser, user_agent=BROWSER)
        context.add_init_script(WATCH)
        quiet = Quiet(mall.open(EVERYTHING, **switches), context, context.new_page())
        quiet.page.on("console", lambda said: quiet.heard.append(said.text) if said.type == "error" else None)
        quiet.page.on("pageerror", lambda error: quiet.heard.append(f"uncaught {error}"))
        opened.append(quiet)
        return quiet

    yield open_tab
    for one in opened:
        one.context.close()


@contextmanager
def _walk(*tabs: Quiet) -> Iterator[None]:
    """Opens the pages, talks, buys, comes back; inside is the time before the visitor buys."""
    for one in tabs:
        one.page.goto(one.trial.address + "/")
    tabs[0].page.wait_for_timeout(400)
    for one in tabs:
        one.page.evaluate("dataLayer.push({event: 'add_to_cart', ecommerce: {items: [{item_id: 'B'}]}})")
        one.page.evaluate("history.pushState({}, '', '/?n=2')")
    tabs[0].page.wait_for_timeout(1500)  # what is told late would be heard by now
    yield
    for one in tabs:
        one.page.click("#buy")
        one.page.wait_for_url("**/?n=1")
    tabs[0].page.wait_for_timeout(400)


@pytest.mark.long
def test_under_every_policy_that_lets_us_be(tab: Open, collector: RealCollector) -> None:
    tabs = {csp: tab(csp=csp) for csp in ("off", *POLICIES) if csp != "self"}
    with _walk(*tabs.values()):
        pass
    for csp, one in tabs.items():
        assert one.complaints() == [], csp
        host, wanted = one.trial.host, {"page_view", "product_view", "add_to_cart"}

        def known(host: str = host, wanted: set[str] = wanted) -> bool:
            return wanted <= {event["kind"] for event in collector.events(host)}

        collector.wait(known, f"everything under {csp}")


def test_a_policy_that_forbids_the_collector_hears_of_it_a_few_times_only(tab: Open) -> None:
    quiet = tab(csp="self")
    with _walk(quiet):
        pass
    heard = quiet.complaints()
    assert [text for text in heard if "policy" not in text.lower() and "violates" not in text] == []
    assert len(quiet.trial.reports) <= 12, "no storm"
    assert quiet.trial.beacons == []


def _gone(route: Route) -> None:
    route.abort()


def _garbage(route: Route) -> None:
    route.fulfill(status=200, content_type="text/html", body="<html>404 not found</html>")


def _odd_answer(route: Route) -> None:
    origin = route.request.headers.get("origin", "*")
    headers = {"access-control-allow-origin": origin, "access-control-allow-credentials": "true"}
    body = '{"slots": 7, "results": "x"}'
    route.fulfill(status=200, content_type="application/json", headers=headers, body=body)


MISHAPS: dict[str, tuple[str, Callable[[Route], None]]] = {
    "no tag": ("**/h/s.js*", _gone),
    "no second file": ("**/h/s-*.js*", _gone),
    "no collector": ("**/h/v1/*", _gone),
    "a captive portal": ("**/h/v1/*", _garbage),
    "another server's answers": ("**/h/v1/*", _odd_answer),
}


def test_when_something_of_ours_cannot_be_had(tab: Open) -> None:
    tabs = {what: tab() for what in MISHAPS}
    for what, one in tabs.items():
        one.page.route(*MISHAPS[what])
    with _walk(*tabs.values()):
        for one in tabs.values():
            one.page.wait_for_selector("text=Ours")
    for what, one in tabs.items():
        # The browser itself says on the console that a request failed or must not be read.
        ours = [text for text in one.complaints() if "Failed to load" not in text and "CORS" not in text]
        assert ours == [], what
