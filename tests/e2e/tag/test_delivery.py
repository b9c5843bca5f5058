"""Nothing is lost: a batch stays in the browser until the collector has said 200 to it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from e2e.tag.patience import OPENED
from e2e.tag.recorder import Beacon, Recorder
from playwright.sync_api import BrowserContext, Page

KEPT = "Object.keys(localStorage).filter((name) => name.startsWith('habitue.demo.q.')).sort()"


def _wait_until_nothing_is_kept(page: Page) -> None:
    page.wait_for_function(f"{KEPT}.length === 0")


def _wait_for_words_of(recorder: Recorder, path: str) -> None:
    """Until something that happened on this page was sent, whatever became of it."""

    def sent() -> bool:
        return any(e["context"]["page"]["path"] == path for b in recorder.beacons for e in b.events)

    recorder.wait(sent, f"a beacon of {path}")


def _words(beacon: Beacon) -> list[str]:
    return [str(event.get("event")) for event in beacon.events]


def test_leaving_at_once_loses_nothing(recorder: Recorder, page: Page) -> None:
    leave = "<script>habitue('track', 'Left', {from: location.pathname}); location.href = '/%d'</script>"
    for number in range(30):
        recorder.lay(f"/{number}", leave % (number + 1))
    recorder.lay("/30")
    page.goto(recorder.shop + "/0", wait_until="commit")
    page.wait_for_url("**/30")
    # The tag loads async: a page left before it came was never seen by us, one that it saw is never lost.
    page.evaluate("habitue('track', 'Arrived')")
    recorder.wait(lambda: "Arrived" in recorder.names(), "the last event")
    _wait_until_nothing_is_kept(page)
    views = [e for e in recorder.acknowledged().values() if e["type"] == "page"]
    left = [e for e in recorder.acknowledged().values() if e.get("event") == "Left"]
    assert len(left) == len(views) - 1


@pytest.mark.parametrize("rounds", [6, pytest.param(200, marks=pytest.mark.long)])
def test_a_click_that_leaves_the_page_is_told(recorder: Recorder, page: Page, rounds: int) -> None:
    recorder.lay("/next")
    body = "<a href='/next' onclick=\"habitue('track', 'Clicked')\">away</a>"
    for round in range(rounds):
        page.goto(recorder.lay(f"/from-{round}", body))
        page.wait_for_function(OPENED)
        page.click("a")
        page.wait_for_url("**/next")
    recorder.wait(lambda: recorder.names().count("Clicked") == rounds, "the clicks")
    recorder.wait(lambda: recorder.names().count("page") == 2 * rounds, "the page views")


def test_an_overloaded_collector_gets_everything_later_and_only_after_its_pause(
    recorder: Recorder, page: Page
) -> None:
    recorder.mood, recorder.retry_after = "overloaded", 2
    page.goto(recorder.lay("/a"))
    recorder.wait(lambda: recorder.beacons, "the refused beacon")
    page.evaluate("for (let i = 0; i < 60; i++) habitue('track', 'Many', {i})")
    recorder.mood = "ok"
    recorder.expect("page", *["Many"] * 60)
    first, second = recorder.beacons[:2]
    assert second.received_at - first.received_at >= 1.9
    assert all(len(beacon.events) <= 25 for beacon in recorder.beacons)
    _wait_until_nothing_is_kept(page)


def test_the_next_page_sends_what_the_last_one_could_not(recorder: Recorder, page: Page) -> None:
    for mood in ("overloaded", "close", "portal", "hang"):
        recorder.mood = mood  # type: ignore[assignment]  # each of them is a Mood
        page.goto(recorder.lay(f"/{mood}"))
        _wait_for_words_of(recorder, f"/{mood}")
    recorder.mood = "ok"
    page.goto(recorder.lay("/fine"))
    recorder.wait(lambda: len(recorder.names()) == 5, "five page views")
    paths = {event["context"]["page"]["path"] for event in recorder.acknowledged().values()}
    assert paths == {"/overloaded", "/close", "/portal", "/hang", "/fine"}
    _wait_until_nothing_is_kept(page)


def test_what_is_left_over_travels_with_the_question_for_offers(recorder: Recorder, page: Page) -> None:
    recorder.mood = "close"
    page.goto(recorder.lay("/before"))
    recorder.wait(lambda: recorder.beacons, "a beacon")
    page.evaluate("habitue('track', 'Product Added', {product_id: '1'})")
    page.wait_for_function(
        f"{KEPT}.length && localStorage.getItem({KEPT}[0]).includes('Product Added') || {KEPT}.length > 1"
    )
    page.goto(recorder.bare())
    recorder.mood = "ok"
    page.goto(recorder.lay("/after", "<div data-habitue-slot='home-hero'></div>"))
    context = recorder.wait(
        lambda: [b for b in recorder.beacons if b.path == "/h/v1/context"], "the question"
    )[0]
    assert [e.get("event") or e["context"]["page"]["path"] for e in context.events][-1] == "/after"
    assert "Product Added" in [e.get("event") for e in context.events]


def test_events_of_yesterday_are_given_up_and_counted(recorder: Recorder, page: Page) -> None:
    recorder.lay("/a")
    page.goto(recorder.bare())
    old: dict[str, Any] = {
        "type": "track",
        "event": "Stale",
        "messageId": "m1",
        "context": {},
        "properties": {},
    }
    page.evaluate(
        """([stale]) => {
            stale.timestamp = new Date(Date.now() - 23.1 * 3600e3).toISOString()
            const fresh = Object.assign({}, stale, {event: 'Fresh', messageId: 'm2'})
            fresh.timestamp = new Date(Date.now() - 22.9 * 3600e3).toISOString()
            localStorage.setItem('habitue.demo.q.gone.0', JSON.stringify([stale, fresh]))
            localStorage.setItem('habitue.demo.q.broken.0', '[{')
        }""",
        [old],
    )
    page.goto(recorder.shop + "/a")
    recorder.expect("Fresh", "page")
    assert recorder.beacons[0].body["context"]["lost"] == {"old": 1, "error": 1}
    _wait_until_nothing_is_kept(page)


def test_tabs_leave_each_others_batches_alone_while_their_owner_lives(
    recorder: Recorder, visitor: BrowserContext
) -> None:
    recorder.mood, recorder.retry_after = "overloaded", 3
    first, second = visitor.new_page(), visitor.new_page()
    for path, tab in (("/first", first), ("/second", second)):
        tab.goto(recorder.lay(path))
        _wait_for_words_of(recorder, path)
    recorder.mood = "ok"
    recorder.expect("page", "page")
    _wait_until_nothing_is_kept(second)
    for beacon in recorder.beacons:
        (event,) = beacon.events
        assert event["context"]["page"] == beacon.body["context"]["page"], "each tab sends its own"
    assert sum(beacon.status == 200 for beacon in recorder.beacons) == 2


def test_a_batch_whose_tab_died_is_taken_over_once_its_lease_ran_out(recorder: Recorder, page: Page) -> None:
    page.clock.install()
    page.goto(recorder.lay("/a"))
    event = {"type": "track", "event": "Orphan", "messageId": "m1", "context": {}, "properties": {}}
    page.evaluate(
        """([event]) => {
            event.timestamp = new Date().toISOString()
            localStorage.setItem('habitue.demo.q.dead.0', JSON.stringify([Date.now() + 90000, event]))
        }""",
        [event],
    )
    page.goto(recorder.shop + "/a")
    page.clock.run_for(1_000)
    recorder.wait(lambda: recorder.names().count("page") >= 1, "page views")
    assert "Orphan" not in recorder.names()
    page.clock.run_for(130_000)
    recorder.wait(lambda: "Orphan" in recorder.names(), "the orphan")


def test_ten_thousand_pushes_neither_flood_nor_fill_the_shops_storage(recorder: Recorder, page: Page) -> None:
    page.goto(recorder.lay("/a"))
    recorder.expect("page")
    page.evaluate("for (let i = 0; i < 10000; i++) habitue('track', 'Loop', {i})")
    assert page.evaluate(f"{KEPT}.length") <= 40
    assert page.evaluate("JSON.stringify(localStorage).length") < 1_000_000
    start = len(recorder.beacons)
    recorder.wait(lambda: len(recorder.beacons) >= start + 10, "ten batches")
    first, tenth = recorder.beacons[start], recorder.beacons[start + 9]
    assert tenth.received_at - first.received_at > 9 * 0.04, "one after the other, with a breath between"
    assert all(len(json.dumps(beacon.body)) <= 60_000 for beacon in recorder.beacons)


def test_large_events_travel_in_small_batches_and_impossible_ones_are_counted(
    recorder: Recorder, page: Page
) -> None:
    page.goto(recorder.lay("/a"))
    recorder.expect("page")
    page.evaluate(
        """for (let i = 0; i < 5; i++) habitue('track', 'Large', {text: 'ü'.repeat(12000)})
           habitue('track', 'Too large', {text: 'x'.repeat(40000)})"""
    )
    recorder.expect("page", *["Large"] * 5)
    sizes = [len(json.dumps(beacon.body, ensure_ascii=False).encode()) for beacon in recorder.beacons]
    assert max(sizes) <= 61_440
    assert recorder.beacons[1].body["context"]["lost"] == {"large": 1}


def test_where_the_browser_keeps_nothing_events_still_travel(recorder: Recorder, page: Page) -> None:
    page.add_init_script("Object.defineProperty(window, 'localStorage', {get() { throw new Error('no') }})")
    page.goto(recorder.lay("/a"))
    recorder.expect("page")
    page.evaluate("habitue('track', 'One')")
    recorder.expect("page", "One")


def test_a_beacon_is_the_last_resort_and_no_acknowledgement(recorder: Recorder, page: Page) -> None:
    page.add_init_script(
        """const send = navigator.sendBeacon
           navigator.sendBeacon = function (url, body) {
               sessionStorage.beacons = (sessionStorage.beacons || 0) * 1 + 1
               return send.call(navigator, url, body)
           }"""
    )
    page.goto(recorder.lay("/a"))
    recorder.expect("page")
    assert page.evaluate("sessionStorage.beacons") is None
    # No timer either, so that it is the leaving that sends.
    page.evaluate("window.fetch = () => { throw new Error('gone') }; window.setTimeout = () => 0")
    page.evaluate("habitue('track', 'Last words')")
    assert page.evaluate(f"{KEPT}.length") == 1
    page.goto(recorder.lay("/b"))
    recorder.expect("page", "Last words", "page")
    assert page.evaluate("sessionStorage.beacons") == "1"
    # Once as a beacon, and again by a fetch that can be answered.
    recorder.wait(lambda: [_words(b) for b in recorder.beacons].count(["Last words"]) >= 1, "the beacon")
    recorder.wait(lambda: sum("Last words" in _words(b) for b in recorder.beacons) == 2, "the fetch")


def test_sent_is_announced_with_the_events_and_the_answer(recorder: Recorder, page: Page) -> None:
    listen = "<script>document.addEventListener('habitue:sent', (e) => { window.sent = e.detail })</script>"
    page.goto(recorder.lay("/a", head=listen))
    page.wait_for_function("window.sent")
    detail = page.evaluate("window.sent")
    assert detail["events"][0]["type"] == "page"
    assert detail["answer"]["results"] == [{"index": 0, "status": "accepted"}]
