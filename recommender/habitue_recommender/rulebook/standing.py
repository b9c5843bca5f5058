"""Rules taken apart for the decisions, and summed up where they are the same for everybody. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from habitue_recommender.conditions import Asked, Test
from habitue_recommender.conditions.many import Many
from habitue_recommender.rulebook.rules import Consequence, Rule
from habitue_recommender.rulebook.validity import ALWAYS

_MOST_PRODUCTS = 20_000
_MOST_ADDED = 200
_LEAST = 1e-300


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """An enabled rule with its condition taken apart.

    `request` is what it asks of page, visitor and time; `bit` the column of what it asks of the item alone
    (0: nothing); `mixed` makes the test of the rest, which is asked for each candidate of a request.
    """

    rule: Rule
    number: int  # its turn: the greater priority first
    request: Test | None = None
    bit: int = 0
    mixed: Callable[[Asked], Test] | None = None
    reads_slot: bool = False
    many: Many | None = None  # item and mixed part of many items at once
    restricts: tuple[str, ...] = field(init=False)  # what it takes away, by the names of a document
    promotes: tuple[str, ...] = field(init=False)  # what it brings forward

    def __post_init__(self) -> None:
        object.__setattr__(self, "restricts", self.rule.consequence.restricts)
        object.__setattr__(self, "promotes", self.rule.consequence.promotes)

    @property
    def is_for_all(self) -> bool:
        """Whether it acts on every item alike."""
        return not self.bit and self.mixed is None


GONE = 0.0
"""The factor of what does not stand."""


class Products(dict[int, float]):
    """Bits of an item → what the rules that only ask the item make of it: a factor, or `GONE`.

    Of the bits only those in `asked_bits` count. Computed when first asked for.
    """

    def __init__(self, other: Products | None = None) -> None:
        super().__init__()
        self.asked_bits = self._excluded = self._wanted = 0
        self._common = 1.0  # of what lifts or buries everything
        self._factors: dict[int, float] = {}
        if other is not None:
            self.asked_bits, self._excluded, self._wanted = other.asked_bits, other._excluded, other._wanted
            self._common, self._factors = other._common, other._factors.copy()

    def lift(self, bit: int, factor: float) -> None:
        self.clear()
        if bit:
            self._factors[bit] = self._factors.get(bit, 1.0) * factor
            self.asked_bits |= bit
        else:
            self._common *= factor

    def restrict(self, excluded: int, wanted: int) -> None:
        """Items with one of the first, or without one of the second, do not stand."""
        self.clear()
        self._excluded |= excluded
        self._wanted |= wanted
        self.asked_bits |= excluded | wanted

    def __missing__(self, held: int) -> float:
        if len(self) >= _MOST_PRODUCTS:
            self.clear()
        if held & self._excluded or held & self._wanted != self._wanted:
            self[held] = GONE
            return GONE
        product = self._common
        for bit, factor in self._factors.items():
            if held & bit:
                product *= factor
        product = self[held] = max(product, _LEAST)  # which is not nothing
        return product

    def factor(self, bits: int) -> float:
        """What lifts and buries an item of which it is known that it stands."""
        return self[bits & self.asked_bits] or 1.0


class Added(NamedTuple):
    """What the rules of one request add to the standing ones, as bits and factors."""

    is_plain: bool = False  # nothing is lifted
    excluded: int = 0
    wanted: int = 0
    lifts: tuple[tuple[int, float], ...] = ()


NOTHING_ADDED = Added()


@dataclass(slots=True)
class Standing:
    """Rules that only ask the item, and so are the same for everybody: summed up once, as bits."""

    excluded: int = 0
    wanted: int = 0
    lifting: int = 0
    restricting: list[CompiledRule] = field(default_factory=list)
    lifts: list[CompiledRule] = field(default_factory=list)
    products: Products = field(default_factory=Products)
    plain: Products = field(default_factory=Products)  # without what lifts, for the holdout
    _added: dict[Added, Products] = field(default_factory=dict)

    def products_with(self, added: Added) -> Products:
        """The products with what other rules add that act in a request: the same ones do in the next."""
        if added == NOTHING_ADDED:
            return self.products
        known = self._added.get(added)
        if known is None:
            if len(self._added) >= _MOST_ADDED:
                self._added.clear()
            known = self._added[added] = Products(self.plain if added.is_plain else self.products)
            known.restrict(added.excluded, added.wanted)
            for bit, factor in added.lifts:
                known.lift(bit, factor)
        return known

    def add(self, one: CompiledRule) -> None:
        consequence = one.rule.consequence
        if consequence.exclude:
            self.excluded |= one.bit
        if consequence.filter:
            self.wanted |= one.bit
        if consequence.exclude or consequence.filter:
            self.restricting.append(one)
            excluded, wanted = one.bit * consequence.exclude, one.bit * consequence.filter
            self.products.restrict(excluded, wanted)
            self.plain.restrict(excluded, wanted)
        if consequence.factor != 1.0:
            self.lifting |= one.bit
            self.lifts.append(one)
            self.products.lift(one.bit, consequence.factor)


@dataclass(frozen=True, slots=True)
class Here:
    """What can act in one slot on one type of page: the standing rules, and those that ask the request."""

    standing: Standing
    rules: tuple[CompiledRule, ...]
    reads_slot: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "reads_slot", any(one.reads_slot for one in self.rules))


_STANDING = ("exclude", "filter", "boost", "bury")


def stands(one: CompiledRule) -> bool:
    """Whether a rule asks nothing but the item, and only takes out, lifts or buries."""
    rule = one.rule
    if not one.bit or one.request is not None or one.mixed is not None:
        return False
    if rule.validity is not ALWAYS or rule.share < 1.0:
        return False
    does = {name: getattr(rule.consequence, name) for name in _STANDING}
    return rule.consequence == Consequence(**does)
