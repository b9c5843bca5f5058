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
_SMOOTHING = 10.0  # events at which an item's own share counts as much as everybody's


def facts(data: Interactions) -> NDArray[np.float32]:
    """Items × `FACTS`, float32; one row of zeros for an item without an event."""
    trails, items = data.trails, data.item_count
    of_event = np.repeat(np.arange(len(trails)), np.diff(trails.starts))
    named, ages = trails.items, ((data.now - trails.ends) / _DAY)[of_event]
    counts = np.bincount(named, minlength=items).astype(np.float64)
    week = np.bincount(named, np.exp2(-ages / 7.0), minlength=items)
    day = np.bincount(named, np.exp2(-ages), minlength=items)
    oldest, youngest = np.zeros(items), np.full(items, np.inf)
    np.maximum.at(oldest, named, ages)
    np.minimum.at(youngest, named, ages)
    youngest[counts == 0] = 0.0
    ordered = trails.ordered[of_event].astype(bool)
    last = np.zeros(len(named), dtype=bool)
    last[trails.starts[1:] - 1] = True
    at_once = np.zeros(len(named), dtype=bool)
    at_once[:-1] = (named[1:] == named[:-1]) & (of_event[1:] == of_event[:-1])
    # In the order of trail and item, an event whose successor is the same pair comes back later.
    grouped = np.lexsort((np.arange(len(named)), named, of_event))
    later = np.zeros(len(named), dtype=bool)
    same = (named[grouped][1:] == named[grouped][:-1]) & (of_event[grouped][1:] == of_event[grouped][:-1])
    later[grouped[:-1]] = same
    in_order = np.bincount(named[ordered], minlength=items)
    shares = []
    for happened in (at_once, later, last):
        happened = happened & ordered
        usual = happened.sum() / max(1, ordered.sum())
        own = np.bincount(named[happened], minlength=items)
        shares.append((own + _SMOOTHING * usual) / (in_order + _SMOOTHING))
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
