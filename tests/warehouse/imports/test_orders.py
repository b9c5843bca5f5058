"""Orders from tables: one purchase each, oldest first, the same events whenever they are read again."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from habitue_collector.events import Event, Item, Kind
from habitue_warehouse.imports.orders import (
    MissingColumns,
    OrdersError,
    OrdersReport,
    order_event_id,
    read_orders,
)

TABLE = """order_id,user_id,timestamp,item_id,quantity,price,currency,name
o2,u1,2026-01-02T10:00:00Z,b,1,5,EUR,Bee
o1,u1,2026-01-01T10:00:00Z,a,2,10.5,EUR,Ay
o2,u1,2026-01-02T10:00:01Z,c,3,1,EUR,Sea
o1,u1,2026-01-01T10:00:00Z,a,1,7.5,EUR,Ay
"""


def written(tmp_path: Path, text: str, name: str = "orders.csv") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def test_lines_become_orders_in_the_order_of_time(tmp_path: Path) -> None:
    first, second = read_orders(written(tmp_path, TABLE))
    assert first == Event(
        event_id="order:o1", kind=Kind.PURCHASE, name="Order Completed",
        timestamp=1_767_261_600_000, received_at=1_767_261_600_000, user_id="u1", source="import",
        items=[Item("a", name="Ay", price=9.5, quantity=3.0)], order_id="o1", value=28.5, currency="EUR",
    )  # fmt: skip
    assert [item.item_id for item in second.items] == ["b", "c"]
    assert second.value == 8.0


def test_parquet_gives_the_same_events(tmp_path: Path) -> None:
    path = written(tmp_path, TABLE)
    duckdb.sql(f"COPY (SELECT * FROM '{path}') TO '{tmp_path}/orders.parquet'")
    assert list(read_orders(tmp_path / "orders.parquet")) == list(read_orders(path))


@pytest.mark.parametrize(
    "moment",
    ["2026-01-01 10:00:00", "2026-01-01T11:00:00+01:00", "1767261600", "1767261600000", "1767261600.0"],
)
def test_times_as_they_come(tmp_path: Path, moment: str) -> None:
    path = written(tmp_path, f"order_id,user_id,timestamp,item_id\no,u,{moment},a\n")
    assert [event.timestamp for event in read_orders(path)] == [1_767_261_600_000]


@pytest.mark.parametrize(
    "sql", ["1767261600", "1767261600000", "TIMESTAMP '2026-01-01 10:00'", "1767261600.0::DOUBLE"]
)
def test_times_of_parquet_columns(tmp_path: Path, sql: str) -> None:
    duckdb.sql(
        f"COPY (SELECT 17.0::DOUBLE AS order_id, 'u' AS user_id, {sql} AS timestamp, 3 AS item_id)"
        f" TO '{tmp_path}/o.parquet'"
    )
    (event,) = read_orders(tmp_path / "o.parquet")
    assert (event.timestamp, event.order_id, event.items[0].item_id) == (1_767_261_600_000, "17", "3")


def test_columns_by_other_names_and_by_mapping(tmp_path: Path) -> None:
    path = written(
        tmp_path, "Bestellnummer;customer_id;order_date;SKU;units;sales_value\n007;1;2026-01-01;x;2;5\n"
    )
    (event,) = read_orders(path, {"order_id": "bestellnummer"}, currency="eur")
    assert (event.order_id, event.user_id, event.value, event.currency) == ("007", "1", 5.0, "EUR")
    assert event.items == [Item("x", price=2.5, quantity=2.0)]


def test_missing_columns_are_said_with_what_would_do(tmp_path: Path) -> None:
    with pytest.raises(
        MissingColumns, match=r"no column for order_id \(or order, .*\); none for user_id or anon.*It has: a"
    ):
        read_orders(written(tmp_path, "a,timestamp,sku\n1,2,3\n"))
    with pytest.raises(MissingColumns, match="no column 'Nr'"):
        read_orders(written(tmp_path, TABLE), {"order_id": "Nr"})
    with pytest.raises(MissingColumns, match="mapping names price_of"):
        read_orders(written(tmp_path, TABLE), {"price_of": "x"})


@pytest.mark.parametrize("content", [b"", b"PAR1 is not all of it", b"\xff\xfe\x00", b"\x00" * 100])
def test_files_that_are_no_table(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes(content)
    with pytest.raises((OrdersError, MissingColumns)):
        read_orders(path)
    with pytest.raises(OrdersError, match="no file"):
        read_orders(tmp_path / "nowhere.csv")


def test_bad_lines_are_counted_and_the_others_kept(tmp_path: Path) -> None:
    head = "order_id,user_id,timestamp,item_id,quantity,price\n"
    lines = [
        "o1,u,2026-01-01,a,1,5", ",u,2026-01-01,a,1,5", "o2,u,yesterday,a,1,5", "o3,u,2026-01-01,,1,5",
        "o4,,2026-01-01,a,1,5", "o5,u,2026-01-01,a,-1,5", "o6,u,2026-01-01,a,1,-5", "o7,u,1969-01-01,a,1,5",
        "o8,u,2026-01-01,a,1,inf", "o9,u,2026-01-02,a,,",
    ]  # fmt: skip
    report = OrdersReport()
    events = list(read_orders(written(tmp_path, head + "\n".join(lines)), report=report))
    assert [event.order_id for event in events] == ["o1", "o9"]
    assert (events[1].value, events[1].items) == (None, [Item("a")])
    assert report.problems == {
        "missing_order_id": 1, "invalid_timestamp": 2, "missing_item_id": 1, "no_identity": 1,
        "not_bought": 1,
        "invalid_value": 2,
    }  # fmt: skip
    assert (report.orders, report.lines) == (2, 2)


def test_an_orders_event_is_the_same_for_ever() -> None:
    assert order_event_id("o1") == "order:o1"
    assert len(order_event_id("x" * 255)) <= 255
    assert order_event_id("x" * 255) == order_event_id("x" * 255)


@pytest.mark.long
def test_a_year_of_a_large_shop_is_read_in_seconds(tmp_path: Path) -> None:
    path = tmp_path / "orders.parquet"
    duckdb.sql(
        "COPY (SELECT i // 10 AS order_id, i // 10 % 2000 AS user_id, 1700000000 + i // 10 * 60 AS timestamp,"
        f" 'i' || i * 7919 % 5000 AS item_id, 1 AS quantity, 1.5 AS price"
        f" FROM range(1500000) t(i)) TO '{path}'"
    )
    last, count = 0, 0
    for event in read_orders(path):
        assert event.timestamp >= last
        last, count = event.timestamp, count + 1
    assert count == 150_000
