"""An archive of a big shop's month, made up.

    python -m bench.large_archive FOLDER --visitors 1000000 --events 20000000

It has the shape of a real one, not its meaning: days compacted as they are in the morning, the last day
still open; sessions of people who come again and again, bots, counted events, orders, decisions of which
1 % are whole, one snapshot of all profiles. The same numbers give the same archive. 1 million visitors and
20 million events take about two minutes on two cores and 1.5 GB of disk.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from habitue_collector.affinity import HALF_LIFE, LANDMARK
from habitue_collector.store import keys
from habitue_warehouse.partitions import Part, Partition, open_duckdb
from habitue_warehouse.schema import COLUMNS, DAY_MS, DECISIONS, EVENTS, ORDER, PROFILES, sql_type

CATEGORIES = tuple(
    f"{top}/{below}"
    for top in ("Shoes", "Tents", "Packs", "Kitchen", "Jackets", "Lamps")
    for below in ("Trail", "Road", "Light", "Winter")
)
BRANDS = tuple(f"Brand {number}" for number in range(40))
SEARCHES = ("shoes", "tent", "lamp", "winter")
SLOTS = ("home-hero", "home-popular", "category-top", "pdp-related", "pdp-together", "cart-extras")
EVENTS_A_SESSION = 8
OPEN_PARTS = 6  # of the last day: merged a few times, not compacted


@dataclass(frozen=True, slots=True)
class Shape:
    """How big. `until` (ms) is the present: the last day goes on up to there."""

    visitors: int = 1_000_000
    events: int = 20_000_000
    days: int = 30
    items: int = 5_000
    decisions: int = 4_000_000
    whole_every: int = 100  # decisions of which one is kept whole
    until: int = 0

    @property
    def now(self) -> int:
        return self.until or time.time_ns() // 1_000_000


def item_id(number: int) -> str:
    return f"item-{number:05d}"


def catalog(shape: Shape) -> Iterator[dict[str, Any]]:
    """The items that the events speak of, as `PUT /v1/catalog` takes them."""
    for number in range(shape.items):
        yield {
            "item_id": item_id(number),
            "name": f"The {BRANDS[number % len(BRANDS)]} number {number}",
            "url": f"/p/{item_id(number)}",
            "price": number * 37 % 200 + 4.99,
            "currency": "EUR",
            "availability": "in_stock" if number % 25 else "out_of_stock",
            "category": CATEGORIES[number % len(CATEGORIES)],
            "brand": BRANDS[number % len(BRANDS)],
        }


def profile_id(number: int) -> str:
    """Every tenth visitor is logged in."""
    return f"user:customer-{number:07d}" if number % 10 == 3 else f"visitor-{number:07d}"


def write(folder: Path, shape: Shape, *, threads: int = 2) -> None:
    """Write the whole archive; what lies in the folder already stays beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    connection = open_duckdb(folder, memory_limit="3GB", threads=threads)
    try:
        _tell_visitors(connection, shape)
        first = shape.now // DAY_MS - shape.days + 1
        for day in range(first, first + shape.days):
            _write_day(connection, folder, shape, day, last=day == first + shape.days - 1)
        _write_snapshot(connection, folder, shape)
    finally:
        connection.close()


def records(shape: Shape, numbers: list[int]) -> dict[str, str]:
    """What the snapshot says of some visitors: profile id → JSON of the profile's state."""
    with duckdb.connect() as connection:
        _tell_visitors(connection, shape, np.array(numbers))
        rows = connection.execute("SELECT profile_id, record FROM visitors").fetchall()
    return dict(rows)


