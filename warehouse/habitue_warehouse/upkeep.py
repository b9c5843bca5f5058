"""Upkeep: what the archive needs beside its archiver, in a thread of the background process.

Compaction, rollups, erasures, the daily snapshot, retention, lifetimes that somebody chose, and sweeping up
after killed writers. Each is done when it is due, and one that fails is logged, counted and tried again; it
keeps none of the others.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event as Stop
from time import monotonic, time_ns
from typing import Any

from redis.exceptions import RedisError

from habitue_collector.retention import Retention, parsed
from habitue_collector.settings import Lifetimes
from habitue_collector.store import keys
from habitue_warehouse import compaction, erasure, lifetimes, order_claims, rollups, snapshots
from habitue_warehouse.compaction import CompactionSettings
from habitue_warehouse.rollups import RollupSettings
from habitue_warehouse.schema import DECISIONS, EVENTS, MOVES, PROFILES

log = logging.getLogger("habitue.upkeep")


@dataclass(frozen=True, slots=True)
class UpkeepSettings:
    """When things are due, in seconds, and how long rows are kept, in days."""

    tick_seconds: float = 5.0
    compact_every_seconds: float = 30.0
    rollup_every_seconds: float = 30.0
    rollup_share: float = 0.1  # of the time at most: the more a day holds, the more seldom it is summed up
    erase_every_seconds: float = 60.0
    erase_settle_seconds: float = 60.0
    snapshot_every_seconds: float = 300.0  # how often it is looked whether today's is there
    sweep_every_seconds: float = 3_600.0
    lifetimes_every_seconds: float = 86_400.0  # a process that was away may have set an older one
    event_days: int = 1_186
    decision_days: int = 90
    snapshot_days: int = 90
    compaction: CompactionSettings = field(default_factory=CompactionSettings)
    rollups: RollupSettings = field(default_factory=RollupSettings)

    def kept_days(self, chosen: Retention) -> dict[str, int]:
        days = chosen.over(
            Lifetimes(
                event_days=self.event_days,
                decision_days=self.decision_days,
                snapshot_days=self.snapshot_days,
            )
        )
        # Moves are needed as long as events: a replay of one without the other is no replay.
        return {
            EVENTS: days.event_days,
            MOVES: days.event_days,
            DECISIONS: days.decision_days,
            PROFILES: days.snapshot_days,
        }


class Upkeep:
    """Keeps one archive in order. Safe beside a running archiver and beside readers."""

    def __init__(
        self,
        redis: Any,
        archive_dir: Path | str,
        settings: UpkeepSettings | None = None,
        lifetimes: Lifetimes | None = None,
    ) -> None:
        self.redis = redis
        self.lifetimes = lifetimes or Lifetimes()
        self.archive_dir = Path(archive_dir)
        self.settings = settings or UpkeepSettings()
        self.failures: Counter[str] = Counter()
        self._due: dict[str, float] = {}
        self._rollups_rest_until = 0.0
        self._heard = 0

    def run_once(self) -> dict[str, int]:
        """Does everything now, due or not; returns how much each did."""
        return {name: work() for name, (_, work) in self._works().items()}

    def run_forever(self, stop: Stop) -> None:
        """Does what is due until `stop` is set."""
        while not stop.is_set():
            self._hear_of_a_choice()
            for name, (every, work) in self._works().items():
                if stop.is_set():
                    return
                if monotonic() < self._due.get(name, 0.0):
                    continue
                try:
                    work()
                except Exception:  # one that fails must not keep the others
                    self.failures[name] += 1
                    log.exception("%s failed and is tried again", name)
                self._due[name] = monotonic() + every
            stop.wait(self.settings.tick_seconds)

    def _works(self) -> dict[str, tuple[float, Callable[[], int]]]:
        settings = self.settings
        return {
            "erasure": (settings.erase_every_seconds, self._erase),
            "compaction": (
                settings.compact_every_seconds,
                lambda: compaction.compact(self.archive_dir, settings.compaction),
            ),
            "rollups": (settings.rollup_every_seconds, self._roll),
            "snapshot": (
                settings.snapshot_every_seconds,
                lambda: snapshots.snapshot(self.redis, self.archive_dir),
            ),
            "retention": (
                settings.sweep_every_seconds,
                lambda: compaction.retain(self.archive_dir, settings.kept_days(self._chosen())),
            ),
            "lifetimes": (settings.lifetimes_every_seconds, self._apply_lifetimes),
            "sweep": (
                settings.sweep_every_seconds,
                lambda: (
                    compaction.sweep(self.archive_dir, settings.compaction) + rollups.sweep(self.archive_dir)
                ),
            ),
        }

    def _chosen(self) -> Retention:
        """How long what is kept, as somebody chose in the console."""
        return parsed(self.redis.get(keys.RETENTION))

    def _hear_of_a_choice(self) -> None:
        """A new choice counts now, not at the next hour."""
        try:
            version = self._chosen().version
        except RedisError:  # the works say it themselves
            return
        if version != self._heard:
            self._heard = version
            self._due.pop("retention", None)
            self._due.pop("lifetimes", None)

    def _apply_lifetimes(self) -> int:
        """To the profiles that are there. The settings alone are set at each event, as ever."""
        chosen = self._chosen()
        if not chosen.version:
            return 0
        touched = lifetimes.apply(self.redis, chosen.over(self.lifetimes))
        self.redis.set(keys.RETENTION_APPLIED, chosen.version)
        return touched

    def _erase(self) -> int:
        settle, now = self.settings.erase_settle_seconds, time_ns() // 1_000_000
        due = erasure.due(self.archive_dir, settle_seconds=settle, now=now)
        order_claims.disown(self.redis, {one.profile_id: one.until_ms for one in due})
        return erasure.run_pending(self.archive_dir, settle_seconds=settle, now=now)

    def _roll(self) -> int:
        began = monotonic()
        if began < self._rollups_rest_until:
            return 0
        rolled = rollups.roll(self.archive_dir, self.settings.rollups)
        took = monotonic() - began
        self._rollups_rest_until = began + took / max(self.settings.rollup_share, 0.001)
        return rolled
