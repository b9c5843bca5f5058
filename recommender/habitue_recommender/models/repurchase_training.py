"""How `repurchase` learns: facts of items, and trees from the last orders of the data.

The end of the data is cut into windows. Facts are fitted on what was before a window, questions are the
orders inside it, so nothing that is asked was known. Trees that learnt from all windows but the last must
beat the decayed count on the last one; then they learn from all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from habitue_recommender.models import repurchase_kernels
from habitue_recommender.models.base import Fitting, Floats, Ints, Longs, Query
from habitue_recommender.models.repurchase import Repurchase, RepurchaseSettings
from habitue_recommender.models.repurchase_kernels import COLUMNS, DAY_MS
from habitue_recommender.models.trees import Trees

if TYPE_CHECKING:
    from habitue_recommender.training.interactions import Interactions
    from habitue_recommender.training.sessions import Baskets

_R = TypeVar("_R", bound=Repurchase)
_PRIOR = 5.0  # purchases of its kind, then of everything, that an item is believed to have had
_DISCOUNTS = 1.0 / np.log2(np.arange(2, 22))


def learn(kind: type[_R], data: Interactions, settings: RepurchaseSettings, fitting: Fitting) -> _R:
    orders = People(data.baskets)
    types, kinds = _types(data)

    def fitted(until: float) -> _R:
        facts = _facts(data.baskets, orders, types, kinds, data.item_count, until)
        popular = np.lexsort((np.arange(data.item_count), -facts[:, 2]))[: settings.popular]
        popular = popular[facts[popular, 2] > 0].astype(np.int32)
        return kind(data.item_count, settings, facts, types, kinds, popular, {}, *_no_trees())

    whole = fitted(np.inf)
    if settings.trees == 0 or len(data.baskets) == 0:
        return whole
    first = float(data.baskets.timestamps[0])
    until = float(data.baskets.timestamps[-1]) + 1.0
    window = min(settings.window_days * DAY_MS, (until - first) / 3 / settings.windows)
    begins = [until - window * (settings.windows - n) for n in range(settings.windows)]
    chance = np.random.default_rng(fitting.seed)
    asked = [_draw(orders, begin, begin + window, settings, chance) for begin in begins]
    if sum(map(len, asked)) < settings.least_questions or not (len(asked[-1]) and any(asked[:-1])):
        return whole
    lessons = [
        _lesson(fitted(begin), data.baskets, orders, one) for begin, one in zip(begins, asked, strict=True)
    ]
    # Half of the trees: if these are better already, more will be no worse, and time is dear.
    trial = replace(whole, **_grown(lessons[:-1], replace(settings, trees=-(-settings.trees // 2)), fitting))
    ours, theirs = (
        lessons[-1].gain(_values(trial, lessons[-1])),
        lessons[-1].gain(whole.counted(lessons[-1].table)),
    )
    learnt = {
        "questions": float(sum(map(len, asked))),
        "ndcg@20": ours,
        "ndcg@20 of the decayed count": theirs,
    }
    if ours < theirs:
        return replace(whole, learnt=learnt)
    return replace(whole, learnt=learnt, **_grown(lessons, settings, fitting))


class People:
    """Each person's orders, oldest first: those of person p are `baskets[starts[p]:starts[p + 1]]`."""

    def __init__(self, baskets: Baskets) -> None:
        self.times = np.ascontiguousarray(baskets.timestamps)
        self.baskets: Longs = np.flatnonzero(baskets.users >= 0).astype(np.int64)
        self.baskets = self.baskets[np.argsort(baskets.users[self.baskets], kind="stable")]
        people = int(baskets.users.max(initial=-1)) + 1
        self.starts = np.searchsorted(baskets.users[self.baskets], np.arange(people + 1)).astype(np.int64)
        self.sizes = np.diff(baskets.starts)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def of(self, person: int) -> Longs:
        return self.baskets[self.starts[person] : self.starts[person + 1]]


