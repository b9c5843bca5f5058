"""Replay: profiles rebuilt from the archive, compared with the live ones, or put back into an empty Redis."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from habitue_collector import fold
from habitue_collector.profile import VERSION_LENGTH, State, unpack
from habitue_collector.settings import Lifetimes
from habitue_collector.store import keys
from habitue_warehouse.log_entries import read_entry
from habitue_warehouse.rebuild import Apply, Bucket, Entry, lifetime_ms, replay, replay_buckets
from habitue_warehouse.schema import profile_of
from habitue_warehouse.snapshots import profile_ids

__all__ = ["Checked", "Difference", "NotEmpty", "check", "replay", "restore"]


@dataclass(frozen=True, slots=True)
class Difference:
    """A profile that the archive and Redis do not agree about; None: it is not there."""

    profile_id: str
    replayed: State | None
    live: State | None

    @property
    def members(self) -> list[str]:
        """The names of the members that differ."""
        ours, theirs = self.replayed or {}, self.live or {}
        return sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))


@dataclass(slots=True)
class Checked:
    """How many profiles were compared, and those that differ."""

    profiles: int = 0
    differences: list[Difference] = field(default_factory=list)


def check(
    redis: Any,
    archive_dir: Path | str,
    *,
    apply: Apply = fold.apply,
    lifetimes: Lifetimes | None = None,
    now: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Checked:
    """Compares every rebuilt profile with the live one, also while the server is busy.

    What the log holds and the archive does not yet is applied on top; log and profiles of a bucket are
    read in one transaction. Holds the ids of all live profiles (about 100 bytes each).
    """
    lifetimes = lifetimes or Lifetimes()
    at = time.time_ns() // 1_000_000 if now is None else now
    live_ids: dict[int, set[str]] = {number: set() for number in range(keys.BUCKETS)}
    for profile_id in profile_ids(redis):
        live_ids[keys.bucket_of(profile_id)].add(profile_id)
    checked = Checked()
    for number, bucket in replay_buckets(archive_dir, apply=apply, lifetimes=lifetimes, progress=progress):
        found = _check_bucket(redis, number, bucket, live_ids[number], at)
        if found.differences:
            # The archiver may have been between two parts of one flush: what differs is looked at again.
            (again,) = replay_buckets(archive_dir, apply=apply, lifetimes=lifetimes, only=number)
            found = _check_bucket(redis, number, again[1], live_ids[number], at)
        del live_ids[number]
        checked.profiles += found.profiles
        checked.differences += found.differences
    return checked


def _check_bucket(redis: Any, number: int, bucket: Bucket, live_ids: set[str], at: int) -> Checked:
    checked = Checked()
    after = f"({bucket.position[0]}-{bucket.position[1]}" if bucket.position[0] >= 0 else "-"
    tail = [read_entry(number, *entry) for entry in redis.xrange(keys.log(number), min=after)]
    beyond = {name for entry in tail if (name := profile_of(entry)) is not None}
    names = sorted(live_ids | beyond | bucket.profiles.keys())
    pipe = redis.pipeline(transaction=True)
    pipe.xrange(keys.log(number), min=after)
    for name in names:
        pipe.get(keys.profile(name))
    entries, *packed = pipe.execute()
    for entry in (read_entry(number, *one) for one in entries):
        if entry.record is not None:
            bucket.take(Entry(entry.log_ms, entry.log_seq, entry.type, entry.record))
    for name, value in zip(names, packed, strict=True):
        replayed = bucket.profiles.get(name)
        if replayed is not None and at - bucket.last[name] > lifetime_ms(replayed, bucket.lifetimes):
            replayed = None  # forgotten live too
        ours = None if replayed is None else orjson.loads(orjson.dumps(replayed.to_record()))
        theirs = None if value is None else unpack(name, value)[1].to_record()
        checked.profiles += 1
        if (ours or None) != (theirs or None):  # an empty profile is as good as none
            checked.differences.append(Difference(name, ours, theirs))
    return checked


class NotEmpty(RuntimeError):
    """There are profiles in this Redis already: a restore would overwrite what is newer."""


def restore(
    redis: Any,
    archive_dir: Path | str,
    *,
    apply: Apply = fold.apply,
    lifetimes: Lifetimes | None = None,
    now: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Writes the rebuilt profiles into a Redis that has none; returns how many. Raises NotEmpty.

    Tombstones come back too. What is past its lifetime does not.
    """
    lifetimes = lifetimes or Lifetimes()
    at = time.time_ns() // 1_000_000 if now is None else now
    for profile_id in profile_ids(redis):
        raise NotEmpty(f"this Redis holds profiles already ({profile_id}, …): restore into an empty one")
    written = 0
    for _, bucket in replay_buckets(archive_dir, apply=apply, lifetimes=lifetimes, progress=progress):
        pipe = redis.pipeline(transaction=False)
        for profile_id, until in bucket.erased.items():
            pipe.set(keys.tombstone(profile_id), str(until))
        for profile_id, profile in bucket.profiles.items():
            left = bucket.last[profile_id] + lifetime_ms(profile, lifetimes) - at
            if profile.is_empty or left <= 0:
                continue
            version = os.urandom(VERSION_LENGTH // 2).hex().encode()
            pipe.set(keys.profile(profile_id), profile.pack(version), px=left)
            written += 1
            if len(pipe) >= 2_000:
                pipe.execute()
        pipe.execute()
    return written
