"""Candidates of one request, source by source, computed when first asked for and shared by its slots. Pure.

What may not be offered at all (out of stock, on the page, in the cart, just bought, not the shop's own) is
taken out here, once. Scores are 0 to 1 within a source, best first. The sources themselves are in `sources`.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence

import numpy as np

from habitue_collector.origins import OriginPattern
from habitue_recommender import sources
from habitue_recommender.catalog.catalog import DAY, NEW_FOR, Catalog
from habitue_recommender.catalog.items import Item
from habitue_recommender.catalog.trust import on_hosts
from habitue_recommender.explain.trace import Step, Trace
from habitue_recommender.kinds import KIND_OF
from habitue_recommender.live import Live
from habitue_recommender.models.base import NO_ITEM, Query
from habitue_recommender.page import Page
from habitue_recommender.pools import Drop as Drop
from habitue_recommender.pools import Pool
from habitue_recommender.pools import is_below as is_below
from habitue_recommender.reasons import Reason
from habitue_recommender.resting import resting
from habitue_recommender.served import ServedModel
from habitue_recommender.settings import RecommenderSettings
from habitue_recommender.slots import Source
from habitue_recommender.sources import alike, fresh
from habitue_recommender.visitor import HOUR, Visitor

_GLANCE = 2  # things touched in a visit
_KNOWN = 10  # different things bought


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
        trace: Trace | None = None,
    ) -> None:
        self.page = page
        self.visitor = visitor
        self.catalog = catalog
        self.drops: dict[Drop, int] = {}
        self.pools: dict[Source, Pool] = {}
        self.model = model
        self.live = live
        # Windows of days are judged by the hour: what only decays does not change from minute to minute.
        self.hour = now - now % HOUR
        self.settings = settings
        self._hosts = hosts
        self._trace = trace
        self.new_since = max(catalog.new_since(), self.hour - NEW_FOR)
        viewed = catalog.get(page.item_id) if page.item_id else None
        self.category = page.category or (viewed.category if viewed else "")
        self._blocked = self._block()
        self._resting = resting(visitor, self.hour, settings.cap_impressions, settings.cap_days)
        self._fresh: Pool | None = None
        self._likenesses: dict[str, tuple[float, Item]] | None = None
        self._query: Query | None = None
        self._bought: Query | None = None
        self.asked: dict[Source, Query] = {}

    def pool(self, source: Source) -> Pool:
        """The source's candidates; the first call computes them."""
        pool = self.pools.get(source)
        if pool is None:
            pool = self.pools[source] = sources.POOLS[source](self)
        return pool

    def to_record(self) -> dict[str, list[tuple[str, float]]]:
        """Every source that was asked, with its candidates and scores, for the decisions kept whole."""
        return {
            source.value: [(item.item_id, round(score, 4)) for item, score in pool]
            for source, pool in self.pools.items()
        }

    def is_new(self, item: Item) -> bool:
        return item.first_seen > self.new_since

    def matches(self, item: Item) -> bool:
        """Whether an item is what page or visitor are about; when nothing is known of them, each one is."""
        if self.category and is_below(item.category, self.category):
            return True
        if self.visitor.has_affinity:
            return self.visitor.affinity(item.category, item.brand) > 0.0
        return not self.category

    def is_glance(self) -> bool:
        """Whether this visit so far is about one or two things, of somebody who is known by much more.

        Neighbours of one thing are all there because of it; the ranker weighs it against the rest itself.
        """
        visitor = self.visitor
        if not 0 < len(visitor.session) <= _GLANCE or len(visitor.bought) < _KNOWN or self.page.item_id:
            return False
        ranked = self.settings.ranker and self.model is not None and self.model.has("ranker")
        return not ranked and len(self.pool(Source.FACTORS)) > 0

    # ---- eligibility -----------------------------------------------------------------------------

    def _block(self) -> dict[str, Drop]:
        """Groups (variants of one thing count as one) that this request cannot be answered with."""
        visitor = self.visitor
        since = self.hour - self.settings.just_bought_days * DAY
        blocked: dict[str, Drop] = {}
        for item_id, bought in visitor.bought.items():
            if bought.last > since:
                blocked[self._group(item_id)] = Drop.JUST_BOUGHT
        for item_id in visitor.cart:
            blocked[self._group(item_id)] = Drop.IN_CART
        if self.page.item_id:
            blocked[self._group(self.page.item_id)] = Drop.VIEWED_NOW
        return blocked

    def _group(self, item_id: str) -> str:
        item = self.catalog.get(item_id)
        return item.group if item else item_id

    def _drop(self, reason: Drop, item_id: str) -> None:
        self.drops[reason] = self.drops.get(reason, 0) + 1
        if self._trace is not None:
            self._trace.note("", Step.DROPPED, item_id, {"reason": reason.value})

    def admit(
        self,
        item_ids: Iterable[str],
        scores: Iterable[float],
        capped: bool = True,
        again: bool = False,
    ) -> Pool:
        """What of these may be offered, in their order; with `again`, what was just bought may."""
        items, blocked = self.catalog.items, self._blocked
        if again:
            blocked = {group: why for group, why in blocked.items() if why is not Drop.JUST_BOUGHT}
        rests: Container[str] = self._resting if capped else ()
        pool = Pool()
        add, add_score = pool.items.append, pool.scores.append
        for item_id, score in zip(item_ids, scores, strict=True):
            item = items.get(item_id)
            if item is not None and item.plain and item.group not in blocked and item_id not in rests:
                add(item)  # most of them: 500 of these take 100 µs
                add_score(score)
            elif item is None:
                self._drop(Drop.UNKNOWN_ITEM, item_id)
            elif not item.buyable:
                self._drop(Drop.OUT_OF_STOCK, item_id)
            elif item.group in blocked:
                self._drop(blocked[item.group], item_id)
            elif not item.verified and not on_hosts(item.url, self._hosts):
                self._drop(Drop.UNVERIFIED, item_id)
            elif item_id in rests:
                self._drop(Drop.RESTED, item_id)
                pool.rested.append(item)
            else:
                add(item)
                add_score(score)
        return pool

    def lazily(self, pieces: Iterator[Pool], count: int) -> Pool:
        """A pool let through as somebody looks at it; all of it at once for who is told everything."""
        pool = Pool(more=pieces, waiting=count)
        if self._trace is not None:
            pool.whole()
        return pool

    def question_of_orders(self) -> Query:
        """What was ever bought, when last, and since when: for the sources that need only that."""
        if self._bought is None:
            visitor, model = self.visitor, self.model
            index = model.index if model is not None else lambda item_id: NO_ITEM
            known = [(at, one) for item_id, one in visitor.bought.items() if (at := index(item_id)) >= 0]
            first = visitor.orders.first
            self._bought = Query(
                bought=np.array([at for at, _ in known], dtype=np.int32),
                bought_counts=np.array([one.count for _, one in known], dtype=np.float32),
                bought_ages=np.array([visitor.at - one.last for _, one in known], dtype=np.float32),
                orders=float(visitor.orders.count),
                first_order_age=float(visitor.at - first) if first is not None else 0.0,
                n=self.settings.candidates,
            )
        return self._bought

    def fresh(self) -> Pool:
        """What is new: of the page's category and the visitor's own, then of everything."""
        if self._fresh is None:
            self._fresh = fresh.find_fresh(self)
        return self._fresh

    def likenesses(self) -> dict[str, tuple[float, Item]]:
        """What is like the page's or the visitor's own items: item → how much, and like which of them."""
        if self._likenesses is None:
            self._likenesses = alike.find(self)
        return self._likenesses

    def reason(self, source: Source, item: Item) -> Reason:
        """Why this item of this source, as far as it is certain."""
        return self.reasons(source, (item,))[0]

    def reasons(self, source: Source, items: Sequence[Item]) -> list[Reason]:
        """The same of several, which asks the model once."""
        return sources.reasons(self, source, items)

    # ---- the question to the models --------------------------------------------------------------

    def query(self) -> Query:
        """What the models are asked, in their indices."""
        if self._query is None:
            self._query = self._ask(self.model) if self.model is not None else Query()
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
        query = Query(
            anchor=index(self.page.item_id) if self.page.item_id else NO_ITEM,
            category=self.category or None,
            n=self.settings.candidates,
        )
        # An array costs a microsecond, and most visitors have but one or two of these.
        if session:
            query.session = np.array([index(item_id) for item_id in session], dtype=np.int32)
            query.session_ages = np.array(ages, dtype=np.float32)
            query.session_kinds = np.array(kinds, dtype=np.uint8)
        if history:
            query.history = np.array(list(history), dtype=np.int32)
            query.history_counts = np.array([count for count, _ in history.values()], dtype=np.float32)
            ages = [visitor.at - last for _, last in history.values()]
            query.history_ages = np.array(ages, dtype=np.float32)
        if basket:
            query.basket = np.array(basket, dtype=np.int32)
        return query
