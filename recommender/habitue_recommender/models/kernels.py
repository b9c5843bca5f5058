"""The compiled inner loops, all in this one file.

numba keeps compiled code on disk and renews it when *this file* changes; a kernel that called one in
another file would go stale unnoticed. Nothing is compiled at import: `Model.warm` does that at load.
Kernels release the GIL; whoever calls them passes a `Workspace` that belongs to the calling thread.
Item indices outside 0 … items-1 are passed over everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

_F = TypeVar("_F", bound=Callable[..., Any])

if TYPE_CHECKING:

    def compiled(function: _F) -> _F: ...

    def vectorized(function: _F) -> _F: ...

else:
    from numba import njit

    compiled = njit(cache=True, nogil=True)
    # Sums may be reordered, so that they fit the processor's vectors.
    vectorized = njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Floats = NDArray[np.float32]


@compiled
def before(score_a: float, item_a: int, score_b: float, item_b: int) -> bool:
    """Does a stand before b in a list? Higher score first, equal scores by the lower index."""
    return score_a > score_b or (score_a == score_b and item_a < item_b)


@compiled
def _sift_down(values: Floats, items: Ints, size: int, value: float, item: int) -> None:
    """Put (value, item) at the root of a heap whose root is the one that stands last in the list."""
    at = 0
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        right = child + 1
        if right < size and before(values[child], items[child], values[right], items[right]):
            child = right
        if before(values[child], items[child], value, item):
            break
        values[at] = values[child]
        items[at] = items[child]
        at = child
    values[at] = value
    items[at] = item


@compiled
def _push(values: Floats, items: Ints, filled: int, value: float, item: int) -> int:
    """Offer (value, item) to a heap of the best; returns how many it holds now."""
    if filled == values.shape[0]:
        if filled > 0 and before(value, item, values[0], items[0]):
            _sift_down(values, items, filled, value, item)
        return filled
    at = filled
    while at > 0:
        parent = (at - 1) >> 1
        if not before(values[parent], items[parent], value, item):
            break
        values[at] = values[parent]
        items[at] = items[parent]
        at = parent
    values[at] = value
    items[at] = item
    return filled + 1


@compiled
def _unheap(values: Floats, items: Ints, filled: int) -> None:
    """Turn the heap into a list, best first."""
    end = filled
    while end > 1:
        end -= 1
        value = values[end]
        item = items[end]
        values[end] = values[0]
        items[end] = items[0]
        _sift_down(values, items, end, value, item)


@compiled
def best(scores: Floats, touched: Ints, count: int, n: int) -> tuple[Ints, Floats]:
    """The `n` best of the `count` touched items with a score above 0, best first; clears `scores`."""
    items = np.empty(min(n, count), np.int32)
    values = np.empty(min(n, count), np.float32)
    filled = 0
    for t in range(count):
        item = touched[t]
        value = scores[item]
        scores[item] = 0.0
        if value > 0.0:
            filled = _push(values, items, filled, value, item)
    _unheap(values, items, filled)
    return items[:filled], values[:filled]


@compiled
def best_of_dense(scores: Floats, names: Ints, n: int) -> tuple[Ints, Floats]:
    """The `n` best rows of a dense column of scores above 0; `names[row]` is the row's item."""
    items = np.empty(min(n, scores.shape[0]), np.int32)
    values = np.empty(min(n, scores.shape[0]), np.float32)
    filled = 0
    for row in range(scores.shape[0]):
        if scores[row] > 0.0:
            filled = _push(values, items, filled, scores[row], names[row])
    _unheap(values, items, filled)
    return items[:filled], values[:filled]


@compiled
def distinct(
    items: Ints, weights: Floats, importance: Floats, position_decay: float, limit: int
) -> tuple[Ints, Floats]:
    """Distinct known items of a session, newest first, with what each says about the visitor now.

    That is the event's weight × the item's `importance` × exp(-steps back / position_decay). An item
    seen several times counts with its strongest event. Reads at most the newest `limit` events.
    """
    length = items.shape[0]
    first = max(0, length - limit)
    kept = np.empty(length - first, np.int32)
    said = np.empty(length - first, np.float32)
    count = 0
    for position in range(length - 1, first - 1, -1):
        item = items[position]
        if item < 0 or item >= importance.shape[0]:
            continue
        weight = weights[position] * importance[item] * np.exp((position + 1 - length) / position_decay)
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
    return kept[:count], said[:count]


