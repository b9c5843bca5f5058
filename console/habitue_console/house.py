"""What every page is handed: the settings, Redis, the rooms below, and the console's own stores."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import time_ns
from typing import Any, ParamSpec, TypeVar
from zoneinfo import ZoneInfo

from redis.asyncio import Redis

from habitue_collector.settings import Settings

from .audit import Audit
from .figures import Figures, published
from .sessions import Sessions
from .users import Users

_log = logging.getLogger("habitue.console")

P = ParamSpec("P")
T = TypeVar("T")

THREADS = 2  # DuckDB uses two of its own for each; more at once would take the workers' cores


@dataclass
class House:
    """See the module. `redis` answers bytes; `clock` gives milliseconds.

    `recommender` and `rulebook` are the rooms' own objects (`Recommender`, `RulebookService`), kept fresh by
    the process; they are typed loosely so that a page works against the one method it needs.
    """

    settings: Settings
    redis: Redis
    users: Users
    sessions: Sessions
    audit: Audit
    signing: tuple[str, ...]
    recommender: Any = None
    rulebook: Any = None
    clock: Callable[[], int] = lambda: time_ns() // 1_000_000
    tasks: list[Callable[[], Awaitable[None]]] = field(default_factory=list)  # what runs beside the pages
    # What pages look up before anybody comes: the first look at an archive costs ten times the next.
    opening: list[Callable[[], Awaitable[object]]] = field(default_factory=list)
    is_open: bool = False
    _pool: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(THREADS, thread_name_prefix="console")
    )

    @classmethod
    def build(
        cls,
        settings: Settings,
        redis: Redis,
        signing: tuple[str, ...],
        *,
        recommender: Any = None,
        rulebook: Any = None,
        clock: Callable[[], int] = lambda: time_ns() // 1_000_000,
    ) -> House:
        """The house over one Redis, with the stores of the console itself."""
        return cls(
            settings,
            redis,
            Users(redis, clock),
            Sessions(redis, signing, clock),
            Audit(redis, clock),
            signing,
            recommender,
            rulebook,
            clock,
        )

    @property
    def archive(self) -> Path:
        """The Parquet of the warehouse."""
        return self.settings.data.folder / "archive"

    @property
    def models(self) -> Path:
        """The trained artifacts; `live` names the one that serves."""
        return self.settings.data.folder / "models"

    @property
    def zone(self) -> ZoneInfo:
        """The shop's clock."""
        return ZoneInfo(self.settings.shop.timezone)

    async def in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run what blocks (DuckDB, files, hashing) beside the event loop, few at a time."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, partial(work, *args, **kwargs))

    async def figures(self) -> Figures:
        """What each process of the house published about itself, by its name."""
        return await published(self.redis, self.settings.server.workers)

    async def open(self) -> None:
        """Everything of `opening`; what fails here says so on its own page when somebody asks for it."""
        try:
            for found in await asyncio.gather(*(look() for look in self.opening), return_exceptions=True):
                if isinstance(found, Exception):
                    _log.warning("a page is not prepared: %r", found)
        finally:
            self.is_open = True

    async def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        await self.redis.aclose()
