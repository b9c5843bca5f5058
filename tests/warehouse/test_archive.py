"""The archiver: everything in the log is in Parquet once, whatever is killed."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest

from habitue_collector.store import keys
from habitue_warehouse import partitions
from habitue_warehouse.archive import Archiver, ArchiverRunning, ArchiveSettings
from habitue_warehouse.schema import LogRecord
from habitue_warehouse.sql import query

QUICK = ArchiveSettings(poll_seconds=0.01, flush_seconds=0.05, retry_seconds=0.05, trim_every_seconds=0.05)


def rows(archive_dir: Path, sql: str) -> list[tuple[Any, ...]]:
    return query(archive_dir, sql)[1]


def wait_until(condition: Any, seconds: float = 120.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.01)


def test_an_event_becomes_a_row_with_every_field(redis: Any, log: Any, archive_dir: Path) -> None:
    items = [{"item_id": "shoe", "name": "Trail", "price": 89.9, "quantity": 2, "category": "Shoes/Trail"}]
    log.event(
        "anna", kind="purchase", name="Order Completed", items=items, order_id="o1", value=179.8,
        currency="EUR",
        context={"page": {"path": "/x"}}, properties={"coupon": "ä\x00'", "n": 1e300}, bot=True, server=True,
        source="demo", persona="private",
    )  # fmt: skip
    counts = Archiver(redis, archive_dir).run_once()
    assert counts.events == 1
    ((date, bucket, profile_id, value, item, context, properties, bot, server, extra),) = rows(
        archive_dir,
        "SELECT date::VARCHAR, bucket, profile_id, value, items[1], context->>'$.page.path', properties, bot,"
        " server, extra FROM events",
    )
    assert (date, bucket, profile_id, value) == ("2026-03-01", keys.bucket_of("anna"), "anna", 179.8)
    assert {name: value for name, value in item.items() if value is not None} == items[0]
    assert (context, bot, server) == ("/x", True, True)
    assert orjson.loads(properties) == {"coupon": "ä\x00'", "n": 1e300}
    assert orjson.loads(extra) == {"persona": "private"}


def test_decisions_and_moves_go_to_their_own_tables(redis: Any, log: Any, archive_dir: Path) -> None:
    at = 1_772_400_000_000
    offers = [{"item_id": "a", "position": 1, "score": 0.5, "source": "als", "reason_code": "viewed"}]
    log.add("decision", {
        "decision_id": "d1", "timestamp": at, "profile_id": "anna", "slot": "home-hero",
        "page": {"type": "home", "item_id": None, "category": None}, "model": "m", "variant": "v",
        "holdout": False, "offers": offers, "full": {"candidates": [1, 2]},
    })  # fmt: skip
    move = {
        "transfer_id": "t",
        "timestamp": at,
        "from": "anna",
        "to": "user:1",
        "profile_id": "user:1",
        "state": {},
    }
    log.add("transfer_in", move)
    counts = Archiver(redis, archive_dir).run_once()
    assert (counts.decisions, counts.moves) == (1, 1)
    assert rows(archive_dir, 'SELECT slot, page.type, offers[1].item_id, "full" FROM decisions') == [
        ("home-hero", "home", "a", '{"candidates":[1,2]}')
    ]
    ((record_type, from_id, to_id, record),) = rows(
        archive_dir, "SELECT type, from_id, to_id, record FROM moves"
    )
    assert (record_type, from_id, to_id, orjson.loads(record)) == ("transfer_in", "anna", "user:1", move)


def test_what_fits_no_table_is_kept_whole_and_harms_no_neighbour(
    redis: Any, log: Any, archive_dir: Path
) -> None:
    log.event("anna")
    log.event("anna", value={"not": "a number"})
    redis.xadd(keys.log(3), {"event": b"\xff{"})
    redis.xadd(keys.log(4), {"never-heard-of": b'{"timestamp": 1e999}'})
    log.event("anna")
    counts = Archiver(redis, archive_dir).run_once()
    assert (counts.events, counts.moves, counts.broken) == (2, 3, 1)
    assert len(rows(archive_dir, "SELECT * FROM events")) == 2
    assert {row[0] for row in rows(archive_dir, "SELECT fault FROM moves")} == {
        "not a JSON object", "does not fit events",
    }  # fmt: skip
    assert redis.xpending(keys.log(3), keys.ARCHIVER_GROUP)["pending"] == 0


def test_nothing_is_archived_twice_when_run_again(redis: Any, log: Any, archive_dir: Path) -> None:
    for _ in range(5):
        log.event("anna")
        Archiver(redis, archive_dir).run_once()
    assert rows(archive_dir, "SELECT count(*) FROM events_raw") == [(5,)]


def test_what_was_read_but_not_written_comes_again(redis: Any, log: Any, archive_dir: Path) -> None:
    log.event("anna")
    dying = Archiver(redis, archive_dir)
    dying._recover()
    while not dying._buffer.records:
        dying._read()
    del dying
    log.event("anna")
    assert Archiver(redis, archive_dir).run_once().events == 2


def test_what_was_written_but_not_acknowledged_is_recognised(redis: Any, log: Any, archive_dir: Path) -> None:
    log.event("anna")
    log.event("bert")
    dying = Archiver(redis, archive_dir)
    dying._recover()
    while len(dying._buffer.records) < 2:
        dying._read()
    dying._write_buffer()
    del dying
    counts = Archiver(redis, archive_dir).run_once()
    assert (counts.events, counts.again) == (0, 2)
    stored = query_files(archive_dir, "events")
    assert stored == 2
    assert redis.xpending(keys.log(keys.bucket_of("anna")), keys.ARCHIVER_GROUP)["pending"] == 0


def query_files(archive_dir: Path, table: str) -> int:
    """Rows in the live files, without any view's de-duplication."""
    paths = partitions.live_paths(archive_dir, table)
    if not paths:
        return 0  # nothing is archived yet
    return int(
        duckdb.sql(f"SELECT count(*) FROM read_parquet({partitions.literals(paths)})").fetchall()[0][0]
    )


