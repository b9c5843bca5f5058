"""Slots: what a shop has without configuration, and what it may change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from habitue_recommender.assignment import Variant, assign, share_of
from habitue_recommender.rulebook.mistakes import Mistakes
from habitue_recommender.settings import RecommenderSettings
from habitue_recommender.slot_settings import parse_slot, parse_slots
from habitue_recommender.slots import DEFAULT_SLOTS, Slot, Source


def test_a_shop_without_configuration_has_twelve_slots() -> None:
    assert set(DEFAULT_SLOTS) == {
        "home-welcome",
        "home-hero",
        "home-recent",
        "home-again",
        "home-since",
        "home-popular",
        "category-top",
        "pdp-related",
        "pdp-together",
        "cart-extras",
        "search-popular",
        "thanks-next",
    }
    for slot in DEFAULT_SLOTS.values():
        assert slot.title
        assert slot.holdout == 0.0
        assert not slot.fallback or slot.order()[-1] is Source.NEW_ITEMS


def test_a_table_changes_one_slot_and_adds_another() -> None:
    problems: list[str] = []
    table = {
        "home-hero": {"size": 6, "holdout": 0.1},
        "blog": {"sources": ["popular"], "title": "Read on", "variants": {"b": 0.5}},
    }
    slots = parse_slots(table, problems)
    assert problems == []
    assert (slots["home-hero"].size, slots["home-hero"].holdout) == (6, 0.1)
    assert slots["home-hero"].sources == DEFAULT_SLOTS["home-hero"].sources
    assert slots["blog"].order() == (Source.POPULAR, Source.POPULAR_NOW, Source.NEW_ITEMS)
    assert slots["blog"].variants == (Variant("b", 0.5),)
    assert DEFAULT_SLOTS["home-hero"].size == 12


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ([], "[slots] holds one table per slot"),
        ({"x": 1}, "[slots.x] is not a table"),
        ({"x": {}}, "[slots.x] names no sources"),
        ({"x": {"sources": ["magic"]}}, "'magic' is not a source"),
        ({"x": {"sources": "popular"}}, "is not a list of words"),
        ({"x": {"sources": ["popular", "popular"]}}, "a source is there twice"),
        ({"home-hero": {"size": 0}}, "[slots.home-hero] size: 0 is not a whole number from 1 to 100"),
        ({"home-hero": {"size": True}}, "True is not a whole number"),
        ({"home-hero": {"holdout": 2}}, "2 is not a share from 0 to 1"),
        ({"home-hero": {"fallback": "yes"}}, "'yes' is not true or false"),
        ({"home-hero": {"colour": "red"}}, "colour is not a setting"),
        ({"home-hero": {"variants": {"default": 0.5}}}, "are taken"),
        ({"home-hero": {"variants": {"a": 0.6, "b": 0.6}}}, "more than 1"),
        ({"home-hero": {"variants": 1}}, "variants are names with a share"),
        ({"home-hero": {"title": 1}}, "1 is not text"),
    ],
)
def test_a_mistake_is_one_sentence(table: Any, said: str) -> None:
    problems: list[str] = []
    parse_slots(table, problems)
    assert any(said in problem for problem in problems), problems


def test_settings_are_read_and_every_mistake_is_told() -> None:
    problems: list[str] = []
    read = RecommenderSettings.parse(
        {"cap_impressions": 5, "just_bought_days": 2, "image_hosts": ["cdn.example"]},
        {"home-hero": {"size": 3}},
        problems=problems,
        hosts=("shop.example",),
    )
    assert problems == []
    assert (read.cap_impressions, read.just_bought_days, read.image_hosts) == (5, 2.0, ("cdn.example",))
    assert (read.slots["home-hero"].size, read.hosts) == (3, ("shop.example",))
    wrong = {"cap_impressions": "many", "candidates": 1.5, "image_hosts": "x", "salt": 1, "speed": 2}
    RecommenderSettings.parse(wrong, problems=problems)
    assert len(problems) == 5
    RecommenderSettings.parse([], problems=problems)
    assert problems[-1] == "[recommender] is not a table"


def test_the_holdout_is_for_ever_and_the_same_in_every_slot() -> None:
    people = [f"v{n}" for n in range(4_000)]
    held = {who for who in people if assign(b"s", "one", who, 0.1).holdout}
    assert held == {who for who in people if assign(b"s", "two", who, 0.1).holdout}
    assert held < {who for who in people if assign(b"s", "one", who, 0.2).holdout}
    assert 300 < len(held) < 500
    assert held != {who for who in people if assign(b"other", "one", who, 0.1).holdout}


def test_variants_are_drawn_per_slot_by_their_share() -> None:
    people = [f"v{n}" for n in range(4_000)]
    arms = (Variant("b", 0.25), Variant("c", 0.25))
    drawn = [assign(b"s", "one", who, 0.0, arms).variant for who in people]
    for name, share in (("b", 0.25), ("c", 0.25), ("default", 0.5)):
        assert abs(drawn.count(name) / len(people) - share) < 0.03
    assert drawn != [assign(b"s", "two", who, 0.0, arms).variant for who in people]


def test_nobody_is_in_the_default_arm() -> None:
    assert assign(b"s", "one", None, 1.0, (Variant("b", 1.0),)).variant == "default"
    assert 0.0 <= share_of(b"", "x", "\ud800") < 1.0


def test_a_slot_of_ones_own_has_sensible_defaults() -> None:
    slot = Slot("mine", sources=(Source.TOGETHER,))
    assert (slot.size, slot.fallback, slot.holdout, slot.variants) == (12, True, 0.0, ())


# ---- as a marketer's document ----------------------------------------------------------------------


def test_a_document_is_laid_over_the_slot_as_it_is() -> None:
    base = DEFAULT_SLOTS["home-hero"]
    slot = parse_slot({"id": "home-hero", "size": 4, "template": "wide", "note": "for spring"}, base)
    assert slot == replace(base, size=4, template="wide")
    assert slot.enabled
    assert not parse_slot({"enabled": False}, base).enabled
    assert parse_slot({"id": "blog", "sources": ["popular"]}) == Slot("blog", sources=(Source.POPULAR,))


def test_a_slot_without_sources_and_fallback_shows_contents_only() -> None:
    slot = parse_slot({"id": "banner", "fallback": False})
    assert slot.order() == ()
    assert DEFAULT_SLOTS["home-welcome"].order() == ()


@pytest.mark.parametrize(
    ("raw", "field", "suggestion"),
    [
        ([], "", ""),
        (None, "", ""),
        ({"id": "blog"}, "sources", ""),
        ({"id": "No Id", "sources": ["popular"]}, "id", ""),
        ({"id": 7, "sources": ["popular"]}, "id", ""),
        ({"id": "blog", "sources": ["populer"]}, "sources", "popular"),
        ({"id": "blog", "sources": ["popular"], "sise": 3}, "sise", "size"),
        ({"id": "blog", "sources": ["popular"], "size": 0}, "size", ""),
        ({"id": "blog", "sources": ["popular"], "size": True}, "size", ""),
        ({"id": "blog", "sources": ["popular"], "enabled": "no"}, "enabled", ""),
        ({"id": "blog", "sources": ["popular"], "template": "<b>"}, "template", ""),
        ({"id": "blog", "sources": ["popular"], "title": "x" * 1_000}, "title", ""),
        ({"id": "blog", "sources": ["popular"], "note": 1}, "note", ""),
        ({"id": "blog", "sources": [[1]]}, "sources", ""),
        ({"id": "blog", "sources": ["popular"], "variants": {"default": 0.5}}, "variants", ""),
    ],
)
def test_what_is_wrong_with_a_slot_is_said_at_its_place(raw: Any, field: str, suggestion: str) -> None:
    with pytest.raises(Mistakes) as raised:
        parse_slot(raw)
    (mistake,) = raised.value
    assert (mistake.field, mistake.suggestion) == (field, suggestion)
    assert mistake.message[-1] == "."


def test_all_mistakes_of_a_slot_are_told_at_once() -> None:
    with pytest.raises(Mistakes) as raised:
        parse_slot({"id": "blog", "size": -1, "holdout": 2, "diversity": "much", "odd": 1})
    assert [one.field for one in raised.value] == ["size", "holdout", "diversity", "odd", "sources"]
