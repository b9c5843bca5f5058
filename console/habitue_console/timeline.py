"""What one visitor did and was shown, newest first: the tail of the log in Redis, then the archive, in pages.

A page of 50 reads as many days back as it needs, twice as many each time, within the profile's own first and
last day; so who was here today costs one day and who was away for a year a few. Past its time it stops where
it is and says from where to go on.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any

import duckdb
import orjson
from redis.asyncio import Redis

from habitue_collector.store import keys
from habitue_warehouse.log_entries import read_entry
from habitue_warehouse.partitions import literals, open_duckdb, partitions
from habitue_warehouse.schema import COLUMNS, DECISIONS, EVENTS, MOVES, TIME, empty_select

PAGE = 50
MAX_TAIL = 5_000  # log entries of the bucket that are looked at: ten minutes of a busy shop
SECONDS = 0.35  # for one page of the archive; what is older is asked for with the next one
TABLES = (EVENTS, DECISIONS, MOVES)
_RETRIES = 3
_FIRST_DAYS = 2
_MOST_DAYS = 64
_ALL = 1_000_000
_LATEST = 253_402_300_799_999  # the last day of four digits

# What a line of a timeline shows: every other column costs as much again, for a day is read to find a line.
_SHOWN: dict[str, tuple[str, ...]] = {
    EVENTS: (
        *("kind", "name", "timestamp", "received_at", "items", "order_id", "value", "currency"),
        *("search_term", "context", "properties"),
    ),
    DECISIONS: ("timestamp", "slot", "holdout", "offers"),
    MOVES: ("type", "timestamp", "record"),
}
_WHOLE = {table: tuple(name for name in COLUMNS[table] if name != "full") for table in TABLES}

Place = tuple[int, int, int]
"""Where something stands in a past: the time that its day in the archive is of (ms), then log_ms and log_seq.

Imported history is written to the log today and happened long ago: the log's own order is not enough.
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in a visitor's past. `table` says which: `record` is that table's record of the log."""

    place: Place
    table: str
    type: str  # event, decision, or the word of a move
    record: dict[str, Any]

    @property
    def at(self) -> int:
        happened = self.record.get("timestamp")
        return happened if isinstance(happened, int) else self.place[0]


@dataclass(frozen=True, slots=True)
class Past:
    """One page; `older` is the place to go on from, None at the beginning of everything."""

    entries: tuple[Entry, ...]
    older: Place | None


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where one row lies."""

    place: Place
    table: str
    file: str


def place_of(text: str) -> Place | None:
    """A place as a link says it: `1772400000000-1772400000007-3`."""
    numbers = text.split("-")
    if len(numbers) != 3 or not all(one.isdecimal() and one.isascii() and len(one) < 16 for one in numbers):
        return None
    at, ms, sequence = map(int, numbers)
    return (at, ms, sequence) if at <= _LATEST else None


def link_of(place: Place | None) -> str:
    return "" if place is None else "-".join(map(str, place))


async def tail(
    redis: Redis, profile_id: str, tables: Sequence[str] = TABLES, before: Place | None = None
) -> list[Entry]:
    """What the log in Redis still holds of somebody, newest first."""
    bucket = keys.bucket_of(profile_id)
    entries: Any = await redis.xrevrange(keys.log(bucket), count=MAX_TAIL)
    mark = orjson.dumps(profile_id)
    found: list[Entry] = []
    for stream_id, fields in entries:
        if not any(mark in value for value in fields.values()):
            continue  # parsed only when it can be theirs
        one = read_entry(bucket, stream_id, fields)
        if one.record is None or one.record.get("profile_id") != profile_id:
            continue
        table = {"event": EVENTS, "decision": DECISIONS}.get(one.type, MOVES)
        happened = one.record.get(TIME[table])
        at = happened if isinstance(happened, int) else one.log_ms
        place = (at, one.log_ms, one.log_seq)
        if table in tables and (before is None or place < before):
            found.append(Entry(place, table, one.type, one.record))
    found.sort(key=lambda entry: entry.place, reverse=True)
    return found


