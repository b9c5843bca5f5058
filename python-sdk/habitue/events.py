"""An event as it goes over the wire, encoded when it happens: what the host changes later changes nothing.

The wire is the Segment HTTP API; its limits stand here once.
"""

from __future__ import annotations

import json
import json.encoder
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from json.encoder import encode_basestring as quoted
from math import floor, isfinite
from os import urandom
from typing import Any, SupportsIndex
from uuid import UUID

MAX_EVENT_BYTES = 32_768
MAX_ID_LENGTH = 255
MAX_DEPTH = 16


class InvalidArgument(ValueError):
    """Something that cannot be an event; the host is told by count and log, never by raising."""


def encode_event(
    call: str,
    *,
    name: object = None,
    properties: object = None,
    traits: object = None,
    user_id: object = None,
    anonymous_id: object = None,
    previous_id: object = None,
    event_id: object = None,
    timestamp: object = None,
    context: object = None,
    encoded_context: bytes = b"",
    sender_known: bool = False,
    now: float,
) -> bytes:
    """One call as UTF-8 JSON. Raises InvalidArgument.

    `now` in seconds since 1970 stands in for a missing `timestamp`. `encoded_context` is a context that
    is JSON already. With `sender_known` the request says whose event it is, so it needs no id of its own.
    """
    head = f'{{"type":"{call}"'  # by hand: half of what writing a dict would cost
    if call == "track":
        if not isinstance(name, str) or not name:
            raise InvalidArgument("track needs the name of the event")
        head += f',"event":{quoted(name)}'
    elif name is not None:
        if not isinstance(name, str):
            raise InvalidArgument("the name of a page is text")
        head += f',"name":{quoted(name)}'
    if user_id is not None:
        head += f',"userId":{quoted(identifier(user_id, "user_id"))}'
    elif anonymous_id is None and not sender_known:
        raise InvalidArgument(f"{call} needs a user_id or an anonymous_id outside of a visitor's request")
    if anonymous_id is not None:
        head += f',"anonymousId":{quoted(identifier(anonymous_id, "anonymous_id"))}'
    if previous_id is not None:
        head += f',"previousId":{quoted(identifier(previous_id, "previous_id"))}'
    # An event keeps its id through every retry, so that it counts once.
    own_id = urandom(16).hex() if event_id is None else identifier(event_id, "event_id")
    at = _moment(now) if timestamp is None else moment(timestamp)
    parts = [f'{head},"messageId":{quoted(own_id)},"timestamp":{quoted(at)}'.encode("utf-8", "replace")]
    if properties is not None:
        parts += (b',"properties":', encode(_mapping(properties, "properties")))
    if traits is not None:
        parts += (b',"traits":', encode(_mapping(traits, "traits")))
    if context is not None:
        parts += (b',"context":', encode(_mapping(context, "context")))
    elif encoded_context:
        parts += (b',"context":', encoded_context)
    parts.append(b"}")
    return b"".join(parts)


def encode(value: object) -> bytes:
    """JSON that any server can read: no NaN, no lone surrogates; dates and decimals as people expect."""
    try:
        try:
            return _encode(value).encode("utf-8", "replace")
        except (ValueError, RecursionError):  # NaN, infinities or a circle: rare, so the fast way goes first
            return _encode(_plain(value, 0)).encode("utf-8", "replace")
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgument(f"not to be written as JSON: {error}") from None


def identifier(value: object, what: str) -> str:
    """Texts, whole numbers and UUIDs are ids; raises InvalidArgument for what the server would refuse."""
    if type(value) is not str:
        if isinstance(value, bool) or not isinstance(value, (str, UUID, SupportsIndex)):
            raise InvalidArgument(f"{what} is neither text nor a whole number")
        value = str(value) if isinstance(value, (str, UUID)) else str(value.__index__())
    if not value or len(value) > MAX_ID_LENGTH:
        raise InvalidArgument(f"{what} is empty or longer than {MAX_ID_LENGTH} characters")
    return value


def moment(value: object) -> str:
    """ISO 8601 from a datetime (a naive one is local time, as everywhere in Python), seconds, or text."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            return _moment(value)
        except (ValueError, OverflowError, OSError):
            raise InvalidArgument("timestamp is out of range") from None
    if isinstance(value, str) and value:
        return value
    raise InvalidArgument("timestamp is a datetime, seconds since 1970 or ISO 8601")


def _moment(seconds: float) -> str:
    whole = floor(seconds)
    return f"{_second(whole)}.{int((seconds - whole) * 1000):03d}Z"


@lru_cache(64)
def _second(seconds: int) -> str:
    """The slow part of a timestamp; events of one second share it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _mapping(value: object, what: str) -> Mapping[str, Any]:
    if type(value) is dict:
        return value
    if isinstance(value, Mapping):
        return dict(value)
    raise InvalidArgument(f"{what} is a mapping")


def _default(value: object) -> object:
    """What shops put into properties besides JSON."""
    if isinstance(value, Decimal):
        return float(value) if value.is_finite() else None
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).decode("utf-8", "replace")
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if callable(tolist := getattr(value, "tolist", None)):  # a number or an array of numpy's
        return tolist()
    if isinstance(value, Collection) and not isinstance(value, type):
        return list(value)
    return str(value)


def _encoder() -> Callable[[object], str]:
    encoder = json.JSONEncoder(
        separators=(",", ":"), ensure_ascii=False, allow_nan=False, skipkeys=True, default=_default
    )
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:  # another Python than CPython
        return encoder.encode
    # As JSONEncoder.encode has it, but made once; without its memory of circles, which end as RecursionError.
    write = make(None, _default, quoted, None, ":", ",", False, True, False)
    return lambda value: "".join(write(value, 0))


_encode = _encoder()


def _plain(value: object, depth: int) -> object:
    """A copy without NaN, infinities and circles (what lies deeper than any event is cut off)."""
    if depth > MAX_DEPTH:
        return None
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _plain(item, depth + 1) for key, item in value.items() if isinstance(key, str)}
    if isinstance(value, (list, tuple)):
        return [_plain(item, depth + 1) for item in value]
    if value is None or isinstance(value, (str, int)):
        return value
    return _plain(_default(value), depth + 1)
