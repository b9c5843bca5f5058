"""A choice of lifetimes reaches profiles that are there already, and none that changed meanwhile."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from habitue_collector.profile import Profile
from habitue_collector.retention import Retention, parsed
from habitue_collector.settings import Lifetimes
from habitue_collector.store import keys
from habitue_warehouse import lifetimes
from habitue_warehouse.upkeep import Upkeep, UpkeepSettings

DAY = 86_400_000
SHORT = Lifetimes(anonymous_profile_days=30, user_profile_days=60, bot_profile_hours=1)


def keep(redis: Any, name: str, days_ago: float, **state: Any) -> None:
    last = time.time_ns() // 1_000_000 - int(days_ago * DAY)
    record = {"first_seen": last, "last_seen": last, **state}
    redis.set(keys.profile(name), Profile(name, record).pack(b"0" * 16), px=395 * DAY)


def days_left(redis: Any, name: str) -> float:
    return float(round(redis.pttl(keys.profile(name)) / DAY, 1))


def test_everybody_gets_the_time_that_counts_now(redis: Any) -> None:
    keep(redis, "away", 31)
    keep(redis, "here", 10)
    keep(redis, "robot", 0.01, bot=True)
    keep(redis, "user:1", 31, bot=True)
    assert lifetimes.apply(redis, SHORT) == 4
    assert redis.exists(keys.profile("away")) == 0
    assert days_left(redis, "here") == 20.0
    assert 0 < redis.pttl(keys.profile("robot")) <= 3_600_000
    assert days_left(redis, "user:1") == 29.0
    lifetimes.apply(redis, Lifetimes())
    assert days_left(redis, "here") == 385.0


def test_who_comes_at_that_moment_is_not_forgotten(redis: Any, monkeypatch: Any) -> None:
    keep(redis, "away", 31)
    read = lifetimes._read

    def and_then_somebody_writes(client: Any, ids: tuple[str, ...]) -> Any:
        found = read(client, ids)
        redis.set(keys.profile("away"), Profile("away", {"last_seen": 1}).pack(b"1" * 16), px=395 * DAY)
        return found

    monkeypatch.setattr(lifetimes, "_read", and_then_somebody_writes)
    lifetimes.apply(redis, SHORT)
    assert days_left(redis, "away") == 395.0


def test_upkeep_hears_of_a_choice_and_keeps_what_it_says(redis: Any, archive_dir: Path) -> None:
    keep(redis, "away", 31)
    upkeep = Upkeep(redis, archive_dir, UpkeepSettings(event_days=100))
    assert upkeep.run_once()["lifetimes"] == 0
    assert redis.exists(keys.profile("away")) == 1
    chosen = Retention(1, {"anonymous_profile_days": 30, "event_days": 50}, "anna", 1)
    redis.set(keys.RETENTION, orjson.dumps(asdict(chosen)))
    assert upkeep.settings.kept_days(upkeep._chosen())["moves"] == 50
    assert upkeep.run_once()["lifetimes"] == 1
    assert redis.exists(keys.profile("away")) == 0
    assert redis.get(keys.RETENTION_APPLIED) == b"1"


def test_what_cannot_be_read_or_is_out_of_bounds_changes_nothing() -> None:
    for packed in (None, b"", b"[]", b'{"version":1}', b'{"version":1,"values":{"event_days":"x"}}'):
        assert parsed(packed).over(Lifetimes()) == Lifetimes()
    assert Retention(1, {"event_days": 0, "nothing": 4}).over(Lifetimes()) == Lifetimes()
