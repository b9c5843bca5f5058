"""What waits to be told to other systems, in Redis: one list for each address, oldest first, bounded.

It outlives a restart. An address is tried by its first message alone: while that fails the others wait
behind it, in their order, and a dead receiver costs one try now and then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from time import time_ns
from typing import Any

import orjson
from redis.asyncio import Redis

from habitue_collector.store import keys
from habitue_recommender.segments.segment import Segment
from habitue_recommender.webhooks.messages import Message, Told, address_digest, messages, trial_message

MOST_WAITING = 5_000  # messages, of at most 100 changes (12 KB) each: 60 MB
MOST_OF_ONE = 2_000  # for one address

# KEYS due, waiting, queue · ARGV address, now, most, most of one, message, … → how many found no room
_PUSH = """
local room = math.min(ARGV[3] - (redis.call('GET', KEYS[2]) or 0), ARGV[4] - redis.call('LLEN', KEYS[3]))
for i = 5, #ARGV do
  if room <= 0 then return #ARGV - i + 1 end
  redis.call('RPUSH', KEYS[3], ARGV[i])
  redis.call('INCR', KEYS[2])
  room = room - 1
end
redis.call('ZADD', KEYS[1], 'NX', ARGV[2], ARGV[1])
return 0
"""

# KEYS due, waiting, queue · ARGV address, how many of the oldest go ("all") → how many went
_DROP = """
local there = redis.call('LLEN', KEYS[3])
local gone = ARGV[2] == 'all' and there or math.min(tonumber(ARGV[2]), there)
if gone > 0 then
  redis.call('LTRIM', KEYS[3], gone, -1)
  if redis.call('DECRBY', KEYS[2], gone) < 0 then redis.call('SET', KEYS[2], 0) end
end
if there == gone then redis.call('ZREM', KEYS[1], ARGV[1]) end
return gone
"""


@dataclass(frozen=True, slots=True)
class Tries:
    """How the last tries of an address went: `failures` in a row, the last outcome in words, times in ms."""

    failures: int = 0
    outcome: str = ""
    said: str = ""
    at: int = 0
    next_at: int | None = None


class WebhookQueue:
    """See the module. `tally` counts what became of messages, by outcome, since the process started."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def push(self, address: str, made: Sequence[Message], now: int) -> int:
        """Put messages at the end; how many of them found no room."""
        dropped = 0
        for start in range(0, len(made), 100):
            packed = [one.pack() for one in made[start : start + 100]]
            arguments: list[Any] = [address, now, MOST_WAITING, MOST_OF_ONE, *packed]
            reply: Any = await self._redis.eval(_PUSH, 3, *self._keys(address), *arguments)
            dropped += int(reply)
        return dropped

    async def due(self, now: int, at_most: int) -> list[str]:
        """Addresses whose turn it is, the longest due first."""
        found: Any = await self._redis.zrangebyscore(keys.WEBHOOKS_DUE, "-inf", now, 0, at_most)
        return [one.decode("utf-8", "replace") for one in found]

    async def first(self, address: str) -> bytes | None:
        """The oldest message of an address, packed."""
        found: Any = await self._redis.lindex(self._keys(address)[2], 0)
        return found  # type: ignore[no-any-return]  # published without types

    async def drop(self, address: str, count: int | None = 1) -> int:
        """Take the oldest out (None: all of them); an address without any is not due any more."""
        many = "all" if count is None else count
        reply: Any = await self._redis.eval(_DROP, 3, *self._keys(address), address, many)
        return int(reply)

    async def note(self, address: str, tries: Tries) -> None:
        """Remember how it went, and when it is tried again."""
        record = orjson.dumps(
            {"failures": tries.failures, "outcome": tries.outcome, "said": tries.said, "at": tries.at}
        )
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.hset(keys.WEBHOOKS_TRIES, address, record)
            if tries.next_at is not None:
                pipeline.zadd(keys.WEBHOOKS_DUE, {address: tries.next_at}, xx=True)
            await pipeline.execute()

    async def tries(self, address: str) -> Tries:
        """How the last tries went; nothing yet: the empty one."""
        packed: Any = await self._redis.hget(keys.WEBHOOKS_TRIES, address)
        next_at: Any = await self._redis.zscore(keys.WEBHOOKS_DUE, address)
        try:
            raw = orjson.loads(packed) if packed else {}
            return Tries(
                int(raw.get("failures", 0)),
                str(raw.get("outcome", "")),
                str(raw.get("said", "")),
                int(raw.get("at", 0)),
                None if next_at is None else int(next_at),
            )
        except (ValueError, TypeError, AttributeError):
            return Tries()

    async def waiting(self, address: str | None = None) -> int:
        """How many messages wait: for one address, or for all."""
        if address is not None:
            return int(await self._redis.llen(self._keys(address)[2]))
        return int(await self._redis.get(keys.WEBHOOKS_WAITING) or 0)

    async def forget(self, addresses: Iterable[str]) -> int:
        """All that is known of addresses that nobody names any more; how many messages went with it."""
        dropped = 0
        for address in addresses:
            dropped += await self.drop(address, None)
            await self._redis.hdel(keys.WEBHOOKS_TRIES, address)
        return dropped

    async def known(self) -> list[str]:
        """All addresses that were tried or are to be, and are not forgotten."""
        tried: Any = await self._redis.hkeys(keys.WEBHOOKS_TRIES)
        due: Any = await self._redis.zrange(keys.WEBHOOKS_DUE, 0, -1)
        return sorted({one.decode("utf-8", "replace") for one in (*tried, *due)})

    async def try_out(self, address: str, segment: Segment, now: int | None = None) -> None:
        """Send a message without anybody in it: somebody wants to see whether it arrives."""
        at = time_ns() // 1_000_000 if now is None else now
        await self.push(address, [trial_message(address, segment.id, segment.name, at)], at)

    def _keys(self, address: str) -> tuple[str, str, str]:
        return keys.WEBHOOKS_DUE, keys.WEBHOOKS_WAITING, keys.webhook_queue(address_digest(address))


class Webhooks:
    """What the watch on segments tells. Shares its tally with the sender, for the metrics."""

    def __init__(self, clock: Any = lambda: time_ns() // 1_000_000) -> None:
        self.tally: Counter[str] = Counter()
        self.waiting = 0
        self._clock = clock

    async def enqueue(self, redis: Redis, told: Sequence[Told], segments: Mapping[str, Segment]) -> None:
        """Each change to each address of its segment; what finds no room is counted as `overflow`."""
        by_place: dict[tuple[str, str], list[Told]] = {}
        for one in told:
            segment = segments.get(one.segment_id)
            for address in segment.webhooks if segment is not None else ():
                by_place.setdefault((address, one.segment_id), []).append(one)
        now = self._clock()
        queue = WebhookQueue(redis)
        for (address, segment_id), changes in by_place.items():
            made = messages(address, segment_id, segments[segment_id].name, changes, now)
            if dropped := await queue.push(address, made, now):
                self.tally["overflow"] += dropped

    async def keep_only(self, redis: Redis, named: Collection[str]) -> None:
        """Forget the addresses that no segment names any more, and what waits for them."""
        queue = WebhookQueue(redis)
        gone = [address for address in await queue.known() if address not in named]
        if dropped := await queue.forget(gone):
            self.tally["unsubscribed"] += dropped

    def figures(self) -> dict[str, Any]:
        return {"webhooks": dict(self.tally), "webhooks_waiting": self.waiting}
