"""Replay: profiles rebuilt from the archive, compared with the live ones, or put back into an empty Redis."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from habitue_collector import fold, orders
from habitue_collector.claims import CLAIM_DAYS, claim_value, read_claim
from habitue_collector.events import USER_PREFIX, Event, Kind
from habitue_collector.profile import VERSION_LENGTH, Profile, State, digest, unpack
from habitue_collector.profiles import TOMBSTONE_SECONDS
from habitue_collector.settings import Lifetimes
from habitue_collector.store import keys
from habitue_warehouse import memberships
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
            ours, theirs = (_without_erased_claim(redis, state) for state in (ours, theirs))
        if (ours or None) != (theirs or None):
            checked.differences.append(Difference(name, ours, theirs))
    return checked


def _without_erased_claim(redis: Any, state: State | None) -> State | None:
    """Without the name of an erased user that this visitor once claimed to be: the archive has lost it."""
    claimed = (state or {}).get("claimed_user_id")
    if state is None or claimed is None or not redis.exists(keys.tombstone(USER_PREFIX + claimed)):
        return state
    return {name: value for name, value in state.items() if name != "claimed_user_id"}


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

    Tombstones, the claims on orders and who is in which segment come back too; what is past its lifetime
    does not.
    """
    lifetimes = lifetimes or Lifetimes()
    at = time.time_ns() // 1_000_000 if now is None else now
    for profile_id in profile_ids(redis):
        raise NotEmpty(f"this Redis holds profiles already ({profile_id}, …): restore into an empty one")
    claims = _Claims(apply)
    written = 0
    for number, bucket in replay_buckets(archive_dir, apply=claims, lifetimes=lifetimes, progress=progress):
        pipe = redis.pipeline(transaction=False)
        pipe.delete(keys.memberships(number), keys.segment_counts(number))
        for profile_id, until in bucket.erased.items():
            pipe.set(keys.tombstone(profile_id), str(until), ex=TOMBSTONE_SECONDS)
        claims.write(redis, at)
        for profile_id, profile in bucket.profiles.items():
            claims.listed(profile)
            left = bucket.last[profile_id] + lifetime_ms(profile, lifetimes) - at
            if profile.is_empty or left <= 0:
                continue
            version = os.urandom(VERSION_LENGTH // 2).hex().encode()
            pipe.set(keys.profile(profile_id), profile.pack(version), px=left)
            if members := bucket.members.get(profile_id):
                # Else everybody would enter every segment anew, and other systems be told so.
                pipe.hset(keys.memberships(number), profile_id, memberships.pack(members))
                for segment_id in members:
                    pipe.hincrby(keys.segment_counts(number), segment_id, 1)
            written += 1
            if len(pipe) >= 2_000:
                pipe.execute()
        pipe.execute()
    claims.settle(redis, at)
    return written


class _Claims:
    """Applies a bucket's records, and notes whose each order is: without its claim it would count again.

    Who folded an order first has it, unless a move says otherwise; and whoever lists it in the end has it
    for certain. Remembers every order's name by its digest: about 150 bytes each, while it runs.
    """

    def __init__(self, apply: Apply) -> None:
        self._apply = apply
        self._owners: dict[str, tuple[str, int]] = {}
        # By the digest under which a profile lists its orders: the name, and since when it is claimed.
        self._names: dict[str, str] = {}
        self._since: dict[str, int] = {}
        self._listed: dict[str, str] = {}

    def __call__(self, profile: Profile | None, record_type: str, record: dict[str, Any]) -> Profile | None:
        if record_type == "event":
            if record.get("kind") in _ORDER_KINDS and not record.get("order_known"):
                name = orders.claim_name(Event.from_record(record))
                short = digest(name)
                self._names[short] = name
                self._since.setdefault(short, record["received_at"])
                self._owners.setdefault(name, (record["profile_id"], record["received_at"]))
        elif record_type == "transfer_out" and profile is not None:
            self._hand_over(profile.state, record["to"])
        elif record_type == "undo_out":
            self._hand_over(record["state"], record["profile_id"])
        elif record_type == "order_out" and record.get("order_id") in self._owners:
            name = record["order_id"]
            self._owners[name] = (record["to"], self._owners[name][1])
        return self._apply(profile, record_type, record)

    def _hand_over(self, state: State, owner: str) -> None:
        for entry in state.get("orders", {}).get("listed", ()):
            name = self._names.get(entry["order"])
            if name in self._owners:
                self._owners[name] = (owner, self._owners[name][1])

    def listed(self, profile: Profile) -> None:
        """A rebuilt profile's orders are its own, whatever happened on the way."""
        for entry in profile.state.get("orders", {}).get("listed", ()):
            self._listed[entry["order"]] = profile.profile_id

    def write(self, redis: Any, now: int) -> None:
        """Writes the claims of the bucket just walked. An order taken in by two is the later one's."""
        names = list(self._owners)
        reading = redis.pipeline(transaction=False)
        for name in names:
            reading.get(keys.order(name))
        writing = redis.pipeline(transaction=False)
        for name, known in zip(names, reading.execute(), strict=True):
            owner, since = self._owners[name]
            left = CLAIM_DAYS * 86_400 - max(0, now - since) // 1000
            if left > 0 and (known is None or read_claim(known)[1] < since):
                writing.set(keys.order(name), claim_value(owner, since), ex=left)
        writing.execute()
        self._owners.clear()

    def settle(self, redis: Any, now: int) -> None:
        """Last of all: the claims of the orders that profiles list."""
        writing = redis.pipeline(transaction=False)
        for short, owner in self._listed.items():
            name = self._names.get(short)
            if name is None:
                continue
            since = self._since[short]
            left = CLAIM_DAYS * 86_400 - max(0, now - since) // 1000
            if left > 0:
                writing.set(keys.order(name), claim_value(owner, since), ex=left)
            if len(writing) >= 2_000:
                writing.execute()
        writing.execute()


_ORDER_KINDS = frozenset({Kind.PURCHASE.value, Kind.REFUND.value})
