"""Entries of a bucket's log as Redis gives them, as records of ours."""

from __future__ import annotations

from typing import Any

import orjson

from habitue_warehouse.schema import LogRecord

GONE = "(gone)"  # a pending entry whose content somebody trimmed away


def read_entry(bucket: int, stream_id: Any, fields: Any) -> LogRecord:
    """One entry of a bucket's log: the name of its one field is what it records."""
    ms, seq = parse_id(stream_id)
    if not fields:
        return LogRecord(bucket, ms, seq, GONE, b"", None)
    name, raw = next(iter(fields.items()))
    raw = raw.encode() if isinstance(raw, str) else raw
    try:
        record = orjson.loads(raw)
    except orjson.JSONDecodeError:
        record = None
    return LogRecord(bucket, ms, seq, as_text(name), raw, record if isinstance(record, dict) else None)


def entries_of(answer: Any) -> list[tuple[Any, Any]]:
    """The entries of one stream, in either of the two shapes that the protocol versions have."""
    if not answer:
        return []
    if isinstance(answer, dict):
        entries = next(iter(answer.values()))
        while entries and isinstance(entries[0], list):
            entries = entries[0]
    else:
        entries = answer[0][1]
    return [(stream_id, fields) for stream_id, fields in entries]


def parse_id(stream_id: Any) -> tuple[int, int]:
    """The two numbers of `1772400000000-3`."""
    ms, _, seq = as_text(stream_id).partition("-")
    return int(ms), int(seq)


def as_text(value: Any) -> str:
    """What Redis gave, bytes or text, as text."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