@compiled
def neighbours(
    asked: Ints,
    asked_weights: Floats,
    item_starts: Longs,
    item_sessions: Ints,
    session_starts: Longs,
    session_items: Ints,
    session_times: Longs,
    session_ordered: NDArray[np.uint8],
    sample: int,
    nearest: int,
    session_decay_ms: float,
    distance_decay: Floats,
    length_power: float,
    backward: float,
    scores: Floats,
    touched: Ints,
) -> int:
    """Score items by the sessions most like this one; returns how many items were touched.

    `asked` are distinct items newest first with their weights. The posting lists are sorted by
    recency, so merging them yields the `sample` most recent sessions that share an item, each with
    its whole similarity, and needs no memory per session.
    """
    lists = asked.shape[0]
    heads = np.empty(lists, np.int64)
    ends = np.empty(lists, np.int64)
    for q in range(lists):
        heads[q] = item_starts[asked[q]]
        ends[q] = item_starts[asked[q] + 1]
    found = np.empty(sample, np.int32)
    matched = np.empty(sample, np.int32)
    similarity = np.empty(sample, np.float32)
    newest_time = np.int64(0)
    count = 0
    while count < sample:
        session = -1
        for q in range(lists):
            if heads[q] < ends[q] and item_sessions[heads[q]] > session:
                session = item_sessions[heads[q]]
        if session < 0:
            break
        total = 0.0
        newest = -1
        for q in range(lists):
            if heads[q] < ends[q] and item_sessions[heads[q]] == session:
                heads[q] += 1
                total += asked_weights[q]
                if newest < 0:
                    newest = q
        length = session_starts[session + 1] - session_starts[session]
        if count == 0:  # only differences of age count, so the newest one is our "now"
            newest_time = session_times[session]
        age = min((newest_time - session_times[session]) / session_decay_ms, 60.0)
        found[count] = session
        matched[count] = asked[newest]
        similarity[count] = total / length**length_power * np.exp(-age)
        count += 1
    floor = np.float32(0.0)
    if count > nearest:
        floor = np.partition(similarity[:count], count - nearest)[count - nearest]
    taken = 0
    touched_count = 0
    for c in range(count):
        if similarity[c] < floor or taken == nearest:
            continue
        taken += 1
        start = session_starts[found[c]]
        end = session_starts[found[c] + 1]
        place = end - 1
        while place > start and session_items[place] != matched[c]:
            place -= 1
        for j in range(start, end):
            distance = 1
            if session_ordered[found[c]]:
                distance = min(abs(j - place), distance_decay.shape[0] - 1)
            item = session_items[j]
            share = similarity[c] * distance_decay[distance]
            if j < place and session_ordered[found[c]]:
                share *= backward
            if share <= 0.0:
                continue
            if scores[item] == 0.0:
                touched[touched_count] = item
                touched_count += 1
            scores[item] += share
    return touched_count


@compiled
def shared_sessions(
    asked: Ints, asked_weights: Floats, items: Ints, item_starts: Longs, item_sessions: Ints, limit: int
) -> Ints:
    """Which asked item was most often in one session with each of `items`, by weight × cosine; -1 for none.

    Reads at most the newest `limit` sessions of each.
    """
    winners = np.full(items.shape[0], -1, np.int32)
    for i in range(items.shape[0]):
        item = items[i]
        if item < 0 or item >= item_starts.shape[0] - 1:
            continue
        most = 0.0
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
            if together > 0 and asked_weights[q] * together / np.sqrt(size) > most:
                most = asked_weights[q] * together / np.sqrt(size)
                winners[i] = asked[q]
    return winners


@compiled
def fold(
    items: Ints,
    weights: Floats,
    starts: Longs,
    similar: Ints,
    similarities: Floats,
    scores: Floats,
    touched: Ints,
) -> int:
    """Sum the weighted rows of a sparse item × item matrix; returns how many items were touched."""
    count = 0
    for q in range(items.shape[0]):
        if items[q] < 0 or items[q] >= starts.shape[0] - 1:
            continue
        for j in range(starts[items[q]], starts[items[q] + 1]):
            share = weights[q] * similarities[j]
            if share <= 0.0:
                continue
            if scores[similar[j]] == 0.0:
                touched[count] = similar[j]
                count += 1
            scores[similar[j]] += share
    return count