def _tell_visitors(
    connection: duckdb.DuckDBPyConnection, shape: Shape, numbers: np.ndarray[Any, Any] | None = None
) -> None:
    numbers = np.arange(shape.visitors) if numbers is None else numbers
    ids = [profile_id(number) for number in numbers.tolist()]
    told = {  # noqa: F841 - DuckDB finds it by its name
        "n": numbers,
        "profile_id": np.array(ids, dtype=object),
        "bucket": np.array([keys.bucket_of(one) for one in ids], dtype=np.int32),
    }
    item = f"printf('item-%05d', (n * 31 + k * 7) % {shape.items})"
    fresh = (shape.now - LANDMARK) / HALF_LIFE
    category, brand = _one_of(CATEGORIES, "(n + k * 5)"), _one_of(BRANDS, "(n + k * 3)")
    connection.execute(
        f"""CREATE TABLE visitors AS
        WITH known AS (
            SELECT *, 1 + hash(n) % 9 AS visits,
                {shape.now} - (hash(n, 1) % {shape.days * DAY_MS})::BIGINT AS last_seen,
                CASE WHEN n % 12 = 0 THEN 1 + hash(n, 2) % 4 ELSE 0 END AS orders
            FROM told
        ), seen AS (
            SELECT *, last_seen - (visits::BIGINT - 1) * {2 * DAY_MS} - 600000 AS first_seen FROM known
        )
        SELECT n, profile_id, bucket::INTEGER AS bucket, first_seen, last_seen,
            visits::BIGINT AS visits, orders::BIGINT AS orders,
            concat('{{"first_seen":', first_seen, ',"visits":', visits,
                ',"session":{{"id":"s-', n, '","started":', last_seen - 600000, ',"last":', last_seen,
                ',"events":8,"pages":3,"landing":"/"',
                CASE WHEN n % 7 = 0 THEN ',"campaign":"spring"' ELSE '' END,
                '}},"recent_items":{{',
                array_to_string([concat('"', {item}, '":', last_seen // 1000 - 60 * k)
                    FOR k IN range(6, 0, -1)], ','),
                '}},"affinities":{{"category":{{',
                array_to_string([concat('"', {category}, '":', round({fresh} - k, 2))
                    FOR k IN range(3)], ','),
                '}},"brand":{{',
                array_to_string([concat('"', {brand}, '":', round({fresh} - k, 2)) FOR k IN range(2)], ','),
                '}},"price_band":{{"32-64":', round({fresh}, 2), '}}}}',
                CASE WHEN n % 12 = 0 THEN concat(',"orders":{{"count":', orders,
                    ',"by_currency":{{"EUR":', orders * 39.5,
                    '}},"first":', first_seen, ',"last":', last_seen, '}},"bought":{{"',
                    printf('item-%05d', n % {shape.items}), '":', last_seen // 1000, '}}') ELSE '' END,
                CASE WHEN n % 20 = 1 THEN concat(',"cart":{{"', printf('item-%05d', (n + 5) % {shape.items}),
                    '":{{"quantity":2,"price":19.99}}}}') ELSE '' END,
                CASE WHEN n % 10 = 3 THEN ',"traits":{{"tier":{{"value":"gold","at":1}}}}' ELSE '' END,
                ',"consents":{{"analytics":{{"state":"granted","at":1}},"personalization":{{"state":"granted","at":1}}}}',
                '}}') AS record
        FROM seen"""
    )


def _one_of(names: tuple[str, ...], number: str) -> str:
    quoted = ", ".join(f"'{name}'" for name in names)
    return f"([{quoted}])[1 + {number} % {len(names)}]"


_KINDS = (
    (36, "page_view"),
    (66, "product_view"),
    (74, "list_view"),
    (78, "search"),
    (83, "add_to_cart"),
    (94, "offer_impression"),
    (96, "offer_click"),
    (98, "cart_view"),
    (99, "checkout"),
    (100, "purchase"),
)


