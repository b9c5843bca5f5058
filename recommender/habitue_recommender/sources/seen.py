"""What this visitor looked at themselves. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from habitue_recommender.catalog.items import Item
from habitue_recommender.pools import Pool, falling
from habitue_recommender.reasons import Reason, ReasonCode

if TYPE_CHECKING:
    from habitue_recommender.candidates import Candidates

_VIEWS = frozenset({"product_view", "product_click", "offer_click"})
_WANTED = frozenset({"add_to_cart", "wishlist_add"})


def recently_viewed(candidates: Candidates) -> Pool:
    shown = [
        item_id
        for item_id, seen in reversed(candidates.visitor.recent.items())
        if seen.kind.value in _VIEWS or seen.kind.value in _WANTED
    ]
    return candidates.admit(shown, falling(len(shown)), capped=False)


def reason(candidates: Candidates, item: Item) -> Reason:
    seen = candidates.visitor.recent.get(item.item_id)
    wanted = seen is not None and seen.kind.value in _WANTED
    return Reason(ReasonCode.RECENTLY_WANTED if wanted else ReasonCode.RECENTLY_VIEWED)
