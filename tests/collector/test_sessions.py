"""The thirty-minute rule."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from habitue_collector import fold
from habitue_collector.events import Event, Kind
from habitue_collector.profile import Profile
from habitue_collector.sessions import SESSION_GAP, Place, place, session_id

T = 1_700_000_000_000


@pytest.mark.parametrize(
    ("started", "last", "at", "where"),
    [
        (None, 0, T, Place.NEW),
        (T, T, T, Place.CURRENT),
        (T, T + 5, T + 5 + SESSION_GAP, Place.CURRENT),
        (T, T + 5, T + 5 + SESSION_GAP + 1, Place.NEW),
        (T, T + 5, T - SESSION_GAP, Place.CURRENT),
        (T, T + 5, T - SESSION_GAP - 1, Place.LATE),
    ],
)
def test_a_gap_of_more_than_thirty_minutes_begins_a_session(
    started: int | None, last: int, at: int, where: Place
) -> None:
    assert place(started, last, at) is where


def test_an_id_is_the_same_in_every_replay_and_another_for_each_session() -> None:
    assert session_id("p", T) == session_id("p", T)
    assert len({session_id(name, T + more) for name in ("p", "q") for more in (0, 1)}) == 4


def viewed(at: int, kind: Kind = Kind.PAGE_VIEW) -> Event:
    return Event(f"{kind}-{at}", kind, "x", T + at, T + at)


def test_a_visit_is_a_session() -> None:
    profile = Profile("p")
    for at in (0, 1_000, SESSION_GAP, 10 * SESSION_GAP, 10 * SESSION_GAP + 1):
        fold.fold(profile, viewed(at), T + at)
    assert profile.visits == 2
    assert profile.session is not None
    assert (profile.session.events, profile.session.page_views) == (2, 2)
    assert profile.session.started == T + 10 * SESSION_GAP


def test_what_a_backend_reports_opens_no_visit() -> None:
    profile = Profile("p")
    for kind in (Kind.IDENTIFY, Kind.CONSENT, Kind.ORDER_STATUS, Kind.OFFER_IMPRESSION, Kind.SUBSCRIBE):
        one = viewed(0, kind)
        fold.fold(profile, one, T)
        assert one.session_id is not None
    assert profile.visits == 0
    assert profile.session is None


def test_a_late_event_belongs_to_no_session_that_is_open() -> None:
    profile = Profile("p")
    fold.fold(profile, viewed(10 * SESSION_GAP), T)
    late = viewed(0)
    fold.fold(profile, late, T)
    assert profile.visits == 1
    assert profile.session is not None
    assert profile.session.events == 1
    assert late.session_id != profile.session.session_id


@given(st.lists(st.integers(0, 20 * SESSION_GAP), min_size=1, max_size=30))
def test_within_one_sorted_batch_visits_are_the_gaps(times: list[int]) -> None:
    profile = Profile("p")
    times.sort()
    for at in times:
        fold.fold(profile, viewed(at), T + at)
    gaps = sum(later - earlier > SESSION_GAP for earlier, later in pairwise(times))
    assert profile.visits == gaps + 1
