"""What the rules do in one slot of a request: what stands there, in what order, what is brought in. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate, islice
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np

from habitue_recommender.candidates import Candidates
from habitue_recommender.catalog.items import Item
from habitue_recommender.conditions import Asked
from habitue_recommender.explain.trace import Step
from habitue_recommender.offers import Origin, Ranked
from habitue_recommender.rulebook.acting import Acting
from habitue_recommender.rulebook.acts import Acts
from habitue_recommender.rulebook.contents import Content
from habitue_recommender.rulebook.stretches import Chunk, Part, Stretch
from habitue_recommender.rulebook.verdicts import Verdicts
from habitue_recommender.slots import Slot, Source

if TYPE_CHECKING:
    from habitue_recommender.rulebook.ruling import Ruling

_INCLUDED = 50  # items that one rule with `include: true` brings in; a slot shows a dozen
_LOOKED_AT = 1_000  # items of the catalog, where no column says which ones a rule means


class SlotRuling(Verdicts):
    """One slot of one request."""

    def __init__(
        self,
        ruling: Ruling,
        slot: Slot,
        candidates: Candidates,
        asked: Asked,
        acts: Acts,
        contents: dict[int, Content],
    ) -> None:
        super().__init__(ruling, slot, asked, acts)
        self.contents = contents
        self.fallbacks = acts.fallbacks
        self.orders = acts.orders
        self._candidates = candidates
        self._lifted = 0  # bits that lifted something

    # ---- the order -------------------------------------------------------------------------------

    def arrange(self, stretches: Iterable[Stretch], enough: int) -> Iterator[Ranked]:
        """Candidates, each once, as boosts, buries and includes want them; `stands` is still to be asked.

        Sources are asked until they gave `enough`, and those are put in order together; the later ones are
        asked when that did not fill.
        """
        includes = bool(self._acts.includes)
        for chunk in self._chunks(stretches, enough):
            if includes:
                yield from self._include(list(self._ordered(chunk)))
                includes = False
            else:
                yield from self._ordered(chunk)
        if includes:
            yield from self._include([])

    def _chunks(self, stretches: Iterable[Stretch], enough: int) -> Iterator[Chunk]:
        seen: set[str] = set()
        last: list[str] = []  # of the last stretch; those of the only one are compared with nothing
        new = 0
        chunk = Chunk()
        for stretch in stretches:
            seen.update(last)
            part, last, fresh = self._look_at(stretch, seen)
            chunk.parts.append(part)
            new += fresh
            if new >= enough:
                yield chunk
                chunk, new = Chunk(), 0
        if len(chunk):
            yield chunk

    def _look_at(self, stretch: Stretch, seen: set[str]) -> tuple[Part, list[str], int]:
        """What is new of a source and stands by its bits, all its ids, and how many were new."""
        looked = self._ruling.looked_at(self._acts, self._asked, stretch.items, stretch.scores)
        self._lifted |= looked.lifted
        self.touched |= looked.touched
        places: list[int] | None = None
        gone, new = looked.gone, len(looked.ids)
        if seen:
            places = [at for at, item_id in enumerate(looked.ids) if item_id not in seen]
            new = len(places)
        if gone:
            among = range(len(looked.ids)) if places is None else places
            taken = set(gone)
            places = [at for at in among if at not in taken]
            gone = gone if len(among) == len(looked.ids) else sorted(taken.intersection(among))
            self._drop_by_bits((looked.items[at], looked.bits[at]) for at in gone)
        return Part(stretch, looked, places), looked.ids, new

    def _ordered(self, chunk: Chunk) -> Iterator[Ranked]:
        """A factor is of what a source's scores say: twice as relevant, and not past the whole scale."""
        if not len(chunk):
            return
        values = np.concatenate([part.values for part in chunk.parts])
        order: Iterable[int] = range(len(values))
        if self._acts.lifts or self._acts.mixed_lifts:
            order = np.argsort(-values, kind="stable").tolist()
        scores = values.tolist()
        ends = list(accumulate(len(part) for part in chunk.parts))
        for at in order:
            number = bisect_right(ends, at)
            part = chunk.parts[number]
            place = at - (ends[number - 1] if number else 0)
            if part.places is not None:
                place = part.places[place]
            item, score, stretch, factors = (
                part.looked.items[place],
                scores[at],
                part.stretch,
                part.looked.factors,
            )
            factor = 1.0 if factors is None else float(factors[place])
            if self._trace is not None and factor != 1.0:
                self._tell_lift(item, stretch.floor, stretch.floor + (score - stretch.floor) / factor)
            yield Ranked(item, score, stretch.source, stretch.floor, factor > 1.0)

    def _tell_lift(self, item: Item, floor: float, before: float) -> None:
        assert self._trace is not None
        bits = self._bits_of(item)
        lifts = [one for one in self._acts.lifts if not one.bit or bits & one.bit]
        lifts += [one for one, _ in self._acts.mixed_lifts if one.means(bits, self._asked, item)]
        score = before
        for one in lifts:
            by = one.rule.consequence.factor
            after = floor + (score - floor) * by
            data: dict[str, str | float] = {
                "rule": one.rule.id,
                "effect": "boost" if by > 1.0 else "bury",
                "factor": by if by > 1.0 else 1.0 / by,
                "before": score,
                "after": after,
            }
            self._trace.note(self._slot.id, Step.RULE, item.item_id, data)
            score = after

    # ---- bringing in -----------------------------------------------------------------------------

    def _include(self, listed: list[Ranked]) -> list[Ranked]:
        """What is included stands in the middle of the slot at least: seen, behind what fits best."""
        middle = self._slot.size // 2
        head, tail = listed[:middle], listed[middle:]
        before = {one.item.item_id for one in head}
        found = {one.item.item_id: one for one in tail}
        scores = [one.score for one in (*head[-1:], *tail[:1])] or [1.0]
        place = sum(scores) / len(scores)
        brought: dict[str, tuple[float, Ranked]] = {}
        affinity = self._candidates.visitor.affinity
        for one in self._acts.includes:
            for item in self._items_of(one):
                item_id = item.item_id
                if item_id in before or item_id in brought:
                    continue
                natural = found.get(item_id)
                if natural is not None:
                    fit = 1.0 + natural.score
                    natural.promoted = True
                else:
                    fit = affinity(item.category, item.brand) * self._acts.products.factor(
                        self._bits_of(item)
                    )
                    natural = Ranked(item, place, Origin.RULE)
                natural.score = place
                brought[item_id] = (fit, natural)
                self.touched.add(one.number)
                if self._trace is not None:
                    data = {"rule": one.rule.id, "effect": "include"}
                    self._trace.note(self._slot.id, Step.RULE, item_id, data)
        order = sorted(brought.values(), key=itemgetter(0), reverse=True)
        rest = (one for one in tail if one.item.item_id not in brought)
        return [*head, *(ranked for _, ranked in order), *rest]

    def _items_of(self, one: Acting) -> Iterator[Item]:
        """What a rule includes, as far as it may be offered."""
        consequence = one.rule.consequence
        if consequence.include:
            ids = list(consequence.include)
        else:
            ids = [item.item_id for item in islice(self._meant(one), _INCLUDED)]
        return self._allowed(ids)

    def _allowed(self, ids: list[str]) -> Iterator[Item]:
        pool = self._candidates.admit(ids, [1.0] * len(ids))
        return (item for item in pool.items if self.allows(item))

    def _meant(self, one: Acting) -> Iterator[Item]:
        """Items of the catalog that a rule means, newest first."""
        if one.bit:
            listed: Iterable[Item] = self._sets.matching(one.bit)
        else:
            listed = self._ruling.catalog.newest("", _LOOKED_AT)
        asked = self._asked
        return (item for item in listed if one.test is None or one.test(asked, item))

    def shelf(self) -> Iterator[Ranked]:
        """What a filter lets stand, where the sources have too little of it."""
        filters = self._acts.filters
        if not filters:
            return
        plain = [one for one in filters if one.bit]
        chosen = min(plain, key=lambda one: len(self._sets.matching(one.bit)), default=filters[0])
        for item in self._allowed([item.item_id for item in self._meant(chosen)]):
            yield Ranked(item, 0.0, Source.NEW_ITEMS)

    def pinned(self, taken: set[str]) -> dict[int, Ranked]:
        """Pinned items by position. Of two for one place the first keeps it, the other moves on.

        `taken` are groups that stand elsewhere on the page; those of the pins are added.
        """
        places: dict[int, Ranked] = {}
        for one, pin in self._acts.pins:
            size = self._slot.size
            position = next(
                (at for at in range(pin.position, size + 1) if at not in places and at not in self.contents),
                0,
            )
            if not position:
                continue
            pool = self._candidates.admit((pin.item_id,), (1.0,), capped=False)
            item = pool.items[0] if pool.items else None
            if item is None or item.group in taken or not self.allows(item) or not self.fits(item):
                continue
            taken.add(item.group)
            self.add(item)
            self.touched.add(one.number)
            places[position] = Ranked(item, 1.0, Origin.PINNED)
            if self._trace is not None:
                data = {"rule": one.rule.id, "effect": "pin", "position": position}
                self._trace.note(self._slot.id, Step.RULE, item.item_id, data)
        return places

    def fallback(self) -> Iterator[Source | tuple[str, ...]]:
        """What fills the slot before that which fills any slot: sources, or items in their order."""
        for one in self.fallbacks:
            consequence = one.rule.consequence
            if consequence.fallback_items:
                yield consequence.fallback_items
            yield from consequence.fallback_sources

    def rules(self) -> tuple[str, ...]:
        for one in self._acts.lifts:
            if one.bit & self._lifted or not one.bit:
                self.touched.add(one.number)
        return super().rules()
