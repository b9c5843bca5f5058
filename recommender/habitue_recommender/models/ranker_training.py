"""How the ranker's trees learn: from the newest sessions, with sources that have not seen them.

Nothing but the training data is read. Sources are fitted on the earlier sessions and asked every prefix of
the later ones, and are fitted anew after so many of these: what they know of the week and the day is then as
fresh as when visitors ask. All candidates of a question are kept, because trees that saw a sample of them put
the ones that they never saw in the wrong place. The last of these sessions are the gate: the trees must be no
worse there.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from habitue_recommender.models.base import Fitting, Floats
from habitue_recommender.models.ranker import (
    BLEND_WEIGHT,
    LEAD,
    LEADING_FACTS,
    SOURCES,
    Asker,
    Parts,
    RankerSettings,
    blended,
    feature_names,
)
from habitue_recommender.models.trees import Trees
from habitue_recommender.training.questions import Question, questions

if TYPE_CHECKING:
    from habitue_recommender.training.interactions import Interactions

_GATE, _SMALL_GATE = 0.2, 0.4  # of the questions, the newest; the second while that makes fewer than
_ENOUGH_TO_JUDGE = (
    1_000  # of them: with 300, trees looked better than they were (diginetica's hundredth part)
)
_WEIGHTS = (0.5, 0.25, 1.0, 2.0)  # of the blend beside the trees, if any; of equal ones the first
_LEAST_TO_LEAD = 100  # questions that say whether one source is better than the blend
_SURE = 1.64  # standard errors
_TOP = 20  # places that count in the gate
_PER_SESSION = 50  # prefixes of one session, the first: a robot's would else be all there is

_PLENTY = 25_000  # questions of which the gate's share is not missed; with fewer, the trees learn anew

_log = logging.getLogger(__name__)


@dataclass
class Lessons:
    """Questions whose answer is among the candidates: rows of features, grouped, and which row is right."""

    features: Floats
    sizes: NDArray[np.int32]
    right: NDArray[np.int32]  # row of the right candidate within its question; -1: it is not there
    asked: int

    def part(self, first: int, last: int) -> Lessons:
        starts = np.concatenate([[0], np.cumsum(self.sizes)])
        return Lessons(
            self.features[starts[first] : starts[last]],
            self.sizes[first:last],
            self.right[first:last],
            last - first,
        )

    def reciprocal_ranks(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of each question 1 / the place of the right one, 0 past the first places, in this order."""
        starts = np.concatenate([[0], np.cumsum(self.sizes)])
        found = np.zeros(len(self.right))
        for question, row in enumerate(self.right):
            if row < 0:
                continue
            mine = scores[starts[question] : starts[question + 1]]
            above = int((mine > mine[row]).sum() + (mine[:row] == mine[row]).sum())
            if above < _TOP:
                found[question] = 1.0 / (1 + above)
        return found

    def quality(self, scores: NDArray[np.float64]) -> tuple[float, float]:
        """(hit rate, reciprocal rank) of the first places, when the candidates are put in this order."""
        return _quality(self.reciprocal_ranks(scores))

    def column(self, name: str) -> NDArray[np.float64]:
        values: NDArray[np.float64] = self.features[:, feature_names().index(name)].astype(np.float64)
        return values


def _quality(ranks: NDArray[np.float64]) -> tuple[float, float]:
    count = max(1, len(ranks))
    return float(np.count_nonzero(ranks) / count), float(ranks.sum() / count)


def learn(
    data: Interactions, settings: RankerSettings, fitting: Fitting
) -> tuple[Trees | None, dict[str, float]]:
    """The trees, or None where the blend is no worse, and the figures of the gate."""
    cut = first_of_newest(data, settings.learn_from, settings.most_questions)
    if settings.trees <= 0 or cut <= 0 or cut >= len(data.sessions):
        return None, {}
    wanted = _asked_of(after(data, cut))
    if wanted < min(_LEAST_TO_LEAD, settings.least_questions):
        return None, {"questions": float(wanted)}
    if wanted >= settings.least_questions:  # with fewer there are no trees, and nobody waits for the import
        try:
            import lightgbm  # noqa: F401  # looked for before the work, which would be for nothing
        except (ImportError, OSError) as error:  # OSError: no OpenMP on this machine
            _log.warning("without LightGBM the fixed blend answers (%s)", error)
            return None, {}

    def taught(earlier: Interactions) -> Asker:
        return Asker(Parts.fit(earlier, Fitting(fitting.seed, fitting.threads)), settings)

    lessons = lessons_from(data, cut, settings, taught)
    if len(lessons.right) < settings.least_questions:
        return None, {"questions": float(len(lessons.right)), **_led(lessons)}
    return chosen(lessons, settings, fitting)


