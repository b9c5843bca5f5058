"""Who is there now: people of the last five minutes and events of the last hour, from the passing log.

The archiver's thread hands its records over (`observe`: a few set operations each); another publishes once
a second as figures of the background process, where the console reads them.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from threading import Event as Stop
from threading import Lock
from time import time_ns
from typing import Any, Protocol

import duckdb
import orjson
import redis as redis_py

from habitue_collector.metrics import LIFETIME_SECONDS
from habitue_collector.store import keys
from habitue_warehouse.partitions import literals, open_duckdb, partitions
from habitue_warehouse.schema import EVENTS, day_of

log = logging.getLogger("habitue.presence")

MINUTE = 60_000
MINUTES = 60  # of events
PRESENT_MINUTES = 5  # for so long somebody counts as here
_MOST_PEOPLE = 500_000  # of each minute; past it the figure is a least one
NAME = "presence"


class Record(Protocol):
    """What is read of an archiver's log record."""

    @property
    def type(self) -> str: ...
    @property
    def record(self) -> Mapping[str, Any] | None: ...


class Presence:
    """Feed it every log record that passes, in any order; what is older than an hour is passed over."""

    def __init__(self) -> None:
        self._events: Counter[int] = Counter()  # minute → events
        self._people: dict[int, set[int]] = {}  # minute → who; ids only as hashes, for five minutes
        self._lock = Lock()
        self._recalled = False

    def observe(self, records: Iterable[Record]) -> None:
        """Take in what passes; bots are nobody."""
        with self._lock:
            for one in records:
                record = one.record
                if one.type != "event" or record is None or record.get("bot"):
                    continue
                received_at = record.get("received_at")
                if type(received_at) is not int:
                    continue
                minute = received_at // MINUTE
                self._events[minute] += 1
                who = record.get("profile_id")
                if who:
                    people = self._people.setdefault(minute, set())
                    if len(people) < _MOST_PEOPLE:
                        people.add(hash(who))

    def recall(self, archive: Path, now: int | None = None) -> None:
        """Take in, once, what the archive holds of the last hour: who begins anew was not there."""
        if self._recalled:
            return
        self._recalled = True
        now = time_ns() // 1_000_000 if now is None else now
        since = (now // MINUTE - MINUTES + 1) * MINUTE
        paths = [
            path
            for day in partitions(archive, EVENTS)
            if day.date >= day_of(since, 0)
            for path in day.paths(tuple(part for part in day.manifest().parts if part.max_ms >= since))
        ]
        if not paths:
            return
        present = (now // MINUTE - PRESENT_MINUTES + 1) * MINUTE
        told = f"FROM read_parquet({literals(paths)}, union_by_name=true) WHERE NOT coalesce(bot, false)"
        connection = open_duckdb(archive, memory_limit="256MB")
        counts: list[Any] = []
        people: list[Any] = []
        try:
            counts = connection.execute(
                f"SELECT received_at // {MINUTE}, count(*) {told} AND received_at >= $1 GROUP BY 1", [since]
            ).fetchall()
            people = connection.execute(
                f"SELECT DISTINCT received_at // {MINUTE}, profile_id {told} AND received_at >= $1"
                f" AND profile_id IS NOT NULL LIMIT {_MOST_PEOPLE}",
                [present],
            ).fetchall()
        except duckdb.Error as error:  # a chart with a gap is better than no archiver
            log.warning("the last hour is not known: %s", error)
        finally:
            connection.close()
        with self._lock:
            for minute, count in counts:
                self._events[minute] += count
            for minute, who in people:
                self._people.setdefault(minute, set()).add(hash(who))

    def figures(self, now: int) -> dict[str, Any]:
        """`visitors_now`, and `minutes`: `[ms, events]` of the last hour, oldest first."""
        minute = now // MINUTE
        with self._lock:
            for old in [one for one in self._events if one <= minute - MINUTES]:
                del self._events[old]
            for old in [one for one in self._people if one <= minute - PRESENT_MINUTES]:
                del self._people[old]
            present: set[int] = set().union(*self._people.values())
            minutes = [
                [one * MINUTE, self._events.get(one, 0)] for one in range(minute - MINUTES + 1, minute + 1)
            ]
        return {"visitors_now": len(present), "minutes": minutes}

    def run_forever(self, redis: Any, stop: Stop, *, every_seconds: float = 1.0) -> None:
        """Publishes until `stop` is set."""
        while not stop.wait(every_seconds):
            try:
                packed = orjson.dumps(self.figures(time_ns() // 1_000_000))
                redis.set(keys.figures(NAME), packed, ex=LIFETIME_SECONDS)
            except redis_py.RedisError as error:
                log.debug("not published: %s", error)
