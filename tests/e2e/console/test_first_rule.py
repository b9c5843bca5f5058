"""A marketer's first rule, in a real browser: sign in, segment, pin, preview, save, look, undo."""

from __future__ import annotations

import re
from contextlib import suppress

from playwright.sync_api import Browser, BrowserContext, Error, Page, Route, expect
from support.house import BROWSER
from support.light_demo import LightDemo

SHOP = """<!doctype html><title>The shop</title><h1>The shop</h1>
<script async src="/h/s.js?key=demo&amp;consent=assumed"></script>
<div data-habitue-slot="home-hero"></div>"""


def shop(browser: Browser, demo: LightDemo) -> tuple[BrowserContext, Page]:
    """Somebody's browser with a page of the shop: only the tag and a slot."""
    context = browser.new_context(user_agent=BROWSER)
    page = context.new_page()
    page.route("**/shop-page", lambda route: route.fulfill(body=SHOP, content_type="text/html"))
    return context, page


def first_offer(page: Page, demo: LightDemo) -> str:
    """The page is looked at; what its slot shows first."""
    page.goto(f"{demo.address}/shop-page")
    link = page.locator("[data-habitue-slot] a").first
    expect(link).to_be_visible(timeout=20_000)
    return str(link.get_attribute("href")).split("?")[0].rsplit("/", 1)[-1]


def opened(page: Page, path: str) -> None:
    """A form of the console, with its scripts: before they are there a button does what it does without."""
    page.goto(path)
    expect(page.locator("html.scripted")).to_be_attached()


def calm(page: Page) -> None:
    """What was asked of the server is answered, and stands on the page."""
    expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling, .htmx-added")).to_have_count(0)


def shows_first(page: Page, demo: LightDemo, item_id: str) -> bool:
    """Whether the shop's page shows it first; a change counts within a second, so it is asked again."""
    return any(first_offer(page, demo) == item_id for _ in range(5))


def test_from_the_sign_in_to_the_shop_and_back(browser: Browser, demo: LightDemo) -> None:
    password = demo.signs_in("mara")
    item = demo.last_item
    office = browser.new_context(base_url=f"{demo.address}/console/", user_agent=BROWSER)
    desk = office.new_page()
    wrong: list[str] = []
    desk.on("pageerror", lambda error: wrong.append(str(error)))
    desk.on("console", lambda said: wrong.append(said.text) if "Content Security" in said.text else None)

    desk.goto("sign-in")
    desk.get_by_label("Name").fill("mara")
    desk.get_by_label("Password").fill(password)
    desk.get_by_role("button", name="Sign in").click()

    # A segment: who looked at two pages or more.
    opened(desk, "segments/new")
    desk.locator("[name=name]").fill("Looks around")
    desk.get_by_role("button", name="Add a row").click()
    field = desk.locator("[name='builder.rows.0.field']")
    expect(field).to_be_focused()  # where the keyboard goes on
    calm(desk)
    with desk.expect_response("**/segments/new"):
        field.select_option("visitor.page_views")
    expect(desk.locator("[name='builder.rows.0.operator'] option").first).to_be_attached()
    calm(desk)
    with desk.expect_response("**/segments/new"):
        desk.locator("[name='builder.rows.0.operator']").select_option("at_least")
    calm(desk)
    desk.locator("[name='builder.rows.0.value']").fill("2")
    expect(desk.locator("#figures")).to_contain_text(re.compile("people match|person matches"))
    desk.get_by_role("button", name="Save", exact=True).click()
    expect(desk.locator("h1")).to_have_text("Looks around")
    expect(desk.locator("main .note")).to_contain_text("Saved")

    # A rule for them, pinned by searching the catalog.
    opened(desk, "rules/new?start=pin&segment=looks-around")
    desk.locator("[name=name]").fill("One thing first")
    with desk.expect_response("**/rules/items"):
        desk.locator("[name='consequence.pin.0.item_id']").fill(item["name"])
    calm(desk)
    found = desk.locator(f"button.pick[value$='={item['item_id']}']")
    expect(found).to_be_visible()
    assert found.evaluate("(one) => one.offsetWidth / one.closest('.item-field').offsetWidth") > 0.9
    for _ in desk.locator("button.pick").all():  # by the arrows, as in any list
        if found.evaluate("(one) => one === document.activeElement"):
            break
        desk.keyboard.press("ArrowDown")
    expect(found).to_be_focused()
    desk.keyboard.press("Enter")
    expect(desk.locator(".held strong")).to_have_text(item["name"])
    desk.get_by_label("For you (home-hero)").check()

    # A visitor who is no member; then the same one, who is.
    context, page = shop(browser, demo)
    before = first_offer(page, demo)
    assert before != item["item_id"]
    assert first_offer(page, demo) != item["item_id"]  # a member by now; there is no rule yet

    # The preview, for a member: the item is new in the first place, and says why.
    desk.locator("[name='look.who']").select_option("segment:looks-around")
    desk.get_by_role("button", name="Preview", exact=True).click()
    offer = desk.locator(".offer.new, .offer.up").first
    expect(offer).to_contain_text(item["name"])
    offer.locator("summary").click()
    expect(offer).to_contain_text("One thing first")

    desk.locator("[name=change_note]").fill("asked for by the buyers")
    desk.get_by_role("button", name="Save", exact=True).click()
    expect(desk.locator("main .note")).to_contain_text("Saved")

    # The shop: the member sees it first, somebody new does not.
    assert shows_first(page, demo, item["item_id"])
    stranger, other = shop(browser, demo)
    assert first_offer(other, demo) != item["item_id"]

    # Taken back with one click.
    desk.get_by_role("button", name="Undo the last change").click()
    expect(desk.locator("main .note")).to_contain_text("Undone")
    assert any(first_offer(page, demo) != item["item_id"] for _ in range(5))
    assert wrong == []
    for one in (office, context, stranger):
        one.close()


