"""Columns of what conditions ask of items alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.condition_worlds import all_asked

from habitue_recommender.catalog.items import Item
from habitue_recommender.conditions import parse
from habitue_recommender.conditions.many import many
from habitue_recommender.rulebook import item_columns
from habitue_recommender.rulebook.item_columns import ItemColumns

REGULAR = all_asked()[2]
ITEMS = [Item(f"i{number}", price=float(number), brand=f"B{number % 3}") for number in range(3_000)]


def cheap(columns: ItemColumns, items: list[Item]) -> list[str]:
    """Which of these cost less than what the visitor has in the cart (55.5)."""
    at_once = many(parse("item.price < visitor.cart.value").tree)
    assert at_once is not None
    answers = at_once(REGULAR, columns.table(items, [one.item_id for one in items]))
    return [one.item_id for one, holds in zip(items, answers, strict=True) if holds]


def test_rows_come_as_items_come_by() -> None:
    columns = ItemColumns()
    assert len(cheap(columns, ITEMS[:100])) == 56
    assert cheap(columns, ITEMS[2_000:]) == []
    assert len(cheap(columns, ITEMS)) == 56


def test_what_changed_is_read_again() -> None:
    columns = ItemColumns()
    cheap(columns, ITEMS[:100])
    changed = [replace(ITEMS[0], price=99.0), *ITEMS[1:100]]
    columns.forget(["i0", "of which nobody knows"])
    assert "i0" not in cheap(columns, changed)
    columns.clear()
    assert "i0" in cheap(columns, ITEMS[:100])


def test_a_number_that_is_too_large_for_an_array_is_compared_all_the_same() -> None:
    columns = ItemColumns()
    large = [Item("a", attributes={"stock": 2**53 + 1}), Item("b", attributes={"stock": 2**53})]
    # 2**53, in numbers that may be written.
    text = "item.stock > 1000000000000000 * 9 + visitor.visits - 7 + 7199254740992"
    at_once = many(parse(text).tree)
    assert at_once is not None
    assert at_once(REGULAR, columns.table(large, ["a", "b"])).tolist() == [True, False]


def test_of_too_many_items_those_that_came_by_lately_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(item_columns, "_MOST_ROWS", 150)
    columns = ItemColumns()
    early = columns.table(ITEMS[:100], [one.item_id for one in ITEMS[:100]])
    for start in range(0, 3_000, 100):
        assert len(cheap(columns, ITEMS[start : start + 100])) == (56 if not start else 0)
    at_once = many(parse("item.price < visitor.cart.value").tree)
    assert at_once is not None
    assert at_once(REGULAR, early).sum() == 56