def windows(cut: int, sessions: int, share: float) -> list[tuple[int, int]]:
    """The sessions from `cut` on in equal parts of at most this share of all: (first, past the last)."""
    count = max(1, math.ceil((sessions - cut) / max(1.0, sessions * share) - 1e-9))
    ends = np.linspace(cut, sessions, count + 1).astype(int).tolist()
    return [(first, last) for first, last in pairwise(ends) if last > first]


def lessons_from(
    data: Interactions, cut: int, settings: RankerSettings, taught: Callable[[Interactions], Asker]
) -> Lessons:
    """What sources say of the sessions from `cut` on, window by window.

    `taught` fits them on what came before a window; they are forgotten before the trees learn.
    """
    parts = []
    for first, last in windows(cut, len(data.sessions), settings.window):
        earlier = before(data, first)
        later = replace(data, sessions=data.sessions.take(np.arange(first, last)))
        asked = questions(earlier, later, settings.candidates, per_session=_PER_SESSION)
        parts.append(collect(taught(earlier), settings, asked, _asked_of(later)))
    return _joined(parts)


def _asked_of(data: Interactions) -> int:
    return sum(np.minimum(data.sessions.lengths - 1, _PER_SESSION).tolist())


def _joined(parts: list[Lessons]) -> Lessons:
    """One after the other; each is forgotten when it is copied."""
    if len(parts) == 1:
        return parts[0]
    sizes, right = (np.concatenate([getattr(part, name) for part in parts]) for name in ("sizes", "right"))
    table = np.empty((int(sizes.sum()), len(feature_names())), dtype=np.float32)
    filled = 0
    while parts:
        rows = parts.pop(0).features
        table[filled : filled + len(rows)] = rows
        filled += len(rows)
    return Lessons(table, sizes, right, len(sizes))


def chosen(
    lessons: Lessons, settings: RankerSettings, fitting: Fitting
) -> tuple[Trees | None, dict[str, float]]:
    """As `learn`, from lessons: the older ones teach, the newest judge."""
    gate = len(lessons.right) - judges(len(lessons.right))
    learnt, judged = lessons.part(0, gate), lessons.part(gate, len(lessons.right))
    trees = boost(learnt, settings, fitting)
    blend_hits, blend_rank = judged.quality(judged.column("blend"))
    weight, (hits, rank) = _weighed(trees, judged)
    figures = {
        "questions": float(len(lessons.right)),
        "judged": float(len(judged.right)),
        "blend_hit_rate": blend_hits,
        "blend_mrr": blend_rank,
        "trees_hit_rate": hits,
        "trees_mrr": rank,
        BLEND_WEIGHT: weight,
    }
    _log.info("ranker %s", figures)
    if hits + rank < blend_hits + blend_rank:
        return None, figures | _led(lessons)
    if len(lessons.right) >= _PLENTY:
        return trees, figures
    return boost(lessons, settings, fitting), figures


def judges(questions: int) -> int:
    """How many of the questions judge."""
    usual = questions - int(questions * (1 - _GATE))
    return max(usual, min(int(questions * _SMALL_GATE), _ENOUGH_TO_JUDGE))


def _led(lessons: Lessons) -> dict[str, float]:
    """What stands before the blend, one source or how popular things are, where it is surely better.

    In a shop where everybody only comes back to what they saw, that is all there is to know; in one where
    nothing has to do with anything, what many want.
    """
    blend = lessons.reciprocal_ranks(lessons.column("blend"))
    if len(blend) < _LEAST_TO_LEAD:
        return {}
    best, lead = 0.0, -1
    for number, name in enumerate((*(f"{source} score" for source in SOURCES), *LEADING_FACTS)):
        ranks = lessons.reciprocal_ranks(lessons.column(name))
        gain = _worth(ranks) - _worth(blend)
        least = float(gain.mean() - _SURE * gain.std() / np.sqrt(len(gain)))
        if least > best:
            best, lead = least, number
    return {LEAD: float(lead)} if lead >= 0 else {}


