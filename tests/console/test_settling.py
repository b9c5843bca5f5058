"""The first pages of a process wait for its catalog, for a while."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from habitue_console.settling import Settling


def asked(ready_after: float, seconds: float) -> tuple[bool, int]:
    """Two requests to an app that is ready after so many looks of a second each: was it, at the first?"""
    now = 0.0
    answered: list[bool] = []

    def is_ready() -> bool:
        nonlocal now
        now += 1.0
        return now > ready_after

    async def app(scope: Any, receive: Any, send: Any) -> None:
        answered.append(now > ready_after)

    async def scene() -> None:
        settling = Settling(app, is_ready, seconds, clock=lambda: now)
        await settling({}, None, None)  # type: ignore[arg-type]  # nothing is received or sent
        looks = now
        await settling({}, None, None)  # type: ignore[arg-type]  # the same
        assert now == looks, "who is settled is not asked again"

    asyncio.run(scene())
    return answered[0], len(answered)


@pytest.mark.parametrize(("ready_after", "was_ready"), [(0, True), (3, True), (50, False)])
def test_a_page_waits_until_the_catalog_is_read_but_not_for_ever(ready_after: float, was_ready: bool) -> None:
    assert asked(ready_after, seconds=9) == (was_ready, 2)
