"""Rollups: hourly sums of each day, so that nobody has to read twenty million events to look at a page.

    rollups/<table>/date=YYYY-MM-DD/   as any other partition: `date` is the archive's day of arrival
    rollups/_done.json                 what each day was made from

One day's rollups are a function of that day's partitions and nothing else: made again they come out the
same, and killed in the middle they are made again. A day is made anew when rows arrived since; a row that
happened earlier than it arrived carries the hour it happened in, so readers add up over days of arrival.
An erasure adds no rows and so changes no finished day: these are sums, and name nobody.
"""

from __future__ import annotations

import logging
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import duckdb
import orjson

from habitue_warehouse import rollup_tables as tables
from habitue_warehouse.partitions import (
    Part,
    Partition,
    Stale,
    literals,
    lock,
    open_duckdb,
    partitions,
    write_durably,
)
from habitue_warehouse.schema import DAY_MS, DECISIONS, EVENTS, empty_select

log = logging.getLogger("habitue.rollups")

FOLDER = "rollups"
DONE = "_done.json"
VERSION = 1  # of the tables' meaning: with another one every day is made anew
_LOCK = ".rollups.lock"
_GRACE_SECONDS = 60.0  # how long a reader may go on with rollups that were replaced
_MAX_PROPERTIES = 200  # of one event name
_MAX_LENGTH = 64
# A property's name is the shop's own word; one that looks like a person's is nobody's business.
_PERSONAL = re.compile(r"@|\d{5,}")


@dataclass(frozen=True, slots=True)
class RollupSettings:
    """How much is done in one go. Times in seconds."""

    budget_seconds: float = 10.0  # days that have no rollups yet are made newest first, so many at a time
    memory_limit: str = "512MB"
    threads: int = 1


@dataclass(frozen=True, slots=True)
class _State:
    """What a day's partitions held: rows and youngest log time of events and decisions."""

    events: int
    events_ms: int
    decisions: int
    decisions_ms: int
    final: bool

    def has_more_than(self, made: _State) -> bool:
        # Fewer rows are an erasure's, or repeats that compaction took out: both change nothing here.
        return (
            self.events > made.events
            or self.events_ms > made.events_ms
            or self.decisions > made.decisions
            or self.decisions_ms > made.decisions_ms
            or (self.final and not made.final)
        )


def table_name(rollup: str) -> str:
    """A rollup's name as the name of a table of partitions."""
    return f"{FOLDER}/{rollup}"


def roll(archive_dir: Path, settings: RollupSettings | None = None) -> int:
    """Makes the rollups of the days that have something new, newest first; returns how many days.

    At least one day, then as many as the budget allows. Safe beside archiver, compaction and readers; a
    second one at the same time does nothing.
    """
    settings = settings or RollupSettings()
    try:
        with lock(archive_dir, _LOCK, blocking=False):
            return _roll(archive_dir, settings)
    except BlockingIOError:
        return 0


def due(archive_dir: Path) -> list[str]:
    """The days that have something new, newest first."""
    return [day for day, _ in _due(archive_dir, _read_done(archive_dir))]


def sweep(archive_dir: Path) -> int:
    """Deletes what was replaced a while ago and what killed writers left."""
    return sum(
        day.sweep(_GRACE_SECONDS)
        for rollup in tables.ROLLUPS
        for day in partitions(archive_dir, table_name(rollup))
    )


def replace_day(
    connection: duckdb.DuckDBPyConnection, archive_dir: Path, rollup: str, day: str, query: str
) -> None:
    """Puts a query's rows in the place of what a rollup holds for a day."""
    partition = Partition(archive_dir, table_name(rollup), day)
    old: tuple[Part, ...] = partition.manifest().parts
    new = partition.write(connection, query, clock="hour")
    partition.replace(old, () if new is None else (new,))
    if partition.manifest().retired:
        partition.sweep(_GRACE_SECONDS)


