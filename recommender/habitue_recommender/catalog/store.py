"""The catalog in Redis: 256 hashes of items, and one stream that says what changed.

A change is written to its hash first and told to the stream after, so whoever reads the hashes and then
follows the stream from where it stood before misses nothing. `updated_at` orders the versions of an item;
the script refuses a write that was made from an older version than the one held.
"""

from __future__ import annotations

import asyncio
import gc
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import orjson
from redis.asyncio import Redis

from habitue_collector.store import keys
from habitue_recommender.catalog.catalog import DAY, Catalog
from habitue_recommender.catalog.items import InvalidItem, Item, ProblemReason, merged, parse_fields

BULK = 1_000  # with more changes than this in one go the readers load anew instead of following each
STREAM_LENGTH = 10_000  # changes kept; more than a reader takes at once (`READ_COUNT`)
READ_COUNT = 5_000  # several imports below `BULK` between two reads; some 50 ms of work
ATTEMPTS = 5
_CHUNK = 500  # items validated and written before the loop gets its turn

Progress = Callable[[int, int], None]  # (done, total)
Result = dict[str, Any]  # {"index", "item_id"?, "status": "accepted"|"rejected", "reason"?, "message"?}

# KEYS[1] the hash of one bucket; ARGV: item_id, the version it was made from, the new JSON ("" deletes), …
_STORE = """
local answers = {}
for i = 1, #ARGV, 3 do
  local held = redis.call('HGET', KEYS[1], ARGV[i])
  local version = ''
  if held then
    version = string.match(held, '^{"updated_at":(%d+)') or string.match(held, '"updated_at":(%d+)') or '0'
  end
  if version ~= ARGV[i + 1] then
    answers[#answers + 1] = 0
  elseif ARGV[i + 2] == '' then
    answers[#answers + 1] = redis.call('HDEL', KEYS[1], ARGV[i])
  else
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 2])
    answers[#answers + 1] = 1
  end
end
return answers
"""
_VERSION = re.compile(rb'"updated_at":(\d+)')  # as the script finds it: the first one in the JSON


async def store_items(
    redis: Redis,
    items: Sequence[Any],
    *,
    now: int,
    verified: bool = True,
    progress: Progress | None = None,
) -> list[Result]:
    """Put items (as `PUT /v1/catalog` takes them) into the catalog; one result for each, in order.

    A member that is absent keeps its value, null empties it. What did not change is not written.
    """
    async with CatalogWriter(redis, now=now, verified=verified) as writer:
        results: list[Result] = []
        for start in range(0, len(items), _CHUNK):
            results += await writer.add(items[start : start + _CHUNK])
            if progress is not None:
                progress(min(start + _CHUNK, len(items)), len(items))
    return results


async def delete_item(redis: Redis, item_id: str, *, now: int) -> bool:
    """Take one item out of the catalog; False when it was not there."""
    key = keys.items(item_id)
    for _ in range(ATTEMPTS):
        held = await _read(redis, key, [item_id])
        if held[0] is None:
            return False
        version = _version(held[0])
        gone = {"item_id": item_id, "deleted": True, "updated_at": max(now, int(version) + 1)}
        if (await _script(redis, key, [item_id, version, ""]))[0]:
            await redis.xadd(
                keys.CATALOG_CHANGES, {"item": orjson.dumps(gone)}, maxlen=STREAM_LENGTH, approximate=True
            )
            return True
    return False


