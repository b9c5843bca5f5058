"""Every profile rebuilt from the archive by the function that folded it live.

Each bucket's records are read in the order of its log and applied one after the other. A few buckets are
read at a time (`rows_at_once`), so memory is bounded by them and by the profiles of one bucket. Decisions
change nobody's profile and are not read. Tombstones hold: after an `erasure` record nothing of that profile
that happened before it counts. A profile that Redis has forgotten meanwhile (its lifetime passed without an
event) begins anew, as it did live.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
import orjson

from habitue_collector import fold
from habitue_collector.profile import Profile
from habitue_collector.settings import Lifetimes
from habitue_collector.store import keys
from habitue_warehouse import memberships
from habitue_warehouse.partitions import literals, live_paths, open_duckdb
from habitue_warehouse.schema import COLUMNS, EVENTS, MOVES, empty_select

Apply = Callable[[Profile | None, str, dict[str, Any]], Profile | None]

ROWS_AT_ONCE = 400_000  # about 1 KB each while they are sorted
_RETRIES = 10
_DAY_MS = 86_400_000
_STREAM_ID = ("bucket", "log_ms", "log_seq")


@dataclass(slots=True)
class Entry:
    """One record of the log, as the archive or the log itself gave it."""

    log_ms: int
    log_seq: int
    type: str
    record: dict[str, Any]


@dataclass(slots=True)
class Bucket:
    """The profiles of one bucket while its log is walked."""

    lifetimes: Lifetimes
    apply: Apply = fold.apply
    profiles: dict[str, Profile] = field(default_factory=dict)
    last: dict[str, int] = field(default_factory=dict)  # log time of each profile's last record
    erased: dict[str, int] = field(default_factory=dict)
    members: dict[str, set[str]] = field(default_factory=dict)  # profile_id → the segments it is in
    position: tuple[int, int] = (-1, -1)

    def take(self, entry: Entry) -> None:
        """Applies one record; a repeat of the same log entry is passed over."""
        here = (entry.log_ms, entry.log_seq)
        if here <= self.position:
            return
        self.position = here
        record = entry.record
        profile_id = record.get("profile_id")
        if not isinstance(profile_id, str):
            return
        if entry.type == "erasure":
            self.erased[profile_id] = max(
                self.erased.get(profile_id, 0), record.get("timestamp", entry.log_ms)
            )
            self.members.pop(profile_id, None)
        elif self._is_erased(profile_id, record):
            return
        if entry.type == memberships.SEGMENT:
            # Says of a profile what follows from it: it changes nothing in it, and does not keep it alive.
            memberships.follow(self.members.setdefault(profile_id, set()), record)
            return
        profile = self.profiles.get(profile_id)
        if profile is not None and entry.log_ms - self.last[profile_id] > lifetime_ms(
            profile, self.lifetimes
        ):
            profile = None
        after = self.apply(profile, entry.type, record)
        if after is None:
            self.profiles.pop(profile_id, None)
            self.last.pop(profile_id, None)
        else:
            self.profiles[profile_id] = after
            self.last[profile_id] = entry.log_ms

    def _is_erased(self, profile_id: str, record: dict[str, Any]) -> bool:
        until = self.erased.get(profile_id)
        if until is None:
            return False
        happened = record.get("received_at", record.get("timestamp"))
        return isinstance(happened, int) and happened <= until


def lifetime_ms(profile: Profile, lifetimes: Lifetimes) -> int:
    """How long Redis keeps a profile after its last event."""
    if profile.state.get("bot"):
        return lifetimes.bot_profile_hours * 3_600_000
    days = lifetimes.user_profile_days if profile.is_user else lifetimes.anonymous_profile_days
    return days * _DAY_MS


def replay(
    archive_dir: Path | str,
    *,
    apply: Apply = fold.apply,
    lifetimes: Lifetimes | None = None,
    rows_at_once: int = ROWS_AT_ONCE,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Profile]:
    """Every profile that the archive tells of, bucket after bucket; `progress(records, of)` hears of it."""
    for _, bucket in replay_buckets(
        archive_dir, apply=apply, lifetimes=lifetimes, rows_at_once=rows_at_once, progress=progress
    ):
        for profile in bucket.profiles.values():
            if not profile.is_empty:
                yield profile


def replay_buckets(
    archive_dir: Path | str,
    *,
    apply: Apply = fold.apply,
    lifetimes: Lifetimes | None = None,
    rows_at_once: int = ROWS_AT_ONCE,
    progress: Callable[[int, int], None] | None = None,
    only: int | None = None,
) -> Iterator[tuple[int, Bucket]]:
    """All 256 buckets in order (or `only` one), each with its profiles as of the last archived record."""
    archive_dir = Path(archive_dir)
    connection = open_duckdb(archive_dir)
    try:
        sizes = _sizes(connection, archive_dir)
        total, done = sum(sizes), 0
        ranges = _ranges(sizes, rows_at_once) if only is None else iter([(only, only + 1)])
        for first, last in ranges:
            buckets = {number: Bucket(lifetimes or Lifetimes(), apply) for number in range(first, last)}
            for number, entries in groupby(
                _entries(connection, archive_dir, first, last), key=lambda pair: pair[0]
            ):
                bucket = buckets[number]
                for _, entry in entries:
                    bucket.take(entry)
                    done += 1
                    if progress is not None and done % 1_000 == 0:
                        progress(done, total)
            if progress is not None:
                progress(done, total)
            for number in range(first, last):
                yield number, buckets.pop(number)
    finally:
        connection.close()


def _sizes(connection: duckdb.DuckDBPyConnection, archive_dir: Path) -> list[int]:
    """Records by bucket."""
    sizes = [0] * keys.BUCKETS
    paths = live_paths(archive_dir, EVENTS) + live_paths(archive_dir, MOVES)
    if paths:
        source = f"read_parquet({literals(paths)}, union_by_name=true, hive_partitioning=false)"
        for bucket, rows in connection.execute(
            f"SELECT bucket, count(*) FROM {source} GROUP BY bucket"
        ).fetchall():
            sizes[bucket] = rows
    return sizes


def _ranges(sizes: list[int], rows_at_once: int) -> Iterator[tuple[int, int]]:
    first, held = 0, 0
    for number, size in enumerate(sizes):
        if held and held + size > rows_at_once:
            yield first, number
            first, held = number, 0
        held += size
    yield first, len(sizes)


def _entries(
    connection: duckdb.DuckDBPyConnection, archive_dir: Path, first: int, last: int
) -> Iterator[tuple[int, Entry]]:
    for attempt in range(_RETRIES):
        try:
            cursor = connection.execute(_query(archive_dir), [first, last, first, last])
            break
        except duckdb.IOException:
            # A part was replaced between manifest and reading: look again. Nothing has been handed out yet.
            if attempt == _RETRIES - 1:
                raise
    while rows := cursor.fetchmany(2_000):
        for bucket, log_ms, log_seq, record_type, text, whole, extra in rows:
            record = orjson.loads(text)
            if not whole:
                record = {name: value for name, value in record.items() if value is not None}
                if "items" in record:
                    record["items"] = [
                        {name: value for name, value in item.items() if value is not None}
                        for item in record["items"]
                    ]
                if extra:
                    record.update(orjson.loads(extra))
            yield bucket, Entry(log_ms, log_seq, record_type, record)


def _query(archive_dir: Path) -> str:
    members = ", ".join(
        f'"{name}" := "{name}"::JSON' if name in ("context", "properties") else f'"{name}" := "{name}"'
        for name in COLUMNS[EVENTS]
        if name not in (*_STREAM_ID, "extra", "repeated")
    )
    events = _source(EVENTS, live_paths(archive_dir, EVENTS))
    moves = _source(MOVES, live_paths(archive_dir, MOVES))
    return f"""
        SELECT bucket, log_ms, log_seq, 'event' AS type, to_json(struct_pack({members}))::VARCHAR AS record,
            false AS whole, extra
        FROM ({events}) WHERE bucket >= ? AND bucket < ? AND profile_id IS NOT NULL AND kept IS NULL
        UNION ALL
        SELECT bucket, log_ms, log_seq, type, record, true AS whole, NULL AS extra
        FROM ({moves}) WHERE bucket >= ? AND bucket < ? AND profile_id IS NOT NULL
        ORDER BY bucket, log_ms, log_seq
    """


def _source(table: str, paths: list[str]) -> str:
    if not paths:
        return empty_select(table)
    found = f"SELECT * FROM read_parquet({literals(paths)}, union_by_name=true, hive_partitioning=false)"
    return f"({empty_select(table)}) UNION ALL BY NAME ({found})"
