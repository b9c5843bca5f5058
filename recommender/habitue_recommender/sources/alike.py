"""What is like the product of the page, or like what was touched last, by what the catalog says. Pure."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from habitue_recommender.catalog.items import Item
from habitue_recommender.pools import Pool, normalised
from habitue_recommender.reasons import Reason, ReasonCode

if TYPE_CHECKING:
    from habitue_recommender.candidates import Candidates

_ANCHORS = 3  # of what was touched last


def similar(candidates: Candidates) -> Pool:
    found = candidates.likenesses()
    order = sorted(found, key=lambda item_id: (-found[item_id][0], item_id))
    return normalised(candidates.admit(order, [found[item_id][0] for item_id in order]))


def find(candidates: Candidates) -> dict[str, tuple[float, Item]]:
    """Item → how like it is, and to which of the visitor's or the page's own."""
    best: dict[str, tuple[float, Item]] = {}
    for weight, anchor in anchors(candidates):
        for item, likeness in candidates.catalog.alike.to(anchor):
            known = best.get(item.item_id)
            if known is None or likeness * weight > known[0]:
                best[item.item_id] = (likeness * weight, anchor)
    return best


def anchors(candidates: Candidates) -> list[tuple[float, Item]]:
    """The product of the page; without one, what was touched last. How much each counts stands before it."""
    catalog, visitor = candidates.catalog, candidates.visitor
    if candidates.page.item_id:
        page = catalog.get(candidates.page.item_id)
        return [(1.0, page)] if page is not None else []
    touched = [*reversed(visitor.session), *reversed(visitor.recent)]
    known = (catalog.get(item_id) for item_id in dict.fromkeys(touched))
    found = islice((item for item in known if item is not None), _ANCHORS)
    return [(0.9**step, item) for step, item in enumerate(found)]


def reason(candidates: Candidates, item: Item) -> Reason:
    found = candidates.likenesses().get(item.item_id)
    if found is None or not found[1].name:
        return Reason(ReasonCode.ASSORTMENT)
    return Reason(ReasonCode.LOOKS_LIKE, found[1].item_id, found[1].name)
