"""The committer: many requests, one read and one write, and no answer before Redis has replied.

Requests hand their events in as a `Submission`. One flush is in flight at a time; when it returns,
all that has come in meanwhile is the next one, with no timer. What a flush does stands in `flush`; a
conflict is read and folded again. What crosses buckets (login, an order that changes hands) goes
through `transfers`. Here are the queue, the connection, the answers, and what happens when Redis is slow,
full or gone.

Callbacks, not tasks: a task per beacon would cost more than the fold.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

from habitue_collector import settings
from habitue_collector.claims import CLAIMED_KINDS
from habitue_collector.events import USER_PREFIX
from habitue_collector.flush import Flush, Work
from habitue_collector.profile import Profile
from habitue_collector.store import commands
from habitue_collector.store.link import Link, LinkLost, ReplyError
from habitue_collector.submission import Intake, Submission

logger = logging.getLogger("habitue.commit")

MAX_GROUP = 512  # submissions in one flush: bounds the time an answer waits for its neighbours
MAX_CACHED = 10_000  # profiles kept for folding: about 4 KB each
MAX_NOTES = 50_000  # log records that nobody waits for
NOTE_SECONDS = 0.02  # how long they wait for a flush to go with, before they get one of their own


class Companion(Protocol):
    """What a decision wants to know of Redis travels with the profile's read (the recommender's catalog).

    `hurried`: this worker has little time for answers; noted on what it writes.
    """

    @property
    def hurried(self) -> bool: ...

    def read_commands(self) -> list[tuple[bytes, ...]]: ...

    def absorb(self, replies: list[Any]) -> None: ...


class Transfers(Protocol):
    """Moves between buckets; see `transfers.Mover`."""

    async def login(self, device: str, user_id: str, now: int) -> None: ...

    async def finish(self, device: str) -> None: ...

    async def finish_all(self) -> None: ...

    async def settle_order(self, intake: Intake, target: str, now: int) -> None: ...


@dataclass(slots=True)
class Lifetimes:
    """How long profiles stay in Redis after their last event, in seconds; 0: until erased."""

    anonymous: int = 395 * 86_400
    bot: int = 86_400
    user: int = 0

    @classmethod
    def of(cls, told: settings.Lifetimes) -> Lifetimes:
        """As the settings say it, in days and hours."""
        return cls(
            anonymous=told.anonymous_profile_days * 86_400,
            bot=told.bot_profile_hours * 3_600,
            user=told.user_profile_days * 86_400,
        )


@dataclass(slots=True)
class CommitTally:
    """What the committer did, for the metrics."""

    flushes: int = 0
    events: int = 0
    duplicates: int = 0
    conflicts: int = 0
    reads: int = 0
    cached: int = 0
    refused: int = 0  # queue full or too late: answered 503
    lost_links: int = 0
    notes_dropped: int = 0


class Committer:
    """See the module. One per process; everything happens on its event loop."""

    def __init__(
        self,
        link: Link,
        *,
        queue_events: int = 20_000,
        queue_bytes: int = 33_554_432,
        patience_seconds: float = 5.0,
        lifetimes: Lifetimes | None = None,
        cached_profiles: int = MAX_CACHED,
    ) -> None:
        self.link = link
        self._lost = asyncio.Event()
        self.tally = CommitTally()
        self.transfers: Transfers | None = None
        self.companion: Companion | None = None
        self.queued_events = 0
        self.queued_bytes = 0
        self._most_events = queue_events
        self._most_bytes = queue_bytes
        self._patience = patience_seconds
        self._max_cached = cached_profiles
        self.cache: dict[str, tuple[bytes, Profile]] = {}  # with the version that was written
        self._queue: deque[Submission] = deque()
        self._notes: list[bytes] = []
        self._note_timer: asyncio.TimerHandle | None = None
        self._version_prefix = os.urandom(4).hex().encode()
        self._version_count = 0
        self._busy = False
        self._ready = False
        self._refused = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._runner: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._idle = asyncio.Event()
        self.keep_for(lifetimes or Lifetimes())

    # ---- the way in --------------------------------------------------------------------------

    @property
    def is_ready(self) -> bool:
        """Redis answers and has our scripts."""
        return self._ready

    @property
    def refuses(self) -> bool:
        """Redis answers, but has not taken the last write: full, or its disk is."""
        return self._refused

    @property
    def cached_profiles(self) -> int:
        return len(self.cache)

    @property
    def is_overloaded(self) -> bool:
        return self.queued_events >= self._most_events or self.queued_bytes >= self._most_bytes

    def submit(self, submission: Submission) -> bool:
        """Take a request in. False: the queue is full, answer 503; `done` will not be called."""
        if self.queued_events >= self._most_events or self.queued_bytes >= self._most_bytes:
            self.tally.refused += 1
            return False
        loop = self._loop or asyncio.get_running_loop()
        submission.deadline = loop.time() + self._patience
        intakes = submission.intakes
        for intake in intakes:
            if intake.event.kind in CLAIMED_KINDS:
                submission.claims = True
        self.queued_events += len(intakes) or 1
        self.queued_bytes += submission.size
        self._queue.append(submission)
        if not self._busy and self._ready:
            self._busy = True
            loop.call_soon(self._begin)
        return True

    def note(self, bucket: int, record_type: bytes, record: bytes) -> None:
        """Append a record with the next flush, without anybody waiting for it (decisions)."""
        self.note_command(commands.append(bucket, record_type, record))

    def note_command(self, packed: bytes) -> None:
        """As `note`, for any one packed command with one reply."""
        if len(self._notes) >= MAX_NOTES:
            self.tally.notes_dropped += 1
            return
        self._notes.append(packed)
        if not self._busy and self._ready and self._note_timer is None:
            loop = self._loop or asyncio.get_running_loop()
            self._note_timer = loop.call_later(NOTE_SECONDS, self._write_notes)

    def _write_notes(self) -> None:
        self._note_timer = None
        if self._notes and not self._busy and self._ready:
            self._busy = True
            self._begin()

    def forget(self, profile_id: str) -> None:
        """Drop a profile from the cache: somebody changed it behind our back."""
        self.cache.pop(profile_id, None)

    def next_version(self) -> bytes:
        """Sixteen bytes that no other flush has carried."""
        self._version_count = (self._version_count + 1) & 0xFFFFFFFF
        return b"%b%08x" % (self._version_prefix, self._version_count)

    def keep_for(self, lifetimes: Lifetimes) -> None:
        """From the next write on profiles live as long as this."""
        self._lifetime_anonymous = b"%d" % lifetimes.anonymous
        self._lifetime_bot = b"%d" % lifetimes.bot
        self._lifetime_user = b"%d" % lifetimes.user

    def lifetime(self, profile: Profile) -> bytes:
        """Seconds until Redis forgets this profile, packed."""
        if profile.profile_id.startswith(USER_PREFIX):
            return self._lifetime_user  # one visit with a bot's user agent makes nobody forgotten
        return self._lifetime_bot if "bot" in profile.state else self._lifetime_anonymous

    # ---- connection --------------------------------------------------------------------------

    def start(self) -> None:
        """Connect, and stay connected; waits for a Redis that is not there yet."""
        self._loop = asyncio.get_running_loop()
        self._runner = self._loop.create_task(self._stay_connected())

    async def close(self) -> None:
        """Refuse what is new, finish what is in the queue, disconnect."""
        self._most_events = 0  # nobody else comes in
        self._write_notes()
        if self._ready:
            loop = asyncio.get_running_loop()
            until = loop.time() + self._patience
            while (self._queue or self._busy or self._tasks) and self._ready and loop.time() < until:
                self._idle.clear()
                if not self._busy and not self._queue:
                    await asyncio.wait(self._tasks, timeout=0.05)
                    continue
                try:
                    await asyncio.wait_for(self._idle.wait(), 0.05)
                except TimeoutError:
                    continue
        for task in (self._runner, *self._tasks):
            if task is not None:
                task.cancel()
        self._ready = False
        await self.link.close()  # what was under way goes back into the queue
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._patience)
        while self._queue:
            self._fail(self._queue.popleft())

    async def _stay_connected(self) -> None:
        pause = 0.05
        while True:
            self._lost.clear()
            sweeper = asyncio.get_running_loop().create_task(self._answer_the_late())
            try:
                await self.link.reconnect(attempts=1)
                for reply in await self.call(commands.load_scripts(), len(commands.SCRIPTS)):
                    if isinstance(reply, Exception):
                        raise reply
            except Exception as error:  # whatever keeps us from Redis is waited out, and said
                logger.warning("Redis does not answer (%s); trying again in %.1f s", error, pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 2.0)
                continue
            finally:
                sweeper.cancel()
            pause = 0.05
            self.cache.clear()  # another server, or an older state of this one, may have answered
            self._ready = True
            if self.transfers is not None:
                self.spawn(self._recover())
            if not self._busy and (self._queue or self._notes):
                self._busy = True
                self._begin()
            await self._lost.wait()
            self._ready = False
            self.tally.lost_links += 1
            logger.warning("The connection to Redis is gone; connecting again")

    def on_lost(self, reason: Exception) -> None:
        """The link's word that its connection is gone."""
        self._ready = False
        self._lost.set()

    async def _recover(self) -> None:
        assert self.transfers is not None
        await self.transfers.finish_all()

    async def _answer_the_late(self) -> None:
        """While Redis is away: those who have waited long enough are told so."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(0.05)
            now = loop.time()
            if not self._busy and self._queue:
                queue, self._queue = self._queue, deque()
                for submission in queue:
                    if submission.deadline > now:
                        self._queue.append(submission)
                    else:
                        self._fail(submission)

    async def execute(self, packed: bytes) -> Any:
        """One command, awaited. Raises ReplyError; scripts that Redis has forgotten are loaded again."""
        reply = (await self.call(packed, 1))[0]
        if isinstance(reply, Exception) and _is_noscript(reply):
            await self.call(commands.load_scripts(), len(commands.SCRIPTS))
            reply = (await self.call(packed, 1))[0]
        if isinstance(reply, Exception):
            raise reply
        return reply

    def call(self, packed: bytes, replies: int) -> asyncio.Future[list[Any]]:
        """One pipeline as a future, for what is rare enough to afford one."""
        future: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()

        def arrived(result: list[Any] | Exception) -> None:
            if future.done():
                return
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)

        self.link.send(packed, replies, arrived)
        return future

    # ---- one flush after the other -----------------------------------------------------------

    def _begin(self) -> None:
        if not self._ready:
            self._busy = False
            return
        group: list[Submission] = []
        queue = self._queue
        for _ in range(min(len(queue), MAX_GROUP)):
            if queue[0].alone and group:
                break
            submission = queue.popleft()
            group.append(submission)
            if submission.alone:
                break
        flush = Flush(self, group)
        try:
            flush.start()
        except Exception as error:
            logger.exception("A flush failed")
            self.abandon(flush, error)

    def take_notes(self) -> list[bytes]:
        """The records that nobody waits for, to be written along."""
        notes, self._notes = self._notes, []
        return notes

    def flushed(self, flush: Flush, failed: Exception | None, took: bool) -> None:
        """A flush is written (`took`: Redis took its last command): answer, or take up again."""
        cache = self.cache
        if len(cache) > self._max_cached:
            for profile_id in list(cache)[: len(cache) - self._max_cached]:
                del cache[profile_id]
        if failed is not None:
            self._refused_by_redis(failed)
        elif took:
            self._refused = False
        works = flush.works
        finish = self._finish
        for submission in flush.group:
            finish(submission, works, failed)
        self._next()

    def _finish(self, submission: Submission, works: dict[str, Work], failed: Exception | None) -> None:
        blocker = submission.blocker
        if blocker is not None:
            submission.blocker = None
            self.spawn(self._move(submission, blocker))
            return
        if submission.refused:
            self._fail(submission)
            return
        answer: Work | None = None
        if submission.wants_profile and submission.visitor is not None:
            answer = works[submission.visitor]
            if answer.profile.pointer is not None:
                answer = works[USER_PREFIX + answer.profile.pointer]
            submission.unsettled = submission.unsettled or answer.failed
        settled = not submission.unsettled
        intakes = submission.intakes
        for intake in intakes:
            if intake.result is None:
                settled = False
        if not settled:
            submission.unsettled = False
            if failed is not None and not _is_noscript(failed):
                self._fail(submission)
            else:
                self._queue.appendleft(submission)
            return
        if answer is not None:
            submission.profile = answer.profile
        self.queued_events -= len(intakes) or 1
        self.queued_bytes -= submission.size
        try:
            submission.done(submission)
        except Exception as error:
            self._answer_failed(submission, error)

    def _answer(self, submission: Submission) -> None:
        """Call back; a caller that cannot make its answer does not take its neighbours' away."""
        try:
            submission.done(submission)
        except Exception as error:
            self._answer_failed(submission, error)

    def _answer_failed(self, submission: Submission, error: Exception) -> None:
        logger.error("An answer could not be made", exc_info=error)
        if submission.error is None:
            submission.error = "unavailable"
            self._answer(submission)

    def _next(self) -> None:
        if self._ready and self._queue:
            asyncio.get_running_loop().call_soon(self._begin)
            return
        self._busy = False
        self._idle.set()
        if self._ready and self._notes and self._note_timer is None:
            self._note_timer = asyncio.get_running_loop().call_later(NOTE_SECONDS, self._write_notes)

    # ---- what goes wrong ---------------------------------------------------------------------

    async def _move(self, submission: Submission, move: Coroutine[Any, Any, None]) -> None:
        """Do the move that a submission waits for, then take it up again where it stopped."""
        try:
            await move
        except asyncio.CancelledError:
            self._fail(submission)
            raise
        except (LinkLost, OSError):
            pass  # the connection's end is counted where it is noticed; the submission tries again
        except Exception:
            logger.exception("A transfer failed")
            self._fail(submission)
            return
        if asyncio.get_running_loop().time() > submission.deadline:
            self._fail(submission)
            return
        self._queue.appendleft(submission)
        if not self._busy and self._ready:
            self._busy = True
            self._begin()

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run something that has to wait; `close` waits for it, what it raises is logged."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._spawned)

    def _spawned(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.warning("A background step of the committer ended early: %s", error)

    def abandon(self, flush: Flush, error: Exception) -> None:
        """The flush's fate is unknown: put everything back. The digests tell what was written."""
        for profile_id in flush.works:
            self.cache.pop(profile_id, None)
        group = flush.group
        now = asyncio.get_running_loop().time()
        refused = not isinstance(error, LinkLost)
        if refused and not isinstance(error, ReplyError):
            if refused := len(group) == 1:
                logger.error("This request cannot be stored, by a fault of ours")
            for submission in group:
                submission.alone = True
        elif refused:
            self._refused_by_redis(error)
        for submission in reversed(group):
            if submission.blocker is not None:
                submission.blocker.close()
                submission.blocker = None
            submission.unsettled = False
            if (refused and not _is_noscript(error)) or submission.deadline <= now:
                self._fail(submission)
            else:
                self._queue.appendleft(submission)
        if self._ready and not self.link.connected:
            self._busy = False
            self._idle.set()
            return
        self._next()

    def _refused_by_redis(self, error: Exception) -> None:
        logger.error("Redis refused a write: %s", error)
        self._refused = not _is_noscript(error)
        if not self._refused:
            self.link.send(commands.load_scripts(), len(commands.SCRIPTS), lambda replies: None)

    def _fail(self, submission: Submission) -> None:
        self.queued_events -= len(submission.intakes) or 1
        self.queued_bytes -= submission.size
        self.tally.refused += 1
        submission.error = "unavailable"
        self._answer(submission)


def _is_noscript(error: Exception) -> bool:
    return str(error).startswith("NOSCRIPT")