def test_a_late_answer_does_not_overwrite_a_newer_one(browser: Browser, demo: LightDemo) -> None:
    office = browser.new_context(base_url=f"{demo.address}/console/", user_agent=BROWSER)
    desk = office.new_page()
    opened(desk, "segments/new")
    desk.get_by_role("button", name="Expression").click()
    expression = desk.locator("[name='when']")
    expect(expression).to_be_visible()
    calm(desk)
    held: list[Route] = []

    def first_waits(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    desk.route("**/segments/check", first_waits)
    with desk.expect_request("**/segments/check"):
        expression.fill("visitor.visits >= 1 &&")
    with desk.expect_response("**/segments/check"):
        expression.fill("visitor.visits >= 7")
    expect(desk.locator("#figures")).to_contain_text("0 people match")
    with suppress(Error):  # its request was taken back: nobody waits for the answer
        held[0].fulfill(body='<div id="figures" hx-swap-oob="true">late</div>', content_type="text/html")
    with desk.expect_response("**/segments/check"):
        expression.fill("visitor.visits >= 8")
    expect(desk.locator("#figures")).to_contain_text("0 people match")
    expect(desk.locator("#figures")).not_to_contain_text("late")

    # The session ends before it is saved: after the sign-in what was written is there again.
    ended: list[Route] = []

    def ends(route: Route) -> None:
        if ended or route.request.method != "POST":
            route.continue_()
            return
        ended.append(route)
        route.fulfill(status=401, headers={"hx-redirect": "/console/segments/new"})

    calm(desk)
    desk.route("**/segments/new", ends)
    with desk.expect_navigation():
        desk.get_by_role("button", name="Save", exact=True).click()
    expect(desk.locator("[name='when']")).to_have_value("visitor.visits >= 8")
    assert ended
    office.close()


def test_it_works_without_script_and_by_keyboard_alone(browser: Browser, demo: LightDemo) -> None:
    office = browser.new_context(
        base_url=f"{demo.address}/console/", java_script_enabled=False, user_agent=BROWSER
    )
    desk = office.new_page()
    desk.goto("rules/new?start=boost")
    desk.locator("[name=name]").focus()
    desk.keyboard.type("By keys")
    row = desk.get_by_role("button", name="Add a row")
    row.focus()
    desk.keyboard.press("Enter")
    desk.locator("[name='builder.rows.0.field']").select_option("item.price")
    desk.get_by_role("button", name="Expression").focus()
    desk.keyboard.press("Enter")
    expression = desk.locator("[name='condition.when']")
    expression.focus()
    desk.keyboard.press("Control+A")
    desk.keyboard.type("item.pric < 5")
    save = desk.get_by_role("button", name="Save", exact=True)
    save.focus()
    desk.keyboard.press("Enter")
    expect(desk.locator(".marked mark")).to_have_text("item.pric")
    take = desk.get_by_role("button", name="Take that")
    take.focus()
    desk.keyboard.press("Enter")
    expect(desk.locator("[name='condition.when']")).to_have_value("item.price < 5")
    desk.get_by_role("button", name="Save", exact=True).focus()
    desk.keyboard.press("Enter")
    expect(desk.locator("h1")).to_have_text("By keys")
    office.close()
