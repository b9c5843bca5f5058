"""What visitors do with pages: back and forth, two tabs, a loop of ten thousand pushes; slots that fill."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import pytest
from e2e.tag.mall import Mall, Trial
from e2e.tag.patience import OPENED, SECONDS, patient_context
from e2e.tag.real_collector import RealCollector
from playwright.sync_api import Browser, BrowserContext, Page
from support.house import BROWSER

PRODUCT = """<!doctype html><html><head><title>Product</title>{{SDK}}</head><body><h1>Product</h1>
<script type="application/ld+json">{"@context": "https://schema.org", "@type": "Product", "name": "Chair",
"sku": "CHAIR", "offers": {"@type": "Offer", "price": "99.00", "priceCurrency": "EUR"}}</script></body>"""
LAYER = """<!doctype html><html><head><title>Layer</title>{{SDK}}<script>window.dataLayer = []
function add(id) { dataLayer.push({event: 'add_to_cart', ecommerce: {currency: 'EUR', items: [
  {item_id: '' + id, item_name: 'Item ' + id, price: 1, quantity: 1}]}}) }</script></head><body></body>"""


@pytest.fixture
def visitor(browser: Browser) -> Iterator[BrowserContext]:
    context = patient_context(browser, user_agent=BROWSER)
    yield context
    context.close()


def _kinds(collector: RealCollector, trial: Trial) -> Counter[str]:
    return Counter(event["kind"] for event in collector.events(trial.host))


def _processor_seconds(page: Page) -> float:
    """What the page's main thread has had of the processor: what others take is not our fault."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    metrics = devtools.send("Performance.getMetrics")["metrics"]
    devtools.detach()
    return float(next(one["value"] for one in metrics if one["name"] == "ThreadTime"))


def test_a_product_page_that_comes_back_from_the_bfcache_is_looked_at_again(
    visitor: BrowserContext, mall: Mall, collector: RealCollector
) -> None:
    trial = mall.open(PRODUCT)
    trial.files["/list"] = "<!doctype html><title>List</title>{{SDK}}"
    page = visitor.new_page()
    page.goto(trial.address + "/")
    collector.wait(lambda: _kinds(collector, trial)["product_view"] == 1, "the first look")
    page.evaluate("addEventListener('pageshow', (shown) => { window.restored = shown.persisted })")
    page.goto(trial.address + "/list")
    collector.wait(lambda: _kinds(collector, trial)["page_view"] == 2, "the list")
    page.evaluate("history.back()")
    page.wait_for_function("window.restored")  # the page was kept whole: nothing of ours prevents that
    collector.wait(lambda: _kinds(collector, trial)["page_view"] == 3, "the page view of the return")
    collector.wait(lambda: _kinds(collector, trial)["product_view"] == 2, "the second look")


def test_two_tabs_are_one_visitor_and_neither_tells_for_the_other(
    visitor: BrowserContext, mall: Mall, collector: RealCollector
) -> None:
    both = threading.Event()

    def wait_for_the_other(number: int) -> bool:
        """Neither has an answer before both have asked: they can only know each other by what they keep."""
        if number:
            both.set()
        both.wait(SECONDS)
        return False

    trial = mall.open(LAYER, refuse=wait_for_the_other)
    first, second = visitor.new_page(), visitor.new_page()
    first.goto(trial.address + "/", wait_until="commit")
    collector.wait(lambda: trial.beacons, "the first tab's beacon")
    second.goto(trial.address + "/", wait_until="commit")
    for number in range(6):
        tab = (first, second)[number % 2]
        tab.wait_for_function(OPENED)
        tab.evaluate(f"add({number})")
    first.close(run_before_unload=True)
    collector.wait(lambda: _kinds(collector, trial)["add_to_cart"] == 6, "all six")
    events = collector.events(trial.host)
    assert len({event["profile_id"] for event in events}) == 1
    assert len({event["session_id"] for event in events}) == 1
    profile = collector.profile(events[0]["profile_id"])
    assert sorted(line["item_id"] for line in profile["cart"]) == [str(number) for number in range(6)]


