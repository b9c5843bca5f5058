"""What the archive's tables look like, and how one log entry becomes a row.

Every row carries `bucket, log_ms, log_seq`: the id of its log entry, unique per row and the order
of a replay. Free-form members (`context`, `properties`, `full`, `state`, …) are kept as JSON text,
so that what is read back is what was written; members that the table has no column for go to `extra`.
These columns are stored data: add new ones at the end, never rename.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import orjson

from habitue_collector.store import keys

DAY_MS = 86_400_000

EVENTS: Final = "events"
DECISIONS: Final = "decisions"
MOVES: Final = "moves"
PROFILES: Final = "profiles"
TABLES: Final = (EVENTS, DECISIONS, MOVES, PROFILES)

Type = str | dict[str, str] | list[dict[str, str]]

_STREAM_ID: dict[str, Type] = {"bucket": "INTEGER", "log_ms": "BIGINT", "log_seq": "BIGINT"}

COLUMNS: Final[dict[str, dict[str, Type]]] = {
    EVENTS: {
        **_STREAM_ID,
        "profile_id": "VARCHAR",
        "event_id": "VARCHAR",
        "kind": "VARCHAR",
        "name": "VARCHAR",
        "timestamp": "BIGINT",
        "received_at": "BIGINT",
        "anonymous_id": "VARCHAR",
        "user_id": "VARCHAR",
        "session_id": "VARCHAR",
        "source": "VARCHAR",
        "items": [
            {
                "item_id": "VARCHAR",
                "name": "VARCHAR",
                "brand": "VARCHAR",
                "category": "VARCHAR",
                "variant": "VARCHAR",
                "price": "DOUBLE",
                "quantity": "DOUBLE",
                "url": "VARCHAR",
                "image_url": "VARCHAR",
                "list_price": "DOUBLE",
                "availability": "VARCHAR",
                "group_id": "VARCHAR",
                "platform_id": "VARCHAR",
            }
        ],
        "order_id": "VARCHAR",
        "value": "DOUBLE",
        "currency": "VARCHAR",
        "search_term": "VARCHAR",
        "context": "VARCHAR",
        "properties": "VARCHAR",
        "kept": "VARCHAR",
        "bot": "BOOLEAN",
        "server": "BOOLEAN",
        "order_known": "BOOLEAN",
        "foreign_claim": "BOOLEAN",
        "extra": "VARCHAR",
        "repeated": "BOOLEAN",  # set by compaction: an earlier row has the same event_id
    },
    DECISIONS: {
        **_STREAM_ID,
        "profile_id": "VARCHAR",
        "decision_id": "VARCHAR",
        "timestamp": "BIGINT",
        "anonymous_id": "VARCHAR",
        "session_id": "VARCHAR",
        "slot": "VARCHAR",
        "page": {"type": "VARCHAR", "item_id": "VARCHAR", "category": "VARCHAR"},
        "model": "VARCHAR",
        "variant": "VARCHAR",
        "holdout": "BOOLEAN",
        "offers": [
            {
                "item_id": "VARCHAR",
                "position": "INTEGER",
                "score": "DOUBLE",
                "source": "VARCHAR",
                "reason_code": "VARCHAR",
            }
        ],
        "full": "VARCHAR",
        "extra": "VARCHAR",
    },
    MOVES: {
        **_STREAM_ID,
        "profile_id": "VARCHAR",
        "type": "VARCHAR",
        "timestamp": "BIGINT",
        "transfer_id": "VARCHAR",
        "from_id": "VARCHAR",
        "to_id": "VARCHAR",
        "order_id": "VARCHAR",
        "record": "VARCHAR",  # the whole record as JSON text
        "fault": "VARCHAR",  # why a record that belongs elsewhere was put here as it was
    },
    PROFILES: {
        "bucket": "INTEGER",
        "profile_id": "VARCHAR",
        "taken_at": "BIGINT",
        "first_seen": "BIGINT",
        "last_seen": "BIGINT",
        "visits": "BIGINT",
        "orders": "BIGINT",
        "record": "VARCHAR",
    },
}

# The order of rows inside a compacted part: one bucket lies together, so a replay reads only that, and in it
# one visitor, whose timeline then costs a few pages. It is also smaller: neighbours are alike.
ORDER: Final[dict[str, str]] = {
    EVENTS: "bucket, profile_id, log_ms, log_seq",
    DECISIONS: "bucket, profile_id, log_ms, log_seq",
    MOVES: "bucket, profile_id, log_ms, log_seq",
    PROFILES: "bucket, profile_id",
}

# Rows of a group: what is read to find one visitor. Smaller ones cost more for who was not there at all.
ROW_GROUP: Final = 30_720

# What makes a row itself: two rows with the same one are the same row, written twice.
IDENTITY: Final[dict[str, str]] = {
    EVENTS: "bucket, log_ms, log_seq",
    DECISIONS: "bucket, log_ms, log_seq",
    MOVES: "bucket, log_ms, log_seq",
    PROFILES: "profile_id",
}

# Which column says when a row happened: an erasure reaches up to it.
TIME: Final[dict[str, str]] = {
    EVENTS: "received_at",
    DECISIONS: "timestamp",
    MOVES: "timestamp",
    PROFILES: "taken_at",
}

_TABLE_OF: Final = {"event": EVENTS, "decision": DECISIONS}
_JSON_COLUMNS: Final = {EVENTS: ("context", "properties"), DECISIONS: ("full",)}
_KNOWN: Final = {
    table: frozenset(COLUMNS[table]) - {"bucket", "log_ms", "log_seq", "extra", "repeated"}
    for table in (EVENTS, DECISIONS)
}
# DuckDB's strict JSON reader, which finds wrong types, wants every key there.
_BLANK: Final[dict[str, dict[str, Any]]] = {table: dict.fromkeys(COLUMNS[table]) for table in TABLES}
_NESTED: Final[dict[str, dict[str, dict[str, Any]]]] = {
    table: {
        name: dict.fromkeys(kind[0] if isinstance(kind, list) else kind)
        for name, kind in COLUMNS[table].items()
        if not isinstance(kind, str)
    }
    for table in (EVENTS, DECISIONS)
}


@dataclass(slots=True)
class LogRecord:
    """One entry of a log. `raw` is its stored JSON, `record` the same decoded (None when it is no JSON)."""

    bucket: int
    log_ms: int
    log_seq: int
    type: str
    raw: bytes
    record: dict[str, Any] | None

    @property
    def stream_id(self) -> tuple[int, int, int]:
        return (self.bucket, self.log_ms, self.log_seq)


@dataclass(slots=True)
class Row:
    """A row on its way into a partition: its table, its UTC day, and its columns as one JSON text."""

    table: str
    date: str
    line: str
    source: LogRecord


def row_of(entry: LogRecord) -> Row:
    """The row of one log entry. A record that does not fit its table becomes a row of `moves`."""
    table = _TABLE_OF.get(entry.type, MOVES)
    if table == MOVES:
        return move_row(entry)
    if entry.record is None:
        return move_row(entry, fault="not a JSON object")
    return _typed_row(table, entry, entry.record)


def _typed_row(table: str, entry: LogRecord, record: dict[str, Any]) -> Row:
    row = {**_BLANK[table], **record}
    for name in _JSON_COLUMNS[table]:
        if row[name] is not None:
            row[name] = orjson.dumps(row[name]).decode()
    for name, blank in _NESTED[table].items():
        value = row[name]
        if type(value) is list:
            row[name] = [{**blank, **member} if type(member) is dict else member for member in value]
        elif type(value) is dict:
            row[name] = {**blank, **value}
    extra = record.keys() - _KNOWN[table]
    if extra:
        row["extra"] = orjson.dumps({name: record[name] for name in sorted(extra)}).decode()
        for name in extra - COLUMNS[table].keys():
            del row[name]
    row["bucket"] = entry.bucket
    row["log_ms"] = entry.log_ms
    row["log_seq"] = entry.log_seq
    happened = record.get(TIME[table])
    return Row(table, day_of(happened, entry.log_ms), orjson.dumps(row).decode(), entry)


def move_row(entry: LogRecord, fault: str | None = None) -> Row:
    """A row of `moves`: the whole record as JSON text beside the columns that are asked for.

    Never refuses: what is no JSON at all is kept as `{"bytes": <latin-1 text>}`.
    """
    record = entry.record or {}
    row: dict[str, Any] = {
        "bucket": entry.bucket,
        "log_ms": entry.log_ms,
        "log_seq": entry.log_seq,
        "type": entry.type,
        "fault": fault,
    }
    if entry.record is None:
        row["record"] = orjson.dumps({"bytes": entry.raw.decode("latin-1")}).decode()
        row["fault"] = fault or "not a JSON object"
    else:
        row["record"] = entry.raw.decode()
    row["transfer_id"] = _text(record.get("transfer_id"))
    row["order_id"] = _text(record.get("order_id"))
    row["from_id"] = _text(record.get("from"))
    row["to_id"] = _text(record.get("to"))
    row["profile_id"] = profile_of(entry)
    happened = record.get("timestamp")
    row["timestamp"] = happened if _is_time(happened) else entry.log_ms
    return Row(MOVES, day_of(happened, entry.log_ms), orjson.dumps(row).decode(), entry)


def profile_of(entry: LogRecord) -> str | None:
    """The one profile that a record of the log names: its own, or the end of a move that lies here."""
    record = entry.record or {}
    named = _text(record.get("profile_id"))
    if named is not None:
        return named
    for end in ("from", "to"):
        identifier = _text(record.get(end))
        if identifier is not None and keys.bucket_of(identifier) == entry.bucket:
            return identifier
    return None


def structure(table: str) -> str:
    """The table's row as DuckDB's JSON functions want it told."""
    return orjson.dumps(COLUMNS[table]).decode().replace("'", "''")


def sql_type(kind: Type) -> str:
    if isinstance(kind, str):
        return kind
    if isinstance(kind, list):
        return sql_type(kind[0]) + "[]"
    return "STRUCT(" + ", ".join(f'"{name}" {inner}' for name, inner in kind.items()) + ")"


def empty_select(table: str) -> str:
    """A query with the table's columns and no rows: what a view is while nothing is archived."""
    columns = ", ".join(f'NULL::{sql_type(kind)} AS "{name}"' for name, kind in COLUMNS[table].items())
    return f"SELECT {columns} WHERE false"


def day_of(happened: object, otherwise: int) -> str:
    """The UTC day `YYYY-MM-DD` of a time in milliseconds; of the second when the first is no time."""
    return _day(int(happened) // DAY_MS if _is_time(happened) else otherwise // DAY_MS)  # type: ignore[call-overload]


@lru_cache(maxsize=4_096)
def _day(days: int) -> str:
    return datetime.fromtimestamp(days * 86_400, UTC).date().isoformat()


def _is_time(value: object) -> bool:
    # Up to the year 9999: past that a date has no name of four digits.
    return type(value) is int and 0 <= value < 253_402_300_800_000


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
