"""In-session nearest neighbours: what people did whose session looked like this one.

STAN (Garg et al., "Sequence and Time Aware Neighborhood for Session-based Recommendations", SIGIR
2019) on the index of VMIS-kNN (Kersbergen et al., "Serenade", SIGMOD 2022): posting lists sorted by
recency, of which only the most recent sessions are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from habitue_recommender.models import kernels
from habitue_recommender.models.base import (
    Bytes,
    Fitting,
    Floats,
    Ints,
    Longs,
    Query,
    Source,
    Workspace,
)

if TYPE_CHECKING:  # serving needs neither duckdb nor scipy
    from habitue_recommender.training.interactions import Interactions


@dataclass(frozen=True, slots=True)
class NeighboursSettings:
    sample: int = 2_500  # most recent sessions that share an item
    nearest: int = 500  # of these, the most similar ones that vote
    position_decay: float = 1.5  # events back in the own session at which an item counts 1/e
    distance_decay: float = 1.6  # events from the shared item, in a neighbour, at which a vote counts 1/e
    session_decay_days: float = 100.0  # age of a neighbour at which it counts 1/e
    length_power: float = 0.3  # long sessions resemble everything: similarity / length ** this
    backward: float = 0.7  # what came before the shared item, against what came after it
    idf_power: float = 1.0  # items that everybody looks at say less
    longest: int = 30  # own events that are read, the newest


@dataclass
class Neighbours(Source):
    name: ClassVar[str] = "neighbours"

    settings: NeighboursSettings
    item_starts: Longs  # sessions of item i, newest first: item_sessions[item_starts[i]:item_starts[i + 1]]
    item_sessions: Ints
    item_importance: Floats
    session_starts: Longs
    session_items: Ints
    session_times: Longs  # ms, ascending
    session_ordered: Bytes  # 0: a basket, whose lines stand in no order

    def __post_init__(self) -> None:
        super().__post_init__()
        steps = np.arange(64, dtype=np.float32)
        self.distance_decay = np.exp(-steps / np.float32(self.settings.distance_decay))

    @classmethod
    def settings_type(cls) -> type[NeighboursSettings]:
        return NeighboursSettings

    @classmethod
    def fit(cls, data: Interactions, settings: NeighboursSettings, fitting: Fitting) -> Self:
        from habitue_recommender.training.sessions import take

        trails = data.trails
        # A session of one item has nothing to say about another.
        several = np.flatnonzero(np.diff(trails.starts) > 1)
        starts, rows = take(trails.starts, several)
        items = trails.items[rows].astype(np.int32)
        of_session = np.repeat(np.arange(len(several), dtype=np.int64), np.diff(starts))
        # Sorted by item, then by session from the newest; a repeated item once.
        pairs = np.unique(items.astype(np.int64) * max(1, len(several)) + (len(several) - 1 - of_session))
        item_of_pair, turned = np.divmod(pairs, max(1, len(several)))
        item_starts = np.zeros(data.item_count + 1, dtype=np.int64)
        np.cumsum(np.bincount(item_of_pair, minlength=data.item_count), out=item_starts[1:])
        return cls(
            data.item_count,
            settings,
            item_starts,
            (len(several) - 1 - turned).astype(np.int32),
            inverse_frequency(np.diff(item_starts), len(several)) ** np.float32(settings.idf_power),
            starts,
            items,
            trails.ends[several],
            trails.ordered[several],
        )

    def scatter(self, query: Query, space: Workspace) -> int:
        asked, weights = self._asked(query)
        if len(asked) == 0:
            return 0
        touched: int = kernels.neighbours(
            asked,
            weights,
            self.item_starts,
            self.item_sessions,
            self.session_starts,
            self.session_items,
            self.session_times,
            self.session_ordered,
            self.settings.sample,
            self.settings.nearest,
            self.settings.session_decay_days * 86_400_000.0,
            self.distance_decay,
            self.settings.length_power,
            self.settings.backward,
            space.scores,
            space.touched,
        )
        return touched

    def asked_with(self, settings: NeighboursSettings) -> Neighbours:
        """The same sessions, weighed in another way; the arrays are shared."""
        return replace(self, settings=settings)

    def because(self, query: Query, item: int) -> int | None:
        return self.because_all(query, (item,))[0]

    def because_all(self, query: Query, items: Sequence[int]) -> list[int | None]:
        asked, weights = self._asked(query)
        offered = np.array(items, dtype=np.int32)
        best = kernels.shared_sessions(
            asked, weights, offered, self.item_starts, self.item_sessions, self.settings.sample
        )
        return [one if one >= 0 else None for one in best.tolist()]

    def _ask(self, query: Query) -> tuple[Ints, Floats]:
        """Distinct items with a weight each, newest first."""
        settings = self.settings
        return kernels.distinct(
            query.trail(),
            query.trail_weights(),
            self.item_importance,
            settings.position_decay,
            settings.longest,
        )


def inverse_frequency(counts: Longs, total: int) -> Floats:
    """log((1 + total) / (1 + count)) + a little, so that an item in every session still counts."""
    frequency: Floats = (np.log((1.0 + total) / (1.0 + counts)) + 0.01).astype(np.float32)
    return frequency
