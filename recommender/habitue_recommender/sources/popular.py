"""What many people want: right now, from the live log, and as the model learnt it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from habitue_recommender.catalog.catalog import DAY
from habitue_recommender.catalog.items import Item
from habitue_recommender.live import arrival
from habitue_recommender.models.base import Query
from habitue_recommender.pools import Pool, is_below, normalised
from habitue_recommender.reasons import Reason, ReasonCode, category_name
from habitue_recommender.visitor import BRAND, NEAR

if TYPE_CHECKING:
    from habitue_recommender.candidates import Candidates

_AFFINITY_LIFT = 4.0  # an item of the only category somebody ever looked at counts as 1 + 4 · weight
_POPULAR = 200  # popular items put into a visitor's order
_WEEK = 7 * DAY


def popular_now(candidates: Candidates) -> Pool:
    live = candidates.live
    if live.is_stale(candidates.hour):
        return Pool()
    top = candidates.category.split("/", 1)[0]
    listed = list(live.categories.get(top, ())) if top else []
    here = {item_id for item_id, _ in listed}
    came = _came_alike(candidates) if not listed else ()
    listed += came
    here.update(item_id for item_id, _ in came)
    listed += [pair for pair in live.overall if pair[0] not in here]
    least = candidates.settings.live_least
    listed = [pair for pair in listed if pair[1] >= least]
    most = max((count for _, count in listed), default=1)
    # What is popular in the page's own department stands before what is popular anywhere.
    scores = [count / most + (1.0 if item_id in here else 0.0) for item_id, count in listed]
    return _lifted(candidates, candidates.admit([item_id for item_id, _ in listed], scores))


def _came_alike(candidates: Candidates) -> tuple[tuple[str, int], ...]:
    """Of whom nothing else is known: what people look at who came by the same campaign or site."""
    visitor = candidates.visitor
    if visitor.has_affinity or visitor.recent or visitor.bought:
        return ()
    return candidates.live.arrivals.get(arrival(visitor.campaign, visitor.referrer), ())


def popular(candidates: Candidates) -> Pool:
    model = candidates.model
    if model is None:
        return Pool()
    most = min(_POPULAR, candidates.settings.candidates)
    item_ids, scores = model.score_named("popular", Query(n=most))
    scores = [score / scores[0] for score in scores] if scores and scores[0] > 0 else scores
    if candidates.category:
        near, near_scores = model.score_named("popular", Query(category=candidates.category, n=most))
        best = near_scores[0] if near_scores and near_scores[0] > 0 else 1.0
        here = set(near)
        rest = [(i, s) for i, s in zip(item_ids, scores, strict=True) if i not in here]
        item_ids = near + [item_id for item_id, _ in rest]
        scores = [1.0 + score / best for score in near_scores] + [score for _, score in rest]
    return _lifted(candidates, candidates.admit(item_ids, scores))


def _lifted(candidates: Candidates, pool: Pool) -> Pool:
    """What many want, in the order that fits this one visitor."""
    visitor, weight = candidates.visitor, candidates.settings.affinity_weight * _AFFINITY_LIFT
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
    return normalised(Pool(items, scores, pool.rested))


def now_reason(candidates: Candidates, item: Item) -> Reason:
    if item.item_id in candidates.live.trending:
        return Reason(ReasonCode.TRENDING)
    top = item.category.split("/", 1)[0]
    if top and candidates.category and is_below(candidates.category, top):
        return Reason(ReasonCode.POPULAR_NOW_IN, category=top)
    return Reason(ReasonCode.POPULAR_NOW)


def reason(candidates: Candidates, item: Item) -> Reason:
    model = candidates.model
    fresh = model is not None and candidates.hour - model.data_until < _WEEK
    week = fresh and model is not None and item.item_id in model.this_week()
    here = candidates.category if candidates.category and is_below(item.category, candidates.category) else ""
    category = category_name(here)
    if week:
        code = ReasonCode.POPULAR_WEEK_IN if here else ReasonCode.POPULAR_WEEK
    else:
        code = ReasonCode.POPULAR_IN if here else ReasonCode.POPULAR
    return Reason(code, category=category)
