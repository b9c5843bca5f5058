"""Which items the rules let stand in one slot of a request. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING

from habitue_collector.exposures import mark
from habitue_collector.fold import price_band
from habitue_collector.profile import Exposure
from habitue_recommender.catalog.items import Item
from habitue_recommender.conditions import Asked
from habitue_recommender.explain.trace import Step
from habitue_recommender.pools import is_below
from habitue_recommender.rulebook.acting import Acting
from habitue_recommender.rulebook.acts import Acts
from habitue_recommender.slots import Slot

if TYPE_CHECKING:
    from habitue_recommender.rulebook.ruling import Ruling


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


class Verdicts:
    """One slot: what may stand there, and which rules said no."""

    def __init__(self, ruling: Ruling, slot: Slot, asked: Asked, acts: Acts) -> None:
        self.touched: set[int] = set()  # numbers of rules that changed something
        self.drops: dict[str, int] = {}
        self._ruling = ruling
        self._slot = slot
        self._asked = asked
        self._acts = acts
        self._sets = ruling.rulebook.item_sets
        self._answers = self._sets.answers()
        self._trace = ruling.trace
        self._hit = self._missed = 0  # bits that took something away
        self._limits = acts.limits.count(self.means) if acts.limits else None

    def allows(self, item: Item) -> bool:
        """Whether no rule takes it away; one that does is noted."""
        acts, bits = self._acts, self._bits_of(item)
        if bits & acts.excluded or bits & acts.wanted != acts.wanted:
            self._drop_by_bits(((item, bits),))
            return False
        return self.stands(item, bits)

    def stands(self, item: Item, bits: int | None = None) -> bool:
        """The same of an item whose bits were looked at already."""
        capped = self._acts.capped.get(item.item_id)
        if capped is None and self._acts.caps:
            capped = self._capped_earlier(item, bits)
        if capped is not None:
            one, seen = capped
            self._drop("cap", one)
            cap = one.rule.consequence.cap
            if self._trace is not None and cap is not None:
                data = {"rule": one.rule.id, "effect": "cap"} | cap.told(seen.count)
                self._trace.note(self._slot.id, Step.CAP, item.item_id, data)
            return False
        if not self._acts.careful:
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

    def _capped_earlier(self, item: Item, bits: int | None) -> tuple[Acting, Exposure] | None:
        """Which cap keeps it of what was in view before the profile's latest."""
        ruling = self._ruling
        seen = None if item.item_id in ruling.exposures else ruling.earlier.get(mark(item.item_id))
        if seen is None:
            return None
        held = self._bits_of(item) if bits is None else bits
        for one in self._acts.caps:
            cap = one.rule.consequence.cap
            if cap is not None and ruling.is_enough(cap, seen) and one.means(held, self._asked, item):
                return one, seen
        return None

    def means(self, one: Acting, item: Item) -> bool:
        return one.means(self._sets.bits(item), self._asked, item)

    def _bits_of(self, item: Item) -> int:
        bits = self._answers.get(item.item_id)
        return self._sets.bits(item) if bits is None else bits

    def _objection(self, item: Item, bits: int) -> tuple[str, Acting] | None:
        """The first of the rules with more than bits to look at that does not let it stand."""
        asked = self._asked
        for effect, one in self._acts.careful:
            if effect == "exclude":
                if one.means(bits, asked, item):
                    return effect, one
            elif effect == "filter":
                if not one.means(bits, asked, item):
                    return effect, one
            elif effect == "in_cart":
                if item.group in self._acts.cart and one.means(bits, asked, item):
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

    def _drop_by_bits(self, gone: Iterable[tuple[Item, int]]) -> None:
        """Hundreds of candidates go this way: which rules did it is only looked up at the end."""
        acts = self._acts
        for item, bits in gone:
            hit, missed = bits & acts.excluded, acts.wanted & ~bits
            self._hit |= hit
            self._missed |= missed
            self._count(Taken.EXCLUDED if hit else Taken.FILTERED)
            if self._trace is not None:
                for one in acts.restricting:
                    effect = "exclude" if one.rule.consequence.exclude else "filter"
                    if one.bit & (hit if effect == "exclude" else missed):
                        data = {"rule": one.rule.id, "effect": effect}
                        self._trace.note(self._slot.id, Step.RULE, item.item_id, data)

    def _count(self, reason: Taken) -> None:
        self.drops[reason.value] = self.drops.get(reason.value, 0) + 1

    # ---- limits: what depends on what stands there already ---------------------------------------

    def fits(self, item: Item) -> bool:
        refusal = self._limits.refusal(item) if self._limits is not None else None
        if refusal is None:
            return True
        one, dimension = refusal
        self._drop("limit", one)
        if self._trace is not None:
            data = {"rule": one.rule.id, "effect": "limit", "dimension": dimension}
            self._trace.note(self._slot.id, Step.RULE, item.item_id, data)
        return False

    def add(self, item: Item) -> None:
        if self._limits is not None:
            self._limits.add_item(item)

    def rules(self) -> tuple[str, ...]:
        """The ids of the rules that changed something, the first one first."""
        for one in self._acts.restricting:
            if one.bit & (self._hit if one.rule.consequence.exclude else self._missed):
                self.touched.add(one.number)
        active = self._ruling.rulebook.active
        return tuple(active[number].rule.id for number in sorted(self.touched))
