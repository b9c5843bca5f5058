"""Sources that ask a model of the artifact: what goes with what, and with whom. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from habitue_recommender.catalog.items import Item
from habitue_recommender.models.base import NO_ITEM, Query, Ranked
from habitue_recommender.pools import Pool, falling
from habitue_recommender.reasons import Reason, ReasonCode
from habitue_recommender.slots import Source

if TYPE_CHECKING:
    from habitue_recommender.candidates import Candidates
    from habitue_recommender.served import ServedModel

_PIECE = 40  # a slot of twelve mixes some 36
_MEMBERS = {  # of the artifact
    Source.SESSION_NEIGHBOURS: "neighbours",
    Source.ITEM_ITEM: "item_item",
    Source.FACTORS: "factors",
    Source.TOGETHER: "together",
}


def _member(candidates: Candidates, model: ServedModel, source: Source) -> str:
    """Who answers for a source: the ranker, which knows more than one, where it is wanted and there."""
    if source is Source.SESSION_NEIGHBOURS and candidates.settings.ranker and model.has("ranker"):
        return "ranker"
    return _MEMBERS[source]


def modelled(candidates: Candidates, source: Source, query: Query) -> Pool:
    model = candidates.model
    if model is None:
        return Pool()
    candidates.asked[source] = query
    ranked = model.score(_member(candidates, model, source), query)
    return Pool(more=_pieces(candidates, model, ranked), waiting=len(ranked.items))


def _pieces(candidates: Candidates, model: ServedModel, ranked: Ranked) -> Iterator[Pool]:
    """A model's answer let through in pieces: a slot that fills looks at few of its 500 candidates."""
    items, count = ranked.items, len(ranked.items)
    scores = ranked.scores.tolist()
    best = scores[0] if scores else 0.0
    if best <= 0.0:  # distances, or a taste for nothing in particular: only the order says something
        scores, best = falling(count), 1.0
    for start in range(0, count, _PIECE):
        end = start + _PIECE
        shares = [score / best if score > 0.0 else 0.0 for score in scores[start:end]]
        piece = candidates.admit(model.named(items[start:end]), shares)
        piece.waiting = max(0, count - end)
        yield piece


def session_neighbours(candidates: Candidates) -> Pool:
    query = candidates.query()
    if query.anchor == NO_ITEM and not len(query.session):
        return Pool()
    return modelled(candidates, Source.SESSION_NEIGHBOURS, query)


def item_item(candidates: Candidates) -> Pool:
    query = candidates.query()
    if query.anchor != NO_ITEM:  # on a product's page this means that product, not the way to it
        query = Query(anchor=query.anchor, n=query.n)
    return modelled(candidates, Source.ITEM_ITEM, query)


def factors(candidates: Candidates) -> Pool:
    query = candidates.query()
    if not len(query.history) and not len(query.session):
        return Pool()
    return modelled(candidates, Source.FACTORS, query)


def together(candidates: Candidates) -> Pool:
    query = candidates.query()
    if query.anchor != NO_ITEM:
        query = Query(anchor=query.anchor, n=query.n)
    return modelled(candidates, Source.TOGETHER, query)


def reasons(candidates: Candidates, source: Source, items: Sequence[Item]) -> list[Reason]:
    model, query = candidates.model, candidates.asked.get(source)
    if model is None or query is None:
        return [_reason(candidates, source, item, None) for item in items]
    ids = [item.item_id for item in items]
    anchors = model.because_all(_member(candidates, model, source), query, ids)
    return [_reason(candidates, source, *pair) for pair in zip(items, anchors, strict=True)]


def _reason(candidates: Candidates, source: Source, item: Item, anchor_id: str | None) -> Reason:
    visitor = candidates.visitor
    if source is Source.FACTORS and (bought := visitor.bought.get(item.item_id)) and bought.count >= 2:
        return Reason(ReasonCode.BUY_AGAIN)
    if anchor_id == item.item_id and anchor_id in visitor.recent:
        return Reason(ReasonCode.RECENTLY_VIEWED)
    anchor = candidates.catalog.get(anchor_id) if anchor_id else None
    if anchor is not None and anchor.name and anchor_id != item.item_id:
        code = _anchor_code(candidates, source, anchor.item_id)
        if code is not None:
            return Reason(code, anchor.item_id, anchor.name)
    if source is Source.SESSION_NEIGHBOURS and len(visitor.session):
        return Reason(ReasonCode.SIMILAR_VISITS)
    if visitor.recent or visitor.bought:
        return Reason(ReasonCode.TASTE)
    return Reason(ReasonCode.ASSORTMENT)


def _anchor_code(candidates: Candidates, source: Source, anchor_id: str) -> ReasonCode | None:
    visitor = candidates.visitor
    if source is Source.TOGETHER:
        return ReasonCode.BOUGHT_TOGETHER
    if source is Source.ITEM_ITEM and anchor_id == candidates.page.item_id:
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
    return ReasonCode.GOES_WITH if anchor_id == candidates.page.item_id else None
