"""Reads rollups: one statement over the hours asked for, milliseconds instead of seconds."""

from __future__ import annotations

import atexit
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from habitue_warehouse.partitions import literals, partitions
from habitue_warehouse.rollup_tables import HOUR_MS, ROLLUPS
from habitue_warehouse.rollups import table_name
from habitue_warehouse.schema import DAY_MS, day_of

_RETRIES = 5
_NAMED = re.compile(r"\b(?:FROM|JOIN)\s+(\w+)")


@dataclass(frozen=True, slots=True)
class Hours:
    """From `since` up to, not with, `until`: milliseconds; rows count by the hour they begin in."""

    since: int
    until: int

    @classmethod
    def last(cls, hours: int, now: int) -> Hours:
        """The hour that goes on now and those before it."""
        end = now // HOUR_MS * HOUR_MS + HOUR_MS
        return cls(end - hours * HOUR_MS, end)


class RollupReader:
    """Opens what it is asked for and nothing else; may be used from several threads."""

    def __init__(self, archive_dir: Path | str) -> None:
        self.archive_dir = Path(archive_dir)

    def rows(self, sql: str, within: Hours | tuple[Hours, ...], **parameters: Any) -> list[dict[str, Any]]:
        """The rows of one SELECT over the rollups it names, each with the rows of those hours only.

        Parameters are `$name` in the statement. A rollup that holds nothing has no rows.
        """
        spans = within if isinstance(within, tuple) else (within,)
        named = [table for table in dict.fromkeys(_NAMED.findall(sql)) if table in ROLLUPS]
        for attempt in range(_RETRIES):
            given = ", ".join(f"{table} AS ({source(self.archive_dir, table, spans)})" for table in named)
            cursor = _database().cursor()
            try:
                cursor.execute(f"WITH {given} {sql}" if given else sql, parameters or None)
                names = [column[0] for column in cursor.description or ()]
                return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
            except duckdb.IOException:  # replaced and swept between the manifest and the reading
                if attempt == _RETRIES - 1:
                    raise
            finally:
                cursor.close()
        raise AssertionError("unreachable")


@cache
def _database() -> duckdb.DuckDBPyConnection:
    """One for the process: to make one takes longer than most of what is asked of it."""
    atexit.register(_database.cache_clear)  # DuckDB complains of whatever outlives the interpreter
    return duckdb.connect(config={"threads": 2, "memory_limit": "512MB"})


def source(archive_dir: Path, table: str, spans: tuple[Hours, ...] = ()) -> str:
    """A SELECT of one rollup's rows within some hours (none: all), from the files that may hold them."""
    # Nothing happens after it arrived, so earlier days need not even be looked at; one of them to be safe.
    first = day_of(max(0, min((one.since for one in spans), default=0) - DAY_MS), 0)
    paths = [
        str(day.folder / part.name)
        for day in partitions(archive_dir, table_name(table))
        if day.date >= first
        for part in day.manifest().parts
        if not spans or any(part.max_ms >= one.since and part.min_ms < one.until for one in spans)
    ]
    columns = ROLLUPS[table]
    if not paths:
        nothing = ", ".join(f'NULL::{kind} AS "{column}"' for column, kind in columns.items())
        return f"SELECT {nothing} WHERE false"
    where = " OR ".join(f"(hour >= {one.since} AND hour < {one.until})" for one in spans) or "true"
    names = ", ".join(f'"{column}"' for column in columns)
    return (
        f"SELECT {names} FROM read_parquet({literals(paths)}, union_by_name=true, hive_partitioning=false) "
        f"WHERE {where}"
    )


def view(archive_dir: Path, table: str, name: str) -> str:
    """The statement that makes a view of a whole rollup, as it is now."""
    return f"CREATE OR REPLACE VIEW {name} AS {source(archive_dir, table)}"
