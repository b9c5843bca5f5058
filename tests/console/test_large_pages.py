"""Every page of the console over a big shop's archive: the first byte within half a second.

Writing that archive takes minutes; `HABITUE_LARGE_ARCHIVE=<folder>` keeps it for the next time (the data
folder: the archive lies in `archive/` below it).
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest
from support.console import ConsoleFloor, console
from support.house import RealRedis

from bench import large_archive
from habitue_collector.settings import Data, demo_settings
from habitue_console.app import PAGES
from habitue_recommender.catalog.store import store_items
from habitue_warehouse.rollups import RollupSettings, due, roll

FIRST_BYTE_SECONDS = 0.5
PATHS = [
    *(f"/{name}" if name != "today" else "/" for name in PAGES),
    "/catalog/item?id=item-00007",
    "/catalog?q=brand&only=no-image&page=20",
    "/events/refused",
    "/events/schema",
    "/events?kind=purchase",
    "/visitors?q=visitor-0000042",
    "/visitors?q=customer-0000013",
    "/today/trade",
    "/live",
]


class Clock:
    """Now, and a while later each time somebody puts it forward."""

    ahead = 0

    def __call__(self) -> int:
        return time.time_ns() // 1_000_000 + self.ahead


async def opened(floor: ConsoleFloor, path: str) -> float:
    began = time.perf_counter()
    answer = await floor.browser().get(path)
    assert answer.status_code == 200, path
    return time.perf_counter() - began


def big_archive(tmp_path: Path) -> large_archive.Shape:
    shape = large_archive.Shape(until=time.time_ns() // 1_000_000)
    assert (shape.visitors, shape.events) == (1_000_000, 20_000_000)
    if told := os.environ.get("HABITUE_LARGE_ARCHIVE"):
        kept = Path(told).resolve() / "archive"
        kept.mkdir(parents=True, exist_ok=True)
        (tmp_path / "archive").symlink_to(kept)
    if not (tmp_path / "archive" / "profiles").exists():
        large_archive.write(tmp_path / "archive", shape)
    return shape


@pytest.mark.long
@pytest.mark.asyncio
@pytest.mark.timeout(1_800)
async def test_every_page_answers_within_half_a_second(real: RealRedis, tmp_path: Path) -> None:
    shape = big_archive(tmp_path)
    roll(tmp_path / "archive", RollupSettings(budget_seconds=1_200, threads=2))
    assert due(tmp_path / "archive") == []
    settings = replace(demo_settings(tmp_path), data=Data(folder=tmp_path), demo=True)
    clock = Clock()
    async with console(real, settings=settings, demo=True, clock=clock) as floor:
        await store_items(floor.house.redis, list(large_archive.catalog(shape)), now=shape.now)
        await floor.house.recommender.refresh(floor.house.redis)
        for path in PATHS:  # templates are compiled once in the life of a process
            await opened(floor, path)
        clock.ahead = 120_000  # nothing that was kept a moment ago is new enough any more
        seconds = {path: await opened(floor, path) for path in PATHS}
        for path, took in seconds.items():
            print(f"{took * 1_000:6.0f} ms  {path}")
        assert {path: took for path, took in seconds.items() if took > FIRST_BYTE_SECONDS} == {}
