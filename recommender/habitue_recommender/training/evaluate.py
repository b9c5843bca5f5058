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

import numpy as np
from numpy.typing import NDArray

from habitue_recommender.models import Model, Query, Ranked
from habitue_recommender.training.interactions import Interactions, from_sessions
from habitue_recommender.training.questions import Protocol, Question, questions
from habitue_recommender.training.train import TrainingConfig, fit

DEFAULT, FALLBACK = "ranker", "popular"  # what `--model default` means; the second fills up, as in every slot


class InvalidEvaluation(ValueError):
    """The question makes no sense; the text says why."""


@dataclass
class Filled:
    """A model, and what stands where it has too little to say: as in a slot, a list is never short."""

    model: Model
    rest: Model

    @property
    def items(self) -> int:
        return self.model.items

    @property
    def megabytes(self) -> float:
        return self.model.megabytes + self.rest.megabytes

    def warm(self) -> None:
        self.model.warm()
        self.rest.warm()

    def score(self, query: Query) -> Ranked:
        found = self.model.score(query)
        missing = query.n - len(found.items)
        if missing <= 0:
            return found
        more = self.rest.score(Query(n=query.n))
        new = ~np.isin(more.items, found.items)
        least = found.scores[-1] if len(found.scores) else np.float32(1.0)
        best = max(float(more.scores[0]), 1e-9) if len(more.scores) else 1.0
        below = more.scores[new][:missing] / np.float32(best) * least
        return Ranked(
            np.concatenate([found.items, more.items[new][:missing]]), np.concatenate([found.scores, below])
        )


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
    query that cannot be answered. `default` fills what the ranker leaves empty with what is popular, as slots
    do. `most_queries` ends early, for a first look.
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
    fitted: Model | Filled
    if model == "default":
        fitted = Filled(fit(DEFAULT, known, config), fit(FALLBACK, known, config))
    else:
        fitted = fit(model, known, config)
    fit_seconds = time.perf_counter() - began
    fitted.warm()
    found, latencies, shown = _ask(fitted, questions(known, asked, k, min_prefix, protocol), k, most_queries)
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


def _ask(
    model: Model | Filled, questions: Iterator[Question], k: int, most: int | None
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
