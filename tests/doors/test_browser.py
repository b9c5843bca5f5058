"""A real Chromium comes to the Django shop for the first time: one visitor, whoever minted."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from support.serving import until
from support.shops import by_secret_key

from .conftest import Shop


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Of this module alone: while Playwright is open nobody can call `asyncio.run`."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


# The page is the same in all three shops; one is enough for a browser.
pytestmark = pytest.mark.parametrize("shop", ["django"], indirect=True)


@pytest.fixture
def tab(chromium: Browser, shop: Shop) -> Iterator[Page]:
    context = chromium.new_context(base_url=shop.url)
    yield context.new_page()
    context.close()


def device(tab: Page) -> str | None:
    for cookie in tab.context.cookies():
        if cookie["name"] == "habitue":
            assert cookie["httpOnly"]
            return cookie["value"].rsplit(".", 2)[0]
    return None


def test_server_and_tag_speak_of_one_visitor_who_sees_and_follows_offers(tab: Page, shop: Shop) -> None:
    tab.goto("/")
    assert device(tab) is None  # nobody has agreed
    with tab.expect_response(lambda answer: "/h/v1/" in answer.url and answer.ok):
        tab.get_by_role("button", name="Yes").click()
    minted = device(tab)
    assert minted is not None
    with tab.expect_response(lambda answer: "/h/v1/" in answer.url and answer.ok) as answered:
        tab.goto("/p/book-01")
    assert "set-cookie" not in answered.value.headers
    assert device(tab) == minted
    known = shop.profile(minted)
    assert known is not None
    assert known["session"]["page_views"] >= 1  # by the tag
    assert "book-01" in [item["item_id"] for item in known["recent_items"]]  # by the server

    tab.goto("/")
    card = tab.locator("[data-habitue-offer]").first
    card.scroll_into_view_if_needed()
    item = card.get_attribute("data-habitue-offer")

    def exposures() -> list[str]:
        answer = httpx.get(f"{shop.server}/v1/profiles/{minted}", headers=by_secret_key())
        return [one["item_id"] for one in answer.json().get("exposures", [])]

    until(lambda: item in exposures(), "the offer was seen")
    tab.evaluate("addEventListener('click', (event) => event.preventDefault())")  # the page stays
    with tab.expect_request(
        lambda request: "/h/v1/" in request.url and "Offer Clicked" in (request.post_data or "")
    ):
        card.click()
