"""The table that models are fitted from: what one person did with one item at one time.

Both readers, of a file of sessions and of the archive, fill the same table `rows`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from habitue_recommender.kinds import KINDS, PURCHASE

# `place` and `line` put events of equal times, and the items of one event, in order.
_NO_ROWS = """
CREATE TEMP TABLE rows (session_id VARCHAR, order_id VARCHAR, person VARCHAR, item_id VARCHAR,
    category VARCHAR, kind UTINYINT, ms BIGINT, place BIGINT, line BIGINT)
"""


class InvalidData(ValueError):
    """The data cannot be read as interactions; the text says what to do about it."""


@contextmanager
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with TemporaryDirectory(prefix="habitue-") as spill, duckdb.connect() as db:
        # The archive may be larger than memory; DuckDB then works on disk.
        db.execute(f"SET memory_limit = '4GB'; SET temp_directory = '{spill}'; SET TimeZone = 'UTC'")
        yield db


def of_file(db: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Fill `rows` from a Parquet or CSV file. Raises `InvalidData`."""
    if not path.is_file():
        raise InvalidData(f"{path}: there is no such file")
    csv = path.suffix.lower() in {".csv", ".tsv", ".txt", ".gz"}
    # Everything in a CSV is read as text: the id 007 is not 7.
    source = "read_csv(?, all_varchar = true)" if csv else "read_parquet(?)"
    try:
        types = _types(db, source, str(path))
        missing = [name for name in ("session_id", "item_id", "timestamp") if name not in types]
        if missing:
            present = ", ".join(types) or "none"
            raise InvalidData(f"{path}: column {' and '.join(missing)} is missing; there is {present}")
        db.execute(_of_file(types, source), [str(path)])
    except duckdb.Error as error:
        raise InvalidData(f"{path}: {_first_line(error)}") from error
    unreadable = db.execute("DELETE FROM rows WHERE session_id IS NULL OR item_id IS NULL OR ms IS NULL")
    deleted, left = unreadable.fetchone(), db.execute("SELECT count(*) FROM rows").fetchone()
    if deleted and deleted[0] and left == (0,):
        raise InvalidData(f"{path}: no row has a session, an item and a time that can be read")


def of_archive(db: duckdb.DuckDBPyConnection, archive_dir: Path, since: int, until: int) -> None:
    """Fill `rows` from the archive's events; times in ms. Raises `InvalidData`."""
    files = sorted(str(path) for path in archive_dir.glob("events/date=*/*.parquet"))
    source = "read_parquet($1, union_by_name = true, hive_partitioning = true)"
    try:
        types = _types(db, source, files) if files else {}
        # Where no event ever had items, there is no such column, or one without a structure.
        if "item_id" in types.get("items", ""):
            db.execute(_of_archive(types, source), [files, list(KINDS), since, until])
        else:
            db.execute(_NO_ROWS)
    except duckdb.Error as error:
        raise InvalidData(f"{archive_dir}: the archive cannot be read: {_first_line(error)}") from error


def _of_file(types: dict[str, str], source: str) -> str:
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
        {_milliseconds("timestamp", types)} AS ms, row_number() OVER () AS place, 0::BIGINT AS line
    FROM {source}"""


def _of_archive(types: dict[str, str], source: str) -> str:
    def column(name: str, of_type: str) -> str:
        return f'"{name}"' if name in types else f"NULL::{of_type}"

    category = "item.category" if "category" in types["items"] else "NULL"
    told_by = column("profile_id", "VARCHAR")
    return f"""
    CREATE TEMP TABLE rows AS
    WITH events AS (
        SELECT {column("session_id", "VARCHAR")} AS session_id, {column("order_id", "VARCHAR")} AS order_id,
            {told_by} AS person, items, kind, "timestamp" AS ms,
            event_id, {column("log_ms", "BIGINT")} AS log_ms, {column("log_seq", "BIGINT")} AS log_seq
        FROM {source}
        WHERE list_contains($2, kind) AND "timestamp" >= $3 AND "timestamp" < $4
            AND coalesce({column("kept", "VARCHAR")}, '') = ''
            AND NOT coalesce({column("bot", "BOOLEAN")}, false)
        QUALIFY row_number() OVER (PARTITION BY event_id ORDER BY log_ms, log_seq) = 1
    ), told AS (  -- an order reported twice: the report that names most items
        SELECT * FROM events WHERE kind <> 'purchase'
        UNION ALL
        SELECT * FROM events WHERE kind = 'purchase'
        QUALIFY row_number() OVER (
            PARTITION BY coalesce(order_id, event_id) ORDER BY len(items) DESC, ms, event_id) = 1
    ), lines AS (
        SELECT * EXCLUDE (items), unnest(items) AS item, generate_subscripts(items, 1) AS line FROM told
    )
    SELECT session_id, CASE WHEN kind = 'purchase' THEN coalesce(order_id, event_id) END AS order_id, person,
        item.item_id::VARCHAR AS item_id, {category}::VARCHAR AS category,
        (list_position($2, kind) - 1)::UTINYINT AS kind, ms,
        row_number() OVER (ORDER BY ms, log_ms, log_seq, event_id) AS place, line
    FROM lines WHERE item.item_id IS NOT NULL AND item.item_id::VARCHAR <> ''"""


def _types(db: duckdb.DuckDBPyConnection, source: str, argument: str | list[str]) -> dict[str, str]:
    described = db.execute(f"DESCRIBE SELECT * FROM {source}", [argument]).fetchall()
    return {name: of_type for name, of_type, *_ in described}


def _text(name: str, types: dict[str, str]) -> str:
    if types[name] in {"DOUBLE", "FLOAT"}:  # integers that a missing value turned into floats
        return (
            f'CASE WHEN "{name}" = floor("{name}") THEN "{name}"::BIGINT::VARCHAR ELSE "{name}"::VARCHAR END'
        )
    return f"nullif(\"{name}\"::VARCHAR, '')"


def _milliseconds(name: str, types: dict[str, str]) -> str:
    if types[name].startswith(("TIMESTAMP", "DATE")):
        return f'epoch_ms("{name}"::TIMESTAMPTZ)'
    number = f'try_cast("{name}" AS DOUBLE)'
    # 10^11 is the year 1973 in milliseconds and 5138 in seconds.
    told = f"try_cast(round(CASE WHEN {number} >= 1e11 THEN {number} ELSE {number} * 1000 END) AS BIGINT)"
    if types[name] == "VARCHAR":
        return f'coalesce({told}, epoch_ms(try_cast("{name}" AS TIMESTAMPTZ)))'
    return told


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
