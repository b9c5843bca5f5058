"""Reads a document of a marketer's field by field, and notes every mistake on the way. Pure.

Whatever comes in, nothing raises here: a field that cannot be meant is noted and its default goes on, so that
one look finds all that is wrong. `finish` raises what was found.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from habitue_recommender.catalog.items import InvalidItem, parse_url
from habitue_recommender.conditions import Condition, ConditionError, parse
from habitue_recommender.rulebook.documents import is_id
from habitue_recommender.rulebook.mistakes import Mistake, Mistakes

MAX_NAME, MAX_NOTE = 200, 2_000  # characters
MAX_LIST = 500
_STAMPS = frozenset(
    {"version", "author", "at", "change_note", "deleted", "effective", "origin"}
)  # the store's own, sent back as they came


class Reader:
    """One JSON object and its place in the document; `inside` gives the objects in it."""

    def __init__(
        self, raw: object, known: Collection[str], path: str = "", mistakes: list[Mistake] | None = None
    ) -> None:
        self.mistakes: list[Mistake] = [] if mistakes is None else mistakes
        self._path = path
        self.raw: Mapping[str, Any] = {}
        if not isinstance(raw, Mapping):
            self.wrong("", f"{_shown(raw)} is not an object with fields")
            return
        self.raw = raw
        for name in raw:
            if name not in known and not (not path and name in _STAMPS):
                near = get_close_matches(str(name), known, 1)
                there = ", ".join(sorted(known))
                self.wrong(
                    str(name)[:80], f"there is no such field; there are {there}", near[0] if near else ""
                )

    def has(self, name: str) -> bool:
        return self.raw.get(name) is not None

    def wrong(self, name: str, message: str, suggestion: str = "") -> None:
        path = f"{self._path}.{name}" if self._path and name else self._path or name
        said = f"{message[:1].upper()}{message[1:]}{'' if message[-1:] in '.?' else '.'}"
        self.mistakes.append(Mistake(path, said, suggestion=suggestion))

    def finish(self) -> None:
        if self.mistakes:
            raise Mistakes(self.mistakes)

    # ---- fields ------------------------------------------------------------------------------------

    def inside(self, name: str, known: Collection[str]) -> Reader:
        path = f"{self._path}.{name}" if self._path else name
        value = self.raw.get(name)
        return Reader({} if value is None else value, known, path, self.mistakes)

    def objects(self, name: str, known: Collection[str], most: int) -> list[Reader]:
        path = f"{self._path}.{name}" if self._path else name
        return [
            Reader(one, known, f"{path}.{place}", self.mistakes)
            for place, one in enumerate(self._list(name, most))
        ]

    def id(self) -> str:
        value = self.raw.get("id")
        if is_id(value):
            return str(value)
        self.wrong("id", "an id is small letters, digits and hyphens, at most 64 of them", _as_id(value))
        return ""

    def text(self, name: str, most: int, default: str = "") -> str:
        value = self.raw.get(name)
        if value is None:
            return default
        if not isinstance(value, str):
            self.wrong(name, f"{_shown(value)} is not text")
            return default
        if len(value) > most:
            self.wrong(name, f"this has {len(value):,} characters; there is room for {most:,}")
            return default
        try:
            value.encode()
        except UnicodeEncodeError:
            self.wrong(name, "this has characters that cannot be stored as UTF-8")
            return default
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.raw.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.wrong(name, f"{_shown(value)} is not true or false")
            return default
        return value

    def whole(self, name: str, least: int, most: int, default: int) -> int:
        value = self.raw.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.wrong(name, f"{_shown(value)} is not a whole number from {least:,} to {most:,}")
            return default
        return value

    def number(self, name: str, least: float, most: float, default: float, *, above: bool = False) -> float:
        """A finite number from `least` (with `above`: greater than it) to `most`."""
        value = self.raw.get(name)
        if value is None:
            return default
        fits = isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most
        if not fits or (above and value == least) or not math.isfinite(value):
            start = "greater than" if above else "from"
            up_to = "and at most" if above else "to"
            self.wrong(name, f"{_shown(value)} is not a number {start} {least:g} {up_to} {most:g}")
            return default
        return float(value)

    def words(self, name: str, most: int = MAX_LIST, among: Collection[str] = ()) -> tuple[str, ...]:
        """A list of texts, each once; with `among`, of these words only."""
        words: dict[str, None] = {}
        for place, value in enumerate(self._list(name, most)):
            where = f"{name}.{place}"
            if not isinstance(value, str) or not value or len(value) > MAX_NAME:
                self.wrong(where, f"{_shown(value)} is not a word")
            elif among and value not in among:
                near = get_close_matches(value, among, 1)
                self.wrong(
                    where, f"{_shown(value)} is none of {', '.join(sorted(among))}", near[0] if near else ""
                )
            elif value in words:
                self.wrong(where, f"{_shown(value)} is there twice")
            else:
                words[value] = None
        return tuple(words)

    def moment(self, name: str) -> int | None:
        """A time as ISO 8601 with its offset, in milliseconds."""
        value = self.raw.get(name)
        if value is None or value == "":
            return None
        try:
            said = datetime.fromisoformat(value) if isinstance(value, str) and len(value) < 64 else None
            if said is None or said.tzinfo is None:
                raise ValueError(value)
            return round(said.timestamp() * 1_000)
        except (ValueError, OverflowError, OSError):
            self.wrong(
                name,
                f"{_shown(value)} is not a time with its offset",
                "2026-12-24T08:00:00+01:00",
            )
            return None

    def url(self, name: str) -> str:
        """http(s) or a path on the shop's own host."""
        try:
            return parse_url(self.text(name, 2_048), name)
        except InvalidItem:
            self.wrong(name, "this is neither an http(s) address nor a path that begins with /")
            return ""

    def condition(self, name: str) -> Condition | None:
        """An expression; None for an empty one, which always holds."""
        text = self.text(name, MAX_NOTE)
        if not text.strip():
            return None
        try:
            return parse(text)
        except ConditionError as error:
            path = f"{self._path}.{name}" if self._path else name
            self.mistakes.append(Mistake(path, error.message, error.position, error.length, error.suggestion))
            return None

    def _list(self, name: str, most: int) -> list[Any]:
        value = self.raw.get(name)
        if value is None:
            return []
        if not isinstance(value, list | tuple):
            self.wrong(name, f"{_shown(value)} is not a list")
            return []
        if len(value) > most:
            self.wrong(name, f"this has {len(value):,} entries; there is room for {most:,}")
            return []
        return list(value)


def _shown(value: object) -> str:
    """What stands there, short and as it was written."""
    if isinstance(value, str):
        return f"“{value[:60]}…”" if len(value) > 60 else f"“{value}”"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None:
        return "nothing"
    if isinstance(value, int) and abs(value) > 10**18:
        return "so large a number"
    return str(value)[:60]


def _as_id(value: object) -> str:
    """What an id could be that says the same."""
    if not isinstance(value, str):
        return ""
    text = "".join(one if one.isascii() and one.isalnum() else "-" for one in value.lower()[:200])
    return "-".join(part for part in text.split("-") if part)[:64].rstrip("-")
