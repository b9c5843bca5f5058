"""Moments: a minute that is known gives what reading the whole text would have given."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from habitue_collector.events import InvalidEvent
from habitue_collector.wires import values
from habitue_collector.wires.values import moment

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = "2026-11-21T18:05:"


def read(text: str) -> int | None:
    try:
        return moment(text)
    except InvalidEvent:
        return None


@given(st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)).map(lambda at: at.replace(tzinfo=UTC)))
def test_a_moment_is_milliseconds(at: datetime) -> None:
    text = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert moment(text) == moment(text) == (at - EPOCH) // timedelta(milliseconds=1)


@given(
    st.one_of(
        st.from_regex(r"[0-9+_ ]{2}[.,:][0-9+_ ]{3}[Zz+]", fullmatch=True),
        st.sampled_from(["59.999Z", "60.000Z", "5.0000Z", "٢٩.١٢٣Z", "29.123Z ", "29.1234", "29Z", ""]),
        st.text(max_size=8),
    )
)
@settings(max_examples=60)
def test_a_known_minute_changes_nothing(rest: str) -> None:
    values._MINUTES.clear()
    fresh = read(MINUTE + rest)
    values._MINUTES.clear()
    assert read(MINUTE + "00.000Z") is not None
    assert read(MINUTE + rest) == fresh
