"""The newest events as they stand in the logs, and the refused ones: for somebody who connects a shop.

Of what an event carries only named fields are shown; of free properties only the names. `find_tail` reads a
few of the newest entries of each of the 256 logs in one pipeline: some 5 ms.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from redis.asyncio import Redis

from habitue_collector.store import keys
from habitue_warehouse.log_entries import as_text, parse_id

SHOWN = 50
_EACH = 4  # newest entries of each log that are looked at
_EACH_FILTERED = 16
LETTERS = 2_000  # newest refused events that are looked at
_SAMPLES = 2  # shapes shown of each reason
_MOST_PROPERTIES = 12


@dataclass(frozen=True, slots=True)
class Seen:
    """One event of the tail."""

    at: int  # ms: when it was stored
    late: int  # ms between happening and storing
    kind: str
    name: str
    source: str
    profile_id: str
    kept: str
    bot: bool
    items: tuple[str, ...]  # item ids
    item_name: str
    order_id: str
    value: float | None
    currency: str
    search_term: str
    path: str
    properties: tuple[str, ...]  # their names


@dataclass(slots=True)
class Refused:
    """Events refused for one reason, newest first; `shapes` are names and types, no values."""

    reason: str
    count: int = 0
    last: int = 0
    sources: Counter[str] = field(default_factory=Counter)
    details: Counter[str] = field(default_factory=Counter)
    shapes: list[str] = field(default_factory=list)


async def find_tail(redis: Redis, *, kind: str = "", source: str = "") -> list[Seen]:
    """The newest events, newest first; with a filter those among the newest four thousand."""
    pipe = redis.pipeline(transaction=False)
    for bucket in range(keys.BUCKETS):
        pipe.xrevrange(keys.log(bucket), count=_EACH_FILTERED if kind or source else _EACH)
    found: list[tuple[tuple[int, int], bytes]] = []
    for entries in await pipe.execute():
        found += [
            (parse_id(stream_id), fields[b"event"]) for stream_id, fields in entries if b"event" in fields
        ]
    found.sort(key=lambda pair: pair[0], reverse=True)
    shown: list[Seen] = []
    for (at, _), packed in found:
        one = _seen(at, packed)
        if one is not None and kind in ("", one.kind) and source in ("", one.source):
            shown.append(one)
            if len(shown) == SHOWN:
                break
    return shown


def _seen(at: int, packed: bytes) -> Seen | None:
    try:
        raw = orjson.loads(packed)
        items = raw.get("items") or []
        page = (raw.get("context") or {}).get("page") or {}
        return Seen(
            at,
            max(0, int(raw.get("received_at", at)) - int(raw.get("timestamp", at))),
            str(raw.get("kind", "")),
            str(raw.get("name", ""))[:100],
            str(raw.get("source", "")),
            str(raw.get("profile_id") or ""),
            str(raw.get("kept") or ""),
            bool(raw.get("bot")),
            tuple(str(item.get("item_id")) for item in items[:3]),
            str(items[0].get("name") or "") if items else "",
            str(raw.get("order_id") or ""),
            raw.get("value") if isinstance(raw.get("value"), int | float) else None,
            str(raw.get("currency") or ""),
            str(raw.get("search_term") or "")[:100],
            str(page.get("path") or "")[:200],
            tuple(str(name)[:64] for name in list(raw.get("properties") or {})[:_MOST_PROPERTIES]),
        )
    except (ValueError, TypeError, AttributeError):  # written by other hands
        return None


async def find_refused(redis: Redis) -> tuple[list[Refused], int]:
    """The newest refused events by reason, the most frequent first, and how many the stream holds."""
    pipe = redis.pipeline(transaction=False)
    pipe.xrevrange(keys.DEAD_LETTERS, count=LETTERS)
    pipe.xlen(keys.DEAD_LETTERS)
    entries, held = await pipe.execute()
    found: dict[str, Refused] = {}
    for stream_id, fields in entries:
        letter = _letter(fields)
        if letter is None:
            continue
        reason = str(letter.get("reason"))
        one = found.setdefault(reason, Refused(reason))
        one.count += 1
        one.last = max(one.last, parse_id(stream_id)[0])
        one.sources[str(letter.get("source") or "")] += 1
        if letter.get("detail"):
            one.details[str(letter["detail"])[:200]] += 1
        shape = orjson.dumps(letter.get("shape"), option=orjson.OPT_INDENT_2).decode()
        if len(one.shapes) < _SAMPLES and shape not in one.shapes:
            one.shapes.append(shape)
    return sorted(found.values(), key=lambda one: (-one.count, one.reason)), int(held)


def _letter(fields: Mapping[Any, Any]) -> dict[str, Any] | None:
    packed = next((value for name, value in fields.items() if as_text(name) == "letter"), None)
    try:
        letter = orjson.loads(packed or b"")
    except orjson.JSONDecodeError:
        return None
    return letter if isinstance(letter, dict) else None
