"""Past orders from CSV or Parquet, one line per item, as purchase events in the order of time.

DuckDB reads and sorts (on disk when it must), Python sees one order at a time. The `event_id` is made of
the `order_id`, so the same file imported twice changes nothing.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import duckdb

from habitue_collector.events import (
    EARLIEST,
    MAX_ID_LENGTH,
    MAX_ITEMS_PER_EVENT,
    MAX_TEXT_LENGTH,
    Event,
    Item,
    Kind,
)
from habitue_warehouse.partitions import literal

# What each column may be called, in small letters; the first one found is taken.
ACCEPTED: dict[str, tuple[str, ...]] = {
    "order_id": ("order_id", "order", "order_number", "transaction_id", "basket_id", "invoice", "invoiceno"),
    "user_id": ("user_id", "customer_id", "household_id", "customer", "customerid"),
    "anonymous_id": ("anonymous_id", "visitor_id", "client_id", "device_id"),
    "timestamp": (
        "timestamp",
        "transaction_timestamp",
        "ordered_at",
        "created_at",
        "order_date",
        "date",
        "time",
    ),
    "item_id": ("item_id", "product_id", "sku", "article_id", "stockcode"),
    "quantity": ("quantity", "qty", "units", "amount"),
    "price": ("price", "unit_price", "item_price", "unitprice"),
    "line_value": ("line_value", "sales_value", "line_total", "line_price"),
    "currency": ("currency", "currency_code"),
    "name": ("name", "item_name", "product_name", "title", "description"),
    "category": ("category", "product_category", "product_type"),
    "brand": ("brand", "product_brand"),
}
REQUIRED = ("order_id", "timestamp", "item_id")
_TEXTS = ("user_id", "anonymous_id", "currency", "name", "category", "brand")
_NUMBERS = ("quantity", "price", "line_value")
_FETCH = 20_000


class MissingColumns(ValueError):
    """The table lacks what an order needs; the text says which columns, and what they may be called."""


class OrdersError(ValueError):
    """The file cannot be read as a table; the text says why."""


@dataclass(slots=True)
class OrdersReport:
    """What was read, and the lines that were left out by reason."""

    orders: int = 0
    lines: int = 0
    problems: Counter[str] = field(default_factory=Counter)


def read_orders(
    path: Path | str,
    mapping: Mapping[str, str] | None = None,
    *,
    currency: str | None = None,
    source: str = "import",
    report: OrdersReport | None = None,
    memory_limit: str = "512MB",
) -> Iterator[Event]:
    """One purchase per order, oldest first; `received_at` is its own time, as if it had been seen then.

    `mapping` says which column is which: `{"order_id": "Bestellnummer"}`. `currency` stands in where the
    table names none. Times may be timestamps, dates, ISO 8601 (UTC unless they say otherwise), or
    seconds or milliseconds since 1970. Lines without order, time or item, and returns (quantity 0 or
    less), are left out and counted in `report`. Raises MissingColumns and OrdersError before the first event.
    """
    report = report if report is not None else OrdersReport()
    connection, scratch = _open(memory_limit)
    try:
        table = _table(connection, Path(path))
        columns = _columns(connection, table, Path(path).name, dict(mapping or {}))
        _prepare(connection, table, columns, report)
    except duckdb.Error as error:
        connection.close()
        scratch.cleanup()
        raise OrdersError(f"{Path(path).name} cannot be read: {str(error).splitlines()[0]}") from error
    except BaseException:
        connection.close()
        scratch.cleanup()
        raise
    return _events(connection, scratch, currency, source, report)


def _open(memory_limit: str) -> tuple[duckdb.DuckDBPyConnection, tempfile.TemporaryDirectory[str]]:
    scratch = tempfile.TemporaryDirectory(prefix="habitue-orders-")
    connection = duckdb.connect(
        str(Path(scratch.name) / "orders.duckdb"),
        config={"memory_limit": memory_limit, "threads": 2, "temp_directory": scratch.name},
    )
    connection.execute("SET TimeZone = 'UTC'")
    return connection, scratch


def _table(connection: duckdb.DuckDBPyConnection, path: Path) -> str:
    if not path.is_file():
        raise OrdersError(f"there is no file {path}")
    with open(path, "rb") as file:
        parquet = file.read(4) == b"PAR1"
    if parquet:
        return f"read_parquet({literal(path)})"
    # Everything as text: 00123 is an order's name, not a number.
    options = "header = true, all_varchar = true, ignore_errors = true, store_rejects = true"
    return f"read_csv({literal(path)}, {options})"


def _columns(
    connection: duckdb.DuckDBPyConnection, table: str, name: str, mapping: dict[str, str]
) -> dict[str, tuple[str, str]]:
    """Our name → the column's name and type."""
    unknown = sorted(mapping.keys() - ACCEPTED.keys())
    if unknown:
        raise MissingColumns(f"the mapping names {', '.join(unknown)}; there are {', '.join(ACCEPTED)}")
    described = connection.execute(f"DESCRIBE SELECT * FROM {table}").fetchall()
    there = {str(row[0]).strip().lower(): (str(row[0]), str(row[1])) for row in described}
    found: dict[str, tuple[str, str]] = {}
    for ours, names in ACCEPTED.items():
        wanted = (mapping[ours].strip().lower(),) if ours in mapping else names
        match = next((there[candidate] for candidate in wanted if candidate in there), None)
        if match is not None:
            found[ours] = match
        elif ours in mapping:
            raise MissingColumns(f"{name} has no column {mapping[ours]!r}, which was to be {ours}")
    missing = [ours for ours in REQUIRED if ours not in found]
    needs = [f"{ours} (or {', '.join(ACCEPTED[ours][1:])})" for ours in missing]
    if "user_id" not in found and "anonymous_id" not in found:
        needs.append(f"user_id or anonymous_id (or {', '.join(ACCEPTED['user_id'][1:])})")
    if needs:
        has = ", ".join(column for column, _ in there.values()) or "no columns"
        raise MissingColumns(
            f"{name} has no column for {'; none for '.join(needs)}. It has: {has}. "
            "Rename them, or say which is which, as in --map order_id=Bestellnummer"
        )
    return found


