"""Who it is, is the server's business: the tag sends a nonce, claims, and logouts in their order."""

from __future__ import annotations

from e2e.tag.recorder import Recorder, offers
from playwright.sync_api import Page


def test_the_nonce_goes_until_the_first_answer_and_no_further(recorder: Recorder, page: Page) -> None:
    recorder.mood = "overloaded"
    page.goto(recorder.lay("/a"))
    recorder.wait(lambda: recorder.beacons, "a refused beacon")
    page.goto(recorder.bare())
    recorder.mood = "ok"
    page.goto(recorder.lay("/b"))
    recorder.wait(lambda: len(recorder.names()) == 2, "both page views")
    page.evaluate("habitue('track', 'Later')")
    recorder.wait(lambda: "Later" in recorder.names(), "another event")
    nonces = [beacon.body.get("nonce") for beacon in recorder.beacons]
    assert nonces[-1] is None
    given = {nonce for nonce in nonces if nonce}
    assert len(given) == 1, "pages that know of no answer yet are the same visitor"
    assert len(given.pop()) >= 20
    assert page.evaluate("localStorage.getItem('habitue.demo.nonce')") is None


def test_a_logout_comes_after_what_was_done_before_and_ahead_of_what_follows(
    recorder: Recorder, page: Page
) -> None:
    page.goto(recorder.lay("/a"))
    recorder.expect("page")
    page.evaluate(
        "habitue('identify', 'ann'); habitue('track', 'Hers'); habitue('reset'); habitue('track', 'His')"
    )
    recorder.expect("page", "identify", "Hers", "His")
    assert [(b.path, [e.get("event") or e["type"] for e in b.events]) for b in recorder.beacons[1:]] == [
        ("/h/v1/batch", ["identify", "Hers"]),
        ("/h/v1/reset", []),
        ("/h/v1/batch", ["His"]),
    ]
    granted = {"analytics": "granted", "personalization": "granted"}
    assert recorder.beacons[2].body == {"writeKey": "demo", "context": {"consent": granted}}


def test_a_logout_survives_an_outage_and_the_end_of_the_page(recorder: Recorder, page: Page) -> None:
    page.goto(recorder.lay("/a"))
    recorder.expect("page")
    recorder.mood = "overloaded"
    page.evaluate("habitue('track', 'Hers'); habitue('reset'); habitue('track', 'His')")
    recorder.wait(lambda: len(recorder.beacons) >= 2, "a refused beacon")
    page.goto(recorder.bare())
    recorder.mood = "ok"
    page.goto(recorder.lay("/b"))
    recorder.expect("page", "Hers", "His", "page")
    answered = [
        "reset" if b.path.endswith("reset") else name
        for b in recorder.beacons
        if b.status == 200
        for name in ([e.get("event") or e["type"] for e in b.events] or ["reset"])
    ]
    assert answered == ["page", "Hers", "reset", "His", "page"]


def test_what_was_offered_to_one_person_is_gone_for_the_next(recorder: Recorder, page: Page) -> None:
    for change in ("habitue('reset')", "habitue('identify', 'bob')"):
        recorder.answers["s"] = offers("for-ann")
        page.goto(
            recorder.lay(
                "/a", "<div data-habitue-slot='s'></div>", head="<script>habitue('identify', 'ann')</script>"
            )
        )
        page.wait_for_selector("text=Item for-ann")
        recorder.answers["s"] = offers("for-all")
        page.evaluate(change)
        assert page.locator("text=Item for-ann").count() == 0
        page.wait_for_selector("text=Item for-all")
