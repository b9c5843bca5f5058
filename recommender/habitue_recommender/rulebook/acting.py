"""A rule that acts in one slot, on the items that it means. Pure."""

from __future__ import annotations

from habitue_recommender.catalog.items import Item
from habitue_recommender.conditions import Asked, Test
from habitue_recommender.rulebook.standing import CompiledRule


class Acting:
    """A rule that acts in this slot, on the items that it means.

    `asked` is the request that its mixed part is bound to, when somebody first asks for that.
    """

    __slots__ = (
        "_asked",
        "_mixed",
        "_test",
        "bit",
        "is_mixed",
        "many",
        "number",
        "promotes",
        "restricts",
        "rule",
    )

    def __init__(self, one: CompiledRule, asked: Asked | None = None) -> None:
        self.rule = one.rule
        self.number = one.number
        self.bit = one.bit
        self.many = one.many
        self.restricts = one.restricts
        self.promotes = one.promotes
        self.is_mixed = one.mixed is not None
        self._mixed = one.mixed
        self._asked = asked
        self._test: Test | None = None

    @property
    def is_for_all(self) -> bool:
        """Whether it means every item alike."""
        return not self.bit and not self.is_mixed

    @property
    def test(self) -> Test | None:
        """What it asks of visitor and item at once; None when it asks no such thing."""
        if self._test is None and self._mixed is not None and self._asked is not None:
            self._test = self._mixed(self._asked)
        return self._test

    def means(self, bits: int, asked: Asked, item: Item) -> bool:
        if self.bit and not bits & self.bit:
            return False
        if not self.is_mixed:
            return True
        test = self.test
        return test is not None and test(asked, item)
