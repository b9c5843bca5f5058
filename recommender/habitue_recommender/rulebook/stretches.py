"""Candidates on their way to an order: as sources bring them, as rules see them, as they are sorted. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from habitue_recommender.catalog.items import Item
from habitue_recommender.conditions.many import Floats
from habitue_recommender.offers import Origin
from habitue_recommender.slots import Source


@dataclass(slots=True)
class Stretch:
    """Candidates of one source, best first: scores of 0 to 1 from `floor` on, `scale` wide."""

    source: Source | Origin
    floor: float
    scale: float
    items: list[Item]
    scores: list[float]


@dataclass(frozen=True, slots=True)
class Looked:
    """What the rules say to a source's candidates: the same for all slots in which the same rules act.

    `gone` are the places of those that do not stand by their bits.
    """

    items: list[Item]
    scores: list[float]
    ids: list[str]
    bits: list[int]
    factors: Floats | None
    values: Floats  # scores times factors
    gone: list[int]
    lifted: int  # bits that lifted something
    touched: frozenset[int]  # numbers of rules that did


@dataclass(slots=True)
class Part:
    """What stands of a stretch: the places of it, None for all of them."""

    stretch: Stretch
    looked: Looked
    places: list[int] | None

    @property
    def values(self) -> Floats:
        """Where on the whole scale they stand."""
        values = self.looked.values if self.places is None else self.looked.values[self.places]
        placed: Floats = self.stretch.floor + self.stretch.scale * values
        return placed

    def __len__(self) -> int:
        return len(self.looked.items) if self.places is None else len(self.places)


@dataclass(slots=True)
class Chunk:
    """Candidates that are put in order together."""

    parts: list[Part] = field(default_factory=list)

    def __len__(self) -> int:
        return sum(len(part) for part in self.parts)
