"""The shop's own view of its catalog: shelves to browse, filters, and a search over names. All in memory."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from habitue_shop.aisles import DEPARTMENTS
from habitue_shop.journey import Product

PRICE_BANDS: tuple[tuple[str, float, float], ...] = (
    ("Under $2", 0.0, 2.0),
    ("$2 \N{EN DASH} $5", 2.0, 5.0),
    ("$5 \N{EN DASH} $10", 5.0, 10.0),
    ("$10 and more", 10.0, float("inf")),
)
SORTS: dict[str, str] = {
    "": "Best sellers",
    "price": "Price, low to high",
    "-price": "Price, high to low",
    "name": "Name",
}


def slug(text: str) -> str:
    """A label as it stands in an address: `Fruit & Vegetables` as `fruit-vegetables`."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


@dataclass(slots=True, frozen=True)
class Shelf:
    """A department, a category or a type: its label, its path and what stands on it, best sellers first."""

    path: tuple[str, ...]
    products: Sequence[Product]

    @property
    def label(self) -> str:
        return self.path[-1]

    @property
    def address(self) -> str:
        return "/".join(slug(part) for part in self.path)


@dataclass(slots=True, frozen=True)
class Filters:
    """What a customer narrowed a shelf down to."""

    brand: str = ""
    band: int = -1
    sort: str = ""

    def apply(self, products: Iterable[Product]) -> list[Product]:
        """The matching products in the chosen order."""
        low, high = PRICE_BANDS[self.band][1:] if 0 <= self.band < len(PRICE_BANDS) else (0.0, float("inf"))
        found = [
            product
            for product in products
            if low <= product.price < high and (not self.brand or product.brand == self.brand)
        ]
        if self.sort in ("price", "-price"):
            found.sort(key=lambda product: product.price, reverse=self.sort == "-price")
        elif self.sort == "name":
            found.sort(key=lambda product: product.name)
        return found


class Shelves:
    """Everything the shop sells, by id, by place and by word."""

    def __init__(self, products: Sequence[Product]) -> None:
        self.products = products
        self.by_id = {product.item_id: product for product in products}
        self._shelves: dict[str, Shelf] = {}
        self._children: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
        self._build()
        self._words, self._places = _word_index(products)

    def _build(self) -> None:
        on: dict[tuple[str, ...], list[Product]] = {(department,): [] for department in DEPARTMENTS}
        for product in self.products:
            full = (product.department, product.category, product.type)
            for depth in (1, 2, 3):
                on.setdefault(full[:depth], []).append(product)
        for path, found in on.items():
            if not found:
                continue
            shelf = Shelf(path, found)
            self._shelves.setdefault(shelf.address, shelf)
            self._children.setdefault(path[:-1], []).append(path)

    def shelf(self, address: str) -> Shelf | None:
        """The shelf at `bakery/cakes`, or None."""
        return self._shelves.get(address)

    def departments(self) -> list[Shelf]:
        return self.below(())

    def below(self, path: tuple[str, ...]) -> list[Shelf]:
        """The shelves one step down, the best stocked first; departments in the shop's own order."""
        shelves = [
            self._shelves["/".join(slug(part) for part in child)] for child in self._children.get(path, ())
        ]
        return (
            shelves if not path else sorted(shelves, key=lambda shelf: -sum(p.sold for p in shelf.products))
        )

    def search(self, query: str, limit: int = 240) -> list[Product]:
        """Products whose words begin with every word of the query, best sellers first. 1 to 6 ms."""
        wanted = _words(query)[:8]
        if not wanted:
            return []
        found: set[int] | None = None
        for word in wanted:
            places: set[int] = set()
            at = bisect_left(self._words, word)
            while at < len(self._words) and self._words[at].startswith(word):
                places.update(self._places[at])
                at += 1
            found = places if found is None else found & places
            if not found:
                return []
        return [self.products[place] for place in sorted(found or ())[:limit]]


def brands_of(products: Iterable[Product], limit: int = 12) -> list[tuple[str, int]]:
    """The brands that stand most often among these products, with their numbers."""
    return Counter(product.brand for product in products).most_common(limit)


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", plain)
    return [word[:-1] if len(word) > 3 and word.endswith("s") else word for word in words]


def _word_index(products: Sequence[Product]) -> tuple[list[str], list[list[int]]]:
    index: dict[str, list[int]] = {}
    for place, product in enumerate(products):
        for word in set(_words(f"{product.name} {product.brand} {product.category}")):
            index.setdefault(word, []).append(place)
    words = sorted(index)
    return words, [index[word] for word in words]
