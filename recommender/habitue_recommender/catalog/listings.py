"""Lists that are the same for everybody: what many want, and where each department and brand stands. Pure.

A visitor's own order of such a list moves only what they lean to, so that is all that is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from habitue_recommender.catalog.catalog import Catalog
    from habitue_recommender.visitor import Visitor

Listed = tuple[list[str], list[float]]
"""Item ids and their scores, best first."""

_KEPT = 500  # lists: a page's category has its own


class Listing:
    """One list, as the catalog knew its items when it was made."""

    __slots__ = ("_brands", "_by_brand", "_by_department", "_categories", "ids", "scores")

    def __init__(self, catalog: Catalog, listed: Listed) -> None:
        self.ids, self.scores = listed
        self._categories: list[str] = []
        self._brands: list[str] = []
        self._by_department: dict[str, list[int]] = {}
        self._by_brand: dict[str, list[int]] = {}
        for place, item_id in enumerate(self.ids):
            item = catalog.get(item_id)
            category, brand = (item.category, item.brand) if item is not None else ("", "")
            self._categories.append(category)
            self._brands.append(brand)
            if category:
                self._by_department.setdefault(category.split("/", 1)[0], []).append(place)
            if brand:
                self._by_brand.setdefault(brand, []).append(place)

    def order(self, visitor: Visitor, weight: float) -> tuple[Sequence[int], list[float]]:
        """Places on the list in a visitor's order, and the scores of all places.

        An item of the only category somebody ever looked at counts as 1 + `weight`.
        """
        near, brands = visitor.near, visitor.brands
        lifted: set[int] = set()
        for department in near.departments:
            lifted.update(self._by_department.get(department, ()))
        for brand in brands:
            lifted.update(self._by_brand.get(brand, ()))
        if not lifted:
            return range(len(self.ids)), self.scores
        scores = self.scores.copy()
        for place in lifted:
            scores[place] *= 1.0 + weight * visitor.affinity(self._categories[place], self._brands[place])
        return sorted(range(len(scores)), key=scores.__getitem__, reverse=True), scores


class Listings:
    """Each list, kept until what it was made of is another, or an item comes, goes or changes its shelf."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._known: dict[Hashable, tuple[object, int, Listing]] = {}

    def of(self, key: Hashable, source: object, make: Callable[[], Listed]) -> Listing:
        """The list with this name, made of `source`."""
        known = self._known.get(key)
        if known is not None and known[0] is source and known[1] == self._catalog.shelved:
            return known[2]
        if len(self._known) >= _KEPT:
            self._known.clear()
        listing = Listing(self._catalog, make())
        self._known[key] = (source, self._catalog.shelved, listing)
        return listing
