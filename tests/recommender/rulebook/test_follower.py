"""A rulebook of two hundred rules is taken over by several workers while they go on deciding.

`pytest -s` prints the figures: the lag from saving to effect, the CPU of compiling, the loop's longest stall.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import Redis
from support.house import RealRedis

from bench.rules_cost import documents_of
from habitue_recommender.rulebook.book import Rulebook
from habitue_recommender.rulebook.follower import TICK_SECONDS, Documents, RulebookReader
from habitue_recommender.rulebook.store import RulebookStore
from habitue_recommender.settings import RecommenderSettings

RULES, WORKERS, ROUNDS = 200, 3, 3
MOST_SECONDS = 0.05  # of the loop, of CPU: another program's turn is not ours
IN_TIME_SECONDS = 1.0
SETTINGS = RecommenderSettings()


class Workers:
    """Some workers' readers on one loop, and what compiling cost them (seconds of CPU)."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.store = RulebookStore(redis, lambda: time.time_ns() // 1_000_000)
        self.compiled: list[float] = []
        self.readers = [RulebookReader(self._compile) for _ in range(WORKERS)]

    def _compile(self, documents: Documents, version: int, previous: Rulebook | None) -> Rulebook:
        began = time.thread_time()
        book = Rulebook.compile(documents, settings=SETTINGS, version=version, previous=previous)
        self.compiled.append(time.thread_time() - began)
        return book

    async def save(self, rule: str, told: dict[str, Any]) -> int:
        await self.store.save("rule", rule, {"id": rule, "name": rule, **told}, author="anna")
        return await self.store.version()

    async def all_have(self, version: int) -> None:
        async with asyncio.timeout(30):
            while any(reader.rulebook.version != version for reader in self.readers):
                await asyncio.sleep(0.001)


@asynccontextmanager
async def stalls() -> AsyncIterator[list[float]]:
    """CPU seconds of this process from one turn of the loop to the next one."""
    found: list[float] = []

    async def tick() -> None:
        before = time.process_time()
        while True:
            await asyncio.sleep(0)
            now = time.process_time()
            found.append(now - before)
            before = now

    ticking = asyncio.create_task(tick())
    try:
        yield found
    finally:
        ticking.cancel()


def test_two_hundred_rules_are_taken_over_in_time_and_never_stop_the_loop(real: RealRedis) -> None:
    async def scene() -> None:
        async with Redis.from_url(real.url) as redis:
            workers = Workers(redis)
            rules = list(documents_of([f"sku-{number}" for number in range(2_000)]))
            assert len(rules) == RULES
            for rule, told in rules:
                version = await workers.save(rule, dict(told))
            # As a worker does with its catalog: what lives on is not looked at again.
            gc.collect()
            gc.freeze()
            running = [asyncio.create_task(reader.run(redis)) for reader in workers.readers]
            try:
                await workers.all_have(version)
                assert all(len(reader.rulebook.active) == RULES for reader in workers.readers)
                lags, longest = [], []
                for turn in range(ROUNDS):
                    began = time.monotonic()
                    version = await workers.save(rules[turn][0], {**rules[turn][1], "priority": 90 + turn})
                    async with stalls() as found:
                        await workers.all_have(version)
                    lags.append(time.monotonic() - began)
                    longest.append(max(found))
                    assert all(
                        reader.rulebook.active[0].rule.priority == 90 + turn for reader in workers.readers
                    )
            finally:
                gc.unfreeze()
                for task in running:
                    task.cancel()
                await asyncio.gather(*running, return_exceptions=True)
            compiled = min(workers.compiled[-WORKERS * ROUNDS :])
            print(
                f"\n{RULES} rules in {WORKERS} workers on one loop: effect after"
                f" {', '.join(f'{one:.2f}' for one in lags)} s; of CPU: compiling {compiled * 1e3:.0f} ms,"
                f" longest stall {', '.join(f'{one * 1e3:.1f}' for one in longest)} ms"
            )
            assert compiled <= MOST_SECONDS
            # The best round: a collection of the whole test process may fall into one of them.
            assert min(longest) <= MOST_SECONDS
            # Where nobody decides anything: the tick, then the work. By CPU, for a busy machine's sake.
            assert TICK_SECONDS + compiled <= IN_TIME_SECONDS / 1.5

    asyncio.run(scene())


def test_what_a_decision_sees_is_taken_over_without_waiting_for_the_tick(
    real: RealRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("habitue_recommender.rulebook.follower.TICK_SECONDS", 3_600.0)

    async def scene() -> None:
        async with Redis.from_url(real.url) as redis:
            workers = Workers(redis)
            running = [asyncio.create_task(reader.run(redis)) for reader in workers.readers]
            try:
                await workers.all_have(0)
                version = await workers.save("spring", {"consequence": {"boost": 2}})
                for reader in workers.readers:
                    reader.absorb(await redis.get(reader.version_command()[1]))
                await workers.all_have(version)
            finally:
                for task in running:
                    task.cancel()
                await asyncio.gather(*running, return_exceptions=True)

    asyncio.run(scene())
