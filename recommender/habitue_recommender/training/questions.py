"""Questions with a known answer: every prefix of a session, and what came next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from habitue_recommender.models.base import Query
from habitue_recommender.training.interactions import LONGEST_SESSION, Interactions

Protocol = Literal["all", "new"]


@dataclass(slots=True)
class Question:
    """What was known, and the item that came next: -1 when training never saw it."""

    query: Query
    next_item: int
    banned: int  # an item that may not be in the list, or -1


def questions(
    known: Interactions,
    asked: Interactions,
    n: int,
    min_prefix: int = 1,
    protocol: Protocol = "all",
    per_session: int | None = None,
) -> Iterator[Question]:
    """Every prefix of every session of `asked`, in the indices of `known`; `n` items are wanted of each.

    `new`: only steps to another item, and the current one is banned, for which one more is asked.
    `per_session` ends each session after so many prefixes.
    """
    sessions = asked.sessions
    pasts = _Pasts(known)
    same = asked.vocabulary is known.vocabulary
    index = None if same else known.vocabulary.indices(asked.vocabulary)  # -1 for an item only asked for
    for s in range(len(sessions)):
        session = slice(sessions.starts[s], sessions.starts[s + 1])
        named, times, kinds = sessions.items[session], sessions.timestamps[session], sessions.kinds[session]
        items = named if index is None else index[named]
        past = pasts.of(asked.people[sessions.visitors[s]]) if sessions.visitors[s] >= 0 else None
        recognised = items >= 0
        end = len(named) if per_session is None else min(len(named), min_prefix + per_session)
        for p in range(min_prefix, end):
            if protocol == "new" and named[p] == named[p - 1]:
                continue
            told = slice(max(0, p - LONGEST_SESSION), p)
            seen = recognised[told]
            now = times[p - 1]
            query = Query(
                session=items[told][seen],
                session_ages=(now - times[told][seen]).astype(np.float32),
                session_kinds=kinds[told][seen],
                n=n + 1 if protocol == "new" else n,
            )
            if past is not None:
                query.history, query.history_counts = past.items, past.counts
                query.history_ages = (now - past.last).astype(np.float32)
            yield Question(query, int(items[p]), int(items[p - 1]) if protocol == "new" else -1)


@dataclass(slots=True)
class _Past:
    items: NDArray[np.int32]
    counts: NDArray[np.float32]
    last: NDArray[np.int64]  # ms


class _Pasts:
    """What a visitor did in the training data."""

    def __init__(self, known: Interactions) -> None:
        sessions = known.sessions
        self._sessions = sessions
        self._number = {person: index for index, person in enumerate(known.people)}
        self._order = np.argsort(sessions.visitors, kind="stable")
        self._sorted = sessions.visitors[self._order]

    def of(self, person: str) -> _Past | None:
        number = self._number.get(person)
        if number is None:
            return None
        first, last = np.searchsorted(self._sorted, [number, number + 1])
        mine = self._sessions.take(self._order[first:last])
        items, place, counts = np.unique(mine.items, return_inverse=True, return_counts=True)
        latest = np.zeros(len(items), dtype=np.int64)
        np.maximum.at(latest, place, mine.timestamps)
        return _Past(items, counts.astype(np.float32), latest)
