"""How often each offer was in view: the last 30 by their id, hundreds before them by a mark. Pure.

A frequency cap has to hold for who sees hundreds of offers, and a profile has to stay small. What falls out
of the 30 goes to `worn`, a text of ten characters for each offer: six of a hash of its id, three of the day
when it was in view last, one of how often (63: or more). Days instead of moments, so a cap holds a day too
long rather than one too short. Two offers share a mark once in 69 billion times.
"""

from __future__ import annotations

from binascii import b2a_base64
from hashlib import blake2b
from typing import Any, NamedTuple

from habitue_collector import touches

MAX_EXPOSURES = 30  # by their id
MAX_WORN = 300  # by their mark: 3,000 bytes of who has seen that much
MOST_COUNTED = 63

_DAY = 86_400  # seconds
_MARK, _WIDTH = 6, 10
_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_VALUES = {digit: value for value, digit in enumerate(_DIGITS)}


class Worn(NamedTuple):
    day: int  # since 1970
    times: int

    @property
    def last(self) -> int:
        """The latest moment (seconds) at which it may have been in view."""
        return (self.day + 1) * _DAY - 1

    def before(self, seconds: int) -> int:
        """When it was in view last, for who knows that it was at `seconds` too."""
        return self.last if seconds // _DAY <= self.day else self.day * _DAY


def mark(item_id: str) -> str:
    """What stands for an item in `worn`."""
    raw = blake2b(item_id.encode("utf-8", "replace"), digest_size=5).digest()
    return b2a_base64(raw, newline=False)[:_MARK].decode("ascii")


def unpack(text: str) -> dict[str, Worn]:
    """By mark, what was in view longest ago first."""
    found = {}
    for at in range(0, len(text) - _WIDTH + 1, _WIDTH):
        high, middle, low, count = (_VALUES.get(digit, 0) for digit in text[at + _MARK : at + _WIDTH])
        found[text[at : at + _MARK]] = Worn(high << 12 | middle << 6 | low, count)
    return found


def often(text: str, times: int) -> dict[str, Worn]:
    """Of a packed text those that were in view that often; nearly always none, at 10 µs for 300."""
    enough = _DIGITS[min(times, MOST_COUNTED) :]
    places = [place for place, digit in enumerate(text[_WIDTH - 1 :: _WIDTH]) if digit in enough]
    return unpack("".join(text[place * _WIDTH : (place + 1) * _WIDTH] for place in places))


def pack(worn: dict[str, Worn]) -> str:
    """The stored form of the latest `MAX_WORN`."""
    latest = sorted(worn.items(), key=lambda one: (one[1].day, one[0]))[-MAX_WORN:]
    return "".join(
        f"{key}{_DIGITS[day >> 12 & 63]}{_DIGITS[day >> 6 & 63]}{_DIGITS[day & 63]}"
        f"{_DIGITS[min(count, MOST_COUNTED)]}"
        for key, (day, count) in latest
    )


def touch(state: dict[str, Any], item_id: str, seconds: int) -> None:
    """An offer of this item was in view."""
    known: touches.Touches = state.setdefault("exposures", {})
    if item_id not in known and "worn" in state:
        worn = unpack(state["worn"])
        before = worn.pop(mark(item_id), None)
        if before is not None:  # it comes back among the latest
            known[item_id] = touches.entry_of(before.before(seconds), before.times)
            _keep(state, worn)
    touches.touch(known, item_id, seconds, MAX_EXPOSURES + 1)
    if len(known) > MAX_EXPOSURES:
        _wear(state, known)


def merge(state: dict[str, Any], moved: dict[str, Any]) -> None:
    """Both together: counts add, the latest time stays."""
    if not moved.get("exposures") and not moved.get("worn"):
        return
    worn, theirs = unpack(state.get("worn", "")), unpack(moved.get("worn", ""))
    both = touches.merge(state.get("exposures", {}), moved.get("exposures", {}), MAX_EXPOSURES + MAX_WORN)
    marks = {mark(item_id): item_id for item_id in both} if worn or theirs else {}
    for key, one in theirs.items():
        mine = worn.get(key, one._replace(times=0))
        worn[key] = Worn(max(mine.day, one.day), mine.times + one.times)
    for key in marks.keys() & worn.keys():  # one of them remembers it by its id
        item_id, old = marks[key], worn.pop(key)
        seen = both[item_id]
        last = touches.last(seen)
        both[item_id] = touches.entry_of(max(last, old.before(last)), touches.count(seen) + old.times)
    if both:
        state["exposures"] = both
    _keep(state, worn)
    if len(both) > MAX_EXPOSURES:
        _wear(state, both)


def subtract(state: dict[str, Any], moved: dict[str, Any]) -> None:
    """Take out what `merge` put in; what was in view since keeps what is left."""
    if not moved.get("exposures") and not moved.get("worn"):
        return
    known: touches.Touches = state.get("exposures", {})
    worn, theirs = unpack(state.get("worn", "")), unpack(moved.get("worn", ""))
    marks = {mark(item_id): item_id for item_id in known} if theirs else {}
    for item_id, entry in moved.get("exposures", {}).items():
        if item_id in known:
            touches.subtract(known, {item_id: entry})
        else:
            _take(worn, mark(item_id), touches.count(entry))
    for key, one in theirs.items():
        if key in marks and marks[key] in known:
            touches.subtract(known, {marks[key]: touches.entry_of(0, one.times)})
        else:
            _take(worn, key, one.times)
    _keep(state, worn)


def _take(worn: dict[str, Worn], key: str, count: int) -> None:
    one = worn.get(key)
    if one is None:
        return
    if one.times > count:
        worn[key] = one._replace(times=one.times - count)
    else:
        del worn[key]


def _wear(state: dict[str, Any], known: touches.Touches) -> None:
    """Those that are no longer among the latest are known by their marks from here on."""
    worn = unpack(state.get("worn", ""))
    for item_id in list(known)[: len(known) - MAX_EXPOSURES]:
        entry = known.pop(item_id)
        worn[mark(item_id)] = Worn(touches.last(entry) // _DAY, touches.count(entry))
    _keep(state, worn)


def _keep(state: dict[str, Any], worn: dict[str, Worn]) -> None:
    if worn:
        state["worn"] = pack(worn)
    else:
        state.pop("worn", None)
