"""Schedules on the shop's own clock, wherever the shop is and whenever its clock is put forward or back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.decisions import catalog_of, model_of

from habitue_recommender.decide import decide
from habitue_recommender.live import NOTHING_LIVE
from habitue_recommender.page import Page
from habitue_recommender.rulebook.book import Rulebook
from habitue_recommender.rulebook.validity import WEEKDAYS
from habitue_recommender.settings import RecommenderSettings
from habitue_recommender.slots import Slot, Source

NAMES = ("a", "b", "c")
CATALOG, MODEL = catalog_of(*NAMES), model_of(NAMES, popular=NAMES)
SLOT = Slot("test", sources=(Source.POPULAR,), size=2, fallback=False)
# Half an hour forward, a quarter past the hour, a day that was left out, and the usual ones.
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "UTC")
# Nights in which one of these puts its clock forward or back.
TURNS = ("2026-03-29T01:00", "2026-10-25T01:00", "2026-03-08T07:00", "2026-11-01T06:00", "2026-04-04T15:00",
         "2026-10-03T15:30", "2011-12-30T10:00", "2026-12-31T23:00")  # fmt: skip


def is_pinned(validity: dict[str, Any], zone: str, now: int) -> bool:
    rule = {"consequence": {"pin": [{"item_id": "c", "position": 1}]}, "validity": validity}
    told = RecommenderSettings(timezone=zone)
    rulebook = Rulebook.compile({"rule": {"a": rule}}, settings=told)
    assert not rulebook.problems
    [decision] = decide(
        [SLOT],
        Page("home"),
        None,
        CATALOG,
        MODEL,
        NOTHING_LIVE,
        now,
        told,
        rulebook=rulebook,
        clock=lambda: 0.0,
    )
    return decision.offers[0].item.item_id == "c"


def is_due(validity: dict[str, Any], zone: str, now: int) -> bool:
    """The same, day by day: those on which it can begin, and how far the clock has gone since."""
    moment = datetime.fromtimestamp(now / 1_000, UTC)
    if "from" in validity and moment < datetime.fromisoformat(validity["from"]):
        return False
    if "until" in validity and moment >= datetime.fromisoformat(validity["until"]):
        return False
    local = moment.astimezone(ZoneInfo(zone))
    begin, end = (int(text[:2]) * 60 + int(text[3:]) for text in validity.get("hours", ("00:00", "24:00")))
    end += 1_440 if end <= begin else 0
    for back in (0, 1):
        day = local.date() - timedelta(days=back)
        if "weekdays" in validity and WEEKDAYS[day.weekday()] not in validity["weekdays"]:
            continue
        if begin <= back * 1_440 + local.hour * 60 + local.minute < end:
            return True
    return False


minutes = st.integers(0, 1_439).map(lambda minute: f"{minute // 60:02}:{minute % 60:02}")
moments = st.builds(
    lambda turn, minute: datetime.fromisoformat(turn).replace(tzinfo=UTC) + timedelta(minutes=minute),
    st.sampled_from(TURNS),
    st.integers(-3_000, 3_000),
)
offsets = st.sampled_from(["+00:00", "+01:00", "-05:00", "+05:45", "+14:00"])
validities = st.fixed_dictionaries(
    {},
    optional={
        "from": st.builds(lambda at, offset: at.strftime("%Y-%m-%dT%H:%M:%S") + offset, moments, offsets),
        "weekdays": st.lists(st.sampled_from(WEEKDAYS), min_size=1, unique=True),
        "hours": st.tuples(minutes, minutes | st.just("24:00"))
        .filter(lambda two: two[0] != two[1])
        .map(list),
    },
)
scenes = st.tuples(validities, st.sampled_from(ZONES), moments, st.none() | st.integers(1, 4_000))


def check(scene: Any) -> None:
    validity, zone, moment, lasts = scene
    if lasts is not None:
        since = datetime.fromisoformat(validity["from"]) if "from" in validity else moment
        validity = {**validity, "until": (since + timedelta(minutes=lasts)).isoformat()}
    now = round(moment.timestamp() * 1_000)
    assert is_pinned(validity, zone, now) is is_due(validity, zone, now)


@settings(max_examples=40, deadline=None)
@given(scenes)
def test_a_rule_is_in_force_when_the_shops_clock_says_so(scene: Any) -> None:
    check(scene)


@pytest.mark.long
@pytest.mark.timeout(7_200)
@settings(max_examples=10_000, deadline=None)
@given(scenes)
def test_at_ten_thousand_moments_a_rule_is_in_force_when_the_shops_clock_says_so(scene: Any) -> None:
    check(scene)
