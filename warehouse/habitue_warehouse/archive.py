"""The archiver: reads every bucket's log, writes Parquet, then acknowledges and trims.

    read (consumer group) → part and manifest, fsynced → XACK → XTRIM behind what is archived

The order makes it at least once: killed anywhere, the entries that were not acknowledged are still
pending and come again at the next start. What comes again although it was written (killed between
manifest and acknowledgement; a Redis that lost its last second; a group that had to be made anew from
the beginning) is recognised by its stream id and not written twice: everything not younger than the
youngest archived row is looked up first.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from threading import Event as Stop
from time import monotonic, time
from typing import Any

import duckdb
import redis as redis_py

from habitue_collector.store import keys
from habitue_warehouse import erasure
from habitue_warehouse.log_entries import GONE, as_text, entries_of, parse_id, read_entry
from habitue_warehouse.partitions import (
    Partition,
    latest_ms,
    literals,
    lock,
    open_duckdb,
    partitions,
)
from habitue_warehouse.schema import DECISIONS, EVENTS, MOVES, LogRecord, Row, move_row, row_of, structure

log = logging.getLogger("habitue.archive")

CONSUMER = "archiver"
LOG_TABLES = (EVENTS, DECISIONS, MOVES)
_ARCHIVER_LOCK = ".archiver.lock"
_LOGS_AT_ONCE = 16  # of the 256


@dataclass(frozen=True, slots=True)
class ArchiveSettings:
    """How the archiver works. Times in seconds."""

    poll_seconds: float = 0.5  # of a round over the logs: live counts are twice as old at most
    flush_seconds: float = 5.0  # how old a record may get before it is in Parquet
    flush_rows: int = 50_000  # bounds memory: about 1 KB each
    read_count: int = 200  # entries per bucket and round
    trim_lag_seconds: float = 600.0  # how long a log keeps what is archived
    trim_every_seconds: float = 15.0
    retry_seconds: float = 1.0  # after Redis or the disk refused
    memory_limit: str = "512MB"  # DuckDB's


@dataclass(slots=True)
class ArchivedCounts:
    """What was done: rows written by table, entries that were archived already, entries kept as broken."""

    events: int = 0
    decisions: int = 0
    moves: int = 0
    broken: int = 0
    again: int = 0

    @property
    def rows(self) -> int:
        return self.events + self.decisions + self.moves


@dataclass(slots=True)
class _Buffer:
    """Records read and not written yet."""

    records: list[LogRecord] = field(default_factory=list)
    since: float = 0.0

    def add(self, records: list[LogRecord]) -> None:
        if records and not self.records:
            self.since = monotonic()
        self.records.extend(records)


class ArchiverRunning(RuntimeError):
    """Another process archives into this folder."""


class Archiver:
    """Moves the logs of one Redis into one archive. Only one may run per archive; it checks.

    `redis` is a `redis.Redis` or `redis.RedisCluster` without response decoding. `on_records` sees each
    record when it is read, before it is archived (after a crash some once more); what it raises is logged.
    """

    def __init__(
        self,
        redis: Any,
        archive_dir: Path | str,
        settings: ArchiveSettings | None = None,
        on_records: Callable[[list[LogRecord]], None] | None = None,
    ) -> None:
        self.redis = redis
        self.archive_dir = Path(archive_dir)
        self.settings = settings or ArchiveSettings()
        self.on_records = on_records
        self.totals = ArchivedCounts()
        self._buffer = _Buffer()
        self._done: list[LogRecord] = []  # in Parquet, not acknowledged yet
        self._cursors: list[str] = []  # per bucket: after which pending entry to go on, or ">" for new ones
        self._archived_to: dict[int, tuple[int, int]] = {}
        self._check_until = 0  # entries up to this log_ms may be archived already
        self._recovering = True
        self._trimmed_at = 0.0
        self._stop = Stop()
        self._rest = 0.0  # seconds between two pipelines
        self._duckdb: duckdb.DuckDBPyConnection | None = None

    # --- the two ways to run it

    def run_once(self) -> ArchivedCounts:
        """Archives everything that is in the logs now. Raises what Redis or the disk raise."""
        with self._alone():
            before = replace(self.totals)
            self._recover()
            while True:
                read = self._read()
                if len(self._buffer.records) >= self.settings.flush_rows:
                    self._flush()
                if not read and all(cursor == ">" for cursor in self._cursors):
                    break
            self._flush()
            self._trim()
            return _difference(self.totals, before)

    def run_forever(self, stop: Stop) -> None:
        """Archives until `stop` is set, then writes what it holds. Outlives a Redis that goes and comes."""
        self._stop = stop
        with self._alone():
            while not stop.is_set():
                try:
                    if self._recovering:
                        self._recover()
                    read = self._read()
                    if self._flush_is_due():
                        self._flush()
                    if monotonic() - self._trimmed_at >= self.settings.trim_every_seconds:
                        self._trim()
                    # A full round means a backlog: go on at once. Else a round takes as long as it may: each
                    # pipeline writes (what was handed out), and `fsync always` lets everybody wait for it.
                    backlog = read >= self.settings.read_count
                    self._rest = 0.0 if backlog else self.settings.poll_seconds * _LOGS_AT_ONCE / keys.BUCKETS
                    stop.wait(self._rest)
                except (redis_py.RedisError, OSError, duckdb.Error) as error:
                    log.warning("archiver waits: %s", error)
                    self._recovering = True
                    stop.wait(self.settings.retry_seconds)
            try:
                self._flush()
            except (redis_py.RedisError, OSError, duckdb.Error) as error:
                log.warning("not archived at the end, comes again at the next start: %s", error)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            with lock(self.archive_dir, _ARCHIVER_LOCK, blocking=False):
                yield
        except BlockingIOError as error:
            raise ArchiverRunning(f"another archiver writes to {self.archive_dir}") from error

    # --- reading

    def _recover(self) -> None:
        """Starts over from what Redis says is pending; what is in memory is written first."""
        self._write_buffer()
        self._acknowledge()
        self._check_until = latest_ms(self.archive_dir, LOG_TABLES)
        self._create_groups(range(keys.BUCKETS))
        self._cursors = ["0"] * keys.BUCKETS
        self._archived_to.clear()
        self._recovering = False

    def _create_groups(self, buckets: Iterable[int]) -> None:
        pipe = self.redis.pipeline(transaction=False)
        for bucket in buckets:
            # From the beginning of the log: what is archived already is recognised, nothing is passed over.
            pipe.xgroup_create(keys.log(bucket), keys.ARCHIVER_GROUP, id="0", mkstream=True)
        for answer in pipe.execute(raise_on_error=False):
            if isinstance(answer, Exception) and not str(answer).startswith("BUSYGROUP"):
                raise answer

    def _read(self) -> int:
        """One round over all logs; returns the most entries that one log gave (0: nothing new anywhere)."""
        asked = list(self._cursors)
        answers: list[Any] = []
        for some in self._a_few(range(keys.BUCKETS), self._rest):
            pipe = self.redis.pipeline(transaction=False)
            for bucket in some:
                pipe.xreadgroup(
                    keys.ARCHIVER_GROUP,
                    CONSUMER,
                    {keys.log(bucket): asked[bucket]},
                    count=self.settings.read_count,
                )
            answers += pipe.execute(raise_on_error=False)
        records: list[LogRecord] = []
        most = 0
        lost_groups: list[int] = []
        for bucket, answer in enumerate(answers):
            if isinstance(answer, redis_py.ResponseError) and str(answer).startswith("NOGROUP"):
                lost_groups.append(bucket)
                continue
            if isinstance(answer, Exception):
                raise answer
            entries = entries_of(answer)
            most = max(most, len(entries))
            if asked[bucket] != ">":
                self._cursors[bucket] = as_text(entries[-1][0]) if entries else ">"
            records += [read_entry(bucket, stream_id, content) for stream_id, content in entries]
        if lost_groups:
            log.warning("the group %s is gone from %d logs", keys.ARCHIVER_GROUP, len(lost_groups))
            self._recovering = True
        self._take(records)
        if self._recovering:
            self._recover()
            return max(most, 1)
        if ">" in self._cursors and any(cursor != ">" for cursor in asked):
            self._learn_positions([b for b, c in enumerate(asked) if c != ">" and self._cursors[b] == ">"])
            return max(most, 1)  # the pending ones are done; whether there are new ones is still to be asked
        return most

    def _take(self, records: list[LogRecord]) -> None:
        fresh = self._without_archived(records)
        self._done.extend(entry for entry in records if entry.type == GONE)
        fresh = [entry for entry in fresh if entry.type != GONE]
        if fresh and self.on_records is not None:
            try:
                self.on_records(fresh)
            except Exception:
                log.exception("live counts did not take %d records", len(fresh))
        self._buffer.add(fresh)

    def _without_archived(self, records: list[LogRecord]) -> list[LogRecord]:
        """Leaves out what the archive has already (and remembers to acknowledge it)."""
        doubtful = [entry for entry in records if entry.log_ms <= self._check_until]
        if not doubtful:
            return records
        first = min(entry.log_ms for entry in doubtful)
        last = max(entry.log_ms for entry in doubtful)
        archived: set[tuple[int, int, int]] = set()
        for table in LOG_TABLES:
            paths = [
                str(day.folder / part.name)
                for day in partitions(self.archive_dir, table)
                for part in day.manifest().parts
                if part.min_ms <= last and part.max_ms >= first
            ]
            if paths:
                archived.update(
                    self._connection()
                    .execute(
                        "SELECT bucket, log_ms, log_seq FROM read_parquet("
                        f"{literals(paths)}) WHERE log_ms BETWEEN ? AND ?",
                        [first, last],
                    )
                    .fetchall()
                )
        again = [entry for entry in doubtful if entry.stream_id in archived]
        self.totals.again += len(again)
        self._done.extend(again)
        return [entry for entry in records if entry.stream_id not in archived]

    def _learn_positions(self, buckets: list[int]) -> None:
        """After a start, logs without anything pending are archived up to what the group has delivered."""
        pipe = self.redis.pipeline(transaction=False)
        for bucket in buckets:
            pipe.xinfo_groups(keys.log(bucket))
        for bucket, groups in zip(buckets, pipe.execute(), strict=True):
            for group in groups:
                if as_text(group["name"]) == keys.ARCHIVER_GROUP and not group["pending"]:
                    self._archived_to[bucket] = parse_id(group["last-delivered-id"])

    # --- writing

    def _flush_is_due(self) -> bool:
        if self._done:
            return True
        held = len(self._buffer.records)
        return held > 0 and (
            held >= self.settings.flush_rows
            or monotonic() - self._buffer.since >= self.settings.flush_seconds
        )

    def _flush(self) -> None:
        self._write_buffer()
        self._acknowledge()

    def _write_buffer(self) -> None:
        """Writes what was read, one part for each table and day; what is written leaves the buffer."""
        if not self._buffer.records:
            return
        groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for entry in self._buffer.records:
            row = row_of(entry)
            groups[row.table, row.date].append(row)
        written: set[tuple[int, int, int]] = set()
        try:
            # Faulty rows of other tables join the moves, so these come last.
            for table, date in sorted(groups, key=lambda place: (place[0] == MOVES, place)):
                if table != MOVES:
                    self._write_group(table, date, groups[table, date], written, groups)
            for table, date in sorted(place for place in groups if place[0] == MOVES):
                self._write_group(table, date, groups[table, date], written, groups)
        finally:
            self._done.extend(entry for entry in self._buffer.records if entry.stream_id in written)
            left = [entry for entry in self._buffer.records if entry.stream_id not in written]
            self._buffer.records = left

    def _write_group(
        self,
        table: str,
        date: str,
        rows: list[Row],
        written: set[tuple[int, int, int]],
        groups: dict[tuple[str, str], list[Row]],
    ) -> None:
        partition = Partition(self.archive_dir, table, date)
        if table == MOVES:
            # Before the rows: killed in between, an erasure is asked for twice, but never forgotten.
            erasure.enqueue_all(self.archive_dir, [row.source for row in rows])
        try:
            self._write_part(partition, rows)
        except (duckdb.InvalidInputException, duckdb.ConversionException) as error:
            if table == MOVES:
                raise
            log.warning("a record does not fit %s: %s", table, error)
            sound = [row for row in rows if self._fits(table, row)]
            names = {row.source.stream_id for row in sound}
            for row in rows:
                if row.source.stream_id not in names:
                    broken = move_row(row.source, fault=f"does not fit {table}")
                    groups[MOVES, broken.date].append(broken)
                    self.totals.broken += 1
            rows = sound
            if rows:
                self._write_part(partition, rows)
        written.update(row.source.stream_id for row in rows)
        setattr(self.totals, table, getattr(self.totals, table) + len(rows))

    def _write_part(self, partition: Partition, rows: list[Row]) -> None:
        part = partition.write(
            self._connection(), _ROWS.format(structure=structure(partition.table)), [[r.line for r in rows]]
        )
        if part is not None:
            partition.replace((), (part,))

    def _fits(self, table: str, row: Row) -> bool:
        try:
            self._connection().execute(_ROWS.format(structure=structure(table)), [[row.line]]).fetchall()
        except (duckdb.InvalidInputException, duckdb.ConversionException):
            return False
        return True

    def _acknowledge(self) -> None:
        """XACK for all that is in Parquet."""
        if not self._done:
            return
        by_bucket: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for entry in self._done:
            by_bucket[entry.bucket].append((entry.log_ms, entry.log_seq))
        for some in self._a_few(list(by_bucket), self._rest / 4):
            pipe = self.redis.pipeline(transaction=False)
            for bucket in some:
                names = [f"{ms}-{seq}" for ms, seq in by_bucket[bucket]]
                for start in range(0, len(names), 1_000):
                    pipe.xack(keys.log(bucket), keys.ARCHIVER_GROUP, *names[start : start + 1_000])
            pipe.execute()
        self._done.clear()
        for bucket, stream_ids in by_bucket.items():
            self._archived_to[bucket] = max(self._archived_to.get(bucket, (0, 0)), max(stream_ids))

    # --- trimming

    def _trim(self) -> None:
        """Cuts off what is archived and older than the lag; what is not archived stays, however old."""
        self._trimmed_at = monotonic()
        behind = int((time() - self.settings.trim_lag_seconds) * 1000)
        for some in self._a_few(list(self._archived_to), self._rest / 4):
            pipe = self.redis.pipeline(transaction=False)
            for bucket in some:
                ms, seq = self._archived_to[bucket]
                oldest_kept = min((ms, seq + 1), (behind, 0))
                if oldest_kept > (0, 0):
                    kept_from = f"{oldest_kept[0]}-{oldest_kept[1]}"
                    pipe.xtrim(keys.log(bucket), minid=kept_from, approximate=False)
            pipe.execute()

    def _a_few(self, buckets: Sequence[int], rest: float) -> Iterator[Sequence[int]]:
        """As many logs as are asked for at once: while Redis carries out a pipeline it answers no visitor."""
        for start in range(0, len(buckets), _LOGS_AT_ONCE):
            if start and rest:
                self._stop.wait(rest)
            yield buckets[start : start + _LOGS_AT_ONCE]

    def _connection(self) -> duckdb.DuckDBPyConnection:
        if self._duckdb is None:
            self._duckdb = open_duckdb(self.archive_dir, self.settings.memory_limit)
        return self._duckdb


_ROWS = "SELECT unnest(from_json_strict(line, '{structure}')) FROM (SELECT unnest($1::VARCHAR[]) AS line)"


def _difference(after: ArchivedCounts, before: ArchivedCounts) -> ArchivedCounts:
    return ArchivedCounts(**{f.name: getattr(after, f.name) - getattr(before, f.name) for f in fields(after)})
