"""Slots: one request, nothing moves, text stays text, and what was seen and followed is told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from e2e.tag.recorder import SOON, Recorder, offers
from playwright.sync_api import Page

SHIFT = """<script>
    window.shift = 0
    new PerformanceObserver((list) => { for (const e of list.getEntries()) window.shift += e.value })
        .observe({type: 'layout-shift', buffered: true})
</script>"""


PATIENT = 100_000
"""A deadline, ms, that offers keep on any machine: where it is not what is tried."""

RESET = """<style>* { box-sizing: border-box; margin: 0 } img { max-width: 100%; height: auto }
    ul, ol { margin: 0 0 1em; padding-left: 2em } li { margin-bottom: 1em }
    body { font: 18px/1.7 serif }</style>"""
"""What shops commonly say about elements in general."""


def _questions(recorder: Recorder) -> list[dict[str, object]]:
    return [beacon.body for beacon in recorder.beacons if beacon.path == "/h/v1/context"]


def test_events_and_slots_of_a_page_are_one_request(
    recorder: Recorder, page: Page, complaints: list[str]
) -> None:
    recorder.answers.update(a=offers("1", "2"), b=offers("3"))
    body = """<body data-page-type="product" data-category="Shoes">
        <div data-habitue-slot="a" data-item="SKU1"></div><div data-habitue-slot="b"></div>
        <script>habitue('track', 'Product Viewed', {product_id: 'SKU1'})</script>"""
    page.goto(recorder.lay("/p/SKU1", body))
    page.wait_for_selector("text=Item 3")
    beacon = recorder.beacons[0]
    assert len(_questions(recorder)) == 1
    assert beacon.path == "/h/v1/context"
    assert [e.get("event") or e["type"] for e in beacon.events] == ["page", "Product Viewed"]
    assert beacon.body["slots"] == ["a", "b"]
    assert beacon.body["page"] == {"type": "product", "item_id": "SKU1", "category": "Shoes"}
    assert page.locator("[data-habitue-slot=a] a").count() == 2
    assert complaints == []


def test_slots_added_later_are_asked_for_together(recorder: Recorder, page: Page) -> None:
    page.goto(recorder.lay("/a"))
    recorder.expect("page")
    recorder.answers.update(x=offers("1"), y=offers("2"))
    page.evaluate(
        """for (const id of ['x', 'y']) {
            const slot = document.createElement('div')
            slot.setAttribute('data-habitue-slot', id)
            document.body.append(slot)
        }"""
    )
    page.wait_for_selector("text=Item 2")
    assert [question["slots"] for question in _questions(recorder)] == [["x", "y"]]


@pytest.mark.parametrize("own", ["", "<p>Ours</p>", "<template><b data-habitue-field='name'></b></template>"])
def test_a_slot_that_changes_what_it_is_about_is_asked_for_again(
    recorder: Recorder, page: Page, own: str
) -> None:
    recorder.answers["s"] = offers("1")
    slot = f"<div data-habitue-slot='s' data-item='A' data-deadline='{PATIENT}'>{own}</div>"
    page.goto(recorder.lay("/a", slot))
    page.wait_for_selector("text=Item 1")
    recorder.answers["s"] = offers("2")
    page.evaluate("document.querySelector('[data-habitue-slot]').dataset.item = 'B'")
    page.wait_for_selector("text=Item 2")
    assert page.locator("text=Item 1").count() == 0
    assert [question["page"] for question in _questions(recorder)] == [{"item_id": "A"}, {"item_id": "B"}]
    recorder.answers["s"] = {"offers": []}
    page.evaluate("document.querySelector('[data-habitue-slot]').dataset.item = 'C'")
    recorder.wait(lambda: len(_questions(recorder)) == 3, "the third question")
    page.wait_for_function("!document.body.innerText.includes('Item')")
    assert page.locator("text=Ours").count() == (1 if "Ours" in own else 0)


def test_the_default_card_says_what_it_costs_and_why_it_is_there(recorder: Recorder, page: Page) -> None:
    recorder.answers["s"] = offers("7")
    page.goto(recorder.lay("/a", "<div data-habitue-slot='s'></div>"))
    card = page.locator("[data-habitue-slot=s] [role=listitem] a")
    card.wait_for()
    assert card.inner_text().split("\n") == ["Item 7", "€12.50", "popular this week"]
    assert card.get_attribute("href") == f"{recorder.shop}/p/7"
    image = card.locator("img")
    assert [image.get_attribute(n) for n in ("loading", "width", "height", "alt")] == [
        "lazy",
        "320",
        "320",
        "",
    ]
    assert page.get_by_role("list").count() == 1
    assert page.get_by_role("link", name="Item 7 €12.50 popular this week").count() == 1


def _content(content_id: str, **members: str) -> dict[str, object]:
    """A content as the recommender tells of it."""
    (content,) = offers(f"content:{content_id}", price=None, currency=None, image_url="", name="")["offers"]
    return {**content, "text": "", "reasons": [{"code": "content", "text": "From the shop"}], **members}


def test_a_content_shows_what_it_says_and_nothing_that_it_has_not(
    recorder: Recorder, page: Page, complaints: list[str]
) -> None:
    contents = [
        _content(
            "spring", kind="coupon", name="10 % off", text="Until Sunday.\n<b>Only here</b>", code="SPRING"
        ),
        _content("wide", kind="banner", name="New boots", image_url="/image/boots.svg"),
        _content("long", kind="message", text="We moved. " * 90, url=""),
    ]
    recorder.answers["s"] = offers("7") | {"offers": [*contents, *offers("7")["offers"]]}
    page.goto(recorder.lay("/a", "<div data-habitue-slot='s'></div><p>below</p>", head=SHIFT + RESET))
    cards = page.locator(".habitue-card")
    page.wait_for_selector("text=Item 7")
    coupon, banner, message, item = (cards.nth(place) for place in range(4))
    assert coupon.inner_text().split("\n") == ["10 % off", "Until Sunday.", "<b>Only here</b>", "SPRING"]
    assert [coupon.locator(".habitue-" + part).count() for part in ("image", "price", "reason")] == [0, 0, 0]
    assert coupon.locator(".habitue-code").evaluate("(code) => getComputedStyle(code).userSelect") == "all"
    assert coupon.get_attribute("class") == "habitue-card habitue-content habitue-coupon"
    assert banner.inner_text() == "New boots"
    assert (banner.locator("img").bounding_box() or {})["width"] == 2 * 180
    assert message.get_attribute("href") is None
    assert item.inner_text().split("\n") == ["Item 7", "€12.50", "popular this week"]
    # The longest text scrolls inside its card; the row keeps its height, and nothing on the page moves.
    row = page.locator(".habitue-row")
    assert row.evaluate("(row) => row.scrollHeight <= row.clientHeight")
    assert message.locator(".habitue-text").evaluate("(text) => text.scrollHeight > text.clientHeight")
    assert page.evaluate("window.shift") == 0
    page.evaluate("document.addEventListener('click', (event) => event.preventDefault())")
    coupon.click()
    coupon_told = {"decision_id": "d-7", "slot": "s", "item_id": "content:spring", "position": 1}

    def told() -> list[dict[str, Any]]:
        events = [e for e in recorder.acknowledged().values() if "Offer" in e.get("event", "")]
        return [event for event in events if event["properties"]["position"] == 1]

    recorder.wait(lambda: {e["event"] for e in told()} == {"Offer Viewed", "Offer Clicked"}, "both")
    assert [event["properties"] for event in told()] == [coupon_told, coupon_told]
    assert complaints == []


def test_a_template_reaches_what_a_content_says(recorder: Recorder, page: Page) -> None:
    coupon = _content("spring", kind="coupon", name="10 % off", text="Until Sunday", code="SPRING")
    recorder.answers["s"] = {"decision_id": "d", "offers": [coupon]}
    fields = ("kind", "name", "text", "code", "price")
    body = "".join(f"<i data-habitue-field='{field}'></i>" for field in fields)
    page.goto(recorder.lay("/a", f"<div data-habitue-slot='s'><template><p>{body}</p></template></div>"))
    page.wait_for_selector("p")
    assert page.locator("p i").all_inner_texts() == ["coupon", "10 % off", "Until Sunday", "SPRING", ""]


@pytest.mark.parametrize(
    ("own", "delay"),
    [
        ("", 0),
        ("", 0.4),
        ("<p>Our own bestsellers</p>", 0.4),
        ("<p style='height:700px'>A tall one</p>", 0.4),
    ],
)
def test_nothing_on_the_page_moves(recorder: Recorder, page: Page, own: str, delay: float) -> None:
    recorder.answers.update(a=offers(*"12345678"), b=offers("9", name="A very long name " * 9))
    recorder.delay = delay
    body = f"""<h1>Shop</h1><div data-habitue-slot="a" data-deadline="{PATIENT}">{own}</div><p>between</p>
        <div data-habitue-slot="b" data-deadline="{PATIENT}">{own}</div><p>below</p>"""
    page.goto(recorder.lay("/a", body, head=SHIFT + RESET))
    page.wait_for_selector("text=Item 8")
    page.wait_for_selector("text=A very long name")
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.evaluate("window.shift") == 0
    rows = page.locator(".habitue-row")
    assert rows.evaluate_all("(rows) => new Set(rows.map((row) => row.offsetHeight)).size") == 1
    assert rows.evaluate_all("(rows) => rows.every((row) => row.scrollHeight <= row.clientHeight)"), (
        "nothing is cut off"
    )


def test_a_page_without_our_own_styles_moves_nothing_either_when_offers_never_come(
    recorder: Recorder, page: Page
) -> None:
    body = """<div data-habitue-slot="unknown"></div><p>between</p>
        <div data-habitue-slot="other"><p>Ours</p></div>
        <div style="height:2000px"></div><div id="far" data-habitue-slot="far"></div>"""
    page.goto(recorder.lay("/a", body, head=SHIFT))
    page.wait_for_selector("[data-habitue=shop]")
    assert page.locator("text=Ours").is_visible()
    page.wait_for_selector("#far[data-habitue=empty]", state="attached")
    assert page.evaluate("document.querySelector('#far').offsetHeight") == 0
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.evaluate("window.shift") == 0


@pytest.mark.parametrize("mood", ["hang", "close", "overloaded", "ok"])
def test_past_the_deadline_the_shops_own_content_stays(recorder: Recorder, page: Page, mood: str) -> None:
    recorder.answers["s"] = offers("late")
    recorder.mood = mood  # type: ignore[assignment]  # each of them is a Mood
    recorder.answers_when.clear()
    head = """<script>
        document.addEventListener('habitue:sent', () => { window.answered = true })
        new MutationObserver((_, observer) => {
            const slot = document.querySelector('[data-habitue=wait]')
            if (!slot) return
            observer.disconnect()
            setTimeout(() => { window.then = getComputedStyle(slot).visibility }, 500)
        }).observe(document, {subtree: true, attributeFilter: ['data-habitue']})
    </script>"""
    body = "<div data-habitue-slot='s' data-deadline='300'><p>Ours</p></div>"
    page.goto(recorder.lay("/a", body, head=head))
    page.wait_for_function("window.then")
    assert page.evaluate("window.then") == "visible"
    recorder.wait(lambda: recorder.beacons, "the question")
    recorder.answers_when.set()
    if mood == "ok":
        page.wait_for_function("window.answered")
    assert page.locator("text=Ours").is_visible()
    assert page.locator("text=Item late").count() == 0


def test_an_empty_slot_is_filled_even_late(recorder: Recorder, page: Page) -> None:
    recorder.answers["s"] = offers("late")
    recorder.mood = "overloaded"
    page.goto(recorder.lay("/a", "<div data-habitue-slot='s'></div>"))
    recorder.wait(lambda: recorder.beacons, "the refused question")
    recorder.mood = "ok"
    page.wait_for_selector("text=Item late")


def test_own_content_shows_even_when_nothing_of_ours_can_be_loaded(recorder: Recorder, page: Page) -> None:
    recorder.serves_others = False
    page.goto(recorder.lay("/a", "<div data-habitue-slot='s'><p>Ours</p></div>", head=SOON))
    recorder.expect("page")
    page.wait_for_function("window.soon")
    assert page.evaluate("window.soon") == "visible"


def test_text_stays_text_and_addresses_are_only_of_the_web(
    recorder: Recorder, page: Page, complaints: list[str]
) -> None:
    evil = '<img src=x onerror="window.evil = 1"><script>window.evil = 1</script>'
    changes = {
        "name": evil,
        "reasons": [{"code": "x", "text": evil}],
        "url": "javascript:window.evil=1",
        "image_url": "javascript:window.evil=1",
        "currency": "<b>",
    }
    recorder.answers.update(a=offers("1", **changes), b=offers("2", **changes), c=offers("3", **changes))
    body = """<div data-habitue-slot="a"></div>
        <div data-habitue-slot="b"><template><a class="mine" data-habitue-field="url">
            <b data-habitue-field="name"></b><img data-habitue-field="image"></a></template></div>
        <div data-habitue-slot="c"></div>"""
    page.goto(
        recorder.lay("/a", body, head="<script>habitue('template', 'c', (offer) => offer.name)</script>")
    )
    page.wait_for_selector(".habitue-name")
    page.wait_for_selector(".mine")
    assert page.locator(".habitue-name").inner_text() == evil
    assert page.locator(".mine b").inner_text() == evil
    assert page.locator("[data-habitue-slot=c]").inner_text() == evil
    assert page.locator("[href]").count() == 0
    assert page.locator("img[src]").count() == 0
    assert page.evaluate("window.evil") is None
    assert complaints == []


def test_a_template_of_the_shop_is_filled(recorder: Recorder, page: Page) -> None:
    recorder.answers["s"] = offers("1", "2")
    body = f"""<div data-habitue-slot="s" data-deadline="{PATIENT}"><h2>For you</h2><template>
        <article><a data-habitue-field="url"><img data-habitue-field="image">
        <b data-habitue-field="name"></b></a><i data-habitue-field="price"></i>
        <small data-habitue-field="reason"></small></article></template></div>"""
    page.goto(recorder.lay("/a", body))
    page.wait_for_selector("article")
    assert page.locator("[data-habitue-slot=s] > article").count() == 2
    words = [page.locator(f"article {tag}").first.inner_text() for tag in ("b", "i", "small")]
    assert words == ["Item 1", "€12.50", "popular this week"]
    assert page.locator("article a").first.get_attribute("href") == f"{recorder.shop}/p/1"
    assert page.locator("article img").first.get_attribute("src") == f"{recorder.shop}/image/1.svg"


def test_a_template_function_makes_its_own_element_and_its_errors_stay_with_us(
    recorder: Recorder, page: Page, complaints: list[str]
) -> None:
    recorder.answers.update(good=offers("1"), bad=offers("2"))
    head = """<script>
        habitue('template', 'good', (offer) => {
            const made = document.createElement('button')
            made.textContent = 'Buy ' + offer.name
            return made
        })
        habitue('template', 'bad', (offer) => { throw new Error('the shop erred') })
    </script>"""
    page.goto(
        recorder.lay(
            "/a", "<div data-habitue-slot='good'></div><div data-habitue-slot='bad'>Ours</div>", head=head
        )
    )
    page.get_by_role("button", name="Buy Item 1").click()
    recorder.wait(lambda: "Offer Clicked" in recorder.names(), "the click")
    page.wait_for_selector("text=Ours", state="visible")
    assert complaints == []


def test_seen_for_a_second_is_an_impression_once(recorder: Recorder, page: Page) -> None:
    recorder.answers["s"] = offers("1", "2")
    far = "<div style='height:3000px'></div><div data-habitue-slot='far'></div>"
    recorder.answers["far"] = offers("3")
    page.goto(recorder.lay("/a", f"<div data-habitue-slot='s'></div>{far}"))
    page.wait_for_selector("text=Item 2")
    recorder.wait(lambda: recorder.names().count("Offer Viewed") == 2, "two impressions")
    seen = [e["properties"] for e in recorder.acknowledged().values() if e.get("event") == "Offer Viewed"]
    assert seen == [
        {"decision_id": "d-1-2", "slot": "s", "item_id": "1", "position": 1},
        {"decision_id": "d-1-2", "slot": "s", "item_id": "2", "position": 2},
    ]
    page.mouse.wheel(0, 5000)
    recorder.wait(lambda: recorder.names().count("Offer Viewed") == 3, "the third impression")
    page.mouse.wheel(0, -5000)
    page.wait_for_function("scrollY === 0")
    page.mouse.wheel(0, 5000)
    page.wait_for_timeout(1400)  # longer than an impression takes: nothing may come of it
    page.evaluate("habitue('track', 'End')")
    recorder.wait(lambda: "End" in recorder.names(), "the end")
    assert recorder.names().count("Offer Viewed") == 3


def test_a_followed_offer_is_told_with_its_decision_before_the_page_is_gone(
    recorder: Recorder, page: Page
) -> None:
    recorder.answers["s"] = offers("1", "2")
    recorder.lay("/p/2")
    page.goto(recorder.lay("/a", "<div data-habitue-slot='s'></div>"))
    page.click("text=Item 2")
    page.wait_for_url("**/p/2")
    recorder.wait(lambda: "Offer Clicked" in recorder.names(), "the click")
    click = next(e for e in recorder.acknowledged().values() if e.get("event") == "Offer Clicked")
    assert click["properties"] == {"decision_id": "d-1-2", "slot": "s", "item_id": "2", "position": 2}
    assert click["context"]["page"]["path"] == "/a"


def test_headless_shops_get_the_answers(recorder: Recorder, page: Page) -> None:
    recorder.answers.update(feed=offers("1"), on_page=offers("2"))
    head = (
        "<script>habitue('slots', ['feed'], (answers) => { window.feed = answers }, {type: 'app'})</script>"
    )
    page.goto(recorder.lay("/a", head=head))
    page.wait_for_function("window.feed")
    assert json.loads(page.evaluate("JSON.stringify(window.feed)")) == {"feed": offers("1")}
    assert _questions(recorder)[0]["page"] == {"type": "app"}
    page.evaluate("habitue('slots', (answers) => { window.all = Object.assign(window.all || {}, answers) })")
    page.evaluate("document.body.innerHTML = '<div data-habitue-slot=on_page></div>'")
    page.wait_for_function("window.all.on_page && window.all.feed")


def test_a_slot_announces_its_offers(recorder: Recorder, page: Page) -> None:
    recorder.answers["s"] = offers("1")
    listen = """<script>document.addEventListener('habitue:offers', (e) => {
        window.heard = [e.target.getAttribute('data-habitue-slot'), e.detail.decision_id] })</script>"""
    page.goto(recorder.lay("/a", "<div data-habitue-slot='s'></div>", head=listen))
    page.wait_for_function("window.heard")
    assert page.evaluate("window.heard") == ["s", "d-1"]
