"""One walk through the shop in a real Chromium: what the pages show, and what follows from each step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from support.house import visitor_of
from support.serving import Serving, until

from habitue_shop.journey import Product, products

pytestmark = pytest.mark.timeout(600)

SHIFT = """window.shift = 0
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value
}).observe({type: 'layout-shift', buffered: true})"""

SHADE = "getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).map(Number)"
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
BAGELS, MILK, BANANAS = "/shop/c/bakery/rolls-bagels", "1029743", "1082185"


@pytest.fixture
def page(visitor: BrowserContext, complaints: list[str], demo: Serving) -> Iterator[Page]:
    """A tab of the shop; whatever it complains about on its console fails the test."""
    visitor.add_init_script(SHIFT)
    tab = visitor.new_page()
    tab.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("response", lambda answer: complaints.append(answer.url) if answer.status >= 500 else None)
    yield tab
    assert complaints == []


@pytest.fixture
def go(page: Page, demo: Serving) -> Callable[..., Page]:
    """`go("/shop/", "home-hero")` opens a page and waits until these slots are settled."""

    def go(path: str, *slots: str) -> Page:
        page.goto(demo.address + path)
        return settled(page, *slots)

    return go


def settled(page: Page, *slots: str) -> Page:
    for slot in slots:
        page.wait_for_selector(f"[data-habitue-slot={slot}][data-habitue=offers]")
    return page


def offered(page: Page, slot: str) -> list[str]:
    """The item ids that a slot shows, by their addresses."""
    links = page.locator(f"[data-habitue-slot={slot}] a.offer")
    found: list[str] = links.evaluate_all("(all) => all.map((one) => one.href.split('/p/')[1].split('?')[0])")
    return found


def reasons(page: Page, slot: str) -> list[str]:
    return page.locator(f"[data-habitue-slot={slot}] .offer-reason").all_inner_texts()


def profile(visitor: BrowserContext, backend: httpx.Client) -> dict[str, Any]:
    (cookie,) = [one["value"] for one in visitor.cookies() if one["name"] == "habitue"]
    known: dict[str, Any] = backend.get(f"/v1/profiles/{visitor_of(cookie)}").json()
    return known


def by_department(*departments: str) -> list[list[Product]]:
    """What each department sells, best sellers first."""
    return [[one for one in products() if one.department == label] for label in departments]


def log_in(page: Page, name: str) -> Page:
    page.click("#login-link")
    with page.expect_response("**/h/v1/context"):
        page.click(f".person:has-text('{name}')")
    return settled(page, "home-hero")


Go = Callable[..., Page]


def test_home_is_filled_with_reasons_and_nothing_moves(go: Go) -> None:
    page = go("/", "home-hero", "home-popular")
    assert page.url.endswith("/shop/")
    assert len(offered(page, "home-hero")) == 12
    assert all(reasons(page, "home-hero"))
    assert page.locator("[data-habitue-slot=home-hero] .offer-price").first.inner_text().startswith("$")
    page.wait_for_load_state("networkidle")
    assert page.evaluate("window.shift") < 0.01
    expect(page.locator("#offers-home-recent")).to_be_hidden()  # nothing was looked at yet


def test_what_was_looked_at_changes_the_offers_and_says_so(go: Go) -> None:
    before = offered(go("/", "home-hero"), "home-hero")
    looked_at = [known[300].item_id for known in by_department("Pets", "Bakery", "Household", "Frozen")]
    for item_id in looked_at:
        page = go(f"/shop/p/{item_id}", "pdp-together", "pdp-related")
        assert item_id not in offered(page, "pdp-related") + offered(page, "pdp-together")
    page = go("/", "home-hero", "home-recent")
    hero = offered(page, "home-hero")
    assert len(set(hero) - set(before)) >= 4
    assert any(text.startswith("Because you looked at") for text in reasons(page, "home-hero"))
    assert offered(page, "home-recent") == looked_at[::-1]
    assert not set(hero) & set(looked_at), "nothing stands twice on a page"


def test_the_panel_is_off_until_asked_and_then_follows(go: Go) -> None:
    page = go("/", "home-hero")
    panel = page.locator("#panel")
    expect(panel).to_be_hidden()
    page.click("#panel-toggle")
    expect(panel).to_be_visible()
    expect(panel).to_contain_text("Why these offers")
    expect(panel).to_contain_text("home-hero")
    expect(panel).to_contain_text("may personalise")
    page = go(f"/shop/p/{MILK}", "pdp-related")
    expect(panel).to_be_visible()  # it stays open from page to page
    name = page.locator("h1").inner_text()
    expect(panel.locator(".know", has_text="What you did")).to_contain_text(name)
    expect(panel).to_contain_text("looked at")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    page.set_viewport_size({"width": 390, "height": 800})
    page.click("#panel-toggle")
    expect(panel).to_be_visible()
    go("/", "home-hero")
    expect(panel).to_be_hidden()  # on a phone it would cover every page


def test_a_category_page_offers_what_is_popular_there(go: Go) -> None:
    page = go(BAGELS, "category-top")
    assert any("Popular" in text and " in " in text for text in reasons(page, "category-top"))


def test_from_search_to_the_thank_you_page_and_the_order_counts_once(
    go: Go, visitor: BrowserContext, backend: httpx.Client
) -> None:
    page = go("/", "home-hero")
    page.fill("#search-input", "bananas")
    page.click("#search-button")
    with page.expect_response("**/shop/cart"):
        page.locator(".js-add button").first.click()
    expect(page.locator("#cart-count")).to_have_text("1")
    page.click("#cart-link")
    settled(page, "cart-extras")
    in_cart = page.locator("#cart-lines .line").first.get_attribute("data-item-id")
    assert in_cart not in offered(page, "cart-extras")
    page.click("#checkout-link")
    page.locator("main form button").last.click()
    page.wait_for_selector("#order-id")
    settled(page, "thanks-next")
    total = float(page.locator(".summary dd").first.inner_text().lstrip("$"))
    page.reload()
    settled(page, "thanks-next")
    until(lambda: profile(visitor, backend)["orders"]["count"], "the backend's own report has arrived")
    known = profile(visitor, backend)
    assert (known["orders"]["count"], known["orders"]["value"]) == (1, pytest.approx(total))
    assert known["cart"] == {} or known["cart"] == []


def test_a_household_finds_its_own_shop_and_leaves_nothing_behind(go: Go) -> None:
    nobodys = offered(go("/", "home-hero"), "home-hero")
    page = log_in(go("/", "home-hero"), "Ray and Dolores Pike")
    theirs = offered(page, "home-hero")
    assert len(set(theirs) & set(nobodys)) < 6
    page.click("#panel-toggle")
    expect(page.locator("#panel")).to_contain_text("Bought before")
    expect(page.locator("#panel")).to_contain_text("Cat Food")
    page.click("#panel .panel-close")
    page.click("#logout")
    settled(page, "home-hero")
    page.wait_for_load_state("networkidle")
    page = go("/", "home-hero")
    assert offered(page, "home-hero") == nobodys
    page.click("#panel-toggle")
    expect(page.locator("#panel")).to_contain_text("Your profile")
    expect(page.locator("#panel")).not_to_contain_text("Bought before")


def test_a_page_that_is_not_there_is_still_a_page_of_the_shop(go: Go, complaints: list[str]) -> None:
    page = go("/shop/c/no/such/shelf")
    expect(page.locator("main")).to_contain_text("not")
    assert page.locator("#logo").is_visible()
    complaints.clear()  # Chromium says on the console that it was a 404: so it was


@pytest.mark.parametrize("width", [360, 1280])
def test_pages_fit_their_window_by_day_and_night(browser: Browser, demo: Serving, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()
    paths = {
        "/shop/": "home-hero",
        BAGELS: "category-top",
        f"/shop/p/{MILK}": "pdp-related",
        "/shop/cart": "cart-extras",
        "/shop/login": "",
        "/shop/search?q=milk": "",
    }
    for path, slot in paths.items():
        page.goto(demo.address + path)
        settled(page, *filter(None, [slot]))
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
            shade = page.evaluate(SHADE)
            assert (sum(shade[:3]) < 3 * 80) == (scheme == "dark"), (path, shade)
    context.close()
