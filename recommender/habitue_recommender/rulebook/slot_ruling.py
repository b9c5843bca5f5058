"""What the rules do in one slot of a request. Pure.

Numbers of bits to hold each candidate against, and the few tests that need both the visitor and the item.

What takes away (exclude, filter, same, different, limit, cap, in_cart) holds for everybody. What brings
forward (pin, boost, bury, include, fallback, contents) is not for the holdout, who see what anybody would.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import reduce
from itertools import compress, islice, repeat
from operator import itemgetter, mul, or_
from typing import TYPE_CHECKING

from habitue_collector.fold import price_band
from habitue_collector.profile import Exposure
from habitue_recommender.candidates import Candidates
from habitue_recommender.catalog.items import Item
from habitue_recommender.conditions import Asked
from habitue_recommender.explain.trace import Step
from habitue_recommender.offers import Origin, Ranked
from habitue_recommender.pools import is_below
from habitue_recommender.rulebook.acting import Acting
from habitue_recommender.rulebook.contents import Content
from habitue_recommender.rulebook.limits import Limits
from habitue_recommender.rulebook.rules import Pin
from habitue_recommender.rulebook.standing import CompiledRule, Products, Standing
from habitue_recommender.rulebook.stretches import Chunk, Looked, Stretch
from habitue_recommender.slots import Slot, Source

if TYPE_CHECKING:
    from habitue_recommender.rulebook.ruling import Ruling

_INCLUDED = 50  # items that one rule with `include: true` brings in; a slot shows a dozen
_LOOKED_AT = 1_000  # items of the catalog, where no column says which ones a rule means
_MOST_FACTOR = 1e6
_NOTHING = Products()


class Taken(StrEnum):
    """Why a rule does not let a candidate stand; counted beside the drops of eligibility."""

    EXCLUDED = "excluded"
    FILTERED = "filtered"
    CAPPED = "capped"
    OTHER_KIND = "other_kind"  # same or different
    IN_CART = "in_cart"
    LIMITED = "limited"


_COUNTED = {
    "exclude": Taken.EXCLUDED,
    "filter": Taken.FILTERED,
    "cap": Taken.CAPPED,
    "same": Taken.OTHER_KIND,
    "different": Taken.OTHER_KIND,
    "in_cart": Taken.IN_CART,
    "limit": Taken.LIMITED,
}


class SlotRuling:
    """One slot of one request."""

    def __init__(
        self,
        ruling: Ruling,
        slot: Slot,
        candidates: Candidates,
        asked: Asked,
        standing: Standing,
        acting: list[tuple[Acting, CompiledRule]],
        contents: dict[int, Content],
        holdout: bool,
    ) -> None:
        self.contents = contents
        self.touched: set[int] = set()  # numbers of rules that changed something
        self.drops: dict[str, int] = {}
        self._ruling = ruling
        self._slot = slot
        self._candidates = candidates
        self._asked = asked
        self._sets = ruling.rulebook.item_sets
        self._answers = self._sets.answers()
        self._trace = ruling.trace
        # Bits of conditions on the item alone, and the rules behind them.
        self._excluded, self._wanted = standing.excluded, standing.wanted
        self._restricting: list[CompiledRule | Acting] = list(standing.restricting)
        self._hit = self._missed = self._lifted = 0  # bits that took something away, or lifted it
        self._lifting = 0 if holdout else standing.lifting
        self._lifts: list[CompiledRule | Acting] = [] if holdout else list(standing.lifts)
        self._standing_products = self._products = _NOTHING if holdout else standing.products
        self._mixed_lifts: list[tuple[Acting, float]] = []
        self._careful: list[tuple[str, Acting]] = []
        self._capped: dict[str, tuple[Acting, Exposure]] = {}
        self._filters: list[Acting] = []
        self._limits = Limits(self.means)
        self._includes: list[Acting] = []
        self._cart: frozenset[str] = frozenset()  # groups of what lies in it
        self.pins: list[tuple[Acting, Pin]] = []
        self.fallbacks: list[Acting] = []
        self._filters += [Acting(one, None) for one in standing.restricting if one.rule.consequence.filter]
        for one, compiled in acting:
            for effect in compiled.restricts:
                self._restrict(one, effect)
            if not holdout:
                for effect in compiled.promotes:
                    self._promote(one, effect)
        # Those that read the slot mean other items in each.
        slots = [hash(slot.id)] if any(one.reads_slot for one, _ in self._mixed_lifts) else []
        numbers = [one.number for one in self._lifts] + [one.number for one, _ in self._mixed_lifts]
        self._lifting_rules = (*numbers, *slots)

    # ---- taking the rules in ---------------------------------------------------------------------

    def _restrict(self, one: Acting, effect: str) -> None:
        if effect in ("exclude", "filter"):
            if effect == "filter":
                self._filters.append(one)
            if one.bit and one.test is None:
                self._restricting.append(one)
                if effect == "exclude":
                    self._excluded |= one.bit
                else:
                    self._wanted |= one.bit
                return
            self._careful.append((effect, one))
        elif effect == "in_cart":
            self._cart = self._cart or self._groups_in_cart()
            covered = any(other == "in_cart" and held.is_for_all for other, held in self._careful)
            if self._cart and not covered:
                self._careful.append((effect, one))
        elif effect == "limit":
            self._limits.add(one)
        elif effect == "cap":
            self._note_capped(one)
        else:
            self._careful.append((effect, one))

    def _promote(self, one: Acting, effect: str) -> None:
        consequence = one.rule.consequence
        if effect == "pin":
            self.pins += [(one, pin) for pin in consequence.pins]
        elif effect == "include":
            self._includes.append(one)
        elif effect == "fallback":
            self.fallbacks.append(one)
        elif one.test is not None:
            self._mixed_lifts.append((one, consequence.factor))
        else:
            self._lifting |= one.bit
            self._lifts.append(one)
            if self._products is self._standing_products:
                self._products = Products(self._products)
            self._products.add(one.bit, consequence.factor)

    def _groups_in_cart(self) -> frozenset[str]:
        catalog = self._ruling.catalog
        held = (catalog.get(item_id) for item_id in self._asked.value("visitor.cart.items"))
        return frozenset(item.group for item in held if item is not None)

    def _note_capped(self, one: Acting) -> None:
        for item_id, seen in self._ruling.seen_enough(one, self._asked).items():
            self._capped.setdefault(item_id, (one, seen))

    # ---- may it stand? ---------------------------------------------------------------------------

    @property
    def orders(self) -> bool:
        """Whether the order of candidates changes, so that all of them have to be looked at."""
        return bool(self._lifts or self._mixed_lifts or self._includes)

    def allows(self, item: Item) -> bool:
        """Whether no rule takes it away; one that does is noted."""
        bits = self._bits_of(item)
        if bits & self._excluded or bits & self._wanted != self._wanted:
            self._drop_by_bits(item, bits)
            return False
        return self.stands(item, bits)

    def stands(self, item: Item, bits: int | None = None) -> bool:
        """The same of an item that `arrange` gave, which has looked at the bits already."""
        if item.item_id in self._capped:
            one, seen = self._capped[item.item_id]
            self._drop("cap", one)
            cap = one.rule.consequence.cap
            if self._trace is not None and cap is not None:
                data = {"rule": one.rule.id, "effect": "cap"} | cap.told(seen.count)
                self._trace.note(self._slot.id, Step.CAP, item.item_id, data)
            return False
        if not self._careful:
            return True
        objection = self._objection(item, self._bits_of(item) if bits is None else bits)
        if objection is None:
            return True
        effect, one = objection
        self._drop(effect, one)
        if self._trace is not None:
            data = {"rule": one.rule.id, "effect": effect}
            if effect in ("same", "different"):
                data["dimension"] = self._differs(item, effect, one)
            self._trace.note(self._slot.id, Step.RULE, item.item_id, data)
        return False

    def _bits_of(self, item: Item) -> int:
        bits = self._answers.get(item.item_id)
        return self._sets.bits(item) if bits is None else bits

    def _objection(self, item: Item, bits: int) -> tuple[str, Acting] | None:
        """The first of the rules with more than bits to look at that does not let it stand."""
        asked = self._asked
        for effect, one in self._careful:
            if effect == "exclude":
                if one.means(bits, asked, item):
                    return effect, one
            elif effect == "filter":
                if not one.means(bits, asked, item):
                    return effect, one
            elif effect == "in_cart":
                if item.group in self._cart and one.means(bits, asked, item):
                    return effect, one
            elif one.means(bits, asked, item) and self._differs(item, effect, one):
                return effect, one
        return None

    def _differs(self, item: Item, effect: str, one: Acting) -> str:
        """The dimension in which an item is not as `same` or `different` wants it; "" when it is."""
        consequence = one.rule.consequence
        wanted = effect == "same"
        for dimension in consequence.same if wanted else consequence.different:
            alike = self._is_alike(item, dimension)
            if alike is not None and alike is not wanted:
                return dimension
        return ""

    def _is_alike(self, item: Item, dimension: str) -> bool | None:
        """None when the page has nothing to compare with."""
        viewed, page = self._ruling.viewed, self._ruling.page
        if dimension == "category":
            path = (viewed.category if viewed is not None else "") or page.category or ""
            return is_below(item.category, path) if path else None
        if viewed is None:
            return None
        if dimension == "brand":
            return item.brand == viewed.brand if viewed.brand else None
        if not viewed.price:
            return None
        return bool(item.price) and price_band(item.price or 0.0) == price_band(viewed.price)

    def _drop(self, effect: str, one: Acting) -> None:
        self.touched.add(one.number)
        self._count(_COUNTED[effect])

    def _drop_by_bits(self, item: Item, bits: int) -> None:
        """Hundreds of candidates go this way: which rules did it is only looked up at the end."""
        hit, missed = bits & self._excluded, self._wanted & ~bits
        self._hit |= hit
        self._missed |= missed
        self._count(Taken.EXCLUDED if hit else Taken.FILTERED)
        if self._trace is not None:
            for one in self._restricting:
                effect = "exclude" if one.rule.consequence.exclude else "filter"
                if one.bit & (hit if effect == "exclude" else missed):
                    data = {"rule": one.rule.id, "effect": effect}
                    self._trace.note(self._slot.id, Step.RULE, item.item_id, data)

    def _count(self, reason: Taken) -> None:
        self.drops[reason.value] = self.drops.get(reason.value, 0) + 1

    # ---- limits: what depends on what stands there already ---------------------------------------

    def fits(self, item: Item) -> bool:
        refusal = self._limits.refusal(item) if self._limits else None
        if refusal is None:
            return True
        one, dimension = refusal
        self._drop("limit", one)
        if self._trace is not None:
            data = {"rule": one.rule.id, "effect": "limit", "dimension": dimension}
            self._trace.note(self._slot.id, Step.RULE, item.item_id, data)
        return False

    def add(self, item: Item) -> None:
        if self._limits:
            self._limits.add_item(item)

    def means(self, one: Acting, item: Item) -> bool:
        return one.means(self._sets.bits(item), self._asked, item)

    # ---- the order -------------------------------------------------------------------------------

    def arrange(self, stretches: Iterable[Stretch], enough: int) -> Iterator[Ranked]:
        """Candidates, each once, as boosts, buries and includes want them; `stands` is still to be asked.

        Sources are asked until they gave `enough`, and those are put in order together; the later ones are
        asked when that did not fill.
        """
        includes = bool(self._includes)
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
        looked_at = 0
        chunk = Chunk()
        for stretch in stretches:
            self._look_at(stretch, chunk, seen)
            if len(seen) - looked_at >= enough:
                looked_at = len(seen)
                yield chunk
                chunk = Chunk()
        if chunk.items:
            yield chunk

    def _look_at(self, stretch: Stretch, chunk: Chunk, seen: set[str]) -> None:
        """Take in what is new of a source and let stand by its bits: some 200 ns for each."""
        items, floor, scale = stretch.items, stretch.floor, stretch.scale
        looked = self._ruling.looked_at(items, self._lifting_rules, self._look)
        self._lifted |= looked.lifted
        self.touched |= looked.touched
        scores = stretch.scores
        if looked.factors is not None:
            scores = list(map(mul, scores, looked.factors))
        excluded, wanted = self._excluded, self._wanted
        kept: list[int] | None = None
        if seen:
            kept = [at for at, item_id in enumerate(looked.ids) if item_id not in seen]
        if excluded or wanted:
            bits = looked.bits
            among = range(len(bits)) if kept is None else kept
            kept = [at for at in among if not bits[at] & excluded and bits[at] & wanted == wanted]
            if len(kept) < len(among):
                for at in set(among).difference(kept):
                    self._drop_by_bits(items[at], bits[at])
        seen.update(looked.ids)
        factors = looked.factors
        if kept is not None and len(kept) < len(items):
            items, scores = [items[at] for at in kept], [scores[at] for at in kept]
            factors = [factors[at] for at in kept] if factors is not None else None
        chunk.items += items
        chunk.scores += [floor + scale * score for score in scores]
        chunk.factors += factors or [1.0] * len(items)
        chunk.stretches.append((len(chunk.items), stretch))

    def _look(self, items: list[Item]) -> Looked:
        """What the rules say to each of a source's candidates."""
        ids = [item.item_id for item in items]
        # Here and below all runs in C that can: there are thousands of these in a decision.
        known = list(map(self._answers.get, ids))
        bits: list[int] = [self._bits_of(item) for item in items] if None in known else known  # type: ignore[assignment]  # no None is in it
        if not self._lifts and not self._mixed_lifts:
            return Looked(items, ids, bits, None, 0, frozenset())
        lifting, products = self._lifting, self._products
        factors = list(map(products.__getitem__, map(lifting.__and__, bits)))
        asked, places = self._asked, range(len(items))
        touched = set()
        for one, by in self._mixed_lifts:
            test, bit = one.test, one.bit
            if test is None:
                continue
            if bit:
                hits = [at for at in places if bits[at] & bit and test(asked, items[at])]
            else:
                hits = list(compress(places, map(test, repeat(asked), items)))
            for at in hits:
                factors[at] *= by
            if hits:
                touched.add(one.number)
        if factors and (max(factors) > _MOST_FACTOR or min(factors) < 1.0 / _MOST_FACTOR):
            factors = [min(max(factor, 1.0 / _MOST_FACTOR), _MOST_FACTOR) for factor in factors]
        return Looked(items, ids, bits, factors, reduce(or_, bits, 0) & lifting, frozenset(touched))

    def _ordered(self, chunk: Chunk) -> Iterator[Ranked]:
        """A factor is of what a source's scores say: twice as relevant, and not past the whole scale."""
        scores, factors = chunk.scores, chunk.factors
        order: Iterable[int] = range(len(scores))
        if self._lifts or self._mixed_lifts:
            order = sorted(order, key=scores.__getitem__, reverse=True)
        ends = [end for end, _ in chunk.stretches]
        for at in order:
            item, score, factor = chunk.items[at], scores[at], factors[at]
            _, stretch = chunk.stretches[bisect_right(ends, at)]
            if self._trace is not None and factor != 1.0:
                self._tell_lift(item, stretch.floor, stretch.floor + (score - stretch.floor) / factor)
            yield Ranked(item, score, stretch.source, stretch.floor, factor > 1.0)

    def _tell_lift(self, item: Item, floor: float, before: float) -> None:
        assert self._trace is not None
        bits = self._bits_of(item)
        lifts = [one for one in self._lifts if not one.bit or bits & one.bit]
        lifts += [one for one, _ in self._mixed_lifts if one.means(bits, self._asked, item)]
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
        for one in self._includes:
            for item in self._items_of(one):
                item_id = item.item_id
                if item_id in before or item_id in brought:
                    continue
                natural = found.get(item_id)
                if natural is not None:
                    fit = 1.0 + natural.score
                    natural.promoted = True
                else:
                    fit = (
                        affinity(item.category, item.brand)
                        * self._products[self._bits_of(item) & self._lifting]
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
        if not self._filters:
            return
        plain = [one for one in self._filters if one.bit]
        chosen = min(plain, key=lambda one: len(self._sets.matching(one.bit)), default=self._filters[0])
        for item in self._allowed([item.item_id for item in self._meant(chosen)]):
            yield Ranked(item, 0.0, Source.NEW_ITEMS)

    def pinned(self, taken: set[str]) -> dict[int, Ranked]:
        """Pinned items by position. Of two for one place the first keeps it, the other moves on.

        `taken` are groups that stand elsewhere on the page; those of the pins are added.
        """
        places: dict[int, Ranked] = {}
        for one, pin in self.pins:
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
        """The ids of the rules that changed something, the first one first."""
        for one in self._restricting:
            if one.bit & (self._hit if one.rule.consequence.exclude else self._missed):
                self.touched.add(one.number)
        for one in self._lifts:
            if one.bit & self._lifted or not one.bit:
                self.touched.add(one.number)
        active = self._ruling.rulebook.active
        return tuple(active[number].rule.id for number in sorted(self.touched))
