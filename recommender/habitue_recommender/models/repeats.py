"""Back to what was seen before: items of this session, the later and the oftener the higher.

Alone it is the baseline that lists with repeats are measured against; the ranker takes it as a source.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from habitue_recommender.models import kernels
from habitue_recommender.models.base import Fitting, Floats, Ints, Query, Source, Workspace

if TYPE_CHECKING:  # serving needs neither duckdb nor scipy
    from habitue_recommender.training.interactions import Interactions


@dataclass(frozen=True, slots=True)
class RepeatsSettings:
    position_decay: float = 3.0  # events back in the own session at which an item counts 1/e
    longest: int = 30  # own events that are read, the newest


@dataclass
class Repeats(Source):
    name: ClassVar[str] = "repeats"

    settings: RepeatsSettings
    known: Floats  # 1 for each item of the training data

    @classmethod
    def settings_type(cls) -> type[RepeatsSettings]:
        return RepeatsSettings

    @classmethod
    def fit(cls, data: Interactions, settings: RepeatsSettings, fitting: Fitting) -> Self:
        return cls.of(data.item_count, settings)

    @classmethod
    def of(cls, items: int, settings: RepeatsSettings | None = None) -> Self:
        """There is nothing to fit."""
        return cls(items, settings or RepeatsSettings(), np.ones(items, dtype=np.float32))

    def scatter(self, query: Query, space: Workspace) -> int:
        items, weights = self._asked(query)
        space.touched[: len(items)] = items
        space.scores[items] = weights
        return len(items)

    def _ask(self, query: Query) -> tuple[Ints, Floats]:
        settings = self.settings
        return kernels.distinct(
            query.trail(), query.trail_weights(), self.known, settings.position_decay, settings.longest
        )
