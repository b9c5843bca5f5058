"""Who enters and leaves which segment, decided in the background from the log that passes by.

    archiver ─ observe ─▶ whose profile changed ─▶ read, decide, write ─▶ member's record, counts, log
                                     sweep ─▶ everybody, when time passes or a definition changed

A beacon pays nothing for it. What a person is in is decided from the profile as it is in Redis, so records
that come twice or in another order do no harm, and what was missed is found by the next sweep.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import Event as Stop
from threading import Lock
from time import monotonic, time_ns
from typing import Any, Protocol

import orjson
from redis.asyncio import Redis
from redis.exceptions import RedisError

from habitue_collector.store import keys
from habitue_recommender.rulebook.book import Rulebook
from habitue_recommender.segments.definitions import digests, with_named
from habitue_recommender.segments.members import Change, Held, Members, is_person
from habitue_recommender.segments.sample import Estimate, estimates
from habitue_recommender.segments.segment import Segments
from habitue_recommender.segments.sweep import EVERY, SELDOM, STEP, Sweep
from habitue_recommender.webhooks.messages import Told
from habitue_recommender.webhooks.queue import Webhooks
from habitue_warehouse.memberships import ENTERED, LEFT, SEGMENT

_MOST_WAITING = 500_000  # profiles that are to be looked at; past it a sweep finds them
_AT_ONCE = 500
_TICK_SECONDS = 0.2
_SLICE_SECONDS = 0.5  # of an urgent sweep, before the events get their turn
_PUBLISH_SECONDS = 1.0

_log = logging.getLogger(__name__)


class Record(Protocol):
    """What is read of an archiver's log record."""

    @property
    def type(self) -> str: ...
    @property
    def record(self) -> Mapping[str, Any] | None: ...
    @property
    def stream_id(self) -> tuple[int, int, int]: ...


class Reader(Protocol):
    """What follows the marketers' documents; `rulebook_reader.RulebookReader`."""

    @property
    def rulebook(self) -> Rulebook: ...
    async def follow(self, redis: Redis, /) -> bool: ...


