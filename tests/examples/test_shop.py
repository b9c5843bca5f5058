"""The demo shop's pages: they render, they carry the tag, and they say the right things to it."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from habitue_shop.marketing import documents

STUB = Path(__file__).parents[2] / "collector/habitue_collector/static/tag/stub.js"
MILK = "1029743"
BANANAS = "1082185"


class Page(HTMLParser):
    """The parts of a page that matter here."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def with_attribute(self, name: str) -> list[str | None]:
        return [attributes[name] for _, attributes in self.elements if name in attributes]

    @property
    def calls(self) -> list[list[Any]]:
        """The `habitue(…)` calls of the page."""
        found = re.findall(r"^habitue\((.*)\)$", self.html, re.MULTILINE)
        return [json.loads(f"[{arguments}]") for arguments in found]

    def tracked(self, event: str) -> dict[str, Any]:
        (properties,) = [call[2] for call in self.calls if call[:2] == ["track", event]]
        assert isinstance(properties, dict)
        return properties


def get(shop: TestClient, path: str, status: int = 200) -> Page:
    answer = shop.get(f"/shop{path}")
    assert answer.status_code == status, answer.text[:500]
    return Page(answer.text)


def add(shop: TestClient, item_id: str, number: int = 1) -> dict[str, Any]:
    form = {"item_id": item_id, "add": str(number)}
    answer = shop.post("/shop/cart", data=form, headers={"accept": "application/json"})
    found = answer.json()
    assert isinstance(found, dict)
    return found


def log_in(shop: TestClient) -> str:
    user_id = re.findall(r'name="user_id" value="(\d+)"', shop.get("/shop/login").text)[0]
    shop.post("/shop/login", data={"user_id": user_id})
    return str(user_id)


@pytest.mark.parametrize(
    ("path", "page_type", "slots"),
    [
        ("/", "home", ["home-welcome", "home-hero", "home-recent", "home-popular"]),
        ("/c/bakery", "category", ["category-top"]),
        ("/c/bakery/cakes?sort=price&band=1&page=2", "category", ["category-top"]),
        (f"/p/{MILK}", "product", ["pdp-together", "pdp-related"]),
        ("/search?q=yogurt", "search", ["search-popular"]),
        ("/search", "search", ["search-popular"]),
        ("/cart", "cart", ["cart-extras"]),
        ("/login", "other", []),
    ],
)
def test_every_page_carries_the_tag_and_its_slots(
    shop: TestClient, path: str, page_type: str, slots: list[str]
) -> None:
    page = get(shop, path)
    tag = [
        attributes
        for name, attributes in page.elements
        if name == "script" and attributes.get("src") == "/h/s.js"
    ]
    assert [attributes["data-key"] for attributes in tag] == ["demo"]
    assert [attributes["data-consent"] for attributes in tag] == ["assumed"], "without it the tag keeps quiet"
    assert STUB.read_text().strip() in page.html, "paste the new one into the shop's templates/stub.js"
    assert page.with_attribute("data-page-type") == [page_type]
    assert page.with_attribute("data-habitue-slot") == slots


def test_the_home_page_is_laid_out_by_what_its_visitor_likes(shop: TestClient, sdk_client: Any) -> None:
    def departments() -> list[str]:
        return re.findall(r'<a href="/shop/c/([a-z-]+)"><img', shop.get("/shop/").text)

    own_order = departments()
    assert len(own_order) > 5
    assert departments() == own_order
    sdk_client.liked = ["Household", "Bakery"]
    assert departments() == own_order, "of somebody without a cookie nothing is known"
    shop.cookies.set("habitue", "somebody")
    assert departments()[:2] == ["household", "bakery"]
    assert sorted(departments()) == sorted(own_order)
    assert sdk_client.asked_for == "somebody"
    rows = re.findall(
        r'<section class="department-row">.*?<a href="/shop/c/([a-z-]+)">', shop.get("/shop/").text, re.DOTALL
    )
    assert rows == ["household", "bakery"]
    sdk_client.liked = []


