"""What a person buys again, and when it is due: their own rhythm, the item's, and that of its kind.

For baskets bought again and again a person's own frequency beats most models (Hu, He, Gao, Zhang, "Modeling
Personalized Item Frequency Information for Next-basket Recommendation", SIGIR 2020). Boosted trees (LightGBM)
learn from the last orders of the data how frequency, the time since, the usual time between two purchases
and what many buy go together. They see only what a profile holds: how often, and when last.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from habitue_recommender.models import repurchase_kernels
from habitue_recommender.models.base import (
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
from habitue_recommender.models.repurchase_kernels import COLUMNS, DAY_MS
from habitue_recommender.models.trees import Doubles, Trees

if TYPE_CHECKING:  # serving needs neither duckdb nor scipy
    from habitue_recommender.training.interactions import Interactions

WEEK, MONTH, USUAL, AGAIN = 1, 2, 3, 4  # columns of `facts`; 0 is popularity overall


@dataclass(frozen=True, slots=True)
class RepurchaseSettings:
    candidates: int = 150  # that the trees put in order, the best by decayed count
    popular: int = 100  # for a whole basket: what sells this month, beside the person's own
    trees: int = 100  # 0: the decayed count
    leaves: int = 31
    rows_per_leaf: int = 300
    learning_rate: float = 0.08
    windows: int = 3  # the end of the data in so many parts, facts fitted before each
    window_days: float = 21.0  # at most: no more than a third of the data in all
    per_person: int = 4  # orders of one person and window that are learnt from
    least_earlier: int = 3  # orders before
    least_items: float = 3.0  # of an order that is learnt from, or the median where orders are smaller
    most_questions: int = 6_000  # orders that the trees learn from: bounds time and memory
    least_questions: int = 300  # with fewer, the decayed count answers
    half_life_days: float = 90.0  # of the decayed count
    again_share: float = 0.1  # of an item's buyers who buy it again: below, it is due only if this one did
    due_from: float = 0.6  # of the time that usually passes: before, it is not due


@dataclass
class Repurchase(Model):
    name: ClassVar[str] = "repurchase"

    settings: RepurchaseSettings
    facts: Floats  # items × 5: see `repurchase_kernels.features`
    types: Ints  # which items are of one kind: the number of each one's category
    kinds: int
    popular: Ints  # what sold best in the last month
    learnt: dict[str, float]  # figures of the training: what the gate saw
    tree_starts: Longs
    leaf_starts: Longs
    split_features: Ints
    thresholds: Doubles
    left: Ints
    right: Ints
    leaves: Doubles

    def __post_init__(self) -> None:
        self._trees = (
            Trees(
                self.tree_starts,
                self.leaf_starts,
                self.split_features,
                self.thresholds,
                self.left,
                self.right,
                self.leaves,
            )
            if len(self.tree_starts) > 1
            else None
        )
        self._space = _Kinds(self.kinds)

    @classmethod
    def settings_type(cls) -> type[RepurchaseSettings]:
        return RepurchaseSettings

    @classmethod
    def fit(cls, data: Interactions, settings: RepurchaseSettings, fitting: Fitting) -> Self:
        # Imported here: serving needs no LightGBM.
        from habitue_recommender.models.repurchase_training import learn

        return learn(cls, data, settings, fitting)

    def score(self, query: Query) -> Ranked:
        """What is due again, of what this person bought."""
        asked = self._own(query)
        if asked is None or query.n <= 0:
            return NOTHING
        items, counts, ages = asked
        table = self.table(items, counts, ages, len(items), query)
        again = (counts > 1.5) | (self.facts[items, AGAIN] >= self.settings.again_share)
        # Column 22 is the time since against the person's own gap, 23 against everybody's.
        due = again & (np.maximum(table[:, 22], table[:, 23]) >= self.settings.due_from)
        if not due.any():
            return NOTHING
        return self._best(items[due], table[due], query.n)

    def next_basket(self, query: Query) -> Ranked:
        """What this person's next order will hold: what they buy again, due or not, and what sells."""
        asked = self._own(query)
        if query.n <= 0 or self.items == 0:
            return NOTHING
        items, counts, ages = asked if asked is not None else (NOTHING.items, NOTHING.scores, NOTHING.scores)
        more = np.setdiff1d(self.popular[: self.settings.popular], items)
        both = np.concatenate([items, more]).astype(np.int32)
        table = self.table(both, counts, ages, len(items), query)
        kept = self.head(table)
        return self._best(both[kept], table[kept], query.n)

    def table(self, items: Ints, counts: Floats, ages: Floats, own: int, query: Query) -> Floats:
        """A row of `COLUMNS` for each item; the first `own` were bought `counts` times, `ages` days ago."""
        orders = max(float(query.orders), float(counts.max()) if own else 0.0)
        eldest, newest = (float(ages.max()), float(ages.min())) if own else (0.0, 0.0)
        first = max(query.first_order_age / DAY_MS, eldest)
        out = np.empty((len(items), len(COLUMNS)), dtype=np.float32)
        space = self._space
        repurchase_kernels.features(
            items,
            counts,
            ages,
            own,
            orders,
            first,
            newest,
            self.types,
            self.facts,
            space.counts,
            space.ages,
            space.items,
            out,
        )
        return out

    def head(self, table: Floats) -> Ints:
        """The rows that the trees are asked about: the best by decayed count, then by what sells."""
        if len(table) <= self.settings.candidates:
            return np.arange(len(table), dtype=np.int32)
        prior = table[:, 21] + np.float32(1e-3) * table[:, 17]
        order = np.argsort(-prior, kind="stable")[: self.settings.candidates]
        return np.sort(order).astype(np.int32)

    def counted(self, table: Floats) -> Floats:
        """Decayed counts, ties by popularity: what the trees have to beat."""
        decayed = table[:, 0] * np.exp2(-table[:, 2] / np.float32(self.settings.half_life_days))
        return np.asarray(decayed + np.float32(1e-4) * table[:, 15], dtype=np.float32)

    def _best(self, items: Ints, table: Floats, n: int) -> Ranked:
        if self._trees is None:
            values = self.counted(table).astype(np.float64)
        else:
            values = 1.0 / (1.0 + np.exp(-self._trees.score(table)))  # the chance that it is in the order
        order = np.lexsort((items, -values))[:n]
        return Ranked(items[order], values[order].astype(np.float32))

    def _own(self, query: Query) -> tuple[Ints, Floats, Floats] | None:
        """Known items that were bought, how often, and the days since."""
        known = (query.bought >= 0) & (query.bought < self.items)
        if not known.any():
            return None
        items = np.ascontiguousarray(query.bought[known])
        counts = query.bought_counts[known] if len(query.bought_counts) else np.ones(len(items), np.float32)
        days = query.bought_ages[known] / np.float32(DAY_MS) if len(query.bought_ages) else counts * 0
        return items, np.maximum(counts, np.float32(1.0)), np.maximum(days, np.float32(0.0))

    @property
    def figures(self) -> dict[str, float]:
        return self.learnt

    def warm(self) -> None:
        if self.items:
            query = Query(bought=np.zeros(1, dtype=np.int32), bought_ages=np.full(1, 1e10, dtype=np.float32))
            self.score(query)
            self.next_basket(query)


class _Kinds(Workspace):
    def __init__(self, kinds: int) -> None:
        super().__init__(0)
        self.counts: Floats = np.zeros(kinds, dtype=np.float32)
        self.ages: Floats = np.zeros(kinds, dtype=np.float32)
        self.items: Floats = np.zeros(kinds, dtype=np.float32)
