"""The compiled inner loops of the ranker and of what only it reads.

They call nothing in another file, for the reason that `kernels` gives.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from habitue_recommender.models.kernels import Floats, Ints, Longs, compiled, vectorized

_BIT = np.zeros(32, np.int64)  # de Bruijn's sequence: which bit a power of two is
for _place in range(32):
    _BIT[((1 << _place) * 0x077CB531 & 0xFFFFFFFF) >> 27] = _place

Bytes = NDArray[np.uint8]
Doubles = NDArray[np.float64]


@compiled
def followers(
    place_starts: Longs,
    places: Longs,
    of_place: Ints,
    trail_starts: Longs,
    trail_items: Ints,
    trail_ordered: Bytes,
    trail_weights: Floats,
    by_distance: Floats,
    first: int,
    backward: float,
    columns: Floats,
    touched: Ints,
    others: Ints,
    values: Floats,
    totals: Floats,
) -> Ints:
    """For each item from `first` on, as many as `others` has rows, what came after and before it.

    The items stand at `places[place_starts[i]:place_starts[i + 1]]` of `trail_items`. `columns` are three
    columns of zeros (after, before, directly after), and are again afterwards. Writes the strongest by
    after + `backward` · before into `others` and `values`, the sum of after into `totals`, and returns how
    much each row holds.
    """
    rows, keep = others.shape
    reach = by_distance.shape[0] - 1
    sizes = np.zeros(rows, np.int32)
    for row in range(rows):
        item = first + row
        count = 0
        total = np.float32(0.0)
        for p in range(place_starts[item], place_starts[item + 1]):
            place = places[p]
            trail = of_place[place]
            begin = trail_starts[trail]
            end = trail_starts[trail + 1]
            ordered = trail_ordered[trail] > 0
            if ordered:
                begin = max(begin, place - reach)
                end = min(end, place + reach + 1)
            for j in range(begin, end):
                other = trail_items[j]
                if other == item:
                    continue
                if columns[0, other] == 0.0 and columns[1, other] == 0.0:
                    touched[count] = other
                    count += 1
                weight = trail_weights[trail]
                if not ordered:
                    columns[0, other] += weight
                    columns[1, other] += weight
                    total += weight
                elif j > place:
                    columns[0, other] += weight * by_distance[j - place]
                    total += weight * by_distance[j - place]
                    if j == place + 1:
                        columns[2, other] += weight
                else:
                    columns[1, other] += weight * by_distance[place - j]
        totals[item] = total
        strength = np.empty(count, np.float64)
        for t in range(count):
            other = touched[t]
            strength[t] = -(columns[0, other] + backward * columns[1, other])
        order = np.argsort(strength, kind="mergesort")
        sizes[row] = min(count, keep)
        for place in range(sizes[row]):
            other = touched[order[place]]
            others[row, place] = other
            for c in range(3):
                values[row, place, c] = columns[c, other]
        for t in range(count):
            for c in range(3):
                columns[c, touched[t]] = 0.0
    return sizes


@compiled
def trees(
    features: Floats,
    tree_starts: Longs,
    leaf_starts: Longs,
    split_features: Ints,
    thresholds: Doubles,
    left: Ints,
    right: Ints,
    leaves: Doubles,
) -> Doubles:
    """The sum of all trees for each row of features, as LightGBM adds them up: tree by tree.

    A child below 0 is the leaf ~child. Nothing is missing, so a comparison decides.
    """
    rows = features.shape[0]
    scores = np.zeros(rows, np.float64)
    for tree in range(tree_starts.shape[0] - 1):
        root = tree_starts[tree]
        leaf = leaf_starts[tree]
        if tree_starts[tree + 1] == root:  # a tree that is one leaf
            for row in range(rows):
                scores[row] += leaves[leaf]
            continue
        for row in range(rows):
            node = 0
            while node >= 0:
                at = root + node
                if np.float64(features[row, split_features[at]]) <= thresholds[at]:
                    node = left[at]
                else:
                    node = right[at]
            scores[row] += leaves[leaf + ~node]
    return scores


@compiled
def standing_leaves(
    features: Floats,
    split_features: Ints,
    thresholds: Floats,
    of_tree: Ints,
    keeps: NDArray[np.uint32],
    leaves: Doubles,
) -> Doubles:
    """What `trees` says, without a step that depends on the one before: all rows pass a split at once.

    QuickScorer (Lucchese et al., SIGIR 2015), its loops turned around: a bit for each leaf of a tree stands
    until a split rules it out, and the leftmost that stands at the end is where the row arrives. Splits come
    by feature; one that is false leaves the bits of `keeps` standing. `leaves` has a row for each tree.
    """
    rows = features.shape[0]
    standing = np.full((leaves.shape[0], rows), np.uint32(0xFFFFFFFF), np.uint32)
    column = np.empty(rows, np.float32)
    everything = np.uint32(0xFFFFFFFF)
    last = -1
    for n in range(split_features.shape[0]):
        if split_features[n] != last:
            last = split_features[n]
            for row in range(rows):
                column[row] = features[row, last]
        threshold = thresholds[n]
        keep = keeps[n]
        bits = standing[of_tree[n]]
        for row in range(rows):
            bits[row] &= everything if column[row] <= threshold else keep
    scores = np.zeros(rows, np.float64)
    for tree in range(leaves.shape[0]):
        for row in range(rows):
            left = np.uint64(standing[tree, row])
            lowest = left & (~left + np.uint64(1))
            place = ((lowest * np.uint64(0x077CB531)) & np.uint64(0xFFFFFFFF)) >> np.uint64(27)
            scores[row] += leaves[tree, _BIT[place]]
    return scores


@vectorized
def _dot(one: Floats, other: Floats) -> np.float32:
    total = np.float32(0.0)
    for c in range(one.shape[0]):
        total += one[c] * other[c]
    return total


@compiled
def features(
    items: Ints,
    blend: Floats,
    scores: Floats,
    found: int,
    trail: Ints,
    trail_weights: Floats,
    trail_ages: Floats,
    history: Ints,
    history_weights: Floats,
    history_ages: Floats,
    followers_starts: Longs,
    followers: Ints,
    forward: Floats,
    backward: Floats,
    direct: Floats,
    totals: Floats,
    similar_starts: Longs,
    similar: Ints,
    similarities: Floats,
    vectors: Floats,
    facts: Floats,
    longest: int,
    slots: Ints,
    out: Floats,
) -> int:
    """What the trees look at, a row for each candidate; returns how many columns were written.

    Of the `trail`, oldest first, the `longest` newest events of known items are read; `trail_ages` (ms) is
    as long, shorter by what happens now, or empty. `slots` is -1 everywhere, and is again afterwards. The
    columns are named by `feature_names`, in this order.
    """
    places = np.empty(min(longest, trail.shape[0]), np.int64)
    length = 0
    for position in range(trail.shape[0] - 1, -1, -1):
        if length < places.shape[0] and trail[position] >= 0 and trail[position] < slots.shape[0]:
            places[length] = position
            length += 1
    events = np.empty(length, np.int32)
    event_weights = np.empty(length, np.float32)
    event_ages = np.zeros(length if trail_ages.shape[0] else 0, np.float32)
    for step in range(length):
        position = places[length - 1 - step]
        events[step] = trail[position]
        event_weights[step] = trail_weights[position]
        if position < trail_ages.shape[0]:
            event_ages[step] = trail_ages[position]
    rows = items.shape[0]
    sources = scores.shape[1]
    for row in range(rows):
        slots[items[row]] = row
        for c in range(out.shape[1]):
            out[row, c] = 0.0
    f = 0
    # What each source says: score, share of its best one, place.
    best = np.zeros(sources, np.float32)
    known = np.zeros(rows, np.float32)
    placed = np.empty(rows, np.int64)
    for s in range(sources):
        named = 0
        for row in range(rows):
            value = scores[row, s]
            if value > 0.0:
                best[s] = max(best[s], value)
                at = named  # by insertion, equal ones as they came: they stand nearly so already
                while at > 0 and scores[placed[at - 1], s] < value:
                    placed[at] = placed[at - 1]
                    at -= 1
                placed[at] = row
                named += 1
        for place in range(named):
            row = placed[place]
            value = scores[row, s]
            known[row] += 1.0
            out[row, f] = value
            out[row, f + 1] = value / best[s]
            out[row, f + 2] = 1.0 / (1.0 + place)
        f += 3
    for row in range(rows):
        out[row, f] = blend[row]
        out[row, f + 1] = blend[row] / blend[0]
        out[row, f + 2] = 1.0 / (1.0 + row)
        out[row, f + 3] = known[row]
    f += 4

    # Pairs with what is in the session, each item once, the newest first.
    distinct = np.empty(length, np.int32)
    steps = np.empty(length, np.int32)
    count = 0
    for position in range(length - 1, -1, -1):
        item = events[position]
        again = False
        for d in range(count):
            if distinct[d] == item:
                again = True
                break
        if not again:
            distinct[count] = item
            steps[count] = length - 1 - position
            count += 1
    pairs = f
    f += 20
    for d in range(count):
        item = distinct[d]
        total = totals[item] + np.float32(0.5)
        decay = np.exp(np.float32(-0.25) * steps[d])
        for j in range(followers_starts[item], followers_starts[item + 1]):
            row = slots[followers[j]]
            if row < 0:
                continue
            after = forward[j] / total
            before = backward[j] / total
            out[row, pairs] += decay * after
            out[row, pairs + 1] = max(out[row, pairs + 1], after)
            out[row, pairs + 2] += decay * before
            if d == 0:
                out[row, pairs + 3] = forward[j]
                out[row, pairs + 4] = after
                out[row, pairs + 5] = direct[j]
                out[row, pairs + 6] = direct[j] / total
                out[row, pairs + 7] = before
                out[row, pairs + 8] = after / (totals[items[row]] + np.float32(1.0))
            elif d == 1:
                out[row, pairs + 9] = after
                out[row, pairs + 10] = before
                out[row, pairs + 11] = direct[j] / total
            elif d == 2:
                out[row, pairs + 12] = after
        for j in range(similar_starts[item], similar_starts[item + 1]):
            row = slots[similar[j]]
            if row < 0 or similar[j] == item:
                continue
            value = similarities[j]
            out[row, pairs + 13] += value
            out[row, pairs + 14] = max(out[row, pairs + 14], value)
            out[row, pairs + 15] += 1.0
            if d == 0:
                out[row, pairs + 16] = value
            elif d == 1:
                out[row, pairs + 17] = value
            elif d == 2:
                out[row, pairs + 18] = value
    for row in range(rows):  # as a share of the session, so that long ones compare with short ones
        out[row, pairs + 19] = out[row, pairs + 15] / max(count, 1)

    # Directions: of the last item, the one before, and of the whole session.
    size = vectors.shape[1]
    taste = np.zeros(size, np.float32)
    for d in range(count):
        decay = np.exp(np.float32(-0.4) * steps[d])
        for c in range(size):
            taste[c] += decay * vectors[distinct[d], c]
    norm = max(np.sqrt(_dot(taste, taste)), np.float32(1e-6))
    for row in range(rows):
        vector = vectors[items[row]]
        out[row, f] = _dot(vector, vectors[distinct[0]]) if count > 0 else np.float32(0.0)
        out[row, f + 1] = _dot(vector, vectors[distinct[1]]) if count > 1 else np.float32(0.0)
        out[row, f + 2] = _dot(vector, taste) / norm
    f += 3

    # The item itself, anywhere.
    for row in range(rows):
        for c in range(facts.shape[1]):
            out[row, f + c] = facts[items[row], c]
    f += facts.shape[1]

    # The item in this session, and in earlier ones.
    for position in range(length):
        row = slots[events[position]]
        if row >= 0:
            out[row, f] += 1.0
            out[row, f + 1] = 1.0 / (length - position)
            out[row, f + 2] = max(out[row, f + 2], event_weights[position])
            if position == length - 1:
                out[row, f + 3] = 1.0
            if event_ages.shape[0] == length:  # against the newest: how long ago that was is another matter
                ago = max(event_ages[position] - event_ages[length - 1], np.float32(0.0))
                out[row, f + 4] = np.log1p(ago / np.float32(1000.0))
    f += 5
    for h in range(history.shape[0]):
        if history[h] < 0 or history[h] >= slots.shape[0]:
            continue
        row = slots[history[h]]
        if row >= 0:
            out[row, f] = history_weights[h]
            if history_ages.shape[0] == history.shape[0]:
                out[row, f + 1] = 1.0 / (1.0 + history_ages[h] / np.float32(86_400_000.0))
    f += 2

    # The visitor's moment: equal for all candidates, it tells the trees which of them to believe.
    gap = np.float32(0.0)
    if event_ages.shape[0] == length and length > 1:
        gap = np.log1p(max(event_ages[length - 2] - event_ages[length - 1], np.float32(0.0)) / 1000.0)
    for row in range(rows):
        out[row, f] = np.log1p(np.float32(length))
        out[row, f + 1] = count / max(length, 1)
        out[row, f + 2] = gap
        out[row, f + 3] = np.log1p(np.float32(found))
        out[row, f + 4] = np.log1p(np.float32(history.shape[0]))
        if count > 0:
            out[row, f + 5] = totals[distinct[0]]
            for c in range(facts.shape[1]):
                out[row, f + 6 + c] = facts[distinct[0], c]
    f += 6 + facts.shape[1]
    for row in range(rows):
        for s in range(min(sources, 5)):
            out[row, f + s] = best[s]
    columns: int = f + min(sources, 5)
    for row in range(rows):
        slots[items[row]] = -1
    return columns


@compiled
def _best_first(values: Doubles, items: Ints) -> Longs:
    """Places by value, equal ones by item. By insertion: they are few, and stand nearly so already."""
    order = np.empty(values.shape[0], np.int64)
    for row in range(values.shape[0]):
        value, item = values[row], items[row]
        at = row
        while at > 0:
            other = order[at - 1]
            if values[other] > value or (values[other] == value and items[other] < item):
                break
            order[at] = other
            at -= 1
        order[at] = row
    return order


@compiled
def by_value(values: Doubles, items: Ints, blend: Floats, n: int) -> tuple[Ints, Floats]:
    """The `n` best: those that have a value first, by it, then the others as they stand; scores above 0."""
    head = values.shape[0]
    order = _best_first(values, items)
    length = min(n, items.shape[0])
    ranked = np.empty(length, np.int32)
    worth = np.empty(length, np.float32)
    for place in range(min(head, length)):
        ranked[place] = items[order[place]]
        worth[place] = np.exp(values[order[place]] - values[order[0]])
    for place in range(head, length):
        ranked[place] = items[place]
        worth[place] = blend[place] / blend[head] * worth[head - 1]
    return ranked, worth


@compiled
def ordered(
    items: Ints,
    blend: Floats,
    scores: Floats,
    found: int,
    trail: Ints,
    trail_weights: Floats,
    trail_ages: Floats,
    history: Ints,
    history_weights: Floats,
    history_ages: Floats,
    followers_starts: Longs,
    followers: Ints,
    forward: Floats,
    backward: Floats,
    direct: Floats,
    totals: Floats,
    similar_starts: Longs,
    similar: Ints,
    similarities: Floats,
    vectors: Floats,
    facts: Floats,
    longest: int,
    slots: Ints,
    table: Floats,
    split_features: Ints,
    thresholds: Floats,
    of_tree: Ints,
    keeps: NDArray[np.uint32],
    leaves: Doubles,
    blend_weight: float,
    least_blend: float,
    n: int,
) -> tuple[Ints, Floats]:
    """The `n` best of what `candidates` found, as the trees see it, with scores that are above 0.

    `table` has a row for each one that the trees are asked about; the others follow as the blend has them.
    In one call: `features`, `standing_leaves`, and so much of the logarithm of the blend.
    """
    head = min(table.shape[0], items.shape[0])
    out = table[:head]
    features(
        items[:head],
        blend[:head],
        scores[:head],
        found,
        trail,
        trail_weights,
        trail_ages,
        history,
        history_weights,
        history_ages,
        followers_starts,
        followers,
        forward,
        backward,
        direct,
        totals,
        similar_starts,
        similar,
        similarities,
        vectors,
        facts,
        longest,
        slots,
        out,
    )
    values = standing_leaves(out, split_features, thresholds, of_tree, keeps, leaves)
    if blend_weight != 0.0:
        for row in range(head):
            values[row] += blend_weight * np.log(max(blend[row], least_blend))
    return by_value(values, items, blend, n)


@compiled
def at_second_hand(
    items: Ints,
    weights: Floats,
    starts: Longs,
    similar: Ints,
    similarities: Floats,
    width: int,
    scores: Floats,
    touched: Ints,
) -> int:
    """Sum weight · s(item, between) · s(between, other) over the `width` most similar ones of each."""
    count = 0
    for q in range(items.shape[0]):
        if items[q] < 0 or items[q] >= starts.shape[0] - 1:
            continue
        end = min(starts[items[q]] + width, starts[items[q] + 1])
        for j in range(starts[items[q]], end):
            between = similar[j]
            share = weights[q] * similarities[j]
            if between == items[q] or share <= 0.0:
                continue
            between_end = min(starts[between] + width, starts[between + 1])
            for other in range(starts[between], between_end):
                if similar[other] == items[q]:
                    continue
                value = share * similarities[other]
                if value <= 0.0:
                    continue
                if scores[similar[other]] == 0.0:
                    touched[count] = similar[other]
                    count += 1
                scores[similar[other]] += value
    return count
