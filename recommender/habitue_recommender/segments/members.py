"""Who is in which segment, in Redis: read with the profiles, changed and counted in one script per person.

A member's record lies in the bucket of its profile, and so do the bucket's counts and its log: entering,
counting and the record in the log happen together or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError, ResponseError

from habitue_collector.profile import Profile, unpack
from habitue_collector.store import keys
from habitue_collector.store.resp import pack
from habitue_warehouse import memberships
from habitue_warehouse.memberships import SEGMENT

PROFILES = "{b*}:profile:*"
_MARK = ":profile:"
_LIVED = frozenset({"visits", "orders", "traits"})  # one of these is there of everybody who did anything

# Many people with one command: as single commands they would cost this process 50 µs each.
_READ = """
local found = {}
for i, profile_id in ipairs(ARGV) do
  found[2 * i - 1] = redis.call('GET', KEYS[2 * i - 1])
  found[2 * i] = redis.call('HGET', KEYS[2 * i], profile_id)
end
return found
"""

# KEYS of each person: memberships, counts, log, profile
# ARGV of each: profile_id, record expected, new record, number of changes, then of each change: segment_id,
# 1 or -1, log record or ""
# Of each 1: done. 0: somebody was faster, or the profile is gone: nothing was changed.
_CHANGE = f"""
local done = {{}}
local at = 1
for person = 0, #KEYS / 4 - 1 do
  local members, counts, log = KEYS[4 * person + 1], KEYS[4 * person + 2], KEYS[4 * person + 3]
  local profile_id, expected, new, changes = ARGV[at], ARGV[at + 1], ARGV[at + 2], tonumber(ARGV[at + 3])
  local there = redis.call('EXISTS', KEYS[4 * person + 4]) == 1
  local as_expected = (redis.call('HGET', members, profile_id) or '') == expected
  at = at + 4
  if as_expected and (there or new == '') then
    if new == '' then redis.call('HDEL', members, profile_id)
    else redis.call('HSET', members, profile_id, new) end
    for i = at, at + 3 * changes - 1, 3 do
      if redis.call('HINCRBY', counts, ARGV[i], ARGV[i + 1]) <= 0 then redis.call('HDEL', counts, ARGV[i]) end
      if there and ARGV[i + 2] ~= '' then redis.call('XADD', log, '*', '{SEGMENT}', ARGV[i + 2]) end
    end
    done[person + 1] = 1
  else
    done[person + 1] = 0
  end
  at = at + 3 * changes
