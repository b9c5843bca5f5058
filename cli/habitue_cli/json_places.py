"""Where in a JSON text does a value stand? For mistakes that point into a person's own file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

_SPACE = re.compile(r"[ \t\n\r]*")
_SCALAR = re.compile(r"[^\s,\]}]+")
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where a value begins, and its name or number before it."""

    name: int
    value: int


class JsonPlaces:
    """A valid JSON text, and the offset of everything in it by its path ("consequence.pin.0.position")."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._spots: dict[str, _Spot] = {}
        self.twice: list[str] = []  # paths of names that one object has twice
        start = _skip(text, 0)
        self._spots[""] = _Spot(start, start)
        self._walk(start, "")

    def offset(self, path: str, position: int | None = None) -> int:
        """Where it stands: its name, or with a `position` that character of its text.

        What is not there (a missing member) stands where the nearest thing around it does.
        """
        while path not in self._spots and path:
            path, position = path.rpartition(".")[0], None
        spot = self._spots[path]
        if position is None:
            return spot.name
        if self.text[spot.value : spot.value + 1] != '"':
            return spot.value
        return self._inside(spot.value + 1, position)

    def line_and_column(self, path: str, position: int | None = None) -> tuple[int, int]:
        """The same as a person counts: from 1."""
        return line_and_column(self.text, self.offset(path, position))

    def _inside(self, at: int, position: int) -> int:
        """The offset of a text's character, past the escapes before it."""
        for _ in range(position):
            if self.text[at] == '"':
                break
            escape = _ESCAPE.match(self.text, at)
            if escape is None:
                at += 1
                continue
            at = escape.end()
            pair = escape[0].lower()
            if pair.startswith(("\\ud8", "\\ud9", "\\uda", "\\udb")):  # one character in two escapes
                second = _ESCAPE.match(self.text, at)
                at = second.end() if second is not None else at
        return at

    def _walk(self, at: int, path: str) -> int:
        """Notes everything below a value; gives the offset behind it."""
        character = self.text[at]
        if character == "{":
            return self._members(at, path)
        if character == "[":
            return self._entries(at, path)
        if character == '"':
            return _end(_TEXT, self.text, at)
        return _end(_SCALAR, self.text, at)

    def _members(self, at: int, path: str) -> int:
        at = _skip(self.text, at + 1)
        while self.text[at] != "}":
            name_at = at
            at = _end(_TEXT, self.text, at)
            name = json.loads(self.text[name_at:at])
            at = _skip(self.text, _skip(self.text, at) + 1)  # past the colon
            below = f"{path}.{name}" if path else name
            if below in self._spots:
                self.twice.append(below)
            self._spots[below] = _Spot(name_at, at)
            at = _skip(self.text, self._walk(at, below))
            if self.text[at] == ",":
                at = _skip(self.text, at + 1)
        return at + 1

    def _entries(self, at: int, path: str) -> int:
        at = _skip(self.text, at + 1)
        number = 0
        while self.text[at] != "]":
            below = f"{path}.{number}" if path else str(number)
            self._spots[below] = _Spot(at, at)
            at = _skip(self.text, self._walk(at, below))
            if self.text[at] == ",":
                at = _skip(self.text, at + 1)
            number += 1
        return at + 1


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """Both from 1."""
    return text.count("\n", 0, offset) + 1, offset - (text.rfind("\n", 0, offset) + 1) + 1


def pretty(body: object) -> str:
    """JSON as it stands in a file: two spaces, every script as it is, a line break at the end."""
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"


def lines(body: object) -> Iterator[str]:
    yield from pretty(body).splitlines()


def _skip(text: str, at: int) -> int:
    return _end(_SPACE, text, at)


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found is not None else at + 1
