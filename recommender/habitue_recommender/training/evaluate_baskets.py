"""The judge of what people buy next: can a model name the items of somebody's next order?

Next-basket recommendation as in Li, Jullien, Ariannezhad, de Rijke, "A Next Basket Recommendation Reality
Check" (2023): one list per person, against the first order after a moment that training ends at.
"""

from __future__ import annotations

import datetime as dt
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np

from habitue_recommender.models import Model, Query, Ranked, Repurchase
from habitue_recommender.models.repurchase_training import Histories, People
from habitue_recommender.training.evaluate import InvalidEvaluation
from habitue_recommender.training.interactions import Interactions, from_orders
from habitue_recommender.training.train import TrainingConfig, fit

FREQUENCY = "frequency"  # the baseline that most published models fail to beat
DEFAULT = "repurchase"

Now = Literal["order", "cut"]


def evaluate_baskets(
    orders: Path | str,
    before: str,
    k: int = 20,
    model: str = "default",
    catalog: Path | str | None = None,
    least_items: int = 3,
    least_earlier: int = 5,
    now: Now = "order",
    config: TrainingConfig | None = None,
) -> dict[str, float]:
    """Train on the orders before a day (`2017-11-01`, UTC); ask each person for the first order from then on.

    Asked is who has `least_earlier` orders before that day, for the first one of `least_items` or more
    different items. `now` says when they are asked: at the time of that `order`, as the shop asks when they
    come by, or at the `cut`, when nobody knows when they will. `frequency` ranks a person's items by how many
    of their orders hold them, ties by how many of all do.
    Returns `ndcg@k, recall@k, hit_rate@k` (0 … 1), `queries`, `fit_seconds`, `p50_ms, p90_ms, p99_ms`,
    `index_mb`, `peak_mb`. Raises `InvalidEvaluation`, `InvalidTraining` or `InvalidData` with a sentence.
    """
    if k < 1 or least_items < 1 or least_earlier < 0:
        raise InvalidEvaluation("k and the least number of items begin at 1")
    if now not in ("order", "cut"):
        raise InvalidEvaluation(f"now is order or cut, not {now!r}")
    try:
        cut = int(dt.datetime.fromisoformat(before).replace(tzinfo=dt.UTC).timestamp() * 1000)
    except ValueError:
        raise InvalidEvaluation(f"{before!r} is not a day like 2017-11-01") from None
    known = from_orders(orders, until=cut, catalog=catalog)
    asked = from_orders(orders, since=cut)
    if len(known.baskets) == 0 or len(asked.baskets) == 0:
        raise InvalidEvaluation(
            f"there are no orders {'before' if len(known.baskets) == 0 else 'from'} {before}"
        )
    began = time.perf_counter()
    ask, megabytes = _asker(model, known, config)
    fit_seconds = time.perf_counter() - began
    figures: list[tuple[float, float, float]] = []
    latencies: list[int] = []
    for query, truth in _questions(known, asked, cut, k, least_items, least_earlier, now):
        start = time.perf_counter_ns()
        items = ask(query).items[:k]
        latencies.append(time.perf_counter_ns() - start)
        figures.append(_judged(items, truth, k))
    count = max(1, len(figures))
    ndcg, recall, hit = (
        (sum(column) / count for column in zip(*figures, strict=True)) if figures else (0.0,) * 3
    )
    p50, p90, p99 = np.percentile(np.array(latencies) / 1e6, [50, 90, 99]) if latencies else (0.0,) * 3
    return {
        f"ndcg@{k}": ndcg,
        f"recall@{k}": recall,
        f"hit_rate@{k}": hit,
        "queries": len(figures),
        "fit_seconds": fit_seconds,
        "p50_ms": float(p50),
        "p90_ms": float(p90),
        "p99_ms": float(p99),
        "index_mb": megabytes,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _asker(
    name: str, known: Interactions, config: TrainingConfig | None
) -> tuple[Callable[[Query], Ranked], float]:
    """Whom to ask for the next order, and the size of its arrays."""
    if name == FREQUENCY:
        popular = np.bincount(known.baskets.items, minlength=known.item_count)
        return lambda query: _by_frequency(query, popular), popular.nbytes / 1e6
    fitted: Model = fit(DEFAULT if name == "default" else name, known, config)
    fitted.warm()
    if isinstance(fitted, Repurchase):
        return fitted.next_basket, fitted.megabytes
    return fitted.score, fitted.megabytes


def _by_frequency(query: Query, popular: np.ndarray) -> Ranked:
    items, counts = query.bought, query.bought_counts
    order = np.lexsort((items, -popular[items], -counts))
    return Ranked(items[order], counts[order])


def _questions(
    known: Interactions, asked: Interactions, cut: int, k: int, least_items: int, least_earlier: int, now: Now
) -> list[tuple[Query, set[int]]]:
    people = People(known.baskets)
    histories = Histories(known.baskets, people, known.item_count)
    numbers = {person: number for number, person in enumerate(known.people)}
    index = known.vocabulary.indices(asked.vocabulary)
    found = []
    answered: set[int] = set()
    for basket in range(len(asked.baskets)):  # oldest first
        who = asked.baskets.users[basket]
        person = numbers.get(asked.people[who], -1) if who >= 0 else -1
        lines = slice(asked.baskets.starts[basket], asked.baskets.starts[basket + 1])
        items = asked.baskets.items[lines]
        if person < 0 or person in answered or len(items) < least_items:
            continue
        earlier = len(people.of(person))
        if earlier < least_earlier:
            continue
        answered.add(person)
        query = histories.ask(
            person, earlier, int(asked.baskets.timestamps[basket]) if now == "order" else cut, k
        )
        query.history, query.history_counts = query.bought, query.bought_counts
        query.history_ages = query.bought_ages
        # What training never saw is right as well, and cannot be found.
        truth = {int(i) if i >= 0 else -2 - n for n, i in enumerate(index[items])}
        found.append((query, truth))
    return found


def _judged(items: np.ndarray, truth: set[int], k: int) -> tuple[float, float, float]:
    """NDCG, recall and whether anything was right, of one list."""
    places = [place for place, item in enumerate(items.tolist()) if item in truth]
    gain = sum(1.0 / np.log2(place + 2) for place in places)
    best = sum(1.0 / np.log2(place + 2) for place in range(min(k, len(truth))))
    return float(gain / best), len(places) / len(truth), float(bool(places))
