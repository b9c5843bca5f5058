"""What happened since the last visit: interest that broke off, what is new, what became cheaper. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from habitue_recommender.catalog.items import Item
from habitue_recommender.pools import Pool, falling
from habitue_recommender.reasons import Reason, ReasonCode

if TYPE_CHECKING:
    from habitue_recommender.candidates import Candidates
    from habitue_recommender.visitor import Visitor

_WANTED = frozenset({"add_to_cart", "wishlist_add"})
_BOUGHT = "purchase"
_NEW = 100  # new items looked at
_CHEAPER = 0.97  # of the price then: a cent less is no news


def impulse(candidates: Candidates) -> Pool:
    """What was wanted, then what was looked at longest and last, and not bought: the visit ended there."""
    visitor = candidates.visitor
    broken = list(_broken_off(visitor))
    last = visitor.last_visit()
    order = sorted(
        range(len(broken)),
        key=lambda n: (last[broken[n]].kind.value not in _WANTED, last[broken[n]].count < 2, -n),
    )
    return candidates.admit([broken[n] for n in order], falling(len(order)), capped=False)


def _broken_off(visitor: Visitor) -> list[str]:
    bought = visitor.bought
    return [
        item_id
        for item_id, seen in visitor.last_visit().items()
        if seen.kind.value != _BOUGHT and (item_id not in bought or bought[item_id].last < seen.last)
    ]


def impulse_reason(candidates: Candidates, item: Item) -> Reason:
    seen = candidates.visitor.recent.get(item.item_id)
    wanted = seen is not None and seen.kind.value in _WANTED
    return Reason(ReasonCode.WANTED_LAST_VISIT if wanted else ReasonCode.LAST_VISIT)


def new_since_visit(candidates: Candidates) -> Pool:
    """What is new in the shop and came after this visitor last looked at anything, what fits first."""
    earlier = [seen.last for seen in candidates.visitor.last_visit().values()]
    if not earlier:
        return Pool()
    since = max(earlier)
    pool = candidates.fresh()
    late = [(item, score) for item, score in zip(*pool.whole(), strict=True) if item.first_seen > since][
        :_NEW
    ]
    rested = [item for item in pool.rested if item.first_seen > since]
    return Pool([item for item, _ in late], [score for _, score in late], rested)


def new_reason(candidates: Candidates, item: Item) -> Reason:
    return Reason(ReasonCode.NEW_SINCE_VISIT)


def price_drops(candidates: Candidates) -> Pool:
    """What was looked at, not bought since, and costs less now; the deepest cut first."""
    visitor, catalog = candidates.visitor, candidates.catalog
    cuts: list[tuple[float, str]] = []
    for item_id, seen in visitor.recent.items():
        item = catalog.get(item_id)
        if item is None or item.price is None or not item.earlier_prices or not item.verified:
            continue
        bought = visitor.bought.get(item_id)
        if seen.kind.value == _BOUGHT or (bought is not None and bought.last >= seen.last):
            continue
        then = item.price_at(seen.last)
        if then is not None and item.price <= _CHEAPER * then:
            cuts.append((1.0 - item.price / then, item_id))
    cuts.sort(key=lambda cut: (-cut[0], cut[1]))
    best = cuts[0][0] if cuts else 1.0
    return candidates.admit([item_id for _, item_id in cuts], [cut / best for cut, _ in cuts], capped=False)


def price_reason(candidates: Candidates, item: Item) -> Reason:
    return Reason(ReasonCode.CHEAPER)
