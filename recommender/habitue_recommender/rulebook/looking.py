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
from habitue_recommender.conditions.many import Floats
from habitue_recommender.rulebook.acts import Acts
from habitue_recommender.rulebook.item_sets import ItemSets
from habitue_recommender.rulebook.stretches import Looked

_MOST_FACTOR = 1e6


def look(acts: Acts, sets: ItemSets, asked: Asked, items: list[Item], scores: list[float]) -> Looked:
    """Which of these stand by their bits, and by how much each of them is lifted."""
    ids = [item.item_id for item in items]
    known = list(map(sets.answers().get, ids))
    bits: list[int] = [sets.bits(item) for item in items] if None in known else known  # type: ignore[assignment]  # no None is in it
    excluded, wanted = acts.excluded, acts.wanted
    gone: list[int] = []
    if excluded or wanted:
        gone = [at for at, held in enumerate(bits) if held & excluded or held & wanted != wanted]
    values = np.array(scores, dtype=np.float64)
    if not items or not (acts.lifts or acts.mixed_lifts):
        return Looked(items, scores, ids, bits, None, values, gone, 0, frozenset())
    lifting = acts.lifting
    factors = np.array(list(map(acts.products.__getitem__, map(lifting.__and__, bits))), dtype=np.float64)
    touched = _lift_mixed(acts, sets, asked, items, ids, bits, factors) if acts.mixed_lifts else frozenset()
    np.clip(factors, 1.0 / _MOST_FACTOR, _MOST_FACTOR, out=factors)
    lifted = reduce(or_, bits, 0) & lifting
    return Looked(items, scores, ids, bits, factors, values * factors, gone, lifted, touched)


def _lift_mixed(
    acts: Acts,
    sets: ItemSets,
    asked: Asked,
    items: list[Item],
    ids: list[str],
    bits: list[int],
    factors: Floats,
) -> frozenset[int]:
    """Factors by the rules that ask for visitor and item at once; the numbers of those that changed some."""
    table = sets.values.table(items, ids)
    touched = set()
    for one, by in acts.mixed_lifts:
        if one.many is not None:
            hits = one.many(asked, table)
        else:
            test, bit = one.test, one.bit
            if test is None:
                continue
            if bit:
                among = [
                    bool(held & bit) and test(asked, item) for held, item in zip(bits, items, strict=True)
                ]
                hits = np.array(among, dtype=np.bool_)
            else:
                hits = np.fromiter(map(test, repeat(asked), items), np.bool_, len(items))
        if hits.any():
            np.multiply(factors, by, out=factors, where=hits)
            touched.add(one.number)
    return frozenset(touched)
