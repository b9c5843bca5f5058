"""What the visitor sees is told, once for each page, whatever way the page came."""

from __future__ import annotations

from e2e.tag import recorder as shop
from e2e.tag.patience import OPENED
from e2e.tag.recorder import Recorder
from playwright.sync_api import Page


def _bare(recorder: Recorder) -> shop.Page:
    """A page with nothing but the script element, configured by its address."""
    source = f"{recorder.collector}/h/s.js?key=demo&amp;consent=assumed"
    return shop.Page(f'<!doctype html><head><script async src="{source}"></script></head><body></body>')


def test_a_page_is_one_page_view_in_plain_text_without_preflight(
    recorder: Recorder, page: Page, complaints: list[str]
) -> None:
    page.goto(recorder.lay("/a") + "?utm_source=letter")
    recorder.expect("page")
    beacon = recorder.beacons[0]
    assert beacon.path == "/h/v1/batch"
    assert beacon.content_type.startswith("text/plain")
    assert beacon.body["writeKey"] == "demo"
    assert beacon.body["context"]["consent"] == {"analytics": "granted", "personalization": "granted"}
    properties = beacon.events[0]["properties"]
    assert properties["url"].endswith("/a?utm_source=letter")
    assert (properties["path"], properties["search"], properties["title"]) == (
        "/a",
        "?utm_source=letter",
        "/a",
    )
    assert complaints == []


def test_a_single_page_shop_is_a_page_view_per_address_with_its_own_title_and_referrer(
    recorder: Recorder, page: Page
) -> None:
    page.goto(recorder.lay("/home"))
    recorder.expect("page")
    page.evaluate("history.pushState({}, '', '/shoes'); setTimeout(() => { document.title = 'Shoes' }, 10)")
    recorder.expect("page", "page")
    page.evaluate("history.replaceState({}, '', '/shoes?size=42'); document.title = 'Shoes in 42'")
    recorder.expect("page", "page", "page")
    page.evaluate("history.replaceState({page: 2}, ''); history.pushState({}, '', '#reviews')")
    page.evaluate("history.back()")
    page.wait_for_function("location.hash === ''")
    page.evaluate("history.pushState({}, '', '#/cart')")
    recorder.expect("page", "page", "page", "page")
    page.evaluate("history.back()")
    recorder.expect(*["page"] * 5)
    views = [event["properties"] for event in recorder.acknowledged().values()]
    assert [view["title"] for view in views[1:3]] == ["Shoes", "Shoes in 42"]
    pages = [event["context"]["page"] for event in recorder.acknowledged().values()]
    assert pages[1]["referrer"] == recorder.shop + "/home"
    assert pages[2]["referrer"] == recorder.shop + "/shoes"


def test_a_page_that_comes_back_from_the_bfcache_is_a_page_view_again(recorder: Recorder, page: Page) -> None:
    recorder.lay("/first", "<script>window.born = Math.random()</script>")
    recorder.lay("/second")
    page.goto(recorder.shop + "/first")
    page.evaluate("habitue('track', 'Seen')")
    page.evaluate(
        "window.addEventListener('pageshow', (e) => { if (e.persisted) habitue('track', 'Restored') })"
    )
    page.goto(recorder.shop + "/second")
    recorder.wait(lambda: recorder.names().count("page") == 2, "the second page's view")
    page.evaluate("history.back()")
    # `Restored` is only ever sent by a page that was kept whole: leaving sent a beacon all the same.
    recorder.expect("page", "Seen", "page", "page", "Restored")
    views = [event for event in recorder.acknowledged().values() if event["type"] == "page"]
    views.sort(key=lambda view: str(view["timestamp"]))
    assert [view["context"]["page"]["path"] for view in views] == ["/first", "/second", "/first"]


def test_calls_made_before_the_tag_is_there_keep_their_time(recorder: Recorder, page: Page) -> None:
    head = """<script>window.span = [Date.now()]; habitue('track', 'Product Viewed', {product_id: '7'})
        window.span.push(Date.now())</script>"""
    page.goto(recorder.lay("/p", head=head))
    recorder.expect("page", "Product Viewed")
    event = next(e for e in recorder.acknowledged().values() if e.get("event"))
    before, after = page.evaluate("window.span.map((at) => new Date(at).toISOString())")
    assert event["properties"] == {"product_id": "7"}
    assert before <= event["timestamp"] <= after


def test_the_first_request_carries_the_page_and_what_the_shop_said_of_it(
    recorder: Recorder, page: Page
) -> None:
    head = """<script>habitue('identify', 'u1', {city: 'Graz'}, {user_hash: 'abc'})
        habitue('track', 'Product Viewed', {})</script>"""
    page.goto(recorder.lay("/p", head=head))
    recorder.expect("page", "identify", "Product Viewed")
    assert len(recorder.beacons) == 1
    claim = next(e for e in recorder.beacons[0].events if e["type"] == "identify")
    assert (claim["userId"], claim["traits"], claim["context"]["user_hash"]) == (
        "u1",
        {"city": "Graz"},
        "abc",
    )


def test_manual_pages_leave_page_views_to_the_shop(recorder: Recorder, page: Page) -> None:
    page.goto(recorder.lay("/quiet", tag='data-consent="assumed" data-pages="manual"'))
    page.wait_for_function(OPENED)
    page.evaluate("history.pushState({}, '', '/other'); habitue('page', 'Cart', {lines: 3})")
    recorder.expect("page")
    (event,) = recorder.acknowledged().values()
    assert event["name"] == "Cart"
    assert event["properties"]["lines"] == 3


def test_the_tag_works_without_the_stub_and_survives_nonsense(recorder: Recorder, page: Page) -> None:
    recorder.pages["/"] = _bare(recorder)
    page.goto(recorder.shop + "/")
    recorder.expect("page")
    page.evaluate("habitue('track', 'Later')")
    recorder.expect("page", "Later")
    page.evaluate("habitue('no such door', 1); habitue(); habitue('track', 'Cyclic', window)")
    page.evaluate("habitue('track', 'Still here')")
    recorder.expect("page", "Later", "Still here")
    last = recorder.beacons[-1].body["context"]
    assert last["lost"]["error"] >= 1
