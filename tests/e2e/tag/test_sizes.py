"""What a visitor loads: the scripts that Chromium fetched, and their bytes."""

from __future__ import annotations

import gzip

import pytest
from e2e.tag.recorder import TAG, Recorder
from playwright.sync_api import Page

MOST_BYTES = 8_000  # by Brotli, which is how it is sent over https
CORE_BYTES = 4_000  # by gzip, and so is the next one
GZIP_BYTES = 8_830

LAYER = "<script>dataLayer = [{event: 'view_item', ecommerce: {items: [{item_id: '1', price: 2}]}}]</script>"
SLOT = "<div data-habitue-slot='s'></div>"
TCF = """<script>__tcfapi = (command, version, listen) => listen({eventStatus: 'tcloaded', gdprApplies: false,
    purpose: {consents: {}}}, true)</script>"""


@pytest.mark.parametrize("body", ["", LAYER + TCF + SLOT], ids=["an article", "a product with everything"])
def test_a_page_loads_two_files_and_each_once(recorder: Recorder, page: Page, body: str) -> None:
    page.goto(recorder.lay("/a", body))
    recorder.wait(lambda: "page" in recorder.names(), "the page view")
    fetched = [path.partition("?")[0].rpartition("/")[2] for path in recorder.fetched if "/h/" in path]
    assert sorted(fetched) == ["s-more.js", "s.js"]


def test_all_of_it_is_small() -> None:
    names = ["stub.js", "s.js", "s-more.js"]
    gzipped = {name: len(gzip.compress((TAG / name).read_bytes(), 9)) for name in names}
    assert gzipped["s.js"] <= CORE_BYTES
    assert sum(gzipped.values()) <= GZIP_BYTES, gzipped
    assert sum((TAG / f"{name}.br").stat().st_size for name in names) <= MOST_BYTES
