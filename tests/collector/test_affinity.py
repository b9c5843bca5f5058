"""Decayed tastes: sums in any order are the same, and what was added can be taken out again."""

from __future__ import annotations

from math import isclose
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from habitue_collector import affinity

NOW = 1_700_000_000_000
DAY = 86_400_000

likes = st.lists(
    st.tuples(st.sampled_from("abcde"), st.floats(0.5, 5), st.integers(0, 200 * DAY)), min_size=1, max_size=25
)


def scores_of(added: list[Any]) -> affinity.Scores:
    scores: affinity.Scores = {}
    for name, weight, at in added:
        affinity.add(scores, name, weight, NOW + at)
    return scores


def true_shares(added: list[Any]) -> dict[str, float]:
    """The same by the plain formula: w · 2^(−age / half-life)."""
    sums: dict[str, float] = {}
    for name, weight, at in added:
        sums[name] = sums.get(name, 0.0) + weight * 2.0 ** (at / affinity.HALF_LIFE)
    return {name: value / sum(sums.values()) for name, value in sums.items()}


def test_half_a_taste_is_left_after_its_half_life() -> None:
    scores = scores_of([("a", 4.0, 0)])
    assert isclose(affinity.weight(scores, "a", NOW), 4, rel_tol=1e-3)
    assert isclose(affinity.weight(scores, "a", NOW + affinity.HALF_LIFE), 2, rel_tol=1e-3)
    assert affinity.weight(scores, "b", NOW) == 0


@given(likes)
def test_shares_are_those_of_the_plain_formula_and_sum_to_one(added: list[Any]) -> None:
    shares, true = affinity.shares(scores_of(added)), true_shares(added)
    assert isclose(sum(shares.values()), 1)
    assert shares.keys() == true.keys()
    for name, share in shares.items():
        assert isclose(share, true[name], abs_tol=0.01)
    assert list(shares.values()) == sorted(shares.values(), reverse=True)


@given(added=likes, data=st.data())
def test_any_order_of_delivery_gives_the_same_tastes(added: list[Any], data: st.DataObject) -> None:
    one, other = scores_of(added), scores_of(data.draw(st.permutations(added)))
    for name in one:
        assert isclose(one[name], other[name], abs_tol=0.01 * (len(added) + 1))  # two decimals are stored


@given(mine=likes, theirs=likes)
def test_what_was_merged_can_be_taken_out_again(mine: list[Any], theirs: list[Any]) -> None:
    before, moved = scores_of(mine), scores_of(theirs)
    scores = dict(before)
    affinity.merge(scores, moved)
    affinity.subtract(scores, moved)
    for name, score in before.items():
        part = affinity.weight(before, name, NOW) / (
            affinity.weight(before, name, NOW) + affinity.weight(moved, name, NOW)
        )
        if part > 0.05:  # what was next to nothing beside the other side may be lost
            # Two decimals of the whole are stored: the smaller the part, the more of it that is.
            assert isclose(scores[name], score, abs_tol=0.01 + 0.02 / part)
    for name in scores.keys() - before.keys():
        raise AssertionError(f"{name} was theirs alone")


def test_merging_into_nothing_gives_the_same() -> None:
    scores: affinity.Scores = {}
    affinity.merge(scores, {"a": 1.5})
    assert scores == {"a": 1.5}
    affinity.subtract(scores, {"a": 1.5, "b": 2.0})
    assert scores == {}


def test_trimming_keeps_the_strongest() -> None:
    scores = {"a": 1.0, "b": 3.0, "c": 2.0, "d": 1.0}
    affinity.trim(scores, 2)
    assert scores == {"b": 3.0, "c": 2.0}
    affinity.trim(scores, 5)
    assert scores == {"b": 3.0, "c": 2.0}


def test_nothing_has_no_shares() -> None:
    assert affinity.shares({}) == {}
