"""The daily snapshot: every profile once, also when it was killed in the middle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from habitue_collector.profile import Profile
from habitue_collector.store import keys
from habitue_warehouse import snapshots
from habitue_warehouse.snapshots import snapshot
from habitue_warehouse.sql import query

NOW = 1_772_400_000_000
COUNT = 500


@pytest.fixture
def profiles(redis: Any) -> Any:
    pipe = redis.pipeline(transaction=False)
    for number in range(COUNT):
        name = f"v{number}:profile:odd" if number % 2 else f"user:{number}"
        state = {"visits": number, "first_seen": 1, "open_transfer": "t"}
        pipe.set(keys.profile(name), Profile(name, state).pack(b"0" * 16))
    pipe.set("{b1}:order:x", "1")
    pipe.execute()
    return redis


def test_every_profile_is_a_row(profiles: Any, archive_dir: Path) -> None:
    assert snapshot(profiles, archive_dir, now=NOW) == COUNT
    rows = query(
        archive_dir,
        "SELECT profile_id, bucket, visits, taken_at, record FROM profiles WHERE date = '2026-03-01'",
    )[1]
    assert len(rows) == COUNT
    found = {row[0]: row for row in rows}
    name, bucket, visits, taken_at, record = found["v7:profile:odd"]
    assert (bucket, visits, taken_at) == (keys.bucket_of(name), 7, NOW)
    assert orjson.loads(record) == {"visits": 7, "first_seen": 1}


def test_once_a_day(profiles: Any, archive_dir: Path) -> None:
    assert snapshot(profiles, archive_dir, now=NOW) == COUNT
    assert snapshot(profiles, archive_dir, now=NOW + 60_000) == 0
    assert snapshot(profiles, archive_dir, now=NOW + 86_400_000) == COUNT


def test_it_goes_on_where_it_was_killed(
    profiles: Any, archive_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    written = 0

    def dying(*arguments: Any) -> int:
        nonlocal written
        if written >= 200:
            raise Killed
        written += wrote(*arguments)
        return 0

    wrote = snapshots._write
    with monkeypatch.context() as patched:
        patched.setattr(snapshots, "_write", dying)
        with pytest.raises(Killed):
            snapshot(profiles, archive_dir, now=NOW, part_rows=50, scan_count=50)
    rest = snapshot(profiles, archive_dir, now=NOW + 1_000, part_rows=50, scan_count=50)
    assert COUNT - written <= rest < COUNT
    assert query(archive_dir, "SELECT count(*), count(DISTINCT profile_id) FROM profiles")[1] == [
        (COUNT, COUNT)
    ]


def test_a_profile_that_cannot_be_read_stops_nothing(profiles: Any, archive_dir: Path) -> None:
    profiles.set(keys.profile("broken"), b"0" * 16 + b"{")
    profiles.set(keys.profile("odd"), b"0" * 16 + b"[1]")
    assert snapshot(profiles, archive_dir, now=NOW) == COUNT
