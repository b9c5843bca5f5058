"""What follows from what this visitor bought before. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from habitue_recommender.catalog.items import Item
from habitue_recommender.pools import Pool
from habitue_recommender.reasons import Reason, ReasonCode
from habitue_recommender.slots import Source

if TYPE_CHECKING:
    from habitue_recommender.candidates import Candidates


def buy_again(candidates: Candidates) -> Pool:
    """What is due again, the likeliest first. The model knows when, so `just_bought_days` does not hold."""
    query = candidates.question_of_orders()
    if candidates.model is None or not len(query.bought):
        return Pool()
    item_ids, scores = candidates.model.score_named("repurchase", query)
    best = scores[0] if scores else 1.0
    return candidates.admit(item_ids, [score / best for score in scores], again=True)


def again_reason(candidates: Candidates, item: Item) -> Reason:
    bought = candidates.visitor.bought.get(item.item_id)
    often = bought is not None and bought.count >= 3
    return Reason(ReasonCode.BUY_AGAIN if often else ReasonCode.DUE_AGAIN)


def accessories(candidates: Candidates) -> Pool:
    """What people bought after what this visitor has."""
    query = candidates.question_of_orders()
    if candidates.model is None or not len(query.bought):
        return Pool()
    candidates.asked[Source.ACCESSORIES] = query
    item_ids, scores = candidates.model.score_named("accessories", query)
    best = scores[0] if scores else 1.0
    return candidates.admit(item_ids, [score / best for score in scores])


def accessory_reason(candidates: Candidates, item: Item) -> Reason:
    query, model = candidates.asked.get(Source.ACCESSORIES), candidates.model
    anchor_id = (
        model.because("accessories", query, item.item_id) if model is not None and query is not None else None
    )
    anchor = candidates.catalog.get(anchor_id) if anchor_id else None
    if anchor is None or not anchor.name:
        return Reason(ReasonCode.TASTE)
    return Reason(ReasonCode.ACCESSORY, anchor.item_id, anchor.name)
