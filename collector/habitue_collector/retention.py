"""How long what is kept, as an admin chose it over the settings: one versioned document in Redis.

`[lifetimes]` of the settings stand where nothing was chosen. Processes look once in some seconds (`Chosen`),
so a choice needs no restart. Which profiles it concerns that are there already is the background's work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import orjson
from redis.exceptions import WatchError

from habitue_collector.settings import Lifetimes
from habitue_collector.store import keys

KEPT_VERSIONS = 100
# What may be chosen: name → (least, most). The log's own lag stays with the operator: it is about memory, not
# about people.
LIMITS: Mapping[str, tuple[int, int]] = {
    "anonymous_profile_days": (1, 3_650),
    "user_profile_days": (1, 3_650),
    "bot_profile_hours": (1, 720),
    "event_days": (7, 3_650),
    "decision_days": (2, 3_650),  # rules are tried on yesterday's
    "snapshot_days": (2, 3_650),
}


class RetentionConflict(Exception):
    """Somebody else chose meanwhile."""


@dataclass(frozen=True, slots=True)
class Retention:
    """One version. Version 0: nothing was ever chosen. `at` is in milliseconds."""

    version: int = 0
    values: Mapping[str, int] = field(default_factory=dict)
    author: str = ""
    at: int = 0

    def over(self, lifetimes: Lifetimes) -> Lifetimes:
        """The settings with what was chosen laid over them; what is out of bounds is left aside."""
        good = {
            name: value
            for name, value in self.values.items()
            if name in LIMITS and LIMITS[name][0] <= value <= LIMITS[name][1]
        }
        return replace(lifetimes, **good)


def parsed(packed: bytes | None) -> Retention:
    """What a process read; what it cannot read counts as nothing chosen."""
    if packed is None:
        return Retention()
    try:
        raw = orjson.loads(packed)
        values = {str(name): int(value) for name, value in raw["values"].items()}
        return Retention(int(raw["version"]), values, str(raw["author"]), int(raw["at"]))
    except (AttributeError, KeyError, TypeError, ValueError):
        return Retention()


class RetentionStore:
    """Reads and writes it. `redis` is asynchronous."""

    def __init__(self, redis: Any) -> None:
        self._redis = redis

    async def read(self) -> Retention:
        return parsed(await self._redis.get(keys.RETENTION))

    async def history(self, limit: int = KEPT_VERSIONS) -> list[Retention]:
        """Every version, the newest first."""
        return [parsed(one) for one in await self._redis.lrange(keys.RETENTION_HISTORY, 0, limit - 1)]

    async def save(self, values: Mapping[str, int], *, author: str, at: int, expected: int) -> Retention:
        """A new version over `expected`. Raises RetentionConflict, or ValueError with what is too much."""
        for name, value in values.items():
            least, most = LIMITS.get(name, (0, -1))
            if not least <= value <= most:
                raise ValueError(name)
        async with self._redis.pipeline() as pipe:
            await pipe.watch(keys.RETENTION)
            before = parsed(await pipe.get(keys.RETENTION))
            if before.version != expected:
                raise RetentionConflict
            made = Retention(before.version + 1, dict(values), author, at)
            packed = orjson.dumps(asdict(made))
            pipe.multi()
            pipe.set(keys.RETENTION, packed)
            pipe.lpush(keys.RETENTION_HISTORY, packed)
            pipe.ltrim(keys.RETENTION_HISTORY, 0, KEPT_VERSIONS - 1)
            try:
                await pipe.execute()
            except WatchError:
                raise RetentionConflict from None
        return made
