"""Candidates on their way to an order: as sources bring them, as rules see them, as they are sorted. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from habitue_recommender.catalog.items import Item
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
    """What the rules say to a source's candidates: the same for all slots in which the same rules act."""

    items: list[Item]
    ids: list[str]
    bits: list[int]
    factors: list[float] | None
    lifted: int  # bits that lifted something
    touched: frozenset[int]  # numbers of rules that did


@dataclass(slots=True)
class Chunk:
    """Candidates that are put in order together, with their scores."""

    items: list[Item] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    factors: list[float] = field(default_factory=list)
    stretches: list[tuple[int, Stretch]] = field(default_factory=list)  # where each one ends
