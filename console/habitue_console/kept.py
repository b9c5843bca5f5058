"""What was found out a moment ago, for several people who look at the same page."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """Finds something out when it is asked and what it has is older than `seconds`; once for all who wait."""

    def __init__(self, seconds: float, find: Callable[[], Awaitable[T]], clock: Callable[[], int]) -> None:
        self._ms, self._find, self._clock = seconds * 1_000, find, clock
        self._found: tuple[T] | None = None
        self._at = 0
        self._lock = asyncio.Lock()

    async def get(self) -> T:
        async with self._lock:
            if self._found is None or not 0 <= self._clock() - self._at < self._ms:
                self._found = (await self._find(),)
                self._at = self._clock()
            return self._found[0]