def _write_day(
    connection: duckdb.DuckDBPyConnection, folder: Path, shape: Shape, day: int, *, last: bool
) -> None:
    date = datetime.fromtimestamp(day * 86_400, UTC).date().isoformat()
    start = day * DAY_MS
    length = max(min(DAY_MS, shape.now - start), 60_000)
    sessions = max(1, shape.events // shape.days // EVENTS_A_SESSION)
    connection.execute(
        f"""CREATE OR REPLACE TABLE sessions AS
        SELECT s, v.n, v.profile_id, v.bucket, {start} + (hash(s, {day}) % {length})::BIGINT AS started,
            1 + hash(s, {day}, 1) % {2 * EVENTS_A_SESSION - 1} AS events
        FROM (SELECT range AS s,
                 floor({shape.visitors}
                     * pow((hash(range, {day}, 2) % 1000003) / 1000003.0, 1.6))::BIGINT AS n
              FROM range({sessions})) JOIN visitors v USING (n)"""
    )
    kinds = " ".join(f"WHEN draw < {until} THEN '{kind}'" for until, kind in _KINDS)
    bought = "kind IN ('product_view', 'add_to_cart', 'offer_impression', 'offer_click', 'purchase')"
    connection.execute(
        f"""CREATE OR REPLACE TABLE happened AS
        SELECT *, CASE {kinds} END AS kind, (hash(n, e) % {shape.items})::INTEGER AS item,
            least(started + e * 40000, {start + length - 1})::BIGINT AS moment
        FROM (SELECT *, (hash(s, e, {day}) % 100)::INTEGER AS draw
              FROM (SELECT *, unnest(range(events::BIGINT)) AS e FROM sessions))"""
    )
    values = {
        "bucket": "bucket",
        "log_ms": "moment",
        "log_seq": "s * 16 + e",
        "profile_id": "CASE WHEN counted THEN NULL ELSE profile_id END",
        "event_id": f"printf('e-{day}-%d-%d', s, e)",
        "kind": "kind",
        "name": "kind",
        "timestamp": "moment",
        "received_at": "moment",
        "anonymous_id": "CASE WHEN counted THEN NULL ELSE printf('visitor-%07d', n) END",
        "user_id": "CASE WHEN n % 10 = 3 AND NOT counted THEN printf('customer-%07d', n) END",
        "session_id": f"CASE WHEN counted THEN NULL ELSE printf('s-{day}-%d', s) END",
        "source": "'demo'",
        "items": f"""CASE WHEN {bought} THEN [{{'item_id': printf('item-%05d', item),
            'name': printf('Item %d', item), 'brand': {_one_of(BRANDS, "item")},
            'category': {_one_of(CATEGORIES, "item")},
            'price': item * 37 % 200 + 4.99, 'quantity': 1.0}}] END""",
        "order_id": f"CASE WHEN kind = 'purchase' THEN printf('o-{day}-%d-%d', s, e) END",
        "value": "CASE WHEN kind = 'purchase' THEN item * 37 % 200 + 4.99 END",
        "currency": "CASE WHEN kind = 'purchase' THEN 'EUR' END",
        "search_term": f"CASE WHEN kind = 'search' THEN {_one_of(SEARCHES, 'item')} END",
        "context": """CASE WHEN kind = 'page_view' THEN printf(
            '{"page":{"path":"/p/item-%05d","title":"Item %d"},"device":{"type":"%s"},"locale":"de-DE"}',
            item, item, CASE WHEN n % 3 = 0 THEN 'mobile' ELSE 'desktop' END) END""",
        "properties": f"""CASE WHEN kind IN ('offer_impression', 'offer_click') THEN printf(
            '{{"decision_id":"d-{day}-%d-%d","slot":"%s","item_id":"item-%05d","position":%d}}',
            s, e // 2, {_one_of(SLOTS, "item")}, item, item % 12) END""",
        "kept": "CASE WHEN counted THEN 'counted' END",
        "bot": "CASE WHEN n % 50 = 17 THEN true END",
    }
    source = "(SELECT *, s % 20 = 0 AS counted FROM happened)"
    _write(connection, Partition(folder, EVENTS, date), EVENTS, values, source, last)
    _write_decisions(connection, folder, shape, date, day, last)


def _write_decisions(
    connection: duckdb.DuckDBPyConnection, folder: Path, shape: Shape, date: str, day: int, last: bool
) -> None:
    share = shape.decisions / max(1, shape.events)
    item = f"printf('item-%05d', (item + k * 3) % {shape.items})"
    candidate = f"printf('[\"item-%05d\",%.4f]', (item + k * 3) % {shape.items}, 1.0 - k / 60.0)"
    values = {
        "bucket": "bucket",
        "log_ms": "moment",
        "log_seq": "1000000000 + s * 16 + e",
        "profile_id": "profile_id",
        "decision_id": f"printf('d-{day}-%d-%d', s, e)",
        "timestamp": "moment",
        "anonymous_id": "CASE WHEN n % 10 <> 3 THEN profile_id END",
        "session_id": f"printf('s-{day}-%d', s)",
        "slot": "slot",
        "page": f"""{{'type': CASE WHEN slot LIKE 'pdp%' THEN 'product' WHEN slot LIKE 'home%' THEN 'home'
            WHEN slot LIKE 'cat%' THEN 'category' ELSE 'cart' END,
            'item_id': CASE WHEN slot LIKE 'pdp%' THEN printf('item-%05d', item) END,
            'category': CASE WHEN slot LIKE 'cat%' THEN {_one_of(CATEGORIES, "item")} END}}""",
        "model": "'none'",
        "variant": "'default'",
        "holdout": "false",
        "offers": f"""[{{'item_id': {item}, 'position': k::INTEGER, 'score': 1.0 - k / 24.0,
            'source': 'popular', 'reason_code': 'popular'}} FOR k IN range(12)]""",
        "full": f"""CASE WHEN hash(s, e, 9) % {shape.whole_every} = 0 THEN concat(
            '{{"candidates":{{"popular":[', array_to_string([{candidate} FOR k IN range(60)], ','),
            ']}},"drops":{{}},"profile":', record, '}}') END""",
    }
    source = f"""(SELECT h.*, {_one_of(SLOTS, "(s + e)")} AS slot, v.record
        FROM happened h JOIN visitors v USING (n) WHERE (hash(s, e, 8) % 1000000) / 1000000.0 < {share})"""
    _write(connection, Partition(folder, DECISIONS, date), DECISIONS, values, source, last)


def _write_snapshot(connection: duckdb.DuckDBPyConnection, folder: Path, shape: Shape) -> None:
    date = datetime.fromtimestamp(shape.now / 1000, UTC).date().isoformat()
    partition = Partition(folder, PROFILES, date)
    part = partition.write(
        connection,
        f"""SELECT bucket, profile_id, {shape.now}::BIGINT AS taken_at, first_seen, last_seen, visits,
            orders, record FROM visitors ORDER BY {ORDER[PROFILES]}""",
        clock="taken_at",
    )
    partition.replace((), tuple(one for one in (part,) if one is not None))


def _write(
    connection: duckdb.DuckDBPyConnection,
    partition: Partition,
    table: str,
    values: dict[str, str],
    source: str,
    open_: bool,
) -> None:
    columns = ", ".join(
        f'({values.get(name, "NULL")})::{sql_type(kind)} AS "{name}"' if not isinstance(kind, list | dict)
        else f'{values.get(name, "NULL")} AS "{name}"'
        for name, kind in COLUMNS[table].items()
    )  # fmt: skip
    names = ", ".join(f'"{name}"' for name in COLUMNS[table])
    connection.execute(f"CREATE OR REPLACE TABLE rows ({_definition(table)})")
    connection.execute(f"INSERT INTO rows BY NAME SELECT {columns} FROM {source}")
    parts: list[Part] = []
    for number in range(OPEN_PARTS if open_ else 1):
        # What is open lies in the order of arrival, what is compacted by bucket.
        query = (
            f"SELECT {names} FROM rows WHERE log_seq % {OPEN_PARTS} = {number} ORDER BY log_ms, log_seq"
            if open_
            else f"SELECT {names} FROM rows ORDER BY {ORDER[table]}"
        )
        part = partition.write(connection, query, level=1, final=not open_)
        if part is not None:
            parts.append(part)
    connection.execute("DROP TABLE rows")
    partition.replace((), tuple(parts))


def _definition(table: str) -> str:
    return ", ".join(f'"{name}" {sql_type(kind)}' for name, kind in COLUMNS[table].items())


def main() -> int:
    parser = argparse.ArgumentParser(description="Write a made-up archive of a big shop.")
    parser.add_argument("folder", type=Path, help="where: the archive's folder, as <data>/archive")
    defaults = Shape()
    for name in ("visitors", "events", "days", "items", "decisions"):
        parser.add_argument(f"--{name}", type=int, default=getattr(defaults, name))
    told = parser.parse_args()
    shape = Shape(told.visitors, told.events, told.days, told.items, told.decisions)
    began = time.monotonic()
    write(told.folder, shape)
    size = sum(path.stat().st_size for path in told.folder.rglob("*.parquet"))
    print(f"{told.folder}: {size / 1e6:.0f} MB in {time.monotonic() - began:.0f} s", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
