"""What changed between two versions of a document, place by place. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from habitue_console.drafts.shapes import paths

Part = tuple[Literal["same", "out", "in"], str]
_WORD = re.compile(r"\w+|\s+|[^\w\s]+")
_LONGEST = 4_000  # characters compared word by word; longer texts are shown whole
_UNSAID = object()


@dataclass(frozen=True, slots=True)
class Difference:
    """One place whose value is another. `before` or `after` is None where there was none."""

    path: str
    before: str | None
    after: str | None

    @property
    def parts(self) -> list[Part]:
        """The text word by word: what stayed, what went, what came."""
        return words_apart(self.before or "", self.after or "")


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Every place where two bodies differ, in the order of the newer one; lists of words as one place."""
    old, new = _flat(before), _flat(after)
    places = list(new) + [path for path in old if path not in new]
    return [
        Difference(path, _text(old.get(path, _UNSAID)), _text(new.get(path, _UNSAID)))
        for path in places
        if old.get(path, _UNSAID) != new.get(path, _UNSAID)
    ]


def words_apart(before: str, after: str) -> list[Part]:
    """Two texts as one run of parts that stayed, went and came."""
    if len(before) + len(after) > _LONGEST:
        return [("out", before), ("in", after)]
    old, new = _WORD.findall(before), _WORD.findall(after)
    parts: list[Part] = []
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            parts.append(("same", "".join(old[a:b])))
            continue
        if b > a:
            parts.append(("out", "".join(old[a:b])))
        if d > c:
            parts.append(("in", "".join(new[c:d])))
    return parts


def _flat(body: Mapping[str, Any]) -> dict[str, Any]:
    """Values by place; a list of plain words is one value, for its order is its meaning."""
    found: dict[str, Any] = {}

    def walk(value: Any, path: str) -> None:
        if isinstance(value, Mapping) and value:
            for name, one in value.items():
                walk(one, f"{path}.{name}" if path else str(name))
        elif isinstance(value, list) and any(isinstance(one, Mapping | list) for one in value):
            for index, one in enumerate(value):
                walk(one, f"{path}.{index}")
        else:
            found[path] = value

    walk(body, "")
    return found


def _text(value: Any) -> str | None:
    if value is _UNSAID:
        return None
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    if isinstance(value, Mapping):
        return "" if not value else ", ".join(f"{path}: {one}" for path, one in paths(value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
