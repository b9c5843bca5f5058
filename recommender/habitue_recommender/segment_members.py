"""Who is in which segment, in Redis: read with the profiles, changed and counted in one script per person.

A member's record lies in the bucket of its profile, and so do the bucket's counts and its log: entering,
counting and the record in the log happen together or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from habitue_collector.profile import Profile, unpack
from habitue_collector.store import keys
from habitue_warehouse import memberships
from habitue_warehouse.memberships import SEGMENT

PROFILES = "{b*}:profile:*"
_MARK = ":profile:"
_LIVED = frozenset({"visits", "orders", "traits"})  # one of these is there of everybody who did anything

# KEYS memberships, counts, log, profile
# ARGV profile_id, record expected, new record, then of each change: segment_id, 1 or -1, log record or ""
# 1: done. 0: somebody was faster, or the profile is gone: nothing was changed.
_CHANGE = f"""
if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return 0 end
if redis.call('EXISTS', KEYS[4]) == 0 then
  if ARGV[3] ~= '' then return 0 end
  for i = 4, #ARGV, 3 do ARGV[i + 2] = '' end
end
if ARGV[3] == '' then redis.call('HDEL', KEYS[1], ARGV[1])
else redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) end
for i = 4, #ARGV, 3 do
  if redis.call('HINCRBY', KEYS[2], ARGV[i], ARGV[i + 1]) <= 0 then
    redis.call('HDEL', KEYS[2], ARGV[i])
  end
  if ARGV[i + 2] ~= '' then redis.call('XADD', KEYS[3], '*', '{SEGMENT}', ARGV[i + 2]) end
end
return 1
"""


@dataclass(frozen=True, slots=True)
class Held:
    """What Redis has of one visitor: the profile (None: gone) and the segments it is known to be in."""

    profile_id: str
    profile: Profile | None
    packed: str  # the member's record as it stands there
    erased: bool = False  # known of what is gone: the visitor was erased, not merely forgotten

    @property
    def segments(self) -> frozenset[str]:
        return memberships.unpack(self.packed)


@dataclass(frozen=True, slots=True)
class Change:
    """One person's new segments: `steps` are (segment_id, 1 or -1, its record in the log or b"")."""

    held: Held
    segments: frozenset[str]
    steps: tuple[tuple[str, int, bytes], ...]


def is_person(profile: Profile | None) -> bool:
    """Whether this is somebody whom segments speak of.

    Not a bot, not a device that is somebody's (its user is asked instead) or was left, and nobody who said
    no: who is not to be treated by what is known of them is told apart from nobody.
    """
    if profile is None or profile.pointer is not None or profile.is_left:
        return False
    state = profile.state
    if state.get("bot") or not _LIVED.intersection(state):
        return False
    return not any(said["state"] == "denied" for said in state.get("consents", {}).values())


