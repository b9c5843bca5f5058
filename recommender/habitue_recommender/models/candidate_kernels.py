"""The compiled loop that finds the ranker's candidates, and whom of them each owes its place to.

All sources of one question in one call: what Python does between two of them cost more than most of them do.
They call nothing in another file, for the reason that `kernels` gives.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from habitue_recommender.models.kernels import Floats, Ints, Longs, compiled

Bytes = NDArray[np.uint8]
Doubles = NDArray[np.float64]
Found = tuple[Ints, Floats, Floats, int]


@compiled
def _asking(
    trail: Ints, weights: Floats, items: int, decay: float, longest: int, kept: Ints, said: Floats
) -> int:
    """`kernels.distinct` of items that are all as important, into `kept` and `said`; returns how many."""
    length = trail.shape[0]
    count = 0
    for position in range(length - 1, max(0, length - longest) - 1, -1):
        item = trail[position]
        if item < 0 or item >= items:
            continue
        weight = weights[position] * np.exp((position + 1 - length) / decay)
        again = -1
        for d in range(count):
            if kept[d] == item:
                again = d
                break
        if again < 0:
            kept[count] = item
            said[count] = weight
            count += 1
        elif weight > said[again]:
            said[again] = weight
    return count


@compiled
def _row(item: int, slots: Ints, union: Ints, table: Floats, used: int) -> int:
    """The item's row of the table, a new one at its end if need be; -1 when it is full."""
    row = int(slots[item])
    if row < 0:
        if used == table.shape[0]:
            return -1
        row = used
        slots[item] = row
        union[row] = item
        for column in range(table.shape[1]):
            table[row, column] = 0.0
    return row


@compiled
def _kindred(
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
    lengths: Doubles,
    length_powers: Doubles,
    backwards: Doubles,
    slots: Ints,
    union: Ints,
    table: Floats,
    used: int,
) -> int:
    """`kernels.neighbours` weighed in several ways at once, each into its column of the table.

    Finding the sessions is most of the work, and is done once. Everything that begins with `asked_weights`
    and the settings have a row or value for each way; `lengths[w, n]` is n ** `length_powers[w]`, for short
    sessions. Returns how many rows of the table are used.
    """
    ways = samples.shape[0]
    most = samples.max()
    lists = asked.shape[0]
    heads = np.empty(lists, np.int64)
    ends = np.empty(lists, np.int64)
    there = 0
    for q in range(lists):
        heads[q] = item_starts[asked[q]]
        ends[q] = item_starts[asked[q] + 1]
        there += ends[q] - heads[q]
    most = min(most, there)
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
            long = lengths[w, length] if length < lengths.shape[1] else length ** length_powers[w]
            similarity[w, count] = totals[w] / long * np.exp(-age)
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
            row = _row(session_items[j], slots, union, table, used)
            if row < 0:
                continue
            if row == used:
                used += 1
            for w in range(ways):
                share = votes[w] * distance_decays[w, distance]
                if ordered and j < place:
                    share *= backwards[w]
                table[row, w] += share
    return used


@compiled
def _folded(
    items: Ints,
    weights: Floats,
    starts: Longs,
    similar: Ints,
    similarities: Floats,
    column: int,
    slots: Ints,
    union: Ints,
    table: Floats,
    used: int,
) -> int:
    """`kernels.fold` into a column of the table."""
    for q in range(items.shape[0]):
        if items[q] < 0 or items[q] >= starts.shape[0] - 1:
            continue
        for j in range(starts[items[q]], starts[items[q] + 1]):
            share = weights[q] * similarities[j]
            if share <= 0.0:
                continue
            row = _row(similar[j], slots, union, table, used)
            if row < 0:
                continue
            if row == used:
                used += 1
            table[row, column] += share
    return used


@compiled
def _second_hand(
    items: Ints,
    weights: Floats,
    starts: Longs,
    similar: Ints,
    similarities: Floats,
    width: int,
    column: int,
    slots: Ints,
    union: Ints,
    table: Floats,
    used: int,
) -> int:
    """`ranking_kernels.at_second_hand` into a column of the table."""
    for q in range(items.shape[0]):
        end = min(starts[items[q]] + width, starts[items[q] + 1])
        for j in range(starts[items[q]], end):
            between = similar[j]
            share = weights[q] * similarities[j]
            if between == items[q] or share <= 0.0:
                continue
            between_end = min(starts[between] + width, starts[between + 1])
            for other in range(starts[between], between_end):
                value = share * similarities[other]
                if similar[other] == items[q] or value <= 0.0:
                    continue
                row = _row(similar[other], slots, union, table, used)
                if row < 0:
                    continue
                if row == used:
                    used += 1
                table[row, column] += value
    return used


