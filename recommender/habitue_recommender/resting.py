"""Which offers rest: they were in view often enough for now. Pure."""

from __future__ import annotations

from collections.abc import Container
from functools import lru_cache

from habitue_collector import exposures
from habitue_recommender.catalog.catalog import DAY
from habitue_recommender.visitor import Visitor

_mark = lru_cache(maxsize=65_536)(exposures.mark)  # 1 µs, of each candidate of who has seen that much


class Resting:
    """Ids of items: the latest by their id, what was in view before them by its mark."""

    __slots__ = ("_ids", "_marks", "_met")

    def __init__(self, ids: frozenset[str], marks: frozenset[str], met: frozenset[str]) -> None:
        self._ids = ids
        self._marks = marks
        self._met = met

    def __contains__(self, item_id: object) -> bool:
        if item_id in self._ids:
            return True
        return isinstance(item_id, str) and item_id not in self._met and _mark(item_id) in self._marks


def resting(visitor: Visitor, hour: int, impressions: int, days: float) -> Container[str]:
    """What was in view `impressions` times (0: nothing rests), and last within `days` before `hour` (ms).

    Of what is known by its mark only the day is known: it may rest a day longer.
    """
    if not impressions:
        return frozenset()
    since = hour - days * DAY
    ids = frozenset(
        item_id
        for item_id, seen in visitor.exposures.items()
        if seen.count >= impressions and seen.last > since
    )
    marks = frozenset(
        mark
        for mark, seen in (exposures.often(visitor.worn, impressions) if visitor.worn else {}).items()
        if seen.last * 1_000 > since
    )
    return Resting(ids, marks, frozenset(visitor.exposures)) if marks else ids
