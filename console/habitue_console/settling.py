"""A process that starts has read no catalog and no archive yet: its first pages wait until it has."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

from starlette.types import ASGIApp, Receive, Scope, Send

SECONDS = 5.0  # after the start; then a page with ids is better than none
_LOOK_SECONDS = 0.02


class Settling:
    """Holds requests back until `is_ready`, for the first seconds of a process only."""

    def __init__(
        self,
        app: ASGIApp,
        is_ready: Callable[[], bool],
        seconds: float = SECONDS,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._app = app
        self._is_ready = is_ready
        self._clock = clock
        self._until = clock() + seconds
        self._settled = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        while not self._settled:
            self._settled = self._is_ready() or self._clock() >= self._until
            if not self._settled:
                await asyncio.sleep(_LOOK_SECONDS)
        await self._app(scope, receive, send)
