"""Rollups: what an hour was, in a few numbers, and nobody's name in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest

from habitue_collector.store import keys
from habitue_warehouse import erasure
from habitue_warehouse.archive import Archiver
from habitue_warehouse.compaction import CompactionSettings, compact
from habitue_warehouse.presence import MINUTE, Presence
from habitue_warehouse.reject_counts import RejectCounts
from habitue_warehouse.rollup_reader import Hours, RollupReader
from habitue_warehouse.rollup_tables import HOUR_MS, ROLLUPS
from habitue_warehouse.rollups import due, roll
from habitue_warehouse.schema import LogRecord
from habitue_warehouse.sql import query

DAY = 86_400_000
FIRST = 1_772_323_200_000  # 2026-03-01
ALL = Hours(0, 2**42)


class Shop:
    """Tell it what happened; `roll` archives it and sums it up."""

    def __init__(self, redis: Any, log: Any, archive_dir: Path) -> None:
        self.redis, self.log, self.archive_dir = redis, log, archive_dir

    def event(self, at: int, kind: str, who: str | None = "anna", **members: Any) -> Shop:
        self.log.event(
            who, kind=kind, name=members.pop("name", kind), timestamp=members.pop("timestamp", at),
            received_at=at, source=members.pop("source", "shop"), **members,
        )  # fmt: skip
        return self

    def decision(
        self, at: int, decision_id: str, slot: str, *items: str, who: str = "anna", **members: Any
    ) -> Shop:
        offers = [
            {"item_id": one, "position": place, "score": 1.0, "source": "popular", "reason_code": "popular"}
            for place, one in enumerate(items)
        ]
        record = {
            "decision_id": decision_id, "timestamp": at, "profile_id": who, "slot": slot, "model": "m",
            "page": {"type": "home", "item_id": None, "category": None}, "variant": "default",
            "holdout": False, "offers": offers, **members,
        }  # fmt: skip
        self.log.add("decision", record)
        return self

    def roll(self) -> int:
        Archiver(self.redis, self.archive_dir).run_once()
        return roll(self.archive_dir)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in RollupReader(self.archive_dir).rows(sql, ALL)]


@pytest.fixture
def shop(redis: Any, log: Any, archive_dir: Path) -> Shop:
    return Shop(redis, log, archive_dir)


def offer(decision_id: str, item_id: str) -> dict[str, Any]:
    return {"decision_id": decision_id, "slot": "whatever the browser says", "item_id": item_id}


def test_events_are_counted_by_hour_key_and_kind(shop: Shop) -> None:
    shop.event(FIRST, "page_view").event(FIRST + 1, "page_view").event(FIRST + HOUR_MS, "search")
    shop.event(FIRST, "page_view", None, kept="counted", source="tag").event(FIRST, "page_view", bot=True)
    assert shop.roll() == 1
    assert shop.rows("SELECT * FROM traffic ORDER BY ALL") == [
        (FIRST, "shop", "page_view", "", False, 2),
        (FIRST, "shop", "page_view", "", True, 1),
        (FIRST, "tag", "page_view", "counted", False, 1),
        (FIRST + HOUR_MS, "shop", "search", "", False, 1),
    ]


def test_people_and_sessions_are_counted_once(shop: Shop) -> None:
    for minute, (who, session) in enumerate([("anna", "a"), ("anna", "a"), ("ben", "b"), ("anna", "c")]):
        shop.event(FIRST + minute * HOUR_MS // 2, "page_view", who, session_id=session)
    shop.event(FIRST, "page_view", "robot", session_id="r", bot=True)
    shop.roll()
    assert shop.rows("SELECT hour, visitors, sessions FROM visits WHERE span = 'hour' ORDER BY 1") == [
        (FIRST, 1, 1),
        (FIRST + HOUR_MS, 2, 2),
    ]
    assert shop.rows("SELECT hour, visitors, sessions FROM visits WHERE span = 'day'") == [(FIRST, 2, 3)]


def test_the_lines_that_followed_an_order_are_its_items(shop: Shop) -> None:
    boots, socks = ({"item_id": item_id, "price": 50.0, "quantity": 1.0} for item_id in ("boots", "socks"))
    for at, item in ((FIRST, boots), (FIRST + 2, socks), (FIRST + 3, socks)):
        shop.event(at, "custom", name="transaction_item", order_id="o1", items=[item])
    shop.event(FIRST + 1, "purchase", order_id="o1", value=99.0, currency="EUR")
    shop.event(FIRST + 4, "custom", "ben", name="transaction_item", order_id="o1", items=[boots])
    shop.roll()
    assert shop.rows("SELECT orders, revenue, quantity FROM orders") == [(1, 99.0, 2.0)]
    assert shop.rows("SELECT item_id, orders, revenue FROM items ORDER BY 1") == [
        ("boots", 1, 50.0),
        ("socks", 1, 50.0),
    ]


def test_an_order_told_twice_counts_once_and_every_currency_by_itself(shop: Shop) -> None:
    bought = [{"item_id": "boots", "price": 50.0, "quantity": 2.0}]
    shop.event(
        FIRST, "purchase", None, order_id="o1", value=100.0, currency="EUR", items=bought, kept="counted"
    )
    shop.event(FIRST + 5, "purchase", order_id="o1", value=100.0, currency="EUR", items=bought)
    shop.event(
        FIRST + 6, "purchase", order_id="o1", value=100.0, currency="EUR", items=bought, order_known=True
    )
    shop.event(FIRST + 7, "purchase", "ben", order_id="o2", value=30.0, currency="USD")
    shop.event(FIRST + 8, "refund", "ben", order_id="o2", value=10.0, currency="USD")
    shop.event(FIRST + 9, "purchase", "robot", order_id="o3", value=999.0, currency="EUR", bot=True)
    shop.roll()
    assert shop.rows(
        "SELECT currency, orders, revenue, quantity, refunds, refunded FROM orders ORDER BY 1"
    ) == [
        ("EUR", 1, 100.0, 2.0, 0, 0.0),
        ("USD", 1, 30.0, 0.0, 1, 10.0),
    ]
    assert shop.rows("SELECT item_id, quantity, orders, revenue, currency FROM items") == [
        ("boots", 2.0, 1, 100.0, "EUR")
    ]


def test_items_are_counted_by_day_and_the_hours_best_by_hour(shop: Shop) -> None:
    shop.event(FIRST, "product_view", items=[{"item_id": "tent"}])
    shop.event(FIRST + HOUR_MS, "product_view", "ben", items=[{"item_id": "tent"}])
    shop.event(FIRST + HOUR_MS, "add_to_cart", "ben", items=[{"item_id": "tent"}])
    shop.roll()
    assert shop.rows("SELECT hour, item_id, views, carts FROM items") == [(FIRST, "tent", 2, 1)]
    assert shop.rows("SELECT hour, views, carts FROM top_items ORDER BY 1") == [
        (FIRST, 1, 0),
        (FIRST + HOUR_MS, 1, 1),
    ]


def test_offers_are_followed_from_the_answer_to_the_order(shop: Shop) -> None:
    shop.decision(FIRST, "d1", "home-hero", "boots", "tent").decision(
        FIRST, "d2", "home-hero", "boots", who="ben"
    )
    shop.event(FIRST + 1, "offer_impression", properties=offer("d1", "boots"))
    shop.event(FIRST + 2, "offer_impression", properties=offer("d1", "boots"))
    shop.event(FIRST + 3, "offer_impression", properties=offer("d1", "tent"))
    shop.event(FIRST + 4, "offer_click", properties=offer("d1", "boots"))
    shop.event(FIRST + 5, "offer_click", properties=offer("invented", "boots"))
    shop.event(
        FIRST + DAY + 6, "purchase", order_id="o", value=70.0, currency="EUR",
        items=[{"item_id": "boots", "price": 50.0, "quantity": 1.0}, {"item_id": "socks", "price": 20.0}],
    )  # fmt: skip
    shop.event(FIRST + DAY + 7, "purchase", "ben", order_id="p", value=9.0, currency="EUR")
    shop.roll()
    assert shop.rows(
        "SELECT hour, slot, variant, sum(decisions), sum(offers), sum(viewed), sum(clicked) FROM offers "
        f"WHERE hour < {FIRST + DAY} GROUP BY ALL"
    ) == [(FIRST, "home-hero", "default", 2, 3, 2, 1)]
    assert shop.rows(
        f"SELECT hour, slot, currency, orders, bought, revenue FROM offers WHERE hour >= {FIRST + DAY}"
    ) == [(FIRST + DAY, "home-hero", "EUR", 1, 1, 50.0)], (
        "only what came after a click, and only what was clicked"
    )


def test_what_arrives_is_described_without_a_value(shop: Shop) -> None:
    for number in range(4):
        shop.event(
            FIRST + number, "custom", name="Size Guide",
            properties={"size": "44", "open": number > 1, **({"mail": "a@shop.example"} if number else {})},
        )  # fmt: skip
    shop.event(FIRST, "custom", name="Size Guide", properties={"anna@shop.example": 1})
    shop.roll()
    assert shop.rows("SELECT kind, name, events, sampled, with_items FROM names") == [
        ("custom", "Size Guide", 5, 5, 0)
    ]
    assert shop.rows("SELECT property, type, events FROM properties ORDER BY 1") == [
        ("(personal)", "number", 1),
        ("mail", "text", 3),
        ("open", "yes or no", 4),
        ("size", "number as text", 4),
    ]


def test_nothing_new_is_no_work_and_made_again_it_is_the_same(shop: Shop, archive_dir: Path) -> None:
    shop.event(FIRST, "page_view").event(FIRST + DAY, "page_view").decision(FIRST, "d", "home-hero", "tent")
    assert shop.roll() == 2
    before = {table: shop.rows(f"SELECT * FROM {table} ORDER BY ALL") for table in ROLLUPS}
    assert shop.roll() == 0
    (archive_dir / "rollups" / "_done.json").unlink()
    assert shop.roll() == 2
    assert {table: shop.rows(f"SELECT * FROM {table} ORDER BY ALL") for table in ROLLUPS} == before


def test_a_late_event_counts_in_the_hour_it_happened_in(shop: Shop) -> None:
    shop.event(FIRST, "page_view")
    shop.roll()
    shop.event(FIRST + DAY, "page_view", timestamp=FIRST + 1)
    assert shop.roll() == 1
    assert shop.rows("SELECT hour, sum(events) FROM traffic GROUP BY 1") == [(FIRST, 2)]
    shop.event(FIRST + 2, "page_view")
    assert shop.roll() == 1, "a row that arrives on a day which was summed up already"
    assert shop.rows("SELECT hour, sum(events) FROM traffic GROUP BY 1") == [(FIRST, 3)]


def test_repeats_count_once_before_and_after_compaction(shop: Shop, archive_dir: Path) -> None:
    at_once = CompactionSettings(settle_seconds=0, quiet_seconds=-1, grace_seconds=0)
    for _ in range(2):
        shop.log.count = 0  # the same event_id again
        shop.event(FIRST, "page_view")
    shop.roll()
    assert shop.rows("SELECT sum(events) FROM traffic") == [(1,)]
    compact(archive_dir, at_once)
    assert shop.roll() == 1, "the finished day is looked at once more"
    assert shop.rows("SELECT sum(events) FROM traffic") == [(1,)]
    assert due(archive_dir) == []


def test_an_erasure_changes_no_finished_day_and_finds_nobody_in_it(shop: Shop, archive_dir: Path) -> None:
    shop.event(FIRST, "page_view", "anna-who-wants-to-go", session_id="s-of-anna").event(
        FIRST, "page_view", "ben"
    )
    shop.event(FIRST, "purchase", "anna-who-wants-to-go", order_id="o-of-anna", value=5.0, currency="EUR")
    shop.roll()
    for path in (archive_dir / "rollups").rglob("*.parquet"):
        said = str(duckdb.sql(f"SELECT * FROM '{path}'").fetchall())
        assert "anna" not in said
    erasure.erase(archive_dir, ["anna-who-wants-to-go"], FIRST + DAY)
    assert shop.roll() == 0
    assert shop.rows("SELECT sum(events) FROM traffic") == [(3,)]


def test_anybody_may_ask_for_them_in_sql(shop: Shop, archive_dir: Path) -> None:
    assert query(archive_dir, "SELECT count(*) FROM rollup_traffic")[1] == [(0,)]
    shop.event(FIRST, "page_view")
    shop.roll()
    assert query(archive_dir, "SELECT sum(events) FROM rollup_traffic")[1] == [(1,)]


def test_refused_events_are_counted_through_restarts_of_both_sides(redis: Any, archive_dir: Path) -> None:
    def said(**reasons: int) -> None:
        redis.set(keys.figures("worker-1"), orjson.dumps({"rejected": reasons}))

    said(no_identity=3)
    counts = RejectCounts(redis, archive_dir)
    counts.read(FIRST)
    said(no_identity=5, invalid_event=1)
    counts.read(FIRST + 1)
    counts.write()
    again = RejectCounts(redis, archive_dir)
    again.read(FIRST + 2)
    said(no_identity=1)  # the worker began anew
    again.read(FIRST + HOUR_MS)
    again.write()
    rows = RollupReader(archive_dir).rows("SELECT hour, reason, events FROM rejects ORDER BY ALL", ALL)
    assert [tuple(row.values()) for row in rows] == [
        (FIRST, "invalid_event", 1),
        (FIRST, "no_identity", 5),
        (FIRST + HOUR_MS, "no_identity", 1),
    ]


def test_who_is_here_now_is_who_came_in_the_last_five_minutes() -> None:
    def seen(who: str | None, at: int, **more: Any) -> LogRecord:
        return LogRecord(0, at, 0, "event", b"", {"received_at": at, "profile_id": who, **more})

    now = FIRST + 30 * MINUTE
    presence = Presence()
    presence.observe([seen("anna", now), seen("anna", now - MINUTE), seen("ben", now - 4 * MINUTE)])
    presence.observe([seen("gone", now - 6 * MINUTE), seen(None, now), seen("robot", now, bot=True)])
    presence.observe([seen("history", now - DAY), LogRecord(0, now, 1, "decision", b"", {})])
    figures = presence.figures(now)
    assert figures["visitors_now"] == 2
    assert len(figures["minutes"]) == 60
    assert figures["minutes"][-1] == [now // MINUTE * MINUTE, 2]
    assert sum(count for _, count in figures["minutes"]) == 5


def test_a_process_that_begins_anew_knows_the_hour_before_it_from_the_archive(
    shop: Shop, archive_dir: Path
) -> None:
    now = FIRST + DAY + 30 * MINUTE
    for who, before in (("anna", 0), ("anna", 1), ("ben", 4), ("gone", 20), ("yesterday", 45), ("older", 61)):
        shop.event(now - before * MINUTE, "page_view", who)
    shop.event(now, "page_view", "robot", bot=True)
    shop.roll()
    presence = Presence()
    for _ in range(2):  # the archiver that failed and begins again asks once more
        presence.recall(archive_dir, now)
    figures = presence.figures(now)
    assert figures["visitors_now"] == 2
    assert [count for _, count in figures["minutes"] if count] == [1, 1, 1, 1, 1]
    Presence().recall(archive_dir / "none", now)
