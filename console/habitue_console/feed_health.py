"""What the catalog is made of, what its items lack, and a search over it (pure; 0.1 s of 100,000 items)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import Any

from habitue_recommender.catalog.items import Item

from .words import N_

Test = Callable[[Item], bool]

# What can be wrong with an item, the worst first: name → (label, what it means, test).
LACKS: Mapping[str, tuple[str, str, Test]] = {
    "no-image": (
        N_("Without a picture"),
        N_("offers of these are a name and a price only"),
        lambda item: not item.image_url,
    ),
    "no-price": (N_("Without a price"), N_("no rule on prices finds them"), lambda item: item.price is None),
    "no-category": (
        N_("Without a category"),
        N_("never alike to anything, and on no category page"),
        lambda item: not item.category,
    ),
    "no-link": (N_("Without a link"), N_("nobody can follow an offer of these"), lambda item: not item.url),
    "no-brand": (N_("Without a brand"), N_("no rule on brands finds them"), lambda item: not item.brand),
}  # fmt: skip
STATES: Mapping[str, tuple[str, Test]] = {
    "out-of-stock": (N_("Out of stock"), lambda item: not item.buyable),
    "unverified": (N_("Only seen on pages"), lambda item: not item.verified),
}
SORTS: Mapping[str, str] = {"changed": N_("Changed last"), "name": N_("Name"), "price": N_("Price")}


@dataclass(frozen=True, slots=True)
class FeedHealth:
    """Counts over the whole catalog. `fed_at`: when the feed last changed an item (ms; 0: never)."""

    items: int = 0
    verified: int = 0
    in_stock: int = 0
    out_of_stock: int = 0
    lacking: Mapping[str, int] = field(default_factory=dict)  # of `LACKS`
    categories: tuple[tuple[str, int], ...] = ()  # of the first level, the largest first
    brands: int = 0
    groups: int = 0
    fed_at: int = 0
    learnt_at: int = 0

    @property
    def unverified(self) -> int:
        return self.items - self.verified


def feed_health(items: Iterable[Item]) -> FeedHealth:
    """One walk over all items."""
    total = verified = in_stock = fed_at = learnt_at = 0
    lacking: Counter[str] = Counter()
    categories: Counter[str] = Counter()
    brands: set[str] = set()
    groups: set[str] = set()
    for item in items:
        total += 1
        in_stock += item.buyable
        if item.verified:
            verified += 1
            fed_at = max(fed_at, item.updated_at)
        else:
            learnt_at = max(learnt_at, item.updated_at)
        for name, (_, _, lacks) in LACKS.items():
            if lacks(item):
                lacking[name] += 1
        categories[item.category.split("/", 1)[0]] += 1
        brands.add(item.brand)
        groups.add(item.group)
    brands.discard("")
    del categories[""]
    return FeedHealth(
        total, verified, in_stock, total - in_stock, {name: lacking[name] for name in LACKS},
        tuple(categories.most_common(200)), len(brands), len(groups), fed_at, learnt_at,
    )  # fmt: skip


def search(
    items: Sequence[Item],
    *,
    text: str = "",
    only: str = "",
    category: str = "",
    sort: str = "changed",
    first: int | None = None,
) -> tuple[int, list[Item]]:
    """Items whose name, id, brand or category holds every word of `text`, below a category, with one lack.

    How many there are, and the `first` of them in their order (None: all).
    """
    words = text.casefold().split()[:10]
    found = items
    if only in LACKS or only in STATES:
        test = LACKS[only][2] if only in LACKS else STATES[only][1]
        found = [item for item in found if test(item)]
    if category:
        below = f"{category}/"
        found = [item for item in found if item.category == category or item.category.startswith(below)]
    if words:
        found = [item for item in found if _speaks_of(item, words)]
    order = _ORDERS.get(sort, _ORDERS["changed"])
    if first is not None and first * 10 < len(found):
        return len(found), nsmallest(first, found, key=order)  # a page of many: no need to sort them all
    return len(found), sorted(found, key=order)[:first]


_ORDERS: Mapping[str, Callable[[Item], tuple[Any, ...]]] = {
    "name": lambda item: (item.name.casefold(), item.item_id),
    "price": lambda item: (item.price is None, -(item.price or 0.0), item.item_id),
    "changed": lambda item: (-item.updated_at, item.item_id),
}


def _speaks_of(item: Item, words: Sequence[str]) -> bool:
    said = f"{item.name}\n{item.item_id}\n{item.brand}\n{item.category}".casefold()
    return all(word in said for word in words)
