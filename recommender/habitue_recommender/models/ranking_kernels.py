"""The compiled inner loops of the ranker and of what only it reads.

They call nothing in another file, for the reason that `kernels` gives.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from habitue_recommender.models.kernels import Floats, Ints, Longs, compiled

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
def gather(
    scores: Floats, touched: Ints, count: int, column: int, slots: Ints, union: Ints, table: Floats, used: int
) -> int:
    """Move a source's scores into its column of the table of candidates; clears `scores`.

    `slots[item]` is the item's row of the table, -1 for none; `union[row]` the item. Returns how many
    rows are used now. When the table is full, items that it does not know are let go.
    """
    for t in range(count):
        item = touched[t]
        value = scores[item]
        scores[item] = 0.0
        if value <= 0.0:
            continue
        row = slots[item]
        if row < 0:
            if used == table.shape[0]:
                continue
            row = used
            slots[item] = row
            union[row] = item
            for c in range(table.shape[1]):
                table[row, c] = 0.0
            used += 1
        table[row, column] = value
    return used


@compiled
def blended(
    table: Floats, union: Ints, used: int, weights: Floats, slots: Ints, keep: int
) -> tuple[Ints, Floats, Floats]:
    """The `keep` best rows by Σ weight · score / the source's sum: (items, blend, scores), best first.

    Equal ones stand in the order of the items' indices. Clears `slots`.
    """
    sources = table.shape[1]
    scale = np.zeros(sources, np.float64)
    for row in range(used):
        slots[union[row]] = -1
        for c in range(sources):
            scale[c] += table[row, c]
    for c in range(sources):
        scale[c] = weights[c] / scale[c] if scale[c] > 0.0 else 0.0
    blend = np.empty(used, np.float64)
    for row in range(used):
        total = 0.0
        for c in range(sources):
            total += scale[c] * table[row, c]
        blend[row] = total
    kept = min(keep, used)
    if used > kept:
        floor = np.partition(blend, used - kept)[used - kept]
        rows = np.flatnonzero(blend >= floor)
    else:
        rows = np.arange(used)
    by_item = rows[np.argsort(union[rows], kind="mergesort")]
    order = by_item[np.argsort(-blend[by_item], kind="mergesort")][:kept]
    items = np.empty(kept, np.int32)
    values = np.empty(kept, np.float32)
    scores = np.empty((kept, sources), np.float32)
    for place in range(kept):
        row = order[place]
        items[place] = union[row]
        values[place] = blend[row]
        for c in range(sources):
            scores[place, c] = table[row, c]
    return items, values, scores


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
    slots: Ints,
    out: Floats,
) -> int:
    """What the trees look at, a row for each candidate; returns how many columns were written.

    `trail` are the newest events, oldest first; `trail_ages` (ms) is as long or empty. `slots` is -1
    everywhere, and is again afterwards. The columns are named by `feature_names`, in this order.
    """
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
    for s in range(sources):
        for row in range(rows):
            best[s] = max(best[s], scores[row, s])
        order = np.argsort(-scores[:, s], kind="mergesort")
        for place in range(rows):
            row = order[place]
            value = scores[row, s]
            if value <= 0.0:
                break
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
    length = trail.shape[0]
    distinct = np.empty(length, np.int32)
    steps = np.empty(length, np.int32)
    count = 0
    for position in range(length - 1, -1, -1):
        item = trail[position]
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
    norm = np.float32(0.0)
    for c in range(size):
        norm += taste[c] * taste[c]
    norm = max(np.sqrt(norm), np.float32(1e-6))
    for row in range(rows):
        item = items[row]
        last = np.float32(0.0)
        second = np.float32(0.0)
        whole = np.float32(0.0)
        for c in range(size):
            value = vectors[item, c]
            whole += value * taste[c]
            if count > 0:
                last += value * vectors[distinct[0], c]
            if count > 1:
                second += value * vectors[distinct[1], c]
        out[row, f] = last
        out[row, f + 1] = second
        out[row, f + 2] = whole / norm
    f += 3

    # The item itself, anywhere.
    for row in range(rows):
        for c in range(facts.shape[1]):
            out[row, f + c] = facts[items[row], c]
    f += facts.shape[1]

    # The item in this session, and in earlier ones.
    for position in range(length):
        row = slots[trail[position]]
        if row >= 0:
            out[row, f] += 1.0
            out[row, f + 1] = 1.0 / (length - position)
            out[row, f + 2] = max(out[row, f + 2], trail_weights[position])
            if position == length - 1:
                out[row, f + 3] = 1.0
            if trail_ages.shape[0] == length:  # against the newest: how long ago that was is another matter
                ago = max(trail_ages[position] - trail_ages[length - 1], np.float32(0.0))
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
    if trail_ages.shape[0] == length and length > 1:
        gap = np.log1p(max(trail_ages[length - 2] - trail_ages[length - 1], np.float32(0.0)) / 1000.0)
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


@compiled
def kindred(
    asked: Ints,
    asked_weights: Floats,
    item_starts: Longs,
    item_sessions: Ints,
    session_starts: Longs,
    session_items: Ints,
    session_times: Longs,
    session_ordered: Bytes,
    samples: Longs,
    nearests: Longs,
    decays_ms: Doubles,
    distance_decays: Floats,
    length_powers: Doubles,
    backwards: Doubles,
    slots: Ints,
    union: Ints,
    table: Floats,
    used: int,
) -> int:
    """`kernels.neighbours` weighed in several ways at once, each into its column of the table of `gather`.

    Finding the sessions is most of the work, and is done once. Everything that begins with `asked_weights`
    and the settings have a row or value for each way. Returns how many rows of the table are used.
    """
    ways = samples.shape[0]
    most = samples.max()
    lists = asked.shape[0]
    heads = np.empty(lists, np.int64)
    ends = np.empty(lists, np.int64)
    for q in range(lists):
        heads[q] = item_starts[asked[q]]
        ends[q] = item_starts[asked[q] + 1]
    found = np.empty(most, np.int32)
    matched = np.empty(most, np.int32)
    similarity = np.empty((ways, most), np.float32)
    totals = np.empty(ways, np.float64)
    newest_time = np.int64(0)
    count = 0
    while count < most:
        session = -1
        for q in range(lists):
            if heads[q] < ends[q] and item_sessions[heads[q]] > session:
                session = item_sessions[heads[q]]
        if session < 0:
            break
        totals[:] = 0.0
        newest = -1
        for q in range(lists):
            if heads[q] < ends[q] and item_sessions[heads[q]] == session:
                heads[q] += 1
                for w in range(ways):
                    totals[w] += asked_weights[w, q]
                if newest < 0:
                    newest = q
        length = session_starts[session + 1] - session_starts[session]
        if count == 0:
            newest_time = session_times[session]
        for w in range(ways):
            age = min((newest_time - session_times[session]) / decays_ms[w], 60.0)
            similarity[w, count] = totals[w] / length ** length_powers[w] * np.exp(-age)
        found[count] = session
        matched[count] = asked[newest]
        count += 1
    floors = np.zeros(ways, np.float32)
    taken = np.zeros(ways, np.int64)
    for w in range(ways):
        there = min(count, samples[w])
        if there > nearests[w]:
            floors[w] = np.partition(similarity[w, :there], there - nearests[w])[there - nearests[w]]
    votes = np.empty(ways, np.float32)
    for c in range(count):
        wanted = False
        for w in range(ways):
            votes[w] = 0.0
            if c < samples[w] and similarity[w, c] >= floors[w] and taken[w] < nearests[w]:
                taken[w] += 1
                votes[w] = similarity[w, c]
                wanted = True
        if not wanted:
            continue
        start = session_starts[found[c]]
        end = session_starts[found[c] + 1]
        ordered = session_ordered[found[c]] > 0
        place = end - 1
        while place > start and session_items[place] != matched[c]:
            place -= 1
        for j in range(start, end):
            distance = 1
            if ordered:
                distance = min(abs(j - place), distance_decays.shape[1] - 1)
            item = session_items[j]
            row = slots[item]
            if row < 0:
                if used == table.shape[0]:
                    continue
                row = used
                slots[item] = row
                union[row] = item
                for column in range(table.shape[1]):
                    table[row, column] = 0.0
                used += 1
            for w in range(ways):
                share = votes[w] * distance_decays[w, distance]
                if ordered and j < place:
                    share *= backwards[w]
                table[row, w] += share
    return used
