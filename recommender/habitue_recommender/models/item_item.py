"""Similar items: those that appear in the same sessions, TF-IDF or BM25 weighted (library: implicit).

implicit computes the similarities; what is kept is a sparse matrix of the `keep` most similar items
of each, so a query costs as many additions as the visitor has items, times `keep`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, Self

import numpy as np

from habitue_recommender.models import kernels
from habitue_recommender.models.base import (
    Fitting,
    Floats,
    Ints,
    Longs,
    Query,
    Source,
    Workspace,
)

if TYPE_CHECKING:  # serving needs neither duckdb nor scipy
    from scipy.sparse import csr_matrix

    from habitue_recommender.training.interactions import Interactions


@dataclass(frozen=True, slots=True)
class ItemItemSettings:
    keep: int = 100  # similar items kept of each
    weighting: Literal["tfidf", "bm25"] = "tfidf"
    bm25_k1: float = 1.2
    bm25_b: float = 0.75
    position_decay: float = 4.0  # events back in the own session at which an item counts 1/e
    history_weight: float = 0.1  # an item of earlier visits, against the newest of this one
    history_half_life_days: float = 60.0
    longest: int = 30  # own events that are read, the newest


@dataclass
class ItemItem(Source):
    name: ClassVar[str] = "item_item"

    settings: ItemItemSettings
    starts: Longs  # row i of the similarity: similar[starts[i]:starts[i + 1]], most similar first
    similar: Ints
    similarities: Floats

    def __post_init__(self) -> None:
        super().__post_init__()
        self._importance = np.ones(self.items, dtype=np.float32)

    @classmethod
    def settings_type(cls) -> type[ItemItemSettings]:
        return ItemItemSettings

    @classmethod
    def fit(cls, data: Interactions, settings: ItemItemSettings, fitting: Fitting) -> Self:
        # Imported here: serving needs no implicit.
        from implicit.nearest_neighbours import ItemItemRecommender
        from scipy.sparse import csr_matrix

        matrix = data.trails.matrix(data.item_count)
        if matrix.nnz == 0:
            nothing = np.zeros(0, dtype=np.int32)
            starts = np.zeros(data.item_count + 1, dtype=np.int64)
            return cls(data.item_count, settings, starts, nothing, nothing.astype(np.float32))
        library = ItemItemRecommender(K=settings.keep, num_threads=fitting.threads)
        library.fit(_weighted(matrix, settings), show_progress=False)
        similarity = csr_matrix(library.similarity, shape=(data.item_count, data.item_count))
        similarity.sort_indices()
        rows = np.repeat(np.arange(data.item_count), np.diff(similarity.indptr))
        best_first = np.lexsort((similarity.indices, -similarity.data, rows))
        return cls(
            data.item_count,
            settings,
            similarity.indptr.astype(np.int64),
            similarity.indices[best_first].astype(np.int32),
            similarity.data[best_first].astype(np.float32),
        )

    def scatter(self, query: Query, space: Workspace) -> int:
        items, weights = self._asked(query)
        if len(items) == 0:
            return 0
        touched: int = kernels.fold(
            items, weights, self.starts, self.similar, self.similarities, space.scores, space.touched
        )
        return touched

    def because(self, query: Query, item: int) -> int | None:
        return self.because_all(query, (item,))[0]

    def because_all(self, query: Query, items: Sequence[int]) -> list[int | None]:
        asked, weights = self._asked(query)
        offered = np.array(items, dtype=np.int32)
        found = kernels.strongest(asked, weights, offered, self.starts, self.similar, self.similarities)
        return [one if one >= 0 else None for one in found.tolist()]

    def _ask(self, query: Query) -> tuple[Ints, Floats]:
        settings = self.settings
        items, weights = kernels.distinct(
            query.trail(),
            query.trail_weights(),
            self._importance,
            settings.position_decay,
            settings.longest,
        )
        if len(query.history) == 0:
            return items, weights
        past = query.history_weights(settings.history_half_life_days) * np.float32(settings.history_weight)
        return np.concatenate([items, query.history]), np.concatenate([weights, past])


def _weighted(matrix: csr_matrix, settings: ItemItemSettings) -> csr_matrix:
    """Session × item, weighted such that the product with itself is the similarity of items.

    As implicit's `TFIDFRecommender` and `BM25Recommender`, where the sessions are the terms: one of
    many items says less about each. Smoothed: implicit's idf is 0 for a session of half of all
    items, which makes 0/0 of tiny shops.
    """
    weighted = matrix.astype(np.float64).tocsr()
    sessions = np.diff(weighted.indptr)
    idf = np.log1p(matrix.shape[1] / np.maximum(sessions, 1))
    weighted.data *= np.repeat(idf, sessions)
    per_item = np.asarray(weighted.power(2).sum(axis=0)).ravel()
    if settings.weighting == "tfidf":
        weighted.data /= np.sqrt(per_item[weighted.indices])
    else:
        counts = np.bincount(weighted.indices, minlength=matrix.shape[1])
        norm = (1 - settings.bm25_b) + settings.bm25_b * counts / counts[counts > 0].mean()
        k1 = settings.bm25_k1
        weighted.data *= (k1 + 1.0) / (k1 * norm[weighted.indices] + 1.0)
    return weighted