def test_the_greeting_has_the_shops_own_words_beneath(shop: TestClient) -> None:
    page = get(shop, "/")
    assert "done before the kettle boils" in page.html
    for one in documents()["contents"]:
        # Shorter than the shop's own words, so the room of those is enough.
        assert len(one["title"]) < 52
        assert len(one["text"]) < 120


def test_a_product_page_says_what_was_viewed(shop: TestClient) -> None:
    page = get(shop, f"/p/{MILK}")
    assert page.with_attribute("data-item") == [MILK]
    assert page.with_attribute("data-category") == ["Dairy & Eggs/Milk & Cream/Fresh Milk"]
    viewed = page.tracked("Product Viewed")
    assert viewed["product_id"] == MILK
    assert viewed["url"] == f"http://shop.test/shop/p/{MILK}"
    assert viewed["price"] > 0
    assert viewed["currency"] == "USD"


def test_a_shelf_says_what_was_listed_and_its_filters_hold(shop: TestClient) -> None:
    page = get(shop, "/c/dairy-eggs/yogurt?brand=Thistle+%26+Oat&band=0&sort=-price")
    listed = page.tracked("Product List Viewed")
    assert listed["category"] == "Dairy & Eggs/Yogurt"
    prices = [product["price"] for product in listed["products"]]
    assert {product["brand"] for product in listed["products"]} == {"Thistle & Oat"}
    assert all(price < 2 for price in prices)
    assert prices == sorted(prices, reverse=True)


@pytest.mark.parametrize(
    "query", ["page=99999", "page=-1", "page=x", "band=77", "sort=drop", "brand=%00", "page=9e9"]
)
def test_odd_addresses_still_show_the_shelf(shop: TestClient, query: str) -> None:
    get(shop, f"/c/bakery?{query}")


def test_search_finds_by_beginnings_of_words(shop: TestClient) -> None:
    page = get(shop, "/search?q=straw+yog")
    assert page.tracked("Products Searched")["query"] == "straw yog"
    assert "Strawberry Yogurt" in page.html


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "</script><script>alert(1)//",
        "';alert(1)//",
        "a\u2028b",
    ],
)
def test_hostile_searches_are_only_text(shop: TestClient, hostile: str) -> None:
    answer = shop.get("/shop/search", params={"q": hostile})
    assert answer.status_code == 200
    page = Page(answer.text)
    assert "<script>alert" not in page.html
    assert not [1 for name, attributes in page.elements if name == "img" and "onerror" in attributes]
    assert page.tracked("Products Searched")["query"] == hostile.strip()


def test_the_way_to_an_order_reports_it_from_page_and_backend_with_one_id(
    shop: TestClient, reports: list[Any]
) -> None:
    user_id = log_in(shop)
    added = add(shop, MILK, 2)
    assert added["cart_count"] == 2
    assert added["call"][:2] == ["track", "Product Added"]
    assert added["call"][2]["quantity"] == 2
    add(shop, BANANAS)
    cart = get(shop, "/cart").tracked("Cart Viewed")
    assert [product["product_id"] for product in cart["products"]] == [MILK, BANANAS]
    assert get(shop, "/checkout").tracked("Checkout Started")["total"] > 0
    thanks = Page(shop.post("/shop/checkout", data={"name": "<b>"}).text)
    order = thanks.tracked("Order Completed")
    assert order["currency"] == "USD"
    assert order["total"] == pytest.approx(
        sum(p["price"] * p["quantity"] for p in order["products"]), abs=0.01
    )
    name, properties, who, device = reports[-1]
    assert (name, who, device) == ("Order Completed", user_id, None)
    assert properties == order
    # Reloaded, it is still the same order, and the basket is empty.
    assert get(shop, "/thanks").tracked("Order Completed")["order_id"] == order["order_id"]
    assert get(shop, "/cart").tracked("Cart Viewed")["products"] == []


