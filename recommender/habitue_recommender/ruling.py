"""What the rules do in one decision. Pure.

A `Ruling` is one request held against the rulebook: conditions on page, visitor and time are asked here,
once. A `SlotRuling` is what is left of it for one slot: numbers of bits to hold each candidate against, and
the few tests that need both the visitor and the item.

What takes away (exclude, filter, same, different, limit, cap, in_cart) holds for everybody. What brings
forward (pin, boost, bury, include, fallback, contents) is not for the holdout, who see what anybody would.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import islice
from operator import attrgetter

from habitue_collector.fold import price_band
from habitue_collector.profile import Exposure, Profile
from habitue_recommender.assignment import share_of
from habitue_recommender.candidates import Candidates
from habitue_recommender.catalog import DAY, Catalog
from habitue_recommender.conditions import Asked, Test
from habitue_recommender.contents import PREFIX, Content
from habitue_recommender.items import Item
from habitue_recommender.offers import Origin, Ranked
from habitue_recommender.page import Page
from habitue_recommender.pools import is_below
from habitue_recommender.rulebook import CompiledRule, Rulebook
from habitue_recommender.rules import Cap, Pin
from habitue_recommender.slots import Slot, Source
from habitue_recommender.trace import Step, Trace
from habitue_recommender.validity import ALWAYS, Moment
from habitue_recommender.visitor import HOUR

_INCLUDED = 50  # items that one rule with `include: true` brings in; a slot shows a dozen
_LOOKED_AT = 1_000  # items of the catalog, where no column says which ones a rule means
_MOST_FACTOR = 1e6
_by_score = attrgetter("score")


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


class Acting:
    """A rule that acts in this slot, on the items that it means."""

    __slots__ = ("bit", "number", "rule", "test")

    def __init__(self, one: CompiledRule, test: Test | None) -> None:
        self.rule = one.rule
        self.number = one.number
        self.bit = one.bit
        self.test = test

    def means(self, bits: int, asked: Asked, item: Item) -> bool:
        if self.bit and not bits & self.bit:
            return False
        return self.test is None or self.test(asked, item)


class Ruling:
    """One request before the rulebook. `profile` is None when nothing of the visitor may be used."""

    def __init__(
        self,
        rulebook: Rulebook,
        page: Page,
        profile: Profile | None,
        catalog: Catalog,
        now: int,
        salt: bytes,
        new_since: int | None = None,
        trace: Trace | None = None,
    ) -> None:
        self.rulebook = rulebook
        self.catalog = catalog
        self.now = now
        self.trace = trace
        self.viewed = catalog.get(page.item_id) if page.item_id else None
        self.page = page
        self.asked = Asked(
            page,
            profile,
            now,
            zone=rulebook.zone,
            segments=lambda: rulebook.segments_of(profile, now),
            viewed=self.viewed,
            new_since=new_since,
        )
        self._visitor_id = profile.profile_id if profile is not None else None
        self._salt = salt
        self._moment = Moment.of(now, rulebook.zone)
        self._held: dict[int, bool] = {}
        self._tests: dict[int, Test] = {}
        self._placed: set[str] = set()  # contents of this page
        rulebook.item_sets.follow(catalog)

    def of(self, slot: Slot, candidates: Candidates, holdout: bool = False) -> SlotRuling | None:
        """What holds in this slot; None when nothing does."""
        asked = self.asked.for_slot(slot.id)
        acting: list[Acting] = []
        for one in self.rulebook.rules_of(slot.id, self.page.type):
            if (one.promotes and not holdout) or one.restricts:
                if one.reads_slot:
                    holds = self._holds(one, asked)
                else:
                    known = self._held.get(one.number)
                    if known is None:
                        known = self._held[one.number] = self._holds(one, asked)
                    holds = known
                if holds:
                    acting.append(Acting(one, self._test(one, asked)))
        contents = {} if holdout else self._contents(slot, asked)
        if not acting and not contents:
            return None
        return SlotRuling(self, slot, candidates, asked, acting, contents, holdout)

    def _holds(self, one: CompiledRule, asked: Asked) -> bool:
        rule = one.rule
        if rule.validity is not ALWAYS and not rule.validity.holds(self._moment):
            return False
        if rule.share < 1.0 and not self._draws(f"rule:{rule.id}", rule.share):
            return False
        return one.request is None or one.request(asked, None)

    def _draws(self, purpose: str, share: float) -> bool:
        """Whether this visitor is in a share of all; somebody without an id is in none."""
        visitor_id = self._visitor_id
        return visitor_id is not None and share_of(self._salt, purpose, visitor_id) < share

    def _test(self, one: CompiledRule, asked: Asked) -> Test | None:
        if one.mixed is None:
            return None
        if one.reads_slot:
            return one.mixed(asked)
        test = self._tests.get(one.number)
        if test is None:
            test = self._tests[one.number] = one.mixed(asked)
        return test

    def _contents(self, slot: Slot, asked: Asked) -> dict[int, Content]:
        """The contents of a slot by position: of those that want one place, the first that may have it."""
        found: dict[int, Content] = {}
        for content in self.rulebook.contents_of(slot.id):
            if content.position in found or content.id in self._placed or content.position > slot.size:
                continue
            if content.validity is not ALWAYS and not content.validity.holds(self._moment):
                continue
            if content.share < 1.0 and not self._draws(f"content:{content.id}", content.share):
                continue
            if content.condition is not None and not content.condition.test(asked, None):
                continue
            seen = self.exposures.get(PREFIX + content.id) if content.cap is not None else None
            if content.cap is not None and seen is not None and self.is_enough(content.cap, seen):
                if self.trace is not None:
                    self.trace.note(slot.id, Step.CAP, content.item.item_id, _cap_data(content.cap, seen))
                continue
            found[content.position] = content
            self._placed.add(content.id)
        return found

    @property
    def exposures(self) -> dict[str, Exposure]:
        exposures: dict[str, Exposure] = self.asked.value("exposures")
        return exposures

    def is_enough(self, cap: Cap, seen: Exposure) -> bool:
        """Whether it was in view often enough. Days are counted by the hour: an hour's answers agree."""
        return seen.count >= cap.impressions and seen.last > self.now - self.now % HOUR - cap.days * DAY


