"""Compaction: fewer files, the same rows, at every moment."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import duckdb
import pytest

from habitue_warehouse.archive import Archiver
from habitue_warehouse.compaction import CompactionSettings, compact, retain, sweep
from habitue_warehouse.partitions import MANIFEST, Partition, Stale, partitions
from habitue_warehouse.sql import query

AT_ONCE = CompactionSettings(fan_in=4, settle_seconds=0, quiet_seconds=-1, grace_seconds=0)
DAY = 86_400_000
FIRST = 1_772_323_200_000  # 2026-03-01


def rows(archive_dir: Path, sql: str) -> list[tuple[Any, ...]]:
    return query(archive_dir, sql)[1]


def files(archive_dir: Path) -> list[str]:
    return sorted(path.name for path in archive_dir.rglob("*.parquet"))


def test_a_finished_day_becomes_one_part(redis: Any, log: Any, archive_dir: Path) -> None:
    for number in range(6):
        log.event(f"visitor-{number}", received_at=FIRST + number)
        Archiver(redis, archive_dir).run_once()
    before = rows(archive_dir, "SELECT * FROM events ORDER BY event_id")
    assert compact(archive_dir, AT_ONCE) == 1
    assert len(files(archive_dir)) == 1
    assert rows(archive_dir, "SELECT * FROM events ORDER BY event_id") == before
    assert compact(archive_dir, AT_ONCE) == 0, "what is done is done"
    log.event("late", received_at=FIRST + 7)
    Archiver(redis, archive_dir).run_once()
    assert rows(archive_dir, "SELECT count(*) FROM events") == [(7,)]
    assert compact(archive_dir, AT_ONCE) == 1
    assert rows(archive_dir, "SELECT count(*) FROM events") == [(7,)]


def test_a_day_that_goes_on_is_merged_in_steps(redis: Any, log: Any, archive_dir: Path) -> None:
    for number in range(8):
        log.event("anna", received_at=FIRST + number)
        Archiver(redis, archive_dir).run_once()
        compact(archive_dir, AT_ONCE, now=FIRST)
    (day,) = partitions(archive_dir, "events")
    assert [(part.level, part.rows, part.final) for part in day.manifest().parts] == [
        (1, 4, False),
        (1, 4, False),
    ]
    assert len(files(archive_dir)) == 2


def test_rows_written_twice_are_seen_once_before_and_after(redis: Any, log: Any, archive_dir: Path) -> None:
    log.event("anna", received_at=FIRST)
    Archiver(redis, archive_dir).run_once()
    (day,) = partitions(archive_dir, "events")
    (part,) = day.manifest().parts
    twin = day.write(duckdb.connect(), f"SELECT * FROM '{day.folder / part.name}'")
    assert twin is not None
    day.replace((), (twin,))
    assert rows(archive_dir, "SELECT count(*) FROM events_raw") == [(1,)]
    compact(archive_dir, AT_ONCE)
    assert [part.rows for part in day.manifest().parts] == [1]


def test_a_repeated_event_counts_once_also_across_midnight(redis: Any, log: Any, archive_dir: Path) -> None:
    log.event("anna", event_id="same", received_at=FIRST)
    log.event("anna", event_id="same", received_at=FIRST + 1)
    log.event("bert", event_id="same", received_at=FIRST + DAY)
    log.event("anna", event_id="other", received_at=FIRST + DAY)
    Archiver(redis, archive_dir).run_once()
    count = "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM events_raw)"
    assert rows(archive_dir, count) == [(2, 4)]
    compact(archive_dir, AT_ONCE, now=FIRST + DAY)
    assert rows(archive_dir, count) == [(2, 4)], "the first day is finished, the second goes on"
    compact(archive_dir, AT_ONCE)
    assert rows(archive_dir, count) == [(2, 4)]
    assert rows(archive_dir, "SELECT min(received_at) FROM events WHERE event_id = 'same'") == [(FIRST,)]


def test_who_rewrites_what_another_has_replaced_is_told(redis: Any, log: Any, archive_dir: Path) -> None:
    log.event("anna", received_at=FIRST)
    Archiver(redis, archive_dir).run_once()
    (day,) = partitions(archive_dir, "events")
    old = day.manifest().parts
    select = f"SELECT * FROM '{day.folder / old[0].name}'"
    mine, others = (day.write(duckdb.connect(), select) for _ in range(2))
    assert mine is not None
    assert others is not None
    day.replace(old, (others,))
    with pytest.raises(Stale):
        day.replace(old, (mine,))
    assert rows(archive_dir, "SELECT count(*) FROM events_raw") == [(1,)]
    assert not (day.folder / mine.name).exists()


def test_what_a_killed_writer_left_is_swept_and_strangers_are_not(
    redis: Any, log: Any, archive_dir: Path
) -> None:
    log.event("anna", received_at=FIRST)
    Archiver(redis, archive_dir).run_once()
    (day,) = partitions(archive_dir, "events")
    for name in (f"part-{'0' * 32}.parquet", f".part-{'1' * 32}.parquet.tmp", "mine.parquet"):
        (day.folder / name).write_bytes(b"")
        os.utime(day.folder / name, (0, 0))
    (day.folder / f"part-{'2' * 32}.parquet").write_bytes(b"")  # young: somebody may be about to list it
    assert sweep(archive_dir) == 2
    left = {path.name for path in day.folder.iterdir()}
    assert {"mine.parquet", f"part-{'2' * 32}.parquet", MANIFEST} < left
    assert rows(archive_dir, "SELECT count(*) FROM events") == [(1,)]


def test_a_folder_that_lost_its_manifest_is_left_alone(archive_dir: Path) -> None:
    day = Partition(archive_dir, "events", "2026-03-01")
    day.folder.mkdir(parents=True)
    stray = day.folder / f"part-{'0' * 32}.parquet"
    stray.write_bytes(b"")
    os.utime(stray, (0, 0))
    assert sweep(archive_dir) == 0
    assert stray.exists()


def test_old_days_go_and_young_ones_stay(redis: Any, log: Any, archive_dir: Path) -> None:
    for day in range(4):
        log.event("anna", received_at=FIRST + day * DAY)
    Archiver(redis, archive_dir).run_once()
    assert retain(archive_dir, {"events": 1}, now=FIRST + 3 * DAY) == 2
    assert rows(archive_dir, "SELECT DISTINCT date::VARCHAR FROM events ORDER BY 1") == [
        ("2026-03-03",), ("2026-03-04",),
    ]  # fmt: skip


def read_while_parts_are_merged(redis: Any, log: Any, archive_dir: Path, rounds: int) -> None:
    expected, wrong = 0, []
    done = threading.Event()

    def compacting() -> None:
        while not done.is_set():
            compact(
                archive_dir, CompactionSettings(fan_in=2, settle_seconds=0, quiet_seconds=-1, grace_seconds=0)
            )

    thread = threading.Thread(target=compacting)
    thread.start()
    try:
        archiver = Archiver(redis, archive_dir)
        for number in range(rounds):
            log.event(f"visitor-{number}", received_at=FIRST + number % 2 * DAY)
            archiver.run_once()
            expected += 1
            seen = rows(archive_dir, "SELECT count(*) FROM events_raw")[0][0]
            if seen != expected:
                wrong.append((seen, expected))
    finally:
        done.set()
        thread.join()
    assert wrong == []


def test_readers_see_all_rows_once_while_parts_are_merged(redis: Any, log: Any, archive_dir: Path) -> None:
    read_while_parts_are_merged(redis, log, archive_dir, rounds=7)


@pytest.mark.long
def test_readers_see_all_rows_once_through_a_hundred_rounds(redis: Any, log: Any, archive_dir: Path) -> None:
    read_while_parts_are_merged(redis, log, archive_dir, rounds=100)
