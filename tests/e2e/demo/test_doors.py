"""The public doors of the running demo, as its users' programs knock on them."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from support.guests import Guest
from support.house import identify, page, track, visitor_of
from support.serving import Serving

from habitue_shop.journey import category_path, products

pytestmark = pytest.mark.timeout(600)  # whoever comes first waits for the demo

SLOTS = (
    "home-hero",
    "home-popular",
    "category-top",
    "pdp-related",
    "pdp-together",
    "cart-extras",
    "thanks-next",
)


def user_hash(user_id: str) -> str:
    return hmac.digest(b"demo-secret", user_id.encode(), "sha256").hex()


@pytest.fixture
def bagels(backend: httpx.Client) -> Iterator[dict[str, Any]]:
    """A new item in a category that the history knows well, on sale for this test only."""
    item = put(backend, category="Bakery/Rolls & Bagels/Bagels")
    yield item
    put(backend, item_id=item["item_id"], availability="out_of_stock")


def put(backend: httpx.Client, **members: Any) -> dict[str, Any]:
    item = {
        "item_id": f"test-{secrets.token_hex(4)}",
        "name": "Bagels with everything",
        "price": 2.5,
        "currency": "USD",
        "url": "/shop/",
        "brand": "Cranvale",
        **members,
    }
    answer = backend.put("/v1/catalog", json=[item])
    assert answer.status_code == 200
    assert answer.json()["results"][0]["status"] == "accepted"
    return item


def views(item_id: str) -> dict[str, Any]:
    return track("Product Viewed", {"product_id": item_id})


def ids(offers: list[dict[str, Any]]) -> list[str]:
    return [offer["item_id"] for offer in offers]


def test_context_takes_the_batch_envelope_with_slots_and_page_and_answers_offers_with_reasons(
    guest: Guest,
) -> None:
    told = guest.asks("home-hero", "no-such-slot", events=(page("/shop/"),), page={"type": "home"})
    assert told["results"] == [{"index": 0, "status": "accepted"}]
    assert told["slots"]["no-such-slot"] == {"offers": [], "reason": "unknown_slot"}
    listed = guest.post("/h/v1/context", guest.envelope() | {"slots": "home-hero, no-such-slot"})
    assert sorted(listed.json()["slots"]) == ["home-hero", "no-such-slot"]
    hero = told["slots"]["home-hero"]
    assert hero.keys() == {"decision_id", "offers", "model", "variant"}
    assert hero["model"] not in ("", "none")
    assert len(hero["offers"]) == 12
    for offer in hero["offers"]:
        assert offer.keys() == {
            *("item_id", "name", "price", "currency", "url", "image_url", "score", "reasons")
        }
        assert offer["currency"] == "USD"
        assert offer["reasons"]
        assert all(reason["code"] and reason["text"] for reason in offer["reasons"])


def test_every_slot_of_the_shop_is_filled_for_somebody_nobody_knows(guest: Guest) -> None:
    told = guest.asks(*SLOTS, page={"type": "product", "category": "Bakery"})
    assert [slot for slot, answer in told["slots"].items() if not answer["offers"]] == []


def test_a_bad_event_costs_neither_its_neighbours_nor_the_offers(guest: Guest) -> None:
    body = guest.envelope(page("/shop/"), {"type": "track"}, page("/shop/2")) | {"slots": ["home-hero"]}
    answer = guest.post("/h/v1/context", body).json()
    assert [one["status"] for one in answer["results"]] == ["accepted", "rejected", "accepted"]
    assert answer["results"][1]["reason"]
    assert answer["slots"]["home-hero"]["offers"]


def test_the_same_question_twice_gets_the_same_list(guest: Guest) -> None:
    guest.sends(page("/shop/"))
    first = guest.asks(*SLOTS)["slots"]
    again = guest.asks(*SLOTS)["slots"]
    assert {slot: ids(told["offers"]) for slot, told in again.items()} == {
        slot: ids(told["offers"]) for slot, told in first.items()
    }


@pytest.mark.parametrize(
    "origin", ["http://shop.test", "http://www.shop.test:8080", "http://localhost:3000", "http://127.0.0.1:5"]
)
def test_test_hosts_and_every_loopback_origin_are_answered(guest: Guest, origin: str) -> None:
    answer = guest.post(
        "/h/v1/context", guest.envelope() | {"slots": ["home-hero"]}, headers={"origin": origin}
    )
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == origin
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.json()["slots"]["home-hero"]["offers"]


def test_other_origins_are_refused(guest: Guest) -> None:
    answer = guest.post("/h/v1/context", guest.envelope(), headers={"origin": "https://evil.example"})
    assert answer.status_code == 403
    assert {"code", "message"} <= answer.json().keys()


def test_idsite_1_is_another_name_of_the_write_key(guest: Guest) -> None:
    body = guest.envelope(page("/shop/"))
    del body["writeKey"]
    answer = guest.post("/h/v1/batch?idsite=1", body)
    assert answer.status_code == 200
    assert answer.json()["results"] == [{"index": 0, "status": "accepted"}]
    assert guest.post("/h/v1/batch?idsite=2", body).status_code == 401


def test_a_profile_says_what_is_known_and_only_with_the_secret_key(
    guest: Guest, backend: httpx.Client, bagels: dict[str, Any]
) -> None:
    guest.sends(page("/shop/"), track("Product Viewed", {"product_id": bagels["item_id"], **bagels}))
    path = f"/v1/profiles/{visitor_of(guest.cookie)}"
    known = backend.get(path).json()
    assert {
        *("session", "recent_items", "affinities", "cart", "orders", "traits", "consents", "visits")
    } <= known.keys()
    assert known["visits"] == 1
    assert [one["item_id"] for one in known["recent_items"]] == [bagels["item_id"]]
    assert known["affinities"]["category"] == {bagels["category"]: 1.0}
    assert known["orders"]["count"] == 0
    assert httpx.get(f"{backend.base_url}{path}", headers={"authorization": "Bearer demo"}).status_code == 403
    assert backend.get("/v1/profiles/nobody").status_code == 404


def test_a_household_has_its_year_of_orders_and_its_tastes(backend: httpx.Client) -> None:
    known = backend.get("/v1/profiles/user:900").json()
    assert known["orders"]["count"] > 50
    assert known["orders"]["value"] > 500
    for dimension in ("category", "brand", "price_band"):
        shares = known["affinities"][dimension]
        assert len(shares) >= 3, dimension
        assert sum(shares.values()) == pytest.approx(1, abs=0.001)  # they are rounded
    assert all(label.count("/") == 2 for label in known["affinities"]["category"])


def test_a_claimed_household_stays_closed_and_a_proven_one_opens(guest: Guest) -> None:
    before = ids(guest.offers("home-hero"))
    guest.sends(identify("900"))
    assert ids(guest.offers("home-hero")) == before
    guest.sends(identify("900", user_hash("900")))
    theirs = guest.offers("home-hero")
    assert len(set(ids(theirs)) & set(before)) < 6


def test_what_is_out_of_stock_is_gone_from_the_very_next_answer_of_both_workers(
    demo: Serving, backend: httpx.Client
) -> None:
    with Guest(demo.address, connections=8) as guest:
        gone: set[str] = set()
        for round_ in range(4):
            first = guest.offers("home-popular", connection=round_)[0]["item_id"]
            assert first not in gone
            gone.add(first)
            change = {"item_id": first, "availability": "out_of_stock"}
            assert backend.put("/v1/catalog", json=[change]).json()["results"][0]["status"] == "accepted"
            for connection in range(8):
                assert not gone & set(ids(guest.offers("home-popular", connection=connection)))
    for item_id in gone:
        backend.put("/v1/catalog", json=[{"item_id": item_id, "availability": "in_stock"}])


def test_a_new_item_is_recommendable_at_once(
    demo: Serving, backend: httpx.Client, bagels: dict[str, Any]
) -> None:
    with Guest(demo.address, connections=4) as guest:
        for connection in range(4):
            offers = guest.offers(
                "category-top",
                page={"type": "category", "category": bagels["category"]},
                connection=connection,
            )
            assert bagels["item_id"] in ids(offers)


def test_a_category_offers_what_is_popular_there(guest: Guest) -> None:
    place = {product.item_id: category_path(product) for product in products()}
    for category in ("Bakery", "Pets", "Bakery/Rolls & Bagels"):
        offers = guest.offers("category-top", page={"type": "category", "category": category})
        assert len(offers) >= 10
        assert all(place[item_id].startswith(f"{category}/") for item_id in ids(offers))
        reasons = [offer["reasons"][0]["text"] for offer in offers]
        assert any(text.startswith("Popular") and " in " in text for text in reasons), (category, reasons)


def test_an_order_counts_once_whoever_reports_it(guest: Guest, backend: httpx.Client) -> None:
    order_id = f"test-{secrets.token_hex(4)}"
    order = {"order_id": order_id, "total": 12.5, "currency": "USD", "products": [{"product_id": "1082185"}]}
    guest.sends(track("Order Completed", order))
    anonymous_id = visitor_of(guest.cookie)
    backend.post("/v1/track", json={**track("Order Completed", order), "anonymousId": anonymous_id})
    guest.sends(track("Order Completed", order))
    orders = backend.get(f"/v1/profiles/{anonymous_id}").json()["orders"]
    assert (orders["count"], orders["value"]) == (1, 12.5)


def _counts_at_once(demo: Serving, times: int) -> None:
    """View on one connection, ask on another: the kernel spreads connections over the workers."""
    with Guest(demo.address, connections=6) as guest:
        items = ids(guest.asks(*SLOTS)["slots"]["home-popular"]["offers"])
        for number in range(times):
            if number % 50 == 0:
                guest.forget()
            item_id = items[number % len(items)]
            guest.sends(views(item_id), connection=number)
            (latest, *_) = guest.offers("home-recent", connection=number + 1 + number // 6)
            assert latest["item_id"] == item_id, number
            other = items[(number + 1) % len(items)]
            (latest, *_) = guest.offers("home-recent", events=(views(other),), connection=number + 2)
            assert latest["item_id"] == other, number


def test_an_event_counts_in_the_offers_of_the_very_next_request(demo: Serving) -> None:
    _counts_at_once(demo, 100)


@pytest.mark.long
def test_an_event_counts_in_the_offers_of_the_very_next_request_a_thousand_times(demo: Serving) -> None:
    _counts_at_once(demo, 1_000)
