"""A rule's document: what it says, and every mistake in it at once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from habitue_recommender.rulebook.contents import ContentKind, parse_content
from habitue_recommender.rulebook.mistakes import Mistake, Mistakes
from habitue_recommender.rulebook.rules import Cap, Pin, Rule, parse_rule
from habitue_recommender.slots import Source

NOW = 1_780_000_000_000


def rule(consequence: dict[str, Any] | None = None, **said: Any) -> Rule:
    return parse_rule({"id": "r", "consequence": consequence or {"exclude": True}, **said})


def mistakes(raw: Any, parse: Any = parse_rule, **more: Any) -> dict[str, Mistake]:
    with pytest.raises(Mistakes) as raised:
        parse(raw, **more)
    return {one.field: one for one in raised.value}


def test_a_document_becomes_a_rule() -> None:
    read = parse_rule(
        {
            "id": "winter-boots",
            "name": "Winter boots",
            "note": "until the snow melts",
            "priority": 5,
            "condition": {"slots": ["home-hero"], "page_types": ["home"], "when": 'visitor.country == "SE"'},
            "consequence": {
                "pin": [{"item_id": "boot", "position": 2}],
                "include": ["sock"],
                "same": ["category"],
                "different": ["brand"],
                "fallback": ["hat", "source:popular"],
                "limit": {"brand": 2},
                "cap": {"impressions": 3, "days": 7},
                "in_cart": "never",
            },
            "validity": {
                "from": "2026-11-01T00:00:00+01:00",
                "until": "2027-03-01T00:00:00+01:00",
                "weekdays": ["sat", "sun"],
                "hours": ["08:00", "20:00"],
            },
            "share": 0.5,
        }
    )
    does = read.consequence
    assert (read.id, read.name, read.priority, read.share) == ("winter-boots", "Winter boots", 5, 0.5)
    assert does.pins == (Pin("boot", 2),)
    assert (does.include, does.include_matching) == (("sock",), False)
    assert (does.same, does.different) == (("category",), ("brand",))
    assert (does.fallback_items, does.fallback_sources) == (("hat",), (Source.POPULAR,))
    assert (does.per_brand, does.per_category, does.cap) == (2, 0, Cap(3, 7.0))
    assert does.in_cart_never
    assert read.validity.weekdays == {5, 6}
    assert read.validity.hours == (480, 1200)
    assert does.restricts == ("same", "different", "in_cart", "limit", "cap")
    assert does.promotes == ("pin", "include", "fallback")


def test_what_is_not_said_has_its_default() -> None:
    read = rule()
    assert read.enabled
    assert (read.priority, read.share, read.slots, read.condition) == (0, 1.0, frozenset(), None)


def test_all_mistakes_are_told_at_once_each_at_its_place() -> None:
    found = mistakes(
        {
            "id": "Winter Boots",
            "nmae": "x",
            "priority": "high",
            "condition": {"when": "item.prise > 3", "slots": "home-hero"},
            "consequence": {
                "pin": [{"item_id": "a", "position": 0}, {"position": 1, "item_id": "a"}],
                "boost": 0.5,
                "same": ["colour"],
                "limit": {},
                "in_cart": "sometimes",
                "fallback": ["source:popluar"],
            },
            "validity": {"from": "2026-12-24", "hours": ["8", "20:00"], "weekdays": ["monday"]},
            "share": 2,
        }
    )
    assert set(found) == {
        *("id", "nmae", "priority", "condition.when", "condition.slots", "share"),
        *("consequence.pin.0.position", "consequence.pin.1.item_id", "consequence.pin.1.position"),
        *("consequence.boost", "consequence.same.0", "consequence.limit", "consequence.in_cart"),
        *("consequence.fallback.0", "validity.from", "validity.hours.0", "validity.weekdays.0"),
    }
    assert found["id"].suggestion == "winter-boots"
    assert found["nmae"].suggestion == "name"
    assert found["condition.when"].to_public() == {
        "field": "condition.when",
        "message": "There is no field “item.prise”.",
        "position": 0,
        "length": 10,
        "suggestion": "item.price",
    }


@pytest.mark.parametrize(
    ("consequence", "when", "field"),
    [
        ({}, "", "consequence"),
        ({"pin": [{"item_id": "a", "position": 1}]}, "item.price > 3", "consequence.pin"),
        ({"filter": True}, "visitor.new", "consequence.filter"),
        ({"include": True}, "", "consequence.include"),
        ({"exclude": True, "filter": True}, "item.price > 3", "consequence.filter"),
        ({"same": ["brand"], "different": ["brand"]}, "", "consequence.different"),
        ({"cap": {"days": 3}}, "", "consequence.cap.impressions"),
        ({"boost": True}, "", "consequence.boost"),
        ({"boost": 1}, "", "consequence.boost"),
        ({"bury": float("nan")}, "", "consequence.bury"),
        ({"pin": [{"item_id": "a", "position": 1}] * 101}, "", "consequence.pin"),
    ],
)
def test_what_cannot_be_meant_is_a_mistake(consequence: dict[str, Any], when: str, field: str) -> None:
    assert field in mistakes({"id": "r", "condition": {"when": when}, "consequence": consequence})


def test_an_end_in_the_past_is_a_mistake_for_who_saves_it_only() -> None:
    document = {"id": "r", "consequence": {"exclude": True}, "validity": {"until": "2020-01-01T00:00:00Z"}}
    assert parse_rule(document).validity.is_over(NOW)
    assert set(mistakes(document, now=NOW)) == {"validity.until"}
    parse_rule(document | {"enabled": False}, now=NOW)


def test_what_the_store_adds_can_be_sent_back() -> None:
    rule(version=3, author="ida", at="2026-11-22T00:00:00Z", change_note="why")


_leaf = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
_any = st.recursive(
    _leaf, lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=5), one, max_size=3)
)
_names = st.sampled_from(
    [
        *("id", "name", "enabled", "priority", "share", "note", "kind", "slots", "when", "title", "url"),
        *("pin", "boost", "bury", "include", "exclude", "filter", "same", "fallback", "limit", "cap"),
        *("from", "until", "weekdays", "hours", "impressions", "days", "position", "item_id", "x"),
    ]
)
_inner = st.dictionaries(_names, _any, max_size=4)
_documents = st.dictionaries(_names, _any, max_size=4) | st.fixed_dictionaries(
    {}, optional={"condition": _inner | _any, "consequence": _inner | _any, "validity": _inner | _any}
)


@given(_any | _documents)
def test_whatever_comes_in_is_read_or_refused_in_words(raw: Any) -> None:
    for parse in (parse_rule, parse_content):
        found: Mistakes | None = None
        try:
            parse(raw)
        except Mistakes as mistakes:
            found = mistakes
        assert found is None or all(one.message for one in found)
        assert found is None or found.to_public()


# ---- contents --------------------------------------------------------------------------------------


def test_a_content_looks_like_an_item() -> None:
    read = parse_content(
        {
            "id": "spring",
            "kind": "coupon",
            "title": "Ten percent off",
            "text": "Until Sunday",
            "code": "SPRING10",
            "url": "/sale",
            "slots": ["home-hero"],
            "position": 2,
            "when": "visitor.returning",
        }
    )
    assert read.kind is ContentKind.COUPON
    assert (read.item.item_id, read.item.name, read.item.url) == (
        "content:spring",
        "Ten percent off",
        "/sale",
    )
    assert read.to_public() == {"kind": "coupon", "text": "Until Sunday", "code": "SPRING10"}


def test_a_content_without_a_place_or_anything_to_say_is_a_mistake() -> None:
    assert set(mistakes({"id": "c"}, parse_content)) == {"kind", "slots", "title"}
    wrong = {
        "id": "c",
        "kind": "coupon",
        "title": "x",
        "slots": ["a"],
        "url": "javascript:alert(1)",
        "when": "item.price > 3",
    }
    assert set(mistakes(wrong, parse_content)) == {"url", "when", "code"}
