"""What a visitor loads: the scripts that Chromium fetched on the kinds of pages, and their bytes as gzip."""

from __future__ import annotations

import gzip

import pytest
from e2e.tag.patience import until
from e2e.tag.recorder import TAG, Recorder
from playwright.sync_api import Page, Route

MOST_BYTES = 8_000
CORE_BYTES = 4_000
FULL_BYTES = 8_990  # with slots; under 8,000 as Brotli, which is how it is sent over https

LAYER = "<script>dataLayer = [{event: 'view_item', ecommerce: {items: [{item_id: '1', price: 2}]}}]</script>"
MARKUP = """<script type="application/ld+json">{"@type": "Product", "name": "Cap", "sku": "C"}</script>"""
CART = "<form class='cart' method='post'><button name='add-to-cart' value='57'>Buy</button></form>"
SLOT = "<div data-habitue-slot='s'></div>"
CALL = "<script>habitue('slots', ['s'])</script>"
TCF = """<script>__tcfapi = (command, version, listen) => listen({eventStatus: 'tcloaded', gdprApplies: false,
    purpose: {consents: {}}}, true)</script>"""
SHOPIFY = "<script>Shopify = {}</script>"

KINDS: dict[str, tuple[str, set[str], int]] = {
    "an article": ("", {"more"}, MOST_BYTES),
    "a product with everything to read": (LAYER + MARKUP + CART, {"more"}, MOST_BYTES),
    "the same where TCF speaks": (LAYER + MARKUP + CART + TCF, {"more"}, MOST_BYTES),
    "a Shopify product": (SHOPIFY + MARKUP + CART, {"more"}, MOST_BYTES),
    "a product with slots": (LAYER + MARKUP + CART + SLOT, {"more", "slots"}, FULL_BYTES),
    "a headless page": (CALL, {"more", "slots"}, FULL_BYTES),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_loads_what_it_has_something_for(recorder: Recorder, page: Page, kind: str) -> None:
    body, files, most = KINDS[kind]
    page.goto(recorder.lay("/a", body))
    recorder.wait(lambda: "page" in recorder.names(), "the page view")
    fetched = [path.partition("?")[0].rpartition("/")[2] for path in recorder.fetched if "/h/" in path]
    assert sorted(fetched) == sorted(["s.js", *(f"s-{name}.js" for name in files)]), "each once"
    sizes = {name: len(gzip.compress((TAG / name).read_bytes(), 9)) for name in ["stub.js", *fetched]}
    assert sizes["s.js"] <= CORE_BYTES
    assert sum(sizes.values()) <= most, sizes


def test_none_of_the_files_waits_for_another(recorder: Recorder, page: Page) -> None:
    held: list[Route] = []
    page.route("**/h/s-*.js*", lambda route: held.append(route))
    page.goto(recorder.lay("/a", LAYER + SLOT + TCF), wait_until="commit")  # they hold up its load
    until(page, lambda: len(held) == 2, "both, while none was answered")
    assert len(held) == 2
    for one in held:
        one.continue_()
    recorder.wait(lambda: any("slots" in beacon.body for beacon in recorder.beacons), "the question")