class Members:
    """See the module. One client, used by one task at a time."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self._sha = ""

    async def read(self, profile_ids: Sequence[str]) -> list[Held]:
        """Profiles and member records, read in one pipeline. About 1.5 KB each."""
        async with self.redis.pipeline(transaction=False) as pipeline:
            for profile_id in profile_ids:
                pipeline.get(keys.profile(profile_id))
                pipeline.hget(keys.memberships(keys.bucket_of(profile_id)), profile_id)
            replies = await pipeline.execute()
        gone = [
            profile_id
            for profile_id, packed, record in zip(profile_ids, replies[::2], replies[1::2], strict=True)
            if packed is None and record is not None
        ]
        erased: dict[str, bool] = {}
        if gone:
            async with self.redis.pipeline(transaction=False) as pipeline:
                for profile_id in gone:
                    pipeline.exists(keys.tombstone(profile_id))
                erased = dict(zip(gone, map(bool, await pipeline.execute()), strict=True))
        return [
            Held(
                profile_id,
                _profile(profile_id, packed),
                (record or b"").decode("utf-8", "replace"),
                erased.get(profile_id, False),
            )
            for profile_id, packed, record in zip(profile_ids, replies[::2], replies[1::2], strict=True)
        ]

    async def apply(self, changes: Sequence[Change]) -> list[bool]:
        """Write them, each for itself; False for those that came too late: read and decide again."""
        if not changes:
            return []
        if not self._sha:
            self._sha = str(await self.redis.script_load(_CHANGE))
        async with self.redis.pipeline(transaction=False) as pipeline:
            for change in changes:
                held = change.held
                bucket = keys.bucket_of(held.profile_id)
                arguments: list[Any] = [held.profile_id, held.packed, memberships.pack(change.segments)]
                for step in change.steps:
                    arguments += step
                pipeline.evalsha(
                    self._sha,
                    4,
                    keys.memberships(bucket),
                    keys.segment_counts(bucket),
                    keys.log(bucket),
                    keys.profile(held.profile_id),
                    *arguments,
                )
            replies = await pipeline.execute(raise_on_error=False)
        for reply in replies:
            if isinstance(reply, NoScriptError):
                self._sha = ""  # Redis was restarted: loaded again with the next ones
            elif isinstance(reply, Exception):
                raise reply
        return [reply == 1 for reply in replies]

    async def counts(self) -> dict[str, int]:
        """People by segment, over all buckets."""
        async with self.redis.pipeline(transaction=False) as pipeline:
            for bucket in range(keys.BUCKETS):
                pipeline.hgetall(keys.segment_counts(bucket))
            answers = await pipeline.execute()
        total: dict[str, int] = {}
        for answer in answers:
            for name, count in answer.items():
                segment_id = name.decode("utf-8", "replace")
                total[segment_id] = total.get(segment_id, 0) + int(count)
        return total

    async def profiles(self, cursor: int, count: int) -> tuple[int, list[str]]:
        """One step of a walk over all profiles: the next cursor (0: done) and their ids."""
        names: Any
        after, names = await self.redis.scan(cursor, match=PROFILES, count=count)
        return int(after), [_id_of(name) for name in names]

    async def of_bucket(self, bucket: int, cursor: int, count: int) -> tuple[int, dict[str, frozenset[str]]]:
        """One step of a walk over a bucket's members: the next cursor (0: done), and their segments."""
        found: Any
        after, found = await self.redis.hscan(keys.memberships(bucket), cursor, count=count)
        return int(after), {
            name.decode("utf-8", "surrogatepass"): memberships.unpack(packed)
            for name, packed in found.items()
        }

    async def gone(self, profile_ids: Sequence[str]) -> list[str]:
        """Those of them that have no profile any more."""
        if not profile_ids:
            return []
        async with self.redis.pipeline(transaction=False) as pipeline:
            for profile_id in profile_ids:
                pipeline.exists(keys.profile(profile_id))
            there = await pipeline.execute()
        return [profile_id for profile_id, one in zip(profile_ids, there, strict=True) if not one]

    async def drawn(self, at_most: int) -> tuple[list[str], float]:
        """Profiles drawn at random (some twice), and the share of all keys that are profiles."""
        async with self.redis.pipeline(transaction=False) as pipeline:
            for _ in range(at_most):
                pipeline.randomkey()
            names = [name for name in await pipeline.execute() if name is not None]
        found = [_id_of(name) for name in names if _is_profile(name)]
        return found, len(found) / len(names) if names else 0.0


def _profile(profile_id: str, packed: bytes | None) -> Profile | None:
    if packed is None:
        return None
    try:
        return unpack(profile_id, packed)[1]
    except (ValueError, TypeError):
        return None


def _is_profile(name: bytes) -> bool:
    return name.startswith(b"{b") and b"}:profile:" in name[:16]


def _id_of(name: bytes) -> str:
    return name.decode("utf-8", "surrogatepass").partition(_MARK)[2]