class CatalogWriter:
    """One import, in as many chunks as it comes in; leaving the context tells the readers of a bulk."""

    def __init__(self, redis: Redis, *, now: int, verified: bool = True) -> None:
        self._redis = redis
        self._now = now
        self._verified = verified
        self._index = 0
        self._told = 0
        self._untold = False
        self.changed = 0

    async def __aenter__(self) -> CatalogWriter:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._untold:
            await self._redis.xadd(
                keys.CATALOG_CHANGES, {"reload": b"1"}, maxlen=STREAM_LENGTH, approximate=True
            )

    async def add(self, raws: Sequence[Any]) -> list[Result]:
        """Validate and write some items; one result for each, in order."""
        results: list[Result] = []
        asked: dict[str, list[tuple[Result, dict[str, Any]]]] = {}
        for raw in raws:
            result: Result = {"index": self._index, "status": "accepted"}
            self._index += 1
            results.append(result)
            try:
                fields = parse_fields(raw)
            except InvalidItem as problem:
                _reject(result, problem)
                continue
            result["item_id"] = fields["item_id"]
            asked.setdefault(fields["item_id"], []).append((result, fields))
        written: list[bytes] = []
        for _ in range(ATTEMPTS):
            if not asked:
                break
            asked = await self._write(asked, written)
        for steps in asked.values():
            for result, _ in steps:
                _reject(result, InvalidItem(ProblemReason.CONFLICT, "others changed it meanwhile"))
        await self._tell(written)
        await asyncio.sleep(0)
        return results

    async def _write(
        self, asked: dict[str, list[tuple[Result, dict[str, Any]]]], written: list[bytes]
    ) -> dict[str, list[tuple[Result, dict[str, Any]]]]:
        """One attempt; gives back what others changed in between."""
        buckets: dict[str, list[str]] = {}
        for item_id in asked:
            buckets.setdefault(keys.items(item_id), []).append(item_id)
        async with self._redis.pipeline(transaction=False) as pipeline:
            for key, item_ids in buckets.items():
                pipeline.hmget(key, item_ids)
            held = await pipeline.execute()
        writes: dict[str, list[tuple[str, bytes]]] = {}
        async with self._redis.pipeline(transaction=False) as pipeline:
            for (key, item_ids), packed in zip(buckets.items(), held, strict=True):
                arguments: list[Any] = []
                for item_id, old in zip(item_ids, packed, strict=True):
                    new = _fold(old, asked[item_id], self._now, self._verified)
                    if new is not None:
                        arguments += (item_id, _version(old) if old is not None else "", new)
                        writes.setdefault(key, []).append((item_id, new))
                if arguments:
                    pipeline.eval(_STORE, 1, key, *arguments)
            answers = await pipeline.execute() if writes else []
        again: dict[str, list[tuple[Result, dict[str, Any]]]] = {}
        for pairs, dones in zip(writes.values(), answers, strict=True):
            for (item_id, new), done in zip(pairs, dones, strict=True):
                if done:
                    written.append(new)
                else:
                    again[item_id] = asked[item_id]
        return again

    async def _tell(self, written: list[bytes]) -> None:
        self.changed += len(written)
        if self._told + len(written) > BULK:
            self._untold = self._untold or bool(written)
            return
        self._told += len(written)
        if not written:
            return
        async with self._redis.pipeline(transaction=False) as pipeline:
            for packed in written:
                pipeline.xadd(keys.CATALOG_CHANGES, {"item": packed}, maxlen=STREAM_LENGTH, approximate=True)
            await pipeline.execute()


class CatalogReader:
    """One process's copy of the catalog, and how far it has followed the changes.

    `changes_command` travels with the profile's read of each decision and `absorb` takes its reply, so a
    change that was acknowledged counts in the next decision of every worker. Loading anew goes on beside
    decisions: what comes in meanwhile is applied to the old copy at once and to the new one at its end.
    """

    def __init__(self) -> None:
        self.catalog = Catalog()
        self.loaded = False
        self.reload_wanted = True
        self._cursor = b"0-0"
        self._meanwhile: list[bytes] | None = None
        self._loading = asyncio.Lock()

    def changes_command(self) -> tuple[bytes, ...]:
        """Reads what changed since the last time: some 10 µs of Redis when nothing did."""
        return (
            b"XREAD",
            b"COUNT",
            str(READ_COUNT).encode(),
            b"STREAMS",
            keys.CATALOG_CHANGES.encode(),
            self._cursor,
        )

    def absorb(self, reply: Any) -> bool:
        """Apply the reply of `changes_command`; True when there may be more.

        A full reply may mean that changes were trimmed before we saw them, so it asks for a reload.
        """
        entries = _entries(reply)
        for entry_id, pairs in entries:
            if _id(entry_id) <= _id(self._cursor):
                continue  # two reads were under way together, and this is the later reply
            self._cursor = bytes(entry_id)
            for name, value in pairs:
                if name == b"reload":
                    self.reload_wanted = True
                elif name == b"item":
                    self._apply(value)
        full = len(entries) >= READ_COUNT
        if full:
            self.reload_wanted = True
        return full

    def _apply(self, value: bytes) -> None:
        try:
            self.catalog.apply(value)
        except (ValueError, KeyError, TypeError):  # written by other hands: not a reason to stop answering
            return
        if self._meanwhile is not None:
            self._meanwhile.append(value)

    async def load(self, redis: Redis, progress: Progress | None = None) -> None:
        """Read all 256 hashes and change over to the new copy in one step; 92,000 items take a second."""
        async with self._loading:
            await self._load(redis, progress)

    async def reload_if_wanted(self, redis: Redis) -> bool:
        """Load anew if something asked for it, or wait for a load under way; True when this call did it."""
        async with self._loading:
            if not self.reload_wanted:
                return False
            await self._load(redis)
            return True

    async def _load(self, redis: Redis, progress: Progress | None = None) -> None:
        self._meanwhile = []
        self.reload_wanted = False
        # The collector of cycles would walk the growing copy again and again: it takes as long as the load.
        collecting = gc.isenabled()
        gc.disable()
        try:
            newest = await redis.xrevrange(keys.CATALOG_CHANGES, count=1)
            cursor: bytes = newest[0][0] if newest else b"0-0"  # type: ignore[assignment]  # never decoded
            catalog = Catalog()
            for bucket in range(0, keys.BUCKETS, 4):
                async with redis.pipeline(transaction=False) as pipeline:
                    for one in range(bucket, bucket + 4):
                        pipeline.hvals(keys.items_of(one))
                    shelves = await pipeline.execute()
                for packed in shelves:
                    catalog.fill(_readable(packed))
                    await asyncio.sleep(0)
                if progress is not None:
                    progress(bucket + 4, keys.BUCKETS)
            for _ in catalog.arranging():
                await asyncio.sleep(0)
            for value in self._meanwhile:
                catalog.apply(value)
            if _id(cursor) > _id(self._cursor):
                self._cursor = cursor
            self.catalog = catalog
            self.loaded = True
        except BaseException:
            self.reload_wanted = True
            raise
        finally:
            self._meanwhile = None
            if collecting:
                gc.enable()

    async def follow(self, execute: Callable[[tuple[bytes, ...]], Awaitable[Any]]) -> None:
        """Read changes until there are none: for a worker that answers nothing at the moment."""
        while self.absorb(await execute(self.changes_command())):
            pass


