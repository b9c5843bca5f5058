"""From the log to what is popular now and to learnt items, in the background process."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from support.decisions import NOW, with_redis

from habitue_collector.store import keys
from habitue_recommender.catalog.store import find_item, store_items
from habitue_recommender.live import parse
from habitue_recommender.settings import RecommenderSettings
from habitue_recommender.watch import LogWatch

SETTINGS = RecommenderSettings(hosts=("shop.example",), live_least=2)


@dataclass
class Entry:
    """As the archiver hands it on."""

    type: str
    record: dict[str, Any] | None


def view(who: str, item_id: str, **said: Any) -> Entry:
    record: dict[str, Any] = {
        "event_id": f"{who}-{item_id}",
        "kind": "product_view",
        "name": "Product Viewed",
        "timestamp": NOW,
        "received_at": NOW,
        "profile_id": who,
        "items": [{"item_id": item_id, "name": "Lamp", "url": "https://shop.example/lamp", "price": 5.0}],
        "context": {"network": f"net-{who}"},
    }
    return Entry("event", record | said)


def test_views_become_popular_and_unknown_items_are_learnt(redis_socket: str) -> None:
    async def work(redis: Redis) -> None:
        await store_items(redis, [{"item_id": "shoe", "name": "Shoe", "category": "Sport/Shoes"}], now=NOW)
        watch = LogWatch(SETTINGS, lambda: redis, lambda: NOW)
        watch.observe([view("anna", "shoe"), view("ben", "shoe"), view("anna", "lamp")])
        watch.observe([Entry("decision", {}), Entry("event", None), Entry("event", {"kind": "product_view"})])
        watch.observe([view("x", "bad", kind="no such kind"), view("y", "fake", bot=True)])
        await watch.step(redis)
        packed: Any = await redis.get(keys.LIVE_POPULAR)
        assert parse(packed).overall == (("shoe", 2),)
        assert parse(packed).categories == {"Sport": (("shoe", 2),)}
        lamp = await find_item(redis, "lamp")
        assert lamp is not None
        assert not lamp.verified
        assert await find_item(redis, "fake") is None
        assert watch.learnt == 1

    with_redis(redis_socket, work)


def test_what_nobody_looks_at_is_swept_out(redis_socket: str) -> None:
    async def work(redis: Redis) -> None:
        await store_items(
            redis, [{"item_id": "old", "name": "Old"}], now=NOW - 90 * 86_400_000, verified=False
        )
        await store_items(redis, [{"item_id": "fed", "name": "Fed"}], now=NOW - 90 * 86_400_000)
        watch = LogWatch(SETTINGS, lambda: redis, lambda: NOW)
        await watch.step(redis)
        await watch.sweep(redis)
        assert await find_item(redis, "old") is None
        assert await find_item(redis, "fed") is not None

    with_redis(redis_socket, work)


def test_it_runs_in_a_thread_of_its_own_until_it_is_stopped(redis_socket: str) -> None:
    stop = threading.Event()
    watch = LogWatch(SETTINGS, lambda: Redis(unix_socket_path=redis_socket))
    thread = threading.Thread(target=watch.run_forever, args=(stop,))
    thread.start()
    now = time.time_ns() // 1_000_000
    watch.observe([view(who, "thread-lamp", timestamp=now, received_at=now) for who in ("anna", "ben")])

    async def published() -> bool:
        async with Redis(unix_socket_path=redis_socket) as redis:
            packed: Any = await redis.get(keys.LIVE_POPULAR)
            return ("thread-lamp", 2) in parse(packed).overall

    until = time.monotonic() + 10
    while not asyncio.run(published()):
        assert time.monotonic() < until
        assert thread.is_alive()
    stop.set()
    thread.join(5)
    assert not thread.is_alive()
