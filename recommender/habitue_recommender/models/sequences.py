"""What follows what: items looked at after, and shortly after, an item of this session.

Sequential rules with a decay by distance (Ludewig, Jannach, "Evaluation of Session-based Recommendation
Algorithms", UMUAI 2018) and by age (as SLIST's weights: Choi, Kim, Lee, Shim, Lee, "Session-aware Linear
Item-Item Models for Session-based Recommendation", WWW 2021). Of each item the `keep` strongest are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from habitue_recommender.models import kernels, ranking_kernels
from habitue_recommender.models.base import Fitting, Floats, Ints, Longs, Query, Source, Workspace

if TYPE_CHECKING:  # serving needs neither duckdb nor scipy
    from habitue_recommender.training.interactions import Interactions

_BLOCK = 8_192  # items whose rows are computed at a time; between blocks only what is kept stays in memory
_DAY = 86_400_000.0


@dataclass(frozen=True, slots=True)
class SequencesSettings:
    keep: int = 100  # followers kept of each item
    reach: int = 10  # steps between two items that still count
    distance_decay: float = 2.0  # steps at which a pair counts 1/e of neighbours
    half_life_days: float = 30.0  # age of a session, against the newest one, at which it counts half
    backward: float = 0.4  # what came before an item, against what came after it
    smoothing: float = 0.5  # 0: counts, 1: shares of what follows the item
    position_decay: float = 1.2  # events back in the own session at which an item counts 1/e
    longest: int = 30  # own events that are read, the newest


@dataclass
class Sequences(Source):
    name: ClassVar[str] = "sequences"

    settings: SequencesSettings
    starts: Longs  # of item i: others[starts[i]:starts[i + 1]], strongest first
    others: Ints
    strengths: Floats  # what a session with item i says about the other: forward + backward, smoothed
    forward: Floats  # decayed count of the other after item i
    backward: Floats  # and before it
    direct: Floats  # and as the very next event; decayed by age only
    totals: Floats  # per item: all of its `forward`, kept or not

    def __post_init__(self) -> None:
        super().__post_init__()
        self._importance = np.ones(self.items, dtype=np.float32)

    @classmethod
    def settings_type(cls) -> type[SequencesSettings]:
        return SequencesSettings

    @classmethod
    def fit(cls, data: Interactions, settings: SequencesSettings, fitting: Fitting) -> Self:
        trails = data.trails
        counts = np.bincount(trails.items, minlength=data.item_count)
        place_starts = np.zeros(data.item_count + 1, dtype=np.int64)
        np.cumsum(counts, out=place_starts[1:])
        places = np.argsort(trails.items, kind="stable")
        of_place = np.repeat(np.arange(len(trails), dtype=np.int32), np.diff(trails.starts))
        ages = (data.now - trails.ends) / (settings.half_life_days * _DAY)
        weights = np.exp2(-np.minimum(ages, 60.0)).astype(np.float32)
        steps = np.arange(settings.reach + 1, dtype=np.float32)
        by_distance = np.exp((1.0 - steps) / np.float32(settings.distance_decay))
        columns = np.zeros((3, data.item_count), dtype=np.float32)
        touched = np.zeros(data.item_count, dtype=np.int32)
        kept: list[tuple[Ints, Floats]] = []
        sizes: list[Ints] = []
        totals = np.zeros(data.item_count, dtype=np.float32)
        for first in range(0, data.item_count, _BLOCK):
            rows = min(_BLOCK, data.item_count - first)
            others = np.zeros((rows, settings.keep), dtype=np.int32)
            values = np.zeros((rows, settings.keep, 3), dtype=np.float32)
            size = ranking_kernels.followers(
                place_starts,
                places,
                of_place,
                trails.starts,
                trails.items,
                trails.ordered,
                weights,
                by_distance,
                first,
                settings.backward,
                columns,
                touched,
                others,
                values,
                totals,
            )
            held = np.arange(settings.keep) < size[:, None]
            kept.append((others[held], values[held]))
            sizes.append(size)
        starts = np.zeros(data.item_count + 1, dtype=np.int64)
        if not sizes:
            nothing = np.zeros(0, dtype=np.int32)
            none = nothing.astype(np.float32)
            return cls(0, settings, starts, nothing, none, none, none, none, totals)
        size = np.concatenate(sizes)
        np.cumsum(size, out=starts[1:])
        values = np.concatenate([block for _, block in kept])
        forward, backward, direct = (np.ascontiguousarray(values[:, c]) for c in range(3))
        scale = np.maximum(totals, np.float32(1e-3)) ** np.float32(-settings.smoothing)
        strengths = (forward + np.float32(settings.backward) * backward) * np.repeat(scale, size)
        others = np.concatenate([block for block, _ in kept])
        return cls(data.item_count, settings, starts, others, strengths, forward, backward, direct, totals)

    def scatter(self, query: Query, space: Workspace) -> int:
        items, weights = self._asked(query)
        if len(items) == 0:
            return 0
        touched: int = kernels.fold(
            items, weights, self.starts, self.others, self.strengths, space.scores, space.touched
        )
        return touched

    def because(self, query: Query, item: int) -> int | None:
        return self.because_all(query, (item,))[0]

    def because_all(self, query: Query, items: Sequence[int]) -> list[int | None]:
        asked, weights = self._asked(query)
        offered = np.array(items, dtype=np.int32)
        found = kernels.strongest(asked, weights, offered, self.starts, self.others, self.strengths)
        return [one if one >= 0 else None for one in found.tolist()]

    def _ask(self, query: Query) -> tuple[Ints, Floats]:
        settings = self.settings
        return kernels.distinct(
            query.trail(),
            query.trail_weights(),
            self._importance,
            settings.position_decay,
            settings.longest,
        )
