"""The judge: can a model name the next item, for every prefix of every test session?

Hit rate and reciprocal rank as in session-rec (Ludewig, Latifi, Cremonesi, Jannach 2021), with one
relevant item per query; each query is asked alone, as the server asks.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from habitue_recommender.interactions import Interactions, from_sessions
from habitue_recommender.models import Model, Query
from habitue_recommender.train import TrainingConfig, fit

DEFAULT = "neighbours"  # what `--model default` means until a ranker is trained over all of them

Protocol = Literal["all", "new"]


class InvalidEvaluation(ValueError):
    """The question makes no sense; the text says why."""


def evaluate(
    train: Path | str | Interactions,
    test: Path | str | Interactions,
    k: int = 20,
    protocol: Protocol = "all",
    model: str = "default",
    min_prefix: int = 1,
    config: TrainingConfig | None = None,
    most_queries: int | None = None,
) -> dict[str, float]:
    """Fit one model on `train`, ask it for the next item of each prefix of each session of `test`.

    `all`: the list as it is. `new`: only steps to another item, and the current one is taken out of
    the list. Items of a prefix that training never saw are skipped; as the next item they are a
    query that cannot be answered. `most_queries` ends early, for a first look.
    Returns `hit_rate@k, mrr@k, ndcg@k, coverage@k` (0 … 1), `queries`, `fit_seconds`,
    `p50_ms, p90_ms, p99_ms` (of one query), `index_mb` (arrays of the model), `peak_mb` (of the
    process). Raises `InvalidEvaluation`, `InvalidTraining` or `InvalidData` with a sentence.
    """
    if protocol not in ("all", "new"):
        raise InvalidEvaluation(f"protocol is all or new, not {protocol!r}")
    if k < 1 or min_prefix < 1:
        raise InvalidEvaluation("k and min_prefix begin at 1")
    known = train if isinstance(train, Interactions) else from_sessions(train)
    asked = test if isinstance(test, Interactions) else from_sessions(test, longest=2**31)
    began = time.perf_counter()
    fitted = fit(DEFAULT if model == "default" else model, known, config)
    fit_seconds = time.perf_counter() - began
    fitted.warm()
    found, latencies, shown = _ask(fitted, _questions(known, asked, k, min_prefix, protocol), k, most_queries)
    ranks = np.asarray(found, dtype=np.float64)  # from 1; infinite where it was not in the list
    times = np.asarray(latencies, dtype=np.float64) / 1e6
    count = max(1, len(ranks))
    p50, p90, p99 = np.percentile(times, [50, 90, 99]) if len(times) else (0.0, 0.0, 0.0)
    return {
        f"hit_rate@{k}": float(np.isfinite(ranks).sum() / count),
        f"mrr@{k}": float((1 / ranks).sum() / count),
        f"ndcg@{k}": float((1 / np.log2(1 + ranks)).sum() / count),
        f"coverage@{k}": float(shown.sum() / max(1, known.item_count)),
        "queries": len(ranks),
        "fit_seconds": fit_seconds,
        "p50_ms": float(p50),
        "p90_ms": float(p90),
        "p99_ms": float(p99),
        "index_mb": fitted.megabytes,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


@dataclass(slots=True)
class _Question:
    query: Query
    next_item: int
    banned: int  # an item that may not be in the list, or -1


def _questions(
    known: Interactions, asked: Interactions, k: int, min_prefix: int, protocol: Protocol
) -> Iterator[_Question]:
    sessions = asked.sessions
    pasts = _Pasts(known)
    index = known.vocabulary.indices(asked.vocabulary)  # of the test's items in training, -1 for a new one
    for s in range(len(sessions)):
        session = slice(sessions.starts[s], sessions.starts[s + 1])
        named, times, kinds = sessions.items[session], sessions.timestamps[session], sessions.kinds[session]
        items = index[named]
        past = pasts.of(asked.people[sessions.visitors[s]]) if sessions.visitors[s] >= 0 else None
        recognised = items >= 0
        for p in range(min_prefix, len(named)):
            if protocol == "new" and named[p] == named[p - 1]:
                continue
            seen = recognised[:p]
            now = times[p - 1]
            query = Query(
                session=items[:p][seen],
                session_ages=(now - times[:p][seen]).astype(np.float32),
                session_kinds=kinds[:p][seen],
                n=k + 1 if protocol == "new" else k,
            )
            if past is not None:
                query.history, query.history_counts = past.items, past.counts
                query.history_ages = (now - past.last).astype(np.float32)
            yield _Question(query, int(items[p]), int(items[p - 1]) if protocol == "new" else -1)


def _ask(
    model: Model, questions: Iterator[_Question], k: int, most: int | None
) -> tuple[list[float], list[int], NDArray[np.bool_]]:
    """(rank of the right item per query, nanoseconds per query, which items were in any list)."""
    ranks: list[float] = []
    latencies: list[int] = []
    shown = np.zeros(model.items, dtype=np.bool_)
    for question in questions:
        if most is not None and len(ranks) >= most:
            break
        began = time.perf_counter_ns()
        items = model.score(question.query).items
        latencies.append(time.perf_counter_ns() - began)
        if question.banned >= 0:
            items = items[items != question.banned]
        items = items[:k]
        shown[items] = True
        place = np.flatnonzero(items == question.next_item)
        ranks.append(float(place[0] + 1) if len(place) else np.inf)
    return ranks, latencies, shown


@dataclass(slots=True)
class _Past:
    items: NDArray[np.int32]
    counts: NDArray[np.float32]
    last: NDArray[np.int64]  # ms


class _Pasts:
    """What a visitor of the test did in the training data."""

    def __init__(self, known: Interactions) -> None:
        sessions = known.sessions
        self._sessions = sessions
        self._number = {person: index for index, person in enumerate(known.people)}
        self._order = np.argsort(sessions.visitors, kind="stable")
        self._sorted = sessions.visitors[self._order]

    def of(self, person: str) -> _Past | None:
        number = self._number.get(person)
        if number is None:
            return None
        first, last = np.searchsorted(self._sorted, [number, number + 1])
        mine = self._sessions.take(self._order[first:last])
        items, place, counts = np.unique(mine.items, return_inverse=True, return_counts=True)
        latest = np.zeros(len(items), dtype=np.int64)
        np.maximum.at(latest, place, mine.timestamps)
        return _Past(items, counts.astype(np.float32), latest)
