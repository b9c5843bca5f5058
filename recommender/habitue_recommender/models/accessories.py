"""Accessories: what people buy in the orders after one that held an item, and did not have before.

Directed: a case follows a phone, a phone no case. Learnt from the order of orders; how far this one customer
answers to it weighs in (of what often follows the things they have, how much did they buy?).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from habitue_recommender.models import accessories_kernels, kernels
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
from habitue_recommender.models.repurchase_kernels import DAY_MS

if TYPE_CHECKING:  # serving needs neither duckdb nor scipy
    from habitue_recommender.training.interactions import Interactions

_BLOCK = 8_192  # items whose rows are computed at a time


@dataclass(frozen=True, slots=True)
class AccessoriesSettings:
    keep: int = 20  # that follow each item
    orders: int = 3  # the next ones of the same person
    window_days: float = 90.0
    support: int = 3  # people who bought both in this order
    shrinkage: float = 10.0
    lift: float = 1.5  # times as often as chance
    half_life_days: float = 60.0  # what was bought long ago has what belongs to it
    prior: float = 2.0  # accessories that everybody is believed to have answered to as others do
    least: float = 0.002  # a chance below that is none: who never answers is shown fewer


@dataclass
class Accessories(Model):
    name: ClassVar[str] = "accessories"

    settings: AccessoriesSettings
    starts: Longs  # what follows item i: followers[starts[i]:starts[i + 1]], strongest first
    followers: Ints
    chances: Floats  # of its buyers who bought the follower later
    strengths: Floats  # of that, beyond chance, and rather after than before
    departments: Ints  # of each item: the first part of its category
    department_count: int

    def __post_init__(self) -> None:
        self._space = _Space(self.items, self.department_count)

    @classmethod
    def settings_type(cls) -> type[AccessoriesSettings]:
        return AccessoriesSettings

    @classmethod
    def fit(cls, data: Interactions, settings: AccessoriesSettings, fitting: Fitting) -> Self:
        firsts = _First.of(data)
        departments, department_count = _departments(data)
        count = np.bincount(firsts.items, minlength=data.item_count)
        place_starts = np.zeros(data.item_count + 1, dtype=np.int64)
        np.cumsum(count, out=place_starts[1:])
        places = np.argsort(firsts.items, kind="stable").astype(np.int64)
        shares = (count / max(1, len(firsts.items))).astype(np.float32)
        columns = np.zeros((2, data.item_count), dtype=np.float32)
        touched = np.zeros(data.item_count, dtype=np.int32)
        found, chances, strengths, sizes = (
            [NOTHING.items],
            [NOTHING.scores],
            [NOTHING.scores],
            [NOTHING.items],
        )
        for first in range(0, data.item_count, _BLOCK):
            rows = min(_BLOCK, data.item_count - first)
            others = np.zeros((rows, settings.keep), dtype=np.int32)
            chance = np.zeros((rows, settings.keep), dtype=np.float32)
            strength = np.zeros((rows, settings.keep), dtype=np.float32)
            size = accessories_kernels.later(
                place_starts,
                places,
                firsts.order_of,
                firsts.order_starts,
                firsts.order_people,
                firsts.order_times,
                firsts.items,
                shares,
                first,
                settings.orders,
                settings.window_days * DAY_MS,
                settings.support,
                settings.shrinkage,
                settings.lift,
                columns,
                touched,
                others,
                chance,
                strength,
            )
            held = np.arange(settings.keep) < size[:, None]
            found.append(others[held])
            chances.append(chance[held])
            strengths.append(strength[held])
            sizes.append(size)
        starts = np.zeros(data.item_count + 1, dtype=np.int64)
        np.cumsum(np.concatenate(sizes), out=starts[1:])
        return cls(
            data.item_count,
            settings,
            starts,
            np.concatenate(found),
            np.concatenate(chances),
            np.concatenate(strengths),
            departments,
            department_count,
        )

    def score(self, query: Query) -> Ranked:
        asked, weights = self._asked(query)
        if len(asked) == 0 or query.n <= 0:
            return NOTHING
        space = self._space
        touched = kernels.fold(
            asked, weights, self.starts, self.followers, self.strengths, space.scores, space.touched
        )
        space.scores[asked] = 0.0  # who has it needs no offer of it
        items, scores = kernels.best(space.scores, space.touched, touched, query.n)
        kept = scores >= self.settings.least
        return Ranked(items[kept], scores[kept])

    def because(self, query: Query, item: int) -> int | None:
        return self.because_all(query, (item,))[0]

    def because_all(self, query: Query, items: Sequence[int]) -> list[int | None]:
        asked, weights = self._asked(query)
        offered = np.array(items, dtype=np.int32)
        found = kernels.strongest(asked, weights, offered, self.starts, self.followers, self.strengths)
        return [one if one >= 0 else None for one in found.tolist()]

    def _ask(self, query: Query) -> tuple[Ints, Floats]:
        """What was bought, weighed by how long ago and by how far this customer answers."""
        known = (query.bought >= 0) & (query.bought < self.items)
        items = np.ascontiguousarray(query.bought[known])
        if len(items) == 0:
            return NOTHING
        ages = np.zeros(len(items), dtype=np.float32)
        if len(query.bought_ages):
            ages = np.maximum(query.bought_ages[known] / np.float32(DAY_MS), np.float32(0.0))
        space = self._space
        answers = accessories_kernels.answers(
            items,
            ages,
            self.starts,
            self.followers,
            self.chances,
            self.departments,
            space.hits,
            space.expected,
            space.owned,
            self.settings.prior,
        )
        return items, answers * np.exp2(-ages / np.float32(self.settings.half_life_days))

    def warm(self) -> None:
        if self.items:
            query = Query(bought=np.zeros(1, dtype=np.int32), bought_ages=np.zeros(1, dtype=np.float32))
            self.score(query)
            self.because(query, min(1, self.items - 1))


class _Space(Workspace):
    def __init__(self, items: int, departments: int) -> None:
        super().__init__(items)
        self.owned: Floats = np.full(items, -1.0, dtype=np.float32)
        self.hits: Floats = np.zeros(departments, dtype=np.float32)
        self.expected: Floats = np.zeros(departments, dtype=np.float32)


@dataclass(frozen=True)
class _First:
    """First purchases: each person's each item once, a person's orders one after the other."""

    items: Ints
    order_of: Longs  # entry → order
    order_starts: Longs
    order_people: Ints
    order_times: Longs

    @classmethod
    def of(cls, data: Interactions) -> _First:
        baskets = data.baskets
        order = np.lexsort((baskets.timestamps, baskets.users))
        order = order[baskets.users[order] >= 0]
        place = np.full(len(baskets), -1, dtype=np.int64)
        place[order] = np.arange(len(order))
        lengths = np.diff(baskets.starts)
        of_line = np.repeat(place, lengths)
        known = of_line >= 0
        items, of_line = baskets.items[known], of_line[known]
        people = baskets.users[order].astype(np.int32)
        line_people = people[of_line]
        by_person = np.lexsort((of_line, items, line_people))
        items, of_line, line_people = items[by_person], of_line[by_person], line_people[by_person]
        first = np.ones(len(items), dtype=np.bool_)
        first[1:] = (items[1:] != items[:-1]) | (line_people[1:] != line_people[:-1])
        items, of_line = items[first], of_line[first]
        by_order = np.argsort(of_line, kind="stable")
        items, of_line = items[by_order], of_line[by_order]
        return cls(
            np.ascontiguousarray(items, dtype=np.int32),
            np.ascontiguousarray(of_line, dtype=np.int64),
            np.searchsorted(of_line, np.arange(len(order) + 1)).astype(np.int64),
            people,
            np.ascontiguousarray(baskets.timestamps[order], dtype=np.int64),
        )


def _departments(data: Interactions) -> tuple[Ints, int]:
    numbers: dict[str, int] = {"": 0}
    departments = np.zeros(data.item_count, dtype=np.int32)
    for item, path in sorted(data.categories.items()):
        departments[item] = numbers.setdefault(path.split("/", 1)[0], len(numbers))
    return departments, len(numbers)
