"""The sources: what each brings for one request, and why one of its items stands there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from habitue_recommender.pools import Pool
from habitue_recommender.slots import Source
from habitue_recommender.sources import alike, fresh, modelled, owned, popular, seen, visits

if TYPE_CHECKING:
    from habitue_recommender.candidates import Candidates
    from habitue_recommender.catalog.items import Item
    from habitue_recommender.reasons import Reason

POOLS: dict[Source, Callable[[Candidates], Pool]] = {
    Source.SESSION_NEIGHBOURS: modelled.session_neighbours,
    Source.ITEM_ITEM: modelled.item_item,
    Source.FACTORS: modelled.factors,
    Source.TOGETHER: modelled.together,
    Source.BUY_AGAIN: owned.buy_again,
    Source.ACCESSORIES: owned.accessories,
    Source.SIMILAR: alike.similar,
    Source.RECENTLY_VIEWED: seen.recently_viewed,
    Source.IMPULSE: visits.impulse,
    Source.NEW_SINCE_VISIT: visits.new_since_visit,
    Source.PRICE_DROPS: visits.price_drops,
    Source.POPULAR_NOW: popular.popular_now,
    Source.POPULAR: popular.popular,
    Source.NEW_ITEMS: fresh.new_items,
}

_REASONS: dict[Source, Callable[[Candidates, Item], Reason]] = {
    Source.BUY_AGAIN: owned.again_reason,
    Source.ACCESSORIES: owned.accessory_reason,
    Source.SIMILAR: alike.reason,
    Source.RECENTLY_VIEWED: seen.reason,
    Source.IMPULSE: visits.impulse_reason,
    Source.NEW_SINCE_VISIT: visits.new_reason,
    Source.PRICE_DROPS: visits.price_reason,
    Source.POPULAR_NOW: popular.now_reason,
    Source.POPULAR: popular.reason,
    Source.NEW_ITEMS: fresh.reason,
}


def reasons(candidates: Candidates, source: Source, items: Sequence[Item]) -> list[Reason]:
    """Why these items of this source, as far as it is certain."""
    told = _REASONS.get(source)
    if told is None:
        return modelled.reasons(candidates, source, items)
    return [told(candidates, item) for item in items]
