"""Refused events, kept for whoever has to find out why: their shape and reason, never their values."""

from __future__ import annotations

from typing import Any

import orjson

from habitue_collector.store import keys
from habitue_collector.store.resp import pack

_NAMED = frozenset({"type", "event", "name"})  # what kind of call it was is nobody's secret


def dead_letter(raw: Any, reason: str, detail: str, source: str, now: int, kept: int) -> bytes:
    """The packed command that appends one refused event to the bounded stream."""
    record = {"reason": reason, "detail": detail, "source": source, "at": now, "shape": shape(raw)}
    return pack(
        b"XADD",
        keys.DEAD_LETTERS.encode(),
        b"MAXLEN",
        b"~",
        b"%d" % kept,
        b"*",
        b"letter",
        orjson.dumps(record),
    )


def shape(value: Any, depth: int = 3) -> Any:
    """The names and types of a JSON value; of its texts only the call's type and event name."""
    if type(value) is dict:
        if depth == 0:
            return "object"
        return {
            _safe(name): _safe(member) if name in _NAMED and type(member) is str else shape(member, depth - 1)
            for name, member in list(value.items())[:30]
        }
    if type(value) is list:
        return [shape(member, depth - 1) for member in value[:3]] if depth else "list"
    return "null" if value is None else type(value).__name__


def _safe(text: str) -> str:
    return text[:64].encode("utf-8", "replace").decode()
