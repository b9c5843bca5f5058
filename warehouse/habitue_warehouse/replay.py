"""Replay: every profile rebuilt from the archive by the function that folded it live.

Each bucket's records are read in the order of its log and applied one after the other. A few buckets are
read at a time (`rows_at_once`), so memory is bounded by them and by the profiles of one bucket.
Decisions change nobody's profile and are not read. Tombstones hold: after an `erasure` record nothing of that profile that happened before it counts. A
profile that Redis has forgotten meanwhile (its lifetime passed without an event) begins anew, as it did live.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
import orjson

from habitue_collector import fold
from habitue_collector.profile import VERSION_LENGTH, Profile, State, unpack
from habitue_collector.settings import Lifetimes
from habitue_collector.store import keys
from habitue_warehouse.partitions import literals, live_paths, open_duckdb
from habitue_warehouse.schema import COLUMNS, EVENTS, MOVES, empty_select
from habitue_warehouse.snapshots import profile_ids

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
        elif self._is_erased(profile_id, record):
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
    """Every profile that the archive tells of, bucket after bucket. Calls `progress(records, of)` now and then."""
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


# --- against what is live


@dataclass(frozen=True, slots=True)
class Difference:
    """A profile that the archive and Redis do not agree about; None: it is not there."""

    profile_id: str
    replayed: State | None
    live: State | None

    @property
    def members(self) -> list[str]:
        """The names of the members that differ."""
        ours, theirs = self.replayed or {}, self.live or {}
        return sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))


@dataclass(slots=True)
class Checked:
    """How many profiles were compared, and those that differ."""

    profiles: int = 0
    differences: list[Difference] = field(default_factory=list)


def check(
    redis: Any,
    archive_dir: Path | str,
    *,
    apply: Apply = fold.apply,
    lifetimes: Lifetimes | None = None,
    now: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Checked:
    """Compares every rebuilt profile with the live one, also while the server is busy.

    What the log holds and the archive does not yet is applied on top; log and profiles of a bucket are
    read in one transaction. Holds the ids of all live profiles (about 100 bytes each).
    """
    lifetimes = lifetimes or Lifetimes()
    at = time.time_ns() // 1_000_000 if now is None else now
    live_ids: dict[int, set[str]] = {number: set() for number in range(keys.BUCKETS)}
    for profile_id in profile_ids(redis):
        live_ids[keys.bucket_of(profile_id)].add(profile_id)
    checked = Checked()
    for number, bucket in replay_buckets(archive_dir, apply=apply, lifetimes=lifetimes, progress=progress):
        found = _check_bucket(redis, number, bucket, live_ids[number], at)
        if found.differences:
            # The archiver may have been between two parts of one flush: what differs is looked at again.
            (again,) = replay_buckets(archive_dir, apply=apply, lifetimes=lifetimes, only=number)
            found = _check_bucket(redis, number, again[1], live_ids[number], at)
        del live_ids[number]
        checked.profiles += found.profiles
        checked.differences += found.differences
    return checked


def _check_bucket(redis: Any, number: int, bucket: Bucket, live_ids: set[str], at: int) -> Checked:
    checked = Checked()
    after = f"({bucket.position[0]}-{bucket.position[1]}" if bucket.position[0] >= 0 else "-"
    beyond = {
        record["profile_id"]
        for _, _, record in _log(redis.xrange(keys.log(number), min=after))
        if isinstance(record.get("profile_id"), str)
    }
    names = sorted(live_ids | beyond | bucket.profiles.keys())
    pipe = redis.pipeline(transaction=True)
    pipe.xrange(keys.log(number), min=after)
    for name in names:
        pipe.get(keys.profile(name))
    tail, *packed = pipe.execute()
    for (ms, seq), record_type, record in _log(tail):
        bucket.take(Entry(ms, seq, record_type, record))
    for name, value in zip(names, packed, strict=True):
        replayed = bucket.profiles.get(name)
        if replayed is not None and at - bucket.last[name] > lifetime_ms(replayed, bucket.lifetimes):
            replayed = None  # forgotten live too
        ours = None if replayed is None else orjson.loads(orjson.dumps(replayed.to_record()))
        theirs = None if value is None else unpack(name, value)[1].to_record()
        checked.profiles += 1
        if (ours or None) != (theirs or None):  # an empty profile is as good as none
            checked.differences.append(Difference(name, ours, theirs))
    return checked


class NotEmpty(RuntimeError):
    """There are profiles in this Redis already: a restore would overwrite what is newer."""


def restore(
    redis: Any,
    archive_dir: Path | str,
    *,
    apply: Apply = fold.apply,
    lifetimes: Lifetimes | None = None,
    now: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Writes the rebuilt profiles into a Redis that has none; returns how many. Raises NotEmpty.

    Tombstones come back too. What is past its lifetime does not.
    """
    lifetimes = lifetimes or Lifetimes()
    at = time.time_ns() // 1_000_000 if now is None else now
    for profile_id in profile_ids(redis):
        raise NotEmpty(f"this Redis holds profiles already ({profile_id}, …): restore into an empty one")
    written = 0
    for _, bucket in replay_buckets(archive_dir, apply=apply, lifetimes=lifetimes, progress=progress):
        pipe = redis.pipeline(transaction=False)
        for profile_id, until in bucket.erased.items():
            pipe.set(keys.tombstone(profile_id), str(until))
        for profile_id, profile in bucket.profiles.items():
            left = bucket.last[profile_id] + lifetime_ms(profile, lifetimes) - at
            if profile.is_empty or left <= 0:
                continue
            version = os.urandom(VERSION_LENGTH // 2).hex().encode()
            pipe.set(keys.profile(profile_id), profile.pack(version), px=left)
            written += 1
            if len(pipe) >= 2_000:
                pipe.execute()
        pipe.execute()
    return written


def _log(entries: Any) -> Iterator[tuple[tuple[int, int], str, dict[str, Any]]]:
    for stream_id, fields in entries:
        if not fields:
            continue
        text = stream_id.decode() if isinstance(stream_id, bytes) else stream_id
        ms, _, seq = text.partition("-")
        name, raw = next(iter(fields.items()))
        try:
            record = orjson.loads(raw)
        except orjson.JSONDecodeError:
            continue
        if isinstance(record, dict):
            yield (int(ms), int(seq)), name.decode() if isinstance(name, bytes) else name, record


# --- reading the archive


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
