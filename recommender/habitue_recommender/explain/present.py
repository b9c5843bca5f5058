"""What a change is tried on where yesterday tells too little: who is known now, and what was decided lately.

A shop's first day has no snapshot of its profiles and no day before it, and a small shop keeps too few
decisions whole. Then people are drawn from the profiles in Redis, and decisions are tried again with their
visitors as they are now: near the truth, not the truth, so whatever comes of it is said to be an estimate.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from habitue_collector.profile import Profile
from habitue_collector.store import keys
from habitue_recommender.explain.yesterday import Yesterday
from habitue_recommender.page import Page
from habitue_recommender.segments.members import Members
from habitue_recommender.segments.sample import estimates
from habitue_warehouse.log_entries import read_entry
from habitue_warehouse.schema import day_of

PEOPLE = 2_000  # drawn; a small shop's are asked all
DECISIONS = 500
_OF_A_BUCKET = 100  # newest entries of its log: what the archive does not have yet
_AT_ONCE = 16  # buckets of one answer: some 1.5 MB


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision as it was asked for: `profile` is its visitor now, `together` the slots of its request."""

    slot: str
    page: Page
    profile: Profile | None
    at: int
    together: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Present:
    """See the module. `counts` are all decisions of `day` by slot, `decisions` some of them.

    `people_of` is how many people there are; `all_people`: `people` are all of them.
    """

    people: tuple[Profile, ...] = ()
    people_of: int = 0
    all_people: bool = False
    day: str = ""
    counts: Mapping[str, int] | None = None
    decisions: tuple[Decided, ...] = ()


@dataclass(frozen=True, slots=True)
class _Asked:
    """One decision of the log."""

    decision_id: str
    slot: str
    page: Page
    profile_id: str
    at: int


async def present(redis: Redis, archive: Path, now: int, slots: Sequence[str]) -> Present:
    """Some 300 ms: 2,000 people, and up to 500 decisions in these slots. Raises RedisError."""
    people: list[Profile] = []

    def keep(person: Profile) -> tuple[str, ...]:
        people.append(person)
        return ()

    drawn = (await estimates(redis, keep, ("",), sample=PEOPLE))[""]
    day, counts, asked = await _asked(redis, archive, now, slots)
    known = await _known(redis, {one.profile_id for one, _ in asked if one.profile_id})
    decisions = tuple(
        Decided(one.slot, one.page, known.get(one.profile_id), one.at, together) for one, together in asked
    )
    return Present(tuple(people), drawn.of, drawn.exact, day, counts, decisions)


async def _asked(
    redis: Redis, archive: Path, now: int, slots: Sequence[str]
) -> tuple[str, dict[str, int], list[tuple[_Asked, tuple[str, ...]]]]:
    """The day, how many decisions it has by slot, and some of those in `slots` with the slots beside them."""
    today = day_of(now, now)
    past = await asyncio.to_thread(Yesterday, archive, now, 0)
    # The log belongs to today: a day that is over is in the archive.
    logged = [] if past.day not in ("", today) else await _logged(redis, today)

    def read() -> tuple[dict[str, int], list[tuple[_Asked, tuple[str, ...]]]]:
        try:
            without = [one.decision_id for one in logged]
            counts = past.counts(without)
            found = [
                (_Asked(decision_id, slot, page, profile_id, at), together)
                for decision_id, slot, page, profile_id, at, together in past.requests(
                    list(slots), DECISIONS, without
                )
            ]
            return counts, found
        finally:
            past.close()

    counts, found = await asyncio.to_thread(read)
    requests: dict[tuple[str, int], list[str]] = {}
    for one in logged:
        counts[one.slot] = counts.get(one.slot, 0) + 1
        requests.setdefault((one.profile_id, one.at), []).append(one.slot)
    for one in logged:
        if one.slot in slots:
            beside = tuple(dict.fromkeys(requests[one.profile_id, one.at])) if one.profile_id else ()
            found.append((one, beside))
    found.sort(key=lambda pair: blake2b(pair[0].decision_id.encode("utf-8", "replace")).digest())
    return past.day or today, counts, found[:DECISIONS]


async def _logged(redis: Redis, day: str) -> list[_Asked]:
    """The decisions of a day that the log still holds, oldest first within a bucket."""
    found: list[_Asked] = []
    for start in range(0, keys.BUCKETS, _AT_ONCE):
        buckets = range(start, min(keys.BUCKETS, start + _AT_ONCE))
        async with redis.pipeline(transaction=False) as pipeline:
            for bucket in buckets:
                pipeline.xrevrange(keys.log(bucket), count=_OF_A_BUCKET)
            answers: list[Any] = await pipeline.execute()
        for bucket, entries in zip(buckets, answers, strict=True):
            for stream_id, fields in reversed(entries):
                if b"decision" not in fields:
                    continue
                one = _decision(read_entry(bucket, stream_id, fields).record)
                if one is not None and day_of(one.at, one.at) == day:
                    found.append(one)
    return found


def _decision(record: Mapping[str, Any] | None) -> _Asked | None:
    """None for what does not look like one: other hands write to a log too."""
    if record is None:
        return None
    decision_id, slot, at = record.get("decision_id"), record.get("slot"), record.get("timestamp")
    profile_id = record.get("profile_id") or ""
    if not (isinstance(decision_id, str) and isinstance(slot, str) and isinstance(profile_id, str)):
        return None
    if not isinstance(at, int) or at < 0:
        return None
    return _Asked(decision_id, slot, Page.parse(record.get("page")), profile_id, at)


async def _known(redis: Redis, profile_ids: set[str]) -> dict[str, Profile]:
    held = await Members(redis).read(sorted(profile_ids)) if profile_ids else []
    return {one.profile_id: one.profile for one in held if one.profile is not None}
