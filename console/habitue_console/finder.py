"""What the search in the bar finds: pages, documents, items and people, the best of each kind (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from heapq import nsmallest

from .documents.items import folded

LONGEST = 600  # a cookie's value is long
MOST = 6  # of one kind


@dataclass(frozen=True, slots=True)
class Hit:
    """One line of the answer: where it leads, what it is called, a quiet word beside it."""

    path: str
    name: str
    sub: str = ""
    also: str = ""  # searched, not shown: other names, the id, the note
    picture: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """The hits of one kind; `more` leads to the page that lists all of them."""

    icon: str
    label: str
    hits: Sequence[Hit] = field(default_factory=tuple)
    more: str = ""


def best(hits: Iterable[Hit], query: str, most: int = MOST) -> tuple[list[Hit], bool]:
    """Those that hold every word, names that begin so first; and whether some were left out."""
    asked = folded(query.strip())
    words = asked.split()
    if not words:
        return [], False
    ranked = []
    for hit in hits:
        name = folded(hit.name)
        said = f"{name}\n{folded(hit.sub)}\n{folded(hit.also)}"
        if not all(word in said for word in words):
            continue
        if name.startswith(asked):
            place = 0
        elif any(part.startswith(words[0]) for part in name.split()):
            place = 1
        else:
            place = 2 if all(word in name for word in words) else 3
        ranked.append((place, len(name), name, hit))
    chosen = nsmallest(most, ranked, key=lambda one: one[:3])
    return [one[3] for one in chosen], len(ranked) > most
