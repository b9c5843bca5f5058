"""Bought together: what lies in the same baskets more often than chance and taste for both explain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from habitue_recommender.models import kernels
from habitue_recommender.models.base import (
    NO_ITEM,
    NOTHING,
    Fitting,
    Floats,
    Ints,
    Longs,
    Model,
    Query,
    Ranked,
    Workspace,
)

if TYPE_CHECKING:  # serving needs neither duckdb nor scipy
    from habitue_recommender.training.interactions import Interactions

_BLOCK = 8_192  # items whose rows are computed at a time; between blocks only what is kept stays in memory


@dataclass(frozen=True, slots=True)
class TogetherSettings:
    keep: int = 50  # companions kept of each item
    support: int = 2  # baskets that a pair must share
    shrinkage: float = 5.0  # shared baskets at which a pair is half believed
    popularity_power: float = 0.5  # 0: plain counts, 0.5: cosine, 1: lift
    recent: int = 3  # without cart and product page: so many of the newest items are asked for


@dataclass
class Together(Model):
    name: ClassVar[str] = "together"

    settings: TogetherSettings
    starts: Longs  # companions of item i: companions[starts[i]:starts[i + 1]], best first
    companions: Ints
    strengths: Floats

    def __post_init__(self) -> None:
        self._workspace = Workspace(self.items)

    @classmethod
    def settings_type(cls) -> type[TogetherSettings]:
        return TogetherSettings

    @classmethod
    def fit(cls, data: Interactions, settings: TogetherSettings, fitting: Fitting) -> Self:
        baskets = data.baskets
        lengths = np.diff(baskets.starts)
        counts = np.bincount(baskets.items, minlength=data.item_count)
        item_starts = np.zeros(data.item_count + 1, dtype=np.int64)
        np.cumsum(counts, out=item_starts[1:])
        of_basket = np.repeat(np.arange(len(baskets), dtype=np.int32), lengths)
        item_baskets = of_basket[np.argsort(baskets.items, kind="stable")]
        norms = np.maximum(counts, 1).astype(np.float32) ** np.float32(settings.popularity_power)
        space = Workspace(data.item_count)
        found: list[Ints] = []
        values: list[Floats] = []
        sizes: list[Ints] = []
        for first in range(0, data.item_count, _BLOCK):
            rows = min(_BLOCK, data.item_count - first)
            companions = np.zeros((rows, settings.keep), dtype=np.int32)
            strengths = np.zeros((rows, settings.keep), dtype=np.float32)
            size = kernels.pairs(
                item_starts,
                item_baskets,
                baskets.starts,
                baskets.items,
                norms,
                first,
                settings.support,
                settings.shrinkage,
                space.scores,
                space.touched,
                companions,
                strengths,
            )
            held = np.arange(settings.keep) < size[:, None]
            found.append(companions[held])
            values.append(strengths[held])
            sizes.append(size)
        starts = np.zeros(data.item_count + 1, dtype=np.int64)
        if not sizes:
            nothing = np.zeros(0, dtype=np.int32)
            return cls(0, settings, starts, nothing, nothing.astype(np.float32))
        np.cumsum(np.concatenate(sizes), out=starts[1:])
        return cls(data.item_count, settings, starts, np.concatenate(found), np.concatenate(values))

    def score(self, query: Query) -> Ranked:
        asked, weights = self._asked(query)
        if len(asked) == 0 or query.n <= 0:
            return NOTHING
        own = self._workspace
        touched = kernels.fold(
            asked, weights, self.starts, self.companions, self.strengths, own.scores, own.touched
        )
        inside = asked[(asked >= 0) & (asked < self.items)]
        own.scores[inside] = 0.0  # what is in the cart goes with itself, but needs no offer
        return Ranked(*kernels.best(own.scores, own.touched, touched, query.n))

    def because(self, query: Query, item: int) -> int | None:
        return self.because_all(query, (item,))[0]

    def because_all(self, query: Query, items: Sequence[int]) -> list[int | None]:
        asked, weights = self._asked(query)
        offered = np.array(items, dtype=np.int32)
        found = kernels.strongest(asked, weights, offered, self.starts, self.companions, self.strengths)
        return [one if one >= 0 else None for one in found.tolist()]

    def _ask(self, query: Query) -> tuple[Ints, Floats]:
        """The cart and the product of the page; without these, the newest items."""
        asked = query.basket
        if query.anchor != NO_ITEM:
            asked = np.append(asked, np.int32(query.anchor))
        if len(asked) == 0:
            asked = query.session[-self.settings.recent :]
        asked = np.unique(asked).astype(np.int32)
        return asked, np.ones(len(asked), dtype=np.float32)
