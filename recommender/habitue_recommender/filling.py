"""One slot being filled: candidates in order, chosen once on the page and not too much of one kind. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from habitue_recommender.candidates import Candidates, is_below
from habitue_recommender.catalog.items import Item
from habitue_recommender.explain.trace import Passed, Step, Trace
from habitue_recommender.offers import Offer, Origin, Ranked, Run
from habitue_recommender.pools import Pool, falling
from habitue_recommender.reasons import Reason, ReasonCode
from habitue_recommender.rulebook.slot_ruling import SlotRuling
from habitue_recommender.rulebook.stretches import Stretch
from habitue_recommender.slots import CHEAP, PERSONAL, Slot, Source
from habitue_recommender.variety import Mixer

_PIECE = 40  # candidates on their way at a time: a slot of twelve mixes some 36
_IMPULSE_PART = 4  # of a mixed slot: one place in four
_GLANCE_PART = 2  # of a slot for somebody known: half of it goes to the one thing that they looked at
_CHOSEN, _PROMOTED, _CONTENT = (
    Reason(ReasonCode.CHOSEN),
    Reason(ReasonCode.PROMOTED),
    Reason(ReasonCode.CONTENT),
)


class Filling:
    """One slot being filled.

    `pinned` are groups that rules gave places on this page; those of this slot are added at once, so that
    nobody else takes them.
    """

    def __init__(
        self,
        slot: Slot,
        candidates: Candidates,
        ruled: SlotRuling | None,
        pinned: set[str],
        clock: Callable[[], float],
        deadline_ms: int,
        trace: Trace | None = None,
    ) -> None:
        self.candidates = candidates
        self.ruled = ruled
        self.late = False
        self._slot = slot
        self._trace = trace
        self._clock = clock
        self._until = clock() + min(slot.deadline_ms, deadline_ms) / 1000.0
        self._steps: list[Source | tuple[str, ...]] = list(slot.order())
        self._chosen: list[Ranked] = []
        self._mixer = Mixer(slot, candidates.visitor, trace)
        self._groups: set[str] = set()
        self._used: set[str] = set()  # groups in other slots of this page
        self._pins: dict[int, Ranked] = {}
        self._size = slot.size
        if ruled is not None:
            self._pins = ruled.pinned(pinned)
            for one in self._pins.values():
                self._mixer.note(one.item)
                self._groups.add(one.item.group)
            self._size -= len(self._pins) + len(ruled.contents)
            if ruled.fallbacks:
                self._steps = _with_fallback(slot, ruled)

    def fill(self, used: set[str]) -> tuple[Offer, ...]:
        """The slot's offers; `used` are the groups that stand on the page already."""
        self._used = used
        slot, candidates, ruled = self._slot, self.candidates, self.ruled
        inside = candidates.category if slot.same_category else ""
        if inside and not candidates.catalog.has_category(inside):
            inside = ""
        fresh = self._take_new(inside)
        self._take(self._ruled(inside), self._size)
        if ruled is not None and len(self._chosen) < self._size:
            shelf = (one for one in ruled.shelf() if not inside or is_below(one.item.category, inside))
            self._take(_in_runs(shelf))
        if len(self._chosen) < self._size:
            self._take(self._allowed(self._rested(inside)))
        if inside and not self._chosen:  # an empty shelf is worse than its neighbour
            self._take(self._ruled(""))
        self._place(fresh)
        offers = self._offers(self._chosen)
        if self._pins or (ruled is not None and ruled.contents):
            offers = self._among(offers)
        if self._trace is not None:
            for position, offer in enumerate(offers, 1):
                data = {"position": position, "score": offer.score, "source": offer.source.value}
                self._trace.note(slot.id, Step.CHOSEN, offer.item.item_id, data)
        return tuple(offers)

    def _offers(self, chosen: Iterable[Ranked]) -> list[Offer]:
        """Candidates with their reasons, which are asked for source by source."""
        items: dict[Source, list[Item]] = {}
        for one in chosen:
            if not isinstance(one.source, Origin):
                items.setdefault(one.source, []).append(one.item)
        candidates = self.candidates
        reasons = {source: iter(candidates.reasons(source, some)) for source, some in items.items()}
        offers = []
        for one in chosen:
            score = round(one.score if one.score < 1.0 else 1.0, 4)
            why: tuple[Reason, ...] = (_CHOSEN,)
            if not isinstance(one.source, Origin):
                reason = next(reasons[one.source])
                why = (reason, _PROMOTED) if one.promoted else (reason,)
            offers.append(Offer(one.item, score, one.source, why))
        return offers

    def _among(self, offers: list[Offer]) -> list[Offer]:
        """Pins and contents at their places, the others around them in their order."""
        fixed = dict(zip(self._pins, self._offers(self._pins.values()), strict=True))
        if self.ruled is not None:
            for position, content in self.ruled.contents.items():
                fixed[position] = Offer(content.item, 0.0, Origin.CONTENT, (_CONTENT,), content)
        waiting = iter(offers)
        placed: list[Offer] = []
        for position in range(1, self._slot.size + 1):
            offer = fixed.pop(position, None) or next(waiting, None)
            if offer is not None:
                placed.append(offer)
        return placed

    # ---- candidates of this slot -----------------------------------------------------------------

    def _ruled(self, inside: str) -> Iterable[Run]:
        """What the rules let stand, in the order that they want."""
        ruled = self.ruled
        if ruled is None:
            return self._runs(inside)
        if not ruled.orders:
            return self._allowed(self._runs(inside))
        ranked = ruled.arrange(self._stretches(inside), self.candidates.settings.candidates // 2)
        return _in_runs(one for one in ranked if ruled.stands(one.item))

    def _allowed(self, runs: Iterable[Run]) -> Iterable[Run]:
        ruled = self.ruled
        if ruled is None:
            return runs
        allows = ruled.allows
        return (run.only([at for at, item in enumerate(run.items) if allows(item)]) for run in runs)

    def _runs(self, inside: str) -> Iterator[Run]:
        """Candidates of all sources in their order; a source is asked when those before did not fill."""
        for source, pool, floor, scale, most in self._asked():
            for items, scores in pool.pieces():
                for start in range(0, len(items), _PIECE):
                    # Whatever an earlier source has stands before what a later one has.
                    run = Run(
                        items[start : start + _PIECE],
                        [floor + score * scale for score in scores[start : start + _PIECE]],
                        source,
                        floor,
                    )
                    if most is not None:
                        run = run.only(list(range(min(most, len(run.items)))))
                        most -= len(run.items)
                    if inside:
                        run = run.only(
                            [n for n, one in enumerate(run.items) if is_below(one.category, inside)]
                        )
                    if self._trace is not None:
                        self._tell_scores(run.items, run.scores, source)
                    yield run

    def _stretches(self, inside: str) -> Iterator[Stretch]:
        """The same for those who look at all of them anyway."""
        for source, pool, floor, scale, most in self._asked():
            items, scores = pool.whole()
            if most is not None:
                items, scores = items[:most], scores[:most]
            if inside:
                near = [at for at, item in enumerate(items) if is_below(item.category, inside)]
                items, scores = [items[at] for at in near], [scores[at] for at in near]
            if self._trace is not None:
                self._tell_scores(items, [floor + score * scale for score in scores], source)
            yield Stretch(source, floor, scale, items, scores)

    def _asked(self) -> Iterator[tuple[Source | Origin, Pool, float, float, int | None]]:
        """Source by source: its candidates, where their scale begins, how wide it is, how many count."""
        steps = len(self._steps)
        for step, source in enumerate(self._steps):
            floor = (steps - step - 1) / steps
            if not isinstance(source, Source):  # what a rule falls back on, in its order
                given = self.candidates.admit(source, falling(len(source)))
                yield Origin.RULE, given, floor, 1.0 / steps, None
                continue
            if source not in CHEAP and self._is_late():
                continue
            pool = self.candidates.pool(source)
            if self._trace is not None:
                data = {"source": source.value, "count": len(pool)}
                self._trace.note(self._slot.id, Step.CANDIDATES, None, data)
            most = None
            if source is Source.IMPULSE and not PERSONAL.issuperset(self._slot.order()):
                # It comes first, and leaves room for what the slot is there for.
                most = max(1, self._slot.size // _IMPULSE_PART)
            elif (
                source is Source.SESSION_NEIGHBOURS
                and Source.FACTORS in self._steps[step:]
                and self.candidates.is_glance()
            ):
                most = max(1, self._slot.size // _GLANCE_PART)
            yield source, pool, floor, 1.0 / steps, most

    def _tell_scores(self, items: list[Item], scores: list[float], source: Source | Origin) -> None:
        assert self._trace is not None
        for item, score in zip(items, scores, strict=True):
            data = {"score": score, "source": source.value}
            self._trace.note(self._slot.id, Step.SCORE, item.item_id, data)

    def _rested(self, inside: str) -> Iterator[Run]:
        """What was seen often enough and would else rest; only of sources that were asked anyway."""
        for source in self._steps:
            if isinstance(source, Source) and (pool := self.candidates.pools.get(source)) is not None:
                items = [item for item in pool.rested if not inside or is_below(item.category, inside)]
                yield Run(items, [0.0] * len(items), source)

    def _is_late(self) -> bool:
        self.late = self.late or self._clock() > self._until
        return self.late

    # ---- choosing: once on the page, and not too much of one kind --------------------------------

    def _take(self, runs: Iterable[Run], size: int | None = None) -> None:
        size = self._size if size is None else size
        self._mixer.take(runs, size - len(self._chosen), self._fits, self._add)

    def _fits(self, item: Item) -> bool:
        slot, group = self._slot, item.group
        why = None
        if group in self._used:
            why = Passed.ON_PAGE
        elif group in self._groups:
            why = Passed.IN_SLOT
        elif slot.max_per_category and self._mixer.kinds.get(item.category, 0) >= slot.max_per_category:
            why = Passed.CATEGORY_FULL
        elif slot.max_per_brand and self._mixer.brands.get(item.brand, 0) >= slot.max_per_brand:
            why = Passed.BRAND_FULL
        if why is None:
            return self.ruled is None or self.ruled.fits(item)
        if self._trace is not None:
            self._trace.note(slot.id, Step.DIVERSITY, item.item_id, {"why": why.value})
        return False

    def _add(self, one: Ranked) -> None:
        self._chosen.append(one)
        self._groups.add(one.item.group)
        if self.ruled is not None:
            self.ruled.add(one.item)

    # ---- new items: a small, fixed part of the places --------------------------------------------

    def _take_new(self, inside: str) -> int:
        """Reserve the new items' share; gives how many places it took."""
        places = min(round(self._slot.size * self._slot.new_share), self._size)
        if not places or Source.NEW_ITEMS not in self._steps:
            return 0
        self._take(self._allowed(self._fresh_runs(inside)), places)
        return len(self._chosen)

    def _fresh_runs(self, inside: str) -> Iterator[Run]:
        candidates, steps = self.candidates, len(self._steps)
        for items, scores in candidates.fresh().pieces():
            run = Run(items, [score / steps for score in scores], Source.NEW_ITEMS)
            yield run.only(
                [
                    at
                    for at, item in enumerate(items)
                    if candidates.matches(item) and (not inside or is_below(item.category, inside))
                ]
            )

    def _place(self, fresh: int) -> None:
        """Put the reserved new items behind the first half: seen, but not before what fits best."""
        if not fresh or len(self._chosen) == fresh:
            return
        new, rest = self._chosen[:fresh], self._chosen[fresh:]
        middle = min(len(rest), self._slot.size // 2)
        self._chosen = rest[:middle] + new + rest[middle:]


def _in_runs(ranked: Iterable[Ranked]) -> Iterator[Run]:
    """What was put in order one by one, a slot's worth at a time."""
    waiting = iter(ranked)
    while some := list(islice(waiting, _PIECE)):
        yield Run.of(some)


def _with_fallback(slot: Slot, ruled: SlotRuling) -> list[Source | tuple[str, ...]]:
    """The slot's own sources, then what the rules fall back on, then what fills any slot."""
    own = len(slot.sources)
    steps: list[Source | tuple[str, ...]] = list(slot.sources)
    steps += [step for step in ruled.fallback() if step not in steps]
    return steps + [source for source in slot.order()[own:] if source not in steps]