@compiled
def _blended(table: Floats, union: Ints, used: int, weights: Floats, slots: Ints, keep: int) -> Found:
    """The `keep` best rows by Σ weight · score / the source's sum: (items, blend, scores, how many rows).

    Best first, equal ones in the order of the items' indices. Clears `slots`.
    """
    sources = table.shape[1]
    scale = np.zeros(sources, np.float64)
    for row in range(used):
        for c in range(sources):
            scale[c] += table[row, c]
    for c in range(sources):
        scale[c] = weights[c] / scale[c] if scale[c] > 0.0 else 0.0
    blend = np.empty(used, np.float32)
    for row in range(used):
        total = 0.0
        for c in range(sources):
            total += scale[c] * table[row, c]
        blend[row] = total
    # The bits of positive numbers stand in the order of the numbers: one sort for value and item.
    bits = blend.view(np.uint32)
    keys = np.empty(used, np.uint64)
    for row in range(used):
        keys[row] = (np.uint64(np.uint32(0xFFFFFFFF) - bits[row]) << np.uint64(32)) | np.uint64(union[row])
    kept = min(keep, used)
    if used > 2 * kept:
        floor = np.partition(keys, kept)[kept]
        keys = keys[keys < floor]
    keys = np.sort(keys)[:kept]
    items = np.empty(kept, np.int32)
    values = np.empty(kept, np.float32)
    scores = np.empty((kept, sources), np.float32)
    for place in range(kept):
        item = np.int32(keys[place] & np.uint64(0xFFFFFFFF))
        row = slots[item]
        items[place] = item
        values[place] = blend[row]
        for c in range(sources):
            scores[place, c] = table[row, c]
    for row in range(used):
        slots[union[row]] = -1
    return items, values, scores, used


@compiled
def candidates(
    trail: Ints,
    trail_weights: Floats,
    history: Ints,
    history_weights: Floats,
    importance: Floats,
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
    lengths: Doubles,
    length_powers: Doubles,
    backwards: Doubles,
    similar_starts: Longs,
    similar: Ints,
    similarities: Floats,
    followers_starts: Longs,
    followers: Ints,
    strengths: Floats,
    width: int,
    position_decays: Doubles,
    longest: Longs,
    blend: Floats,
    slots: Ints,
    union: Ints,
    table: Floats,
    keep: int,
) -> Found:
    """The `keep` best of the blend of all sources: (items, blend, score of each source, how many there were).

    `position_decays` and `longest` are those of each source in the order of the table's columns, the ways of
    the kindred first; the last column is that of the history, which has neither.
    """
    ways = samples.shape[0]
    columns = position_decays.shape[0]
    items = importance.shape[0]
    kept = np.empty(trail.shape[0], np.int32)
    said = np.empty(trail.shape[0], np.float32)
    count = 0
    kindred_weights = np.empty((ways, trail.shape[0]), np.float32)
    for w in range(ways):
        count = _asking(trail, trail_weights, items, position_decays[w], longest[w], kept, said)
        for q in range(count):
            kindred_weights[w, q] = said[q] * importance[kept[q]]
    used = 0
    if count > 0:
        used = _kindred(
            kept[:count],
            kindred_weights,
            item_starts,
            item_sessions,
            session_starts,
            session_items,
            session_times,
            session_ordered,
            samples,
            nearests,
            decays_ms,
            distance_decays,
            lengths,
            length_powers,
            backwards,
            slots,
            union,
            table,
            used,
        )
    for column in range(ways, columns):
        count = _asking(trail, trail_weights, items, position_decays[column], longest[column], kept, said)
        asked, weights = kept[:count], said[:count]
        if column == ways:
            used = _folded(
                asked, weights, similar_starts, similar, similarities, column, slots, union, table, used
            )
        elif column == ways + 1:
            used = _folded(
                asked, weights, followers_starts, followers, strengths, column, slots, union, table, used
            )
        elif column == ways + 2:
            used = _second_hand(
                asked,
                weights,
                similar_starts,
                similar,
                similarities,
                width,
                column,
                slots,
                union,
                table,
                used,
            )
        else:  # back to what was seen in this session
            for q in range(count):
                if weights[q] <= 0.0:
                    continue
                row = _row(asked[q], slots, union, table, used)
                if row < 0:
                    continue
                if row == used:
                    used += 1
                table[row, column] = weights[q]
    if history.shape[0] > 0:
        used = _folded(
            history,
            history_weights,
            similar_starts,
            similar,
            similarities,
            columns,
            slots,
            union,
            table,
            used,
        )
    return _blended(table, union, used, blend, slots, keep)