end
return done
"""
_MOST_READ = 250  # in one call: some 0.5 ms of Redis
_MOST_CHANGED = 50


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
        self._is_cluster = hasattr(redis, "get_primaries")
        self._shas: dict[str, str] = {}

    async def read(self, profile_ids: Sequence[str]) -> list[Held]:
        """Profiles and member records, in the order asked for. About 1.5 KB each."""
        found: dict[str, tuple[bytes | None, bytes | None]] = {}
        for some in self._together(profile_ids, _MOST_READ):
            names = [
                name for one in some for name in (keys.profile(one), keys.memberships(keys.bucket_of(one)))
            ]
            replies = await self._run(_READ, names, some)
            found |= zip(some, zip(replies[::2], replies[1::2], strict=True), strict=True)
        gone = [one for one, (packed, record) in found.items() if packed is None and record is not None]
        erased = await self._erased(gone) if gone else frozenset()
        return [
            Held(
                one,
                _profile(one, found[one][0]),
                (found[one][1] or b"").decode("utf-8", "replace"),
                one in erased,
            )
            for one in profile_ids
        ]

    async def _erased(self, profile_ids: Sequence[str]) -> frozenset[str]:
        async with self.redis.pipeline(transaction=False) as pipeline:
            for profile_id in profile_ids:
                pipeline.exists(keys.tombstone(profile_id))
            there = await pipeline.execute()
        return frozenset(one for one, erased in zip(profile_ids, there, strict=True) if erased)

    async def apply(self, changes: Sequence[Change]) -> list[bool]:
        """Write them, each for itself; False for those that came too late: read and decide again.

        Of what is gone no record is written, whatever the change brings along.
        """
        written: dict[str, bool] = {}
        by_person = {change.held.profile_id: change for change in changes}
        for some in self._together(list(by_person), _MOST_CHANGED):
            names: list[str] = []
            arguments: list[Any] = []
            for profile_id in some:
                change, bucket = by_person[profile_id], keys.bucket_of(profile_id)
                names += (keys.memberships(bucket), keys.segment_counts(bucket), keys.log(bucket))
                names.append(keys.profile(profile_id))
                arguments += (profile_id, change.held.packed, memberships.pack(change.segments))
                arguments.append(len(change.steps))
                for step in change.steps:
                    arguments += step
            replies = await self._run(_CHANGE, names, arguments)
            written |= zip(some, (reply == 1 for reply in replies), strict=True)
        return [written[change.held.profile_id] for change in changes]

    def _together(self, profile_ids: Sequence[str], most: int) -> Iterator[Sequence[str]]:
        """Those that one script may speak of: in a cluster only those of one bucket."""
        groups: Iterable[Sequence[str]] = (profile_ids,)
        if self._is_cluster:
            by_bucket: dict[int, list[str]] = {}
            for one in profile_ids:
                by_bucket.setdefault(keys.bucket_of(one), []).append(one)
            groups = by_bucket.values()
        for group in groups:
            for start in range(0, len(group), most):
                yield group[start : start + most]

    async def _run(self, script: str, names: Sequence[str], arguments: Sequence[str | int | bytes]) -> Any:
        if script not in self._shas:
            self._shas[script] = str(await self.redis.script_load(script))
        name = self._shas[script]
        try:
            if self._is_cluster:
                return await self.redis.evalsha(name, len(names), *names, *arguments)
            return await self._call(pack(*map(_bytes, ("EVALSHA", name, len(names), *names, *arguments))))
        except NoScriptError:  # Redis was restarted
            del self._shas[script]
            return await self._run(script, names, arguments)

    async def _call(self, packed: bytes) -> Any:
        """One command in our own packing: redis-py's takes 1.2 µs for each of a thousand arguments."""
        pool = self.redis.connection_pool
        connection = await pool.get_connection()  # type: ignore[no-untyped-call]  # published without
        try:
            await connection.send_packed_command(packed)
            return await connection.read_response()
        except ResponseError:
            raise  # it was read whole
        except BaseException:  # the reply is still on its way: nobody else may get it
            await connection.disconnect(nowait=True)
            raise
        finally:
            await pool.release(connection)

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

    async def buckets(self) -> list[int]:
        """Those in which somebody is a member of something."""
        async with self.redis.pipeline(transaction=False) as pipeline:
            for bucket in range(keys.BUCKETS):
                pipeline.exists(keys.memberships(bucket))
            there = await pipeline.execute()
        return [bucket for bucket, one in enumerate(there) if one]

    async def buckets_of(self, segment_id: str) -> list[int]:
        """Those in which somebody is a member of this one."""
        async with self.redis.pipeline(transaction=False) as pipeline:
            for bucket in range(keys.BUCKETS):
                pipeline.hexists(keys.segment_counts(bucket), segment_id)
            there = await pipeline.execute()
        return [bucket for bucket, one in enumerate(there) if one]

    async def gone(self, profile_ids: Sequence[str]) -> list[str]:
        """Those of them, all of one bucket, that have no profile any more; nearly always none."""
        names = [keys.profile(profile_id) for profile_id in profile_ids]
        if not names or int(await self.redis.exists(*names)) == len(names):
            return []
        async with self.redis.pipeline(transaction=False) as pipeline:
            for name in names:
                pipeline.exists(name)
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


def _bytes(value: str | int | bytes) -> bytes:
    if isinstance(value, bytes):
        return value
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else b"%d" % value


def _is_profile(name: bytes) -> bool:
    return name.startswith(b"{b") and b"}:profile:" in name[:16]


def _id_of(name: bytes) -> str:
    return name.decode("utf-8", "surrogatepass").partition(_MARK)[2]
