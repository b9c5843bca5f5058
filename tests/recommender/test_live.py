"""Popular right now: distinct people, no robots, nobody's machine alone."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from redis.asyncio import Redis
from support.decisions import NOW, with_redis

from habitue_collector.store import keys
from habitue_recommender.live import BUCKET, NOTHING_LIVE, TOP, WINDOW, LiveCounts, parse

HOUR = 3_600_000


def view(who: str, item_id: str, network: str = "", at: int = NOW, **said: Any) -> dict[str, Any]:
    return {
        "kind": "product_view",
        "profile_id": who,
        "received_at": at,
        "timestamp": at,
        "items": [{"item_id": item_id}],
        "context": {"network": network or f"net-{who}"},
    } | said


def counted(*records: dict[str, Any], now: int = NOW, **said: Any) -> dict[str, int]:
    live = LiveCounts(least=1, **said)
    live.observe(records, now)
    return live.counts()


def test_people_count_once_however_often_they_look() -> None:
    assert counted(*[view("anna", "a")] * 50, view("ben", "a")) == {"a": 2}


def test_robots_and_people_without_consent_do_not_count() -> None:
    nobody = view("x", "a") | {"profile_id": None}
    claimed, bot = view("y", "a", kept="claimed"), view("z", "a", bot=True)
    assert counted(nobody, claimed, bot, view("anna", "a")) == {"a": 1}


def test_one_address_counts_for_a_few_people_only() -> None:
    crowd = [view(f"v{n}", "a", network="office") for n in range(100)]
    assert counted(*crowd, view("anna", "a"), per_network=3) == {"a": 4}


def test_only_the_last_hour_counts_and_late_records_do_no_harm() -> None:
    live = LiveCounts(least=1)
    live.observe([view("anna", "a"), view("ben", "a", at=NOW - 30 * 60_000)], NOW)
    assert live.counts() == {"a": 2}
    live.observe([view("carl", "b", at=NOW - 2 * HOUR)], NOW)
    assert live.counts() == {"a": 2}
    live.observe([view("anna", "a", at=NOW + 40 * 60_000)], NOW + 40 * 60_000)
    assert live.counts() == {"a": 1}  # ben was here 70 minutes ago
    live.observe([], NOW + 3 * HOUR)
    assert live.counts() == {}


def test_a_line_of_an_order_counts_as_the_order_does() -> None:
    line = {"kind": "custom", "name": "transaction_item", "order_id": "O1"}
    assert counted(view("anna", "a", **line), view("ben", "a", kind="purchase")) == {"a": 2}
    assert counted(view("anna", "a", **line | {"order_id": None}), view("ben", "a", kind="custom")) == {}


def test_imported_history_is_not_happening_now() -> None:
    assert counted(view("anna", "a", timestamp=NOW - 90 * 24 * HOUR)) == {}


def test_the_order_of_records_does_not_matter() -> None:
    records = [
        view(f"v{n % 7}", f"i{n % 3}", network=f"n{n % 2}", at=NOW - n * BUCKET // 3) for n in range(40)
    ]
    assert counted(*records) == counted(*reversed(records)) == counted(*records, *records)


def test_too_few_people_are_not_popular() -> None:
    live = LiveCounts(least=2)
    live.observe([view("anna", "a"), view("anna", "b"), view("ben", "b")], NOW)
    assert [item_id for item_id, _ in live.snapshot(NOW).overall] == ["b"]


def test_the_best_are_listed_overall_and_by_department() -> None:
    live = LiveCounts({"a": "Shoes/Trail", "b": "Books"}.get, least=1)
    live.observe([view("v1", "a"), view("v2", "a"), view("v1", "b"), view("v1", "unknown")], NOW)
    snapshot = live.snapshot(NOW)
    assert snapshot.overall == (("a", 2), ("b", 1), ("unknown", 1))
    assert snapshot.categories == {"Books": (("b", 1),), "Shoes": (("a", 2),)}
    live.observe([view("v9", f"i{n}") for n in range(500)], NOW)
    assert len(live.snapshot(NOW).overall) == TOP


def test_trending_is_more_than_usual() -> None:
    live = LiveCounts(least=1)
    for step in range(60):  # five hours in which ten people look at the usual thing
        now = NOW + step * BUCKET
        live.observe([view(f"u{n}", "usual", at=now) for n in range(10)], now)
    assert live.snapshot(now).trending == {} or "usual" not in live.snapshot(now).trending
    now += BUCKET
    live.observe([view(f"h{n}", "hype", at=now) for n in range(12)], now)
    assert "hype" in live.snapshot(now).trending


def test_it_is_published_once_a_second_when_it_changed(redis_socket: str) -> None:
    async def work(redis: Redis) -> None:
        live = LiveCounts(least=1)
        live.observe([view("anna", "a")], NOW)
        assert await live.publish(redis, NOW)
        live.observe([view("ben", "a")], NOW)
        assert not await live.publish(redis, NOW + 500)
        assert await live.publish(redis, NOW + 1_000)
        assert not await live.publish(redis, NOW + 2_000)
        packed: Any = await redis.get(keys.LIVE_POPULAR)
        assert parse(packed) == live.snapshot(NOW)
        assert parse(packed).overall == (("a", 2),)

    with_redis(redis_socket, work)


@pytest.mark.parametrize(
    "packed", [None, b"", b"x", b"[]", b"{}", orjson.dumps({"at": "x"}), b'{"at":1,"overall":[1]}']
)
def test_what_cannot_be_read_is_nothing(packed: bytes | None) -> None:
    assert parse(packed) is NOTHING_LIVE


def test_old_news_is_no_news() -> None:
    live = LiveCounts(least=1)
    live.observe([view("anna", "a")], NOW)
    snapshot = live.snapshot(NOW)
    assert not snapshot.is_stale(NOW + WINDOW // 2)
    assert snapshot.is_stale(NOW + 2 * WINDOW)


def test_people_who_came_by_a_campaign_are_told_what_others_of_it_look_at() -> None:
    spring = {"campaign": {"name": "spring"}}
    landing = [
        view(who, "", **{"kind": "page_view", "context": spring, "items": []}) for who in ("a", "b", "c")
    ]
    looks = [view("a", "rake"), view("b", "rake"), view("c", "hose"), view("d", "lamp"), view("e", "lamp")]
    live = LiveCounts(least=2)
    live.observe([*landing, *looks], NOW)
    later = live.snapshot(NOW + BUCKET)
    assert later.arrivals == {"campaign:spring": (("rake", 2),)}
    assert dict(later.overall) == {"rake": 2, "lamp": 2}


def test_people_with_the_same_kind_of_device_are_counted_beside_how_they_came() -> None:
    def looks(who: str, item_id: str, device: str, **more: object) -> dict[str, object]:
        return view(who, item_id, context={"device": device, **more})

    live = LiveCounts(least=2)
    phones = [looks(who, "case", "mobile", campaign={"name": "spring"}) for who in "ab"]
    desks = [looks(who, "desk", "desktop") for who in "cd"]
    strange = [looks(who, "oven", "fridge") for who in "ef"]
    live.observe(
        [*phones, *desks, *strange, looks("a", "desk", "mobile"), looks("c", "case", "desktop")], NOW
    )
    assert live.snapshot(NOW + BUCKET).arrivals == {
        "campaign:spring": (("case", 2),),
        "device:desktop": (("desk", 2),),
        "device:mobile": (("case", 2),),
    }


def test_a_machine_that_says_it_came_by_a_campaign_counts_no_more_than_elsewhere() -> None:
    said = {"context": {"network": "one", "referrer": {"kind": "search", "host": "find.example"}}}
    live = LiveCounts(least=1, per_network=3)
    live.observe([view(f"x{n}", "scam", **said) for n in range(50)], NOW)
    assert live.snapshot(NOW + BUCKET).arrivals == {"referrer:find.example": (("scam", 3),)}
