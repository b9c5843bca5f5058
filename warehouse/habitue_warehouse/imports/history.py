"""Which imports there were: who brought in what, when, and what was left out for which reason.

A short list in Redis, newest first. A feed that comes in many requests within some minutes is one line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

import orjson

from habitue_collector.store import keys

KEPT = 50
TOGETHER_MS = 600_000  # requests of one sender with less between them are one import
_MOST_TEXT = 200
_MOST_REASONS = 20


@dataclass(frozen=True, slots=True)
class Import:
    """One import. `what` is items or orders, `by` a login of the machine or "api", times are milliseconds."""

    what: str
    source: str
    by: str
    began: int
    ended: int
    taken: int
    refused: Mapping[str, int] = field(default_factory=dict)  # how many by reason
    parts: int = 1  # requests
    failed: str = ""  # why it broke off; what stood before was taken

    @property
    def left_out(self) -> int:
        return sum(self.refused.values())

    def and_then(self, other: Import) -> Import:
        """Both as one: two requests of one feed."""
        refused = Counter(self.refused) + Counter(other.refused)
        return replace(
            self,
            ended=other.ended,
            taken=self.taken + other.taken,
            refused=dict(refused.most_common(_MOST_REASONS)),
            parts=self.parts + other.parts,
            failed=other.failed,
        )


def note(redis: Any, one: Import) -> None:
    """Write an import down."""
    with redis.pipeline() as pipe:
        pipe.lpush(keys.IMPORTS, _packed(one))
        pipe.ltrim(keys.IMPORTS, 0, KEPT - 1)
        pipe.execute()


async def note_request(redis: Any, one: Import) -> None:
    """The same for a request; it is put to the one before when they follow each other closely.

    Two at the same moment may become two lines: that harms nobody.
    """
    newest = await redis.lindex(keys.IMPORTS, 0)
    before = _read(newest) if newest is not None else None
    if (
        before is not None
        and (before.what, before.source, before.by) == (one.what, one.source, one.by)
        and 0 <= one.began - before.ended <= TOGETHER_MS
    ):
        await redis.lset(keys.IMPORTS, 0, _packed(before.and_then(one)))
        return
    async with redis.pipeline() as pipe:
        pipe.lpush(keys.IMPORTS, _packed(one))
        pipe.ltrim(keys.IMPORTS, 0, KEPT - 1)
        await pipe.execute()


async def imports(redis: Any, what: str = "", limit: int = KEPT) -> list[Import]:
    """The newest first; `what`: of this alone."""
    found = [_read(packed) for packed in await redis.lrange(keys.IMPORTS, 0, KEPT - 1)]
    return [one for one in found if one is not None and what in ("", one.what)][:limit]


def shown_source(source: str) -> str:
    """A file's name, or an address without what could be a secret in it: user, password, query."""
    if "://" in source:
        parts = urlsplit(source)
        return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"[:_MOST_TEXT]
    return source.replace("\\", "/").rsplit("/", 1)[-1][:_MOST_TEXT]


def _packed(one: Import) -> bytes:
    # Reasons are members of enums, which are no plain texts to every writer of JSON.
    refused = {str(reason): count for reason, count in Counter(one.refused).most_common(_MOST_REASONS)}
    return orjson.dumps(asdict(replace(one, refused=refused, failed=one.failed[:_MOST_TEXT])))


def _read(packed: bytes) -> Import | None:
    try:
        return Import(**orjson.loads(packed))
    except (TypeError, ValueError):  # of a newer version
        return None
