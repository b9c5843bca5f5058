"""The marketers' pages: written in a form, previewed, saved, undone; mistakes at their place; nothing lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest
from support.console import Browser
from support.house import RealRedis
from support.marketers import EVIL, HTMX, Desk, form_of, marketers

from habitue_console.roles import Role


@pytest.fixture(scope="module")
def real() -> Iterator[RealRedis]:
    real = RealRedis().start()
    yield real
    real.remove()


def at(real: RealRedis, story: Callable[[Desk, Browser], Awaitable[None]]) -> None:
    async def run() -> None:
        async with marketers(real) as desk:
            await story(desk, await desk.marketer())

    asyncio.run(run())


PLURALS = ("rules", "segments", "contents", "slots")


def test_every_page_opens_empty_and_full(real: RealRedis):
    async def story(desk: Desk, mara: Browser) -> None:
        for plural in PLURALS:
            for path in (f"/{plural}", f"/{plural}/new", f"/{plural}/import", f"/{plural}/export"):
                answer = await mara.get(path)
                assert answer.status_code == 200, (path, answer.text[:500])
        await desk.save("segment", "vip", name="VIP", when="visitor.orders.count >= 3")
        await desk.save("rule", "pin", name="Pin", consequence={"pin": [{"item_id": "boot", "position": 1}]})
        await desk.save("content", "sale", name="Sale", kind="banner", title="Sale", slots=["home-hero"])
        await desk.save("slot", "home-hero", size=6)
        for plural, one in zip(PLURALS, ("pin", "vip", "sale", "home-hero"), strict=True):
            for path in (f"/{plural}", f"/{plural}/{one}", f"/{plural}/{one}/history", f"/{plural}/new?copy={one}"):
                answer = await mara.get(path)
                assert answer.status_code == 200, (path, answer.text[:500])

    at(real, story)
