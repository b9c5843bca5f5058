"""The console's frame in a real Chromium: keys, themes, a phone, a strict policy that nothing trips over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from support.light_demo import LightDemo

pytestmark = pytest.mark.timeout(300)
PHONE: Any = {"width": 390, "height": 844}
DESK: Any = {"width": 1280, "height": 844}

PAGES = (
    "", "visitors", "segments", "rules", "contents", "slots", "catalog", "events", "models", "settings",
    "settings/consent", "settings/retention", "settings/users", "settings/changes", "live",
)  # fmt: skip


@pytest.fixture
def console(page: Page, complaints: list[str], demo: LightDemo) -> Iterator[Page]:
    page.goto(f"{demo.address}/console/live")
    yield page
    # htmx logs a request that was taken back for a newer one.
    assert [one for one in complaints if not one.startswith("htmx:")] == []


def test_keys_search_and_go_and_escape_closes(console: Page) -> None:
    search, found = console.locator("#search"), console.locator("#found")
    console.keyboard.press("/")
    expect(search).to_be_focused()
    console.keyboard.type("retention")
    expect(found.locator("a.chosen")).to_contain_text("Retention")
    console.keyboard.press("Escape")
    expect(found).to_be_hidden()
    console.locator("main").focus()
    console.keyboard.press("Control+k")
    expect(search).to_be_focused()
    console.keyboard.type("rules")
    expect(found.locator("a").first).to_contain_text("Rules")
    console.keyboard.press("ArrowDown")
    console.keyboard.press("ArrowUp")
    expect(found.locator("a.chosen")).to_contain_text("Rules")
    console.keyboard.press("Enter")
    console.wait_for_url("**/console/rules")
    console.locator(".menu summary").click()
    expect(console.locator(".menu-body")).to_be_visible()
    console.keyboard.press("Escape")
    expect(console.locator(".menu-body")).to_be_hidden()
    expect(console.locator(".menu summary")).to_be_focused()


def test_the_first_tab_stop_leads_past_the_navigation(console: Page) -> None:
    console.keyboard.press("Tab")
    expect(console.locator(".skip")).to_be_focused()
    console.keyboard.press("Enter")
    expect(console.locator("#main")).to_be_focused()


def test_theme_and_language_are_chosen_by_hand(console: Page) -> None:
    def shade() -> int:
        rgb = console.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
        root = console.evaluate(
            "getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/g).map(Number)"
        )
        return sum(root[:3] if len(rgb) > 3 and rgb[3] == 0 else rgb[:3])

    before = shade()
    console.locator(".menu summary").click()
    console.get_by_role("button", name="Dark").click()
    expect(console.locator("html")).to_have_attribute("data-theme", "dark")
    assert shade() < before
    console.locator(".menu summary").click()
    console.get_by_role("button", name="Deutsch").click()
    expect(console.locator("nav.side a[aria-current], nav.side a").first).to_have_text("Heute")
    expect(console.locator("html")).to_have_attribute("lang", "de")


def test_every_page_fits_a_phone_and_a_desk_and_trips_over_nothing(browser: Browser, demo: LightDemo) -> None:
    context = browser.new_context(viewport=PHONE, color_scheme="dark")
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    for path in PAGES:
        answer = page.goto(f"{demo.address}/console/{path}", wait_until="domcontentloaded")
        assert answer is not None
        assert answer.status == 200, path
        looks: list[tuple[Any, Any]] = [(PHONE, "dark"), (DESK, "light")]
        for window, scheme in looks:
            page.set_viewport_size(window)
            page.emulate_media(color_scheme=scheme)
            page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
            expect(page.locator("h1")).to_be_visible()
        page.set_viewport_size(PHONE)
        assert said == [], path
    context.close()


def test_on_a_phone_the_navigation_waits_behind_a_button(browser: Browser, demo: LightDemo) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{demo.address}/console/settings")
    navigation = page.locator("#navigation")
    expect(navigation).to_be_hidden()
    page.locator(".menu-button").click()
    expect(navigation).to_be_visible()
    expect(page.locator("#navigation a").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(navigation).to_be_hidden()
    page.locator(".menu-button").click()
    navigation.get_by_role("link", name="Catalog").click()
    page.wait_for_url("**/console/catalog")
    context.close()
