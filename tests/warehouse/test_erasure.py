"""Erasure: nothing of the person is left on the disk, and nobody else loses a row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from habitue_warehouse import erasure
from habitue_warehouse.archive import Archiver
from habitue_warehouse.compaction import CompactionSettings, compact
from habitue_warehouse.snapshots import snapshot
from habitue_warehouse.sql import query

FIRST = 1_772_323_200_000
DAY = 86_400_000


def rows(archive_dir: Path, sql: str) -> list[tuple[Any, ...]]:
    return query(archive_dir, sql)[1]


def on_disk(archive_dir: Path, text: str) -> list[str]:
    """The Parquet files in which a name occurs, alive or not."""
    import duckdb

    hits = []
    for path in archive_dir.rglob("*.parquet*"):
        cells = duckdb.sql(f"SELECT to_json(t)::VARCHAR FROM read_parquet('{path}') t").fetchall()
        if any(text in cell for (cell,) in cells):
            hits.append(str(path.relative_to(archive_dir)))
    return hits


@pytest.fixture
def busy(redis: Any, log: Any, archive_dir: Path) -> Path:
    """Anna and Bert on two days, Anna's device also seen under user:7, events of nobody that name her."""
    for day in range(2):
        log.event("anna-device", received_at=FIRST + day * DAY)
        log.event("bert-device", received_at=FIRST + day * DAY)
    log.event("user:7", anonymous_id="anna-device", user_id="7", received_at=FIRST)
    log.event(None, user_id="7", kept="claimed", received_at=FIRST)
    log.event(None, anonymous_id="anna-device", kept="claimed", received_at=FIRST)
    log.event("bert-device", user_id="7", received_at=FIRST)  # Bert's browser claims to be 7
    log.add("decision", {"decision_id": "d1", "timestamp": FIRST, "profile_id": "anna-device", "slot": "s"})
    log.add("decision", {"decision_id": "d2", "timestamp": FIRST, "profile_id": "bert-device", "slot": "s"})
    move = {"transfer_id": "t", "timestamp": FIRST, "from": "anna-device", "to": "user:7", "user_id": "7"}
    log.add("transfer_out", {**move, "profile_id": "anna-device"})
    log.add("transfer_in", {**move, "profile_id": "user:7", "state": {"visits": 1}})
    for name in ("anna-device", "bert-device"):
        from habitue_collector.profile import Profile
        from habitue_collector.store import keys

        redis.set(keys.profile(name), Profile(name, {"visits": 2}).pack(b"0" * 16))
    Archiver(redis, archive_dir).run_once()
    snapshot(redis, archive_dir, now=FIRST)
    return archive_dir


def test_a_device_is_erased_from_every_table(busy: Path) -> None:
    assert erasure.erase(busy, ["anna-device"], FIRST + 2 * DAY) == 5
    assert rows(busy, "SELECT profile_id, count(*) FROM events GROUP BY 1 ORDER BY 1") == [
        ("bert-device", 3), ("user:7", 1), (None, 1),
    ]  # fmt: skip
    assert rows(busy, "SELECT anonymous_id FROM events WHERE profile_id = 'user:7'") == [(None,)]
    assert rows(busy, "SELECT decision_id FROM decisions") == [("d2",)]
    assert rows(busy, "SELECT type FROM moves") == [("transfer_in",)]
    assert rows(busy, "SELECT profile_id FROM profiles") == [("bert-device",)]
    assert {hit.split("/")[0] for hit in on_disk(busy, "anna-device")} == {"moves"}, (
        "user:7 keeps its own history"
    )


def test_a_user_is_erased_and_a_claim_to_the_name_with_it(busy: Path) -> None:
    erasure.erase(busy, ["user:7"], FIRST + 2 * DAY)
    assert rows(busy, "SELECT count(*) FROM events WHERE user_id = '7' OR profile_id = 'user:7'") == [(0,)]
    assert rows(busy, "SELECT count(*) FROM events WHERE profile_id = 'bert-device'") == [(3,)]
    assert rows(busy, "SELECT type, profile_id FROM moves") == [("transfer_out", "anna-device")]