def _weighed(trees: Trees, judged: Lessons) -> tuple[float, tuple[float, float]]:
    """How much of the blend goes with the trees, and the quality then.

    None where it is not surely better: a quarter that looked better by chance cost rsc15 .003 of reciprocal
    rank, and trees that learn from the gate's questions too will need it less than these.
    """
    values = trees.score(judged.features)
    blend = judged.column("blend").astype(np.float32)
    alone = judged.reciprocal_ranks(values)
    best, kept, found = 0.0, 0.0, alone
    for weight in _WEIGHTS:
        ranks = judged.reciprocal_ranks(blended(values, blend, weight))
        gain = _worth(ranks) - _worth(alone)
        surely = gain.mean() > _SURE * gain.std() / np.sqrt(max(1, len(gain)))
        if surely and float(gain.mean()) > best:
            best, kept, found = float(gain.mean()), weight, ranks
    return kept, _quality(found)


def _worth(ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each question hit and reciprocal rank together."""
    return ranks + (ranks > 0)


def first_of_newest(data: Interactions, share: float, most: int) -> int:
    """Where the newest sessions begin: a share of all, and as many as make `most` questions."""
    sessions = data.sessions
    if len(sessions) < 2:
        return 0
    cut = len(sessions) - max(1, int(len(sessions) * share))
    asked = np.cumsum(np.minimum(sessions.lengths - 1, _PER_SESSION)[::-1])
    return max(cut, len(sessions) - int(np.searchsorted(asked, most, side="right")))


def before(data: Interactions, cut: int) -> Interactions:
    """What was known when session `cut` began to be asked."""
    baskets = data.baskets
    until = int(np.searchsorted(baskets.timestamps, data.sessions.ends[cut]))
    starts = baskets.starts[: until + 1]
    return replace(
        data,
        sessions=data.sessions.take(np.arange(cut)),
        baskets=replace(
            baskets,
            starts=starts,
            items=baskets.items[: starts[-1]],
            timestamps=baskets.timestamps[:until],
            users=baskets.users[:until],
            in_session=baskets.in_session[:until],
        ),
    )


def after(data: Interactions, cut: int) -> Interactions:
    return replace(data, sessions=data.sessions.take(np.arange(cut, len(data.sessions))))


def collect(asker: Asker, settings: RankerSettings, asked: Iterator[Question], most: int) -> Lessons:
    """Features of all candidates, float32: `most` × candidates × features × 4 bytes at most."""
    width = len(feature_names())
    table = np.empty((most * settings.candidates, width), dtype=np.float32)
    filled = 0
    sizes: list[int] = []
    right: list[int] = []
    for question in asked:
        if question.next_item < 0 or len(sizes) == most:
            continue
        items, blend, scores, found = asker.candidates(question.query, settings.candidates)
        place = np.flatnonzero(items == question.next_item)
        if len(items) == 0:
            continue
        row = int(place[0]) if len(place) else -1
        out = table[filled : filled + len(items)]
        asker.features(question.query, items, blend, scores, found, out)
        sizes.append(len(items))
        right.append(row)
        filled += len(items)
    return Lessons(
        table[:filled], np.array(sizes, dtype=np.int32), np.array(right, dtype=np.int32), len(sizes)
    )


def boost(lessons: Lessons, settings: RankerSettings, fitting: Fitting) -> Trees:
    """LambdaRank on the questions whose answer is among the candidates."""
    import lightgbm

    starts = np.concatenate([[0], np.cumsum(lessons.sizes)]).astype(np.int64)
    labels = np.zeros(len(lessons.features), dtype=np.float32)
    answered = lessons.right >= 0
    labels[starts[:-1][answered] + lessons.right[answered]] = 1.0
    rows = np.repeat(answered, lessons.sizes)
    data = lightgbm.Dataset(
        lessons.features[rows],
        label=labels[rows],
        group=lessons.sizes[answered],
        free_raw_data=True,
        params={"verbose": -1, "max_bin": 255, "feature_pre_filter": False},
    )
    booster = lightgbm.train(
        {
            "objective": "lambdarank",
            "lambdarank_norm": False,
            "lambdarank_truncation_level": 30,
            "num_leaves": settings.leaves,
            "min_data_in_leaf": settings.rows_per_leaf,
            "learning_rate": settings.learning_rate,
            "feature_fraction": settings.features,
            "seed": fitting.seed,
            "deterministic": True,
            "force_col_wise": True,
            "num_threads": fitting.threads,
            "use_missing": False,
            "verbose": -1,
        },
        data,
        num_boost_round=settings.trees,
    )
    return Trees.parse(booster.model_to_string())
