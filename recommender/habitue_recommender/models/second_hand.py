"""Similar to what is similar: for items that hardly anybody has looked at, two steps find more than one.

Reads the rows of `item_item`; nothing else is stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from habitue_recommender.models import kernels, ranking_kernels
from habitue_recommender.models.base import Fitting, Floats, Ints, Longs, Query, Source, Workspace
from habitue_recommender.models.item_item import ItemItem, ItemItemSettings

if TYPE_CHECKING:  # serving needs neither duckdb nor scipy
    from habitue_recommender.training.interactions import Interactions


@dataclass(frozen=True, slots=True)
class SecondHandSettings:
    width: int = 30  # similar ones of each, and of these again: 900 items of one
    position_decay: float = 1.5
    longest: int = 5  # own events that are read, the newest


@dataclass
class SecondHand(Source):
    name: ClassVar[str] = "second_hand"

    settings: SecondHandSettings
    starts: Longs
    similar: Ints
    similarities: Floats

    def __post_init__(self) -> None:
        super().__post_init__()
        self._importance = np.ones(self.items, dtype=np.float32)

    @classmethod
    def settings_type(cls) -> type[SecondHandSettings]:
        return SecondHandSettings

    @classmethod
    def fit(cls, data: Interactions, settings: SecondHandSettings, fitting: Fitting) -> Self:
        return cls.beyond(ItemItem.fit(data, ItemItemSettings(), fitting), settings)

    @classmethod
    def beyond(cls, one: ItemItem, settings: SecondHandSettings | None = None) -> Self:
        """Two steps where `one` takes one; the arrays are shared."""
        return cls(one.items, settings or SecondHandSettings(), one.starts, one.similar, one.similarities)

    def scatter(self, query: Query, space: Workspace) -> int:
        items, weights = self._asked(query)
        if len(items) == 0:
            return 0
        touched: int = ranking_kernels.at_second_hand(
            items,
            weights,
            self.starts,
            self.similar,
            self.similarities,
            self.settings.width,
            space.scores,
            space.touched,
        )
        return touched

    def _ask(self, query: Query) -> tuple[Ints, Floats]:
        settings = self.settings
        return kernels.distinct(
            query.trail(), query.trail_weights(), self._importance, settings.position_decay, settings.longest
        )
