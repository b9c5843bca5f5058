"""The table that models are fitted from: what one person did with one item at one time.

Both readers, of a file of sessions and of the archive, make the same table `rows`: `session_id, order_id,
person, item_id, category, kind, ms, place, line`. `place` and `line` put events of equal times, and the
items of one event, in order.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from habitue_collector.order_lines import LINE
from habitue_recommender.kinds import KINDS, PURCHASE
from habitue_warehouse.sql import connect

_MOST_MEMORY, _LEAST_MEMORY = 4_000, 500  # MB


def _memory() -> str:
    """What DuckDB may take, a quarter of the machine's; beyond that it works on disk."""
    try:
        machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1_000_000
    except (ValueError, OSError):  # a system that does not say
        machine = 4 * _MOST_MEMORY
    return f"{min(_MOST_MEMORY, max(_LEAST_MEMORY, machine // 4))}MB"


MEMORY = _memory()
_RETRIES = 3

_log = logging.getLogger(__name__)


class InvalidData(ValueError):
    """The data cannot be read as interactions; the text says what is wrong with it."""


@contextmanager
def of_file(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database with `rows` from a Parquet or CSV file. Raises `InvalidData`."""
    with TemporaryDirectory(prefix="habitue-") as spill, duckdb.connect() as db:
        try:
            db.execute(f"SET memory_limit = '{MEMORY}'; SET temp_directory = '{spill}'; SET TimeZone = 'UTC'")
            readings = _readings(db, path, _SESSION_COLUMNS)
            missing = [name for name in _SESSION_COLUMNS if name not in readings[0][0]]
            if missing:
                present = ", ".join(readings[0][0]) or "none"
                raise InvalidData(f"{path}: column {' and '.join(missing)} is missing; there is {present}")
            _read(db, path, readings)
            _whole_numbers(db)
        except duckdb.Error as error:
            raise InvalidData(f"{path}: {_first_line(error)}") from error
        _complete(db, path)
        yield db


@contextmanager
def of_orders(
    path: Path, since: int = 0, until: int = 2**62, catalog: Path | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database with `rows` from a file of order lines; orders are whole, from `since` to before `until`.

    Columns may be called as `_ORDER_COLUMNS` says; `catalog` is a file that names the items' categories.
    Raises `InvalidData`.
    """
    with TemporaryDirectory(prefix="habitue-") as spill, duckdb.connect() as db:
        try:
            db.execute(f"SET memory_limit = '{MEMORY}'; SET temp_directory = '{spill}'; SET TimeZone = 'UTC'")
            types, source = _described(db, path)
            names = {word: _named(word, types, path) for word in _ORDER_COLUMNS}
            dated = _dated(db, path, source, names["timestamp"], types)
            category = "NULL::VARCHAR"
            if "category" in types:
                category = '"category"::VARCHAR'
            db.execute("CREATE TEMP TABLE kinds (item_id VARCHAR, path VARCHAR)")
            if catalog is not None:
                of_catalog, listed = _described(db, catalog)
                item = _named("item_id", of_catalog, catalog)
                parts = [name for name in _CATEGORY_COLUMNS if name in of_catalog]
                if not parts:
                    raise InvalidData(f"{catalog}: there is no column {' or '.join(_CATEGORY_COLUMNS)}")
                told = ", ".join(f'"{name}"' for name in parts)
                db.execute(
                    f"INSERT INTO kinds SELECT {_text(item, of_catalog)}, any_value(concat_ws('/', {told}))"
                    f" FROM {listed} GROUP BY 1",
                    [str(catalog)],
                )
            db.execute(
                f"""CREATE TEMP TABLE rows AS
                WITH lines AS (
                    SELECT {_text(names["order_id"], types)} AS order_id,
                        {_text(names["user_id"], types)} AS person,
                        {_text(names["item_id"], types)} AS item_id,
                        {category} AS category, {_milliseconds(names["timestamp"], types, dated)} AS line_ms
                    FROM {source}
                ), whole AS (
                    SELECT * EXCLUDE (line_ms), min(line_ms) OVER (PARTITION BY order_id) AS ms FROM lines
                    WHERE order_id IS NOT NULL AND item_id IS NOT NULL AND line_ms IS NOT NULL
                )
                SELECT DISTINCT NULL::VARCHAR AS session_id, order_id, person, item_id,
                    coalesce(path, category) AS category, {PURCHASE}::UTINYINT AS kind, ms,
                    0::BIGINT AS place, 0::BIGINT AS line
                FROM whole LEFT JOIN kinds USING (item_id) WHERE ms >= {int(since)} AND ms < {int(until)}""",
                [str(path)],
            )
        except duckdb.Error as error:
            raise InvalidData(f"{path}: {_first_line(error)}") from error
        yield db


_ORDER_COLUMNS = {
    "order_id": ("order_id", "basket_id", "transaction_id", "invoice", "session_id"),
    "user_id": ("user_id", "visitor_id", "customer_id", "household_id"),
    "item_id": ("item_id", "product_id", "sku"),
    "timestamp": ("timestamp", "transaction_timestamp", "ordered_at", "date"),
}
_CATEGORY_COLUMNS = ("category", "department", "product_category", "product_type")


_SESSION_COLUMNS = ("session_id", "item_id", "timestamp")
_CSV = (  # how a CSV is read; the next one when the columns that are needed are not there
    "all_varchar = true",  # as text: the id 007 is not 7
    "all_varchar = true, header = true, null_padding = true, parallel = false",  # lines of unequal length
)
_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_PACKED = {b"\x1f\x8b": "gzip", b"\x28\xb5": "zstd"}


def _described(db: duckdb.DuckDBPyConnection, path: Path) -> tuple[dict[str, str], str]:
    """The columns of a file with their types, and how to read it with its path as the parameter."""
    return _readings(db, path, ())[0]


def _readings(
    db: duckdb.DuckDBPyConnection, path: Path, wanted: tuple[str, ...]
) -> list[tuple[dict[str, str], str]]:
    """Ways to read a file that find the columns that are wanted, or the first that finds any.

    What a file is, its first bytes say and not its name. Raises `InvalidData` or `duckdb.Error`.
    """
    try:
        with open(path, "rb") as file:
            first = file.read(4)
    except FileNotFoundError:
        raise InvalidData(f"{path}: there is no such file") from None
    except OSError as error:
        raise InvalidData(f"{path}: {error.strerror or error}") from None
    if not first:
        raise InvalidData(f"{path}: the file is empty")
    if first == b"PK\x03\x04":
        raise InvalidData(f"{path}: a spreadsheet or an archive; save what is in it as CSV or Parquet")
    sources = ["read_parquet($1)"]
    if first != b"PAR1":
        encoding = _MARKS.get(first[:2], "utf-8")
        packed = f"compression = '{_PACKED.get(first[:2], 'none')}'"
        sources = [f"read_csv($1, {options}, {packed}, encoding = '{encoding}')" for options in _CSV]
        sources.append(f"read_csv($1, {_CSV[0]}, {packed}, encoding = 'latin-1')")  # of old spreadsheets
    found: list[tuple[dict[str, str], str]] = []
    errors: list[duckdb.Error] = []
    for source in sources:
        try:
            described = db.execute(f"DESCRIBE SELECT * FROM {source}", [str(path)]).fetchall()
        except duckdb.Error as error:
            errors.append(error)
            continue
        found.append(({name.strip().lower(): of_type for name, of_type, *_ in described}, source))
    if not found:
        raise errors[0]
    return [one for one in found if all(name in one[0] for name in wanted)] or found[:1]


def _read(db: duckdb.DuckDBPyConnection, path: Path, readings: list[tuple[dict[str, str], str]]) -> None:
    """Make the table; what stands far down in a file may need another way of reading than its beginning."""
    errors: list[duckdb.Error] = []
    for types, source in readings:
        try:
            dated = _dated(db, path, source, "timestamp", types)
            db.execute(_of_file(types, source, dated), [str(path)])
        except duckdb.Error as error:
            errors.append(error)
        else:
            return
    raise errors[0]


def _whole_numbers(db: duckdb.DuckDBPyConnection) -> None:
    """Ids that a missing value turned into floats before they were written as text: 12.0 is 12."""
    for name in ("item_id", "person"):
        (floats,) = db.execute(
            f"SELECT coalesce(bool_and(regexp_full_match({name}, '-?[0-9]+[.]0')), false)"
            f" FROM (SELECT DISTINCT {name} FROM rows WHERE {name} IS NOT NULL)"
        ).fetchone() or (False,)
        if floats:
            db.execute(f"UPDATE rows SET {name} = {name}[:-3]")


def _complete(db: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Rows without a session, an item or a time are passed over, and counted. Raises `InvalidData`."""
    counted = db.execute("SELECT count(*), count(session_id), count(item_id), count(ms) FROM rows").fetchone()
    rows, *present = counted or (0, 0, 0, 0)
    db.execute("DELETE FROM rows WHERE session_id IS NULL OR item_id IS NULL OR ms IS NULL")
    (left,) = db.execute("SELECT count(*) FROM rows").fetchone() or (0,)
    if left == rows:
        return
    lacking = [
        f"{name} in {rows - there}"
        for name, there in zip(_SESSION_COLUMNS, present, strict=True)
        if there < rows
    ]
    said = f"cannot be read or is missing: {', '.join(lacking)} of {rows} rows"
    if not left:
        raise InvalidData(f"{path}: no row has a session, an item and a time that can be read; {said}")
    _log.warning("%s: %s, which are passed over", path, said)


def _named(word: str, types: dict[str, str], path: Path) -> str:
    """What the file calls a column. Raises `InvalidData`."""
    for name in _ORDER_COLUMNS[word]:
        if name in types:
            return name
    raise InvalidData(f"{path}: column {word} is missing; there is {', '.join(types) or 'none'}")


@contextmanager
def of_archive(archive_dir: Path, since: int, until: int) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database with `rows` from the archive's events; times in ms. Raises `InvalidData`."""
    for attempt in range(_RETRIES):
        try:
            db = connect(archive_dir, memory_limit=MEMORY, locked=False)
        except (duckdb.Error, OSError) as error:
            raise InvalidData(f"{archive_dir}: the archive cannot be read: {_first_line(error)}") from error
        with db:
            try:
                db.execute(_OF_ARCHIVE, [list(KINDS), since, until])
            except duckdb.IOException:
                # A part was replaced between the making of the views and the reading: look again.
                if attempt < _RETRIES - 1:
                    continue
                raise
            except duckdb.Error as error:
                raise InvalidData(f"{archive_dir}: {_first_line(error)}") from error
            yield db
            return


def _of_file(types: dict[str, str], source: str, dated: str) -> str:
    person = '"visitor_id"::VARCHAR' if "visitor_id" in types else "NULL"
    event = 'lower("event"::VARCHAR)' if "event" in types else "''"
    purchase = f"{event} IN ('purchase', 'order', 'transaction', 'buy')"
    return f"""
    CREATE TEMP TABLE rows AS
    SELECT {_text("session_id", types)} AS session_id,
        CASE WHEN {purchase} THEN {_text("session_id", types)} END AS order_id,
        {person} AS person, {_text("item_id", types)} AS item_id, NULL::VARCHAR AS category,
        CASE WHEN {purchase} THEN {PURCHASE} WHEN {event} IN ('add_to_cart', 'addtocart', 'cart') THEN 2
             WHEN {event} IN ('product_click', 'click') THEN 1 ELSE 0 END::UTINYINT AS kind,
        {_milliseconds("timestamp", types, dated)} AS ms, row_number() OVER () AS place, 0::BIGINT AS line
    FROM {source}"""


# The view counts each event once. An order may still be reported by several events.
_OF_ARCHIVE = f"""
CREATE TEMP TABLE rows AS
WITH told AS (
    SELECT * FROM events
    WHERE (list_contains($1, kind) OR (kind = 'custom' AND name = '{LINE}' AND order_id IS NOT NULL))
        AND "timestamp" >= $2 AND "timestamp" < $3
        AND coalesce(kept, '') = '' AND NOT bot
), ordered AS (
    SELECT * FROM told WHERE kind = 'purchase'
    QUALIFY row_number() OVER (  -- the report that names most items
        PARTITION BY coalesce(order_id, event_id) ORDER BY len(items) DESC NULLS LAST, log_ms, log_seq) = 1
), once AS (
    SELECT * FROM told WHERE kind NOT IN ('purchase', 'custom')
    UNION ALL
    SELECT * FROM ordered
    UNION ALL  -- the lines of orders of which no report names an item
    SELECT * REPLACE ('purchase' AS kind) FROM told WHERE kind = 'custom' AND len(items) > 0
        AND order_id NOT IN (SELECT order_id FROM ordered WHERE order_id IS NOT NULL AND len(items) > 0)
    QUALIFY row_number() OVER (PARTITION BY order_id, items[1].item_id ORDER BY log_ms, log_seq) = 1
), lines AS (
    SELECT * EXCLUDE (items), unnest(items) AS item, generate_subscripts(items, 1) AS line FROM once
)
SELECT session_id, CASE WHEN kind = 'purchase' THEN coalesce(order_id, event_id) END AS order_id,
    profile_id AS person, item.item_id AS item_id, item.category AS category,
    (list_position($1, kind) - 1)::UTINYINT AS kind, "timestamp" AS ms,
    row_number() OVER (ORDER BY "timestamp", log_ms, log_seq, event_id) AS place, line
FROM lines WHERE item.item_id <> ''
"""


def _text(name: str, types: dict[str, str]) -> str:
    if types[name] in {"DOUBLE", "FLOAT"}:  # integers that a missing value turned into floats
        whole = f'CASE WHEN "{name}" = floor("{name}") THEN try_cast("{name}" AS BIGINT)::VARCHAR END'
        return f'CASE WHEN isfinite("{name}") THEN coalesce({whole}, "{name}"::VARCHAR) END'
    return f"nullif(\"{name}\"::VARCHAR, '')"


def _dated(db: duckdb.DuckDBPyConnection, path: Path, source: str, name: str, types: dict[str, str]) -> str:
    """How a file writes its dates: with dots, or with slashes, day or month first as all of it says."""
    if types[name] != "VARCHAR":
        return ""
    one = db.execute(
        f'SELECT "{name}" FROM {source} WHERE "{name}" IS NOT NULL LIMIT 1', [str(path)]
    ).fetchone()
    if one is None or one[0].count("/") != 2:
        return "%d.%m.%Y"
    parts = ", ".join(f"max(try_cast(split_part(\"{name}\", '/', {part}) AS INTEGER))" for part in (1, 2))
    first, second = db.execute(f"SELECT {parts} FROM {source}", [str(path)]).fetchone() or (None, None)
    return "%m/%d/%Y" if (second or 0) > 12 >= (first or 0) else "%d/%m/%Y"


def _milliseconds(name: str, types: dict[str, str], dated: str) -> str:
    if types[name].startswith(("TIMESTAMP", "DATE")):
        return f'epoch_ms("{name}"::TIMESTAMPTZ)'
    text = f"replace(\"{name}\", ',', '.')" if types[name] == "VARCHAR" else f'"{name}"'
    number = f"try_cast({text} AS DOUBLE)"
    # 10^11 is the year 1973 in milliseconds and 5138 in seconds; the same for micro- and nanoseconds.
    told = (
        f"try_cast(round(CASE WHEN {number} < 1e11 THEN {number} * 1000 WHEN {number} < 1e14 THEN {number}"
        f" WHEN {number} < 1e17 THEN {number} / 1e3 WHEN {number} < 1e20 THEN {number} / 1e6 END) AS BIGINT)"
    )
    if types[name] == "VARCHAR":
        times = (" %H:%M:%S", " %H:%M", "", " %I:%M:%S %p", " %I:%M %p")
        written = ", ".join(f"'{dated}{time}'" for time in times)
        return (
            f'coalesce({told}, epoch_ms(try_cast("{name}" AS TIMESTAMPTZ)),'
            f' epoch_ms(try_strptime("{name}", [{written}])))'
        )
    return told


def _first_line(error: Exception) -> str:
    """Of DuckDB's many lines the one that says what is wrong; of a CSV also where."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    if lines and "CSV Error on Line" in lines[0]:
        return ". ".join(
            [lines[0], *(line for line in lines[1:] if not line.startswith("Original Line"))][:2]
        )
    return lines[0] if lines else type(error).__name__
