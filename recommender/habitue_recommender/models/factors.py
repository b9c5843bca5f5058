"""Long-term taste: implicit-feedback matrix factorization by alternating least squares (implicit).

Hu, Koren, Volinsky, "Collaborative Filtering for Implicit Feedback Datasets", ICDM 2008: the
visitor's factor is computed anew from what they did, so it needs no user row and is never stale;
their section 5 explains a recommendation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from habitue_recommender.models import kernels
from habitue_recommender.models.base import NOTHING, Fitting, Floats, Ints, Model, Query, Ranked

if TYPE_CHECKING:  # serving needs neither duckdb nor scipy
    from habitue_recommender.training.interactions import Interactions


@dataclass(frozen=True, slots=True)
class FactorsSettings:
    factors: int = 64
    alpha: float = 1.0  # confidence of one unit of weight in a person's long history
    session_alpha: float = 300.0  # the same in a session, which has few items; with 1 it says nothing
    regularization: float = 1.0
    iterations: int = 12
    reach: int = 20_000  # most popular items that can be found: the product with all factors is the cost
    session_weight: float = 2.0  # an item of this visit, against one of the history
    position_decay: float = 2.0
    history_half_life_days: float = 120.0
    longest: int = 30
    enough_people: int = 100  # with fewer of two items or more, sessions stand for people


@dataclass
class Factors(Model):
    name: ClassVar[str] = "factors"

    settings: FactorsSettings
    item_factors: Floats  # items × factors
    gram: Floats  # item_factorsᵀ item_factors + regularization on the diagonal
    alpha: float  # the one of the two that it was fitted with
    reached: Ints  # items that can be found, ascending
    reached_factors: Floats  # their rows

    def __post_init__(self) -> None:
        self._importance = np.ones(self.items, dtype=np.float32)

    @classmethod
    def settings_type(cls) -> type[FactorsSettings]:
        return FactorsSettings

    @classmethod
    def fit(cls, data: Interactions, settings: FactorsSettings, fitting: Fitting) -> Self:
        people = data.histories
        several = np.flatnonzero(np.diff(people.indptr) > 1)
        if len(several) >= settings.enough_people:
            matrix = people[several]
            matrix.data = np.log1p(matrix.data)  # the tenth purchase says less than the first
            alpha = settings.alpha
        else:
            alpha = settings.session_alpha
            matrix = data.trails.matrix(data.item_count)
            matrix = matrix[np.flatnonzero(np.diff(matrix.indptr) > 1)]
        per_item = np.bincount(matrix.indices, minlength=data.item_count)
        popular = np.lexsort((np.arange(data.item_count), -per_item))[: settings.reach]
        reached = np.sort(popular[per_item[popular] > 0]).astype(np.int32)
        if len(reached) == 0:
            item_factors = np.zeros((data.item_count, settings.factors), dtype=np.float32)
        else:
            # Imported here: serving needs no implicit.
            from implicit.cpu.als import AlternatingLeastSquares
            from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # has no types

            with threadpool_limits(1, "blas"):  # implicit has threads of its own
                library = AlternatingLeastSquares(
                    factors=settings.factors,
                    alpha=alpha,
                    regularization=settings.regularization,
                    iterations=settings.iterations,
                    num_threads=fitting.threads,
                    random_state=fitting.seed,
                )
                library.fit(matrix, show_progress=False)
            item_factors = np.where(per_item[:, None] > 0, library.item_factors, np.float32(0))
        gram = item_factors.T @ item_factors + settings.regularization * np.eye(settings.factors)
        return cls(
            data.item_count,
            settings,
            np.ascontiguousarray(item_factors, dtype=np.float32),
            gram.astype(np.float32),
            alpha,
            reached,
            np.ascontiguousarray(item_factors[reached], dtype=np.float32),
        )

    def score(self, query: Query) -> Ranked:
        items, confidences = self._asked(query)
        if len(items) == 0 or query.n <= 0 or len(self.reached) == 0:
            return NOTHING
        own = self.item_factors[items]
        liked = kernels.weighted_sum(own, confidences + np.float32(1.0))
        taste = kernels.solved(self.gram, own, confidences, liked)
        scores = kernels.products(self.reached_factors, taste)
        return Ranked(*kernels.best_of_dense(scores, self.reached, query.n))

    def because(self, query: Query, item: int) -> int | None:
        if not 0 <= item < self.items:
            return None
        items, confidences = self._asked(query)
        others = items != item
        items, confidences = items[others], confidences[others]
        if len(items) == 0:
            return None
        own = self.item_factors[items]
        toward = kernels.solved(self.gram, own, confidences, self.item_factors[item].astype(np.float64))
        shares = kernels.products(own, toward) * (1.0 + confidences)
        winner = int(np.argmax(shares))
        return int(items[winner]) if shares[winner] > 0 else None

    def _ask(self, query: Query) -> tuple[Ints, Floats]:
        """Items and their confidence beyond that of an item never seen."""
        settings = self.settings
        items, weights = kernels.distinct(
            query.trail(),
            query.trail_weights(),
            self._importance,
            settings.position_decay,
            settings.longest,
        )
        weights = weights * np.float32(settings.session_weight)
        if len(query.history):
            known = (query.history >= 0) & (query.history < self.items)
            items = np.concatenate([items, query.history[known]])
            past = query.history_weights(settings.history_half_life_days)[known]
            weights = np.concatenate([weights, past])
        return items, weights * np.float32(self.alpha)
