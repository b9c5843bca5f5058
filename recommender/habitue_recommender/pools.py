"""What a source has to offer: items with scores, and why some may not be offered. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from habitue_recommender.catalog.items import Item


class Drop(StrEnum):
    """Why a candidate is not offered; counted, and shown where a decision is explained."""

    UNKNOWN_ITEM = "unknown_item"  # the catalog has no such item
    OUT_OF_STOCK = "out_of_stock"
    VIEWED_NOW = "viewed_now"  # the item on the page, or a variant of it
    IN_CART = "in_cart"
    JUST_BOUGHT = "just_bought"
    UNVERIFIED = "unverified"  # learnt from a page, and not with a URL of the shop's own
    RESTED = "rested"  # seen often enough; comes back only when nothing else is left


@dataclass(slots=True)
class Pool:
    """The candidates of one source, best first; `rested` ones only fill what else would stay empty.

    A model's hundreds are let through piece by piece, as somebody looks at them: `more` brings the next
    piece, None when there is none.
    """

    items: list[Item] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    rested: list[Item] = field(default_factory=list)
    more: Iterator[Pool] | None = None
    waiting: int = 0  # candidates that nobody looked at yet

    def __iter__(self) -> Iterator[tuple[Item, float]]:
        place = 0
        while True:
            while place < len(self.items):
                yield self.items[place], self.scores[place]
                place += 1
            if not self._grow():
                return

    def pieces(self) -> Iterator[tuple[list[Item], list[float]]]:
        """What is there, then piece by piece what is not yet."""
        place = 0
        while True:
            if place < len(self.items):
                items, scores = self.items[place:], self.scores[place:]
                place += len(items)
                yield items, scores
            if not self._grow():
                return

    def whole(self) -> tuple[list[Item], list[float]]:
        """All of it, whoever looks at it."""
        while self._grow():
            pass
        return self.items, self.scores

    def _grow(self) -> bool:
        """Take the next piece in; False when there is none."""
        piece = next(self.more, None) if self.more is not None else None
        if piece is None:
            return False
        self.items += piece.items
        self.scores += piece.scores
        self.rested += piece.rested
        self.waiting = piece.waiting
        return True

    def __len__(self) -> int:
        """How many candidates the source has, as far as is known."""
        return len(self.items) + self.waiting


def is_below(category: str, path: str) -> bool:
    """Whether a category path is this one or below it."""
    return category == path or (category.startswith(path) and category[len(path) : len(path) + 1] == "/")


def normalised(pool: Pool) -> Pool:
    """Scores as a share of the best one: 0 to 1."""
    best = pool.scores[0] if pool.scores else 0.0
    if best > 0.0:
        pool.scores = [score / best if score > 0.0 else 0.0 for score in pool.scores]
    elif pool.scores:
        pool.scores = falling(len(pool.scores))
    return pool


def falling(length: int) -> list[float]:
    return [1.0 - place / length for place in range(length)]
