"""Candidates of one request, source by source, computed when first asked for and shared by its slots. Pure.

What may not be offered at all (out of stock, on the page, in the cart, just bought, not the shop's own) is
taken out here, once. Scores are 0 to 1 within a source, best first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from zlib import crc32

import numpy as np

from habitue_collector.origins import OriginPattern
from habitue_recommender.catalog import DAY, NEW_FOR, Catalog
from habitue_recommender.items import Item
from habitue_recommender.kinds import KIND_OF
from habitue_recommender.live import Live
from habitue_recommender.models.base import NO_ITEM, Query
from habitue_recommender.page import Page
from habitue_recommender.reasons import Reason, ReasonCode, category_name
from habitue_recommender.served import ServedModel
from habitue_recommender.settings import RecommenderSettings
from habitue_recommender.slots import Source
from habitue_recommender.trust import on_hosts
from habitue_recommender.visitor import BRAND, HOUR, NEAR, Visitor

_VIEWS = frozenset({"product_view", "product_click", "offer_click"})
_WANTED = frozenset({"add_to_cart", "wishlist_add"})
_AFFINITY_LIFT = 4.0  # an item of the only category somebody ever looked at counts as 1 + 4 · weight
_SCANNED = 20_000  # items of the shelf of newest ones that are looked through for what may be offered
_PIECE = 64
_NEW_OF_EACH = 40  # new items looked at on each shelf: a slot shows one or two
_POPULAR = 200  # popular items put into a visitor's order
_ENOUGH = 100  # candidates when nothing better is known
_WEEK = 7 * DAY


_MEMBERS = {  # of the artifact
    Source.SESSION_NEIGHBOURS: "neighbours",
    Source.ITEM_ITEM: "item_item",
    Source.FACTORS: "factors",
    Source.TOGETHER: "together",
}


class Drop(StrEnum):
    """Why a candidate is not offered; counted, and shown where a decision is explained."""

    UNKNOWN_ITEM = "unknown_item"  # the catalog has no such item
    OUT_OF_STOCK = "out_of_stock"
    VIEWED_NOW = "viewed_now"  # the item on the page, or a variant of it
    IN_CART = "in_cart"
    JUST_BOUGHT = "just_bought"
    UNVERIFIED = "unverified"  # learnt from a page, and not with a URL of the shop's own
    RESTED = "rested"  # seen often enough; comes back only when nothing else is left


@dataclass(slots=True)
class Pool:
    """The candidates of one source, best first; `rested` ones only fill what else would stay empty.

    A model's hundreds are let through piece by piece, as somebody looks at them: `more` brings the next
    piece, None when there is none.
    """

    items: list[Item] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    rested: list[Item] = field(default_factory=list)
    more: Iterator[Pool] | None = None
    waiting: int = 0  # candidates that nobody looked at yet

    def __iter__(self) -> Iterator[tuple[Item, float]]:
        place = 0
        while True:
            while place < len(self.items):
                yield self.items[place], self.scores[place]
                place += 1
            piece = next(self.more, None) if self.more is not None else None
            if piece is None:
                return
            self.items += piece.items
            self.scores += piece.scores
            self.rested += piece.rested
            self.waiting = piece.waiting

    def __len__(self) -> int:
        """How many candidates the source has, as far as is known."""
        return len(self.items) + self.waiting


class Candidates:
    """All sources for one page and visitor. `visitor` is the empty one when nothing of them may be used."""

    def __init__(
        self,
        page: Page,
        visitor: Visitor,
        catalog: Catalog,
        model: ServedModel | None,
        live: Live,
        now: int,
        settings: RecommenderSettings,
        hosts: tuple[OriginPattern, ...] = (),
    ) -> None:
        self.page = page
        self.visitor = visitor
        self.catalog = catalog
        self.drops: dict[Drop, int] = {}
        self.pools: dict[Source, Pool] = {}
        self._model = model
        self._live = live
        # Windows of days are judged by the hour: what only decays does not change from minute to minute.
        self._hour = now - now % HOUR
        self._settings = settings
        self._hosts = hosts
        self._new_since = max(catalog.new_since(), self._hour - NEW_FOR)
        viewed = catalog.get(page.item_id) if page.item_id else None
        self.category = page.category or (viewed.category if viewed else "")
        self._blocked = self._block()
        self._resting = self._rest()
        self._fresh: Pool | None = None
        self._query: Query | None = None
        self._asked: dict[Source, Query] = {}

    def pool(self, source: Source) -> Pool:
        """The source's candidates; the first call computes them."""
        pool = self.pools.get(source)
        if pool is None:
            pool = self.pools[source] = _SOURCES[source](self)
        return pool

    def to_record(self) -> dict[str, list[tuple[str, float]]]:
        """Every source that was asked, with its candidates and scores, for the decisions kept whole."""
        return {
            source.value: [(item.item_id, round(score, 4)) for item, score in pool]
            for source, pool in self.pools.items()
        }

    def is_new(self, item: Item) -> bool:
        return item.first_seen > self._new_since

    def matches(self, item: Item) -> bool:
        """Whether an item is what page or visitor are about; when nothing is known of them, each one is."""
        if self.category and is_below(item.category, self.category):
            return True
        if self.visitor.has_affinity:
            return self.visitor.affinity(item.category, item.brand) > 0.0
        return not self.category

    # ---- eligibility -----------------------------------------------------------------------------

    def _block(self) -> dict[str, Drop]:
        """Groups (variants of one thing count as one) that this request cannot be answered with."""
        visitor = self.visitor
        since = self._hour - self._settings.just_bought_days * DAY
        blocked: dict[str, Drop] = {}
        for item_id, bought in visitor.bought.items():
            if bought.last > since:
                blocked[self._group(item_id)] = Drop.JUST_BOUGHT
        for item_id in visitor.cart:
            blocked[self._group(item_id)] = Drop.IN_CART
        if self.page.item_id:
            blocked[self._group(self.page.item_id)] = Drop.VIEWED_NOW
        return blocked

    def _rest(self) -> frozenset[str]:
        since = self._hour - self._settings.cap_days * DAY
        cap = self._settings.cap_impressions
        return frozenset(
            item_id
            for item_id, seen in self.visitor.exposures.items()
            if cap and seen.count >= cap and seen.last > since
        )

    def _group(self, item_id: str) -> str:
        item = self.catalog.get(item_id)
        return item.group if item else item_id

    def _drop(self, reason: Drop) -> None:
        self.drops[reason] = self.drops.get(reason, 0) + 1

    def _admit(self, item_ids: Iterable[str], scores: Iterable[float], capped: bool = True) -> Pool:
        """What of these may be offered, in their order."""
        items, blocked = self.catalog.items, self._blocked
        resting = self._resting if capped else frozenset()
        pool = Pool()
        add, add_score = pool.items.append, pool.scores.append
        for item_id, score in zip(item_ids, scores, strict=True):
            item = items.get(item_id)
            if item is not None and item.plain and item.group not in blocked and item_id not in resting:
                add(item)  # most of them: 500 of these take 100 µs
                add_score(score)
            elif item is None:
                self._drop(Drop.UNKNOWN_ITEM)
            elif not item.buyable:
                self._drop(Drop.OUT_OF_STOCK)
            elif item.group in blocked:
                self._drop(blocked[item.group])
            elif not item.verified and not on_hosts(item.url, self._hosts):
                self._drop(Drop.UNVERIFIED)
            elif item_id in resting:
                self._drop(Drop.RESTED)
                pool.rested.append(item)
            else:
                add(item)
                add_score(score)
        return pool

    # ---- sources ---------------------------------------------------------------------------------

    def _modelled(self, source: Source, query: Query) -> Pool:
        if self._model is None:
            return Pool()
        self._asked[source] = query
        item_ids, scores = self._model.score(_MEMBERS[source], query)
        return Pool(more=self._pieces(item_ids, scores), waiting=len(item_ids))

    def _pieces(self, item_ids: list[str], scores: list[float]) -> Iterator[Pool]:
        """A model's answer let through in pieces: a slot that fills looks at few of its 500 candidates."""
        best = scores[0] if scores else 0.0
        if best <= 0.0:  # distances, or a taste for nothing in particular: only the order says something
            scores, best = _falling(len(scores)), 1.0
        for start in range(0, len(item_ids), _PIECE):
            end = start + _PIECE
            shares = [score / best if score > 0.0 else 0.0 for score in scores[start:end]]
            piece = self._admit(item_ids[start:end], shares)
            piece.waiting = max(0, len(item_ids) - end)
            yield piece

    def _session_neighbours(self) -> Pool:
        query = self.query()
        if query.anchor == NO_ITEM and not len(query.session):
            return Pool()
        return self._modelled(Source.SESSION_NEIGHBOURS, query)

    def _item_item(self) -> Pool:
        query = self.query()
        if query.anchor != NO_ITEM:  # on a product's page this means that product, not the way to it
            query = Query(anchor=query.anchor, n=query.n)
        return self._modelled(Source.ITEM_ITEM, query)

    def _factors(self) -> Pool:
        query = self.query()
        if not len(query.history) and not len(query.session):
            return Pool()
        return self._modelled(Source.FACTORS, query)

    def _together(self) -> Pool:
        query = self.query()
        if query.anchor != NO_ITEM:
            query = Query(anchor=query.anchor, n=query.n)
        return self._modelled(Source.TOGETHER, query)

    def _recently_viewed(self) -> Pool:
        shown = [
            item_id
            for item_id, seen in reversed(self.visitor.recent.items())
            if seen.kind.value in _VIEWS or seen.kind.value in _WANTED
        ]
        return self._admit(shown, _falling(len(shown)), capped=False)

    def _popular_now(self) -> Pool:
        live = self._live
        if live.is_stale(self._hour):
            return Pool()
        top = self.category.split("/", 1)[0]
        listed = list(live.categories.get(top, ())) if top else []
        here = {item_id for item_id, _ in listed}
        listed += [pair for pair in live.overall if pair[0] not in here]
        least = self._settings.live_least
        listed = [pair for pair in listed if pair[1] >= least]
        most = max((count for _, count in listed), default=1)
        # What is popular in the page's own department stands before what is popular anywhere.
        scores = [count / most + (1.0 if item_id in here else 0.0) for item_id, count in listed]
        return self._lifted(self._admit([item_id for item_id, _ in listed], scores))

    def _popular(self) -> Pool:
        model = self._model
        if model is None:
            return Pool()
        most = min(_POPULAR, self._settings.candidates)
        item_ids, scores = model.score("popular", Query(n=most))
        scores = [score / scores[0] for score in scores] if scores and scores[0] > 0 else scores
        if self.category:
            near, near_scores = model.score("popular", Query(category=self.category, n=most))
            best = near_scores[0] if near_scores and near_scores[0] > 0 else 1.0
            here = set(near)
            rest = [(i, s) for i, s in zip(item_ids, scores, strict=True) if i not in here]
            item_ids = near + [item_id for item_id, _ in rest]
            scores = [1.0 + score / best for score in near_scores] + [score for _, score in rest]
        return self._lifted(self._admit(item_ids, scores))

    def fresh(self) -> Pool:
        """What is new: of the page's category and the visitor's own, then of everything."""
        if self._fresh is None:
            self._fresh = self._find_fresh()
        return self._fresh

    def _find_fresh(self) -> Pool:
        found: dict[str, Item] = {}
        for shelf in self._shelves():
            for item in shelf:
                if not self.is_new(item):
                    break  # newest first: the rest is older
                found.setdefault(item.item_id, item)
        fresh = [(self._relevance(item), item) for item in found.values()]
        # Among equals each visitor starts elsewhere, so that many new items all get their chance.
        seed = crc32(self.visitor.profile_id.encode("utf-8", "replace"))
        fresh.sort(key=lambda pair: (-pair[0], crc32(pair[1].item_id.encode("utf-8", "replace"), seed)))
        return _normalised(self._admit([item.item_id for _, item in fresh], [score for score, _ in fresh]))

    def _new_items(self) -> Pool:
        """What is new, then the rest of the page's category and of everything, newest first."""
        fresh, catalog = self.fresh(), self.catalog
        pool = Pool(fresh.items[:], fresh.scores[:], fresh.rested[:])
        seen = {item.item_id for item in (*pool.items, *pool.rested)}
        for category in dict.fromkeys((self.category, "")):
            shelf = catalog.newest(category, _SCANNED)
            while len(pool.items) < _ENOUGH and (ids := [item.item_id for item in islice(shelf, _ENOUGH)]):
                ids = [item_id for item_id in ids if item_id not in seen]
                seen.update(ids)
                more = self._admit(ids, [0.01] * len(ids))
                pool.items += more.items
                pool.scores += more.scores
                pool.rested += more.rested
        return pool

    def _shelves(self) -> Iterable[Iterable[Item]]:
        catalog, visitor = self.catalog, self.visitor
        if self.category:
            yield catalog.newest(self.category, _NEW_OF_EACH)
        for path in list(visitor.categories)[:3]:
            yield catalog.newest(path, _NEW_OF_EACH // 2)
        for brand in list(visitor.brands)[:2]:
            yield catalog.of_brand(brand, _NEW_OF_EACH // 2)
        yield catalog.newest("", _NEW_OF_EACH)

    def _relevance(self, item: Item) -> float:
        near = 0.5 if self.category and is_below(item.category, self.category) else 0.0
        return round(0.1 + near + 0.4 * self.visitor.affinity(item.category, item.brand), 2)

    def _lifted(self, pool: Pool) -> Pool:
        """What many want, in the order that fits this one visitor."""
        visitor, weight = self.visitor, self._settings.affinity_weight * _AFFINITY_LIFT
        pairs: list[tuple[float, int, Item]]
        if visitor.has_affinity:
            # `Visitor.affinity`, written out: hundreds of items in every request.
            near, brands, by_near, by_brand = visitor.near, visitor.brands, weight * NEAR, weight * BRAND
            pairs = [
                (
                    -score * (1.0 + by_near * near[item.category] + by_brand * brands.get(item.brand, 0.0)),
                    place,
                    item,
                )
                for place, (item, score) in enumerate(zip(pool.items, pool.scores, strict=True))
            ]
        else:
            pairs = [
                (-score, place, item)
                for place, (item, score) in enumerate(zip(pool.items, pool.scores, strict=True))
            ]
        pairs.sort()
        items, scores = [item for _, _, item in pairs], [-score for score, _, _ in pairs]
        return _normalised(Pool(items, scores, pool.rested))

    # ---- the question to the models --------------------------------------------------------------

    def query(self) -> Query:
        """What the models are asked, in their indices."""
        if self._query is None:
            self._query = self._ask(self._model) if self._model is not None else Query()
        return self._query

    def _ask(self, model: ServedModel) -> Query:
        visitor, index = self.visitor, model.index
        session = visitor.session
        recent, bought = visitor.recent, visitor.bought
        in_session = set(session)
        history: dict[int, tuple[float, int]] = {}
        for item_id, seen in recent.items():
            if item_id not in in_session and (known := index(item_id)) >= 0:
                history[known] = (seen.count, seen.last)
        for item_id, one in bought.items():
            if item_id not in in_session and (known := index(item_id)) >= 0:
                history[known] = (one.count, one.last)
        touched = [recent.get(item_id) for item_id in session]
        ages = [visitor.at - one.last if one is not None else 0 for one in touched]
        kinds = [KIND_OF.get(one.kind.value, 0) if one is not None else 0 for one in touched]
        basket = [known for item_id in sorted(visitor.cart) if (known := index(item_id)) >= 0]
        if not visitor.cart:
            basket = [known for item_id in visitor.just_bought() if (known := index(item_id)) >= 0]
        return Query(
            session=np.array([index(item_id) for item_id in session], dtype=np.int32),
            session_ages=np.array(ages, dtype=np.float32),
            session_kinds=np.array(kinds, dtype=np.uint8),
            history=np.array(list(history), dtype=np.int32),
            history_counts=np.array([count for count, _ in history.values()], dtype=np.float32),
            history_ages=np.array([visitor.at - last for _, last in history.values()], dtype=np.float32),
            anchor=index(self.page.item_id) if self.page.item_id else NO_ITEM,
            basket=np.array(basket, dtype=np.int32),
            category=self.category or None,
            n=self._settings.candidates,
        )

    # ---- why -------------------------------------------------------------------------------------

    def reason(self, source: Source, item: Item) -> Reason:
        """Why this item of this source, as far as it is certain."""
        if source is Source.RECENTLY_VIEWED:
            seen = self.visitor.recent.get(item.item_id)
            wanted = seen is not None and seen.kind.value in _WANTED
            return Reason(ReasonCode.RECENTLY_WANTED if wanted else ReasonCode.RECENTLY_VIEWED)
        if source is Source.POPULAR_NOW:
            return self._live_reason(item)
        if source is Source.POPULAR:
            return self._popular_reason(item)
        if source is Source.NEW_ITEMS:
            new = self.is_new(item)
            if item.category:
                code = ReasonCode.NEW_IN if new else ReasonCode.ASSORTMENT_IN
                return Reason(code, category=category_name(item.category))
            return Reason(ReasonCode.NEW if new else ReasonCode.ASSORTMENT)
        return self._modelled_reason(source, item)

    def _live_reason(self, item: Item) -> Reason:
        if item.item_id in self._live.trending:
            return Reason(ReasonCode.TRENDING)
        top = item.category.split("/", 1)[0]
        if top and self.category and is_below(self.category, top):
            return Reason(ReasonCode.POPULAR_NOW_IN, category=top)
        return Reason(ReasonCode.POPULAR_NOW)

    def _popular_reason(self, item: Item) -> Reason:
        model = self._model
        fresh = model is not None and self._hour - model.data_until < _WEEK
        week = fresh and model is not None and item.item_id in model.this_week()
        here = self.category if self.category and is_below(item.category, self.category) else ""
        category = category_name(here)
        if week:
            code = ReasonCode.POPULAR_WEEK_IN if here else ReasonCode.POPULAR_WEEK
        else:
            code = ReasonCode.POPULAR_IN if here else ReasonCode.POPULAR
        return Reason(code, category=category)

    def _modelled_reason(self, source: Source, item: Item) -> Reason:
        visitor = self.visitor
        if source is Source.FACTORS and (bought := visitor.bought.get(item.item_id)) and bought.count >= 2:
            return Reason(ReasonCode.BUY_AGAIN)
        query = self._asked.get(source)
        anchor_id = (
            self._model.because(_MEMBERS[source], query, item.item_id)
            if self._model is not None and query is not None
            else None
        )
        if anchor_id == item.item_id and anchor_id in visitor.recent:
            return Reason(ReasonCode.RECENTLY_VIEWED)
        anchor = self.catalog.get(anchor_id) if anchor_id else None
        if anchor is not None and anchor.name and anchor_id != item.item_id:
            code = self._anchor_code(source, anchor.item_id)
            if code is not None:
                return Reason(code, anchor.item_id, anchor.name)
        if source is Source.SESSION_NEIGHBOURS and len(visitor.session):
            return Reason(ReasonCode.SIMILAR_VISITS)
        if visitor.recent or visitor.bought:
            return Reason(ReasonCode.TASTE)
        return Reason(ReasonCode.ASSORTMENT)

    def _anchor_code(self, source: Source, anchor_id: str) -> ReasonCode | None:
        visitor = self.visitor
        if source is Source.TOGETHER:
            return ReasonCode.BOUGHT_TOGETHER
        if source is Source.ITEM_ITEM and anchor_id == self.page.item_id:
            return ReasonCode.GOES_WITH
        bought = visitor.bought.get(anchor_id)
        often = bought is not None and bought.count >= 2
        seen = visitor.recent.get(anchor_id)
        if source is Source.FACTORS and often:
            return ReasonCode.OFTEN_BOUGHT
        if anchor_id in visitor.cart:
            return ReasonCode.IN_CART
        if seen is not None and seen.kind.value != "purchase":
            return ReasonCode.VIEWED
        if often:
            return ReasonCode.OFTEN_BOUGHT
        if bought is not None or seen is not None:
            return ReasonCode.BOUGHT
        return ReasonCode.GOES_WITH if anchor_id == self.page.item_id else None


def is_below(category: str, path: str) -> bool:
    """Whether a category path is this one or below it."""
    return category == path or (category.startswith(path) and category[len(path) : len(path) + 1] == "/")


def _normalised(pool: Pool) -> Pool:
    """Scores as a share of the best one: 0 to 1."""
    best = pool.scores[0] if pool.scores else 0.0
    if best > 0.0:
        pool.scores = [score / best if score > 0.0 else 0.0 for score in pool.scores]
    elif pool.scores:
        pool.scores = _falling(len(pool.scores))
    return pool


def _falling(length: int) -> list[float]:
    return [1.0 - place / length for place in range(length)]


_SOURCES: dict[Source, Callable[[Candidates], Pool]] = {
    Source.SESSION_NEIGHBOURS: Candidates._session_neighbours,
    Source.ITEM_ITEM: Candidates._item_item,
    Source.FACTORS: Candidates._factors,
    Source.TOGETHER: Candidates._together,
    Source.RECENTLY_VIEWED: Candidates._recently_viewed,
    Source.POPULAR_NOW: Candidates._popular_now,
    Source.POPULAR: Candidates._popular,
    Source.NEW_ITEMS: Candidates._new_items,
}