def _prepare(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: dict[str, tuple[str, str]],
    report: OrdersReport,
) -> None:
    """The lines that can be used, typed, into `lines`; the others counted."""
    parts = []
    for ours in ("order_id", "item_id", *_TEXTS):
        if ours in columns:
            parts.append(f"nullif(trim({_text(*columns[ours])}), '') AS {ours}")
        else:
            parts.append(f"NULL::VARCHAR AS {ours}")
    for ours in _NUMBERS:
        parts.append(
            f"TRY_CAST({_quoted(columns[ours][0])} AS DOUBLE) AS {ours}"
            if ours in columns
            else f"NULL::DOUBLE AS {ours}"
        )
    parts.append(f"{_milliseconds(*columns['timestamp'])} AS happened")
    connection.execute(
        "CREATE TABLE typed AS SELECT row_number() OVER () AS line, * "
        f"FROM (SELECT {', '.join(parts)} FROM {table})"
    )
    # A number that is not there is none that is wrong.
    reason = f"""CASE
        WHEN order_id IS NULL OR length(order_id) > {MAX_ID_LENGTH} THEN 'missing_order_id'
        WHEN item_id IS NULL OR length(item_id) > {MAX_ID_LENGTH} THEN 'missing_item_id'
        WHEN coalesce(user_id, anonymous_id) IS NULL OR length(coalesce(user_id, '')) > {MAX_ID_LENGTH}
            OR length(coalesce(anonymous_id, '')) > {MAX_ID_LENGTH} THEN 'no_identity'
        WHEN happened IS NULL OR happened < {EARLIEST} OR happened > epoch_ms(now()) + 86400000
            THEN 'invalid_timestamp'
        WHEN quantity <= 0 THEN 'not_bought'
        WHEN price < 0 OR line_value < 0 OR NOT isfinite(coalesce(price, line_value, 0))
            OR NOT isfinite(coalesce(quantity, 0)) THEN 'invalid_value'
        END"""
    connection.execute(f"CREATE VIEW judged AS SELECT *, {reason} AS reason FROM typed")
    for why, count in connection.execute(
        "SELECT reason, count(*) FROM judged WHERE reason IS NOT NULL GROUP BY reason"
    ).fetchall():
        report.problems[why] += count
    try:
        rejected = connection.execute("SELECT count(DISTINCT line) FROM reject_errors").fetchall()[0][0]
    except duckdb.CatalogException:  # nothing was rejected, or it is Parquet
        rejected = 0
    if rejected:
        report.problems["malformed"] += rejected