def _roll(archive_dir: Path, settings: RollupSettings) -> int:
    done = _read_done(archive_dir)
    began = monotonic()
    rolled = 0
    connection: duckdb.DuckDBPyConnection | None = None
    try:
        for day, state in _due(archive_dir, done):
            if rolled and monotonic() - began > settings.budget_seconds:
                break
            if connection is None:
                connection = open_duckdb(archive_dir, settings.memory_limit, settings.threads)
            try:
                _roll_day(connection, archive_dir, day)
            except (duckdb.IOException, Stale) as error:  # a part was replaced while we read
                log.info("left for the next round: %s", error)
                continue
            done[day] = state
            _write_done(archive_dir, done)
            rolled += 1
    finally:
        if connection is not None:
            connection.close()
    return rolled


def _due(archive_dir: Path, done: dict[str, _State]) -> Iterator[tuple[str, _State]]:
    days = {one.date for table in (EVENTS, DECISIONS) for one in partitions(archive_dir, table)}
    for day in sorted(days, reverse=True):
        state = _state(archive_dir, day)
        if day not in done or state.has_more_than(done[day]):
            yield day, state


def _state(archive_dir: Path, day: str) -> _State:
    events = Partition(archive_dir, EVENTS, day).manifest().parts
    decisions = Partition(archive_dir, DECISIONS, day).manifest().parts
    return _State(
        sum(part.rows for part in events),
        max((part.max_ms for part in events), default=0),
        sum(part.rows for part in decisions),
        max((part.max_ms for part in decisions), default=0),
        len(events) == 1 and events[0].final,
    )


def _roll_day(connection: duckdb.DuckDBPyConnection, archive_dir: Path, day: str) -> None:
    _open_views(connection, archive_dir, day)
    midnight = _midnight(day)
    connection.execute(tables.BOUGHT)
    connection.execute(tables.SHELF)
    connection.execute(tables.LED)
    connection.execute(tables.NAMES)
    _describe(connection, midnight)
    for rollup, query in (
        ("traffic", tables.TRAFFIC),
        ("visits", tables.VISITS.replace("$day", str(midnight))),
        ("orders", tables.ORDERS),
        ("top_items", tables.TOP),
        ("items", tables.ITEMS.replace("$day", str(midnight))),
        ("offers", tables.OFFERS),
        ("names", f"SELECT {midnight}::BIGINT AS hour, * FROM described"),
        ("properties", f"SELECT {midnight}::BIGINT AS hour, * FROM described_properties"),
    ):
        replace_day(connection, archive_dir, rollup, day, query)


def _open_views(connection: duckdb.DuckDBPyConnection, archive_dir: Path, day: str) -> None:
    """`happened`: the day's events, each once; `lately`: those of the days before too; `decided`."""
    partition = Partition(archive_dir, EVENTS, day)
    parts = partition.manifest().parts
    source = _scan(EVENTS, partition.paths(parts))
    again = ""
    if not (len(parts) == 1 and parts[0].final):
        # Nearly always there are none, and looking for them reads one column.
        connection.execute(
            f"""CREATE OR REPLACE TEMP TABLE again AS
            WITH twice AS (
                SELECT event_id FROM {source} WHERE event_id IS NOT NULL GROUP BY 1 HAVING count(*) > 1
            )
            SELECT event_id, min((log_ms, log_seq, bucket)) AS first
            FROM {source} WHERE event_id IN (SELECT event_id FROM twice) GROUP BY 1"""
        )
        if connection.execute("SELECT count(*) FROM again").fetchall()[0][0]:
            again = (
                "AND (event_id IS NULL OR event_id NOT IN (SELECT event_id FROM again)"
                " OR (event_id, (log_ms, log_seq, bucket)) IN (SELECT event_id, first FROM again))"
            )
    # Rows written twice by a killed archiver have one event_id too, so `again` finds them as well.
    connection.execute(
        "CREATE OR REPLACE TEMP VIEW happened AS SELECT * REPLACE (coalesce(bot, false) AS bot) "
        f"FROM {source} WHERE NOT coalesce(repeated, false) {again}"
    )
    window = [_before(day, back) for back in range(tables.CLICK_WINDOW_DAYS + 1)]
    paths = [path for one in window for path in Partition(archive_dir, EVENTS, one).paths()]
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW lately AS SELECT * FROM {_scan(EVENTS, paths)} "
        "WHERE NOT coalesce(bot, false)"
    )
    here = Partition(archive_dir, DECISIONS, day).paths()
    earlier = [
        path for one in window[1:] for path in Partition(archive_dir, DECISIONS, one).paths()
    ]  # fmt: skip
    columns = (
        "decision_id, timestamp, slot, variant, holdout, offers, (extra LIKE '%\"bot\":true%') IS TRUE AS bot"
    )
    connection.execute(
        "CREATE OR REPLACE TEMP VIEW decided AS "
        f"SELECT {columns}, true AS today FROM {_scan(DECISIONS, here)} "
        f"UNION ALL SELECT {columns}, false FROM {_scan(DECISIONS, earlier)}"
    )


