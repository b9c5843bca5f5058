"""What the rules say to hundreds of candidates at once. Pure.

All runs in C that can: there are thousands of candidates and rules in a decision.
"""

from __future__ import annotations

from functools import reduce
from itertools import repeat
from operator import or_

import numpy as np

from habitue_recommender.catalog.items import Item
from habitue_recommender.conditions import Asked
from habitue_recommender.conditions.many import Floats, Mask
from habitue_recommender.rulebook.acting import Acting
from habitue_recommender.rulebook.acts import Acts
from habitue_recommender.rulebook.item_columns import ItemTable
from habitue_recommender.rulebook.item_sets import ItemSets
from habitue_recommender.rulebook.standing import GONE
from habitue_recommender.rulebook.stretches import Looked

_MOST_FACTOR = 1e6


def look(acts: Acts, sets: ItemSets, asked: Asked, items: list[Item], scores: list[float]) -> Looked:
    """Which of these stand by their bits, and by how much each of them is lifted."""
    ids = [item.item_id for item in items]
    known = list(map(sets.answers().get, ids))
    bits: list[int] = [sets.bits(item) for item in items] if None in known else known  # type: ignore[assignment]  # no None is in it
    products = acts.products
    factors = np.array(list(map(products.__getitem__, map(products.asked_bits.__and__, bits))), np.float64)
    gone = (factors == GONE).nonzero()[0].tolist() if acts.excluded or acts.wanted else []
    values = np.array(scores, dtype=np.float64)
    if not items or not (acts.lifts or acts.mixed_lifts):
        return Looked(items, scores, ids, bits, None, values, gone, 0, frozenset())
    touched: frozenset[int] = frozenset()
    if acts.mixed_lifts:
        factors, touched = _lift_mixed(acts, sets, asked, items, ids, bits, factors)
    np.clip(factors, 1.0 / _MOST_FACTOR, _MOST_FACTOR, out=factors)
    lifted = reduce(or_, bits, 0) & acts.lifting
    return Looked(items, scores, ids, bits, factors, values * factors, gone, lifted, touched)


def _lift_mixed(
    acts: Acts,
    sets: ItemSets,
    asked: Asked,
    items: list[Item],
    ids: list[str],
    bits: list[int],
    factors: Floats,
) -> tuple[Floats, frozenset[int]]:
    """Factors by the rules that ask for visitor and item at once; the numbers of those that changed some."""
    table = sets.values.table(items, ids)
    hits = [_hits(one, table, asked, items, bits) for one, _ in acts.mixed_lifts]
    held = np.array(hits)  # (rules, items)
    by = np.array([by for _, by in acts.mixed_lifts])
    lifted: Floats = factors * np.multiply.reduce(np.where(held, by[:, None], 1.0), axis=0)
    touched = {one.number for (one, _), did in zip(acts.mixed_lifts, hits, strict=True) if did.any()}
    return lifted, frozenset(touched)


def _hits(one: Acting, table: ItemTable, asked: Asked, items: list[Item], bits: list[int]) -> Mask:
    if one.many is not None:
        return one.many(asked, table)
    test, bit = one.test, one.bit
    if test is None:
        return np.ones(len(items), np.bool_)
    if bit:
        return np.array(
            [bool(held & bit) and test(asked, item) for held, item in zip(bits, items, strict=True)], np.bool_
        )
    return np.fromiter(map(test, repeat(asked), items), np.bool_, len(items))
