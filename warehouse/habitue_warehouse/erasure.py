"""Erasure: takes an erased person's rows out of every partition, for good.

What is asked for lies as one file per profile in `<archive>/erasures/` until it is done: the archiver
puts it there before it acknowledges the `erasure` record of the log, so that a crash forgets nothing.

A row goes when it is the erased profile's (`profile_id`), or nobody's and names them (`anonymous_id`,
`user_id`: counted and claimed events). A row of *another* profile that names them stays, because that
profile is still there and a replay must rebuild it; the name in it is taken out. The `erasure` record
itself stays: it is what keeps a replay of an older copy from bringing anything back.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import orjson

from habitue_collector.events import USER_PREFIX
from habitue_warehouse.memberships import SEGMENT
from habitue_warehouse.partitions import (
    Part,
    Partition,
    Stale,
    literals,
    open_duckdb,
    partitions,
    write_durably,
)
from habitue_warehouse.schema import DECISIONS, EVENTS, MOVES, ORDER, PROFILES, TABLES, TIME, LogRecord

log = logging.getLogger("habitue.erasure")

QUEUE = "erasures"
ERASURE = "erasure"


@dataclass(frozen=True, slots=True)
class PendingErasure:
    """Everything of this profile up to and including `until_ms` is to go."""

    profile_id: str
    until_ms: int
    queued_at: int

    @property
    def file_name(self) -> str:
        return hashlib.sha256(self.profile_id.encode("utf-8", "surrogatepass")).hexdigest()[:32] + ".json"


def enqueue(archive_dir: Path, profile_id: str, until_ms: int) -> None:
    """Asks for an erasure; durable when it returns. Asked twice, the later time counts."""
    folder = archive_dir / QUEUE
    folder.mkdir(parents=True, exist_ok=True)
    wanted = PendingErasure(profile_id, until_ms, time.time_ns() // 1_000_000)
    path = folder / wanted.file_name
    known = _read(path)
    if known is not None and known.until_ms >= until_ms:
        return
    content = {"profile_id": profile_id, "until_ms": until_ms, "queued_at": wanted.queued_at}
    write_durably(path, orjson.dumps(content))


def enqueue_all(archive_dir: Path, records: Iterable[LogRecord]) -> None:
    """Asks for what the erasure records among these ask for."""
    for entry in records:
        if entry.type != ERASURE or entry.record is None:
            continue
        profile_id, until_ms = entry.record.get("profile_id"), entry.record.get("timestamp")
        if isinstance(profile_id, str) and profile_id:
            enqueue(archive_dir, profile_id, until_ms if isinstance(until_ms, int) else entry.log_ms)


def pending(archive_dir: Path) -> list[PendingErasure]:
    """What has been asked for and is not done yet, oldest first."""
    found = [_read(path) for path in sorted((archive_dir / QUEUE).glob("*.json"))]
    return sorted((one for one in found if one is not None), key=lambda one: one.queued_at)


def due(archive_dir: Path, *, settle_seconds: float = 60.0, now: int | None = None) -> list[PendingErasure]:
    """What has been asked for and has waited long enough."""
    at = time.time_ns() // 1_000_000 if now is None else now
    return [one for one in pending(archive_dir) if at - one.queued_at >= settle_seconds * 1000]


def run_pending(archive_dir: Path, *, settle_seconds: float = 60.0, now: int | None = None) -> int:
    """Does all erasures that are due, in one pass; returns how many.

    The wait lets what was under way when the person was erased (decisions, the other half of a move)
    reach the archive first.
    """
    found = due(archive_dir, settle_seconds=settle_seconds, now=now)
    if not found:
        return 0
    _erase(archive_dir, {one.profile_id: one.until_ms for one in found})
    for one in found:
        path = archive_dir / QUEUE / one.file_name
        if _read(path) == one:  # asked again meanwhile: stays
            path.unlink()
    return len(found)


def erase(archive_dir: Path | str, profile_ids: Iterable[str], until_ms: int) -> int:
    """Takes everything of these profiles up to `until_ms` out of the archive; returns the parts rewritten.

    The rewritten parts' old files are deleted from the disk. A reader that was in the middle of them
    sees an I/O error and has to read again (`run_sql` and `replay` do).
    """
    return _erase(Path(archive_dir), dict.fromkeys(profile_ids, until_ms))


def _erase(archive_dir: Path, until: Mapping[str, int]) -> int:
    if not until:
        return 0
    connection = open_duckdb(archive_dir)
    try:
        connection.execute("CREATE TABLE erased (name VARCHAR PRIMARY KEY, until_ms BIGINT)")
        connection.execute(
            "INSERT INTO erased SELECT unnest($1::VARCHAR[]), unnest($2::BIGINT[])",
            [list(until), list(until.values())],
        )
        rewritten = 0
        for table in TABLES:
            for partition in partitions(archive_dir, table):
                rewritten += _erase_partition(connection, partition)
        return rewritten
    finally:
        connection.close()


def _erase_partition(connection: duckdb.DuckDBPyConnection, partition: Partition) -> int:
    """Rewrites the parts that hold something; again when somebody else replaced them meanwhile."""
    while True:
        try:
            rewritten = 0
            for part in _affected(connection, partition):
                new = partition.write(
                    connection,
                    _kept_query(partition, part),
                    clock="taken_at" if partition.table == PROFILES else "log_ms",
                    level=part.level,
                    final=part.final,
                )
                partition.replace((part,), () if new is None else (new,))
                rewritten += 1
            break
        except (Stale, duckdb.IOException) as error:
            log.info("%s changed meanwhile, read again: %s", partition.folder, error)
    # Also what compaction retired: it holds the same rows.
    if any(gone.name for gone in partition.manifest().retired):
        partition.sweep(0)
    return rewritten


def _affected(connection: duckdb.DuckDBPyConnection, partition: Partition) -> list[Part]:
    parts = {str(partition.folder / part.name): part for part in partition.manifest().parts}
    if not parts:
        return []
    named = " OR ".join(f"{alias}.name IS NOT NULL" for alias in _JOINS[partition.table])
    rows = connection.execute(
        f"SELECT DISTINCT t.filename FROM {_source(partition, list(parts))} "
        f"WHERE ({named}) AND {_ELIGIBLE[partition.table]}"
    ).fetchall()
    return [parts[path] for (path,) in rows]


def _kept_query(partition: Partition, part: Part) -> str:
    table = partition.table
    source = _source(partition, [str(partition.folder / part.name)])
    return (
        f"SELECT t.* EXCLUDE (filename) {_SCRUB[table]} FROM {source} "
        f"WHERE NOT coalesce(({_GOES[table]}) AND {_ELIGIBLE[table]}, false) ORDER BY {ORDER[table]}"
    )


def _source(partition: Partition, paths: list[str]) -> str:
    happened = _HAPPENED.get(partition.table, f"t.{TIME[partition.table]}")
    joins = " ".join(
        f"LEFT JOIN erased {alias} ON {alias}.name = {column} AND {happened} <= {alias}.until_ms"
        for alias, column in _JOINS[partition.table].items()
    )
    options = "union_by_name=true, filename=true, hive_partitioning=false"
    return f"read_parquet({literals(paths)}, {options}) t {joins}"


_USER = f"'{USER_PREFIX}' || t.user_id"

# Who entered a segment is written down beside the erasure, and may be a moment younger than it.
_HAPPENED = {MOVES: f"t.timestamp - (CASE t.type WHEN '{SEGMENT}' THEN 60000 ELSE 0 END)"}

# Which columns may name an erased profile.
_JOINS = {
    EVENTS: {"own": "t.profile_id", "device": "t.anonymous_id", "account": _USER},
    DECISIONS: {"own": "t.profile_id", "device": "t.anonymous_id"},
    MOVES: {"own": "t.profile_id"},
    PROFILES: {"own": "t.profile_id"},
}

_GOES = {
    EVENTS: (
        "own.name IS NOT NULL "
        "OR (t.profile_id IS NULL AND (device.name IS NOT NULL OR account.name IS NOT NULL))"
    ),
    DECISIONS: "own.name IS NOT NULL OR (t.profile_id IS NULL AND device.name IS NOT NULL)",
    MOVES: "own.name IS NOT NULL",
    PROFILES: "own.name IS NOT NULL",
}

# What a row of somebody else says of an erased profile.
_SCRUB = {
    EVENTS: (
        "REPLACE (CASE WHEN device.name IS NULL THEN t.anonymous_id END AS anonymous_id, "
        "CASE WHEN account.name IS NULL THEN t.user_id END AS user_id)"
    ),
    DECISIONS: "REPLACE (CASE WHEN device.name IS NULL THEN t.anonymous_id END AS anonymous_id)",
    MOVES: "",
    PROFILES: "",
}

_ELIGIBLE = {EVENTS: "true", DECISIONS: "true", MOVES: f"t.type <> '{ERASURE}'", PROFILES: "true"}


def _read(path: Path) -> PendingErasure | None:
    try:
        return PendingErasure(**orjson.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
