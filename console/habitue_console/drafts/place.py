"""Where in a text a mistake is: the text in parts, the wrong one marked. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from habitue_recommender.rulebook.mistakes import Mistake


@dataclass(frozen=True, slots=True)
class Part:
    """A run of characters, and the mistake that is in it."""

    text: str
    mistake: Mistake | None = None


def marked(text: str, mistakes: Iterable[Mistake]) -> list[Part]:
    """The text in parts. A mistake at the end of the text marks a space behind it; overlapping ones share."""
    placed = sorted(
        (one for one in mistakes if one.position is not None),
        key=lambda one: (one.position or 0, -(one.length or 1)),
    )
    parts: list[Part] = []
    at = 0
    for one in placed:
        start = min(max(one.position or 0, 0), len(text))
        end = min(start + max(one.length or 1, 1), len(text))
        if start < at:
            continue
        if start > at:
            parts.append(Part(text[at:start]))
        parts.append(Part(text[start:end] or " ", one))
        at = end
    if at < len(text) or not parts:
        parts.append(Part(text[at:]))
    return parts


def mended(text: str, mistake: Mistake) -> str:
    """The text with what was meant in the mistake's place."""
    if mistake.position is None or not mistake.suggestion:
        return text
    start = min(max(mistake.position, 0), len(text))
    return text[:start] + mistake.suggestion + text[min(start + (mistake.length or 0), len(text)) :]


@dataclass(frozen=True, slots=True)
class JsonPlace:
    """Where a JSON text breaks off: counted from 1, as editors count, with the line itself."""

    message: str
    line: int
    column: int
    text: str

    @property
    def parts(self) -> list[Part]:
        start = max(0, self.column - 1 - 60)  # a file without line ends is one long line
        shown = self.text[start : start + 120]
        return marked(shown, [Mistake("", self.message, self.column - 1 - start, 1)])


def json_place(text: str, error: json.JSONDecodeError, said: str = "") -> JsonPlace:
    lines = text.split("\n")
    line = lines[error.lineno - 1] if error.lineno <= len(lines) else ""
    return JsonPlace(said or error.msg, error.lineno, error.colno, line)