def _events(
    connection: duckdb.DuckDBPyConnection,
    scratch: tempfile.TemporaryDirectory[str],
    currency: str | None,
    source: str,
    report: OrdersReport,
) -> Iterator[Event]:
    try:
        cursor = connection.execute(
            "SELECT order_id, min(happened) OVER (PARTITION BY order_id) AS began, user_id, anonymous_id, "
            "item_id, quantity, coalesce(price, line_value / coalesce(quantity, 1)) AS price, "
            "coalesce(line_value, price * coalesce(quantity, 1)) AS line_value, currency, name, "
            "category, brand "
            "FROM judged WHERE reason IS NULL ORDER BY began, order_id, line"
        )
        rows = chain.from_iterable(iter(lambda: cursor.fetchmany(_FETCH), []))
        for order_id, lines in groupby(rows, key=itemgetter(0)):
            yield _event(order_id, list(lines), currency, source, report)
    finally:
        connection.close()
        scratch.cleanup()


def _event(
    order_id: str, lines: list[tuple[Any, ...]], currency: str | None, source: str, report: OrdersReport
) -> Event:
    items: dict[str, Item] = {}
    value, priced = 0.0, False
    said_currency = user_id = anonymous_id = None
    for (
        _,
        _,
        user,
        device,
        item_id,
        quantity,
        price,
        line_value,
        line_currency,
        name,
        category,
        brand,
    ) in lines:
        user_id = user_id or user
        anonymous_id = anonymous_id or device
        said_currency = said_currency or line_currency
        if line_value is not None:
            value += line_value
            priced = True
        known = items.get(item_id)
        if known is not None:
            # The same thing on two lines is one thing bought more of, at what it cost on average.
            before, more = known.quantity or 1, quantity or 1
            if known.price is not None and price is not None:
                known.price = round((known.price * before + price * more) / (before + more), 4)
            known.quantity = before + more
        elif len(items) < MAX_ITEMS_PER_EVENT:
            items[item_id] = Item(
                item_id,
                name=name and name[:MAX_TEXT_LENGTH],
                brand=brand and brand[:MAX_TEXT_LENGTH],
                category=category and category[:MAX_TEXT_LENGTH],
                price=None if price is None else round(price, 4),
                quantity=quantity,
            )
    report.orders += 1
    report.lines += len(lines)
    began = lines[0][1]
    code = said_currency or currency
    return Event(
        event_id=order_event_id(order_id),
        kind=Kind.PURCHASE,
        name="Order Completed",
        timestamp=began,
        received_at=began,
        anonymous_id=anonymous_id,
        user_id=user_id,
        source=source,
        items=list(items.values()),
        order_id=order_id,
        value=round(value, 2) if priced else None,
        currency=code.upper()[:3] if code else None,
    )


def order_event_id(order_id: str) -> str:
    """The event of an imported order: the same for ever."""
    name = f"order:{order_id}"
    if len(name) <= MAX_ID_LENGTH:
        return name
    return "order:" + hashlib.sha256(order_id.encode("utf-8", "surrogatepass")).hexdigest()


def _milliseconds(column: str, kind: str) -> str:
    """An SQL expression for the time of a column, in milliseconds; NULL when it is none."""
    name = _quoted(column)
    if kind.startswith(("TIMESTAMP", "DATE")):
        return f"CAST(epoch_ms(CAST({name} AS TIMESTAMPTZ)) AS BIGINT)"
    number = f"TRY_CAST({name} AS DOUBLE)"
    # Below 10^11 it is seconds (until the year 5138), else milliseconds (since 1973).
    counted = f"CAST(CASE WHEN abs({number}) < 1e11 THEN {number} * 1000 ELSE {number} END AS BIGINT)"
    guarded = f"CASE WHEN isfinite({number}) AND abs({number}) < 1e15 THEN {counted} END"
    if kind == "VARCHAR":
        return f"coalesce({guarded}, CAST(epoch_ms(TRY_CAST(trim({name}) AS TIMESTAMPTZ)) AS BIGINT))"
    return guarded


def _text(column: str, kind: str) -> str:
    """An SQL expression for a column as text; 17.0 is how a table with gaps writes the name 17."""
    name = _quoted(column)
    if kind in ("DOUBLE", "FLOAT"):
        whole = f"isfinite({name}) AND {name} = floor({name}) AND abs({name}) < 1e18"
        return (
            f"CASE WHEN {whole} THEN CAST(CAST({name} AS BIGINT) AS VARCHAR) ELSE CAST({name} AS VARCHAR) END"
        )
    return f"CAST({name} AS VARCHAR)"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
