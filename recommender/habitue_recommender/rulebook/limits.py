"""What depends on what stands in a slot already: no more than so many of one kind. Pure."""

from __future__ import annotations

from collections.abc import Callable

from habitue_recommender.catalog.items import Item
from habitue_recommender.rulebook.acting import Acting


class Limits:
    """No more than so many of one brand or category, of the items that each rule means."""

    __slots__ = ("_limits",)

    def __init__(self) -> None:
        self._limits: list[tuple[str, int, Acting]] = []  # (dimension, most, rule)

    def __bool__(self) -> bool:
        return bool(self._limits)

    def add(self, one: Acting) -> None:
        for dimension in ("brand", "category"):
            most = getattr(one.rule.consequence, f"per_{dimension}")
            if not most:
                continue
            if one.is_for_all:  # of those for all items the strictest one says it all
                same = [limit for limit in self._limits if limit[0] == dimension and limit[2].is_for_all]
                if any(limit[1] <= most for limit in same):
                    continue
                self._limits = [limit for limit in self._limits if limit not in same]
            self._limits.append((dimension, most, one))

    def count(self, means: Callable[[Acting, Item], bool]) -> LimitCount:
        """For an empty slot."""
        return LimitCount(self._limits, means)


class LimitCount:
    """What stands in one slot so far, as these limits count it."""

    __slots__ = ("_limits", "_means")

    def __init__(self, limits: list[tuple[str, int, Acting]], means: Callable[[Acting, Item], bool]) -> None:
        self._means = means
        # (dimension, most, rule, how many there are by name)
        self._limits: list[tuple[str, int, Acting, dict[str, int]]] = [(*limit, {}) for limit in limits]

    def refusal(self, item: Item) -> tuple[Acting, str] | None:
        """Which rule has enough of this item's kind, and of which kind; None when there is room."""
        for dimension, most, one, counts in self._limits:
            name = item.brand if dimension == "brand" else item.category
            if counts.get(name, 0) >= most and self._means(one, item):
                return one, dimension
        return None

    def add_item(self, item: Item) -> None:
        for dimension, _, one, counts in self._limits:
            name = item.brand if dimension == "brand" else item.category
            if name and self._means(one, item):  # what has no brand is not of the same one
                counts[name] = counts.get(name, 0) + 1
