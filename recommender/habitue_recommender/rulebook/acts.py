"""What the rules come to that act in a slot. Pure.

Numbers of bits to hold each candidate against, and the few rules that need more than bits: the same for all
slots of a request in which the same rules act, so it is made once for them.

What takes away (exclude, filter, same, different, limit, cap, in_cart) holds for everybody. What brings
forward (pin, boost, bury, include, fallback, contents) is not for the holdout, who see what anybody would.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from habitue_collector.profile import Exposure
from habitue_recommender.conditions import Asked
from habitue_recommender.rulebook.acting import Acting
from habitue_recommender.rulebook.limits import Limits
from habitue_recommender.rulebook.rules import Pin
from habitue_recommender.rulebook.standing import Added, CompiledRule, Standing

if TYPE_CHECKING:
    from habitue_recommender.rulebook.ruling import Ruling


class Acts:
    """See the module. Not changed once it is made."""

    def __init__(
        self, ruling: Ruling, asked: Asked, standing: Standing, acting: Sequence[Acting], holdout: bool
    ) -> None:
        self._ruling = ruling
        self._asked = asked
        # Bits of conditions on the item alone, and the rules behind them.
        self.excluded, self.wanted = standing.excluded, standing.wanted
        self.restricting: list[CompiledRule | Acting] = list(standing.restricting)
        self.lifting = 0 if holdout else standing.lifting
        self.lifts: list[CompiledRule | Acting] = [] if holdout else list(standing.lifts)
        # And those that ask for more.
        self.mixed_lifts: list[tuple[Acting, float]] = []
        self.careful: list[tuple[str, Acting]] = []
        self.capped: dict[str, tuple[Acting, Exposure]] = {}
        self.caps: list[Acting] = []  # for what was in view before the profile's latest
        self.filters = [Acting(one) for one in standing.restricting if one.rule.consequence.filter]
        self.limits = Limits()
        self.includes: list[Acting] = []
        self.cart: frozenset[str] = frozenset()  # groups of what lies in it
        self.pins: list[tuple[Acting, Pin]] = []
        self.fallbacks: list[Acting] = []
        self._worn: list[dict[str, Exposure]] = []  # what `capped` has taken in whole
        for one in acting:
            for effect in one.restricts:
                self._restrict(one, effect)
            if not holdout:
                for effect in one.promotes:
                    self._promote(one, effect)
        lifts = tuple((one.bit, one.rule.consequence.factor) for one in self.lifts[len(standing.lifts) :])
        self.products = standing.products_with(
            Added(holdout, self.excluded & ~standing.excluded, self.wanted & ~standing.wanted, lifts)
        )

    @property
    def orders(self) -> bool:
        """Whether the order of candidates changes, so that all of them have to be looked at."""
        return bool(self.lifts or self.mixed_lifts or self.includes)

    def _restrict(self, one: Acting, effect: str) -> None:
        if effect in ("exclude", "filter"):
            if effect == "filter":
                self.filters.append(one)
            if one.bit and not one.is_mixed:
                self.restricting.append(one)
                if effect == "exclude":
                    self.excluded |= one.bit
                else:
                    self.wanted |= one.bit
                return
            self.careful.append((effect, one))
        elif effect == "in_cart":
            self.cart = self.cart or self._groups_in_cart()
            covered = any(other == "in_cart" and held.is_for_all for other, held in self.careful)
            if self.cart and not covered:
                self.careful.append((effect, one))
        elif effect == "limit":
            self.limits.add(one)
        elif effect == "cap":
            self._note_capped(one)
        else:
            self.careful.append((effect, one))

    def _promote(self, one: Acting, effect: str) -> None:
        consequence = one.rule.consequence
        if effect == "pin":
            self.pins += [(one, pin) for pin in consequence.pins]
        elif effect == "include":
            self.includes.append(one)
        elif effect == "fallback":
            self.fallbacks.append(one)
        elif one.is_mixed:
            self.mixed_lifts.append((one, consequence.factor))
        else:
            self.lifting |= one.bit
            self.lifts.append(one)

    def _groups_in_cart(self) -> frozenset[str]:
        catalog = self._ruling.catalog
        held = (catalog.get(item_id) for item_id in self._asked.value("visitor.cart.items"))
        return frozenset(item.group for item in held if item is not None)

    def _note_capped(self, one: Acting) -> None:
        if self._ruling.earlier:
            self.caps.append(one)
        worn = self._ruling.seen_enough(one, self._asked)
        if any(worn is known for known in self._worn):  # an earlier rule with the same cap
            return
        self._worn.append(worn)
        for item_id, seen in worn.items():
            self.capped.setdefault(item_id, (one, seen))
