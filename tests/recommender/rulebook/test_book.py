"""All documents together: what compiles, what is left out, what does not go together."""

from __future__ import annotations

from typing import Any

import pytest

from habitue_recommender.rulebook.book import Rulebook
from habitue_recommender.settings import RecommenderSettings
from habitue_recommender.slots import Source

SETTINGS = RecommenderSettings()


def compiled(previous: Rulebook | None = None, **documents: dict[str, Any]) -> Rulebook:
    return Rulebook.compile(documents, settings=SETTINGS, version=3, previous=previous)


def rule(when: str = "", **said: Any) -> dict[str, Any]:
    outside = {name: said.pop(name) for name in ("priority", "validity", "enabled") if name in said}
    where = {name: said.pop(name) for name in ("slots", "page_types") if name in said}
    return {"condition": {"when": when, **where}, "consequence": said, **outside}


def test_a_broken_document_costs_itself_and_is_named() -> None:
    book = compiled(
        rule={
            "good": rule("item.price < 3", exclude=True),
            "bad": rule(boost=-1),
            "odd": rule("a +", exclude=True),
        },
        segment={
            "round": {"when": '"about" in visitor.segments'},
            "about": {"when": '"round" in visitor.segments'},
        },
        content={"mute": {"kind": "banner", "slots": ["home-hero"]}},
        slot={"home-hero": {"size": 0}},
    )
    assert set(book.rules) == {"good"}
    assert {(one.kind, one.id) for one in book.problems} == {
        *(("rule", "bad"), ("rule", "odd"), ("segment", "round"), ("segment", "about")),
        *(("content", "mute"), ("slot", "home-hero")),
    }
    assert book.slots["home-hero"] == SETTINGS.slots["home-hero"]


def test_slots_are_laid_over_those_of_the_shop() -> None:
    book = compiled(slot={"home-hero": {"size": 4}, "extra": {"sources": ["popular"]}})
    assert book.slots["home-hero"].size == 4
    assert book.slots["home-hero"].sources == SETTINGS.slots["home-hero"].sources
    assert book.slots["extra"].sources == (Source.POPULAR,)
    assert book.is_idle


def test_what_is_not_enabled_is_there_and_does_nothing() -> None:
    book = compiled(rule={"off": rule(exclude=True, enabled=False)})
    assert set(book.rules) == {"off"}
    assert book.is_idle


def test_the_greater_priority_comes_first() -> None:
    book = compiled(rule={"a": rule(exclude=True), "b": rule(exclude=True, priority=5)})
    assert [one.rule.id for one in book.active] == ["b", "a"]


def test_what_the_last_rulebook_knows_of_items_is_taken_over() -> None:
    before = compiled(rule={"a": rule("item.price < 3", exclude=True)})
    after = compiled(before, rule={"a": rule("item.price < 3", exclude=True), "b": rule("item.new", boost=2)})
    assert after.item_sets is before.item_sets
    assert after.active[0].bit == before.active[0].bit


PIN_A, PIN_B = [{"item_id": "a", "position": 1}], [{"item_id": "b", "position": 1}]

MONDAY, TUESDAY = {"weekdays": ["mon"]}, {"weekdays": ["tue"]}


@pytest.mark.parametrize(
    ("one", "other", "field"),
    [
        (rule(pin=PIN_A), rule(pin=PIN_B), "consequence.pin.0.position"),
        (rule(pin=PIN_A), rule(pin=PIN_A), None),
        (rule(pin=PIN_A, priority=1), rule(pin=PIN_B), None),
        (rule(pin=PIN_A, slots=["x"]), rule(pin=PIN_B, slots=["y"]), None),
        (rule(pin=PIN_A, page_types=["home"]), rule(pin=PIN_B, page_types=["cart"]), None),
        (rule("visitor.new", pin=PIN_A), rule("visitor.returning", pin=PIN_B), None),
        (rule("visitor.new", pin=PIN_A), rule(pin=PIN_B), "consequence.pin.0.position"),
        (rule(pin=PIN_A, validity=MONDAY), rule(pin=PIN_B, validity=TUESDAY), None),
        (rule("item.new", boost=2), rule("item.new", bury=2), "consequence.bury"),
        (rule("item.price > 3", exclude=True), rule("item.price > 3", filter=True), "consequence.filter"),
        (rule("item.price > 3", exclude=True), rule("item.price > 4", filter=True), None),
        (rule(same=["brand"]), rule(different=["brand"]), "consequence.different"),
    ],
)
def test_what_does_not_go_together_is_said_at_the_later_rule(
    one: dict[str, Any], other: dict[str, Any], field: str | None
) -> None:
    found = compiled(rule={"first": one, "second": other}).contradictions("second")
    assert [mistake.field for mistake in found] == ([field] if field else [])
    assert all("first" in mistake.message for mistake in found)


def test_a_pin_behind_the_end_of_its_slot_is_said_too() -> None:
    far = [{"item_id": "a", "position": 9}]
    book = compiled(
        rule={"a": rule(pin=far, slots=["small"]), "b": rule(pin=far)},
        slot={"small": {"sources": ["popular"], "size": 3}},
    )
    [mistake] = book.contradictions("a")
    assert mistake.field == "consequence.pin.0.position"
    assert "small" in mistake.message
    assert not book.contradictions("b")


def test_page_types_that_anybody_makes_up_are_not_kept_for_ever() -> None:
    book = compiled(rule={"a": rule(exclude=True, page_types=["home"])})
    for number in range(3_000):
        assert not book.rules_of("x", f"type-{number}").rules
    assert book.rules_of("x", "home").rules
    assert len(book._by_place) <= 1_000
