"""How long a condition takes, beside closures that somebody would write by hand for it."""

from __future__ import annotations

from collections.abc import Callable
from time import thread_time
from typing import Any

from support.condition_worlds import SHOE, asked, regular

from habitue_recommender.catalog.items import Item
from habitue_recommender.conditions import matching, parse

USUAL = 'visitor.orders.count >= 3 && item.price < 50.0 && "shoes" in item.category'


def by_hand(count: int, price: float, part: str) -> Callable[[Any, Item], bool]:
    """Closures as plain as they can be: a value, a constant, and."""

    def orders(request: Any) -> bool:
        return bool(request["orders"] >= count)

    def cheap(item: Item) -> bool:
        return item.price is not None and item.price < price

    def inside(item: Item) -> bool:
        return part in item.category.casefold().split("/")

    return lambda request, item: orders(request) and cheap(item) and inside(item)


def nanoseconds(call: Callable[[], object], times: int = 20_000) -> float:
    """The best of seven rounds: what it takes when nobody else is at work."""
    best = float("inf")
    for _ in range(7):
        started = thread_time()
        for _ in range(times):
            call()
        best = min(best, thread_time() - started)
    return best / times * 1e9


def test_a_usual_condition_takes_no_longer_than_closures_by_hand() -> None:
    condition, plain = parse(USUAL), by_hand(3, 50.0, "shoes")
    request, known = asked(regular()), {"orders": 3}
    assert condition.test(request, SHOE)
    assert plain(known, SHOE)
    ours = nanoseconds(lambda: condition.test(request, SHOE))
    theirs = nanoseconds(lambda: plain(known, SHOE))
    assert ours < 1.5 * theirs, f"{ours:.0f} ns, by hand {theirs:.0f} ns"


def test_bound_to_a_request_it_is_quicker() -> None:
    condition = parse(f"{USUAL} && item.price < visitor.cart.value && !item.bought")
    request = asked(regular())
    bound = condition.bind(request)
    assert bound(request, SHOE)
    assert condition.test(request, SHOE)
    once = nanoseconds(lambda: condition.test(request, SHOE))
    narrow = nanoseconds(lambda: bound(request, SHOE))
    assert narrow < 0.8 * once, f"{narrow:.0f} ns, unbound {once:.0f} ns"


def test_a_hundred_thousand_items_are_tried_within_a_tenth_of_a_second() -> None:
    items = [
        Item(
            str(n), price=float(n % 100), category=f"Men/{'Shoes' if n % 3 else 'Hats'}/{n % 300}", brand="A"
        )
        for n in range(100_000)
    ]
    test = parse('item.price < 50.0 && "shoes" in item.category && item.brand != "x"').split().item
    assert test is not None
    best = float("inf")
    for _ in range(3):
        started = thread_time()
        found = matching(test, items)
        best = min(best, thread_time() - started)
    assert len(found) == sum(n % 100 < 50 and n % 3 > 0 for n in range(100_000))
    assert best < 0.1


def test_parsing_costs_little_of_a_second_for_two_hundred_rules() -> None:
    assert nanoseconds(lambda: parse(USUAL), times=100) < 2_000_000
