"""What the visitor sees is told, once for each page, whatever way the page came."""

from __future__ import annotations

from e2e.tag.recorder import Recorder
from playwright.sync_api import Page


def test_a_page_is_one_page_view_in_plain_text_without_preflight(
    recorder: Recorder, page: Page, complaints: list[str]
) -> None:
    page.goto(recorder.lay("/a?utm_source=letter".partition("?")[0]) + "?utm_source=letter")
    recorder.expect("page")
    beacon = recorder.beacons[0]
    assert beacon.path == "/h/v1/batch"
    assert beacon.content_type.startswith("text/plain")
    assert beacon.body["writeKey"] == "demo"
    assert beacon.body["context"]["consent"] == {"analytics": "granted", "personalization": "granted"}
    properties = beacon.events[0]["properties"]
    assert properties["url"].endswith("/a?utm_source=letter")
    assert (properties["path"], properties["search"], properties["title"]) == ("/a", "?utm_source=letter", "/a")
    assert complaints == []
