"""Without consent nothing is stored, nobody is recognised, and slots still show what is popular."""

from __future__ import annotations

import pytest
from e2e.tag.patience import until
from e2e.tag.recorder import Recorder, offers
from playwright.sync_api import BrowserContext, Page

SLOT = "<div data-habitue-slot='s'></div>"
PENDING = {"analytics": "pending", "personalization": "pending"}
DENIED = {"analytics": "denied", "personalization": "denied"}
GRANTED = {"analytics": "granted", "personalization": "granted"}


def _nothing_kept(page: Page, visitor: BrowserContext) -> bool:
    return page.evaluate("localStorage.length + sessionStorage.length + document.cookie.length") == 0 and (
        visitor.cookies() == []
    )


def _says_nothing_of_anybody(body: dict[str, object]) -> bool:
    return set(body) <= {"writeKey", "sentAt", "context", "batch", "slots", "page"} and set(
        body["context"]  # type: ignore[call-overload]  # an object, by the wire
    ) == {"consent"}


def test_until_the_visitor_decides_events_wait_in_memory_only(
    recorder: Recorder, page: Page, visitor: BrowserContext
) -> None:
    recorder.answers["s"] = offers("popular")
    page.goto(recorder.lay("/a", SLOT, tag=""))
    page.evaluate("habitue('track', 'Waiting')")
    page.wait_for_selector("text=Item popular")
    (question,) = recorder.beacons
    assert question.body["context"]["consent"] == PENDING
    assert question.events == []
    assert _says_nothing_of_anybody(question.body)
    assert _nothing_kept(page, visitor)
    page.evaluate("habitue('consent', {analytics: 'granted', personalization: 'granted'})")
    recorder.wait(lambda: {"page", "Waiting"} <= {*recorder.names()}, "what waited")
    # Where all takes long, the offer has been seen for a second by now.
    assert sorted(name for name in recorder.names() if name != "Offer Viewed") == ["Waiting", "page"]
    assert recorder.beacons[1].body["context"]["consent"] == GRANTED
    assert recorder.beacons[1].body["nonce"]


def test_a_consent_tool_that_speaks_early_gets_one_request_with_everything(
    recorder: Recorder, page: Page
) -> None:
    head = (
        "<script>setTimeout(() => habitue('consent', {analytics: true, personalization: true}), 200)</script>"
    )
    page.goto(recorder.lay("/a", SLOT, head=head, tag=""))
    recorder.expect("page")
    assert [(b.path, b.body["slots"]) for b in recorder.beacons] == [("/h/v1/context", ["s"])]


def test_a_grant_is_remembered_for_the_next_page(recorder: Recorder, page: Page) -> None:
    page.goto(recorder.lay("/a", tag="data-consent='required'"))
    page.evaluate("habitue('consent', {analytics: 'granted', personalization: 'denied'})")
    recorder.expect("page")
    page.goto(recorder.lay("/b", tag="data-consent='required'"))
    recorder.expect("page", "page")
    consent = recorder.beacons[-1].body["context"]["consent"]
    assert consent == {"analytics": "granted", "personalization": "denied"}


def test_denied_is_forgotten_and_leaves_no_trace(
    recorder: Recorder, page: Page, visitor: BrowserContext
) -> None:
    recorder.answers["s"] = offers("popular")
    head = "<script>habitue('consent', {analytics: 'denied', personalization: 'denied'})</script>"
    page.goto(recorder.lay("/a", SLOT, head=head, tag=""))
    page.wait_for_selector("text=Item popular")
    page.evaluate("habitue('track', 'Secret'); habitue('identify', 'ann'); habitue('reset')")
    page.evaluate("history.pushState({}, '', '/b')")
    page.wait_for_timeout(600)  # nothing may happen, and that is not to be waited for otherwise
    assert [beacon.path for beacon in recorder.beacons] in (["/h/v1/context"], ["/h/v1/context"] * 2)
    for beacon in recorder.beacons:
        assert beacon.body["context"]["consent"] == DENIED
        assert beacon.events == []
        assert beacon.cookie == ""
        assert _says_nothing_of_anybody(beacon.body)
    assert _nothing_kept(page, visitor)


@pytest.mark.parametrize("tag", ["data-consent='required'", "data-consent='assumed'"])
def test_global_privacy_control_is_a_denial_whatever_the_page_says(
    recorder: Recorder, page: Page, visitor: BrowserContext, tag: str
) -> None:
    recorder.answers["s"] = offers("popular")
    page.add_init_script(
        "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true})"
    )
    page.goto(recorder.lay("/a", SLOT, tag=tag))
    page.evaluate("habitue('consent', {analytics: 'granted', personalization: 'granted'})")
    page.wait_for_selector("text=Item popular")
    page.evaluate("habitue('track', 'Secret')")
    page.goto(recorder.lay("/b", SLOT, tag=tag))
    page.wait_for_selector("text=Item popular")
    for beacon in recorder.beacons:
        assert beacon.body["context"]["consent"] == DENIED
        assert (beacon.events, beacon.cookie) == ([], "")
        assert _says_nothing_of_anybody(beacon.body)
    assert _nothing_kept(page, visitor)


def test_withdrawal_stops_at_once_tells_the_server_once_and_clears_the_browser(
    recorder: Recorder, page: Page, visitor: BrowserContext
) -> None:
    page.goto(recorder.lay("/a", tag=""))
    page.evaluate("habitue('consent', {analytics: 'granted', personalization: 'granted'})")
    recorder.expect("page")
    until(page, lambda: [cookie["name"] for cookie in visitor.cookies()] == ["habitue"], "the cookie")
    page.evaluate(
        """habitue('track', 'Just before')
           habitue('consent', {analytics: 'denied', personalization: 'denied'})
           habitue('track', 'After')"""
    )
    recorder.wait(lambda: len(recorder.beacons) == 2, "the withdrawal")
    notice = recorder.beacons[1]
    assert notice.cookie, "the server has to know whose consent is gone"
    assert notice.body["context"] == {"consent": DENIED}
    assert notice.events == []
    page.wait_for_function("localStorage.length === 0")
    until(page, lambda: visitor.cookies() == [], "the end of the cookie")
    recorder.lay("/b", SLOT, tag="")
    page.goto(recorder.shop + "/b")
    recorder.wait(lambda: len(recorder.beacons) == 3, "the next page's question")
    assert recorder.beacons[2].body["context"]["consent"] == PENDING
    assert recorder.beacons[2].cookie == ""
    assert visitor.cookies() == []
