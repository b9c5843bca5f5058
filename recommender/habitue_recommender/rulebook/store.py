"""The rulebook in Redis: documents with their versions. One script per change, so two writers never mix.

The script checks every expected version before it writes anything: a change of many documents happens as a
whole or not at all. It raises the version of the whole by one, which is what the workers look at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import time_ns
from typing import Any

import orjson
from redis.asyncio import Redis

from habitue_collector.store import keys
from habitue_recommender.rulebook.documents import (
    KINDS,
    MAX_AUTHOR,
    MAX_BODY_BYTES,
    MAX_DOCUMENTS,
    MAX_NOTE,
    Change,
    Document,
    Loaded,
)

MOST_VERSIONS = 100  # kept of each document
MOST_CHANGES = 500  # kept of all of them together
_DELETED_SECONDS = 400 * 86_400  # for how long a deleted document can be brought back

# KEYS: version, documents, changes, then the history of each changed document.
# ARGV: now most_versions most_changes deleted_seconds most_documents,
# then of each: field, expected ("" for any), "1" for a deletion, its JSON without `{` and without a version.
_CHANGE = """
local written = {}
local heads = {}
local grown = redis.call('HLEN', KEYS[2])
for i = 4, #KEYS do
  local at = 6 + (i - 4) * 4
  local head = redis.call('LINDEX', KEYS[i], 0)
  local version = head and tonumber(string.match(head, '^{"version":(%d+)') or 0) or 0
  local there = redis.call('HEXISTS', KEYS[2], ARGV[at]) == 1
  heads[i] = version
  local expected = ARGV[at + 1]
  if expected ~= '' and tonumber(expected) ~= version and (there or expected ~= '0') then
    return {0, i - 4, head or false}
  end
  if ARGV[at + 2] == '1' then
    if not there then return {0, i - 4, head or false} end
    grown = grown - 1
  elseif not there then
    grown = grown + 1
  end