def test_an_order_of_nobody_known_is_reported_by_the_page_alone(shop: TestClient, reports: list[Any]) -> None:
    add(shop, MILK)
    assert Page(shop.post("/shop/checkout").text).tracked("Order Completed")["order_id"]
    assert reports == []


def test_without_scripts_the_next_page_reports_the_change_of_the_basket(shop: TestClient) -> None:
    page = Page(shop.post("/shop/cart", data={"item_id": MILK, "add": "3"}).text)
    assert page.tracked("Product Added")["quantity"] == 3
    page = Page(shop.post("/shop/cart", data={"item_id": MILK, "quantity": "0"}).text)
    assert page.tracked("Product Removed")["quantity"] == 3


def test_a_login_is_proven_by_the_user_hash_and_a_logout_resets(shop: TestClient) -> None:
    user_id = log_in(shop)
    (call,) = [call for call in get(shop, "/").calls if call[0] == "identify"]
    proof = hmac.new(b"demo-secret", user_id.encode(), hashlib.sha256).hexdigest()
    assert call[1] == user_id
    assert call[3] == {"user_hash": proof}
    assert get(shop, "/account").with_attribute("data-habitue-slot") == ["home-hero"]
    page = Page(shop.post("/shop/logout").text)
    assert page.calls[0] == ["reset"]
    assert not [call for call in get(shop, "/").calls if call[0] in ("reset", "identify")]


def test_nobody_logs_in_as_somebody_who_is_not_on_the_list(shop: TestClient) -> None:
    shop.post("/shop/login", data={"user_id": "1 OR 1=1"})
    assert shop.get("/shop/account", follow_redirects=False).status_code == 303


def test_a_dozen_real_households_can_log_in(shop: TestClient) -> None:
    ids = re.findall(r'name="user_id" value="(\d+)"', shop.get("/shop/login").text)
    assert len(set(ids)) == len(ids) == 12


@pytest.mark.parametrize(
    "form", [{}, {"item_id": "x"}, {"item_id": MILK, "add": "-5"}, {"item_id": MILK, "add": "9" * 99}]
)
def test_senseless_changes_leave_the_basket_as_it_is(shop: TestClient, form: dict[str, str]) -> None:
    shop.post("/shop/cart", data=form)
    assert get(shop, "/cart").tracked("Cart Viewed")["products"] == []


def test_a_forged_session_is_an_empty_one(shop: TestClient) -> None:
    shop.cookies.set("shop_session", "eyJ1c2VyIjogIjEifQ==.x.y")
    assert not [call for call in get(shop, "/").calls if call[0] == "identify"]


def test_what_is_not_there_is_a_page_too(shop: TestClient) -> None:
    for path in ("/nope", "/p/0", "/c/nowhere"):
        get(shop, path, 404)


def test_tiles_are_served_to_be_kept(shop: TestClient) -> None:
    for path in (f"/tile/{MILK}.svg", "/tile/department/bakery.svg"):
        answer = shop.get(f"/shop{path}")
        assert answer.headers["content-type"].startswith("image/svg+xml")
        assert "max-age" in answer.headers["cache-control"]
    assert shop.get("/shop/tile/0.svg").status_code == 404


def test_the_panel_says_so_when_there_is_nothing_to_know(shop: TestClient) -> None:
    assert "nothing is known" in shop.get("/shop/panel").json()["message"]
    shop.cookies.set("habitue", "some.value")
    assert "does not answer" in shop.get("/shop/panel").json()["message"]


def test_pages_load_nothing_from_elsewhere(shop: TestClient) -> None:
    for path in ("/", "/c/bakery", f"/p/{MILK}", "/login"):
        page = get(shop, path)
        sources = [*page.with_attribute("src"), *page.with_attribute("action")]
        assert all(source and source.startswith("/") for source in sources)