def test_a_lost_group_is_made_anew_without_skipping_or_repeating(
    redis: Any, log: Any, archive_dir: Path
) -> None:
    archiver = Archiver(redis, archive_dir)
    log.event("anna")
    archiver.run_once()
    redis.xgroup_destroy(keys.log(keys.bucket_of("anna")), keys.ARCHIVER_GROUP)
    log.event("anna")
    stop = threading.Event()
    running = Archiver(redis, archive_dir, QUICK)
    thread = threading.Thread(target=running.run_forever, args=(stop,))
    thread.start()
    try:
        wait_until(lambda: running.totals.events == 1)
        redis.delete(keys.log(keys.bucket_of("anna")))
        log.event("anna")
        wait_until(lambda: running.totals.events == 2)
    finally:
        stop.set()
        thread.join()
    assert query_files(archive_dir, "events") == 3


def test_the_log_is_trimmed_behind_the_archive_and_never_past_it(
    redis: Any, log: Any, archive_dir: Path
) -> None:
    for name in ("anna", "bert"):
        log.event(name)
    Archiver(redis, archive_dir).run_once()
    assert redis.xlen(keys.log(keys.bucket_of("anna"))) == 1, "the lag has not passed"
    eager = Archiver(redis, archive_dir, ArchiveSettings(trim_lag_seconds=-3_600))
    eager._recover()
    log.event("anna")
    while not eager._buffer.records or set(eager._cursors) != {">"}:
        eager._read()
    eager._trim()
    assert redis.xlen(keys.log(keys.bucket_of("anna"))) >= 1, "what is only in memory stays in the log"
    assert redis.xlen(keys.log(keys.bucket_of("bert"))) == 0
    eager._flush()
    eager._trim()
    assert redis.xlen(keys.log(keys.bucket_of("anna"))) == 0


def test_only_one_archiver_at_a_time(redis: Any, archive_dir: Path) -> None:
    with partitions.lock(archive_dir, ".archiver.lock"), pytest.raises(ArchiverRunning):
        Archiver(redis, archive_dir).run_once()