end
if grown > tonumber(ARGV[5]) and grown > redis.call('HLEN', KEYS[2]) then return {2} end
local whole = redis.call('INCR', KEYS[1])
for i = 4, #KEYS do
  local at = 6 + (i - 4) * 4
  local packed = '{"version":' .. string.format('%.0f', heads[i] + 1) .. ',' .. ARGV[at + 3]
  redis.call('LPUSH', KEYS[i], packed)
  redis.call('LTRIM', KEYS[i], 0, ARGV[2] - 1)
  if ARGV[at + 2] == '1' then
    redis.call('HDEL', KEYS[2], ARGV[at])
    redis.call('EXPIRE', KEYS[i], ARGV[4])
  else
    redis.call('HSET', KEYS[2], ARGV[at], packed)
    redis.call('PERSIST', KEYS[i])
  end
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[3], '*', 'document', packed)
  written[#written + 1] = packed
end
return {1, whole, written}
"""


class Conflict(Exception):  # a word marketers read, not ...Error
    """Somebody else changed the document meanwhile; `current` is what is there now, None for nothing."""

    def __init__(self, kind: str, document_id: str, current: Document | None) -> None:
        there = "is gone" if current is None or current.deleted else f"is at version {current.version} by now"
        super().__init__(f"The {kind} {document_id} {there}.")
        self.kind = kind
        self.id = document_id
        self.current = current


class UnknownDocument(LookupError):
    """There is no such document, or no such version of it."""


class NothingToUndo(LookupError):
    """There is no state before this one, or it is no longer kept."""


class TooLarge(ValueError):
    """A body, or the number of documents, is past what the store takes."""


class RulebookStore:
    """See the module. It stores whatever bodies it is given: what they mean is checked before."""

    def __init__(self, redis: Redis, clock: Callable[[], int] = lambda: time_ns() // 1_000_000) -> None:
        self._redis = redis
        self._clock = clock

    # ---- reading -----------------------------------------------------------------------------------

    async def version(self) -> int:
        """How many changes there were: another number means another rulebook."""
        held: Any = await self._redis.get(keys.RULEBOOK_VERSION)
        return read_version(held)

    async def load(self) -> Loaded:
        """Every document that counts, all as of one moment. What cannot be read is named and left out."""
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.get(keys.RULEBOOK_VERSION)
            pipeline.hgetall(keys.RULEBOOK_DOCUMENTS)
            version, packed = await pipeline.execute()
        records: dict[str, dict[str, Document]] = {kind: {} for kind in KINDS}
        broken: list[str] = []
        for place, one in sorted(packed.items()):
            try:
                document = Document.unpack(one)
            except ValueError:
                broken.append(bytes(place).decode("utf-8", "replace"))
                continue
            records[document.kind][document.id] = document
        return Loaded(read_version(version), records, tuple(broken))

    async def find(self, kind: str, document_id: str) -> Document | None:
        """The version that counts; None when there is no such document or it is deleted."""
        packed: Any = await self._redis.hget(keys.RULEBOOK_DOCUMENTS, _field(kind, document_id))
        return None if packed is None else _readable(packed)

    async def history(self, kind: str, document_id: str) -> list[Document]:
        """All versions that are kept, newest first; empty when there never was such a document."""
        packed: Any = await self._redis.lrange(keys.rulebook_history(kind, document_id), 0, -1)
        return [one for one in map(_readable, packed) if one is not None]

    async def changes(self, limit: int = 50) -> list[Document]:
        """The newest changes of all kinds, newest first."""
        entries: Any = await self._redis.xrevrange(keys.RULEBOOK_CHANGES, count=max(1, limit))
        found = (_readable(pairs.get(b"document", b"")) for _, pairs in entries)
        return [one for one in found if one is not None]

    # ---- writing -----------------------------------------------------------------------------------

    async def save(
        self,
        kind: str,
        document_id: str,
        body: Any,
        *,
        author: str,
        note: str = "",
        expected: int | None = None,
    ) -> Document:
        """A new version of a document, or its first one. Raises Conflict, TooLarge."""
        change = Change(kind, document_id, body, expected, note)
        return (await self.apply([change], author=author))[0]

    async def delete(
        self, kind: str, document_id: str, *, author: str, note: str = "", expected: int | None = None
    ) -> Document:
        """Take a document out; its history stays. Raises Conflict, UnknownDocument."""
        change = Change(kind, document_id, None, expected, note)
        return (await self.apply([change], author=author))[0]

    async def undo(
        self, kind: str, document_id: str, *, author: str, expected: int | None = None
    ) -> Document:
        """Back to the state before, as a new version; again, and it is the one before that.

        What undoes the first version is a deletion. Raises NothingToUndo, UnknownDocument, Conflict.
        """
        change = await self.undoing(kind, document_id, expected)
        return (await self.apply([change], author=author))[0]

    async def undoing(self, kind: str, document_id: str, expected: int | None = None) -> Change:
        """The change that an undo would be. Raises as `undo` does."""
        history = await self.history(kind, document_id)
        if not history:
            raise UnknownDocument(f"There is no {kind} {document_id}.")
        head, kept = history[0], {one.version: one for one in history}
        if expected is not None and expected != head.version:
            raise Conflict(kind, document_id, head)
        note = f"undoes version {head.version}"
        if head.stands_for == 1:
            return Change(kind, document_id, None, head.version, note, stands_for=0)
        before = kept.get(head.stands_for - 1)
        if before is None:
            raise NothingToUndo(f"There is no state of {kind} {document_id} before this one.")
        body = None if before.deleted else before.body
        return Change(kind, document_id, body, head.version, note, before.stands_for)

    async def restore(
        self, kind: str, document_id: str, version: int, author: str, *, expected: int | None = None
    ) -> Document:
        """The state of one kept version again, as a new version. Raises UnknownDocument, Conflict."""
        change = await self.restoring(kind, document_id, version, expected)
        return (await self.apply([change], author=author))[0]

    async def restoring(
        self, kind: str, document_id: str, version: int, expected: int | None = None
    ) -> Change:
        """The change that a restore would be. Raises as `restore` does."""
        history = await self.history(kind, document_id)
        found = next((one for one in history if one.version == version), None)
        if found is None or found.deleted:
            raise UnknownDocument(f"There is no version {version} of {kind} {document_id}.")
        if expected is not None and expected != history[0].version:
            raise Conflict(kind, document_id, history[0])
        return Change(kind, document_id, found.body, history[0].version, f"restores version {version}")

    async def apply(self, changes: Sequence[Change], *, author: str) -> list[Document]:
        """All of these changes, or none of them; the documents as they are now, in order.

        Raises Conflict for the first one whose expected version is not there (a deletion of what is not
        there raises UnknownDocument), TooLarge for a body or a number of documents past the limit, ValueError
        for a document that is named twice.
        """
        if not changes:
            return []
        if len({(one.kind, one.id) for one in changes}) != len(changes):
            raise ValueError("a document is named twice")
        now = self._clock()
        names = [keys.RULEBOOK_VERSION, keys.RULEBOOK_DOCUMENTS, keys.RULEBOOK_CHANGES]
        arguments: list[Any] = [now, MOST_VERSIONS, MOST_CHANGES, _DELETED_SECONDS, MAX_DOCUMENTS]
        for change in changes:
            names.append(keys.rulebook_history(change.kind, change.id))
            arguments += (
                _field(change.kind, change.id),
                "" if change.expected is None else change.expected,
                "1" if change.body is None else "",
                _packed(change, author, now),
            )
        reply: Any = await self._redis.eval(_CHANGE, len(names), *names, *arguments)
        if reply[0] == 1:
            return [Document.unpack(packed) for packed in reply[2]]
        if reply[0] == 2:
            raise TooLarge(f"There are {MAX_DOCUMENTS} documents, and no room for more.")
        refused = changes[reply[1]]
        current = _readable(reply[2]) if reply[2] else None
        gone = current is None or current.deleted
        if refused.body is None and gone and refused.expected in (None, current.version if current else 0):
            raise UnknownDocument(f"There is no {refused.kind} {refused.id}.")
        raise Conflict(refused.kind, refused.id, current)


def read_version(held: Any) -> int:
    """What stands under the version's key; 0 when nothing does, or something that is no number."""
    try:
        return int(held) if held is not None else 0
    except (TypeError, ValueError):
        return 0


def _field(kind: str, document_id: str) -> str:
    return f"{kind}/{document_id}"


def _readable(packed: bytes) -> Document | None:
    try:
        return Document.unpack(packed)
    except ValueError:  # written by other hands: its neighbours still count
        return None


def _packed(change: Change, author: str, now: int) -> bytes:
    """A record as JSON without its opening brace: the script puts the version in front of it."""
    record: dict[str, Any] = {
        "kind": change.kind,
        "id": change.id,
        "author": author[:MAX_AUTHOR],
        "note": change.note[:MAX_NOTE],
        "at": now,
    }
    if change.stands_for is not None:
        record["stands_for"] = change.stands_for
    if change.body is None:
        record["deleted"] = True
    record["body"] = {} if change.body is None else dict(change.body)
    try:
        body = orjson.dumps(record["body"])
        packed = orjson.dumps(record)
    except TypeError as error:  # lone surrogates, what is no JSON
        raise ValueError(f"a document is JSON: {error}") from None
    if len(body) > MAX_BODY_BYTES:
        raise TooLarge(f"The {change.kind} {change.id} has more than {MAX_BODY_BYTES:,} bytes.")
    return packed[1:]
