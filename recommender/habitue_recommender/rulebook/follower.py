"""One process's compiled rulebook, and how far it has followed the marketers' changes.

`version_command` travels with the profile's read of each decision and `absorb` takes its reply, so a change
is noticed by the next decision. Reading and compiling go on beside the decisions; the new rulebook takes the
old one's place by one assignment, so a decision under way keeps the one it began with.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from habitue_collector.store import keys
from habitue_recommender.rulebook.book import Rulebook
from habitue_recommender.rulebook.documents import Loaded
from habitue_recommender.rulebook.store import RulebookStore, read_version

TICK_SECONDS = 0.5  # where nobody decides anything
_RETRY_TICKS = 60  # before a rulebook that could not be compiled is tried again

_log = logging.getLogger(__name__)

Documents = Mapping[str, Mapping[str, Mapping[str, Any]]]
Compile = Callable[[Documents, int, Rulebook | None], Rulebook]


class RulebookReader:
    """See the module.

    `compile` makes documents of a version into a rulebook, given the one before, and may raise.

    What is wrong with one document costs that document (`Rulebook.problems`); what breaks the whole is
    counted in `failures`, and the last good rulebook goes on.
    """

    def __init__(self, compile: Compile) -> None:
        self.rulebook = compile({}, 0, None)
        self.loaded = Loaded()
        self.failures = 0
        self._compile = compile
        self._seen = -1  # the version that was last loaded, well or not
        self._wanted: int | None = None  # what a decision saw in Redis
        self._wake = asyncio.Event()
        self._working = asyncio.Lock()
        self._rest = 0

    def version_command(self) -> tuple[bytes, ...]:
        """Reads the version of the whole: one GET."""
        return (b"GET", keys.RULEBOOK_VERSION.encode())

    def absorb(self, reply: Any) -> None:
        """Take the reply of `version_command`; what is newer is compiled beside the decisions."""
        if reply is None or isinstance(reply, bytes):
            self._wanted = read_version(reply)
            if self._wanted != self._seen:
                self._wake.set()

    async def follow(self, redis: Redis) -> bool:
        """Compile what is in Redis, if that is another rulebook; True when it changed. Raises RedisError."""
        async with self._working:
            store = RulebookStore(redis)
            version = await store.version()
            if version == self._seen and self._rest <= 0:
                return False
            if version == self._seen:
                self._rest -= 1
                if self._rest:
                    return False
            loaded = await store.load()
            self._seen = loaded.version
            try:
                # In a thread: 200 rules are some 50 ms of work, and the loop gets its turns between.
                rulebook = await asyncio.to_thread(
                    self._compile, loaded.documents, loaded.version, self.rulebook
                )
            except Exception:  # whatever is wrong with it, the one that works goes on
                self.failures += 1
                self._rest = _RETRY_TICKS
                _log.exception("rulebook %d cannot be used; %d goes on", loaded.version, self.loaded.version)
                return False
            self._rest = 0
            self.loaded = loaded
            self.rulebook = rulebook
            for place in loaded.broken:
                _log.warning("%s in the rulebook cannot be read", place)
            return True

    async def run(self, redis: Redis) -> None:
        """Follow until cancelled; survives Redis and whatever stands in it."""
        while not is_cancelled():
            self._wake.clear()
            try:
                await self.follow(redis)
            except (RedisError, OSError) as error:
                _log.warning("the rulebook waits for Redis: %s", error)
                await asyncio.sleep(TICK_SECONDS)
                continue
            with suppress(TimeoutError):
                if not is_cancelled():
                    async with asyncio.timeout(TICK_SECONDS):  # `wait_for` of 3.11 can lose a cancellation
                        await self._wake.wait()


def is_cancelled() -> bool:
    """Whether this task was told to end: redis-py can swallow that on its way."""
    own = asyncio.current_task()
    return own is not None and own.cancelling() > 0
