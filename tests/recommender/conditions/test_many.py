"""Conditions asked of many items at once answer as they do item by item."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from support import condition_writing as writing
from support.condition_worlds import ITEMS, SHOE, all_asked

from habitue_recommender.catalog.items import Item
from habitue_recommender.conditions import ConditionError, parse
from habitue_recommender.conditions.many import many
from habitue_recommender.rulebook.item_columns import ItemColumns

REQUESTS = all_asked()
LARGE = Item("large", price=1e300, attributes={"stock": 2**53 + 1, "margin": "1e300", "size": -(2**60)})
ALL = (*ITEMS, LARGE)


def check_at_once(text: str) -> None:
    try:
        condition = parse(text)
    except ConditionError:
        return  # a date that is none, a constant beside a constant
    at_once = many(condition.tree)
    if at_once is None:
        return
    columns = ItemColumns()
    for request in REQUESTS:
        for items in (ALL, ITEMS, ()):
            table = columns.table(items, [one.item_id for one in items])
            for _ in range(2):  # as it is read, and as it was kept
                assert at_once(request, table).tolist() == [condition.test(request, one) for one in items]


@settings(max_examples=80, deadline=None)
@given(writing.texts)
def test_many_items_at_once_get_the_answers_of_each(text: str) -> None:
    check_at_once(text)


@pytest.mark.long
@pytest.mark.timeout(7_200)  # ten minutes of a core; more of one that is shared
@settings(max_examples=10_000, deadline=None)
@given(writing.texts)
def test_ten_thousand_conditions_answer_many_items_as_each(text: str) -> None:
    check_at_once(text)


@pytest.mark.parametrize(
    "text",
    [
        "item.price <= visitor.cart.value * 2",
        "item.price + visitor.cart.value >= 50 && item.price / visitor.orders.count < 20",
        'item.brand == visitor.traits["brand"] || item.price > 30',
        "item.brand != page.item.brand && item.category == page.item.category",
        "item.viewed || item.bought || item.in_cart || item.shown > 3 || item.new && visitor.known",
        'item.stock > visitor.visits && !(item.margin < visitor.traits["points"])',
        'visitor.visits > 3 && (item.brand.contains(visitor.traits["plan"]) || item.price < visitor.visits)',
        'item.attributes["size"] > visitor.visits && item.stock >= visitor.orders.value',
        "item.price / (visitor.visits - visitor.visits) < 1 || item.item_id in visitor.viewed",
    ],
)
def test_what_rules_often_ask_has_a_form_for_many(text: str) -> None:
    assert many(parse(text).tree) is not None
    check_at_once(text)


def test_what_can_only_be_called_item_by_item_has_none() -> None:
    assert many(parse('item.attributes["a"] == visitor.traits["a"]').tree) is None
    assert parse("item.price < 5 && visitor.visits > 1").split().many is None  # nothing mixed in it
    both = parse('item.price < 50 && item.attributes["plan"] < visitor.traits["plan"]').split().many
    assert both is not None
    table = ItemColumns().table([SHOE], ["shoe"])
    assert both(REQUESTS[2], table).tolist() == [False]
