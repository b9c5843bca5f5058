"""Two hundred pages, each left at once: the real collector knows of everything that happened on them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from e2e.tag.mall import Mall, Trial
from e2e.tag.patience import OPENED, SECONDS, patient_context
from e2e.tag.real_collector import RealCollector, Record
from playwright.sync_api import Browser, Page
from support.house import BROWSER

PAGES = [12, pytest.param(200, marks=pytest.mark.long)]
HEAD = "<!doctype html><html><head><meta charset='utf-8'><title>Page</title>"
PUSH = """window.dataLayer = window.dataLayer || []
function tell(name, id) {
  dataLayer.push({ecommerce: null})
  dataLayer.push({event: name, ecommerce: {currency: 'EUR', items: [{item_id: id, price: 1, quantity: 1}]}})
}
var here = +(new URLSearchParams(location.search).get('n') || 0)"""


@pytest.fixture
def tab(browser: Browser) -> Page:
    return patient_context(browser, user_agent=BROWSER).new_page()


def _told(collector: RealCollector, trial: Trial, kind: str) -> list[str]:
    events = [event for event in collector.events(trial.host) if event["kind"] == kind]
    return sorted(event["items"][0]["item_id"] for event in events)


def _numbered(letter: str, count: int) -> list[str]:
    return sorted(f"{letter}{number}" for number in range(count))


def _expect_all(
    collector: RealCollector, trial: Trial, kind: str, letter: str, count: int, seconds: float = SECONDS
) -> None:
    """Each was told, and each once: the ids of events make a second sending harmless."""
    wanted = _numbered(letter, count)
    collector.wait(lambda: len(_told(collector, trial, kind)) >= count, f"{count} × {kind}", seconds)
    assert _told(collector, trial, kind) == wanted


REFUSALS: dict[str, Callable[[int], bool]] = {
    "well": lambda number: False,
    "refusing every third": lambda number: number % 3 == 1,
    "refusing the first ten": lambda number: number < 10,
}
LONG = "refusing the first ten"


@pytest.mark.parametrize(
    "collector_does",
    [pytest.param(name, marks=[pytest.mark.long] if name == LONG else []) for name in REFUSALS],
)
@pytest.mark.parametrize("pages", PAGES)
def test_a_click_that_leaves_the_page_takes_its_events_along(
    tab: Page, mall: Mall, collector: RealCollector, pages: int, collector_does: str
) -> None:
    body = f"""{HEAD}{{{{SDK}}}}<script>{PUSH}; tell('view_item', 'V' + here)</script></head><body>
        <a id="next" href="/?n=0">Next</a><script>
        var next = document.getElementById('next')
        next.href = '/?n=' + (here + 1)
        next.onclick = function () {{ tell('select_item', 'C' + here) }}</script></body></html>"""
    trial = mall.open(body, refuse=REFUSALS[collector_does])
    tab.goto(trial.address + "/?n=0")
    for number in range(pages):
        tab.wait_for_function(OPENED)
        tab.click("#next")
        tab.wait_for_url(f"**/?n={number + 1}")
    _expect_all(collector, trial, "product_click", "C", pages, 240)
    _expect_all(collector, trial, "product_view", "V", pages + 1)

    def views() -> list[Record]:
        return [event for event in collector.events(trial.host) if event["kind"] == "page_view"]

    collector.wait(lambda: len(views()) > pages, "the page views")
    assert len(views()) == pages + 1
    assert len({event["profile_id"] for event in views()}) == 1, "one browser, one visitor"
    tab.context.close()


@pytest.mark.parametrize("pages", PAGES)
def test_a_page_that_goes_on_by_itself_before_anything_could_be_sent(
    tab: Page, mall: Mall, collector: RealCollector, pages: int
) -> None:
    leave = f"if (here < {pages}) location.href = '/?n=' + (here + 1)"
    body = f"""{HEAD}{{{{SDK}}}}<script>{PUSH}; tell('view_item', 'V' + here)</script></head><body>
        <script>addEventListener('load', function () {{ tell('select_item', 'C' + here); {leave} }})</script>
        </body></html>"""
    trial = mall.open(body, sdk="sync")
    tab.goto(trial.address + "/?n=0", wait_until="commit")
    tab.wait_for_url(f"**/?n={pages}", timeout=600_000)
    _expect_all(collector, trial, "product_click", "C", pages + 1, 240)
    _expect_all(collector, trial, "product_view", "V", pages + 1)
    tab.context.close()


def test_a_tab_that_is_closed_at_once(browser: Browser, mall: Mall, collector: RealCollector) -> None:
    body = f"{HEAD}{{{{SDK}}}}<script>{PUSH}; tell('view_item', 'V' + here)</script></head></html>"
    trial = mall.open(body)
    context = patient_context(browser, user_agent=BROWSER)
    for number in range(5):
        tab = context.new_page()
        tab.goto(f"{trial.address}/?n={number}")
        tab.wait_for_function(OPENED)
        tab.evaluate("tell('select_item', 'C' + here)")
        tab.close(run_before_unload=True)
    last = context.new_page()
    last.goto(f"{trial.address}/?n=5")
    _expect_all(collector, trial, "product_click", "C", 5)
    _expect_all(collector, trial, "product_view", "V", 6)
    context.close()
