"""The name of a decision: made here or not at all."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from habitue_recommender.decision_ids import mint, read

KEY = b"k" * 32
NAME = mint(KEY, slot_id="home-hero", visitor_id="anna", timestamp=1_780_000_000_123, model="d1", sequence=7)


def test_it_says_when_where_and_for_whom() -> None:
    told = read((KEY,), NAME)
    assert told is not None
    assert told.timestamp == 1_780_000_000_123
    assert told.is_for("home-hero", "anna")
    assert not told.is_for("home-hero", "ben")
    assert not told.is_for("home-hero", None)
    assert not told.is_for("pdp-related", "anna")
    assert "anna" not in NAME
    assert len(NAME) == 50


def test_keys_rotate_newest_last() -> None:
    assert read((KEY, b"new"), NAME) is not None
    assert read((b"new",), NAME) is None
    assert read((), NAME) is None


def test_one_changed_character_is_a_forgery() -> None:
    for place in range(len(NAME)):
        other = "A" if NAME[place] != "A" else "B"
        assert read((KEY,), NAME[:place] + other + NAME[place + 1 :]) is None


@pytest.mark.parametrize(
    "said", [None, 1, b"x", "", NAME[:-1], NAME + "A", NAME + "=", "é" * 50, "-" * 50, []]
)
def test_anything_else_is_none_of_ours(said: Any) -> None:
    assert read((KEY,), said) is None


@given(st.text(min_size=50, max_size=50))
def test_no_text_is_taken_for_one(said: str) -> None:
    assert read((KEY,), said) is None


def test_each_part_counts() -> None:
    parts: dict[str, Any] = {"slot_id": "s", "visitor_id": "v", "timestamp": 1, "model": "m", "sequence": 1}
    changed: list[dict[str, Any]] = [
        {},
        {"slot_id": "t"},
        {"visitor_id": None},
        {"timestamp": 2},
        {"model": "n"},
        {"sequence": 2},
    ]
    assert len({mint(KEY, **(parts | one)) for one in changed}) == 6
