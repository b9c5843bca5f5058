"""The committer: many requests, one read and one write, and no answer before Redis has replied.

Requests hand their events in as a `Submission`. One flush is in flight at a time; when it returns,
all that has come in meanwhile is the next one, with no timer. A flush reads the profiles it touches
(most are still known from the last write), claims the orders it speaks of, folds, and writes each
profile together with its log records if nobody else has written it since. A conflict is read and
folded again. What crosses buckets (login, an order that changes hands) goes through `transfers`.

Callbacks, not tasks: a task per beacon would cost more than the fold.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from habitue_collector import fold, orders
from habitue_collector.consent import Consent, strip
from habitue_collector.events import USER_PREFIX, Event, Kind
from habitue_collector.profile import Profile, digest, unpack
from habitue_collector.store import commands, keys
from habitue_collector.store.link import Link, LinkLost, ReplyError
from habitue_collector.store.resp import pack

logger = logging.getLogger("habitue.commit")

MAX_GROUP = 512  # submissions in one flush: bounds the time an answer waits for its neighbours
MAX_CACHED = 10_000  # profiles kept for folding: about 4 KB each
MAX_NOTES = 50_000  # log records that nobody waits for
CLAIM_DAYS = 762  # 25 months
CLAIM_SECONDS = b"%d" % (CLAIM_DAYS * 86_400)
FORWARDED_FOR = 86_400_000  # as long as repeats are known
SETTLED_AFTER = 86_400_000  # a claim older than a day has long been folded

ACCEPTED: dict[str, Any] = {"status": "accepted"}
DUPLICATE: dict[str, Any] = {"status": "accepted", "duplicate": True}
COUNTED: dict[str, Any] = {"status": "accepted", "kept": "counted"}
CLAIMED: dict[str, Any] = {"status": "accepted", "kept": "claimed"}
_KEPT = {"counted": COUNTED, "claimed": CLAIMED}


@dataclass(slots=True)
class Intake:
    """One event on its way in, and what became of it.

    `target` is whose profile it is for (a device, or `user:…`), before the device's pointer is
    followed. `kept` says that it is for nobody's. `login` is the user_id that this event proves.
    """

    event: Event
    index: int
    target: str | None
    kept: str | None = None
    login: str | None = None
    server: bool = False
    bot: bool = False
    consent_said: bool = False  # the request itself said that this may be kept
    order_known: bool = False
    claim: tuple[str, int] | None = None  # who owns its order, since when
    claimed_here: bool = False  # and that claim is this very event's
    result: dict[str, Any] | None = None


@dataclass(slots=True)
class Submission:
    """One request's events, in the order of their time, and the callback that answers it.

    `visitor` is the profile that the answer may speak of; with `wants_profile` it is read afresh,
    never from the cache; with `asks_companion` the companion's commands are read too. `consent` is
    what the request said, to be kept with the profile.
    """

    intakes: list[Intake]
    done: Callable[[Submission], None]
    visitor: str | None = None
    wants_profile: bool = False
    asks_companion: bool = False
    claims: bool = False  # it speaks of orders
    consent: Consent | None = None
    received_at: int = 0
    deadline: float = 0.0
    profile: Profile | None = None
    error: str | None = None
    blocker: Coroutine[Any, Any, None] | None = None
    unsettled: bool = False
    refused: bool = False  # it came too late for the device that sent it: that is to send it again
    looks_again: bool = False  # what we knew of its profiles was not enough: read them
    alone: bool = False  # a flush with it failed by a bug of ours: its neighbours are not to suffer


@dataclass(slots=True)
class _Work:
    """One profile during one flush."""

    profile: Profile
    version: bytes
    records: list[tuple[bytes, bytes]] = field(default_factory=list)
    settles: list[tuple[Intake, dict[str, Any]]] = field(default_factory=list)
    submissions: list[Submission] = field(default_factory=list)
    failed: bool = False  # it was not written: what was folded into it did not happen
    cached: bool = False  # good for folding, where the version is checked, never for answering
    turn: int = 0  # in which turn it was read; what is known from before has none


class Companion(Protocol):
    """What a decision wants to know of Redis travels with the profile's read (the recommender's catalog)."""

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
        self._queue_limit = queue_events
        self._patience = patience_seconds
        self._lifetimes = lifetimes or Lifetimes()
        self._max_cached = cached_profiles
        self._cache: dict[str, tuple[bytes, Profile]] = {}
        self._queue: deque[Submission] = deque()
        self._group: list[Submission] = []
        self._works: dict[str, _Work] = {}
        self._awaited: list[str] = []
        self._turn = 0
        self._fresh: set[str] = set()
        self._companion_replies = 0
        self._kept: list[tuple[Intake, bytes]] = []
        self._claims: list[Intake] = []
        self._notes: list[bytes] = []
        self._version_prefix = os.urandom(4).hex().encode()
        self._version_count = 0
        self._busy = False
        self._closing = False
        self._ready = False
        self._refused = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._runner: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._idle = asyncio.Event()
        self._lifetime_anonymous = b"%d" % self._lifetimes.anonymous
        self._lifetime_bot = b"%d" % self._lifetimes.bot
        self._lifetime_user = b"%d" % self._lifetimes.user

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
        return len(self._cache)

    @property
    def is_overloaded(self) -> bool:
        return self.queued_events >= self._queue_limit or self._closing

    def submit(self, submission: Submission) -> bool:
        """Take a request in. False: the queue is full, answer 503; `done` will not be called."""
        if self.is_overloaded:
            self.tally.refused += 1
            return False
        loop = self._loop or asyncio.get_running_loop()
        submission.deadline = loop.time() + self._patience
        for intake in submission.intakes:
            if intake.event.kind in CLAIMED_KINDS:
                submission.claims = True
        self.queued_events += len(submission.intakes) or 1
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
        if not self._busy and self._ready:
            self._busy = True
            asyncio.get_running_loop().call_soon(self._begin)

    def forget(self, profile_id: str) -> None:
        """Drop a profile from the cache: somebody changed it behind our back."""
        self._cache.pop(profile_id, None)

    def next_version(self) -> bytes:
        """Sixteen bytes that no other write has carried."""
        self._version_count = (self._version_count + 1) & 0xFFFFFFFF
        return b"%b%08x" % (self._version_prefix, self._version_count)

    def lifetime(self, profile: Profile) -> bytes:
        """Seconds until Redis forgets this profile, packed."""
        if profile.is_user:
            return self._lifetime_user  # one visit with a bot's user agent makes nobody forgotten
        return self._lifetime_bot if profile.state.get("bot") else self._lifetime_anonymous

    # ---- connection --------------------------------------------------------------------------

    def start(self) -> None:
        """Connect, and stay connected; waits for a Redis that is not there yet."""
        self._loop = asyncio.get_running_loop()
        self._runner = self._loop.create_task(self._stay_connected())

    async def close(self) -> None:
        """Refuse what is new, finish what is in the queue, disconnect."""
        self._closing = True
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
            self._cache.clear()  # another server, or an older state of this one, may have answered
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

    # ---- one flush: read ---------------------------------------------------------------------

    def _begin(self) -> None:
        try:
            self._begin_flush()
        except Exception as error:
            logger.exception("A flush failed")
            self._abandon(error)

    def _begin_flush(self) -> None:
        if not self._ready:
            self._busy = False
            return
        group = self._group = []
        queue = self._queue
        while queue and len(group) < MAX_GROUP and not (group and (group[-1].alone or queue[0].alone)):
            group.append(queue.popleft())
        works = self._works = {}
        cache = self._cache
        fresh = self._fresh = set[str]()
        wanted: dict[str, None] = {}
        asks_companion = False
        for submission in group:
            for intake in submission.intakes:
                if intake.target is not None and intake.result is None:
                    wanted[intake.target] = None
                    if submission.looks_again or submission.claims:
                        fresh.add(intake.target)
            if submission.visitor is not None and (
                submission.wants_profile or submission.consent is not None
            ):
                wanted[submission.visitor] = None
                if submission.wants_profile:
                    fresh.add(submission.visitor)
            asks_companion = asks_companion or submission.asks_companion
        packed: list[bytes] = []
        awaited = self._awaited = []
        for profile_id in wanted:
            known = cache.get(profile_id)
            if known is not None:
                pointer = known[1].state.get("pointer")
                if pointer is None and profile_id not in fresh:
                    works[profile_id] = _Work(known[1], known[0], cached=True)
                    continue
                if pointer is not None:
                    # Most likely it still points there: read both at once.
                    user = USER_PREFIX + pointer
                    if user not in wanted and user not in works and user not in awaited:
                        self._want(user, profile_id in fresh, packed)
            awaited.append(profile_id)
            packed.append(commands.get(keys.profile_place(profile_id)[0]))
        self.tally.cached += len(works)
        self._companion_replies = 0
        if asks_companion and self.companion is not None:
            for one in self.companion.read_commands():
                packed.append(pack(*one))
                self._companion_replies += 1
        if packed:
            self.tally.reads += len(awaited)
            self._send(packed, self._loaded)
        else:
            self._resolve()

    def _send(self, packed: list[bytes], then: Callable[[list[Any]], None]) -> None:
        """One step of the flush. Whatever goes wrong in the next, nobody is left without an answer."""

        def arrived(replies: list[Any] | Exception) -> None:
            if isinstance(replies, Exception):
                self._abandon(replies)
                return
            try:
                then(replies)
            except Exception as error:
                logger.exception("A flush failed")
                self._abandon(error)

        self.link.send(b"".join(packed), len(packed), arrived)

    def _want(self, profile_id: str, fresh: bool, packed: list[bytes]) -> None:
        known = self._cache.get(profile_id)
        if known is not None and not fresh:
            self._works[profile_id] = _Work(known[1], known[0], cached=True)
            return
        self._awaited.append(profile_id)
        packed.append(commands.get(keys.profile_place(profile_id)[0]))

    def _loaded(self, replies: list[Any]) -> None:
        for profile_id, reply in zip(self._awaited, replies, strict=False):
            self._turn += 1
            if reply is None:
                self._works[profile_id] = _Work(Profile(profile_id), b"", turn=self._turn)
            elif isinstance(reply, bytes):
                version, profile = unpack(profile_id, reply)
                self._works[profile_id] = _Work(profile, version, turn=self._turn)
            else:
                self._abandon(reply if isinstance(reply, Exception) else TypeError(type(reply).__name__))
                return
        if self._companion_replies and self.companion is not None:
            self.companion.absorb(replies[len(self._awaited) :])
            self._companion_replies = 0
        self._resolve()

    def _resolve(self) -> None:
        """Follow the devices' pointers; what was not foreseen costs a second read.

        The user's version must be older than the pointer: a logout in between gives the user's profile
        a new one, so what is folded by a pointer that is gone cannot be written.
        """
        missing: list[str] = []
        packed: list[bytes] = []
        self._awaited = missing
        for profile_id, work in list(self._works.items()):
            state = work.profile.state
            pointer = state.get("pointer")
            if pointer is not None:
                user = USER_PREFIX + pointer
                known = self._works.get(user)
                if known is None or (known.cached and profile_id in self._fresh):
                    if user not in missing:
                        self._want(user, True, packed)
                    self._want(profile_id, True, packed)
                elif known.turn > work.turn:
                    self._want(profile_id, True, packed)
            elif "successor" in state:
                heir = self._works.get(state["successor"])
                if heir is None:
                    self._want(state["successor"], True, packed)
                home = USER_PREFIX + state["home"] if "home" in state else None
                if home is not None and home not in self._works and home not in missing:
                    self._want(home, True, packed)
                if heir is None or heir.turn > work.turn:
                    self._want(profile_id, True, packed)
        if packed:
            self._companion_replies = 0
            self._send(packed, self._loaded)
            return
        self._claim()

    # ---- claims ------------------------------------------------------------------------------

    def _runnable(self, submission: Submission) -> Iterator[tuple[Intake, _Work | None]]:
        """The events that can be folded now, each with its profile; stops where a move must come first."""
        for intake in submission.intakes:
            if intake.result is not None:
                continue
            if intake.target is None:
                yield intake, None
                continue
            device = intake.target
            work = self._works[device]
            state = work.profile.state
            if "open_transfer" in state:
                self._block(submission, work, "finish", device)
                return
            pointer = state.get("pointer")
            own = work
            if pointer is not None:
                work = self._works[USER_PREFIX + pointer]
            elif "successor" in state and submission.received_at - state["left"] < FORWARDED_FOR:
                found = self._after_logout(work, intake)
                if found is None:
                    submission.refused = True
                    return
                work = found
            if (
                intake.login is not None
                and pointer != intake.login
                and (intake.consent_said or not _has_denied(state))
                and not fold.is_seen(work.profile.state, digest(intake.event.event_id))
            ):
                self._block(submission, own, "login", device, intake.login, submission.received_at)
                return
            if intake.claim is not None and intake.claim[0] != work.profile.profile_id:
                target = work.profile.profile_id
                self._block(submission, own, "settle_order", intake, target, submission.received_at)
                return
            yield intake, work

    def _after_logout(self, work: _Work, intake: Intake) -> _Work | None:
        """Whose an event is that names a device which has been logged out.

        From the browser it was on its way, and its sender may send it again by its new cookie: it goes
        to the next device, which knows the repeats. Once somebody is logged in there, the new cookie is
        needed (None). A backend means who was there: the user its browsing went to, else the device.
        """
        heir, theirs = work, False
        while (successor := heir.profile.state.get("successor")) is not None:
            heir = self._works[successor]
            if "open_transfer" in heir.profile.state:
                return None  # a moment later it is clear
            if heir.profile.pointer is not None:
                heir, theirs = self._works[USER_PREFIX + heir.profile.pointer], True
                break
        if fold.is_seen(heir.profile.state, digest(intake.event.event_id)):
            return heir
        if intake.server:
            home = work.profile.state.get("home")
            return work if home is None else self._works[USER_PREFIX + home]
        return None if theirs else heir

    def _block(self, submission: Submission, device: _Work, move: str, *arguments: Any) -> None:
        """A move must come first. What is known from before is no reason for one: look again, then decide.

        (Another worker has logged this device in: by our old word it would be nobody's for ever.)
        """
        if device.cached:
            submission.looks_again = submission.unsettled = True
        elif submission.blocker is None:
            submission.blocker = getattr(self.transfers, move)(*arguments)

    def _claim(self) -> None:
        packed: list[bytes] = []
        claims = self._claims = []
        for submission in self._group:
            if not submission.claims:
                continue
            for intake, work in self._runnable(submission):
                event = intake.event
                if work is None or event.kind not in CLAIMED_KINDS or intake.claim is not None:
                    continue
                if fold.is_seen(work.profile.state, digest(event.event_id)):
                    continue
                if not intake.consent_said and _has_denied(work.profile.state):
                    continue  # it will be counted, and a claim would name who bought
                key = keys.order(orders.claim_name(event)).encode()
                value = claim_value(work.profile.profile_id, event.received_at)
                packed.append(pack(b"SET", key, value, b"NX", b"EX", CLAIM_SECONDS))
                packed.append(commands.get(key))
                claims.append(intake)
        if packed:
            self._send(packed, self._claims_read)
        else:
            self._fold()

    def _claims_read(self, replies: list[Any]) -> None:
        for intake, made, reply in zip(self._claims, replies[0::2], replies[1::2], strict=True):
            if not isinstance(reply, bytes):
                self._abandon(reply if isinstance(reply, Exception) else TypeError("no claim"))
                return
            intake.claim = read_claim(reply)
            intake.claimed_here = intake.claimed_here or made is not None
        self._fold()

    # ---- fold and write ----------------------------------------------------------------------

    def _fold(self) -> None:
        packed: list[bytes] = []
        kept = self._kept = []
        touched: dict[str, _Work] = {}
        for submission in self._group:
            if submission.consent is not None and submission.visitor is not None:
                self._note_consent(submission, touched)
            for intake, work in self._runnable(submission):
                event = intake.event
                if work is None:
                    record = event.to_record()
                    if intake.kept:
                        record["kept"] = intake.kept
                    if intake.bot:
                        record["bot"] = True
                    bucket = keys.bucket_of(event.event_id)
                    kept.append((intake, commands.append(bucket, b"event", orjson.dumps(record))))
                    continue
                profile = work.profile
                state = profile.state
                event_digest = digest(event.event_id)
                if fold.is_seen(state, event_digest):
                    if work.records:
                        work.settles.append((intake, DUPLICATE))
                        work.submissions.append(submission)
                    else:
                        intake.result = DUPLICATE
                        self.tally.duplicates += 1
                    continue
                if not intake.consent_said and _has_denied(state):
                    strip(event)
                    intake.kept, intake.target = "counted", None
                    record = event.to_record()
                    record["kept"] = "counted"
                    bucket = keys.bucket_of(event.event_id)
                    kept.append((intake, commands.append(bucket, b"event", orjson.dumps(record))))
                    continue
                self._cache.pop(profile.profile_id, None)
                facts = fold.NO_FACTS
                if intake.server or intake.bot or event.kind in _SPECIAL_KINDS:
                    facts = _facts(intake, profile)
                fold.fold(profile, event, event.received_at, facts, event_digest)
                record = event.to_record()
                record["profile_id"] = profile.profile_id
                if facts is not fold.NO_FACTS:
                    record.update(_facts_record(facts))
                work.records.append((b"event", orjson.dumps(record)))
                work.settles.append((intake, ACCEPTED))
                work.submissions.append(submission)
                touched[profile.profile_id] = work
        order: list[_Work] = []
        for profile_id, work in touched.items():
            version = self.next_version()
            key, bucket = keys.profile_place(profile_id)
            packed.append(
                commands.commit(
                    key,
                    bucket,
                    work.version,
                    work.profile.pack(version),
                    self.lifetime(work.profile),
                    work.records,
                )
            )
            work.version = version
            order.append(work)
        packed += [command for _, command in kept]
        notes, self._notes = self._notes, []
        packed += notes
        if packed:
            self._send(packed, lambda replies: self._written(order, kept, replies))
        else:
            self._written(order, kept, [])

    def _note_consent(self, submission: Submission, touched: dict[str, _Work]) -> None:
        """Keep what the visitor agreed to, when it is news; a refusal makes no profile where none is."""
        assert submission.visitor is not None
        assert submission.consent is not None
        work = self._works[submission.visitor]
        if "open_transfer" in work.profile.state or "successor" in work.profile.state:
            return
        pointer = work.profile.pointer
        if pointer is not None:
            work = self._works[USER_PREFIX + pointer]
        said = submission.consent.to_record()
        known = work.profile.state.get("consents", _NO_CONSENTS)
        for purpose, state in said.items():
            if purpose not in known or known[purpose]["state"] != state:
                break
        else:
            return
        known = work.profile.consents
        news = {
            purpose: state
            for purpose, state in said.items()
            if state in ("granted", "denied") and known.get(purpose) != state
        }
        if not news or (not work.profile.state and news.get("analytics") != "granted"):
            return
        profile_id = work.profile.profile_id
        event = Event(
            event_id=f"consent:{profile_id}:{submission.received_at}:{sorted(news.items())}",
            kind=Kind.CONSENT,
            name="Consent Updated",
            timestamp=submission.received_at,
            received_at=submission.received_at,
            properties=dict(news),
        )
        if not work.profile.is_user:
            event.anonymous_id = profile_id
        self._cache.pop(profile_id, None)
        fold.fold(work.profile, event, submission.received_at)
        record = event.to_record()
        record["profile_id"] = profile_id
        work.records.append((b"event", orjson.dumps(record)))
        work.submissions.append(submission)
        touched[profile_id] = work

    def _written(
        self,
        order: list[_Work],
        kept: list[tuple[Intake, bytes]],
        replies: list[Any],
    ) -> None:
        tally = self.tally
        tally.flushes += 1
        cache = self._cache
        failed: Exception | None = None
        for work, reply in zip(order, replies, strict=False):
            if reply == 1:
                cache[work.profile.profile_id] = (work.version, work.profile)
                for intake, result in work.settles:
                    intake.result = result
                    if result is DUPLICATE:
                        tally.duplicates += 1
                tally.events += len(work.records)
                continue
            work.failed = True
            for submission in work.submissions:
                submission.unsettled = True
            if isinstance(reply, Exception):
                failed = reply
            else:
                tally.conflicts += 1
        for (intake, _), reply in zip(kept, replies[len(order) :], strict=False):
            if isinstance(reply, Exception):
                failed = reply
            else:
                intake.result = _KEPT[intake.kept or "counted"]
                tally.events += 1
        if len(cache) > self._max_cached:
            for profile_id in list(cache)[: len(cache) - self._max_cached]:
                del cache[profile_id]
        if failed is not None:
            self._refused_by_redis(failed)
        elif replies and not isinstance(replies[-1], Exception):
            self._refused = False
        group, self._group = self._group, []
        works, self._works = self._works, {}
        for submission in group:
            self._finish(submission, works, failed)
        self._next()

    def _finish(self, submission: Submission, works: dict[str, _Work], failed: Exception | None) -> None:
        blocker, submission.blocker = submission.blocker, None
        if blocker is not None:
            self.spawn(self._move(submission, blocker))
            return
        if submission.refused:
            self._fail(submission)
            return
        answer: _Work | None = None
        if submission.wants_profile and submission.visitor is not None:
            answer = works[submission.visitor]
            if answer.profile.pointer is not None:
                answer = works[USER_PREFIX + answer.profile.pointer]
            submission.unsettled = submission.unsettled or answer.failed
        if submission.unsettled or any(intake.result is None for intake in submission.intakes):
            submission.unsettled = False
            if failed is not None and not _is_noscript(failed):
                self._fail(submission)
            else:
                self._queue.appendleft(submission)
            return
        if answer is not None:
            submission.profile = answer.profile
        self.queued_events -= len(submission.intakes) or 1
        self._answer(submission)

    def _answer(self, submission: Submission) -> None:
        """Call back; a caller that cannot make its answer does not take its neighbours' away."""
        try:
            submission.done(submission)
        except Exception:
            logger.exception("An answer could not be made")
            if submission.error is None:
                submission.error = "unavailable"
                self._answer(submission)

    def _next(self) -> None:
        if self._ready and (self._queue or self._notes):
            asyncio.get_running_loop().call_soon(self._begin)
        else:
            self._busy = False
            self._idle.set()

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

    def _abandon(self, error: Exception) -> None:
        """The flush's fate is unknown: put everything back. The digests tell what was written."""
        for profile_id in self._works:
            self._cache.pop(profile_id, None)
        self._works = {}
        group, self._group = self._group, []
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
        self.tally.refused += 1
        submission.error = "unavailable"
        self._answer(submission)


CLAIMED_KINDS = frozenset({Kind.PURCHASE, Kind.REFUND})
_NO_CONSENTS: dict[str, Any] = {}
_SPECIAL_KINDS = frozenset({Kind.PURCHASE, Kind.REFUND, Kind.IDENTIFY})


def claim_value(profile_id: str, now: int) -> bytes:
    return f"{now} {profile_id}".encode()


def read_claim(value: bytes) -> tuple[str, int]:
    """Who owns an order, and since when."""
    since, _, owner = value.decode().partition(" ")
    return owner, int(since)


def _has_denied(state: dict[str, Any]) -> bool:
    consents = state.get("consents")
    if consents is None:
        return False
    analytics = consents.get("analytics")
    return analytics is not None and analytics["state"] == "denied"


def _facts(intake: Intake, profile: Profile) -> fold.Facts:
    event = intake.event
    known = intake.order_known
    if intake.claim is not None and not known and event.kind is Kind.PURCHASE:
        summary = profile.state.get("orders")
        if (
            summary is not None
            and summary["count"] > len(summary["listed"])
            and event.received_at - intake.claim[1] > SETTLED_AFTER
            and orders.listed(profile.state, digest(event.order_id or "")) is None
        ):
            known = True  # claimed by this profile long ago, and counted then
    foreign = (
        event.kind is Kind.IDENTIFY
        and event.user_id is not None
        and profile.is_user
        and profile.profile_id != USER_PREFIX + event.user_id
    )
    return fold.Facts(server=intake.server, order_known=known, foreign_claim=foreign, bot=intake.bot)


def _facts_record(facts: fold.Facts) -> dict[str, bool]:
    return {name: True for name in ("server", "order_known", "foreign_claim", "bot") if getattr(facts, name)}


def _is_noscript(error: Exception) -> bool:
    return str(error).startswith("NOSCRIPT")
