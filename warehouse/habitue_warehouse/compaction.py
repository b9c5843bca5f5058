"""Compaction: many small parts become few, rows written twice become one, repeated events are marked.

While a day goes on, its parts are merged sixteen at a time, and the merged ones again, so that a row is
copied about as often as the day's parts have hexadecimal digits. When the day is over everything becomes
one part in which each visitor's rows lie together, and an event whose `event_id` came before (that day or
the day before: repeats older than 24 hours are refused by the collector) gets `repeated`: readers need not
look for it again.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb

from habitue_warehouse.partitions import Part, Partition, Stale, literals, lock, open_duckdb, partitions
from habitue_warehouse.schema import DAY_MS, EVENTS, IDENTITY, ORDER, PROFILES, TABLES, day_of, empty_select

log = logging.getLogger("habitue.compaction")


@dataclass(frozen=True, slots=True)
class CompactionSettings:
    """How parts are merged. Times in seconds."""

    fan_in: int = 16  # parts of one level that become one of the next
    settle_seconds: float = 3_600.0  # after midnight, until a day counts as over
    quiet_seconds: float = 60.0  # a finished day that still gets rows (an import) is left until it rests
    grace_seconds: float = 600.0  # how long a reader may go on with parts that were replaced
    memory_limit: str = "512MB"


def compact(archive_dir: Path, settings: CompactionSettings | None = None, *, now: int | None = None) -> int:
    """Merges whatever is due in all partitions; returns how many merges were done."""
    settings = settings or CompactionSettings()
    at = time.time_ns() // 1_000_000 if now is None else now
    connection: duckdb.DuckDBPyConnection | None = None
    merges = 0
    try:
        for table in TABLES:
            for partition in partitions(archive_dir, table):
                for parts, final in _due(partition, settings, at):
                    if connection is None:
                        connection = open_duckdb(archive_dir, settings.memory_limit)
                    merges += _merge(connection, partition, parts, final)
                partition_retired = partition.manifest().retired
                if partition_retired:
                    partition.sweep(settings.grace_seconds)
        return merges
    finally:
        if connection is not None:
            connection.close()


def sweep(archive_dir: Path, settings: CompactionSettings | None = None) -> int:
    """Deletes what killed writers left in any partition, and what was replaced long enough ago."""
    grace = (settings or CompactionSettings()).grace_seconds
    return sum(day.sweep(grace) for table in TABLES for day in partitions(archive_dir, table))


def retain(archive_dir: Path, days: Mapping[str, int], *, now: int | None = None) -> int:
    """Deletes the partitions older than that many days, by table; returns how many."""
    at = time.time_ns() // 1_000_000 if now is None else now
    deleted = 0
    for table, kept in days.items():
        oldest = day_of(max(0, at - kept * DAY_MS), 0)
        for partition in partitions(archive_dir, table):
            if partition.date < oldest:
                with lock(archive_dir):
                    shutil.rmtree(partition.folder)
                deleted += 1
    return deleted


def _due(partition: Partition, settings: CompactionSettings, now: int) -> list[tuple[tuple[Part, ...], bool]]:
    parts = partition.manifest().parts
    if not parts:
        return []
    today = day_of(max(0, now - int(settings.settle_seconds * 1000)), 0)
    if partition.date < today:
        if len(parts) == 1 and parts[0].final:
            return []
        newest = max(
            (partition.folder / part.name).stat().st_mtime for part in parts if _exists(partition, part)
        )
        if now / 1000 - newest >= settings.quiet_seconds:
            return [(parts, True)]
    levels: dict[int, list[Part]] = defaultdict(list)
    for part in parts:
        levels[part.level].append(part)
    return [(tuple(same), False) for same in levels.values() if len(same) >= settings.fan_in]


def _exists(partition: Partition, part: Part) -> bool:
    return (partition.folder / part.name).exists()


def _merge(
    connection: duckdb.DuckDBPyConnection, partition: Partition, parts: tuple[Part, ...], final: bool
) -> int:
    level = max(part.level for part in parts) + 1
    clock = "taken_at" if partition.table == PROFILES else "log_ms"
    try:
        new = partition.write(
            connection, _query(partition, parts, final), clock=clock, level=level, final=final
        )
        partition.replace(parts, () if new is None else (new,))
    except (Stale, duckdb.IOException) as error:
        log.info("left for the next round: %s", error)
        return 0
    return 1


def _query(partition: Partition, parts: tuple[Part, ...], final: bool) -> str:
    table = partition.table
    source = f"read_parquet({literals(partition.paths(parts))}, union_by_name=true, hive_partitioning=false)"
    once = f"SELECT * FROM {source} QUALIFY row_number() OVER (PARTITION BY {IDENTITY[table]}) = 1"
    if table != EVENTS or not final:
        return f"SELECT * FROM ({once}) ORDER BY {ORDER[table]}"
    yesterday = (date.fromisoformat(partition.date) - timedelta(days=1)).isoformat()
    before = Partition(partition.archive_dir, table, yesterday).paths()
    earlier = (
        f"SELECT event_id FROM read_parquet({literals(before)}, hive_partitioning=false) "
        "WHERE event_id IS NOT NULL"
        if before
        else f"SELECT event_id FROM ({empty_select(EVENTS)})"
    )
    return (
        "SELECT * REPLACE ((event_id IS NOT NULL AND (event_id IN (" + earlier + ") OR row_number() OVER "
        "(PARTITION BY event_id ORDER BY log_ms, log_seq, bucket) > 1)) AS repeated) "
        f"FROM ({once}) ORDER BY {ORDER[table]}"
    )