class Archived:
    """Reads one archive; connections are made once and lent to one reader at a time."""

    def __init__(self, folder: Path, clock: Callable[[], float] = monotonic) -> None:
        self._folder = folder
        self._clock = clock
        self._lock = Lock()
        self._connection: duckdb.DuckDBPyConnection | None = None
        atexit.register(self.close)  # DuckDB's objects must be gone before the interpreter takes itself apart

    def close(self) -> None:
        """Let the connection go; the next reading makes a new one."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def page(
        self,
        profile_id: str,
        tables: Sequence[str] = TABLES,
        before: Place | None = None,
        *,
        since: int | None = None,
        until: int | None = None,
        limit: int = PAGE,
        seconds: float = SECONDS,
    ) -> Past:
        """`limit` entries before a place, newest first. Between the days of `since` and `until` (ms) only."""
        for attempt in range(_RETRIES):
            try:
                return self._page(profile_id, tables, before, since, until, limit, seconds)
            except duckdb.IOException:  # a part was replaced between finding and reading
                if attempt == _RETRIES - 1:
                    raise
        raise AssertionError("unreachable")

    def _page(
        self,
        profile_id: str,
        tables: Sequence[str],
        before: Place | None,
        since: int | None,
        until: int | None,
        limit: int,
        seconds: float,
    ) -> Past:
        ends = self._clock() + seconds
        # A place of (time, 0, 0) has nothing of its own millisecond before it.
        latest = None if before is None else before[0] - (before[1:] == (0, 0))
        days = self._days(tables, _day(since, -1), _least(_day(until, 1), _day(latest, 0)))
        found: list[_Spot] = []
        step, at = _FIRST_DAYS, 0
        while at < len(days) and len(found) < limit:
            if at and self._clock() > ends:
                # Whole days were read: the rest lies before the first moment of the last of them.
                return Past(tuple(self._entries(profile_id, found)), (_start(days[at - 1]), 0, 0))
            piece, began = days[at : at + step], self._clock()
            for table in tables:
                found += self._spots(table, piece, profile_id, before, limit)
            at += len(piece)
            if self._clock() - began < seconds / 4:  # a cold disk gives a day at a time
                step = min(step * 2, _MOST_DAYS)
        found.sort(key=lambda spot: spot.place, reverse=True)
        more = len(found) > limit or (len(found) == limit and at < len(days))
        entries = self._entries(profile_id, found[:limit])
        return Past(tuple(entries), entries[-1].place if more and entries else None)

    def all(self, profile_id: str) -> Iterator[Entry]:
        """Everything of somebody, oldest first: for an export."""
        for day in reversed(self._days(TABLES, None, None)):
            spots = [one for table in TABLES for one in self._spots(table, [day], profile_id, None, _ALL)]
            yield from reversed(self._entries(profile_id, spots, _WHOLE))

    def recent(self, limit: int) -> list[tuple[str, int]]:
        """Who was here last: profile ids and when (ms), from the newest events."""
        for day in reversed(partitions(self._folder, EVENTS)):
            parts = sorted(day.manifest().parts, key=lambda part: part.max_ms, reverse=True)[:2]
            if not parts:
                continue
            since = parts[0].max_ms - 3_600_000
            paths = day.paths(tuple(parts))
            query = (
                f"SELECT profile_id, max(log_ms) AS last FROM {_files(paths)} WHERE log_ms >= $1"
                " AND profile_id IS NOT NULL AND NOT coalesce(bot, false)"
                " GROUP BY profile_id ORDER BY last DESC LIMIT $2"
            )
            return [(str(who), int(last)) for who, last in self._rows(query.__str__, [since, limit])]
        return []

    def _days(self, tables: Iterable[str], first: str | None, last: str | None) -> list[str]:
        """The days that there are, newest first."""
        days = {day.date for table in tables for day in partitions(self._folder, table)}
        return sorted(
            (day for day in days if (first is None or day >= first) and (last is None or day <= last)),
            reverse=True,
        )

    def _spots(
        self, table: str, days: list[str], profile_id: str, before: Place | None, limit: int
    ) -> list[_Spot]:
        """Where somebody's newest rows lie: three narrow columns, a third of what whole rows cost."""
        named = set(days)

        def query() -> str:
            paths = [
                path for day in partitions(self._folder, table) if day.date in named for path in day.paths()
            ]
            if not paths:
                return ""
            return (
                f"SELECT coalesce({TIME[table]}, log_ms) AS at, log_ms, log_seq, filename"
                f" FROM {_files(paths, 'filename=true')} WHERE bucket = $1 AND profile_id = $2"
                f" AND (coalesce({TIME[table]}, log_ms), log_ms, log_seq) < ($3, $4, $5)"
                " ORDER BY ALL DESC LIMIT $6"
            )

        asked = [keys.bucket_of(profile_id), profile_id, *(before or (1 << 62, 0, 0)), limit + 1]
        # By its place: what was written twice and is not merged yet is one.
        spots = {
            (at, ms, seq): _Spot((at, ms, seq), table, file) for at, ms, seq, file in self._rows(query, asked)
        }
        return list(spots.values())

    def _entries(
        self,
        profile_id: str,
        spots: Sequence[_Spot],
        columns_of: Mapping[str, tuple[str, ...]] = _SHOWN,
    ) -> list[Entry]:
        """The rows of these places, newest first."""
        entries: list[Entry] = []
        for table in TABLES:
            wanted = {spot.place for spot in spots if spot.table == table}
            if not wanted:
                continue
            files = sorted({spot.file for spot in spots if spot.table == table})
            names = tuple(dict.fromkeys(("log_ms", "log_seq", *columns_of[table])))
            columns = ", ".join(f'"{name}"' for name in names)
            # The empty query gives older parts the columns that they lack.
            rows = f"({empty_select(table)}) UNION ALL BY NAME SELECT * FROM {_files(files)}"
            query = (
                f"SELECT {columns} FROM ({rows}) WHERE bucket = $1 AND profile_id = $2"
                " AND log_ms BETWEEN $3 AND $4"
            )
            logged = [place[1] for place in wanted]
            asked = [keys.bucket_of(profile_id), profile_id, min(logged), max(logged)]
            for row in self._rows(query.__str__, asked):
                entry = _entry(table, dict(zip(names, row, strict=True)))
                if entry.place in wanted:
                    wanted.discard(entry.place)
                    entries.append(entry)
        entries.sort(key=lambda entry: entry.place, reverse=True)
        return entries

    def _rows(self, query: Callable[[], str], asked: list[Any]) -> list[tuple[Any, ...]]:
        """The rows of a query that is made anew when a part was replaced meanwhile."""
        for attempt in range(_RETRIES):
            text = query()
            if not text:
                return []
            try:
                return self._cursor().execute(text, asked).fetchall()
            except duckdb.IOException:
                if attempt == _RETRIES - 1:
                    raise
        raise AssertionError("unreachable")

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        with self._lock:
            if self._connection is None:
                self._connection = open_duckdb(self._folder, memory_limit="512MB", threads=2)
                # A file's footer is read once, not once a page.
                self._connection.execute("SET parquet_metadata_cache = true")
            return self._connection.cursor()


