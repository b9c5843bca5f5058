"""The day against the same weekday, in the shop's own hours and money."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from habitue_console.health import BAD, GOOD, WARN, KeyTraffic, look
from habitue_console.trade import Measure, Trade
from habitue_warehouse.partitions import open_duckdb
from habitue_warehouse.rollups import replace_day

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = 3_600_000
DAY = 24 * HOUR


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp() * 1_000)


class Told:
    """Rollups as they would have been made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def hour(
        self, moment: str, *, orders: int, revenue: float, currency: str = "EUR", arrived: str = ""
    ) -> Told:
        hour = at(moment) // HOUR * HOUR
        day = arrived or datetime.fromtimestamp(hour / 1_000, ZoneInfo("UTC")).date().isoformat()
        with open_duckdb(self.folder) as db:
            replace_day(
                db, self.folder, "orders", day,
                f"SELECT {hour}::BIGINT AS hour, '{currency}' AS currency, {orders}::BIGINT AS orders,"
                f" {revenue}::DOUBLE AS revenue, 1.0::DOUBLE AS quantity, 0::BIGINT AS refunds,"
                " 0.0::DOUBLE AS refunded",
            )  # fmt: skip
            replace_day(
                db, self.folder, "traffic", day,
                f"SELECT {hour}::BIGINT AS hour, 's' AS source, 'purchase' AS kind, '' AS kept, false AS bot,"
                f" {orders}::BIGINT AS events",
            )  # fmt: skip
        return self


def trade(folder: Path, **rates: float) -> Trade:
    return Trade(folder, BERLIN, "EUR", rates)


def test_the_day_is_compared_with_the_same_weekday_up_to_the_same_minute(tmp_path: Path) -> None:
    told = Told(tmp_path)
    told.hour("2026-06-10T10:00", orders=6, revenue=600.0)
    told.hour("2026-06-03T10:00", orders=2, revenue=200.0)
    told.hour("2026-05-27T12:00", orders=4, revenue=400.0)
    told.hour("2026-06-09T10:00", orders=99, revenue=9_900.0)  # a Tuesday
    day = trade(tmp_path).day(at("2026-06-10T12:30"))
    assert day.weeks == 2, "weeks of which nothing is known do not count as empty ones"
    assert day.orders.so_far == 6
    assert day.orders.hours == (*(0,) * 10, 6, 0, 0)
    assert day.orders.usual[10] == 1
    assert day.orders.usual_so_far == pytest.approx(1 + 2 * 0.5)
    assert day.orders.usual_day == 3
    assert day.revenue.change == pytest.approx(600 / 200 - 1)


def test_midnight_is_the_shop_s_and_a_day_may_have_25_hours(tmp_path: Path) -> None:
    told = Told(tmp_path)
    told.hour("2026-06-10T00:00", orders=3, revenue=30.0)  # 22:00 UTC of the day before
    assert trade(tmp_path).day(at("2026-06-10T09:00")).orders.hours[0] == 3
    assert trade(tmp_path).day(at("2026-06-09T23:59")).orders.so_far == 0
    assert len(trade(tmp_path).day(at("2026-10-25T12:00")).labels) == 25


def test_other_money_is_converted_or_named(tmp_path: Path) -> None:
    told = Told(tmp_path)
    told.hour("2026-06-10T10:00", orders=1, revenue=100.0, currency="PLN")
    day = trade(tmp_path, PLN=0.25).day(at("2026-06-10T12:00"))
    assert (day.revenue.so_far, dict(day.other_currencies)) == (25.0, {})
    day = trade(tmp_path).day(at("2026-06-10T12:00"))
    assert (day.revenue.so_far, dict(day.other_currencies)) == (0.0, {"PLN": 100.0})


def test_an_empty_archive_is_an_empty_day(tmp_path: Path) -> None:
    day = trade(tmp_path).day(at("2026-06-10T12:00"))
    assert (day.weeks, day.sold, day.slots) == (0, (), ())
    assert day.orders.usual_so_far is None


def test_health_says_the_worst_first() -> None:
    now = 10 * DAY
    well = {
        "now": now, "workers": 1, "figures": {"worker-1": {}, "presence": {}},
        "redis": {"aof_enabled": 1, "aof_last_write_status": "ok", "used_memory": 1}, "refused": 0,
        "model": {"created_at": now}, "accepted": 100, "keys": [], "items": 10, "unverified": 0,
    }  # fmt: skip
    assert {one.state for one in look(**well)} == {GOOD}
    ill = look(**{**well, "redis": None, "model": {"created_at": 0}, "refused": 50, "figures": {},
                  "keys": [KeyTraffic("tag", 10, 9), KeyTraffic("backend", 10, 1)]})  # fmt: skip
    assert [(one.label, one.state) for one in ill] == [
        ("Redis", BAD), ("Processes", BAD), ("Model", WARN), ("Refused events", WARN), ("Consent", WARN),
        ("Catalog", GOOD),
    ]  # fmt: skip
    full = look(**{**well, "redis": {"used_memory": 95, "maxmemory": 100, "aof_enabled": 1}})
    assert full[0].state == BAD
    for one in (*ill, *full):
        assert one.text % one.values


def test_nothing_is_said_against_a_usual_day_that_has_hardly_begun() -> None:
    hours = (0.0,) * 24
    assert Measure(hours, hours, 0.0, 1.0, 50.0).is_early
    assert not Measure(hours, hours, 0.0, 10.0, 50.0).is_early
    assert not Measure(hours, hours, 0.0, None, None).is_early
