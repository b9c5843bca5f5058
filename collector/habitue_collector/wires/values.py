"""Single values from a stranger's JSON: identifiers, texts, numbers, moments, bounded properties.

Every wire takes its values through here, so that whatever comes in, what goes on is short, finite
and valid UTF-8. Common cases are decided by type and length alone; the careful way is a function.
"""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from hashlib import blake2b
from math import isfinite
from os import urandom
from typing import Any, Final

from habitue_collector.events import (
    EARLIEST,
    LATEST_AHEAD,
    MAX_ID_LENGTH,
    MAX_TEXT_LENGTH,
    InvalidEvent,
    RejectReason,
)
from habitue_collector.wires.money import MAX_LENGTH, read_amount

MAX_DEPTH = 4  # of containers inside properties, properties itself being the first
MAX_MEMBERS = 255  # of one dict inside properties
MAX_LIST = 100
MAX_KEY_LENGTH = 128
LARGEST_NUMBER = 1e12  # of money: no shop sells for more, and sums of it stay exact enough
MAX_SKEW = 366 * 86_400_000  # ms; a clock further off than a year tells nothing

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_INT64: Final = 1 << 63
_KEPT_CONTROLS: Final = "\n\r\t"


def text(value: object, limit: int = MAX_TEXT_LENGTH) -> str | None:
    """A short, valid text; numbers become text, anything else (and the empty text) None."""
    if type(value) is str:
        if len(value) <= limit and value.isprintable():
            return value.strip() or None
        return clean(value, limit).strip() or None
    if type(value) is int and -_INT64 <= value < _INT64:
        return str(value)
    if type(value) is float and isfinite(value):
        return f"{value:.15g}"
    return None


def clean(value: str, limit: int = MAX_TEXT_LENGTH) -> str:
    """Cut to `limit`, without lone surrogates (no UTF-8 can hold them) and control characters."""
    value = value[:limit]
    if value.isprintable():
        return value
    return "".join(
        char for char in value if char in _KEPT_CONTROLS or unicodedata.category(char) not in ("Cc", "Cs")
    )


def identifier(value: object, what: str) -> str | None:
    """An id as text, None when there is none; raises InvalidEvent(INVALID_IDENTITY)."""
    if type(value) is str:
        value = value.strip()
        if not value:
            return None
        if len(value) <= MAX_ID_LENGTH and (value.isprintable() or clean(value) == value):
            return value
        raise InvalidEvent(RejectReason.INVALID_IDENTITY, f"{what} is too long or holds control characters")
    if value is None:
        return None
    if type(value) is float and value.is_integer():  # PHP and pandas write 4711 so where they counted once
        value = int(value)
    if type(value) is int and -_INT64 <= value < _INT64:
        return str(value)
    raise InvalidEvent(RejectReason.INVALID_IDENTITY, f"{what} is neither text nor a whole number")