def _describe(connection: duckdb.DuckDBPyConnection, midnight: int) -> None:
    """Which properties the events of each name carry, of a sample: their names and types, no values."""
    sampled: Counter[tuple[str, str]] = Counter()
    found: dict[tuple[str, str], Counter[tuple[str, str]]] = {}
    for kind, name, properties in connection.execute(tables.SAMPLE).fetchall():
        sampled[kind, name] += 1
        if properties is None:
            continue
        try:
            read = orjson.loads(properties)
        except orjson.JSONDecodeError:
            continue
        if isinstance(read, dict):
            known = found.setdefault((kind, name), Counter())
            for member, value in read.items():
                known[_property_name(member), json_type(value)] += 1
    counts = [(kind, name, count) for (kind, name), count in sampled.items()]
    rows = [
        (kind, name, member, type_, count)
        for (kind, name), known in found.items()
        for (member, type_), count in known.most_common(_MAX_PROPERTIES)
    ]
    connection.execute("CREATE OR REPLACE TEMP TABLE drawn (kind VARCHAR, name VARCHAR, sampled BIGINT)")
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE described_properties "
        "(kind VARCHAR, name VARCHAR, property VARCHAR, type VARCHAR, events BIGINT)"
    )
    _insert(connection, "drawn", counts, 3)
    _insert(connection, "described_properties", rows, 5)
    fields = ", ".join(f"with_{field}" for field in tables.FIELDS)
    connection.execute(
        "CREATE OR REPLACE TEMP VIEW described AS "
        f"SELECT kind, name, events, coalesce(sampled, 0) AS sampled, {fields} "
        "FROM named LEFT JOIN drawn USING (kind, name)"
    )


def _insert(
    connection: duckdb.DuckDBPyConnection, table: str, rows: list[tuple[Any, ...]], width: int
) -> None:
    if rows:
        columns = ", ".join(f"unnest(${number + 1})" for number in range(width))
        connection.execute(
            f"INSERT INTO {table} SELECT {columns}", [list(one) for one in zip(*rows, strict=True)]
        )


def json_type(value: object) -> str:
    """What a value is, in a word that a shop's developer knows."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes or no"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, list):
        return "list"
    if isinstance(value, dict):
        return "object"
    text = str(value)
    if text.startswith(("http://", "https://")):
        return "address"
    return "number as text" if text and text.replace(".", "", 1).isdigit() else "text"


def _property_name(name: str) -> str:
    return "(personal)" if _PERSONAL.search(name) else name[:_MAX_LENGTH].encode("utf-8", "replace").decode()


def _scan(table: str, paths: list[str]) -> str:
    if not paths:
        return f"({empty_select(table)})"
    return f"read_parquet({literals(paths)}, union_by_name=true, hive_partitioning=false)"


def _before(day: str, days: int) -> str:
    return (date.fromisoformat(day) - timedelta(days=days)).isoformat()


def _midnight(day: str) -> int:
    return (date.fromisoformat(day) - date(1970, 1, 1)).days * DAY_MS


def _read_done(archive_dir: Path) -> dict[str, _State]:
    try:
        raw = orjson.loads((archive_dir / FOLDER / DONE).read_bytes())
        if raw["version"] != VERSION:
            return {}
        return {day: _State(**state) for day, state in raw["days"].items()}
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return {}


def _write_done(archive_dir: Path, done: dict[str, _State]) -> None:
    days = {
        day: {name: getattr(state, name) for name in _State.__slots__} for day, state in sorted(done.items())
    }
    (archive_dir / FOLDER).mkdir(parents=True, exist_ok=True)
    content = {"version": VERSION, "written_at": time.time_ns() // 1_000_000, "days": days}
    write_durably(archive_dir / FOLDER / DONE, orjson.dumps(content))
