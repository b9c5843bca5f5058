"""The catalog and the history that the demo shop makes of the Complete Journey."""

from __future__ import annotations

import datetime as dt
import math
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from habitue_shop import journey
from habitue_shop.aisles import DEPARTMENTS

UNTIL = dt.date(2026, 3, 14)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The year of every twentieth household; the shop sells what it always sells."""
    folder = tmp_path_factory.mktemp("journey")
    sample, path = folder / "transactions.parquet", folder / "orders.parquet"
    whole = journey.table("transactions")
    duckdb.execute(f"COPY (FROM {whole} WHERE household_id % 20 = 7) TO '{sample}' (FORMAT parquet)")
    journey.products()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(journey, "table", {"transactions": f"'{sample}'"}.__getitem__)
        assert 60_000 < journey.write_orders(path, UNTIL) < 80_000
        yield path


@pytest.mark.long
def test_the_whole_year_is_there(tmp_path: Path) -> None:
    assert 1_390_000 < journey.write_orders(tmp_path / "orders.parquet", UNTIL) < 1_420_000
    assert 1_500 < len(journey.held_out_baskets(UNTIL)) < 2_500


def test_everything_for_sale_has_a_name_a_price_and_a_place() -> None:
    items = list(journey.catalog_items("http://shop.test"))
    assert 66_000 < len(items) < 68_000
    assert len({item["item_id"] for item in items}) == len(items)
    for item in items:
        assert item["name"].strip() == item["name"] != ""
        assert item["brand"]
        assert math.isfinite(item["price"])
        assert item["price"] >= journey.MIN_PRICE
        department, *rest = item["category"].split("/")
        assert department in DEPARTMENTS
        assert len(rest) == 2
        assert all(rest)
        assert item["url"] == f"http://shop.test/shop/p/{item['item_id']}"
        assert item["image_url"] == f"http://shop.test/shop/tile/{item['item_id']}.svg"
    assert {item["availability"] for item in items} == {"in_stock"}
    assert {item["currency"] for item in items} == {"USD"}


def test_names_are_words_for_customers() -> None:
    names = Counter(product.name for product in journey.products())
    assert "Yogurt, 6 oz" in names
    for noise in ("NAN", "None", "FRZN", "MISC", "  "):
        assert not [name for name in names if noise in name]
    # Flavours are made up so that a brand's products can be told apart.
    alike = Counter((product.name, product.brand) for product in journey.products())
    assert sum(count - 1 for count in alike.values()) < 0.02 * len(journey.products())


def test_fuel_coupons_and_tobacco_are_not_for_sale() -> None:
    sold = " ".join(product.name.lower() for product in journey.products())
    for word in ("gasoline", "cigarette", "gift card", "lottery"):
        assert word not in sold


def test_pandas_is_never_imported() -> None:
    """In a process of its own: other libraries of this one may have asked for it."""
    lines = (
        "import sys; from habitue_shop import journey; journey.products(); sys.exit('pandas' in sys.modules)"
    )
    subprocess.run(
        [sys.executable, "-c", lines], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, check=True
    )


def test_the_last_day_of_the_history_is_the_day_asked_for(history: Path) -> None:
    first, last = duckdb.execute(
        "SELECT min(timestamp), max(timestamp) FROM read_parquet($1)", [str(history)]
    ).fetchall()[0]
    assert dt.datetime.fromtimestamp(last / 1000, dt.UTC).date() == UNTIL
    assert dt.datetime.fromtimestamp(first / 1000, dt.UTC).date() == UNTIL - dt.timedelta(days=364)


def test_the_history_sells_what_the_catalog_has_at_prices_above_nothing(history: Path) -> None:
    columns = [
        row[0] for row in duckdb.execute("DESCRIBE SELECT * FROM read_parquet($1)", [str(history)]).fetchall()
    ]
    assert columns == [
        *("order_id", "user_id", "timestamp", "item_id", "quantity", "price", "name", "category", "brand")
    ]
    rows = duckdb.execute(
        "SELECT count(*) FILTER (price > 0 AND quantity > 0), count(*), count(DISTINCT (order_id, item_id)),"
        " list(DISTINCT item_id) FROM read_parquet($1)",
        [str(history)],
    ).fetchall()
    good, lines, distinct, items = rows[0]
    assert good == lines == distinct
    assert set(items) <= {product.item_id for product in journey.products()}


def test_rows_come_one_by_one_just_as_they_are_written(history: Path) -> None:
    written = duckdb.execute("SELECT * FROM read_parquet($1) LIMIT 1", [str(history)]).fetchall()[0]
    first = tuple(next(journey.orders(UNTIL)).values())
    assert first == written[: len(first)]


def test_written_lines_say_what_their_items_are(history: Path) -> None:
    """Affinities and what is popular in a category are learnt from events, which speak for themselves."""
    known = {product.item_id: product for product in journey.products()}
    query = "SELECT item_id, name, category, brand FROM read_parquet($1) USING SAMPLE 500"
    for item_id, *said in duckdb.execute(query, [str(history)]).fetchall():
        product = known[item_id]
        assert said == [product.full_name, journey.category_path(product), product.brand]


def test_a_household_is_told_of_as_many_orders_as_the_history_knows(
    history: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = f"'{history.with_name('transactions.parquet')}'"
    monkeypatch.setattr(journey, "table", {"transactions": sample}.__getitem__)
    query = (
        "SELECT {user}::VARCHAR, count(DISTINCT {order}) FROM {lines}"
        " WHERE {item}::VARCHAR IN (SELECT unnest($1)) GROUP BY ALL ORDER BY ALL"
    )
    sellable = [[product.item_id for product in journey.products()]]
    told, known = (
        duckdb.execute(query.format(lines=lines, user=user, order=order, item=item), sellable).fetchall()
        for lines, user, order, item in (
            (journey.history_lines(), "household_id", "basket_id", "product_id"),
            (f"'{history}'", "user_id", "order_id", "item_id"),
        )
    )
    assert told == known


def test_held_out_baskets_are_unknown_to_the_history(history: Path) -> None:
    baskets = journey.held_out_baskets(UNTIL)
    assert 140 < len(baskets) < 175, "of all households two thousand"
    known = {
        row[0]
        for row in duckdb.execute("SELECT DISTINCT order_id FROM read_parquet($1)", [str(history)]).fetchall()
    }
    assert not known & {basket.order_id for basket in baskets}
    first_held_out = min(basket.timestamp for basket in baskets)
    assert dt.datetime.fromtimestamp(first_held_out / 1000, dt.UTC).date() > UNTIL - dt.timedelta(
        days=journey.HELD_OUT_DAYS
    )
    assert all(line.price > 0 and line.quantity > 0 for basket in baskets for line in basket.lines)
    # Nobody held out buys anything in the history after their tail began.
    later = duckdb.execute(
        "SELECT count(*) FROM read_parquet($1) WHERE user_id IN (SELECT unnest($2)) AND timestamp >= $3",
        [str(history), [basket.user_id for basket in baskets], first_held_out],
    ).fetchall()
    assert later[0][0] == 0
