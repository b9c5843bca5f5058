"""What the console and the API ask of segments: how many people, who, and what their webhooks do.

Counts of saved segments are kept by the background process (`segment_watch`); what is not saved yet is
estimated from people drawn at random, or counted over the newest snapshot of all profiles.
"""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from time import time_ns
from typing import Any

import orjson
from redis.asyncio import Redis

from habitue_collector.profile import Profile
from habitue_collector.store import keys
from habitue_recommender.conditions import Asked, Condition
from habitue_recommender.page import Page
from habitue_recommender.rulebook.book import Rulebook
from habitue_recommender.segments import export as segment_export
from habitue_recommender.segments import snapshot as segment_snapshot
from habitue_recommender.segments.definitions import digests
from habitue_recommender.segments.members import Held, Members, is_person
from habitue_recommender.segments.sample import SAMPLE, Estimate, estimate, estimates
from habitue_recommender.segments.segment import Segment
from habitue_recommender.segments.snapshot import NoSnapshot, Progress
from habitue_recommender.webhooks.queue import Tries, WebhookQueue

__all__ = ["Count", "Estimate", "NoSnapshot", "SegmentFigures", "WebhookState"]

_AT_ONCE = 500
_PAGE = Page()


@dataclass(frozen=True, slots=True)
class Count:
    """How many people are in a segment. Not `exact`: an estimate, until the sweep has seen everybody.

    `at` is when it was so (ms); `of` how many people there are, None when nobody counted yet; `progress`
    of the sweep from 0 to 1, None when none is needed.
    """

    people: int
    exact: bool
    at: int
    of: int | None = None
    progress: float | None = None


@dataclass(frozen=True, slots=True)
class WebhookState:
    """One address of a segment: how many messages wait for it, and how its last tries went."""

    address: str
    waiting: int
    tries: Tries


