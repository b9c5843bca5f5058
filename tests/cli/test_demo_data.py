"""The demo's history: three weeks at a time, each household's orders together, nothing twice or lost."""

from __future__ import annotations

from pathlib import Path

from habitue_cli.demo_data import PREPARED, SLICE, _by_slices, is_being_prepared
from habitue_cli.source import DEMO_MARK
from habitue_collector.events import Event, Kind

DAY = 86_400_000


def order(day: int, user_id: str) -> Event:
    when = 1_700_000_000_000 + day * DAY
    return Event(
        event_id=f"{user_id}-{day}",
        kind=Kind.PURCHASE,
        name="Order Completed",
        timestamp=when,
        received_at=when,
        user_id=user_id,
    )


def test_in_each_slice_a_households_orders_are_together_and_in_their_order() -> None:
    days = (0, 1, 2, 20, 21, 22, 100, 101)
    events = [order(day, user) for day in days for user in ("b", "a")]
    sliced = list(_by_slices(iter(events)))
    assert [event.event_id for event in sliced] == [
        *("a-0", "a-1", "a-2", "a-20", "b-0", "b-1", "b-2", "b-20"),
        *("a-21", "a-22", "b-21", "b-22"),
        *("a-100", "a-101", "b-100", "b-101"),
    ]
    assert SLICE == 21 * DAY
    assert list(_by_slices([])) == []


def test_a_demo_is_being_prepared_from_its_first_start_until_its_model_is_live(tmp_path: Path) -> None:
    assert not is_being_prepared(tmp_path)  # somebody's own installation
    (tmp_path / DEMO_MARK).touch()
    assert is_being_prepared(tmp_path)
    (tmp_path / DEMO_MARK).write_text(PREPARED)
    assert not is_being_prepared(tmp_path)
