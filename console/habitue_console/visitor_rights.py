"""What a visitor may ask of the shop, done for them: everything that is kept, and its erasure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import orjson
from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from habitue_collector.commit import Committer
from habitue_collector.profile import Profile
from habitue_collector.profiles import Profiles
from habitue_collector.store import commands

from .timeline import Archived, Entry


def exported(profile: Profile, tail: list[Entry], archived: Archived) -> Iterator[bytes]:
    """JSON lines: the profile, then everything that happened, oldest first. Blocks; run it in a thread."""
    yield _line("profile", profile.to_public())
    known = set()
    for entry in archived.all(profile.profile_id):
        known.add((entry.table, entry.place))
        yield _line(entry.type, entry.record)
    for entry in reversed(tail):
        if (entry.table, entry.place) not in known:
            yield _line(entry.type, entry.record)


def _line(kind: str, record: dict[str, Any]) -> bytes:
    return orjson.dumps({"type": kind, **record}, default=str) + b"\n"


async def erase(redis: Redis, profile_id: str, now: int) -> list[str]:
    """Erase a person as `DELETE /v1/profiles/{id}` does; the ids that were erased."""
    return await Profiles(cast(Committer, _Direct(redis))).erase(profile_id, now)


class _Direct:
    """The committer's one door that `Profiles` uses, over this process's own connection.

    A worker's cached profile needs no word of it: its next write is refused, for the version is gone.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def execute(self, packed: bytes) -> Any:
        words = unpacked(packed)
        try:
            return await self._redis.execute_command(*words)  # type: ignore[no-untyped-call]  # published without types
        except NoScriptError:  # this Redis was started after the workers were
            await self._redis.script_load(commands.ERASE.decode())
            return await self._redis.execute_command(*words)  # type: ignore[no-untyped-call]

    def forget(self, profile_id: str) -> None:
        """Nothing is remembered here."""


def unpacked(packed: bytes) -> list[bytes]:
    """The words of one command as `resp.pack` wrote it: `*2\\r\\n$3\\r\\nGET\\r\\n…`."""
    words: list[bytes] = []
    count, _, rest = packed[1:].partition(b"\r\n")
    for _ in range(int(count)):
        length, _, rest = rest[1:].partition(b"\r\n")
        words.append(rest[: int(length)])
        rest = rest[int(length) + 2 :]
    return words
