"""An item that somebody looked at for the first time is offered to others in seconds, without a training."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from redis.asyncio import Redis
from support.archives import Archive
from support.decisions import redis_server, visitor

from habitue_collector.store import keys
from habitue_recommender import artifact
from habitue_recommender.catalog.catalog import Catalog
from habitue_recommender.catalog.store import CatalogReader, store_items
from habitue_recommender.decide import decide
from habitue_recommender.live import Live, parse
from habitue_recommender.page import Page
from habitue_recommender.served import ServedModel
from habitue_recommender.settings import RecommenderSettings
from habitue_recommender.slots import DEFAULT_SLOTS
from habitue_recommender.training.train import TrainingConfig, train
from habitue_recommender.watch import LogWatch

SECONDS = 10.0
SETTINGS = RecommenderSettings(hosts=("shop.example",), live_least=2)
KNOWN = [
    {"item_id": name, "name": f"Trail shoe {name}", "category": "Sport/Shoes", "url": f"https://shop.example/{name}"}
    for name in ("one", "two")
]  # fmt: skip


class Entry:
    """As the archiver hands it on."""

    type = "event"

    def __init__(self, **record: Any) -> None:
        self.record = record


def view(who: str, now: int) -> Entry:
    item = {
        "item_id": "fresh",
        "name": "Trail shoe fresh",
        "category": "Sport/Shoes",
        "url": "https://shop.example/fresh",
        "price": 60.0,
    }
    return Entry(
        event_id=f"{who}-{now}", kind="product_view", name="Product Viewed", timestamp=now, received_at=now,
        profile_id=who, items=[item], context={"network": f"net-{who}"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def socket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(tmp_path_factory.mktemp("redis")) as path:
        yield path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ServedModel:
    """Trained before the item was there: it cannot know it."""
    folder = tmp_path_factory.mktemp("shop")
    archive = (
        Archive(folder / "archive").views("s1", "one", "two").views("s2", "two", "one", who="ben").write()
    )
    digest = train(archive, folder, TrainingConfig(("neighbours", "item_item", "popular")))
    served = ServedModel(artifact.load(folder / digest))
    assert served.index("fresh") == -1
    return served


def offered(slot: str, page: Page, model: ServedModel, catalog: Catalog, live: Live, now: int) -> list[str]:
    who = visitor("zoe", views=["one"], now=now)
    [decision] = decide([DEFAULT_SLOTS[slot]], page, who, catalog, model, live, now, SETTINGS)
    return [offer.item.item_id for offer in decision.offers]


def test_what_was_looked_at_for_the_first_time_is_offered_within_ten_seconds(
    socket: str, model: ServedModel
) -> None:
    async def ask() -> dict[str, float]:
        """Seconds from the first look until each slot offers it, asked as a worker asks."""
        async with Redis(unix_socket_path=socket) as redis:
            await store_items(redis, KNOWN, now=time.time_ns() // 1_000_000)
            reader = CatalogReader()
            await reader.reload_if_wanted(redis)
            began = time.monotonic()
            now = time.time_ns() // 1_000_000
            watch.observe([view("anna", now), view("ben", now)])
            waiting = {"pdp-related": Page("product", item_id="one"), "home-popular": Page("home")}
            took: dict[str, float] = {}
            while len(took) < 3 and time.monotonic() - began < SECONDS:

                async def execute(command: tuple[bytes, ...]) -> Any:
                    return await redis.execute_command(*command)

                await reader.follow(execute)
                packed: Any = await redis.get(keys.LIVE_POPULAR)
                live = parse(packed)
                for slot, page in list(waiting.items()):
                    at = time.time_ns() // 1_000_000
                    if "fresh" in offered(slot, page, model, reader.catalog, live, at):
                        took[slot] = time.monotonic() - began
                        del waiting[slot]
                if ("fresh", 2) in live.overall:
                    took.setdefault("popular right now", time.monotonic() - began)
                await asyncio.sleep(0.05)
            return took

    watch = LogWatch(SETTINGS, lambda: Redis(unix_socket_path=socket))
    stop = threading.Event()
    thread = threading.Thread(target=watch.run_forever, args=(stop,))
    thread.start()
    try:
        took = asyncio.run(ask())
    finally:
        stop.set()
        thread.join(10)
    assert set(took) == {"pdp-related", "home-popular", "popular right now"}
    assert max(took.values()) < SECONDS, took
