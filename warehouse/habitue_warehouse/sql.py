"""SQL over the archive: DuckDB with a view per table.

| view | rows |
|---|---|
| `events` | each event once (by `event_id`); `bot` and `counted` are never NULL |
| `events_raw` | each log entry once, repeats included: what a replay reads |
| `decisions`, `moves` | each once |
| `profiles` | the daily snapshots: `date`, `profile_id`, a few columns, and `record` as JSON |
| `rollup_traffic`, `rollup_orders`, … | the hourly sums (`rollup_tables`) |

All have `date`, the UTC day; a condition on it reads only those days. The views list the files that lived
when they were made; what compaction or an erasure replaced since then is gone after a while, so a
connection is for one piece of work, not for a week.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal, TextIO

import duckdb
import orjson

from habitue_warehouse.partitions import literals, open_duckdb, partitions
from habitue_warehouse.rollup_reader import view as rollup_view
from habitue_warehouse.rollup_tables import ROLLUPS
from habitue_warehouse.schema import EVENTS, IDENTITY, TABLES, empty_select

Format = Literal["table", "csv", "json"]
_EXPLAIN = re.compile(r"\s*EXPLAIN\s+(?:ANALYZE\s+)?(.*)", re.IGNORECASE | re.DOTALL)
_RETRIES = 10


class QueryRefused(ValueError):
    """The statement is none that only reads, or DuckDB did not take it; the text says why."""


def connect(
    archive_dir: Path | str,
    *,
    memory_limit: str = "1GB",
    threads: int = 2,
    locked: bool = True,
    rollups: bool = False,
) -> duckdb.DuckDBPyConnection:
    """A DuckDB with the views over what the archive holds now.

    Unless `locked` is False, it reaches nothing outside the archive's folder, and its settings cannot be
    changed. It is no guard against one's own `COPY … TO` into the archive; `run_sql` is. The views of the
    rollups are there when asked for: they open many small files.
    """
    archive_dir = Path(archive_dir).resolve()
    connection = open_duckdb(archive_dir, memory_limit, threads)
    for table in TABLES:
        for attempt in range(_RETRIES):
            try:
                _create_views(connection, archive_dir, table)
                break
            except duckdb.IOException:
                # A part was replaced between manifest and view: look again.
                if attempt == _RETRIES - 1:
                    connection.close()
                    raise
    for rollup in ROLLUPS if rollups else ():
        connection.execute(rollup_view(archive_dir, rollup, f"rollup_{rollup}"))
    if locked:
        connection.execute(f"SET allowed_directories = {literals([str(archive_dir) + '/'])}")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
    return connection


def query(archive_dir: Path | str, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows of one reading statement. Raises QueryRefused."""
    for attempt in range(_RETRIES):
        connection = connect(archive_dir, rollups="rollup_" in sql.lower())
        try:
            statements = connection.extract_statements(sql)
            if len(statements) != 1:
                few = "there is no statement" if not statements else "one statement at a time, please"
                raise QueryRefused(few)
            if not _only_reads(connection, statements[0]):
                raise QueryRefused(f"only statements that read are taken, not {statements[0].type.name}")
            cursor = connection.execute(statements[0])
            names = [column[0] for column in cursor.description or ()]
            return names, cursor.fetchall()
        except duckdb.IOException:
            # A part was replaced between the making of the views and the reading: look again.
            if attempt == _RETRIES - 1:
                raise
        except duckdb.Error as error:
            raise QueryRefused(str(error)) from error
        finally:
            connection.close()
    raise AssertionError("unreachable")


def _only_reads(connection: duckdb.DuckDBPyConnection, statement: duckdb.Statement) -> bool:
    if statement.type == duckdb.StatementType.SELECT:
        return True
    # EXPLAIN ANALYZE does what it explains: that must be a SELECT too.
    explained = _EXPLAIN.fullmatch(statement.query)
    if statement.type != duckdb.StatementType.EXPLAIN or explained is None:
        return False
    inner = connection.extract_statements(explained[1])
    return len(inner) == 1 and inner[0].type == duckdb.StatementType.SELECT


def run_sql(archive_dir: Path | str, sql: str, format: Format = "table", out: TextIO | None = None) -> int:
    """Prints the rows of one statement as a table, CSV or JSON (an array of objects); returns how many."""
    names, rows = query(archive_dir, sql)
    _WRITERS[format](names, rows, out or sys.stdout)
    return len(rows)


