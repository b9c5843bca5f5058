"""What is new in the shop, and then the rest of its shelves. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING
from zlib import crc32

from habitue_recommender.catalog.alike import LIKE, likenesses
from habitue_recommender.catalog.items import Item
from habitue_recommender.pools import Pool, is_below
from habitue_recommender.reasons import Reason, ReasonCode, category_name
from habitue_recommender.sources.alike import anchors
from habitue_recommender.visitor import BRAND, NEAR

if TYPE_CHECKING:
    from habitue_recommender.candidates import Candidates

_SCANNED = 20_000  # items of the shelf of newest ones that are looked through for what may be offered
_NEW_OF_EACH = 8  # new items looked at on each shelf: a slot shows one or two
_PIECE = 8  # of them let through at a time
_ENOUGH = 100  # candidates when nothing better is known


def find_fresh(candidates: Candidates) -> Pool:
    new_since = candidates.new_since
    found: dict[str, Item] = {}
    for shelf in _shelves(candidates):
        for item in shelf:
            if item.first_seen <= new_since:
                break  # newest first: the rest is older
            found[item.item_id] = item
    if not found:
        return Pool()
    by_relevance: dict[float, list[str]] = {}
    for item_id, relevance in _relevance(candidates, found).items():
        by_relevance.setdefault(relevance, []).append(item_id)
    return candidates.lazily(_pieces(candidates, by_relevance), len(found))


def _pieces(candidates: Candidates, by_relevance: dict[float, list[str]]) -> Iterator[Pool]:
    """The most relevant first. Among equals each visitor starts elsewhere, so that all get their chance."""
    seed = crc32(candidates.visitor.profile_id.encode("utf-8", "replace"))
    waiting = sum(map(len, by_relevance.values()))
    ids: list[str] = []
    scores: list[float] = []
    best = 0.0
    for relevance in sorted(by_relevance, reverse=True):
        equal = by_relevance[relevance]
        if len(equal) > 1:
            drawn = sorted((crc32(one.encode("utf-8", "replace"), seed), one) for one in equal)
            equal = [one for _, one in drawn]
        ids += equal
        scores += [relevance] * len(equal)
        waiting -= len(equal)
        if waiting and len(ids) < _PIECE:
            continue
        piece = candidates.admit(ids, scores)
        if not best and piece.scores:
            best = piece.scores[0]
        piece.scores = [score / best for score in piece.scores]
        piece.waiting = waiting
        yield piece
        ids, scores = [], []


def new_items(candidates: Candidates) -> Pool:
    """What is new, then the rest of the page's category and of everything, newest first."""
    fresh, catalog = candidates.fresh(), candidates.catalog
    items, scores = fresh.whole()
    pool = Pool(items[:], scores[:], fresh.rested[:])
    seen = {item.item_id for item in (*pool.items, *pool.rested)}
    for category in dict.fromkeys((candidates.category, "")):
        shelf = catalog.newest(category, _SCANNED)
        while len(pool.items) < _ENOUGH and (ids := [item.item_id for item in islice(shelf, _ENOUGH)]):
            ids = [item_id for item_id in ids if item_id not in seen]
            seen.update(ids)
            more = candidates.admit(ids, [0.01] * len(ids))
            pool.items += more.items
            pool.scores += more.scores
            pool.rested += more.rested
    return pool


def _shelves(candidates: Candidates) -> Iterable[Iterable[Item]]:
    catalog, visitor = candidates.catalog, candidates.visitor
    if candidates.category:
        yield catalog.newest(candidates.category, _NEW_OF_EACH)
    for path in list(visitor.categories)[:3]:
        yield catalog.newest(path, _NEW_OF_EACH)
    for brand in list(visitor.brands)[:2]:
        yield catalog.of_brand(brand, _NEW_OF_EACH)
    yield catalog.newest("", _NEW_OF_EACH)


def _relevance(candidates: Candidates, items: Mapping[str, Item]) -> dict[str, float]:
    """How each fits page and visitor. Nobody clicked it yet, so what it is like says it."""
    category, visitor = candidates.category, candidates.visitor
    near, brands = visitor.near, visitor.brands
    alike = _likenesses(candidates, items.values())
    relevance: dict[str, float] = {}
    for item_id, item in items.items():
        # `Visitor.affinity`, written out
        much = 0.1 + 0.4 * (NEAR * near[item.category] + BRAND * brands.get(item.brand, 0.0))
        if category and is_below(item.category, category):
            much += 0.5
        if item_id in alike:
            much += 0.5 * alike[item_id]
        relevance[item_id] = round(much, 2)
    return relevance


def _likenesses(candidates: Candidates, items: Iterable[Item]) -> dict[str, float]:
    """How much those are like the page's or the visitor's own that share a shelf or the brand with one."""
    best: dict[str, float] = {}
    for weight, anchor in anchors(candidates):
        category, brand, group = anchor.category, anchor.brand, anchor.group
        near = [
            item
            for item in items
            if (item.category == category or (brand and item.brand == brand)) and item.group != group
        ]
        for item, much in zip(near, likenesses(anchor, near), strict=True):
            if much >= LIKE and much * weight > best.get(item.item_id, 0.0):
                best[item.item_id] = much * weight
    return best


def reason(candidates: Candidates, item: Item) -> Reason:
    new = candidates.is_new(item)
    if item.category:
        code = ReasonCode.NEW_IN if new else ReasonCode.ASSORTMENT_IN
        return Reason(code, category=category_name(item.category))
    return Reason(ReasonCode.NEW if new else ReasonCode.ASSORTMENT)