@compiled
def strongest(
    items: Ints, weights: Floats, offered: Ints, starts: Longs, similar: Ints, similarities: Floats
) -> Ints:
    """Which of the items adds most to the score in `fold` of each offered one, itself apart; -1 for none."""
    winners = np.full(offered.shape[0], -1, np.int32)
    most = np.zeros(offered.shape[0], np.float64)
    for q in range(items.shape[0]):
        if items[q] < 0 or items[q] >= starts.shape[0] - 1:
            continue
        for j in range(starts[items[q]], starts[items[q] + 1]):
            for i in range(offered.shape[0]):
                if similar[j] == offered[i] and items[q] != offered[i]:
                    says = weights[q] * similarities[j]
                    if says > most[i]:
                        most[i] = says
                        winners[i] = items[q]
    return winners


@compiled
def pairs(
    item_starts: Longs,
    item_baskets: Ints,
    basket_starts: Longs,
    basket_items: Ints,
    item_norms: Floats,
    first: int,
    support: int,
    shrinkage: float,
    scores: Floats,
    touched: Ints,
    similar: Ints,
    similarities: Floats,
) -> Ints:
    """For each item from `first` on, as many as `similar` has rows, what is most often in one basket with it.

    n_ij / (norm_i norm_j), damped by n_ij / (n_ij + shrinkage), for pairs in at least `support`
    baskets. Writes rows into `similar` and `similarities`, and returns how much each row holds.
    """
    rows, keep = similar.shape
    sizes = np.zeros(rows, np.int32)
    for row in range(rows):
        item = first + row
        count = 0
        for b in range(item_starts[item], item_starts[item + 1]):
            basket = item_baskets[b]
            for j in range(basket_starts[basket], basket_starts[basket + 1]):
                other = basket_items[j]
                if other == item:
                    continue
                if scores[other] == 0.0:
                    touched[count] = other
                    count += 1
                scores[other] += 1.0
        for t in range(count):
            seen = scores[touched[t]]
            if seen < support:
                scores[touched[t]] = 0.0
            else:
                scores[touched[t]] = (
                    seen / (seen + shrinkage) * seen / (item_norms[item] * item_norms[touched[t]])
                )
        found, values = best(scores, touched, count, keep)
        sizes[row] = found.shape[0]
        similar[row, : sizes[row]] = found
        similarities[row, : sizes[row]] = values
    return sizes


@vectorized
def solved(gram: Floats, rows: Floats, confidences: Floats, right: NDArray[np.float64]) -> Floats:
    """x of (gram + Σ confidence row rowᵀ) x = right, by Cholesky's decomposition.

    Not by BLAS: its threads fight with the other workers' for the cores, and a query of 0.3 ms
    then waits 10 ms.
    """
    size = gram.shape[0]
    lower = np.empty((size, size), np.float64)
    for a in range(size):
        for b in range(a + 1):
            lower[a, b] = gram[a, b]
    for r in range(rows.shape[0]):
        for a in range(size):
            share = np.float64(rows[r, a] * confidences[r])
            for b in range(a + 1):
                lower[a, b] += share * rows[r, b]
    for a in range(size):
        for b in range(a):
            total = 0.0
            for c in range(b):
                total += lower[a, c] * lower[b, c]
            lower[a, b] = (lower[a, b] - total) / lower[b, b]
        total = 0.0
        for c in range(a):
            total += lower[a, c] * lower[a, c]
        lower[a, a] = np.sqrt(max(lower[a, a] - total, 1e-12))
    x = right.copy()
    for a in range(size):
        for c in range(a):
            x[a] -= lower[a, c] * x[c]
        x[a] /= lower[a, a]
    for a in range(size - 1, -1, -1):
        x[a] /= lower[a, a]
        for c in range(a):
            x[c] -= lower[a, c] * x[a]
    return x.astype(np.float32)


@vectorized
def products(rows: Floats, vector: Floats) -> Floats:
    """rows · vector, on the calling thread."""
    scores = np.empty(rows.shape[0], np.float32)
    for r in range(rows.shape[0]):
        total = np.float32(0.0)
        for c in range(rows.shape[1]):
            total += rows[r, c] * vector[c]
        scores[r] = total
    return scores


@vectorized
def weighted_sum(rows: Floats, weights: Floats) -> NDArray[np.float64]:
    """Σ weight row."""
    total = np.zeros(rows.shape[1], np.float64)
    for r in range(rows.shape[0]):
        for c in range(rows.shape[1]):
            total[c] += weights[r] * rows[r, c]
    return total