def prompt(
    archive_dir: Path | str,
    read: Callable[[str], str] = input,
    out: TextIO | None = None,
    format: Format = "table",
) -> None:
    """Asks for statements (each ends with a semicolon) until the input ends or `exit` is said."""
    out = out or sys.stdout
    out.write(
        "SQL over events, events_raw, decisions, moves, profiles. End a statement with ; leave with exit.\n"
    )
    lines: list[str] = []
    while True:
        try:
            line = read("sql> " if not lines else "  -> ")
        except EOFError:
            return
        except KeyboardInterrupt:
            lines.clear()
            out.write("\n")
            continue
        if not lines and line.strip().rstrip(";").lower() in {"exit", "quit", ".exit", ".quit"}:
            return
        lines.append(line)
        if not line.rstrip().endswith(";"):
            continue
        statement = "\n".join(lines)
        lines.clear()
        if not statement.strip("; \n\t"):
            continue
        try:
            count = run_sql(archive_dir, statement, format, out)
            out.write(f"{count} row{'' if count == 1 else 's'}\n")
        except (QueryRefused, duckdb.Error) as error:
            out.write(f"{error}\n")


def _create_views(connection: duckdb.DuckDBPyConnection, archive_dir: Path, table: str) -> None:
    days = [(day, day.manifest().parts) for day in partitions(archive_dir, table)]
    final = [day for day, parts in days if len(parts) == 1 and parts[0].final]
    open_ = [day for day, parts in days if parts and day not in final]
    pinned = {day: day.paths(parts) for day, parts in days}
    if table != EVENTS:
        once = _union(
            table,
            _scan([p for d in final for p in pinned[d]]),
            _once(table, [p for d in open_ for p in pinned[d]]),
        )
        connection.execute(f"CREATE OR REPLACE VIEW {table} AS {once}")
        return
    raw = _union(
        table,
        _scan([p for d in final for p in pinned[d]]),
        _once(table, [p for d in open_ for p in pinned[d]]),
    )
    connection.execute(f"CREATE OR REPLACE VIEW events_raw AS SELECT * EXCLUDE (repeated) FROM ({raw})")
    # A repeat may lie on the other side of midnight: the day before an open day is looked at with it.
    beside = {(date.fromisoformat(day.date) - timedelta(days=1)).isoformat() for day in open_}
    searched = open_ + [day for day in final if day.date in beside]
    marked = [day for day in final if day.date not in beside]
    first_of_each = ""
    if searched:
        first_of_each = (
            f"SELECT * FROM ({_once(EVENTS, [p for d in searched for p in pinned[d]])}) "
            "QUALIFY NOT coalesce(repeated, false) AND (event_id IS NULL OR row_number() OVER "
            "(PARTITION BY event_id ORDER BY log_ms, log_seq, bucket) = 1)"
        )
    known = _scan([p for d in marked for p in pinned[d]])
    unmarked = f"SELECT * FROM ({known}) WHERE NOT coalesce(repeated, false)" if known else ""
    connection.execute(
        "CREATE OR REPLACE VIEW events AS SELECT * EXCLUDE (repeated) REPLACE (coalesce(bot, false) AS bot), "
        f"coalesce(kept = 'counted', false) AS counted FROM ({_union(EVENTS, unmarked, first_of_each)})"
    )


def _scan(paths: list[str]) -> str:
    if not paths:
        return ""
    return f"SELECT * FROM read_parquet({literals(paths)}, union_by_name=true, hive_partitioning=true)"


def _once(table: str, paths: list[str]) -> str:
    """Rows without those written twice. With `date` in the key, conditions on it reach the files."""
    if not paths:
        return ""
    return f"{_scan(paths)} QUALIFY row_number() OVER (PARTITION BY date, {IDENTITY[table]}) = 1"


def _union(table: str, *queries: str) -> str:
    # The empty query first: it gives the columns their names, order and types whatever older parts have.
    empty = empty_select(table).replace(" WHERE false", ", NULL::DATE AS date WHERE false")
    return " UNION ALL BY NAME ".join(f"({query})" for query in (empty, *queries) if query)


def _write_table(names: list[str], rows: list[tuple[Any, ...]], out: TextIO) -> None:
    from rich.console import Console  # takes 60 ms to import: only when somebody looks
    from rich.table import Table
    from rich.text import Text

    table = Table(*names)
    for row in rows:
        table.add_row(*(Text("" if value is None else str(value)) for value in row))
    Console(file=out, width=None if out.isatty() else 200).print(table)


def _write_csv(names: list[str], rows: list[tuple[Any, ...]], out: TextIO) -> None:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([_plain(value) if isinstance(value, list | dict) else value for value in row])


def _write_json(names: list[str], rows: list[tuple[Any, ...]], out: TextIO) -> None:
    objects = [dict(zip(names, row, strict=True)) for row in rows]
    out.write(orjson.dumps(objects, default=str, option=orjson.OPT_INDENT_2).decode() + "\n")


def _plain(value: Any) -> str:
    return orjson.dumps(value, default=str).decode()


_WRITERS: dict[Format, Callable[[list[str], list[tuple[Any, ...]], TextIO], None]] = {
    "table": _write_table,
    "csv": _write_csv,
    "json": _write_json,
}
