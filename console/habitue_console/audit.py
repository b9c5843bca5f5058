"""Who changed what, when: a stream in Redis that the console only ever adds to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from redis.asyncio import Redis

from habitue_collector.store import keys

KEPT = 100_000  # entries; about 20 MB
_MOST_TEXT = 2_000


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the log. `action` is a stable word ("rule.saved"), `detail` what else is worth knowing."""

    id: str
    at: int
    author: str
    action: str
    subject: str
    address: str
    detail: Mapping[str, Any]


class Audit:
    """Adds and reads; nothing here changes or deletes."""

    def __init__(self, redis: Redis, clock: Callable[[], int]) -> None:
        self._redis = redis
        self._clock = clock

    async def note(
        self, author: str, action: str, subject: str = "", *, address: str = "", **detail: Any
    ) -> None:
        """Write down one change. Never a password, key or token in `detail`."""
        record = {
            "at": self._clock(),
            "author": author[:_MOST_TEXT],
            "action": action,
            "subject": subject[:_MOST_TEXT],
            "address": address,
            "detail": detail,
        }
        await self._redis.xadd(
            keys.CONSOLE_AUDIT, {"change": orjson.dumps(record, default=str)}, maxlen=KEPT, approximate=True
        )

    async def newest(self, limit: int = 50, before: str = "") -> list[Change]:
        """The newest first; `before` is the id of the last one already seen."""
        start = f"({before}" if before else "+"
        entries: Any = await self._redis.xrevrange(keys.CONSOLE_AUDIT, max=start, min="-", count=limit)
        return [_change(entry_id, fields) for entry_id, fields in entries]


def _change(entry_id: bytes, fields: Mapping[bytes, bytes]) -> Change:
    record = orjson.loads(fields[b"change"])
    return Change(entry_id.decode(), **record)
