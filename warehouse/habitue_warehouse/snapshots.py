"""The daily snapshot: every profile of Redis as a row of `profiles`, once per UTC day.

It walks the keys with SCAN and notes the cursor after each part, so that a killed snapshot goes on where
it was. A cursor is good for one run of one Redis server only; after a restart the walk begins anew, and a
profile that is there twice is seen once (`profile_id` is the key of a day's rows).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import orjson

from habitue_collector import profile as profiles
from habitue_collector.store import keys
from habitue_warehouse.partitions import Partition, open_duckdb, write_durably
from habitue_warehouse.schema import PROFILES, day_of, structure

log = logging.getLogger("habitue.snapshots")

PATTERN = "{b*}:profile:*"
PROGRESS = "_progress.json"
_MARK = ":profile:"
_ROWS = "SELECT unnest(from_json_strict(line, '{structure}')) FROM (SELECT unnest($1::VARCHAR[]) AS line)"


def snapshot(
    redis: Any,
    archive_dir: Path | str,
    *,
    now: int | None = None,
    part_rows: int = 20_000,
    scan_count: int = 1_000,
) -> int:
    """Takes today's snapshot unless it is done; returns how many profiles this call wrote.

    `redis` as for the archiver. Reads each profile once, about 1.5 KB; holds `part_rows` of them.
    """
    at = time.time_ns() // 1_000_000 if now is None else now
    partition = Partition(Path(archive_dir), PROFILES, day_of(at, at))
    progress = _read_progress(partition)
    if progress.get("done"):
        return 0
    written = 0
    connection: duckdb.DuckDBPyConnection | None = None
    try:
        lines: list[str] = []
        for node in _nodes(redis):
            place = progress.get(node.name, {})
            run = node.run_id()
            if place.get("run") != run:
                place = {"run": run, "cursor": 0, "done": False}
            while not place["done"]:
                cursor, names = node.scan(place["cursor"], scan_count)
                lines += _rows(redis, names, at)
                place = {"run": run, "cursor": cursor, "done": cursor == 0}
                if len(lines) >= part_rows or place["done"]:
                    connection = connection or open_duckdb(partition.archive_dir)
                    written += _write(connection, partition, lines)
                    lines = []
                    progress[node.name] = place
                    _write_progress(partition, progress)
        _write_progress(partition, {"done": True})
    finally:
        if connection is not None:
            connection.close()
    return written


def profile_ids(redis: Any, scan_count: int = 1_000) -> Iterator[str]:
    """Every profile id in Redis; one that is written meanwhile may come twice."""
    for node in _nodes(redis):
        cursor = 0
        while True:
            cursor, names = node.scan(cursor, scan_count)
            yield from (_profile_id(name) for name in names)
            if cursor == 0:
                break


class _Node:
    """One server that holds keys: the only one, or one primary of a cluster."""

    def __init__(self, redis: Any, node: Any = None) -> None:
        self._redis = redis
        self._where = {} if node is None else {"target_nodes": node}
        self.name = "only" if node is None else f"{node.host}:{node.port}"

    def run_id(self) -> str:
        info = self._redis.info("server", **self._where)
        return str(info.get("run_id", ""))

    def scan(self, cursor: int, count: int) -> tuple[int, list[str]]:
        after, names = self._redis.scan(cursor, match=PATTERN, count=count, **self._where)
        if isinstance(after, dict):
            after = next(iter(after.values()))
        return int(after), [
            name.decode("utf-8", "surrogatepass") if isinstance(name, bytes) else name for name in names
        ]


def _nodes(redis: Any) -> list[_Node]:
    if hasattr(redis, "get_primaries"):
        return [_Node(redis, node) for node in redis.get_primaries()]
    return [_Node(redis)]


def _profile_id(key: str) -> str:
    return key.partition(_MARK)[2]


def _rows(redis: Any, names: list[str], at: int) -> list[str]:
    if not names:
        return []
    pipe = redis.pipeline(transaction=False)
    for name in names:
        pipe.get(name)
    return [
        line
        for name, packed in zip(names, pipe.execute(), strict=True)
        if packed is not None and (line := _row(_profile_id(name), packed, at)) is not None
    ]


def _row(profile_id: str, packed: bytes, at: int) -> str | None:
    try:
        _, profile = profiles.unpack(profile_id, packed)
        row = {
            "bucket": keys.bucket_of(profile_id),
            "profile_id": profile_id,
            "taken_at": at,
            "first_seen": profile.first_seen,
            "last_seen": profile.last_seen,
            "visits": profile.visits,
            "orders": profile.orders.count,
            "record": orjson.dumps(profile.to_record()).decode(),
        }
        return orjson.dumps(row).decode()
    except (ValueError, KeyError, TypeError, AttributeError):
        log.exception("a profile cannot be read and is not in the snapshot")
        return None


def _write(connection: duckdb.DuckDBPyConnection, partition: Partition, lines: list[str]) -> int:
    if not lines:
        return 0
    query = _ROWS.format(structure=structure(PROFILES))
    part = partition.write(connection, query, [lines], clock="taken_at")
    if part is None:
        return 0
    partition.replace((), (part,))
    return part.rows


def _read_progress(partition: Partition) -> dict[str, Any]:
    try:
        progress: dict[str, Any] = orjson.loads((partition.folder / PROGRESS).read_bytes())
        return progress
    except FileNotFoundError:
        return {}


def _write_progress(partition: Partition, progress: dict[str, Any]) -> None:
    partition.folder.mkdir(parents=True, exist_ok=True)
    write_durably(partition.folder / PROGRESS, orjson.dumps(progress))
