"""What is known of each item by itself: how popular, how old, and how people come and go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # serving needs neither duckdb nor scipy
    from habitue_recommender.training.interactions import Interactions

FACTS = (
    "popularity",  # log of its events
    "popularity_week",  # the same, halved every 7 days
    "popularity_day",  # halved every day
    "trend",  # log of day against week, both as rates
    "age",  # log of days since it was first seen
    "silence",  # log of days since it was last seen
    "again_at_once",  # how often it is also the next event
    "again_later",  # how often it comes back in the same session
    "leaving",  # how often it is the last event
)
_DAY = 86_400_000.0
_AT_ONCE = 500_000  # trails looked at together: bounds the memory
_SMOOTHING = 10.0  # events at which an item's own share counts as much as everybody's


def facts(data: Interactions) -> NDArray[np.float32]:
    """Items × `FACTS`, float32; one row of zeros for an item without an event."""
    trails, items = data.trails, data.item_count
    counts, week, day = (np.zeros(items) for _ in range(3))
    oldest, youngest = np.zeros(items), np.full(items, np.inf)
    in_order, happened = np.zeros(items), np.zeros((3, items))  # at once again, later again, leaving
    for first in range(0, len(trails), _AT_ONCE):
        starts = trails.starts[first : first + _AT_ONCE + 1]
        named, lengths = trails.items[starts[0] : starts[-1]], np.diff(starts)
        of_event = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
        ages = ((data.now - trails.ends[first : first + _AT_ONCE]) / _DAY)[of_event]
        counts += np.bincount(named, minlength=items)
        week += np.bincount(named, np.exp2(-ages / 7.0), minlength=items)
        day += np.bincount(named, np.exp2(-ages), minlength=items)
        np.maximum.at(oldest, named, ages)
        np.minimum.at(youngest, named, ages)
        ordered = trails.ordered[first : first + _AT_ONCE][of_event].astype(bool)
        in_order += np.bincount(named[ordered], minlength=items)
        for column, events in enumerate(_comings_and_goings(named, of_event, starts - starts[0])):
            happened[column] += np.bincount(named[events & ordered], minlength=items)
    youngest[counts == 0] = 0.0
    usual = happened.sum(axis=1, keepdims=True) / max(1, in_order.sum())
    shares = (happened + _SMOOTHING * usual) / (in_order + _SMOOTHING)
    columns = [
        np.log1p(counts),
        np.log1p(week),
        np.log1p(day),
        np.log((day / 1.44 + 0.1) / (week / 10.1 + 0.1)),
        np.log1p(oldest),
        np.log1p(youngest),
        *shares,
    ]
    return np.ascontiguousarray(np.stack(columns, axis=1), dtype=np.float32)


def _comings_and_goings(
    named: NDArray[np.int32], of_event: NDArray[np.int32], starts: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Of each event: is its item the next one too, does it come back later, is it the last."""
    count = len(named)
    at_once, later, last = (np.zeros(count, dtype=bool) for _ in range(3))
    at_once[:-1] = (named[1:] == named[:-1]) & (of_event[1:] == of_event[:-1])
    # In the order of trail and item, an event whose successor is the same pair comes back later.
    grouped = np.lexsort((named, of_event))  # stable
    same = (named[grouped][1:] == named[grouped][:-1]) & (of_event[grouped][1:] == of_event[grouped][:-1])
    later[grouped[:-1]] = same
    last[starts[1:] - 1] = True
    return at_once, later, last