class Histories:
    """What people had bought at some moment, as a question."""

    def __init__(self, baskets: Baskets, people: People, items: int) -> None:
        self._baskets = baskets
        self._people = people
        self._starts = np.ascontiguousarray(baskets.starts)
        self._items = np.ascontiguousarray(baskets.items)
        self._place = np.full(items, -1, dtype=np.int32)
        self._found: Ints = np.zeros(items, dtype=np.int32)
        self._counts: Floats = np.zeros(items, dtype=np.float32)
        self._last: Longs = np.zeros(items, dtype=np.int64)

    def ask(self, person: int, earlier: int, now: int, n: int = 20) -> Query:
        """Of a person's first `earlier` orders, at `now` (ms)."""
        mine = self._people.of(person)
        found = repurchase_kernels.history(
            self._starts,
            self._items,
            mine,
            self._people.times,
            earlier,
            self._place,
            self._found,
            self._counts,
            self._last,
        )
        return Query(
            bought=self._found[:found].copy(),
            bought_counts=self._counts[:found].copy(),
            bought_ages=(now - self._last[:found]).astype(np.float32),
            orders=earlier,
            first_order_age=float(now - self._people.times[mine[0]]) if earlier else 0.0,
            n=n,
        )


@dataclass(frozen=True)
class _Lesson:
    """Questions of one window: rows of features, whether each item was in the order, and how many were."""

    table: Floats
    right: NDArray[np.bool_]
    starts: Longs
    sizes: Longs  # of the orders

    def gain(self, values: Floats) -> float:
        """NDCG@20 of these values."""
        total = 0.0
        for q in range(len(self.sizes)):
            rows = slice(self.starts[q], self.starts[q + 1])
            best = np.argsort(-values[rows], kind="stable")[:20]
            total += float((self.right[rows][best] * _DISCOUNTS[: len(best)]).sum()) / float(
                _DISCOUNTS[: min(20, self.sizes[q])].sum()
            )
        return total / max(1, len(self.sizes))


def _draw(
    people: People, begin: float, end: float, settings: RepurchaseSettings, chance: np.random.Generator
) -> list[tuple[int, int]]:
    """(person, which of their orders) inside a window."""
    drawn = []
    # An order of one item says little where most hold ten.
    least = min(settings.least_items, float(np.median(people.sizes))) if len(people.sizes) else 1.0
    for person in range(len(people)):
        mine = people.of(person)
        first, last = np.searchsorted(people.times[mine], [begin, end])
        telling = [
            n for n in range(max(first, settings.least_earlier), last) if people.sizes[mine[n]] >= least
        ]
        drawn += [(person, n) for n in telling[: settings.per_person]]
    most = settings.most_questions // settings.windows
    if len(drawn) > most:
        drawn = [drawn[n] for n in np.sort(chance.choice(len(drawn), most, replace=False))]
    return drawn


def _lesson(model: Repurchase, baskets: Baskets, people: People, asked: list[tuple[int, int]]) -> _Lesson:
    histories = Histories(baskets, people, model.items)
    tables, rights, sizes = [], [], []
    for person, nth in asked:
        basket = people.of(person)[nth]
        query = histories.ask(person, nth, int(people.times[basket]))
        ages = (query.bought_ages / np.float32(DAY_MS)).astype(np.float32)
        items = np.concatenate([query.bought, np.setdiff1d(model.popular, query.bought)]).astype(np.int32)
        table = model.table(items, query.bought_counts, ages, len(query.bought), query)
        head = model.head(table)
        truth = baskets.items[baskets.starts[basket] : baskets.starts[basket + 1]]
        tables.append(table[head])
        rights.append(np.isin(items[head], truth))
        sizes.append(len(truth))
    starts = np.zeros(len(tables) + 1, dtype=np.int64)
    np.cumsum([len(one) for one in tables], out=starts[1:])
    none = np.zeros((0, len(COLUMNS)), dtype=np.float32)
    return _Lesson(
        np.concatenate([none, *tables]),
        np.concatenate([np.zeros(0, dtype=np.bool_), *rights]),
        starts,
        np.array(sizes, dtype=np.int64),
    )