def test_live_counts_see_every_record_and_cannot_stop_the_archiver(
    redis: Any, log: Any, archive_dir: Path
) -> None:
    seen: list[LogRecord] = []

    def counts(records: list[LogRecord]) -> None:
        seen.extend(records)
        raise RuntimeError("live counts are broken")

    log.event("anna")
    log.event("bert")
    assert Archiver(redis, archive_dir, on_records=counts).run_once().events == 2
    assert sorted(entry.record["event_id"] for entry in seen if entry.record) == ["e1", "e2"]


def test_it_outlives_a_redis_that_goes_and_comes(real: Any, log: Any, archive_dir: Path) -> None:
    stop = threading.Event()
    archiver = Archiver(real.client(), archive_dir, QUICK)
    thread = threading.Thread(target=archiver.run_forever, args=(stop,))
    thread.start()
    try:
        for round_ in range(3):
            for _ in range(50):
                log.event(f"visitor-{round_}")
            real.kill()
            real.start()
            log.redis = real.client()
            log.event("after")
        wait_until(lambda: query_files(archive_dir, "events") >= 153)
    finally:
        stop.set()
        thread.join()
    assert query_files(archive_dir, "events") == 153


WORKER = """
import sys, threading
import redis
from habitue_warehouse.archive import Archiver, ArchiveSettings
from habitue_warehouse.compaction import CompactionSettings
from habitue_warehouse.upkeep import Upkeep, UpkeepSettings
quick = ArchiveSettings(poll_seconds=0.001, flush_seconds=0.01, trim_lag_seconds=0, trim_every_seconds=0.01)
busy = UpkeepSettings(tick_seconds=0.001, compact_every_seconds=0.01, compaction=CompactionSettings(
    fan_in=2, quiet_seconds=0, settle_seconds=0, grace_seconds=0.2))
client = lambda: redis.Redis(unix_socket_path=sys.argv[1])
stop = threading.Event()
print("ready", flush=True)
threading.Thread(target=Upkeep(client(), sys.argv[2], busy).run_forever, args=(stop,), daemon=True).start()
Archiver(client(), sys.argv[2], quick).run_forever(stop)
"""


def _compacted(archive_dir: Path) -> bool:
    return any(
        part.level for day in partitions.partitions(archive_dir, "events") for part in day.manifest().parts
    )


def kill_rounds(real: Any, log: Any, archive_dir: Path, rounds: int, seed: int) -> None:
    """Kills archiver and upkeep (compacting all the time) at random moments while events come in."""
    import random

    chance = random.Random(seed)
    expected = 0
    for _ in range(rounds):
        worker = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(real.socket), str(archive_dir)], stdout=subprocess.PIPE
        )
        try:
            assert worker.stdout is not None
            worker.stdout.readline()
            begun = time.monotonic()
            until = begun + 0.1 + chance.random() * 0.4
            # The first round lasts until something was compacted, which a busy machine may take its time for.
            while time.monotonic() < until or not (_compacted(archive_dir) or time.monotonic() > begun + 60):
                log.event(
                    f"visitor-{chance.randrange(40)}",
                    received_at=1_772_400_000_000 + 86_400_000 * (expected % 3),
                )
                expected += 1
        finally:
            worker.kill()
            worker.communicate()
    assert _compacted(archive_dir), "the rounds were too short to prove anything"
    Archiver(real.client(), archive_dir).run_once()
    ids = rows(archive_dir, "SELECT count(*), count(DISTINCT event_id) FROM events_raw")
    assert ids == [(expected, expected)]
    assert query_files(archive_dir, "events") == expected, (
        "the exact look-up leaves no duplicates on the disk either"
    )


def test_kill_9_of_archiver_and_compaction_loses_and_repeats_nothing(
    real: Any, log: Any, archive_dir: Path
) -> None:
    kill_rounds(real, log, archive_dir, rounds=6, seed=1)


@pytest.mark.long
def test_kill_9_thirty_rounds(real: Any, log: Any, archive_dir: Path) -> None:
    kill_rounds(real, log, archive_dir, rounds=30, seed=2)
