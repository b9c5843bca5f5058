"""What tests of decisions are made of: items, visitors, scripted models, and a Redis of their own."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from redis.asyncio import Redis

from habitue_collector.affinity import LANDMARK
from habitue_collector.profile import Profile
from habitue_recommender.catalog.catalog import Catalog
from habitue_recommender.catalog.items import Item
from habitue_recommender.models.base import NOTHING, Query, Ranked
from habitue_recommender.served import ServedModel
from habitue_recommender.vocabulary import Vocabulary

NOW = 1_780_000_000_000
DAY = 86_400_000
T = TypeVar("T")


def item(item_id: str, **said: Any) -> Item:
    """An item that can be offered."""
    values: dict[str, Any] = {
        "name": f"The {item_id}",
        "url": f"/p/{item_id}",
        "price": 9.5,
        "currency": "EUR",
        "first_seen": NOW - 400 * DAY,
        "updated_at": NOW - 400 * DAY,
    }
    return Item(item_id, **(values | said))


def catalog_of(*items: Item | str) -> Catalog:
    return Catalog([item(one) if isinstance(one, str) else one for one in items])


def visitor(
    profile_id: str = "anna",
    *,
    views: Sequence[str] = (),
    carts: Sequence[str] = (),
    earlier: Mapping[str, int] | None = None,
    bought: Mapping[str, tuple[float, int]] | None = None,
    seen: Mapping[str, tuple[int, int]] | None = None,
    likes: Mapping[str, float] | None = None,
    brands: Mapping[str, float] | None = None,
    consents: Mapping[str, str] | None = None,
    now: int = NOW,
) -> Profile:
    """A profile in the collector's stored form.

    `views` and `carts` happened in this session, oldest first; `earlier` maps an item to the days since
    it was viewed; `bought` and `seen` to (count, milliseconds ago); `likes` and `brands` are shares.
    """
    recent = {one: {"last": (now - days * DAY) // 1000} for one, days in (earlier or {}).items()}
    touched = list(dict.fromkeys([*views, *carts]))
    for place, one in enumerate(touched):
        kind = "add_to_cart" if one in carts else "product_view"
        recent[one] = {"last": now // 1000 - 60 * (len(touched) - place), "kind": kind}
    state: dict[str, Any] = {"recent_items": recent, "last_seen": now}
    if touched:
        state["session"] = {
            "id": "s1",
            "started": now - 600_000,
            "last": now,
            "events": len(touched),
            "items": touched,
        }
    state["cart"] = {one: {"quantity": 1} for one in carts}
    state["bought"] = {
        one: {"count": count, "last": (now - ago) // 1000} for one, (count, ago) in (bought or {}).items()
    }
    state["exposures"] = {
        one: {"count": count, "last": (now - ago) // 1000} for one, (count, ago) in (seen or {}).items()
    }
    logs = {"category": likes or {}, "brand": brands or {}}
    state["affinities"] = {
        dimension: {
            name: float(np.log2(share)) + (now - LANDMARK) / (30 * DAY) for name, share in one.items()
        }
        for dimension, one in logs.items()
    }
    state["consents"] = {purpose: {"state": said} for purpose, said in (consents or {}).items()}
    return Profile(profile_id, state)


@dataclass
class Scripted:
    """A model that says what the test wants: items with scores, and one item that speaks for all."""

    items: Sequence[int]
    anchor: int | None = None
    week: Sequence[int] = ()
    fails: bool = False
    asked: list[Query] = field(default_factory=list)

    def score(self, query: Query) -> Ranked:
        self.asked.append(query)
        if self.fails:
            raise RuntimeError("scripted")
        if not len(self.items):
            return NOTHING
        return self._ranked(self.items[: query.n])

    def because(self, query: Query, item: int) -> int | None:
        return self.anchor

    def because_all(self, query: Query, items: Sequence[int]) -> list[int | None]:
        return [self.anchor] * len(items)

    def this_week(self, n: int) -> Ranked:
        return self._ranked(self.week[:n])

    @staticmethod
    def _ranked(items: Sequence[int]) -> Ranked:
        scores = (
            np.linspace(1.0, 0.1, len(items), dtype=np.float32) if len(items) else np.zeros(0, np.float32)
        )
        return Ranked(np.array(items, dtype=np.int32), scores)


@dataclass
class ScriptedArtifact:
    digest: str
    vocabulary: Vocabulary
    models: Mapping[str, Any]
    manifest: Mapping[str, Any] = field(default_factory=dict)


def model_of(
    item_ids: Sequence[str],
    *,
    anchors: Mapping[str, str] | None = None,
    until: int = NOW,
    digest: str = "d1",
    week: Sequence[str] = (),
    **ranked: Sequence[str],
) -> ServedModel:
    """An artifact whose members (by name) rank items as told; `anchors`: who speaks for a member's items."""
    vocabulary = Vocabulary.of(item_ids)
    members = {
        name: Scripted(
            [vocabulary.index(one) for one in ids],
            vocabulary.index(anchors[name]) if anchors and name in anchors else None,
            [vocabulary.index(one) for one in week],
        )
        for name, ids in ranked.items()
    }
    return ServedModel(ScriptedArtifact(digest, vocabulary, members, {"data": {"until": until}}))


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """A private Redis on a unix socket; gives its path."""
    socket = folder / "redis.sock"
    arguments = ["--port", "0", "--unixsocket", str(socket), "--dir", str(folder)]
    process = subprocess.Popen(
        ["redis-server", *arguments, "--save", "", "--appendonly", "no"], stdout=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + 60
        while not socket.exists():
            assert process.poll() is None, "redis-server ended"
            assert time.monotonic() < until, "redis-server did not start"
            time.sleep(0.005)
        yield str(socket)
    finally:
        process.terminate()
        process.wait(10)


def with_redis(socket: str, work: Callable[[Redis], Coroutine[Any, Any, T]]) -> T:
    """Run one coroutine function with a client on an empty Redis."""

    async def run() -> T:
        async with Redis(unix_socket_path=socket) as redis:
            await redis.flushall()
            return await work(redis)

    return asyncio.run(run())
