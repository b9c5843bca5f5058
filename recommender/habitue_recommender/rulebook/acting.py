"""A rule that acts in one slot, on the items that it means. Pure."""

from __future__ import annotations

from habitue_recommender.catalog.items import Item
from habitue_recommender.conditions import Asked, Test
from habitue_recommender.rulebook.standing import CompiledRule


class Acting:
    """A rule that acts in this slot, on the items that it means."""

    __slots__ = ("bit", "number", "reads_slot", "rule", "test")

    def __init__(self, one: CompiledRule, test: Test | None) -> None:
        self.rule = one.rule
        self.number = one.number
        self.bit = one.bit
        self.reads_slot = one.reads_slot
        self.test = test

    @property
    def is_for_all(self) -> bool:
        """Whether it means every item alike."""
        return not self.bit and self.test is None

    def means(self, bits: int, asked: Asked, item: Item) -> bool:
        if self.bit and not bits & self.bit:
            return False
        return self.test is None or self.test(asked, item)
