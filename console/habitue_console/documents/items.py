"""Finds items of the catalog by what a marketer types: an id, or words of the name. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from heapq import nsmallest

from habitue_recommender.catalog.catalog import Catalog
from habitue_recommender.catalog.items import Item

MOST = 8
_LONGEST = 100


@dataclass(frozen=True, slots=True)
class Found:
    """What a search at one field of a form brought; `more` were left out."""

    path: str
    query: str
    items: tuple[Item, ...]
    more: bool = False


def find_items(catalog: Catalog, path: str, query: str) -> Found:
    """The items that fit best: the id itself, names that begin so, names with all the words.

    Some 60 ms over 100,000 items: for a thread.
    """
    asked = folded(query.strip()[:_LONGEST])
    if not asked:
        return Found(path, "", ())
    words = asked.split()
    ranked: list[tuple[int, int, str, Item]] = []
    for item in list(catalog.items.values()):
        name = folded(item.name)
        item_id = item.item_id.casefold()
        if item_id == asked:
            place = 0
        elif name.startswith(asked):
            place = 1
        elif item_id.startswith(asked):
            place = 2
        elif all(word in name for word in words):
            place = 3
        elif all(
            word in name or word in folded(item.brand) or word in folded(item.category) for word in words
        ):
            place = 4
        else:
            continue
        ranked.append((place, len(name), item.item_id, item))
    best = nsmallest(MOST, ranked, key=lambda one: one[:3])
    return Found(path, query.strip()[:_LONGEST], tuple(one[3] for one in best), len(ranked) > MOST)


def known(catalog: Catalog, item_ids: Iterable[str]) -> dict[str, Item]:
    """The items behind ids, as far as the catalog has them."""
    return {item_id: item for item_id in item_ids if (item := catalog.get(item_id)) is not None}


def folded(text: str) -> str:
    """Small letters without accents: who types `kaese` or `käse` on another keyboard still finds `Käse`."""
    if text.isascii():
        return text.casefold()
    plain = unicodedata.normalize("NFKD", text).casefold()
    return "".join(one for one in plain if not unicodedata.combining(one))