def _files(paths: list[str], more: str = "union_by_name=true") -> str:
    return f"read_parquet({literals(paths)}, hive_partitioning=false, {more})"


def _entry(table: str, row: dict[str, Any]) -> Entry:
    """A row as the record that the log had."""
    at = row[TIME[table]]
    place = (row["log_ms"] if at is None else at, row["log_ms"], row["log_seq"])
    if table == MOVES:
        record = _json(row["record"]) or {}
        return Entry(place, table, str(row["type"]), record if isinstance(record, dict) else {})
    record = {
        name: value
        for name, value in row.items()
        if value is not None and name not in ("bucket", "log_ms", "log_seq", "extra", "repeated")
    }
    for name in ("context", "properties"):
        if name in record:
            record[name] = _json(record[name]) or {}
    extra = _json(row.get("extra"))
    if isinstance(extra, dict):
        record |= extra
    return Entry(place, table, "event" if table == EVENTS else "decision", record)


def _json(text: Any) -> Any:
    try:
        return orjson.loads(text) if text else None
    except orjson.JSONDecodeError:
        return None


def _day(ms: int | None, more: int) -> str | None:
    """The UTC day of a time, `more` days later."""
    if ms is None:
        return None
    return (datetime.fromtimestamp(ms / 1_000, UTC).date() + timedelta(days=more)).isoformat()


def _least(*days: str | None) -> str | None:
    return min((day for day in days if day is not None), default=None)


def _start(day: str) -> int:
    """The first moment of a day, in milliseconds."""
    return int(datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC).timestamp() * 1_000)


def together(newest: Sequence[Entry], archived: Past, limit: int = PAGE) -> Past:
    """Both as one page: what is in Redis and in the archive is one entry."""
    known = {(entry.table, entry.place) for entry in archived.entries}
    least = archived.older
    both = [
        *(e for e in newest if (e.table, e.place) not in known and (least is None or e.place >= least)),
        *archived.entries,
    ]
    both.sort(key=lambda entry: entry.place, reverse=True)
    if len(both) <= limit:
        return Past(tuple(both), archived.older)
    return Past(tuple(both[:limit]), both[limit - 1].place)
