"""How many events were refused in each hour, by reason: what refuses keeps no record of it in the log.

The workers publish counters that begin anew when a worker does. They are read every few seconds; what they
grew by counts in the hour that goes on. Kept as the rollup `rejects`, with what was read last beside it, so
that a new start of the background process counts nothing twice.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from threading import Event as Stop
from time import time_ns
from typing import Any

import orjson
import redis as redis_py

from habitue_collector.store import keys
from habitue_warehouse.partitions import lock, open_duckdb, write_durably
from habitue_warehouse.rollup_tables import HOUR_MS
from habitue_warehouse.rollups import FOLDER, replace_day
from habitue_warehouse.schema import DAY_MS, day_of

log = logging.getLogger("habitue.rollups")

MOST_WORKERS = 64
_SEEN = "_rejects.json"
_LOCK = ".rejects.lock"


class RejectCounts:
    """Counts into one archive. Only one at a time does; a second one reads and keeps quiet."""

    def __init__(self, redis: Any, archive_dir: Path | str) -> None:
        self._redis = redis
        self._archive_dir = Path(archive_dir)
        self._seen: dict[str, dict[str, int]] = {}  # worker → reason → the counter as read last
        self._hours: dict[int, Counter[str]] = {}  # of the day that goes on
        self._changed: set[str] = set()
        self._read_state()

    def run_forever(self, stop: Stop, *, read_seconds: float = 5.0, write_reads: int = 12) -> None:
        """Until `stop` is set; a Redis or disk that is away costs the hour's exactness, nothing else."""
        reads = 0
        while not stop.wait(read_seconds):
            reads += 1
            try:
                self.read(time_ns() // 1_000_000)
                if reads % write_reads == 0:
                    self.write()
            except (redis_py.RedisError, OSError) as error:
                log.info("refused events are counted later: %s", error)
        self.write()

    def read(self, now: int) -> None:
        """Looks at every worker's counters once."""
        pipe = self._redis.pipeline(transaction=False)
        names = [f"worker-{number}" for number in range(1, MOST_WORKERS + 1)]
        for name in names:
            pipe.get(keys.figures(name))
        for name, packed in zip(names, pipe.execute(), strict=True):
            if packed is not None:
                self._take(name, orjson.loads(packed).get("rejected") or {}, now)

    def write(self) -> None:
        """Puts what was counted into the archive, durably."""
        if not self._changed:
            return
        with lock(self._archive_dir, _LOCK):
            connection = open_duckdb(self._archive_dir, "128MB")
            try:
                for day in sorted(self._changed):
                    rows = [
                        (hour, reason, count)
                        for hour, reasons in sorted(self._hours.items())
                        if day_of(hour, 0) == day
                        for reason, count in sorted(reasons.items())
                    ]
                    connection.execute(
                        "CREATE OR REPLACE TABLE told (hour BIGINT, reason VARCHAR, events BIGINT)"
                    )
                    connection.executemany("INSERT INTO told VALUES (?, ?, ?)", rows)
                    replace_day(connection, self._archive_dir, "rejects", day, "SELECT * FROM told")
            finally:
                connection.close()
            newest = max(self._hours, default=0)
            self._hours = {hour: known for hour, known in self._hours.items() if hour > newest - 2 * DAY_MS}
            self._changed.clear()
            folder = self._archive_dir / FOLDER
            folder.mkdir(parents=True, exist_ok=True)
            state = {"seen": self._seen, "hours": {str(hour): known for hour, known in self._hours.items()}}
            write_durably(folder / _SEEN, orjson.dumps(state))

    def _take(self, worker: str, rejected: Mapping[str, int], now: int) -> None:
        before = self._seen.get(worker, {})
        # Any counter that went back says that the worker is a new one.
        anew = any(rejected.get(reason, 0) < count for reason, count in before.items())
        hour = now // HOUR_MS * HOUR_MS
        for reason, count in rejected.items():
            grown = count - (0 if anew else before.get(reason, 0))
            if grown > 0:
                self._hours.setdefault(hour, Counter())[reason] += grown
                self._changed.add(day_of(hour, 0))
        self._seen[worker] = {str(reason): int(count) for reason, count in rejected.items()}

    def _read_state(self) -> None:
        try:
            raw = orjson.loads((self._archive_dir / FOLDER / _SEEN).read_bytes())
            self._seen = raw["seen"]
            self._hours = {int(hour): Counter(known) for hour, known in raw["hours"].items()}
        except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
            self._seen, self._hours = {}, {}