class SlotRuling:
    """One slot of one request."""

    def __init__(
        self,
        ruling: Ruling,
        slot: Slot,
        candidates: Candidates,
        asked: Asked,
        acting: list[Acting],
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
        self._excluded = self._wanted = self._lifting = 0
        self._by_bit: list[Acting] = []
        self._careful: list[tuple[str, Acting]] = []
        self._factor = 1.0
        self._factors: dict[int, float] = {}  # by the bits that lift
        self._lifts: list[tuple[int, float, Acting]] = []
        self._mixed_lifts: list[tuple[Acting, float]] = []
        self._capped: dict[str, tuple[Acting, Cap, Exposure]] = {}
        self._filters: list[Acting] = []
        self._limits: list[_Limit] = []
        self._includes: list[Acting] = []
        self._cart: frozenset[str] | None = None
        self.pins: list[tuple[Acting, Pin]] = []
        self.fallbacks: list[Acting] = []
        for one in acting:
            self._restrict(one)
            if not holdout:
                self._promote(one)

    # ---- taking the rules in ---------------------------------------------------------------------

    def _restrict(self, one: Acting) -> None:
        consequence = one.rule.consequence
        plain = one.bit and one.test is None
        if consequence.exclude:
            if plain:
                self._excluded |= one.bit
                self._by_bit.append(one)
            else:
                self._careful.append(("exclude", one))
        if consequence.filter:
            self._filters.append(one)
            if plain:
                self._wanted |= one.bit
                self._by_bit.append(one)
            else:
                self._careful.append(("filter", one))
        if consequence.same:
            self._careful.append(("same", one))
        if consequence.different:
            self._careful.append(("different", one))
        if consequence.in_cart_never and self._in_cart():
            self._careful.append(("in_cart", one))
        if consequence.per_brand or consequence.per_category:
            self._limits.append(_Limit(one))
        if consequence.cap is not None:
            self._note_capped(one, consequence.cap)

    def _promote(self, one: Acting) -> None:
        consequence = one.rule.consequence
        self.pins += [(one, pin) for pin in consequence.pins]
        if consequence.include or consequence.include_matching:
            self._includes.append(one)
        if consequence.fallback_items or consequence.fallback_sources:
            self.fallbacks.append(one)
        factor = consequence.factor
        if factor == 1.0:
            return
        if one.test is not None:
            self._mixed_lifts.append((one, factor))
        elif one.bit:
            self._lifting |= one.bit
            self._lifts.append((one.bit, factor, one))
        else:
            self._factor *= factor
            self._lifts.append((0, factor, one))
            self.touched.add(one.number)

    def _in_cart(self) -> frozenset[str]:
        """Groups of what lies in the cart."""
        if self._cart is None:
            catalog = self._ruling.catalog
            held = (catalog.get(item_id) for item_id in self._asked.value("visitor.cart.items"))
            self._cart = frozenset(item.group for item in held if item is not None)
        return self._cart

    def _note_capped(self, one: Acting, cap: Cap) -> None:
        ruling = self._ruling
        for item_id, seen in ruling.exposures.items():
            if item_id in self._capped or not ruling.is_enough(cap, seen):
                continue
            item = ruling.catalog.get(item_id)
            if item is not None and one.means(self._sets.bits(item), self._asked, item):
                self._capped[item_id] = (one, cap, seen)

    # ---- may it stand? ---------------------------------------------------------------------------

    @property
    def orders(self) -> bool:
        """Whether the order of candidates changes, so that all of them have to be looked at."""
        return bool(self._lifts or self._mixed_lifts or self._includes)

    def allows(self, item: Item) -> bool:
        """Whether no rule takes it away; one that does is noted."""
        bits = self._answers.get(item.item_id)
        if bits is None:
            bits = self._sets.bits(item)
        if (
            not bits & self._excluded
            and bits & self._wanted == self._wanted
            and item.item_id not in self._capped
            and (not self._careful or self._objection(item, bits) is None)
        ):
            return True
        self._drop(item, bits)
        return False

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
                if item.group in self._in_cart() and one.means(bits, asked, item):
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

    def _drop(self, item: Item, bits: int) -> None:
        """Who took it away: told once, the first that did."""
        effect, one = self._culprit(item, bits)
        self.touched.add(one.number)
        self._count(_COUNTED[effect])
        if self._trace is None:
            return
        data: dict[str, str | int | float] = {"rule": one.rule.id, "effect": effect}
        if effect == "cap":
            _, cap, seen = self._capped[item.item_id]
            self._trace.note(self._slot.id, Step.CAP, item.item_id, data | _cap_data(cap, seen))
            return
        if effect in ("same", "different"):
            data["dimension"] = self._differs(item, effect, one)
        self._trace.note(self._slot.id, Step.RULE, item.item_id, data)

    def _count(self, reason: Taken) -> None:
        self.drops[reason.value] = self.drops.get(reason.value, 0) + 1

    def _culprit(self, item: Item, bits: int) -> tuple[str, Acting]:
        for one in self._by_bit:
            if one.rule.consequence.exclude and bits & one.bit:
                return "exclude", one
            if one.rule.consequence.filter and not bits & one.bit:
                return "filter", one
        capped = self._capped.get(item.item_id)
        if capped is not None:
            return "cap", capped[0]
        found = self._objection(item, bits)
        assert found is not None  # else it would stand
        return found

    # ---- limits: what depends on what stands there already ---------------------------------------

    def fits(self, item: Item) -> bool:
        for limit in self._limits:
            dimension = limit.refuses(item, self)
            if dimension:
                self.touched.add(limit.one.number)
                self._count(Taken.LIMITED)
                if self._trace is not None:
                    data = {"rule": limit.one.rule.id, "effect": "limit", "dimension": dimension}
                    self._trace.note(self._slot.id, Step.RULE, item.item_id, data)
                return False
        return True

    def add(self, item: Item) -> None:
        for limit in self._limits:
            limit.add(item, self)

    def means(self, one: Acting, item: Item) -> bool:
        return one.means(self._sets.bits(item), self._asked, item)

    # ---- the order -------------------------------------------------------------------------------

    def arrange(self, ranked: Iterable[Ranked], most: int) -> list[Ranked]:
        """Up to `most` candidates, each once, as boosts, buries and includes want them."""
        found: dict[str, Ranked] = {}
        lifted = False
        for one in ranked:
            item = one.item
            if item.item_id in found:
                continue
            found[item.item_id] = one
            factor = self._factor_of(item)
            if factor != 1.0:
                self._lift(one, factor)
                lifted = True
            if len(found) >= most:
                break
        listed = list(found.values())
        if lifted:
            listed.sort(key=_by_score, reverse=True)
        if self._includes:
            listed = self._include(listed, found)
        return listed

    def _factor_of(self, item: Item) -> float:
        bits = self._answers.get(item.item_id)
        if bits is None:
            bits = self._sets.bits(item)
        hit = bits & self._lifting
        factor = self._factor
        if hit:
            known = self._factors.get(hit)
            if known is None:
                known = self._factors[hit] = self._multiply(hit)
            factor *= known
        if self._mixed_lifts:
            asked = self._asked
            for one, by in self._mixed_lifts:
                if (not one.bit or bits & one.bit) and one.test is not None and one.test(asked, item):
                    factor *= by
                    self.touched.add(one.number)
        return factor

    def _multiply(self, hit: int) -> float:
        factor = 1.0
        for bit, by, one in self._lifts:
            if bit & hit:
                factor *= by
                self.touched.add(one.number)
        return factor

    def _lift(self, one: Ranked, factor: float) -> None:
        """A factor is of what its source's scores say: twice as relevant, and not past the whole scale."""
        factor = min(max(factor, 1.0 / _MOST_FACTOR), _MOST_FACTOR)
        before = one.score
        one.score = one.floor + (before - one.floor) * factor
        one.promoted = factor > 1.0
        if self._trace is not None:
            self._tell_lift(one, before)

    def _tell_lift(self, ranked: Ranked, before: float) -> None:
        assert self._trace is not None
        item = ranked.item
        bits = self._sets.bits(item)
        acting = [(by, one) for bit, by, one in self._lifts if not bit or bits & bit]
        acting += [(by, one) for one, by in self._mixed_lifts if one.means(bits, self._asked, item)]
        score = before
        for by, one in acting:
            after = ranked.floor + (score - ranked.floor) * by
            data = {
                "rule": one.rule.id,
                "effect": "boost" if by > 1.0 else "bury",
                "factor": by if by > 1.0 else 1.0 / by,
                "before": score,
                "after": after,
            }
            self._trace.note(self._slot.id, Step.RULE, item.item_id, data)
            score = after

    # ---- bringing in -----------------------------------------------------------------------------

    def _include(self, listed: list[Ranked], found: dict[str, Ranked]) -> list[Ranked]:
        """What is included stands in the middle of the slot at least: seen, behind what fits best."""
        middle = self._slot.size // 2
        head, tail = listed[:middle], listed[middle:]
        before = {one.item.item_id for one in head}
        scores = [one.score for one in (*head[-1:], *tail[:1])] or [1.0]
        place = sum(scores) / len(scores)
        brought: dict[str, Ranked] = {}
        for one in self._includes:
            for item in self._items_of(one):
                item_id = item.item_id
                if item_id in before or item_id in brought:
                    continue
                natural = found.get(item_id)
                if natural is None:
                    fit = self._candidates.visitor.affinity(item.category, item.brand)
                    natural = Ranked(item, fit, Origin.RULE, promoted=False)
                    natural.score *= self._factor_of(item)
                brought[item_id] = natural
                self.touched.add(one.number)
                if self._trace is not None:
                    data = {"rule": one.rule.id, "effect": "include"}
                    self._trace.note(self._slot.id, Step.RULE, item_id, data)
        order = sorted(brought.values(), key=_by_score, reverse=True)
        for ranked in order:
            ranked.score = max(place, ranked.score) if ranked.source is not Origin.RULE else place
            ranked.promoted = ranked.source is not Origin.RULE
        return [*head, *order, *(one for one in tail if one.item.item_id not in brought)]

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
        active = self._ruling.rulebook.active
        return tuple(active[number].rule.id for number in sorted(self.touched))


class _Limit:
    """No more than so many of one brand or category, of the items that a rule means."""

    __slots__ = ("_brands", "_categories", "_per_brand", "_per_category", "one")

    def __init__(self, one: Acting) -> None:
        self.one = one
        self._per_brand = one.rule.consequence.per_brand
        self._per_category = one.rule.consequence.per_category
        self._brands: dict[str, int] = {}
        self._categories: dict[str, int] = {}

    def refuses(self, item: Item, ruling: SlotRuling) -> str:
        """The dimension of which there are enough; "" when there is room."""
        brand = self._per_brand and self._brands.get(item.brand, 0) >= self._per_brand
        category = self._per_category and self._categories.get(item.category, 0) >= self._per_category
        if not (brand or category) or not ruling.means(self.one, item):
            return ""
        return "brand" if brand else "category"

    def add(self, item: Item, ruling: SlotRuling) -> None:
        if not ruling.means(self.one, item):
            return
        if item.brand:  # what has no brand is not of the same one
            self._brands[item.brand] = self._brands.get(item.brand, 0) + 1
        if item.category:
            self._categories[item.category] = self._categories.get(item.category, 0) + 1


def _cap_data(cap: Cap, seen: Exposure) -> dict[str, int | float]:
    return {"count": int(seen.count), "impressions": cap.impressions, "days": cap.days}
