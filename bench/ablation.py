"""What each source and each group of features is worth to the default: trees learnt anew without it.

    python -m bench.ablation TRAIN TEST                                   all of both files
    python -m bench.ablation TRAIN TEST --sessions 60000 --learn 10000 --asked 5000

Without a source nothing of it is left: the candidates that only it names, its scores, the features that
read its arrays. Everything else is as `habitue evaluate` has it: sources fitted on the earlier sessions,
trees learnt from the later ones with their gate, sources fitted again on all. Prints a table of HR and MRR
at 20 of the trees and of the blend; the smaller a row, the more what is left out there was worth.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from habitue_recommender.models import Fitting
from habitue_recommender.models import ranker as ranker_module
from habitue_recommender.models.base import Floats, Ints, Query
from habitue_recommender.models.facts import FACTS
from habitue_recommender.models.ranker import (
    BLEND_WEIGHT,
    SOURCES,
    Asker,
    Parts,
    RankerSettings,
    blended,
    feature_names,
)
from habitue_recommender.models.ranker_training import after, chosen, first_of_newest, lessons_from
from habitue_recommender.models.trees import Trees
from habitue_recommender.training.interactions import Interactions, from_sessions
from habitue_recommender.training.questions import Question, questions

K = 20
NAMES = feature_names()
KIN = ("neighbours", "recent", "alike")  # one walk over the sessions, weighed in three ways
GROUPS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # what is left out → (sources, beginnings of the names of the features that go with them)
    "neighbours": (("neighbours",), ()),
    "… short memory": (("recent",), ()),
    "… VMIS-like": (("alike",), ()),
    "all three": (KIN, ()),
    "item_item": (("item_item", "second_hand", "history"), ("similar ",)),
    "sequences": (("sequences",), ("after ", "before ", "next to ", "last leads on")),
    "second_hand": (("second_hand",), ()),
    "repeats": (("repeats",), ("times here", "latest here", "weight here", "age here")),
    "history": (("history",), ("in history", "newest in history")),
    "embeddings": ((), ("direction of ",)),
    "facts of the items": ((), (*FACTS, "last item's ")),
}


def columns(sources: tuple[str, ...], beginnings: tuple[str, ...]) -> NDArray[np.intp]:
    """The features that say anything of these."""
    own = tuple(f"{source} " for source in sources) + tuple(f"best of {source}" for source in sources)
    return np.array(
        [at for at, name in enumerate(NAMES) if name.startswith((*own, *beginnings))], dtype=np.intp
    )


class Without(Asker):
    """An asker that some sources tell nothing, and that does not look at some features."""

    def __init__(self, parts: Parts, settings: RankerSettings, sources: tuple[str, ...], mute: Ints) -> None:
        super().__init__(parts, settings)
        self._weights = ranker_module._BLEND.copy()
        self._weights[[SOURCES.index(source) for source in sources]] = 0.0
        self._mute = mute

    def candidates(self, query: Query, keep: int) -> tuple[Ints, Floats, Floats, int]:
        whole = ranker_module._BLEND
        ranker_module._BLEND = self._weights
        try:
            items, blend, scores, found = super().candidates(query, keep)
        finally:
            ranker_module._BLEND = whole
        named = blend > 0.0
        return items[named], blend[named], scores[named], found

    def features(
        self, query: Query, items: Ints, blend: Floats, scores: Floats, found: int, out: Floats
    ) -> int:
        width = super().features(query, items, blend, scores, found, out)
        out[:, self._mute] = 0.0
        return width


def quality(
    asker: Asker, trees: Trees | None, weight: float, asked: Iterator[Question], most: int
) -> tuple[int, float, float, float, float]:
    """(questions, HR and MRR of the trees, of the blend)."""
    sums, count = np.zeros(4), 0
    for question in asked:
        count += 1
        items, blend, scores, found = asker.candidates(question.query, most)
        place = np.flatnonzero(items == question.next_item)
        if question.next_item < 0 or not len(place):
            continue
        row = int(place[0])
        orders = [blend.astype(np.float64)]
        if trees is not None:
            table = asker.table(len(items))
            asker.features(question.query, items, blend, scores, found, table)
            orders.insert(0, blended(trees.score(table), blend, weight))
        for at, values in enumerate((orders * 2)[:2]):
            rank = 1 + int((values > values[row]).sum() + (values[:row] == values[row]).sum())
            if rank <= K:
                sums[2 * at : 2 * at + 2] += 1.0, 1.0 / rank
    hits, rank_sum, blend_hits, blend_rank = (sums / max(1, count)).tolist()
    return count, hits, rank_sum, blend_hits, blend_rank


def spread(asked: Iterator[Question], wanted: int, most: int) -> Iterator[Question]:
    """At most `most` of all questions, from every part of the file alike."""
    every = max(1, wanted // most) if most else 1
    return islice(asked, 0, None, every)


def table(
    known: Interactions,
    asked: Interactions,
    settings: RankerSettings,
    most_asked: int = 0,
    fitting: Fitting | None = None,
    only: tuple[str, ...] = (),
) -> Iterator[str]:
    """The rows, as they are found."""
    fitting = fitting or Fitting()
    cut = first_of_newest(known, settings.learn_from, settings.most_questions)
    whole = Parts.fit(known, fitting)
    windows: dict[int, Parts] = {}  # by how many sessions they know: once for all rows

    def fitted(earlier: Interactions) -> Parts:
        size = len(earlier.sessions)
        if size not in windows:
            windows[size] = Parts.fit(earlier, fitting)
        return windows[size]

    in_all = int((asked.sessions.lengths - 1).sum())
    yield "| without | trees HR@20 / MRR@20 | blend |"
    yield "|---|---|---|"
    for name, (sources, beginnings) in {"nothing": ((), ()), **GROUPS}.items():
        if only and name not in (*only, "nothing"):
            continue
        mute = columns(sources, beginnings).astype(np.int32)

        without = partial(Without, settings=settings, sources=sources, mute=mute)

        def taught(earlier: Interactions, make: Callable[[Parts], Asker] = without) -> Asker:
            return make(fitted(earlier))

        lessons = lessons_from(known, cut, settings, taught)
        trees, figures = chosen(lessons, settings, fitting)
        test = spread(questions(known, asked, settings.candidates), in_all, most_asked)
        _, *rates = quality(without(whole), trees, figures.get(BLEND_WEIGHT, 0.0), test, settings.candidates)
        cells = [f"{value:.3f}".lstrip("0") for value in rates]
        yield f"| {name} | {cells[0]} / {cells[1]} | {cells[2]} / {cells[3]} |"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.ablation", description=__doc__)
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--sessions", type=int, default=0, help="of the training file, the newest; 0: all")
    parser.add_argument(
        "--learn", type=int, default=RankerSettings().most_questions, help="questions learnt from"
    )
    parser.add_argument("--asked", type=int, default=0, help="of the test's questions, evenly; 0: all")
    parser.add_argument("--without", action="append", choices=list(GROUPS), help="only this one; repeatable")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    began = time.process_time()
    known = from_sessions(arguments.train)
    if arguments.sessions:
        known = after(known, max(0, len(known.sessions) - arguments.sessions))
    asked = from_sessions(arguments.test, longest=2**31)
    settings = RankerSettings(most_questions=arguments.learn)
    rows = table(
        known, asked, settings, arguments.asked, Fitting(arguments.seed), tuple(arguments.without or ())
    )
    for line in rows:
        print(line, flush=True)
    print(f"{time.process_time() - began:.0f} s of CPU", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
