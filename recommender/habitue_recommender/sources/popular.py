"""What many people want: right now, from the live log, and as the model learnt it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from habitue_recommender.catalog.catalog import DAY
from habitue_recommender.catalog.items import Item
from habitue_recommender.catalog.listings import Listed, Listing
from habitue_recommender.live import arrival, with_device
from habitue_recommender.models.base import Query
from habitue_recommender.pools import Pool, is_below
from habitue_recommender.reasons import Reason, ReasonCode, category_name

if TYPE_CHECKING:
    from habitue_recommender.candidates import Candidates

_AFFINITY_LIFT = 4.0  # an item of the only category somebody ever looked at counts as 1 + 4 · weight
_POPULAR = 200  # popular items put into a visitor's order
_PIECE = 24
_FEW = 5  # visitors
_WEEK = 7 * DAY


def popular_now(candidates: Candidates) -> Pool:
    live = candidates.live
    if live.is_stale(candidates.hour):
        return Pool()
    top = candidates.category.split("/", 1)[0]
    if top not in live.categories:
        top = ""
    how, device = ("", "") if top else _how_they_came(candidates)
    least = candidates.settings.live_least

    def make() -> Listed:
        listed = live.categories[top] if top else live.arrivals.get(how, ())
        counts = {item_id: count for item_id, count in (*listed, *live.overall) if count >= least}
        counts.update(pair for pair in listed if pair[1] >= least)
        most = max(counts.values(), default=1)
        scores = {item_id: count / most for item_id, count in counts.items()}
        # What is popular in the page's own department stands before what is popular anywhere.
        first = 1.0
        if same := [pair for pair in live.arrivals.get(device, ()) if pair[1] >= least]:
            # Who holds the same kind of device says as much as all of them, but a few of them say little.
            theirs = max(count for _, count in same) + _FEW
            for item_id, count in same:
                scores[item_id] = scores.get(item_id, 0.0) + count / theirs
            first = 2.0
        for item_id, count in listed:
            if count >= least:
                scores[item_id] += first
        item_ids = sorted(scores, key=lambda item_id: -scores[item_id]) if device else list(scores)
        return item_ids, [scores[item_id] for item_id in item_ids]

    named = ("now", top, how, device, least)
    return _lifted(candidates, candidates.catalog.listings.of(named, live, make))


def _how_they_came(candidates: Candidates) -> tuple[str, str]:
    """Of whom nothing else is known: the campaign or site that brought them, and with what they came."""
    visitor, arrivals = candidates.visitor, candidates.live.arrivals
    if visitor.has_affinity or visitor.recent or visitor.bought:
        return "", ""
    how, device = arrival(visitor.campaign, visitor.referrer), with_device(visitor.device)
    return how if how in arrivals else "", device if device in arrivals else ""


def popular(candidates: Candidates) -> Pool:
    model, category = candidates.model, candidates.category
    if model is None:
        return Pool()
    most = min(_POPULAR, candidates.settings.candidates)

    def make() -> Listed:
        item_ids, scores = model.score_named("popular", Query(n=most))
        scores = [score / scores[0] for score in scores] if scores and scores[0] > 0 else scores
        if category:
            near, near_scores = model.score_named("popular", Query(category=category, n=most))
            best = near_scores[0] if near_scores and near_scores[0] > 0 else 1.0
            here = set(near)
            rest = [(i, s) for i, s in zip(item_ids, scores, strict=True) if i not in here]
            item_ids = near + [item_id for item_id, _ in rest]
            scores = [1.0 + score / best for score in near_scores] + [score for _, score in rest]
        return item_ids, scores

    return _lifted(candidates, candidates.catalog.listings.of(("popular", category, most), model, make))


def _lifted(candidates: Candidates, listing: Listing) -> Pool:
    """What many want, in the order that fits this one visitor."""
    order, scores = listing.order(candidates.visitor, candidates.settings.affinity_weight * _AFFINITY_LIFT)
    return candidates.lazily(_pieces(candidates, listing.ids, order, scores), len(order))


def _pieces(
    candidates: Candidates, ids: Sequence[str], order: Sequence[int], scores: Sequence[float]
) -> Iterator[Pool]:
    """Let through as somebody looks at them, the scores as shares of the best one that may be offered."""
    best, count = 0.0, len(order)
    for start in range(0, count, _PIECE):
        places = order[start : start + _PIECE]
        piece = candidates.admit([ids[at] for at in places], [scores[at] for at in places])
        if not best and piece.scores:
            best = piece.scores[0] if piece.scores[0] > 0.0 else 1.0
        piece.scores = [score / best if score > 0.0 else 0.0 for score in piece.scores]
        piece.waiting = max(0, count - start - _PIECE)
        yield piece


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