class SegmentFigures:
    """See the module. Cheap to make: one for each request will do.

    `rulebook` is what the marketer sees now: where the background process has not followed yet, counts are
    estimated by it. `archive` is needed by `exact` alone.
    """

    def __init__(
        self,
        redis: Redis,
        rulebook: Rulebook | None = None,
        *,
        archive: Path | None = None,
        clock: Callable[[], int] = lambda: time_ns() // 1_000_000,
    ) -> None:
        self._redis = redis
        self._rulebook = rulebook
        self._archive = archive
        self._clock = clock

    # ---- how many --------------------------------------------------------------------------------

    async def count(self, segment_id: str) -> Count:
        """One segment's people; nobody for a segment that is not there."""
        found = await self.counts()
        return found.get(segment_id) or Count(0, self._rulebook is None, self._clock())

    async def counts(self) -> dict[str, Count]:
        """Every segment's people, by id: of the rulebook, or without one of those that are watched."""
        published = await self._published()
        at = int(published.get("at") or self._clock())
        of, progress = published.get("people"), _progress(published.get("sweep"))
        held: dict[str, dict[str, Any]] = published.get("segments") or {}
        counts: dict[str, Count] = {}
        unknown: list[str] = []
        wanted = dict.fromkeys(held, "") if self._rulebook is None else digests(self._rulebook.segments.by_id)
        for segment_id, digest in wanted.items():
            one = held.get(segment_id)
            if one is None or (digest and one["definition"] != digest):
                unknown.append(segment_id)
                continue
            exact = bool(one["exact"])
            counts[segment_id] = Count(int(one["people"]), exact, at, of, None if exact else progress)
        if unknown and (rulebook := self._rulebook) is not None:
            now = self._clock()
            guesses = await estimates(
                self._redis, lambda person: rulebook.segments_of(person, now), unknown, of
            )
            for segment_id, guess in guesses.items():
                counts[segment_id] = Count(guess.people, False, now, guess.of, 0.0)
        return counts

    async def estimate(self, condition: Condition, sample: int = SAMPLE) -> Estimate:
        """How many people a condition holds for, from people drawn at random; some 200 ms."""
        published = await self._published()
        return await estimate(self._redis, self._test(condition), published.get("people"), sample)

    def exact(self, condition: Condition, progress: Progress | None = None) -> Estimate:
        """The same over everybody in the newest snapshot. Blocks: for a thread. Raises NoSnapshot."""
        if self._archive is None:
            raise NoSnapshot("there is no archive")
        return segment_snapshot.count(self._archive, self._test(condition), progress)

    # ---- who -------------------------------------------------------------------------------------

    async def members(self, segment_id: str, limit: int = 50) -> list[str]:
        """Profile ids of some that are in it, others at each call."""
        found: list[str] = []
        async with aclosing(self._members(segment_id)) as pieces:
            async for some in pieces:
                found += some
                if len(found) >= limit:
                    break
        return found[:limit]

    async def export(
        self, segment_id: str, traits: Sequence[str] = segment_export.TRAITS
    ) -> AsyncIterator[bytes]:
        """Everybody in it as CSV, piece by piece; holds 500 profiles at a time."""
        yield segment_export.head(traits)
        members = Members(self._redis)
        seen: set[str] = set()  # a hash that is changed meanwhile may give somebody twice
        async for some in self._members(segment_id):
            fresh = [one for one in some if one not in seen]
            seen.update(fresh)
            for start in range(0, len(fresh), _AT_ONCE):
                held = await members.read(fresh[start : start + _AT_ONCE])
                if packed := segment_export.rows(_still_in(held, segment_id), traits):
                    yield packed

    async def _members(self, segment_id: str) -> AsyncGenerator[list[str], None]:
        """Looks through the buckets that have any, one after the other: 2 ms each of a million profiles."""
        members = Members(self._redis)
        buckets = await members.buckets_of(segment_id)
        random.shuffle(buckets)
        for bucket in buckets:
            cursor = 0
            while True:
                cursor, found = await members.of_bucket(bucket, cursor, 1_000)
                yield [profile_id for profile_id, segments in found.items() if segment_id in segments]
                if cursor == 0:
                    break

    # ---- webhooks --------------------------------------------------------------------------------

    async def webhooks(self, segment: Segment) -> list[WebhookState]:
        """How each of its addresses is doing."""
        queue = WebhookQueue(self._redis)
        return [
            WebhookState(address, await queue.waiting(address), await queue.tries(address))
            for address in segment.webhooks
        ]

    async def try_webhook(self, segment: Segment, address: str) -> None:
        """Send one of its addresses a message without anybody in it; `webhooks` then says how it went."""
        if address in segment.webhooks:
            await WebhookQueue(self._redis).try_out(address, segment, self._clock())

    # ---- inside ----------------------------------------------------------------------------------

    def _test(self, condition: Condition) -> Callable[[Profile], bool]:
        rulebook, now = self._rulebook, self._clock()
        zone = UTC if rulebook is None else rulebook.zone

        def test(person: Profile) -> bool:
            def segments() -> frozenset[str]:
                return frozenset() if rulebook is None else rulebook.segments_of(person, now)

            return condition.test(Asked(_PAGE, person, now, zone=zone, segments=segments), None)

        return test

    async def _published(self) -> dict[str, Any]:
        packed: Any = await self._redis.get(keys.SEGMENT_FIGURES)
        try:
            published = orjson.loads(packed) if packed else {}
        except orjson.JSONDecodeError:
            published = {}
        return published if isinstance(published, dict) else {}


def _progress(sweep: Any) -> float | None:
    if not isinstance(sweep, dict):
        return None
    done, of = int(sweep["done"]), int(sweep["of"])
    return round(done / max(1, of), 3)


def _still_in(held: Sequence[Held], segment_id: str) -> list[Profile]:
    """Who is a member as it is read now."""
    return [
        one.profile
        for one in held
        if one.profile is not None and segment_id in one.segments and is_person(one.profile)
    ]
