"""The items of an order that come line by line are its own, each once, in whatever requests they arrive."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import orjson
import pytest
from support.house import House, buys, house, identify, user_hash

from habitue_collector import fold
from habitue_collector.events import Event, Item, Kind
from habitue_collector.profile import MAX_OPEN_ORDERS, MAX_ORDER_LINES, Profile

NOW = 1_700_000_000_000
count = iter(range(10_000))


def event(kind: Kind, name: str, order_id: str, *items: str, value: float | None = None) -> Event:
    return Event(
        event_id=f"e-{next(count)}",
        kind=kind,
        name=name,
        timestamp=NOW,
        received_at=NOW,
        order_id=order_id,
        value=value,
        items=[Item(item_id, category="Shoes") for item_id in items],
    )


def head(order_id: str = "o", *items: str, name: str = "transaction") -> Event:
    return event(Kind.PURCHASE, name, order_id, *items, value=20.0)


def line(item_id: str, order_id: str = "o") -> Event:
    return event(Kind.CUSTOM, "transaction_item", order_id, item_id)


def folded(*events: Event, profile: Profile | None = None, known: bool = False) -> Profile:
    profile = profile or Profile("p")
    for one in events:
        fold.fold(profile, one, NOW, fold.Facts(order_known=known))
    return profile


def bought(profile: Profile) -> dict[str, float]:
    return {item_id: one.count for item_id, one in profile.bought.items()}


def test_an_order_and_its_lines_give_the_same_in_whatever_order_they_come() -> None:
    whole = folded(head("o", "a", "b"))
    for sent in permutations([head(), line("a"), line("b")]):
        profile = folded(*sent)
        assert bought(profile) == bought(whole) == {"a": 1, "b": 1}
        assert profile.orders == whole.orders
        assert profile.affinity("category", NOW) == whole.affinity("category", NOW) == {"Shoes": 1.0}
        assert {one.kind for one in profile.recent_items.values()} == {Kind.PURCHASE}


def test_lines_that_the_order_itself_names_too_count_once() -> None:
    for sent in permutations([head("o", "a", "b"), line("a"), line("b")]):
        assert bought(folded(*sent)) == {"a": 1, "b": 1}


def test_a_thank_you_page_that_is_loaded_again_adds_nothing() -> None:
    profile = folded(head(), line("a"), line("b"))
    before = orjson.dumps([profile.state["bought"], profile.state["orders"], profile.state["lines"]])
    folded(head(), line("a"), line("b"), profile=profile)
    after = orjson.dumps([profile.state["bought"], profile.state["orders"], profile.state["lines"]])
    assert before == after


def test_lines_without_their_order_are_known_as_bought_and_count_no_order() -> None:
    profile = folded(line("a"), line("b"))
    assert bought(profile) == {"a": 1, "b": 1}
    assert profile.orders.count == 0


def test_lines_of_somebody_elses_order_are_nobodys_here() -> None:
    profile = folded(head(), known=True)
    assert bought(folded(line("a"), profile=profile)) == {}


def test_an_order_whose_first_report_names_no_items_takes_them_from_the_next() -> None:
    page, backend = head(name="Order Completed"), head("o", "a", "b", name="Order Completed")
    profile = folded(page, backend, head("o", "a", "c"))
    assert bought(profile) == {"a": 1, "b": 1}
    assert "lines" not in profile.state


def test_only_the_last_orders_and_so_many_lines_are_remembered() -> None:
    profile = folded(*(head(f"o-{number}") for number in range(50)))
    assert len(profile.state["lines"]) == MAX_OPEN_ORDERS
    folded(*(line(f"i-{number}", "o-49") for number in range(200)), profile=profile)
    assert max(map(len, profile.state["lines"].values())) == 11 * MAX_ORDER_LINES


def test_a_word_of_the_shops_own_that_names_no_order_is_no_line() -> None:
    sent = event(Kind.CUSTOM, "transaction_item", "o", "a")
    sent.order_id = None
    assert bought(folded(sent, event(Kind.CUSTOM, "anything", "o", "a"))) == {}


# ---- through the collector, with a real Redis ------------------------------------------------

TP2 = "/com.snowplowanalytics.snowplow/tp2"
TR = {"e": "tr", "eid": "e-tr", "tr_id": "ORD-1", "tr_tt": "102.4", "tr_cu": "EUR"}
SHOE = {"e": "ti", "eid": "e-ti-1", "ti_id": "ORD-1", "ti_sk": "SKU-001", "ti_pr": "89.9", "ti_qu": "1"}
SOCK = {"e": "ti", "eid": "e-ti-2", "ti_id": "ORD-1", "ti_sk": "SKU-002", "ti_pr": "12.5", "ti_qu": "1"}


async def snowplow(shop: House, *said: dict[str, str], device: str = "visitor-1", worker: int = 0) -> None:
    data = [{"aid": "demo", "p": "web", "duid": device, **one} for one in said]
    schema = "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4"
    answer = await shop.post(TP2, {"schema": schema, "data": data}, worker=worker)
    assert answer.status == 200
    assert {result["status"] for result in answer.results} == {"accepted"}


def replayed(shop: House, profile_id: str) -> dict[str, Any]:
    profile: Profile | None = None
    for kind, record in shop.log():
        if record.get("profile_id") == profile_id:
            profile = fold.apply(profile, kind, record)
    assert profile is not None
    state: dict[str, Any] = orjson.loads(orjson.dumps(profile.to_record()))
    return state


@pytest.mark.asyncio
async def test_every_arrival_of_an_order_and_its_lines_is_one_order_with_all_its_items() -> None:
    async with house(workers=2) as shop:
        for number, sent in enumerate(permutations([TR, SHOE, SOCK])):
            device, names = f"visitor-{number}", {"tr_id": f"ORD-{number}", "ti_id": f"ORD-{number}"}
            for twice in range(2):  # the second time by another worker: a client that heard no answer
                for one in sent:
                    named = {name: value for name, value in names.items() if name in one}
                    await snowplow(shop, {**one, **named}, device=device, worker=twice)
            profile = await shop.profile(device)
            assert profile is not None
            assert profile["orders"]["count"] == 1
            assert profile["orders"]["by_currency"] == {"EUR": 102.4}
            assert {one["item_id"]: one["count"] for one in profile["bought"]} == {"SKU-001": 1, "SKU-002": 1}
            assert await shop.state(device) == replayed(shop, device)


@pytest.mark.asyncio
async def test_lines_that_arrive_after_a_login_go_with_their_order() -> None:
    async with house() as shop:
        first = await shop.browser(
            {"type": "track", "event": "transaction", "properties": {"order_id": "o", "total": 9}}
        )
        part = {"type": "track", "event": "transaction_item"}
        a, b = ({**part, "properties": {"order_id": "o", "product_id": item}} for item in "ab")
        await shop.browser(a, cookie=first.cookie)
        await shop.browser(identify("anna", user_hash("anna")), cookie=first.cookie)
        await shop.browser(b, a, cookie=first.cookie)
        await shop.browser(buys("o", 9, "a", "b"), cookie=first.cookie)
        profile = await shop.profile("user:anna")
        assert profile is not None
        assert profile["orders"]["count"] == 1
        assert {one["item_id"]: one["count"] for one in profile["bought"]} == {"a": 1, "b": 1}