class SegmentWatch:
    """See the module. `connect` makes a client of its own in the thread that runs."""

    def __init__(
        self,
        reader: Reader,
        connect: Callable[[], Redis],
        clock: Callable[[], int] = lambda: time_ns() // 1_000_000,
        webhooks: Webhooks | None = None,
    ) -> None:
        self.evaluated = 0
        self.changes = {ENTERED: 0, LEFT: 0}
        self.conflicts = 0
        self.failed = 0  # profiles that could not be asked
        self.lost = 0  # profiles that changed when too many waited: found by the next sweep
        self.sweeps = 0
        self.sweep: Sweep | None = None
        self.people: int | None = None  # whom segments can speak of, by the last sweep
        self._reader = reader
        self._connect = connect
        self._clock = clock
        self._webhooks = webhooks
        self._lock = Lock()
        self._waiting: dict[str, None] = {}
        self._told: list[Told] = []
        self._counts: dict[str, int] | None = None
        self._digests: dict[str, str] = {}  # of the definitions that are followed
        self._exact: dict[str, str] = {}  # segment → digest of the definition that its count is of
        self._guesses: dict[str, Estimate] = {}
        self._swept_at = 0  # so that the first walk finds what happened while nobody watched
        self._began = False  # the definitions were looked at
        self._people_in: dict[str, int] = {}
        self._published = b""
        self._published_at = 0.0

    # ---- the archiver's thread -------------------------------------------------------------------

    def observe(self, records: Iterable[Record]) -> None:
        """Take records that pass; quick, and never refuses."""
        touched: list[str] = []
        told: list[Told] = []
        for one in records:
            record = one.record
            if record is None or one.type == "decision":
                continue
            profile_id = record.get("profile_id")
            if not isinstance(profile_id, str) or "kept" in record or record.get("bot"):
                continue
            if one.type == SEGMENT:
                if self._webhooks is not None:
                    told.append(Told.of(record, one.stream_id))
            else:
                touched.append(profile_id)
        with self._lock:
            self._told += told
            if len(self._waiting) + len(touched) > _MOST_WAITING:
                self.lost += len(touched)
            else:
                self._waiting.update(dict.fromkeys(touched))

    def subscribed(self, address: str, segment_id: str) -> bool | None:
        """Whether a segment names this address now; None while the definitions are not read yet."""
        if not self._began:
            return None
        segment = self._reader.rulebook.segments.by_id.get(segment_id)
        return segment is not None and address in segment.webhooks

    # ---- its own thread --------------------------------------------------------------------------

    def run_forever(self, stop: Stop) -> None:
        """Until `stop` is set; survives a Redis that is away."""
        asyncio.run(self._run(stop))

    async def _run(self, stop: Stop) -> None:
        async with self._connect() as redis:
            while not stop.is_set():
                busy = False
                try:
                    busy = await self.step(redis)
                except (RedisError, OSError) as error:
                    self._counts, self._published = None, b""  # somebody may have emptied it meanwhile
                    _log.warning("the watch on segments waits for Redis: %s", error)
                await asyncio.sleep(0 if busy else _TICK_SECONDS)

    async def step(self, redis: Redis) -> bool:
        """One turn: definitions, those whose profile changed, a piece of a sweep, what to tell, figures.

        True when more is to be done at once.
        """
        now = self._clock()
        members = Members(redis)
        if self._counts is None:
            await self._begin(redis, members)
        if await self._reader.follow(redis) or not self._began:
            await self._follow_definitions(redis, now)
        busy = await self._look_at_waiting(members)
        busy = await self._sweep_on(redis, members, now) or busy
        await self._tell(redis)
        await self._publish(redis, now)
        return busy

    async def _begin(self, redis: Redis, members: Members) -> None:
        """What the process before knew: counts, and of which definitions they are."""
        self._counts = await members.counts()
        packed: Any = await redis.get(keys.SEGMENT_FIGURES)
        try:
            before = orjson.loads(packed) if packed else {}
            self.people = before.get("people")
            self._exact = {
                segment_id: one["definition"]
                for segment_id, one in before.get("segments", {}).items()
                if one["exact"]
            }
        except (ValueError, KeyError, TypeError, AttributeError):
            self._exact = {}

    async def _follow_definitions(self, redis: Redis, now: int) -> None:
        book = self._reader.rulebook
        self._digests = digests(book.segments.by_id)
        new = frozenset(one for one, digest in self._digests.items() if self._exact.get(one) != digest)
        gone = (self._counts or {}).keys() - self._digests.keys()
        running = self.sweep
        if running is not None and running.urgent:
            new |= running.segments & self._digests.keys()
        if new or gone:
            self.sweep = await self._new_sweep(redis, "definition", new, now)
            self.sweep.decides = with_named(book.segments, new)
            self._guesses = await estimates(
                redis, lambda person: book.segments_of(person, now), new, self.people
            )
            await self._publish(redis, now, at_once=True)
        self._began = True
        if self._webhooks is not None:
            named = {address for segment in book.segments for address in segment.webhooks}
            await self._webhooks.keep_only(redis, named)

    async def _new_sweep(self, redis: Redis, cause: str, segments: frozenset[str], now: int) -> Sweep:
        return Sweep(cause, segments, began=now, of=int(await redis.dbsize()), missed=self.lost)

    # ---- deciding --------------------------------------------------------------------------------

    async def _look_at_waiting(self, members: Members) -> bool:
        with self._lock:
            some = list(self._waiting)[:_AT_ONCE]
            for profile_id in some:
                del self._waiting[profile_id]
            more = bool(self._waiting)
        if not some:
            return False
        try:
            await self._decide(members, some, "event")
        except (RedisError, OSError):
            with self._lock:  # they wait until Redis is back
                self._waiting = dict.fromkeys(some) | self._waiting
            raise
        return more

    async def _decide(
        self, members: Members, profile_ids: Sequence[str], cause: str, only: Segments | None = None
    ) -> int:
        """Read these, and write whatever is different by now; how many of them are people.

        With `only`, the others are as they are known to be: 200 segments take 0.3 ms of somebody.
        """
        now = self._clock()
        book = self._reader.rulebook
        decided = book.segments if only is None else only
        people = 0
        changes: list[Change] = []
        farewells: list[Told] = []
        for held in await members.read(profile_ids):
            before = held.segments
            segments: frozenset[str] = frozenset()
            try:
                if held.profile is not None and is_person(held.profile):
                    people += 1
                    segments = decided.of_profile(held.profile, now, book.zone)
                    if only is not None:
                        segments |= (before & self._digests.keys()) - decided.by_id.keys()
            except Exception as error:  # one profile that other hands wrote keeps nobody else waiting
                self.failed += 1
                _log.warning("a profile cannot be asked for its segments: %s", type(error).__name__)
                continue
            if segments != before:
                changes.append(self._change(held, before, segments, cause, now))
                if held.profile is None:
                    farewells += self._farewells(held, now)
        self.evaluated += len(profile_ids)
        if farewells and self._webhooks is not None:
            # First: killed in between, it is told twice, but never forgotten. No log names who is gone.
            await self._webhooks.enqueue(members.redis, farewells, book.segments.by_id)
        again: list[str] = []
        for change, written in zip(changes, await members.apply(changes), strict=True):
            if written:
                self._note(change)
            else:
                again.append(change.held.profile_id)
        if again:
            self.conflicts += len(again)
            with self._lock:
                self._waiting.update(dict.fromkeys(again))
        return people

    def _change(
        self, held: Held, before: frozenset[str], segments: frozenset[str], cause: str, now: int
    ) -> Change:
        """What is different, each with its record; nobody enters or leaves what is no segment any more."""
        known = self._digests
        steps: list[tuple[str, int, bytes]] = []
        for segment_id in sorted(segments ^ before):
            enters = segment_id in segments
            record = b""
            if segment_id in known and held.profile is not None:
                record = orjson.dumps(
                    {
                        "profile_id": held.profile_id,
                        "segment_id": segment_id,
                        "change": ENTERED if enters else LEFT,
                        "timestamp": now,
                        "cause": cause,
                    }
                )
            steps.append((segment_id, 1 if enters else -1, record))
        return Change(held, segments, tuple(steps))

    def _farewells(self, held: Held, now: int) -> list[Told]:
        cause = "erased" if held.erased else "forgotten"
        return [
            Told(held.profile_id, segment_id, LEFT, now, cause, f"{held.profile_id}-{now}")
            for segment_id in held.segments
            if segment_id in self._digests
        ]

    def _note(self, change: Change) -> None:
        counts = self._counts if self._counts is not None else {}
        for segment_id, step, _ in change.steps:
            counts[segment_id] = max(0, counts.get(segment_id, 0) + step)
            if not counts[segment_id]:
                del counts[segment_id]
            if segment_id in self._digests:
                self.changes[ENTERED if step > 0 else LEFT] += 1

    # ---- the sweep -------------------------------------------------------------------------------

    async def _sweep_on(self, redis: Redis, members: Members, now: int) -> bool:
        if self.sweep is None:
            segments = self._reader.rulebook.segments
            every = EVERY if any(segments.reads_time(one.id) for one in segments) else SELDOM
            missed = self.lost and not self._waiting
            if missed or now - self._swept_at >= every:
                self.sweep = await self._new_sweep(redis, "time", frozenset(), now)
            else:
                return False
        sweep = self.sweep
        began = monotonic()
        until = began + _SLICE_SECONDS
        while not sweep.finished and sweep.may_step(began) and began < until:
            await self._sweep_step(members, sweep)
            ended = monotonic()
            sweep.rest(began, ended)
            began = ended
            await asyncio.sleep(0)
        if sweep.finished:
            await self._swept(members, sweep)
        return sweep.urgent and not sweep.finished

    async def _sweep_step(self, members: Members, sweep: Sweep) -> None:
        """One piece of it. Where it stands is noted last: what fails is done again."""
        if not sweep.walked:
            cursor, found = await members.profiles(sweep.cursor, STEP)
            if found:
                sweep.people += await self._decide(members, found, sweep.cause, sweep.decides)
                sweep.done += len(found)
            sweep.cursor, sweep.walked = cursor, cursor == 0
            return
        if sweep.buckets is None:
            sweep.buckets = await members.buckets()
            return
        bucket = sweep.buckets[-1]
        cursor, some = await members.of_bucket(bucket, sweep.members_cursor, STEP)
        if gone := await members.gone(list(some)):
            await self._decide(members, gone, sweep.cause)
        sweep.members_cursor = cursor
        if cursor == 0:
            sweep.buckets.pop()

    async def _swept(self, members: Members, sweep: Sweep) -> None:
        self.sweep = None
        self.sweeps += 1
        self.people = sweep.people
        self._counts = await members.counts()
        if not sweep.urgent:
            self._swept_at = sweep.began
            with self._lock:
                self.lost -= sweep.missed
        for segment_id in sweep.segments & self._digests.keys():
            self._exact[segment_id] = self._digests[segment_id]
            self._guesses.pop(segment_id, None)
        self._published_at = 0.0

    # ---- telling ---------------------------------------------------------------------------------

    async def _tell(self, redis: Redis) -> None:
        with self._lock:
            told, self._told = self._told, []
        if told and self._webhooks is not None:
            try:
                await self._webhooks.enqueue(redis, told, self._reader.rulebook.segments.by_id)
            except (RedisError, OSError):
                with self._lock:
                    self._told = told + self._told
                raise

    async def _publish(self, redis: Redis, now: int, at_once: bool = False) -> None:
        """The counts for everybody; once a second, if they changed."""
        if not at_once and monotonic() - self._published_at < _PUBLISH_SECONDS:
            return
        self._published_at = monotonic()
        counts = self._counts or {}
        segments: dict[str, dict[str, Any]] = {}
        for segment_id, digest in self._digests.items():
            exact = self._exact.get(segment_id) == digest
            guess = self._guesses.get(segment_id)
            people = counts.get(segment_id, 0) if exact or guess is None else guess.people
            segments[segment_id] = {"people": people, "exact": exact, "definition": digest}
        self._people_in = {one: int(figure["people"]) for one, figure in segments.items()}
        figures = {
            "version": self._reader.rulebook.version,
            "people": self.people,
            "segments": segments,
            "sweep": None if self.sweep is None else self.sweep.to_record(),
        }
        packed = orjson.dumps(figures)
        if packed != self._published:
            await redis.set(keys.SEGMENT_FIGURES, orjson.dumps({"at": now, **figures}))
            self._published = packed

    def figures(self) -> dict[str, Any]:
        """What it did since its start, for the metrics; from any thread."""
        with self._lock:
            waiting = len(self._waiting)
        return {
            "segment_people": self._people_in,
            "segment_changes": dict(self.changes),
            "segment_evaluations": self.evaluated,
            "segment_conflicts": self.conflicts,
            "segment_sweeps": self.sweeps,
            "segment_waiting": waiting,
            "segment_lost": self.lost,
            **(self._webhooks.figures() if self._webhooks is not None else {}),
        }
