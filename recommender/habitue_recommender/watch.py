"""Watches the log as it passes through the background process: what is popular now, what can be learnt.

The archiver hands its records over in its own thread (`observe`, quick, never raises for a full queue);
`run_forever` counts, learns and publishes in another.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from threading import Event as Stop
from time import time_ns
from typing import Any, Protocol

from redis.asyncio import Redis
from redis.exceptions import RedisError

from habitue_collector.events import Event
from habitue_recommender.catalog.learning import Learner
from habitue_recommender.catalog.store import CatalogReader, delete_item, store_items
from habitue_recommender.live import LiveCounts
from habitue_recommender.settings import RecommenderSettings

_QUEUE = 200_000  # records not looked at yet; past it the oldest are let go and counted
_AT_ONCE = 5_000
_TICK_SECONDS = 0.5
_SWEEP_TICKS = 7_200  # an hour

_log = logging.getLogger(__name__)


class Record(Protocol):
    """What is read of an archiver's log record."""

    @property
    def type(self) -> str: ...
    @property
    def record(self) -> Mapping[str, Any] | None: ...


class LogWatch:
    """See the module. `connect` makes a client of its own in the thread that runs."""

    def __init__(
        self,
        settings: RecommenderSettings,
        connect: Callable[[], Redis],
        clock: Callable[[], int] = lambda: time_ns() // 1_000_000,
    ) -> None:
        self.lost = 0
        self.learnt = 0
        self.live = LiveCounts(
            self._category_of, per_network=settings.live_per_network, least=settings.live_least
        )
        self.learner = Learner(settings)
        self._connect = connect
        self._clock = clock
        self._reader = CatalogReader()
        self._queue: deque[Mapping[str, Any]] = deque()

    def observe(self, records: Iterable[Record]) -> None:
        """Take records from the archiver's thread; only events are looked at."""
        for one in records:
            if one.type == "event" and one.record is not None:
                if len(self._queue) >= _QUEUE:
                    self._queue.popleft()
                    self.lost += 1
                self._queue.append(one.record)

    def run_forever(self, stop: Stop) -> None:
        """Until `stop` is set; survives a Redis that is away."""
        asyncio.run(self._run(stop))

    async def _run(self, stop: Stop) -> None:
        async with self._connect() as redis:
            tick = 0
            while not stop.is_set():
                try:
                    await self.step(redis)
                    if tick % _SWEEP_TICKS == 0:
                        await self.sweep(redis)
                    tick += 1
                except (RedisError, OSError) as error:
                    _log.warning("the watch on the log waits for Redis: %s", error)
                await asyncio.sleep(_TICK_SECONDS)

    async def step(self, redis: Redis) -> None:
        """Look at what came in, write what was learnt, publish what is popular."""
        await self._follow(redis)
        while self._queue:
            records = [self._queue.popleft() for _ in range(min(len(self._queue), _AT_ONCE))]
            now = self._clock()
            self.live.observe(records, now)
            changes = [change for record in records for change in self._learn(record, now)]
            if changes:
                results = await store_items(redis, changes, now=now, verified=False)
                self.learnt += sum(one["status"] == "accepted" for one in results)
                await self._follow(redis)
            await asyncio.sleep(0)
        await self.live.publish(redis, self._clock())

    async def sweep(self, redis: Redis) -> None:
        """Forget learnt items that nobody looks at any more."""
        now = self._clock()
        for item_id in self.learner.expired(self._reader.catalog, now):
            await delete_item(redis, item_id, now=now)

    async def _follow(self, redis: Redis) -> None:
        if not await self._reader.reload_if_wanted(redis):
            await self._reader.follow(lambda command: _execute(redis, command))

    def _learn(self, record: Mapping[str, Any], now: int) -> list[dict[str, Any]]:
        if record.get("kind") != "product_view":
            return []
        try:
            event = Event.from_record(dict(record))
        except (ValueError, TypeError, KeyError, AttributeError):  # written by another version
            return []
        bot, server = bool(record.get("bot")), bool(record.get("server"))
        return self.learner.learn(event, self._reader.catalog, now, bot=bot, server=server)

    def _category_of(self, item_id: str) -> str | None:
        item = self._reader.catalog.get(item_id)
        return item.category if item is not None else None


async def _execute(redis: Redis, command: tuple[bytes, ...]) -> Any:
    return await redis.execute_command(*command)  # type: ignore[no-untyped-call]  # published without types