def _readable(packed: Sequence[bytes]) -> list[Item]:
    items = []
    for one in packed:
        try:
            items.append(Item.unpack(one))
        except (ValueError, TypeError):  # written by other hands: its neighbours still count
            continue
    return items


def _fold(
    packed: bytes | None, steps: list[tuple[Result, dict[str, Any]]], now: int, verified: bool
) -> bytes | None:
    """The item's new JSON after all that was said of it, None when nothing changed; marks refused steps."""
    before: Item | None = None
    if packed is not None:
        try:
            before = Item.unpack(packed)
        except ValueError:
            before = None
    item = before
    for result, fields in steps:
        result.pop("reason", None)  # of an attempt that others overtook
        result["status"] = "accepted"
        try:
            item = merged(item, fields, now=now, verified=verified)
        except InvalidItem as problem:
            _reject(result, problem)
    if item is None:
        return None
    # A learnt item is written once a day even so: its time says that somebody still looks at it.
    lives = not verified and before is not None and now - before.updated_at >= DAY
    if before is not None and _same(before, item) and not lives:
        return None
    return item.pack()


def _same(before: Item, item: Item) -> bool:
    return before.to_public() | {"updated_at": 0} == item.to_public() | {"updated_at": 0}


def _reject(result: Result, problem: InvalidItem) -> None:
    result["status"] = "rejected"
    result["reason"] = problem.reason.value
    if problem.detail:
        result["message"] = result["detail"] = problem.detail  # "detail" is what it was called at first


def _version(packed: bytes) -> str:
    found = _VERSION.search(packed)
    return found[1].decode() if found else "0"


def _id(entry_id: bytes) -> tuple[int, int]:
    milliseconds, _, sequence = bytes(entry_id).partition(b"-")
    return int(milliseconds), int(sequence or 0)


def _entries(reply: Any) -> list[tuple[bytes, list[tuple[bytes, bytes]]]]:
    """The entries of an XREAD reply, RESP2 (lists) or RESP3 (a map), raw or as redis-py shapes it."""
    if not reply:
        return []
    streams = reply.values() if isinstance(reply, Mapping) else [stream[1] for stream in reply]
    entries = []
    for stream in streams:
        if len(stream) == 1 and stream[0] and isinstance(stream[0][0], list | tuple):
            stream = stream[0]  # redis-py wraps RESP3 once more
        for entry_id, content in stream:
            if isinstance(content, Mapping):
                pairs = list(content.items())
            else:
                pairs = list(zip(content[::2], content[1::2], strict=True))
            entries.append((entry_id, pairs))
    return entries


async def _read(redis: Redis, key: str, item_ids: list[str]) -> list[bytes | None]:
    held: Any = await redis.hmget(key, item_ids)
    return list(held)


async def _script(redis: Redis, key: str, arguments: list[Any]) -> list[int]:
    answers: Any = await redis.eval(_STORE, 1, key, *arguments)
    return list(answers)


async def find_item(redis: Redis, item_id: str) -> Item | None:
    """One item as Redis has it, whatever the copies in memory know."""
    held = (await _read(redis, keys.items(item_id), [item_id]))[0]
    return None if held is None else Item.unpack(held)
