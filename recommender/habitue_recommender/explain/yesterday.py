"""What a change is tried on: the newest snapshot of the profiles and the last whole day of decisions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import orjson

from habitue_collector.profile import Profile
from habitue_collector.store.keys import BUCKETS
from habitue_recommender.page import Page
from habitue_warehouse.partitions import Partition, literals, open_duckdb, partitions
from habitue_warehouse.schema import DAY_MS, DECISIONS, PROFILES, day_of
from habitue_warehouse.snapshots import PROGRESS

_PAGES = 40  # real pages on which somebody could meet what was changed
_RETRIES = 3


class Yesterday:
    """Of one archive, as of `now` (ms). `people` is how many there are; of up to `most` all are asked."""

    def __init__(self, archive: Path, now: int, most: int) -> None:
        self._most = most
        self._archive = archive
        self._now = now
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._late = False
        self._snapshot = _newest_snapshot(archive)
        self._decided = _last_day(archive, now)
        self.people = sum(part.rows for part in self._snapshot.manifest().parts) if self._snapshot else 0
        self.all_people = self.people <= most

    @property
    def day(self) -> str:
        return self._decided.date if self._decided is not None else ""

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def interrupt(self) -> None:
        """Break off what is being read, from another thread: it then brings nothing."""
        self._late = True
        if self._connection is not None:
            self._connection.interrupt()

    def profiles(self) -> Iterator[Profile]:
        """People of the snapshot; past `most`, those of some buckets: a hash, so as good as drawn."""
        if self._snapshot is None or not self.people:
            return
        count = BUCKETS if self.all_people else max(1, round(self._most / (self.people / BUCKETS)))
        # Spread, for parts are sorted by bucket: neighbours would lie in one place of the file.
        buckets = ", ".join(str((place * 97 + 13) % BUCKETS) for place in range(count))
        rows = self._read(
            self._snapshot,
            "SELECT profile_id, any_value(record) FROM {files} WHERE bucket IN (" + buckets + ")"
            " GROUP BY profile_id ORDER BY hash(profile_id) LIMIT $1",
            [self._most],
        )
        for profile_id, record in rows:
            profile = _profile(profile_id, record)
            if profile is not None and not profile.state.get("bot"):
                yield profile

    def counts(self, without: Sequence[str] = ()) -> dict[str, int]:
        """Decisions of the day by slot; `without` those ids."""
        if self._decided is None:
            return {}
        left_out = "WHERE decision_id NOT IN (SELECT unnest($1::VARCHAR[]))" if without else ""
        asked = [list(without)] if without else []
        query = "SELECT slot, count(*) FROM {files} " + left_out + " GROUP BY slot"
        rows = self._read(self._decided, query, asked)
        return {str(slot): int(count) for slot, count in rows}

    def pages(self, slots: frozenset[str]) -> list[tuple[str, Page]]:
        """Some pages on which these slots were asked for."""
        if self._decided is None:
            return []
        rows = self._read(
            self._decided,
            'SELECT slot, page FROM {files} WHERE "full" IS NOT NULL AND slot IN'
            " (SELECT unnest($1::VARCHAR[])) ORDER BY hash(decision_id) LIMIT $2",
            [sorted(slots), _PAGES],
        )
        return [(str(slot), Page.parse(page)) for slot, page in rows]

    def decisions(
        self, slots: list[str], most: int
    ) -> Iterator[tuple[str, Page, Profile | None, int, tuple[str, ...]]]:
        """Decisions that were kept whole: where, of whom, when, and the slots of the same request."""
        if self._decided is None:
            return
        rows = self._read(
            self._decided,
            'SELECT slot, page, profile_id, timestamp, "full"->>\'$.profile\' FROM {files} WHERE "full"'
            " IS NOT NULL AND slot IN (SELECT unnest($1::VARCHAR[])) ORDER BY hash(decision_id) LIMIT $2",
            [slots, most],
        )
        together = self._together([(profile_id, at) for _, _, profile_id, at, _ in rows if profile_id])
        for slot, page, profile_id, at, record in rows:
            beside = together.get((profile_id, at), ())
            yield (
                str(slot),
                Page.parse(page),
                _profile(profile_id, record),
                int(at),
                beside if slot in beside else (),
            )

    def requests(
        self, slots: list[str], most: int, without: Sequence[str] = ()
    ) -> list[tuple[str, str, Page, str, int, tuple[str, ...]]]:
        """Decisions, kept whole or not: id, slot, page, profile id ("": nobody), when, the slots beside."""
        if self._decided is None:
            return []
        rows = self._read(
            self._decided,
            "SELECT decision_id, slot, page, profile_id, timestamp FROM {files} WHERE slot IN"
            " (SELECT unnest($1::VARCHAR[])) AND decision_id IS NOT NULL AND decision_id NOT IN"
            " (SELECT unnest($2::VARCHAR[])) ORDER BY hash(decision_id) LIMIT $3",
            [slots, list(without), most],
        )
        together = self._together([(profile_id, at) for _, _, _, profile_id, at in rows if profile_id])
        found = []
        for decision_id, slot, page, profile_id, at in rows:
            beside = together.get((profile_id, at), ())
            beside = beside if slot in beside else ()
            found.append(
                (str(decision_id), str(slot), Page.parse(page), str(profile_id or ""), int(at), beside)
            )
        return found

    def _together(self, requests: list[tuple[str, int]]) -> dict[tuple[str, int], tuple[str, ...]]:
        """The slots that were decided together, in their order; a request is a visitor at a moment."""
        if self._decided is None or not requests:
            return {}
        rows = self._read(
            self._decided,
            "SELECT profile_id, timestamp, list(slot ORDER BY log_ms, log_seq) FROM {files}"
            " WHERE timestamp IN (SELECT unnest($1::BIGINT[]))"
            " AND profile_id IN (SELECT unnest($2::VARCHAR[])) GROUP BY ALL",
            [sorted({at for _, at in requests}), sorted({profile_id for profile_id, _ in requests})],
        )
        return {(profile_id, at): tuple(dict.fromkeys(map(str, slots))) for profile_id, at, slots in rows}

    def _read(self, partition: Partition, query: str, asked: list[Any]) -> list[tuple[Any, ...]]:
        if self._connection is None:
            self._connection = open_duckdb(self._archive, memory_limit="512MB", threads=2)
        for attempt in range(_RETRIES):
            paths = partition.paths()
            if not paths:
                return []
            files = f"read_parquet({literals(paths)}, union_by_name=true, hive_partitioning=false)"
            if self._late:
                return []
            try:
                return self._connection.execute(query.replace("{files}", files), asked).fetchall()
            except duckdb.InterruptException:
                return []
            except duckdb.IOException:  # a part was replaced meanwhile
                if attempt == _RETRIES - 1:
                    raise
        raise AssertionError("unreachable")


def _profile(profile_id: Any, record: Any) -> Profile | None:
    if not profile_id or not record:
        return None
    try:
        state = orjson.loads(record)
    except orjson.JSONDecodeError:
        return None
    return Profile(str(profile_id), state) if isinstance(state, dict) else None


def _newest_snapshot(archive: Path) -> Partition | None:
    """The newest that is whole; one that is being written holds some people only."""
    for partition in reversed(partitions(archive, PROFILES)):
        if not partition.manifest().parts:
            continue
        try:
            progress = orjson.loads((partition.folder / PROGRESS).read_bytes())
        except (FileNotFoundError, orjson.JSONDecodeError):
            return partition  # compacted, or imported
        if progress.get("done"):
            return partition
    return None


def _last_day(archive: Path, now: int) -> Partition | None:
    """Yesterday, else the last day before it with decisions; today's when there is no other."""
    today = day_of(now, now)
    days = [day for day in partitions(archive, DECISIONS) if day.manifest().parts]
    earlier = [day for day in days if day.date < today and day.date >= day_of(now - 31 * DAY_MS, now)]
    return earlier[-1] if earlier else next((day for day in days if day.date == today), None)
