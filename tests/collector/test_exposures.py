"""What was in view: the latest by their id, hundreds before them by a mark."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from habitue_collector import exposures
from habitue_collector.exposures import MAX_EXPOSURES, MAX_WORN, mark
from habitue_collector.profile import Profile

DAY = 86_400
NOW = 1_780_000_000  # seconds


def count(state: dict[str, Any], item_id: str) -> int:
    """How often the profile says that an offer was in view."""
    profile = Profile("anna", state)
    seen = profile.exposures.get(item_id) or profile.earlier_exposures.get(mark(item_id))
    return 0 if seen is None else seen.count


def seen(*items: str, state: dict[str, Any] | None = None, at: int = NOW) -> dict[str, Any]:
    state = {} if state is None else state
    for number, item_id in enumerate(items):
        exposures.touch(state, item_id, at + number)
    return state


def test_who_sees_hundreds_of_offers_is_remembered_to_have_seen_each() -> None:
    names = [f"item-{number}" for number in range(MAX_EXPOSURES + MAX_WORN)]
    state = seen(*names, *names, at=NOW - 400)
    assert {count(state, name) for name in names} == {2}
    assert len(Profile("anna", state).exposures) == MAX_EXPOSURES
    assert len(state["worn"]) == 10 * MAX_WORN
    seen("one-more", state=state, at=NOW + DAY)
    assert [name for name in names if not count(state, name)], "the one that was in view longest ago goes"


def test_who_sees_few_offers_keeps_nothing_more() -> None:
    assert set(seen(*(f"i{number}" for number in range(MAX_EXPOSURES)))) == {"exposures"}


def test_a_day_is_told_rather_too_late_than_too_early() -> None:
    state = seen("first", *(f"i{number}" for number in range(MAX_EXPOSURES)))
    last = Profile("anna", state).earlier_exposures[mark("first")].last // 1_000
    assert NOW <= last < NOW + DAY
    seen("first", state=state, at=NOW + 3 * DAY)
    assert Profile("anna", state).exposures["first"].last // 1_000 == NOW + 3 * DAY
    late = seen("first", state=seen("first", *map(str, range(40))), at=NOW - 9 * DAY)
    assert Profile("anna", late).exposures["first"].last // 1_000 >= NOW


def test_what_is_broken_is_nothing() -> None:
    assert exposures.unpack("") == {}
    assert exposures.unpack("short") == {}
    assert len(exposures.unpack("ÄÖÜ???****" * 2)) == 1


histories = st.lists(st.integers(0, 79).map(lambda number: f"item-{number}"), max_size=160)


@given(histories)
def test_every_offer_is_counted_as_often_as_it_was_in_view(history: list[str]) -> None:
    state = seen(*history)
    assert {one: count(state, one) for one in history} == {
        one: min(history.count(one), 63) if history.count(one) > 63 else history.count(one) for one in history
    }
    assert exposures.pack(exposures.unpack(state.get("worn", ""))) == state.get("worn", "")


@given(histories, histories)
def test_two_profiles_add_up_and_come_apart_again(mine: list[str], theirs: list[str]) -> None:
    state, moved = seen(*mine), seen(*theirs)
    before = {one: count(state, one) for one in {*mine, *theirs}}
    exposures.merge(state, moved)
    assert {one: count(state, one) for one in before} == {
        one: before[one] + theirs.count(one) for one in before
    }
    assert len(state.get("exposures", {})) <= MAX_EXPOSURES
    exposures.subtract(state, moved)
    assert {one: count(state, one) for one in before} == before
