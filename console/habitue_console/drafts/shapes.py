"""Which fields a marketer's document has, and how each is written in a form. Pure.

A form's field is named by its place in the document (`consequence.pin.0.position`), so a mistake that names
a place is shown at the input of that name. What cannot be read stays the text that was typed: whoever
parses the document says what is wrong with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

Typed = dict[str, list[str]]
"""What stands in a form: each field's values by name, as they were typed."""

MAX_ROWS = 100  # of one list in a form; a longer list comes by import
ABSENT: Any = object()

_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?\Z")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a shape reads from, and the zone in which the shop tells the time."""

    typed: Mapping[str, list[str]]
    zone: ZoneInfo

    def first(self, path: str) -> str:
        values = self.typed.get(path)
        return values[0].strip() if values else ""


class Shape(Protocol):
    """How one value is read from a form (`ABSENT` when nothing was said) and put into it."""

    def read(self, reading: Reading, path: str) -> Any: ...
    def write(self, value: Any, path: str, zone: ZoneInfo) -> Typed: ...


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text; `always` keeps an empty one in the document."""

    always: bool = False

    def read(self, reading: Reading, path: str) -> Any:
        said = reading.first(path)
        return said if said or (self.always and path in reading.typed) else ABSENT

    def write(self, value: Any, path: str, zone: ZoneInfo) -> Typed:
        return {path: [_plain(value)]}


@dataclass(frozen=True, slots=True)
class Number:
    """A number; a comma counts as a point. `percent` shows a share from 0 to 1 as 0 to 100."""

    percent: bool = False
    default: float | None = None  # what an empty field means, and what need not be said

    def read(self, reading: Reading, path: str) -> Any:
        said = reading.first(path).removesuffix("%").strip() if self.percent else reading.first(path)
        if not said:
            return ABSENT
        if not _NUMBER.match(said) or len(said) > 30:
            return reading.first(path)
        number = float(said.replace(",", "."))
        if self.percent:
            return round(number / 100, 6)
        return int(number) if number.is_integer() and "." not in said and "," not in said else number

    def write(self, value: Any, path: str, zone: ZoneInfo) -> Typed:
        if value == self.default:
            return {path: [""]}
        if self.percent and isinstance(value, int | float) and not isinstance(value, bool):
            return {path: [f"{round(value * 100, 4):g}"]}
        return {path: [_plain(value)]}


@dataclass(frozen=True, slots=True)
class Flag:
    """A box to tick: the value when it is ticked; `always` says false too."""

    value: Any = True
    always: bool = False

    def read(self, reading: Reading, path: str) -> Any:
        if reading.first(path):
            return self.value
        return False if self.always else ABSENT

    def write(self, value: Any, path: str, zone: ZoneInfo) -> Typed:
        return {path: ["on"] if value == self.value else []}


@dataclass(frozen=True, slots=True)
class Words:
    """Boxes to tick or an input for each: a list of texts under one name."""

    always: bool = False

    def read(self, reading: Reading, path: str) -> Any:
        said = [word for word in (one.strip() for one in reading.typed.get(path, ())) if word]
        return said if said or self.always else ABSENT

    def write(self, value: Any, path: str, zone: ZoneInfo) -> Typed:
        return {path: [_plain(one) for one in value] if isinstance(value, list | tuple) else [_plain(value)]}


@dataclass(frozen=True, slots=True)
class Time:
    """A moment, typed in the shop's zone, kept with its offset."""

    def read(self, reading: Reading, path: str) -> Any:
        said = reading.first(path)
        if not said:
            return ABSENT
        try:
            moment = datetime.fromisoformat(said)
        except ValueError:
            return said
        return (moment if moment.tzinfo else moment.replace(tzinfo=reading.zone)).isoformat()

    def write(self, value: Any, path: str, zone: ZoneInfo) -> Typed:
        try:
            moment = datetime.fromisoformat(value)
            local = moment.astimezone(zone) if moment.tzinfo else moment
            whole = local.second == 0 and local.microsecond == 0
            return {path: [local.strftime("%Y-%m-%dT%H:%M" if whole else "%Y-%m-%dT%H:%M:%S")]}
        except (TypeError, ValueError, OverflowError):
            return {path: [_plain(value)]}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts that belong together: `["08:00", "20:00"]`."""

    def read(self, reading: Reading, path: str) -> Any:
        said = [reading.first(f"{path}.0"), reading.first(f"{path}.1")]
        return said if any(said) else ABSENT

    def write(self, value: Any, path: str, zone: ZoneInfo) -> Typed:
        both = list(value) if isinstance(value, list | tuple) else [value]
        both = [*both, "", ""][:2]
        return {f"{path}.{place}": [_plain(one)] for place, one in enumerate(both)}


@dataclass(frozen=True, slots=True)
class Table:
    """Fields by name; absent when none of them says anything."""

    fields: Mapping[str, Shape]
    always: bool = False

    def read(self, reading: Reading, path: str) -> Any:
        said = {name: shape.read(reading, _join(path, name)) for name, shape in self.fields.items()}
        held = {name: value for name, value in said.items() if value is not ABSENT}
        return held if held or self.always else ABSENT

    def write(self, value: Any, path: str, zone: ZoneInfo) -> Typed:
        typed: Typed = {}
        for name, shape in self.fields.items():
            if isinstance(value, Mapping) and name in value:
                typed |= shape.write(value[name], _join(path, name), zone)
        return typed


@dataclass(frozen=True, slots=True)
class Rows:
    """A list: one row for each, with fields (`pin.0.item_id`) or a single value (`fallback.0`).

    Rows in which nothing was typed are passed over; `always` keeps an empty list in the document.
    """

    row: Shape
    always: bool = False

    def read(self, reading: Reading, path: str) -> Any:
        said = [self.row.read(reading, f"{path}.{index}") for index in indices(reading.typed, path)]
        held = [value for value in said if value is not ABSENT]
        return held if held or self.always else ABSENT

    def write(self, value: Any, path: str, zone: ZoneInfo) -> Typed:
        typed: Typed = {}
        for index, one in enumerate(value if isinstance(value, list | tuple) else [value]):
            typed |= self.row.write(one, f"{path}.{index}", zone)
        return typed


@dataclass(frozen=True, slots=True)
class Shares:
    """Names with a share each, as rows of two: `{"b": 0.5}`."""

    def read(self, reading: Reading, path: str) -> Any:
        rows = _SHARE_ROWS.read(reading, path)
        if rows is ABSENT:
            return ABSENT
        return {row.get("name", ""): row.get("share", 0.0) for row in rows}

    def write(self, value: Any, path: str, zone: ZoneInfo) -> Typed:
        if not isinstance(value, Mapping):
            return {}
        rows = [{"name": name, "share": share} for name, share in value.items()]
        return _SHARE_ROWS.write(rows, path, zone)


@dataclass(frozen=True, slots=True)
class Included:
    """`include`: true for what the condition says, or a list of items. `include.which` says which."""

    def read(self, reading: Reading, path: str) -> Any:
        which = reading.first(f"{path}.which")
        if which == "matching":
            return True
        items = _LINES.read(reading, f"{path}.items")
        return items if items is not ABSENT else ABSENT

    def write(self, value: Any, path: str, zone: ZoneInfo) -> Typed:
        if value is True:
            return {f"{path}.which": ["matching"]}
        return {f"{path}.which": ["items"], **_LINES.write(value, f"{path}.items", zone)}


_LINES = Rows(Text())
_SHARE_ROWS = Rows(Table({"name": Text(), "share": Number(percent=True)}))

VALIDITY = Table({"from": Time(), "until": Time(), "weekdays": Words(), "hours": Pair()})
CAP = Table({"impressions": Number(), "days": Number()})

RULE = Table(
    {
        "name": Text(always=True),
        "note": Text(),
        "enabled": Flag(always=True),
        "priority": Number(),
        "condition": Table({"slots": Words(), "page_types": Words(), "when": Text()}),
        "consequence": Table(
            {
                "pin": Rows(Table({"item_id": Text(), "position": Number()})),
                "boost": Number(),
                "bury": Number(),
                "include": Included(),
                "exclude": Flag(),
                "filter": Flag(),
                "same": Words(),
                "different": Words(),
                "fallback": _LINES,
                "limit": Table({"brand": Number(), "category": Number()}),
                "cap": CAP,
                "in_cart": Flag("never"),
            },
            always=True,
        ),
        "validity": VALIDITY,
        "share": Number(percent=True, default=1.0),
    }
)

SEGMENT = Table(
    {"name": Text(always=True), "note": Text(), "when": Text(always=True), "webhooks": Rows(Text())}
)

CONTENT = Table(
    {
        "name": Text(always=True),
        "note": Text(),
        "enabled": Flag(always=True),
        "priority": Number(),
        "kind": Text(),
        "title": Text(),
        "text": Text(),
        "url": Text(),
        "image_url": Text(),
        "code": Text(),
        "slots": Words(),
        "position": Number(),
        "when": Text(),
        "validity": VALIDITY,
        "share": Number(percent=True, default=1.0),
        "cap": CAP,
    }
)

SLOT = Table(
    {
        "title": Text(always=True),
        "note": Text(),
        "enabled": Flag(always=True),
        "sources": Rows(Text(), always=True),
        "size": Number(),
        "page_types": Words(always=True),
        "max_per_category": Number(),
        "max_per_brand": Number(),
        "same_category": Flag(always=True),
        "fallback": Flag(always=True),
        "new_share": Number(percent=True),
        "diversity": Number(percent=True),
        "novelty": Number(percent=True),
        "rotation": Number(percent=True),
        "deadline_ms": Number(),
        "holdout": Number(percent=True),
        "variants": Shares(),
        "template": Text(always=True),
    }
)

SHAPES: Mapping[str, Table] = {"rule": RULE, "segment": SEGMENT, "content": CONTENT, "slot": SLOT}


def indices(typed: Mapping[str, Any], path: str) -> list[int]:
    """Which rows a form has below `path`, in order; at most `MAX_ROWS`."""
    start = path + "."
    found = {
        int(index)
        for name in typed
        if name.startswith(start)
        and (index := name[len(start) :].split(".", 1)[0]).isdecimal()
        and len(index) < 6
    }
    return sorted(found)[:MAX_ROWS]


def paths(document: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a document with its place, lists and tables opened; empty ones as they are."""
    if isinstance(document, Mapping) and document:
        for name, value in document.items():
            yield from paths(value, _join(path, str(name)))
    elif isinstance(document, list | tuple) and document:
        for index, value in enumerate(document):
            yield from paths(value, f"{path}.{index}")
    else:
        yield path, document


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}" if abs(value) < 1e6 and round(value, 4) == value else repr(value)
    return str(value)
