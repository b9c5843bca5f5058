"""The compiled inner loops of `repurchase`.

They call nothing in another file, for the reason that `kernels` gives.
"""

from __future__ import annotations

import numpy as np

from habitue_recommender.models.kernels import Floats, Ints, Longs, compiled

DAY_MS = 86_400_000.0
COLUMNS = (
    *("count", "share of orders", "days since", "in last order", "items bought more often"),
    *("orders", "items per order", "days between orders", "days since order", "variety"),
    *("count of type", "days since type", "share of type", "latest of type", "items of type"),
    *("popular", "popular this week", "popular this month", "usual days between", "bought again"),
    *("count, halved in 60 days", "count, halved in 120 days", "days since / own gap"),
    *("days since / usual gap", "orders since", "purchases a day", "days since type / own gap"),
)
NEVER = 999.0  # days since something that never was


@compiled
def history(
    basket_starts: Longs,
    basket_items: Ints,
    baskets: Longs,
    times: Longs,
    until: int,
    place: Ints,
    items: Ints,
    counts: Floats,
    last: Longs,
) -> int:
    """What was bought in the first `until` of a person's `baskets`; returns how many different items.

    Writes item, number of baskets and time of the last one. `place` is all -1, and is again afterwards.
    """
    found = 0
    for b in range(until):
        basket = baskets[b]
        for j in range(basket_starts[basket], basket_starts[basket + 1]):
            item = basket_items[j]
            at = place[item]
            if at < 0:
                at = found
                place[item] = at
                items[at] = item
                counts[at] = 0.0
                found += 1
            counts[at] += 1.0
            last[at] = times[basket]
    for at in range(found):
        place[items[at]] = -1
    return found


@compiled
def features(
    items: Ints,
    counts: Floats,
    ages: Floats,
    own: int,
    orders: float,
    first_age: float,
    last_age: float,
    types: Ints,
    facts: Floats,
    type_counts: Floats,
    type_ages: Floats,
    type_items: Floats,
    out: Floats,
) -> None:
    """Fill a row of `COLUMNS` for each item; the first `own` were bought, the others never.

    `ages` are days since the last purchase. `facts[item]` holds popularity (all, week, month), the usual
    days between two purchases and the share of buyers who buy it again. The three columns of types are
    zeros, and are again afterwards.
    """
    total = 0.0
    for r in range(own):
        total += counts[r]
        kind = types[items[r]]
        if type_items[kind] == 0.0 or ages[r] < type_ages[kind]:
            type_ages[kind] = ages[r]
        type_counts[kind] += counts[r]
        type_items[kind] += 1.0
    by_count = np.sort(counts[:own])
    tenure = max(first_age, 1.0)
    between = (first_age - last_age) / max(orders - 1.0, 1.0)
    for r in range(items.shape[0]):
        item = items[r]
        kind = types[item]
        row = out[r]
        count = counts[r] if r < own else np.float32(0.0)
        since = ages[r] if r < own else np.float32(NEVER)
        usual = facts[item, 3]
        kind_since = type_ages[kind] if type_items[kind] > 0.0 else np.float32(NEVER)
        row[0] = count
        row[1] = count / max(orders, 1.0)
        row[2] = since
        row[3] = 1.0 if r < own and since - last_age < 0.05 else 0.0
        row[4] = own - np.searchsorted(by_count, count, side="right")
        row[5] = orders
        row[6] = total / max(orders, 1.0)
        row[7] = between
        row[8] = last_age
        row[9] = own / max(total, 1.0)
        row[10] = type_counts[kind]
        row[11] = kind_since
        row[12] = count / max(type_counts[kind], np.float32(1.0))
        row[13] = 1.0 if r < own and since <= kind_since else 0.0
        row[14] = type_items[kind]
        for c in range(5):
            row[15 + c] = facts[item, c]
        row[20] = count * np.exp2(-since / 60.0)
        row[21] = count * np.exp2(-since / 120.0)
        row[22] = since / ((tenure + 2.0 * usual) / (count + 2.0) + 1.0)
        row[23] = since / (usual + 1.0)
        row[24] = (since - last_age) / (between + 0.5)
        row[25] = count / (tenure + usual)
        row[26] = kind_since / (tenure / (type_counts[kind] + 1.0) + 1.0)
    for r in range(own):
        kind = types[items[r]]
        type_counts[kind] = 0.0
        type_ages[kind] = 0.0
        type_items[kind] = 0.0