@compiled
def _together(
    asked: Ints, weights: Floats, item: int, item_starts: Longs, item_sessions: Ints, limit: int
) -> int:
    """`kernels.shared_sessions` of one item."""
    winner, most = -1, 0.0
    for q in range(asked.shape[0]):
        if asked[q] == item:
            continue
        a = item_starts[asked[q]]
        b = item_starts[item]
        a_end = min(item_starts[asked[q] + 1], a + limit)
        b_end = min(item_starts[item + 1], b + limit)
        size = a_end - a
        together = 0
        while a < a_end and b < b_end:
            if item_sessions[a] == item_sessions[b]:
                together += 1
                a += 1
                b += 1
            elif item_sessions[a] > item_sessions[b]:
                a += 1
            else:
                b += 1
        if together > 0 and weights[q] * together / np.sqrt(size) > most:
            most = weights[q] * together / np.sqrt(size)
            winner = asked[q]
    return winner


@compiled
def _strongest(
    asked: Ints, weights: Floats, item: int, starts: Longs, similar: Ints, similarities: Floats
) -> int:
    """`kernels.strongest` for one item."""
    winner, most = -1, 0.0
    for q in range(asked.shape[0]):
        if asked[q] < 0 or asked[q] >= starts.shape[0] - 1 or asked[q] == item:
            continue
        for j in range(starts[asked[q]], starts[asked[q] + 1]):
            if similar[j] == item and weights[q] * similarities[j] > most:
                most = weights[q] * similarities[j]
                winner = asked[q]
    return winner


@compiled
def speakers(
    offered: Ints,
    found: Ints,
    scores: Floats,
    blend: Floats,
    trail: Ints,
    trail_weights: Floats,
    history: Ints,
    history_weights: Floats,
    importance: Floats,
    item_starts: Longs,
    item_sessions: Ints,
    samples: Longs,
    similar_starts: Longs,
    similar: Ints,
    similarities: Floats,
    followers_starts: Longs,
    followers: Ints,
    strengths: Floats,
    position_decays: Doubles,
    longest: Longs,
) -> Ints:
    """Which of the visitor's own items speaks most for each of `offered`; -1 for none.

    As the source sees it that has the greatest part of the item's blend, and that names another item at all.
    `found` and `scores` are what `candidates` gave.
    """
    ways = samples.shape[0]
    columns = position_decays.shape[0]
    items = importance.shape[0]
    kept = np.empty((columns, trail.shape[0]), np.int32)
    said = np.empty((columns, trail.shape[0]), np.float32)
    counts = np.empty(columns, np.int64)
    for c in range(columns):
        counts[c] = _asking(trail, trail_weights, items, position_decays[c], longest[c], kept[c], said[c])
        if c < ways:
            for q in range(counts[c]):
                said[c, q] *= importance[kept[c, q]]
    sums = np.zeros(scores.shape[1], np.float64)
    for row in range(scores.shape[0]):
        for c in range(scores.shape[1]):
            sums[c] += scores[row, c]
    winners = np.full(offered.shape[0], -1, np.int32)
    shares = np.empty(scores.shape[1], np.float64)
    for i in range(offered.shape[0]):
        item = offered[i]
        row = 0
        while row < found.shape[0] and found[row] != item:
            row += 1
        if row == found.shape[0]:
            continue
        for c in range(scores.shape[1]):
            shares[c] = blend[c] * scores[row, c] / sums[c] if sums[c] > 0.0 else 0.0
        while winners[i] < 0:
            c = int(np.argmax(shares))
            if shares[c] <= 0.0:
                break
            shares[c] = 0.0
            if c == columns:
                winners[i] = _strongest(history, history_weights, item, similar_starts, similar, similarities)
                continue
            asked, weights = kept[c, : counts[c]], said[c, : counts[c]]
            if c < ways:
                winners[i] = _together(asked, weights, item, item_starts, item_sessions, samples[c])
            elif c == ways:
                winners[i] = _strongest(asked, weights, item, similar_starts, similar, similarities)
            elif c == ways + 1:
                winners[i] = _strongest(asked, weights, item, followers_starts, followers, strengths)
    return winners