def event_identifier(value: object) -> str:
    """The id by which an event counts once; a random one when the sender gave none.

    One that is too long or unfit to store is replaced by its digest: the same event sent again still
    has the same id.
    """
    if type(value) is str and 0 < len(value) <= MAX_ID_LENGTH and value.isprintable():
        return value
    if value is None or value == "":
        return urandom(16).hex()
    if type(value) is str:
        return blake2b(value.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    if type(value) is int and -_INT64 <= value < _INT64:
        return str(value)
    raise InvalidEvent(RejectReason.INVALID_EVENT, "messageId is neither text nor a whole number")


def number(value: object) -> float | None:
    """A finite number of at most `LARGEST_NUMBER`, also from text such as "89.90" or "1.189,90 €"."""
    if type(value) is str:
        return _number_in(value)
    if (type(value) is float or type(value) is int) and -LARGEST_NUMBER <= value <= LARGEST_NUMBER:
        return float(value)  # NaN does not come here: it compares false
    return None


def _number_in(value: str) -> float | None:
    value = value.strip()
    if not value or len(value) > MAX_LENGTH or "_" in value:
        return None
    try:
        parsed = float(value)
    except ValueError:
        read = read_amount(value)
        if read is None:
            return None
        parsed = read[0]
    return parsed if -LARGEST_NUMBER <= parsed <= LARGEST_NUMBER else None


def moment(value: object) -> int:
    """Milliseconds from ISO 8601 (without a zone: UTC) or from seconds, milli- or microseconds.

    Raises InvalidEvent(INVALID_TIMESTAMP).
    """
    if type(value) is str:
        minute = _MINUTES.get(value[:17])
        if minute is not None and (within := _within_minute(value)) is not None:
            return minute + within
        try:
            parsed = datetime.fromisoformat(value)
            if parsed.tzinfo is None:
                parsed = parsed.replace(tzinfo=UTC)
            since = parsed - _EPOCH
            # Dividing timedeltas would be shorter, and costs three times as much.
            at = since.days * 86_400_000 + since.seconds * 1_000 + since.microseconds // 1_000
            if (within := _within_minute(value)) is not None:
                if len(_MINUTES) > 1_000:
                    _MINUTES.clear()
                _MINUTES[value[:17]] = at - within
            return at
        except (ValueError, OverflowError):
            value = _number_of_moment(value)
    if (type(value) is int or type(value) is float) and -1e17 < value < 1e17:
        if abs(value) < 1e11:  # as milliseconds that would be before 1973
            return int(value * 1000)
        return int(value if abs(value) < 1e14 else value // 1000)
    raise InvalidEvent(RejectReason.INVALID_TIMESTAMP, "not ISO 8601 and not a number of seconds")


_MINUTES: dict[str, int] = {}  # "2026-11-21T18:05:" → milliseconds: most of what comes is of the last few


def _within_minute(value: str) -> int | None:
    """Milliseconds since the full minute of `2026-11-21T18:05:29.123Z`; None when it looks otherwise."""
    digits = value[17:19] + value[20:23]
    if len(value) == 24 and value[19] == "." and value[23] == "Z" and digits.isdigit() and value.isascii():
        within = int(digits)
        return within if within < 60_000 else None
    return None


def _number_of_moment(value: str) -> float | None:
    try:
        return float(value) if len(value) <= 24 and "_" not in value else None
    except ValueError:
        return None


def skew_of(sent_at: object, received_at: int) -> int:
    """Milliseconds to add to the sender's clock; 0 when `sent_at` is missing or absurd."""
    if sent_at is None:
        return 0
    try:
        sent = moment(sent_at)
    except InvalidEvent:
        return 0
    skew = received_at - sent
    return skew if sent >= EARLIEST and -MAX_SKEW <= skew <= MAX_SKEW else 0


def corrected(timestamp: int, skew: int, received_at: int) -> int:
    """When it happened by our clock; raises InvalidEvent for the distant past and the future."""
    timestamp += skew
    if timestamp > received_at:
        if timestamp - received_at > LATEST_AHEAD:
            raise InvalidEvent(RejectReason.TIMESTAMP_TOO_NEW, "more than a day ahead of us")
        return received_at
    if timestamp < EARLIEST:
        raise InvalidEvent(RejectReason.TIMESTAMP_TOO_OLD, "before the year 2000")
    return timestamp


def bounded(members: dict[str, Any], without: frozenset[str], depth: int = 1) -> dict[str, Any]:
    """A copy that can be stored: JSON scalars, short lists and dicts down to `MAX_DEPTH`.

    What does not fit is cut (texts, lists, members) or left out (what lies deeper, what is no JSON).
    """
    kept: dict[str, Any] = {}
    for key, value in members.items():
        if key in without or value is None:
            continue
        kind = type(value)
        if kind is str:
            if len(value) > MAX_TEXT_LENGTH or not value.isprintable():
                value = clean(value)
        elif kind is not bool and kind is not int:
            value = _bounded_value(value, depth)
            if value is None:
                continue
        elif not -_INT64 <= value < _INT64:
            value = _bounded_value(float(value) if value.bit_length() < 1000 else None, depth)
            if value is None:
                continue
        if len(key) > MAX_KEY_LENGTH or not key.isprintable():
            key = clean(key, MAX_KEY_LENGTH)
        kept[key] = value
        if len(kept) == MAX_MEMBERS:
            break
    return kept


_NOTHING: Final[frozenset[str]] = frozenset()


def _bounded_value(value: object, depth: int) -> Any:
    """One member's value, None to leave it out; lists keep their length as far as they fit."""
    if type(value) is float:
        return value if isfinite(value) else None
    if type(value) is dict:
        if depth >= MAX_DEPTH:
            return None
        return bounded({key: item for key, item in value.items() if type(key) is str}, _NOTHING, depth + 1)
    if type(value) is list:
        if depth >= MAX_DEPTH:
            return None
        wrapped = ({"": item} for item in value[:MAX_LIST])
        return [one[""] for one in (bounded(item, _NOTHING, depth + 1) for item in wrapped) if one]
    return None
