"""How many people a condition holds for, counted over the newest snapshot of all profiles. Takes its time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import orjson

from habitue_collector.profile import Profile
from habitue_recommender.segments.members import is_person
from habitue_recommender.segments.sample import Estimate
from habitue_warehouse.partitions import Partition, literals, open_duckdb, partitions
from habitue_warehouse.schema import PROFILES
from habitue_warehouse.snapshots import PROGRESS

Progress = Callable[[int, int], None]
"""Hears (profiles looked at, of how many); what it raises ends the count."""

_AT_ONCE = 2_000

_log = logging.getLogger(__name__)


class NoSnapshot(LookupError):
    """No snapshot was taken yet: the background process takes one a day."""


def newest(archive_dir: Path) -> Partition:
    """The newest whole snapshot, else the newest that was begun. Raises NoSnapshot."""
    found = [one for one in partitions(archive_dir, PROFILES) if one.manifest().parts]
    whole = [one for one in found if _is_whole(one)]
    if not found:
        raise NoSnapshot("no snapshot of the profiles was taken yet")
    return max(whole or found, key=lambda one: one.date)


def count(archive_dir: Path, test: Callable[[Profile], bool], progress: Progress | None = None) -> Estimate:
    """Ask everybody in it: some 15 s for a million profiles, in one thread. Raises NoSnapshot."""
    people = hits = done = unread = 0
    partition = newest(archive_dir)
    total = sum(part.rows for part in partition.manifest().parts)
    for some in _profiles(partition):
        for profile in some:
            try:
                if is_person(profile):
                    hits += test(profile)
                    people += 1
            except Exception:  # written by other hands: its neighbours answer
                unread += 1
        done += len(some)
        if progress is not None:
            progress(min(done, total), total)
    if unread:
        _log.warning("%d profiles of the snapshot could not be read, and were not counted", unread)
    return Estimate(hits, hits / people if people else 0.0, hits, hits, people, people, True)


def _is_whole(partition: Partition) -> bool:
    try:
        return bool(orjson.loads((partition.folder / PROGRESS).read_bytes()).get("done"))
    except (OSError, ValueError):
        return False


def _profiles(partition: Partition) -> Iterator[list[Profile]]:
    """Its profiles, each once: a walk that was killed and begun anew may have met some of them twice."""
    seen: set[int] = set()
    connection = open_duckdb(partition.archive_dir)
    try:
        paths = literals(partition.paths())
        cursor = connection.execute(
            f"SELECT profile_id, hash(profile_id), record FROM read_parquet({paths}, union_by_name=true)"
        )
        while rows := cursor.fetchmany(_AT_ONCE):
            some = []
            for profile_id, digest, record in rows:
                if digest not in seen:
                    seen.add(digest)
                    some.append(Profile(profile_id, orjson.loads(record)))
            yield some
    except duckdb.IOException as error:  # an erasure replaced a part meanwhile
        raise NoSnapshot("the snapshot was changed meanwhile; ask again") from error
    finally:
        connection.close()
