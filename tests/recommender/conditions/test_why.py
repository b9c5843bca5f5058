"""Why a condition holds: its comparisons, and what was read for each."""

from __future__ import annotations

from hypothesis import given, settings
from support import condition_writing as writing
from support.condition_worlds import BARE, ITEMS, SHOE, all_asked, asked, regular

from habitue_recommender.conditions import parse, why

REQUESTS = all_asked()


def test_each_comparison_is_told_with_what_was_read() -> None:
    text = 'visitor.orders.count >= 5 && !(item.price > 60) && ("shoes" in item.category || item.new)'
    orders, price, category, new = why(parse(text), asked(regular()), SHOE)
    assert (orders.text, orders.holds, orders.values) == (
        "visitor.orders.count >= 5",
        False,
        {"visitor.orders.count": 3},
    )
    assert (price.text, price.holds, price.values) == ("item.price > 60", False, {"item.price": 49.9})
    assert category.values == {"item.category": "Men/Shoes/Trail"}
    assert text[new.position : new.position + new.length] == new.text == "item.new"
    assert [one.decides for one in (orders, price, category, new)] == [True, False, False, False]
    assert orders.to_public()["decides"] is True


def test_what_is_missing_is_told_as_nothing_and_lists_are_cut() -> None:
    request = asked(segments=frozenset(f"s{n}" for n in range(100)))
    findings = why(parse('item.price < 5 || item.brand == "x" || "vip" in visitor.segments'), request, BARE)
    assert [one.values for one in findings[:2]] == [{"item.price": None}, {"item.brand": None}]
    assert len(findings[2].values["visitor.segments"]) == 20
    assert [one.values for one in why(parse("item.price < 5"), request)] == [{"item.price": None}]


@given(writing.texts)
@settings(max_examples=50, deadline=None)
def test_every_condition_can_be_explained(text: str) -> None:
    condition = parse(text)
    for request in REQUESTS:
        for item in (*ITEMS, None):
            findings = why(condition, request, item)
            assert findings
            if len(findings) == 1:
                assert findings[0].decides
