"""The compiled inner loops of `accessories`.

They call nothing in another file, for the reason that `kernels` gives.
"""

from __future__ import annotations

import numpy as np

from habitue_recommender.models.kernels import Floats, Ints, Longs, compiled


@compiled
def later(
    place_starts: Longs,
    places: Longs,
    order_of: Longs,
    order_starts: Longs,
    order_people: Ints,
    order_times: Longs,
    items: Ints,
    shares: Floats,
    first: int,
    orders: int,
    window_ms: float,
    support: int,
    shrinkage: float,
    lift: float,
    columns: Floats,
    touched: Ints,
    others: Ints,
    chances: Floats,
    strengths: Floats,
) -> Ints:
    """For each item from `first` on, what people bought for the first time in their next orders after it.

    Entries are first purchases: `items[e]` in order `order_of[e]`, those of item i at
    `places[place_starts[i]:place_starts[i + 1]]`, those of an order from `order_starts` on; a person's orders
    stand one after the other. `columns` are two columns of zeros (after, before), and are again afterwards.
    Strength: what came after beyond chance (`shares`, each item's part of all first purchases), by how often
    it came after rather than before. Returns how much each row holds.
    """
    rows, keep = others.shape
    sizes = np.zeros(rows, np.int32)
    last_order = order_people.shape[0]
    for row in range(rows):
        item = first + row
        count = 0
        following = 0.0
        bought = place_starts[item + 1] - place_starts[item]
        for p in range(place_starts[item], place_starts[item + 1]):
            order = order_of[places[p]]
            for step in range(-orders, orders + 1):
                other_order = order + step
                if step == 0 or other_order < 0 or other_order >= last_order:
                    continue
                if order_people[other_order] != order_people[order]:
                    continue
                if abs(order_times[other_order] - order_times[order]) > window_ms:
                    continue
                side = 0 if step > 0 else 1
                for e in range(order_starts[other_order], order_starts[other_order + 1]):
                    other = items[e]
                    if columns[0, other] == 0.0 and columns[1, other] == 0.0:
                        touched[count] = other
                        count += 1
                    columns[side, other] += 1.0
                    if side == 0:
                        following += 1.0
        strength = np.zeros(count, np.float64)
        for t in range(count):
            other = touched[t]
            after = columns[0, other]
            expected = following * shares[other]
            if after >= support and after > lift * expected:
                directed = after / (after + columns[1, other])
                strength[t] = (after - expected) / (bought + shrinkage) * directed
        best = np.argsort(-strength, kind="mergesort")
        for place in range(min(count, keep)):
            other = touched[best[place]]
            if strength[best[place]] <= 0.0:
                break
            others[row, place] = other
            chances[row, place] = columns[0, other] / (bought + shrinkage)
            strengths[row, place] = strength[best[place]]
            sizes[row] += 1
        for t in range(count):
            columns[0, touched[t]] = 0.0
            columns[1, touched[t]] = 0.0
    return sizes


@compiled
def answers(
    bought: Ints,
    ages: Floats,
    starts: Longs,
    others: Ints,
    chances: Floats,
    kinds: Ints,
    kind_hits: Floats,
    kind_chances: Floats,
    owned: Floats,
    prior: float,
) -> Floats:
    """How far somebody answers to accessories, for each item they bought: 1 is as everybody does.

    Of what often follows an item, how much did follow, in all and for items of its kind. `owned` is all -1,
    and is again afterwards; the columns of kinds are zeros, and are again afterwards.
    """
    count = bought.shape[0]
    for b in range(count):
        owned[bought[b]] = ages[b]
    hits = 0.0
    expected = 0.0
    for b in range(count):
        kind = kinds[bought[b]]
        for j in range(starts[bought[b]], starts[bought[b] + 1]):
            expected += chances[j]
            kind_chances[kind] += chances[j]
            age = owned[others[j]]
            if age >= 0.0 and age < ages[b]:
                hits += 1.0
                kind_hits[kind] += 1.0
    overall = (hits + prior) / (expected + prior)
    found = np.empty(count, np.float32)
    for b in range(count):
        kind = kinds[bought[b]]
        found[b] = (kind_hits[kind] + prior * overall) / (kind_chances[kind] + prior)
    for b in range(count):
        owned[bought[b]] = -1.0
        kind_hits[kinds[bought[b]]] = 0.0
        kind_chances[kinds[bought[b]]] = 0.0
    return found
