"""What is alike by what the catalog says: name, category, brand, price. Pure.

For what nobody clicked yet, and for pages of such items. Names are compared by their groups of three
characters (Dice's coefficient), which works in every language and forgives endings and typing errors.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from habitue_recommender.catalog.items import Item

if TYPE_CHECKING:
    from habitue_recommender.catalog.catalog import Catalog

NAME, CATEGORY, BRAND, PRICE = 0.5, 0.3, 0.1, 0.1  # what each has of the whole
_SHELF = 40  # items of the same category that one is compared with, newest first; 2 µs each
_OF_BRAND = 10
_LEAST = 8  # items of a category, below which the one above it is looked at
_KEPT = 20
LIKE = 0.35  # a shared category alone is no likeness
_REMEMBERED = 5_000  # items whose list is kept: about 10 MB

# In the words of more than one language, casefolded: ß is ss.
_SIZE = (
    r"(?:size|gr(?:\.|össe|oesse)?|taille|talla|taglia|rozm(?:\.|iar)|vel(?:\.|ikost)|maat|méret|размер)"
    r"(?: |(?<=\.))"
)
_MEASURE = re.compile(
    rf"\b(?:{_SIZE})?(?:xx?s|xx?l|xxxl|[2-6]xl)\b"
    rf"|\b{_SIZE}(?:[sml]|\d\d(?:[.,/-]\d+)?)\b"
    r"|\b\d+(?:[.,/x×]\d+)*\s*-?(?:ml|cl|dl|l|ltr|fl oz|oz|lbs?|mg|kg|g|gr"
    r"|cm|mm|m|in|inch|ft|ct|pcs?|pk|pack|gb|tb|w"
    r"|stk|stück|szt|ks|uds?|pz|pièces|мл|л|кг|г|шт)\b\.?",
)
_SPACE = re.compile(r"[\s,;()\[\]-]+")


@lru_cache(maxsize=50_000)
def grams(name: str) -> frozenset[str]:
    """Groups of three characters of a name, its words set apart."""
    text = f" {' '.join(name.casefold().split())} "
    return frozenset(text[at : at + 3] for at in range(len(text) - 2))


@lru_cache(maxsize=50_000)
def family(name: str) -> str:
    """A name without sizes and amounts: two that share it are the same thing in another measure."""
    text = name.casefold()
    return _SPACE.sub(" ", _MEASURE.sub(" ", text)).strip() or text


def likeness(one: Item, other: Item) -> float:
    """How alike two items are, 0 to 1."""
    return next(likenesses(one, (other,)))


def likenesses(one: Item, others: Iterable[Item]) -> Iterator[float]:
    """How alike each of the others is; what is known of the one is looked up once."""
    mine, category, brand, price, currency = grams(one.name), one.category, one.brand, one.price, one.currency
    ours, known = category.split("/"), len(mine)
    for other in others:
        total = 0.0
        if known and (theirs := grams(other.name)):
            total = NAME * 2.0 * len(mine & theirs) / (known + len(theirs))
        if category and (its := other.category):
            total += CATEGORY if its == category else CATEGORY * _shared(ours, its.split("/"))
        if brand and other.brand == brand:
            total += BRAND
        if price and (asked := other.price) and currency == other.currency:
            total += PRICE * (price / asked if price < asked else asked / price)
        yield total


def _shared(ours: list[str], its: list[str]) -> float:
    """The part of the longer path that both begin with."""
    shared = 0
    for part, same in zip(ours, its, strict=False):
        if part != same:
            break
        shared += 1
    return shared / max(len(ours), len(its))


class Alike:
    """The items most like one, from its shelves; a list is kept until something new stands on its shelf."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._lists: OrderedDict[str, tuple[tuple[object, ...], list[tuple[Item, float]]]] = OrderedDict()

    def to(self, item: Item) -> list[tuple[Item, float]]:
        """At most 20, most alike first, equal ones by item_id. A first look costs about a millisecond."""
        shelf = self._shelf(item.category)
        stamp = (item.updated_at, shelf, *self._catalog.mark(shelf))
        known = self._lists.get(item.item_id)
        if known is not None and known[0] == stamp:
            return known[1]
        own = item.group
        found = list({one.item_id: one for one in self._near(item, shelf) if one.group != own}.values())
        compared = zip(found, likenesses(item, found), strict=True)
        scored = [(one, much) for one, much in compared if much >= LIKE]
        scored.sort(key=lambda pair: (-pair[1], pair[0].item_id))
        self._lists[item.item_id] = (stamp, scored[:_KEPT])
        self._lists.move_to_end(item.item_id)
        if len(self._lists) > _REMEMBERED:
            self._lists.popitem(last=False)
        return scored[:_KEPT]

    def _shelf(self, category: str) -> str:
        """The deepest path with enough on it."""
        while category and self._catalog.category_size(category) < _LEAST:
            category = category.rpartition("/")[0]
        return category

    def _near(self, item: Item, shelf: str) -> Iterator[Item]:
        yield from islice(self._catalog.newest(shelf, _SHELF), _SHELF)
        if item.brand:
            yield from self._catalog.of_brand(item.brand, _OF_BRAND)
