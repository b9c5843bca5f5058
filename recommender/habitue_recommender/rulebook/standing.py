"""Rules taken apart for the decisions, and summed up where they are the same for everybody. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from habitue_recommender.conditions import Asked, Test
from habitue_recommender.conditions.many import Many
from habitue_recommender.rulebook.rules import Consequence, Rule
from habitue_recommender.rulebook.validity import ALWAYS

_MOST_PRODUCTS = 20_000


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


class Products(dict[int, float]):
    """Bits that lift → the product of their factors, computed when first asked for."""

    def __init__(self, other: Products | None = None) -> None:
        super().__init__()
        self._common: float = 1.0 if other is None else other._common  # of what lifts or buries everything
        self._factors: dict[int, float] = {} if other is None else other._factors.copy()

    def add(self, bit: int, factor: float) -> None:
        self.clear()
        if bit:
            self._factors[bit] = self._factors.get(bit, 1.0) * factor
        else:
            self._common *= factor

    def __missing__(self, hit: int) -> float:
        product, left = self._common, hit
        while left:
            bit = left & -left
            left ^= bit
            product *= self._factors[bit]
        if len(self) >= _MOST_PRODUCTS:
            self.clear()
        self[hit] = product
        return product


@dataclass(slots=True)
class Standing:
    """Rules that only ask the item, and so are the same for everybody: summed up once, as bits.

    `products` are the factors of what lifts and buries.
    """

    excluded: int = 0
    wanted: int = 0
    lifting: int = 0
    restricting: list[CompiledRule] = field(default_factory=list)
    lifts: list[CompiledRule] = field(default_factory=list)
    products: Products = field(default_factory=Products)

    def add(self, one: CompiledRule) -> None:
        consequence = one.rule.consequence
        if consequence.exclude:
            self.excluded |= one.bit
        if consequence.filter:
            self.wanted |= one.bit
        if consequence.exclude or consequence.filter:
            self.restricting.append(one)
        if consequence.factor != 1.0:
            self.lifting |= one.bit
            self.lifts.append(one)
            self.products.add(one.bit, consequence.factor)


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
