"""Items as vectors: what appears in the same surroundings points in the same direction.

Positive pointwise mutual information of items within a session, factored by a truncated singular value
decomposition (Levy, Goldberg, Dagan, "Improving Distributional Similarity with Lessons Learned from Word
Embeddings", TACL 2015; randomized as Halko, Martinsson, Tropp, SIAM Review 2011). Reads the pairs that
`sequences` kept, so memory is bounded by that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from habitue_recommender.models import kernels
from habitue_recommender.models.base import NOTHING, Fitting, Floats, Ints, Longs, Model, Query, Ranked
from habitue_recommender.models.sequences import Sequences, SequencesSettings

if TYPE_CHECKING:  # serving needs neither duckdb nor scipy
    from scipy.sparse import csr_matrix

    from habitue_recommender.training.interactions import Interactions

_ROUNDS = 4  # of the randomized decomposition
_SPARE = 8
_MOST_PAIRS = 20_000_000  # of a huge shop the strongest of each item: bounds memory and time
_ROWS = 50_000  # items looked at together


@dataclass(frozen=True, slots=True)
class EmbeddingsSettings:
    dimensions: int = 64
    shift: float = 0.0  # taken off the mutual information: log of the negative samples in word2vec
    context_power: float = 0.75  # frequent items say less about their surroundings
    reach: int = 20_000  # most popular items that can be found, when it is asked alone
    position_decay: float = 2.0
    longest: int = 30


@dataclass
class Embeddings(Model):
    name: ClassVar[str] = "embeddings"

    settings: EmbeddingsSettings
    vectors: Floats  # items × dimensions, of length 1; 0 where nothing is known
    reached: Ints  # items that can be found, ascending

    def __post_init__(self) -> None:
        self._importance = np.ones(self.items, dtype=np.float32)
        self._reached_vectors: Floats | None = None

    @classmethod
    def settings_type(cls) -> type[EmbeddingsSettings]:
        return EmbeddingsSettings

    @classmethod
    def fit(cls, data: Interactions, settings: EmbeddingsSettings, fitting: Fitting) -> Self:
        sequences = fitting.fitted.get("sequences")
        if not isinstance(sequences, Sequences):
            sequences = Sequences.fit(data, SequencesSettings(), fitting)
        vectors = _vectors(sequences, settings, fitting.seed)
        mass = sequences.totals
        popular = np.lexsort((np.arange(data.item_count), -mass))[: settings.reach]
        reached = np.sort(popular[mass[popular] > 0]).astype(np.int32)
        return cls(data.item_count, settings, vectors, reached)

    def score(self, query: Query) -> Ranked:
        items, weights = self._asked(query)
        if len(items) == 0 or query.n <= 0 or len(self.reached) == 0:
            return NOTHING
        if self._reached_vectors is None:
            self._reached_vectors = np.ascontiguousarray(self.vectors[self.reached])
        taste = kernels.weighted_sum(self.vectors[items], weights).astype(np.float32)
        return Ranked(
            *kernels.best_of_dense(kernels.products(self._reached_vectors, taste), self.reached, query.n)
        )

    def _ask(self, query: Query) -> tuple[Ints, Floats]:
        settings = self.settings
        return kernels.distinct(
            query.trail(), query.trail_weights(), self._importance, settings.position_decay, settings.longest
        )


def _vectors(sequences: Sequences, settings: EmbeddingsSettings, seed: int) -> Floats:
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # has no types

    items, dimensions = sequences.items, settings.dimensions
    matrix = _mutual_information(sequences, settings)
    size = min(items, dimensions + _SPARE)
    if matrix.nnz == 0:
        return np.zeros((items, dimensions), dtype=np.float32)
    with threadpool_limits(1, "blas"):  # sums in one order, whatever the machine
        start = np.random.default_rng(seed).standard_normal((items, size)).astype(np.float32)
        basis = np.linalg.qr(matrix @ start)[0]
        for _ in range(_ROUNDS):
            basis = np.linalg.qr(matrix @ (matrix.T @ basis))[0]
        small = (matrix.T @ basis).T
        left, values, _ = np.linalg.svd(small, full_matrices=False)
        found = (basis @ left)[:, :dimensions] * np.sqrt(values[:dimensions])
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    vectors = np.zeros((items, dimensions), dtype=np.float32)
    vectors[:, : found.shape[1]] = np.where(lengths > 1e-6, found / np.maximum(lengths, 1e-6), 0.0)
    return vectors


def _mutual_information(sequences: Sequences, settings: EmbeddingsSettings) -> csr_matrix:
    """max(0, log(p(a, b) / p(a) p(b)) - shift), symmetric."""
    from scipy.sparse import csr_matrix

    shape = (sequences.items, sequences.items)
    pairs = csr_matrix(_strongest(sequences, max(1, _MOST_PAIRS // max(1, sequences.items))), shape=shape)
    pairs = (pairs + pairs.T).tocsr()
    mass = np.asarray(pairs.sum(axis=1)).ravel()
    total = float(mass.sum())
    if total <= 0:
        return csr_matrix(shape, dtype=np.float32)
    context = np.maximum(mass, 1e-9) ** settings.context_power
    context /= context.sum()
    for first in range(0, shape[0], _ROWS):
        last = min(shape[0], first + _ROWS)
        part = slice(int(pairs.indptr[first]), int(pairs.indptr[last]))
        rows = np.repeat(np.arange(first, last), np.diff(pairs.indptr[first : last + 1]))
        expected = np.maximum(mass[rows], 1e-9) * context[pairs.indices[part]]
        told = np.log(np.maximum(pairs.data[part], 1e-12) / expected) - settings.shift
        pairs.data[part] = np.maximum(told, 0.0)
    pairs.eliminate_zeros()
    return pairs


def _strongest(sequences: Sequences, most: int) -> tuple[Floats, Ints, Longs]:
    """(values, columns, starts of rows) of each item's `most` strongest pairs."""
    values, starts = sequences.forward + sequences.backward, sequences.starts
    if len(values) <= _MOST_PAIRS:
        return values, sequences.others.copy(), starts.copy()
    kept = np.zeros(len(values), dtype=bool)
    for first in range(0, sequences.items, _ROWS):
        last = min(sequences.items, first + _ROWS)
        part = slice(int(starts[first]), int(starts[last]))
        lengths = np.diff(starts[first : last + 1])
        rows = np.repeat(np.arange(last - first), lengths)
        order = np.lexsort((-values[part], rows))  # stable: of equal ones the first
        place = np.arange(len(order)) - np.repeat(starts[first:last] - starts[first], lengths)
        kept[part][order[place < most]] = True
    counts = np.add.reduceat(np.append(kept, False).astype(np.int64), starts[:-1]) * (np.diff(starts) > 0)
    return values[kept], sequences.others[kept], np.concatenate([[0], np.cumsum(counts)])
