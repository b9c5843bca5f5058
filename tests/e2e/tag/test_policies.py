"""Strict pages: nonces, strict-dynamic, Trusted Types; and a policy that forbids the collector altogether."""

from __future__ import annotations

import pytest
from e2e.tag.patience import until
from e2e.tag.recorder import SOON, Recorder, offers
from playwright.sync_api import Page

NONCE = "cmFuZG9t"
POLICIES = {
    "nonce": "default-src 'self'; script-src 'nonce-{nonce}'; connect-src 'self' {collector}; "
    "base-uri 'none'; object-src 'none'",
    "strict-dynamic": "script-src 'nonce-{nonce}' 'strict-dynamic' 'unsafe-inline' https:; style-src 'none'; "
    "connect-src 'self' {collector}; require-trusted-types-for 'script'; object-src 'none'; base-uri 'none'",
    "trusted-types": "default-src 'self'; script-src 'nonce-{nonce}'; connect-src {collector}; "
    "require-trusted-types-for 'script'; trusted-types habitue",
}


@pytest.mark.parametrize("policy", POLICIES)
def test_a_strict_page_gets_its_offers_without_a_single_violation(
    recorder: Recorder, page: Page, complaints: list[str], policy: str
) -> None:
    recorder.answers["s"] = offers("1")
    header = POLICIES[policy].format(nonce=NONCE, collector=recorder.collector) + "; report-uri /csp"
    body = "<div data-habitue-slot='s'></div><div data-habitue-slot='own'><p>Ours</p></div>"
    page.goto(recorder.lay("/a", body, nonce=NONCE, headers={"Content-Security-Policy": header}))
    page.wait_for_selector("text=Item 1")
    page.wait_for_selector("[data-habitue=shop]")
    card = page.locator(".habitue-card")
    assert card.evaluate("(card) => getComputedStyle(card).textDecorationLine") == "none", "our styles count"
    recorder.wait(lambda: "Offer Viewed" in recorder.names(), "the impression")
    assert complaints == []
    assert recorder.reports == []


def test_a_policy_that_forbids_the_collector_gets_no_error_of_ours_and_no_storm(
    recorder: Recorder, page: Page, complaints: list[str]
) -> None:
    header = f"script-src 'nonce-{NONCE}'; connect-src 'self'"
    page.goto(
        recorder.lay(
            "/a",
            "<div data-habitue-slot='s'>Ours</div>",
            nonce=NONCE,
            headers={"Content-Security-Policy": header},
        )
    )
    page.wait_for_selector("text=Ours", state="visible")
    until(page, lambda: complaints, "the browser's complaint")
    page.wait_for_timeout(1500)  # a storm would have come by now
    assert 1 <= len(complaints) <= 8
    assert all("Content Security Policy" in text or "violates" in text for text in complaints), complaints
    assert recorder.beacons == []


def test_a_page_that_allows_no_policy_of_ours_is_still_counted(recorder: Recorder, page: Page) -> None:
    header = "require-trusted-types-for 'script'; trusted-types shop"
    headers = {"Content-Security-Policy": header}
    page.goto(recorder.lay("/a", "<div data-habitue-slot='s'>Ours</div>", head=SOON, headers=headers))
    recorder.expect("page")
    # Not by wait_for_function: it evaluates text inside the page, which the policy forbids.
    assert until(page, lambda: page.evaluate("window.soon"), "the time to look") == "visible"


def test_integrity_is_passed_on(recorder: Recorder, page: Page, complaints: list[str]) -> None:
    import base64
    import hashlib

    from e2e.tag.recorder import TAG

    recorder.answers["s"] = offers("1")
    digest = base64.b64encode(hashlib.sha256((TAG / "s.js").read_bytes()).digest()).decode()
    tag = f'data-consent="assumed" integrity="sha256-{digest}" crossorigin="anonymous"'
    everything = "<script>dataLayer = []; __tcfapi = () => {}</script>"
    page.goto(recorder.lay("/a", "<div data-habitue-slot='s'></div>", head=everything, tag=tag))
    page.wait_for_selector("text=Item 1")
    loaded = page.locator("script[src*='-more.js']")
    assert (loaded.get_attribute("integrity") or "").startswith("sha256-")
    assert complaints == []
