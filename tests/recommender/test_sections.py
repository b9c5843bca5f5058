"""The order of a page's sections: what somebody likes comes first, the rest stays where the shop put it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.decisions import NOW, visitor

from habitue_collector.consent import DENIED, GRANTED, Consent, State
from habitue_recommender.recommender import Recommender
from habitue_recommender.sections import MAX_SECTIONS, order_sections, parse_sections
from habitue_recommender.settings import RecommenderSettings
from habitue_recommender.slots import DEFAULT_SLOTS, Slot

SHOP = ["New", "Bags", "Shoes", "Hats"]


def no_model(folder: Path) -> Any:
    raise AssertionError("nobody asks a model")


def test_of_nobody_the_shops_own_order_stays() -> None:
    assert order_sections(SHOP, None) == SHOP
    assert order_sections(SHOP, visitor()) == SHOP


def test_what_is_liked_comes_first_and_the_most_liked_before() -> None:
    profile = visitor(likes={"Hats/Summer": 0.3, "Shoes/Trail": 0.5, "Toys": 0.2})
    assert order_sections(SHOP, profile) == ["Shoes", "Hats", "New", "Bags"]


def test_a_section_has_what_lies_below_it() -> None:
    profile = visitor(likes={"Shoes/Trail": 0.3, "Shoes/Road": 0.3, "Bags": 0.4})
    assert order_sections(SHOP, profile) == ["Shoes", "Bags", "New", "Hats"]
    assert order_sections(["Bags", "Shoes/Road", "Shoes/Trail"], profile) == [
        "Bags",
        "Shoes/Road",
        "Shoes/Trail",
    ]


def test_names_are_compared_without_case_and_a_brand_is_a_section_too() -> None:
    profile = visitor(likes={"Shoes": 0.9, "Bags": 0.1}, brands={"Acme": 1.0})
    assert order_sections(["BAGS", "acme", " shoes "], profile) == ["acme", " shoes ", "BAGS"]


def test_a_trace_of_liking_moves_nothing() -> None:
    profile = visitor(likes={"Shoes": 0.985, "Hats": 0.015})
    assert order_sections(SHOP, profile) == ["Shoes", "New", "Bags", "Hats"]


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        (["A", "B", "A"], ["A", "B"]),
        ("A,B", ["A", "B"]),
        (None, []),
        (7, []),
        ({"A": 1}, []),
        ([None, 1, "", "x" * 2_000, "A", ["B"], "\ud800"], ["A"]),
        ([str(number) for number in range(500)], [str(number) for number in range(MAX_SECTIONS)]),
    ],
)
def test_what_can_be_no_section_is_left_out(raw: Any, read: list[str]) -> None:
    assert parse_sections(raw) == read


def test_who_is_not_personalised_sees_the_shops_own_order() -> None:
    slots = {**DEFAULT_SLOTS, "home-hero": Slot("home-hero", holdout=0.5)}
    profile = visitor(likes={"Shoes": 1.0})

    def asks(profile: Any, consent: Consent, **settings: Any) -> list[str]:
        from pathlib import Path

        recommender = Recommender(RecommenderSettings(**settings), Path(), no_model, lambda: NOW)
        return recommender.sections(SHOP, profile, consent)

    moved = ["Shoes", "New", "Bags", "Hats"]
    assert asks(profile, GRANTED) == moved
    assert asks(profile, DENIED) == SHOP
    assert asks(profile, Consent(State.GRANTED, State.DENIED)) == SHOP
    assert asks(visitor(likes={"Shoes": 1.0}, consents={"personalization": "denied"}), GRANTED) == SHOP
    people = [visitor(f"visitor-{number}", likes={"Shoes": 1.0}) for number in range(40)]
    orders = [asks(one, GRANTED, slots=slots, salt=b"s") for one in people]
    assert 5 < orders.count(SHOP) < 35, "who is held out of a slot is not laid out for either"
    assert orders.count(SHOP) + orders.count(moved) == 40