def test_only_what_happened_before_goes(busy: Path) -> None:
    erasure.erase(busy, ["anna-device"], FIRST)
    assert rows(busy, "SELECT received_at FROM events WHERE profile_id = 'anna-device'") == [(FIRST + DAY,)]
    assert erasure.erase(busy, ["anna-device"], FIRST) == 0, "a second time there is nothing to rewrite"


def test_the_files_that_compaction_replaced_go_too(busy: Path) -> None:
    compact(busy, CompactionSettings(settle_seconds=0, quiet_seconds=-1, grace_seconds=3_600))
    erasure.erase(busy, ["anna-device", "user:7"], FIRST + 2 * DAY)
    assert on_disk(busy, "anna-device") == []
    assert rows(busy, "SELECT count(*) FROM events") == [(3,)]


def test_an_erasure_in_the_log_is_queued_and_done_later(redis: Any, log: Any, busy: Path) -> None:
    log.add("erasure", {"profile_id": "anna-device", "timestamp": FIRST + 2 * DAY})
    Archiver(redis, busy).run_once()
    (waiting,) = erasure.pending(busy)
    assert (waiting.profile_id, waiting.until_ms) == ("anna-device", FIRST + 2 * DAY)
    assert erasure.run_pending(busy, settle_seconds=60) == 0, "what was under way may still arrive"
    assert erasure.run_pending(busy, settle_seconds=0) == 1
    assert erasure.pending(busy) == []
    assert rows(busy, "SELECT count(*) FROM events WHERE profile_id = 'anna-device'") == [(0,)]
    ((record,),) = rows(busy, "SELECT record FROM moves WHERE type = 'erasure'")
    assert orjson.loads(record)["profile_id"] == "anna-device", "the tombstone stays"


def test_the_queue_survives_a_crash_on_either_side(
    redis: Any, log: Any, busy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.add("erasure", {"profile_id": "anna-device", "timestamp": FIRST + 2 * DAY})

    class Killed(BaseException):
        pass

    def killed(worker: Any, *_: Any) -> None:
        if getattr(worker, "_done", True):
            raise Killed

    with monkeypatch.context() as patched:  # before the acknowledgement
        patched.setattr(Archiver, "_acknowledge", killed)
        with pytest.raises(Killed):
            Archiver(redis, busy).run_once()
    assert [one.profile_id for one in erasure.pending(busy)] == ["anna-device"]
    with monkeypatch.context() as patched:  # in the middle of the rewriting
        patched.setattr(erasure, "_erase_partition", killed)
        with pytest.raises(Killed):
            erasure.run_pending(busy, settle_seconds=0)
    assert [one.profile_id for one in erasure.pending(busy)] == ["anna-device"]
    Archiver(redis, busy).run_once()
    assert erasure.run_pending(busy, settle_seconds=0) == 1
    assert rows(busy, "SELECT count(*) FROM events WHERE profile_id = 'anna-device'") == [(0,)]
    assert rows(busy, "SELECT count(*) FROM moves WHERE type = 'erasure'") == [(1,)]


def test_asked_again_for_a_later_time_while_it_runs(
    archive_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    erasure.enqueue(archive_dir, "anna", 100)
    monkeypatch.setattr(erasure, "_erase", lambda *_: erasure.enqueue(archive_dir, "anna", 200))
    erasure.run_pending(archive_dir, settle_seconds=0)
    assert [one.until_ms for one in erasure.pending(archive_dir)] == [200]


def test_what_somebody_was_in_goes_too_also_when_it_was_noted_a_moment_later(
    redis: Any, log: Any, archive_dir: Path
) -> None:
    for name, at in (("anna", FIRST), ("anna", FIRST + 500), ("anna", FIRST + DAY), ("bert", FIRST)):
        record = {"profile_id": name, "segment_id": "vip", "change": "entered", "timestamp": at}
        log.add("segment", record)
    Archiver(redis, archive_dir).run_once()
    erasure.erase(archive_dir, ["anna"], FIRST + 100)
    left = rows(archive_dir, 'SELECT profile_id, "timestamp" FROM moves ORDER BY 1')
    assert left == [("anna", FIRST + DAY), ("bert", FIRST)]  # who came back the day after is somebody new
