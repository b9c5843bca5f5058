"""The catalog: what can be recommended, as one worker holds it in memory. Pure.

Items by id, and two shelves: category paths and brands, newest first. Reading and writing Redis is
`catalog_store`.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from sys import intern
from typing import Any

import orjson

from habitue_recommender.catalog.alike import Alike
from habitue_recommender.catalog.items import Item
from habitue_recommender.catalog.listings import Listings

DAY = 86_400_000
NEW_FOR = 30 * DAY  # how long an item can be called new
JOURNAL = 2_000  # changes remembered for those who keep something of each item
NEWEST_PART = 10  # and only the newest tenth is: what came with the first import is no news

_LATEST = 9_999_999_999_999  # a shelf sorts by `_LATEST - first_seen`, thirteen digits, then by item_id
_DIGITS = 13


@lru_cache(maxsize=20_000)
def prefixes(category: str) -> tuple[str, ...]:
    """`A`, `A/B`, `A/B/C` of `A/B/C`; nothing of an empty path."""
    parts = category.split("/") if category else []
    return tuple(intern("/".join(parts[: depth + 1])) for depth in range(len(parts)))


class Catalog:
    """All items by id, and two shelves: category path prefix ("" is everything) and brand.

    A shelf is a sorted list of keys (first_seen descending, then item_id), so the newest of 92,000 are
    read in order at no cost and one change costs some 20 µs.
    """

    def __init__(self, items: Iterable[Item] = ()) -> None:
        self.items: dict[str, Item] = {}
        self.unverified = 0
        self.alike = Alike(self)
        self.listings = Listings(self)
        self.shelved = 0  # grows when an item comes, goes or changes shelf: for those who keep lists
        self.changed = 0  # grows with each change of an item; `journal` has the last of them, newest last
        self.journal: deque[str] = deque(maxlen=JOURNAL)
        self._deleted: dict[str, int] = {}
        self._categories: dict[str, list[str]] = {"": []}
        self._brands: dict[str, list[str]] = {}
        self.fill(items)
        self.arrange()

    def __len__(self) -> int:
        return len(self.items)

    def get(self, item_id: str) -> Item | None:
        return self.items.get(item_id)

    # ---- loading: any number of `fill`, then `arrange` -------------------------------------------

    def fill(self, items: Iterable[Item]) -> None:
        """Put items in without sorting; nothing may be read before `arrange`."""
        categories, brands = self._categories, self._brands
        everything = categories[""]
        for item in items:
            if item.item_id in self.items:
                raise ValueError(f"{item.item_id!r} is there twice")
            self.items[item.item_id] = item
            self.unverified += not item.verified
            key = _key(item)
            everything.append(key)
            for prefix in prefixes(item.category):
                categories.setdefault(prefix, []).append(key)
            if item.brand:
                brands.setdefault(item.brand, []).append(key)

    def arrange(self) -> None:
        """Sort every shelf: some 70 ms of 92,000 items."""
        for _ in self.arranging():
            pass

    def arranging(self) -> Iterator[None]:
        """`arrange` in steps, for a loop that has visitors to answer in between."""
        keys_sorted = 0
        for shelves in (self._categories, self._brands):
            for shelf in shelves.values():
                shelf.sort()
                keys_sorted += len(shelf)
                if keys_sorted > 5_000:
                    keys_sorted = 0
                    yield
        self.shelved += 1

    # ---- single changes --------------------------------------------------------------------------

    def put(self, item: Item) -> bool:
        """Take one item in; an older version than the one held is passed over (False)."""
        old = self.items.get(item.item_id)
        if (old.updated_at if old else self._deleted.get(item.item_id, -1)) >= item.updated_at:
            return False
        self._deleted.pop(item.item_id, None)
        self.items[item.item_id] = item
        self.unverified += (not item.verified) - (old is not None and not old.verified)
        moved = old is None or (old.category, old.brand, old.first_seen) != (
            item.category,
            item.brand,
            item.first_seen,
        )
        if moved:
            if old is not None:
                self._unshelve(old)
            for shelves, name in self._shelves(item):
                insort(shelves.setdefault(name, []), _key(item))
            self.shelved += 1
        self._note(item.item_id)
        return True

    def remove(self, item_id: str, updated_at: int) -> bool:
        """Take one item out; what changed after `updated_at` stays (False)."""
        old = self.items.get(item_id)
        if old is not None and old.updated_at >= updated_at:
            return False
        # Remembered, so that an older change that comes late does not bring it back.
        self._deleted[item_id] = updated_at
        if len(self._deleted) > 10_000:
            del self._deleted[next(iter(self._deleted))]
        if old is None:
            return False
        del self.items[item_id]
        self.unverified -= not old.verified
        self._unshelve(old)
        self.shelved += 1
        self._note(item_id)
        return True

    def apply(self, change: Mapping[str, Any] | bytes) -> bool:
        """One entry of the stream of changes (the item's JSON, or `{item_id, deleted, updated_at}`)."""
        raw = orjson.loads(change) if isinstance(change, bytes) else change
        if raw.get("deleted"):
            return self.remove(raw["item_id"], raw["updated_at"])
        return self.put(Item.unpack(change if isinstance(change, bytes) else orjson.dumps(raw)))

    def changes_since(self, changed: int) -> list[str] | None:
        """The ids of what changed after `changed` had this value; None when that is too long ago to know."""
        behind = self.changed - changed
        if behind > len(self.journal):
            return None
        return [self.journal[place] for place in range(-behind, 0)]

    def _note(self, item_id: str) -> None:
        self.changed += 1
        self.journal.append(item_id)

    def _unshelve(self, item: Item) -> None:
        key = _key(item)
        for shelves, name in self._shelves(item):
            shelf = shelves.get(name, [])
            at = bisect_left(shelf, key)
            if at < len(shelf) and shelf[at] == key:
                del shelf[at]
            if not shelf and name:
                shelves.pop(name, None)

    def _shelves(self, item: Item) -> Iterator[tuple[dict[str, list[str]], str]]:
        yield self._categories, ""
        for prefix in prefixes(item.category):
            yield self._categories, prefix
        if item.brand:
            yield self._brands, item.brand

    # ---- reading ---------------------------------------------------------------------------------

    def has_category(self, prefix: str) -> bool:
        return prefix in self._categories and bool(self._categories[prefix])

    def category_size(self, prefix: str) -> int:
        return len(self._categories.get(prefix, ()))

    def mark(self, prefix: str) -> tuple[int, str]:
        """Changes when something new stands on this shelf."""
        shelf = self._categories.get(prefix)
        return (len(shelf), shelf[0]) if shelf else (0, "")

    def categories(self) -> list[str]:
        """Every path prefix that has items, sorted."""
        return sorted(name for name, shelf in self._categories.items() if name and shelf)

    def newest(self, category: str = "", limit: int | None = None) -> Iterator[Item]:
        """Items below a category path, newest first; equal times by item_id."""
        return self._read(self._categories.get(category, ()), limit)

    def of_brand(self, brand: str, limit: int | None = None) -> Iterator[Item]:
        """Items of a brand, newest first."""
        return self._read(self._brands.get(brand, ()), limit)

    def is_new(self, item: Item, now: int) -> bool:
        """Among the newest tenth of the catalog, and not for longer than 30 days.

        What came with the first import arrived all at once, so none of it is the newest tenth.
        """
        return item.first_seen > max(self.new_since(), now - NEW_FOR)

    def new_since(self) -> int:
        """What was seen first after this time belongs to the newest tenth."""
        shelf = self._categories[""]
        place = max(1, len(shelf) // NEWEST_PART)
        return _LATEST - int(shelf[place][:_DIGITS]) if place < len(shelf) else _LATEST

    def _read(self, shelf: Sequence[str], limit: int | None) -> Iterator[Item]:
        items = self.items
        for key in shelf if limit is None else shelf[:limit]:
            yield items[key[_DIGITS:]]


def _key(item: Item) -> str:
    return f"{_LATEST - item.first_seen:013d}{item.item_id}"
