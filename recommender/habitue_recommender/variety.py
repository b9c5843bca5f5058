"""How a list is mixed: diminishing returns of one kind, rotation of what was ignored, novelty. Pure.

A candidate's score is worth `(1 - diversity)` of itself for each offer of its category that stands already
(and half of that for its brand): the greedy form of maximal marginal relevance (Carbonell and Goldstein 1998)
with kinds for similarity, which needs no comparison of pairs. Worths only fall while a list fills, so a heap
finds the best next one, and the list's scores fall too.

Rotation takes from what was shown and ignored, and from everything a little at random, anew in each visit of
somebody who comes back ("result dithering": Dunning and Friedman, "Practical Machine Learning: Innovations in
Recommendation", 2014): a profile remembers the last offers only, and a list of bestsellers never changes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from heapq import heapify, heappop, heapreplace
from zlib import crc32

from habitue_collector.profile import Bought, Exposure, RecentItem
from habitue_recommender.catalog.alike import family
from habitue_recommender.catalog.items import Item
from habitue_recommender.explain.trace import Passed, Step, Trace
from habitue_recommender.offers import Ranked, Run
from habitue_recommender.slots import Slot
from habitue_recommender.visitor import Visitor

_WINDOW = 3  # times the places of a slot: so many candidates are mixed, the rest stays as it is
_LEAST_PLACES = 4  # so few candidates for one place would always be the same
_LEAST_KINDS = 3  # categories that say how varied somebody's taste is
_DEEP = 3  # times shown and ignored, from where an offer does not fall further


def appetite(visitor: Visitor) -> float:
    """How much variety this visitor looks for: 0.5 (one kind only) to 1.5 (everything alike), 1 unknown.

    The entropy of what they look at, against that of an even mix.
    """
    shares = [share for share in visitor.categories.values() if share > 0.0]
    if len(shares) < _LEAST_KINDS:
        return 1.0
    entropy = -sum(share * math.log(share) for share in shares)
    return 0.5 + entropy / math.log(len(shares))


def visit_seed(visitor: Visitor) -> int:
    """A number of this visit of somebody who was here before; 0 for everybody else.

    The same list while they look around, another one the next time.
    """
    known = (visitor.recent, visitor.exposures, visitor.bought)
    before = visitor.visits > 1 or any(_earlier(touched, visitor.started) for touched in known)
    if not before or not visitor.started:
        return 0
    return crc32(f"{visitor.profile_id} {visitor.started}".encode("utf-8", "replace")) or 1


def _earlier(touched: Mapping[str, RecentItem | Exposure | Bought], started: int) -> bool:
    return bool(touched) and next(iter(touched.values())).last < started


class Mixer:
    """Orders candidates for one slot; `fits` says whether one may still stand there."""

    def __init__(self, slot: Slot, visitor: Visitor, trace: Trace | None = None) -> None:
        self.kinds: dict[str, int] = {}  # offers of the slot by category
        self.brands: dict[str, int] = {}
        self._slot = slot
        self._trace = trace
        self._visitor = visitor
        self._diversity = min(0.95, slot.diversity * appetite(visitor)) if slot.diversity else 0.0
        self._families: set[tuple[str, str]] = set()
        self._seed = visit_seed(visitor) if slot.rotation else 0
        turned = slot.rotation and (self._seed or visitor.exposures)
        self._plain = not (slot.diversity or slot.novelty or turned)
        self._familiar = visitor.familiar() if slot.rotation or slot.novelty else frozenset()

    def take(
        self,
        runs: Iterable[Run],
        places: int,
        fits: Callable[[Item], bool],
        add: Callable[[Ranked], None],
    ) -> None:
        """Give `places` candidates to `add`, the worthiest first; near-duplicates only fill what is left."""
        if places <= 0:
            return
        doubles: list[tuple[Run, int, float]] = []
        least = 1.0
        families = self._families
        for run, at, worth in self._in_turn(runs) if self._plain else self._mixed(runs, places):
            item = run.items[at]
            if not fits(item):
                continue
            if item.name and (item.brand, family(item.name)) in families:
                doubles.append((run, at, worth))
                if self._trace is not None:
                    data = {"why": Passed.DOUBLE.value}
                    self._trace.note(self._slot.id, Step.DIVERSITY, item.item_id, data)
                continue
            self.note(item)
            add(run.ranked(at, worth))
            least = worth
            places -= 1
            if not places:
                return
        for run, at, worth in doubles:
            item = run.items[at]
            if fits(item):
                self.note(item)
                add(run.ranked(at, min(worth, least)))
                places -= 1
                if not places:
                    return

    def note(self, item: Item) -> None:
        """An offer of this item stands in the slot."""
        category, brand = item.category, item.brand
        if category:  # what has no category is not of the same one
            self.kinds[category] = self.kinds.get(category, 0) + 1
        if brand:
            self.brands[brand] = self.brands.get(brand, 0) + 1
        if item.name:
            self._families.add((brand, family(item.name)))

    @staticmethod
    def _in_turn(runs: Iterable[Run]) -> Iterator[tuple[Run, int, float]]:
        for run in runs:
            for at, score in enumerate(run.scores):
                yield run, at, score

    def _mixed(self, runs: Iterable[Run], places: int) -> Iterator[tuple[Run, int, float]]:
        size = _WINDOW * max(places, _LEAST_PLACES)
        window: list[tuple[Run, int, float]] = []
        rest = iter(runs)
        for run in rest:
            window += [(run, at, score) for at, score in enumerate(run.scores)]
            if len(window) >= size:
                break
        beyond = window[size:]
        del window[size:]
        items = [run.items[at] for run, at, _ in window]
        familiar, worth, seed = self._familiar, self._worth, self._seed
        base = [
            score * worth(item) if seed or item.item_id in familiar else score
            for item, (_, _, score) in zip(items, window, strict=True)
        ]
        kept = self._kept
        if self.kinds or self.brands:
            heap = [(-score * kept(items[at]), at) for at, score in enumerate(base)]
        else:
            heap = [(-score, at) for at, score in enumerate(base)]
        heapify(heap)
        while heap:
            worst, at = heap[0]
            now = -base[at] * kept(items[at])
            if now > worst:  # others of its kind were taken meanwhile
                heapreplace(heap, (now, at))
                continue
            heappop(heap)
            run, place, score = window[at]
            if self._trace is not None and -now != score:
                data = {"before": score, "after": -now}
                self._trace.note(self._slot.id, Step.DIVERSITY, items[at].item_id, data)
            yield run, place, -now
        yield from beyond
        yield from self._in_turn(rest)

    def _kept(self, item: Item) -> float:
        """What is left of a score beside the offers of its kind that stand already."""
        diversity = self._diversity
        if not diversity:
            return 1.0
        kept = 1.0
        if item.category and (alike := self.kinds.get(item.category, 0)):
            kept = (1.0 - diversity) ** alike
        if item.brand and (alike := self.brands.get(item.brand, 0)):
            kept *= (1.0 - 0.5 * diversity) ** alike
        return kept

    def _worth(self, item: Item) -> float:
        """Less for what was shown and ignored, and for what this visitor knows."""
        visitor, slot = self._visitor, self._slot
        worth = 1.0
        seen = visitor.recent.get(item.item_id)
        if self._seed:
            drawn = crc32(item.item_id.encode("utf-8", "replace"), self._seed) / 2**32
            worth -= slot.rotation * drawn
        if slot.rotation and (shown := visitor.exposures.get(item.item_id)) is not None:
            ignored = seen is None or seen.last < shown.last  # else somebody followed it
            if ignored:
                worth /= 1.0 + slot.rotation * min(shown.count, _DEEP)
        if slot.novelty and (seen is not None or item.item_id in visitor.bought):
            worth *= 1.0 - slot.novelty
        return worth