def _grown(lessons: list[_Lesson], settings: RepurchaseSettings, fitting: Fitting) -> dict[str, Any]:
    import lightgbm

    parameters = {
        "objective": "binary",
        "num_leaves": settings.leaves,
        "learning_rate": settings.learning_rate,
        "min_data_in_leaf": settings.rows_per_leaf,
        "feature_fraction": 0.7,
        "max_bin": 63,
        "use_missing": False,
        "seed": fitting.seed,
        "num_threads": fitting.threads,
        "deterministic": True,
        "force_col_wise": True,
        "verbose": -1,
    }
    rows = lightgbm.Dataset(
        np.concatenate([one.table for one in lessons]),
        np.concatenate([one.right for one in lessons]).astype(np.float32),
        params=parameters,
    )
    return Trees.parse(lightgbm.train(parameters, rows, settings.trees).model_to_string()).arrays()


def _values(model: Repurchase, lesson: _Lesson) -> Floats:
    assert model._trees is not None
    return model._trees.score(lesson.table).astype(np.float32)


def _types(data: Interactions) -> tuple[Ints, int]:
    """The number of each item's category; what has none is a kind of its own."""
    numbers: dict[str, int] = {}
    types = np.full(data.item_count, -1, dtype=np.int32)
    for item, path in sorted(data.categories.items()):
        types[item] = numbers.setdefault(path, len(numbers))
    alone = np.flatnonzero(types < 0)
    types[alone] = len(numbers) + np.arange(len(alone), dtype=np.int32)
    return types, len(numbers) + len(alone)


def _facts(baskets: Baskets, people: People, types: Ints, kinds: int, items: int, until: float) -> Floats:
    """What every item is like, from the orders before `until`: see `repurchase_kernels.features`."""
    lengths = np.diff(baskets.starts)
    before = baskets.timestamps < until
    line = np.repeat(before, lengths)
    item = baskets.items[line]
    time = np.repeat(baskets.timestamps, lengths)[line]
    who = np.repeat(baskets.users, lengths)[line]
    facts = np.zeros((items, 5), dtype=np.float32)
    if len(item) == 0:
        facts[:, 3] = 30.0
        return facts
    now = float(time.max())
    for column, days in enumerate((np.inf, 7.0, 28.0)):
        recent = (now - time) / DAY_MS < days
        orders = int(((now - baskets.timestamps[before]) / DAY_MS < days).sum())
        facts[:, column] = np.bincount(item[recent], minlength=items) / max(1, orders)
    known = who >= 0
    item, time, who = item[known], time[known], who[known]
    order = np.lexsort((time, item, who))
    item, time, who = item[order], time[order], who[order]
    again = (item[1:] == item[:-1]) & (who[1:] == who[:-1])
    gaps = np.log1p((time[1:] - time[:-1])[again] / DAY_MS)
    facts[:, 3] = np.expm1(_shrunk(item[1:][again], gaps, types, kinds, items, float(np.log1p(30.0))))
    firsts = np.flatnonzero(np.concatenate([[True], ~again])) if len(item) else np.zeros(0, dtype=np.int64)
    times_bought = np.diff(np.append(firsts, len(item)))
    repeated = (times_bought > 1).astype(np.float64)
    facts[:, 4] = _shrunk(item[firsts], repeated, types, kinds, items, 0.0)
    return facts


def _shrunk(
    item: Ints, values: NDArray[np.float64], types: Ints, kinds: int, items: int, nothing: float
) -> NDArray[np.float64]:
    """Each item's mean, drawn towards its kind's, and that towards everybody's."""
    overall = float(values.mean()) if len(values) else nothing
    kind = types[item]
    of_kind = (np.bincount(kind, values, minlength=kinds) + _PRIOR * overall) / (
        np.bincount(kind, minlength=kinds) + _PRIOR
    )
    mean: NDArray[np.float64] = (np.bincount(item, values, minlength=items) + _PRIOR * of_kind[types]) / (
        np.bincount(item, minlength=items) + _PRIOR
    )
    return mean


def _no_trees() -> tuple[Any, ...]:
    return tuple(Trees.parse("").arrays().values())
