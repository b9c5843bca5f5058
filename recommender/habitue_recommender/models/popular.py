"""What many people want: overall, by category, and in the last week of the data.

Counts people's sessions and orders, not their clicks, so that nobody makes an item popular alone.
What sells *right now* is the live log's business, not the trained model's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from habitue_recommender.kinds import KIND_WEIGHTS, PURCHASE
from habitue_recommender.models.base import (
    NOTHING,
    Bytes,
    Fitting,
    Floats,
    Ints,
    Longs,
    Model,
    Query,
    Ranked,
)
from habitue_recommender.vocabulary import Vocabulary

if TYPE_CHECKING:  # serving needs neither duckdb nor scipy
    from habitue_recommender.training.interactions import Interactions

_DAY = 86_400_000
_WEEK = 7 * _DAY


@dataclass(frozen=True, slots=True)
class PopularSettings:
    half_life_days: float = 14.0
    keep: int = 1_000  # items of a list
    keep_in_category: int = 200


@dataclass
class Popular(Model):
    name: ClassVar[str] = "popular"

    settings: PopularSettings
    overall_items: Ints  # by decayed count, best first
    overall_scores: Floats
    week_items: Ints  # by count of the last week
    week_scores: Floats
    category_text: Bytes  # UTF-8 of all paths, one after the other; every prefix of a path is one
    category_text_starts: Longs
    category_starts: Longs  # list of category c: category_items[category_starts[c]:category_starts[c + 1]]
    category_items: Ints
    category_scores: Floats

    def __post_init__(self) -> None:
        text, starts = self.category_text.tobytes(), self.category_text_starts
        self._category = {
            text[starts[c] : starts[c + 1]].decode("utf-8", "surrogatepass"): c
            for c in range(len(starts) - 1)
        }

    @classmethod
    def settings_type(cls) -> type[PopularSettings]:
        return PopularSettings

    @classmethod
    def fit(cls, data: Interactions, settings: PopularSettings, fitting: Fitting) -> Self:
        items, times, weights = _wishes(data)
        ages = (data.now - times) / (settings.half_life_days * _DAY)
        decayed = np.bincount(items, weights * np.exp2(-ages), minlength=data.item_count)
        week = np.bincount(items, times > data.now - _WEEK, minlength=data.item_count)
        members: dict[str, list[int]] = {}
        for item, path in data.categories.items():
            names = path.split("/")
            for depth in range(len(names)):
                members.setdefault("/".join(names[: depth + 1]), []).append(item)
        paths = sorted(members)
        lists = [_top(decayed, np.array(sorted(members[p])), settings.keep_in_category) for p in paths]
        text, text_starts = Vocabulary.of(paths).stored_text
        category_starts = np.zeros(len(paths) + 1, dtype=np.int64)
        np.cumsum([len(one.items) for one in lists], out=category_starts[1:])
        everything = np.arange(data.item_count)
        return cls(
            data.item_count,
            settings,
            *_top(decayed, everything, settings.keep),
            *_top(week, everything, settings.keep),
            text,
            text_starts,
            category_starts,
            np.concatenate([NOTHING.items, *(one.items for one in lists)]),
            np.concatenate([NOTHING.scores, *(one.scores for one in lists)]),
        )

    def score(self, query: Query) -> Ranked:
        """The list of the query's category, or of the nearest one above it that is known; else overall."""
        path = query.category or ""
        while path:
            known = self._category.get(path)
            if known is not None:
                end = min(self.category_starts[known + 1], self.category_starts[known] + max(query.n, 0))
                inside = slice(self.category_starts[known], end)
                return Ranked(self.category_items[inside], self.category_scores[inside])
            path = path.rpartition("/")[0]
        n = max(query.n, 0)
        return Ranked(self.overall_items[:n], self.overall_scores[:n])

    def this_week(self, n: int) -> Ranked:
        """By how many sessions and orders of the last week of the data."""
        return Ranked(self.week_items[: max(n, 0)], self.week_scores[: max(n, 0)])


def _wishes(data: Interactions) -> tuple[Ints, Longs, Floats]:
    """(item, when, weight), one per item of a session or order: the strongest thing done with it."""
    sessions, baskets = data.sessions, data.baskets
    of_session = np.repeat(np.arange(len(sessions)), sessions.lengths)
    weights = KIND_WEIGHTS[sessions.kinds]
    strongest = np.lexsort((-weights, sessions.items, of_session))
    session, item = of_session[strongest], sessions.items[strongest]
    once = strongest[np.diff(session, prepend=-1).astype(bool) | np.diff(item, prepend=-1).astype(bool)]
    alone = np.repeat(~baskets.in_session, np.diff(baskets.starts))
    ordered = np.repeat(baskets.timestamps, np.diff(baskets.starts))[alone]
    return (
        np.concatenate([sessions.items[once], baskets.items[alone]]),
        np.concatenate([sessions.ends[of_session[once]], ordered]),
        np.concatenate([weights[once], np.full(len(ordered), KIND_WEIGHTS[PURCHASE], dtype=np.float32)]),
    )


def _top(scores: np.ndarray, among: np.ndarray, n: int) -> Ranked:
    best = among[np.lexsort((among, -scores[among]))][:n]
    best = best[scores[best] > 0]
    return Ranked(best.astype(np.int32), scores[best].astype(np.float32))
