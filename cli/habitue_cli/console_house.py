"""What the console's process is made of: the rooms below it, kept fresh, and the pages over them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from time import time_ns

from redis.asyncio import Redis
from starlette.types import ASGIApp, Receive, Scope, Send

from habitue_collector.key_watch import KeyWatch
from habitue_collector.secret_keys import signing_keys
from habitue_collector.settings import Settings
from habitue_console.app import create_console
from habitue_console.handed import Handed
from habitue_console.house import House
from habitue_console.rendering import warm
from habitue_console.words import LANGUAGES
from habitue_recommender.recommender import Recommender
from habitue_recommender.rulebook.service import RulebookService
from habitue_recommender.rulebook.store import RulebookStore

from .connection import redis_url
from .console_link import new_link
from .rooms import model_loader, recommender_settings

logger = logging.getLogger("habitue.console")

FIRST_ADMIN = "admin"
_RETRY_SECONDS = 1.0
_WARM_PAUSE_SECONDS = 0.005


def clock() -> int:
    """Now, in milliseconds."""
    return time_ns() // 1_000_000


def create(settings: Settings) -> ASGIApp:
    """The console behind its unix socket, with the tasks that keep its house fresh."""
    signing = signing_keys(settings.data.folder)
    redis = Redis.from_url(redis_url(settings), socket_connect_timeout=2)
    told = recommender_settings(settings, signing)
    recommender = Recommender(told, settings.data.folder / "models", model_loader(told))
    rulebook = RulebookService(RulebookStore(redis, clock), recommender.settings, clock)
    house = House.build(settings, redis, signing, recommender=recommender, rulebook=rulebook, clock=clock)
    house.tasks.append(lambda: recommender.run(redis))
    house.tasks.append(house.open)
    house.tasks.append(lambda: _follow_keys(house))
    house.tasks.append(lambda: _invite_the_first(house))
    house.tasks.append(_warm)
    return Living(Handed(create_console(house)), house)


class Living:
    """An app with its house's tasks, from the server's start to its stop."""

    def __init__(self, app: ASGIApp, house: House) -> None:
        self._app = app
        self._house = house

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        async with self._alive():
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    @asynccontextmanager
    async def _alive(self) -> AsyncIterator[None]:
        running = [asyncio.ensure_future(task()) for task in self._house.tasks]
        for task in running:
            task.add_done_callback(_say_when_it_failed)
        try:
            yield
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            await self._house.close()


def _say_when_it_failed(task: asyncio.Future[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("a task of the console ended", exc_info=error)


async def _invite_the_first(house: House) -> None:
    """While nobody has an account, the log shows a one-time link at each start. The demo needs none."""
    if house.settings.demo:
        return
    while True:
        with suppress(ConnectionError, OSError, TimeoutError):
            if await house.users.count() == 0:
                link = await new_link(house.users, house.settings, FIRST_ADMIN)
                logger.info(
                    "nobody may open the console yet; this makes the first admin, once:\n\n    %s\n", link
                )
            return
        await asyncio.sleep(_RETRY_SECONDS)


async def _warm() -> None:
    """Templates are compiled beside the first pages, not in them; in pieces, so that those do not wait."""
    for language in LANGUAGES:
        for _ in warm(language):
            await asyncio.sleep(_WARM_PAUSE_SECONDS)


async def _follow_keys(house: House) -> None:
    watch = KeyWatch(house.settings)
    while True:
        await asyncio.sleep(_RETRY_SECONDS)
        if (changed := watch.changed()) is not None:
            house.settings = changed