def test_ten_thousand_pushes_neither_block_the_page_nor_flood_the_collector(
    visitor: BrowserContext, mall: Mall, collector: RealCollector
) -> None:
    trial = mall.open(LAYER)
    page = visitor.new_page()
    page.goto(trial.address + "/")
    collector.wait(lambda: _kinds(collector, trial)["page_view"] == 1, "the page view")
    before = len(trial.beacons)
    spent = _processor_seconds(page)
    page.evaluate("for (let i = 0; i < 1e4; i++) add(i)")
    assert _processor_seconds(page) - spent < 3, "a tenth of a millisecond a push would be one second"
    collector.wait(lambda: len(trial.beacons) >= before + 12, "twelve batches")
    sent = sorted(one.sent_at for one in trial.beacons[before:])
    breaths = [later - earlier for earlier, later in pairwise(sent)]
    assert min(breaths) > 0.04, "one after the other, with a breath between"
    assert all(len(one.events) <= 25 and len(one.raw) <= 61_440 for one in trial.beacons)
    assert page.evaluate("JSON.stringify(localStorage).length") < 1_000_000


@pytest.mark.long
def test_ten_thousand_pushes_arrive_or_are_counted(
    visitor: BrowserContext, mall: Mall, collector: RealCollector
) -> None:
    trial = mall.open(LAYER)
    page = visitor.new_page()
    page.goto(trial.address + "/")
    page.wait_for_function(OPENED)
    page.evaluate("for (let i = 0; i < 1e4; i++) add(i)")

    def accounted() -> bool:
        lost = sum(
            sum(one.body.get("context", {}).get("lost", {}).values())
            for one in trial.beacons
            if one.status == 200
        )
        return _kinds(collector, trial)["add_to_cart"] + lost >= 10_000

    collector.wait(accounted, "every push", 600)


SLOTS = """<!doctype html><html><head><title>Shop</title><script>window.shift = 0
new PerformanceObserver((list) => { for (const one of list.getEntries()) shift += one.value })
  .observe({type: 'layout-shift', buffered: true})</script><script>{{STUB}}</script>{{SDK}}</head>
<body data-page-type="home"><main id="app"><h1>Home</h1><div data-habitue-slot="home-hero"></div></main>
<script>function go(path, title, slot) {
  history.pushState({}, '', path)
  var app = document.getElementById('app')
  app.innerHTML = '<h1>' + title + '</h1><div data-habitue-slot=' + slot + '></div>'
}</script></body></html>"""


def test_slots_of_a_single_page_shop_fill_on_every_page_and_nothing_moves(
    visitor: BrowserContext, mall: Mall, collector: RealCollector
) -> None:
    items = [
        {
            "item_id": f"I{n}",
            "name": f"Item {n}",
            "url": f"http://www.test/p/{n}",
            "price": 9.5,
            "currency": "EUR",
        }
        | {"availability": "in_stock", "category": "Things", "image_url": "/i.png"}
        for n in range(12)
    ]
    collector.ask("/v1/catalog", "\n".join(map(json.dumps, items)).encode(), "PUT")
    from e2e.tag.recorder import TAG

    trial = mall.open(SLOTS.replace("{{STUB}}", (TAG / "stub.js").read_text()))
    page = visitor.new_page()
    page.goto(trial.address + "/")
    page.wait_for_selector("[data-habitue-slot=home-hero][data-habitue=offers] .habitue-card")
    assert page.evaluate("shift") == 0
    page.evaluate("go('/p/1', 'Item 1', 'pdp-related data-item=I1')")
    page.wait_for_selector("[data-habitue-slot=pdp-related][data-habitue=offers] .habitue-card")
    page.evaluate("go('/cart', 'Cart', 'cart-extras')")
    page.wait_for_selector("[data-habitue-slot=cart-extras][data-habitue=offers] .habitue-card")
    collector.wait(lambda: _kinds(collector, trial)["page_view"] == 3, "three page views")
    asked = [one for one in trial.beacons if one.path == "/h/v1/context"]
    questions = [one.body for one in asked if one.status != 503]  # what was refused is asked again
    assert [one["slots"] for one in questions] == [["home-hero"], ["pdp-related"], ["cart-extras"]]
    assert questions[1]["page"]["item_id"] == "I1"
