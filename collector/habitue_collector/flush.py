"""One flush: read the profiles that a group of requests touches, claim, fold, write them all at once.

    read → follow the devices' pointers → claim orders → fold → write

Each step is one pipeline; its replies begin the next. Most flushes are one write alone: the profiles
are known from the last one, and the version in Redis tells whether they still are as we know them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import orjson

from habitue_collector import fold, orders
from habitue_collector.claims import (
    CLAIM_SECONDS,
    CLAIMED_KINDS,
    SETTLED_AFTER,
    claim_value,
    read_claim,
)
from habitue_collector.consent import strip
from habitue_collector.events import USER_PREFIX, Event, Kind
from habitue_collector.profile import Profile, digest, unpack
from habitue_collector.store import commands, keys
from habitue_collector.store.resp import pack
from habitue_collector.submission import ACCEPTED, DUPLICATE, KEPT, Intake, Submission

if TYPE_CHECKING:
    from habitue_collector.commit import Committer

logger = logging.getLogger("habitue.commit")

FORWARDED_FOR = 86_400_000  # as long as repeats are known


class Work:
    """One profile during one flush.

    `settles`: what becomes of an event (None: a consent that came without one) once this is written.
    `cached`: good for folding, where the version is checked, never for answering. `turn`: in which turn it
    was read; what is known from before has none. `failed`: it was not written, so what was folded into it
    did not happen. `ordinary`: nothing leads elsewhere and no move is open, as with nearly all profiles.
    """

    __slots__ = ("cached", "failed", "ordinary", "profile", "records", "settles", "turn", "version")

    def __init__(self, profile: Profile, version: bytes, turn: int = 0, cached: bool = False) -> None:
        self.profile = profile
        self.version = version
        self.turn = turn
        self.cached = cached
        self.failed = False
        state = profile.state
        self.ordinary = not ("pointer" in state or "successor" in state or "open_transfer" in state)
        self.records: list[tuple[bytes, bytes]] = []
        self.settles: list[tuple[Submission, Intake | None, dict[str, Any]]] = []


_new_work: Callable[[type[Work]], Work] = object.__new__


class Flush:
    """See the module. Made for one group; `committer.flushed` or `committer.abandon` ends it."""

    def __init__(self, committer: Committer, group: list[Submission]) -> None:
        self.group = group
        self.works: dict[str, Work] = {}
        self._committer = committer
        self._awaited: list[str] = []
        self._turn = 0
        self._fresh: set[str] = set()
        self._companion_replies = 0
        self._kept: list[tuple[Intake, bytes]] = []
        self._claims: list[Intake] = []

    # ---- read --------------------------------------------------------------------------------

    def start(self) -> None:
        """Read what is not known; with nothing to read, the first step after it."""
        committer = self._committer
        works, fresh, awaited = self.works, self._fresh, self._awaited
        cache = committer.cache
        wanted: dict[str, None] = {}
        asks_companion = False
        for submission in self.group:
            for intake in submission.intakes:
                target = intake.target
                if target is not None and intake.result is None:
                    wanted[target] = None
                    # Only a device can have turned out to be somebody since we last wrote it.
                    if submission.looks_again or (submission.claims and not target.startswith(USER_PREFIX)):
                        fresh.add(target)
            visitor = submission.visitor
            if visitor is not None:
                if submission.wants_profile:
                    wanted[visitor] = None
                    fresh.add(visitor)
                elif submission.consent is not None:
                    wanted[visitor] = None
            if submission.asks_companion:
                asks_companion = True
        packed: list[bytes] = []
        for profile_id in wanted:
            known = cache.get(profile_id)
            if known is not None:
                version, profile = known
                pointer = profile.state.get("pointer")
                if pointer is None and profile_id not in fresh:
                    state = profile.state
                    work = works[profile_id] = _new_work(Work)  # as Work(profile, version, 0, True)
                    work.profile = profile
                    work.version = version
                    work.turn = 0
                    work.cached = True
                    work.failed = False
                    work.ordinary = not ("successor" in state or "open_transfer" in state)
                    work.records = []
                    work.settles = []
                    continue
                if pointer is not None:
                    # Most likely it still points there: read both at once.
                    user = USER_PREFIX + pointer
                    if user not in wanted and user not in works and user not in awaited:
                        self._want(user, profile_id in fresh, packed)
            awaited.append(profile_id)
            packed.append(commands.get(keys.profile_place(profile_id)[0]))
        self._committer.tally.cached += len(works)
        self._companion_replies = 0
        if asks_companion and self._committer.companion is not None:
            for one in self._committer.companion.read_commands():
                packed.append(pack(*one))
                self._companion_replies += 1
        if packed:
            self._committer.tally.reads += len(awaited)
            self._send(packed, self._loaded)
        else:
            self._resolve()

    def _send(self, packed: list[bytes], then: Callable[[list[Any]], None]) -> None:
        """One step of the flush. Whatever goes wrong in the next, nobody is left without an answer."""

        def arrived(replies: list[Any] | Exception) -> None:
            if isinstance(replies, Exception):
                self._committer.abandon(self, replies)
                return
            try:
                then(replies)
            except Exception as error:
                logger.exception("A flush failed")
                self._committer.abandon(self, error)

        self._committer.link.send(b"".join(packed), len(packed), arrived)

    def _want(self, profile_id: str, fresh: bool, packed: list[bytes]) -> None:
        known = self._committer.cache.get(profile_id)
        if known is not None and not fresh:
            self.works[profile_id] = Work(known[1], known[0], 0, True)
            return
        self._awaited.append(profile_id)
        packed.append(commands.get(keys.profile_place(profile_id)[0]))

    def _loaded(self, replies: list[Any]) -> None:
        for profile_id, reply in zip(self._awaited, replies, strict=False):
            self._turn += 1
            if reply is None:
                self.works[profile_id] = Work(Profile(profile_id), b"", self._turn)
            elif isinstance(reply, bytes):
                version, profile = unpack(profile_id, reply)
                self.works[profile_id] = Work(profile, version, self._turn)
            else:
                error = reply if isinstance(reply, Exception) else TypeError(type(reply).__name__)
                self._committer.abandon(self, error)
                return
        if self._companion_replies and self._committer.companion is not None:
            self._committer.companion.absorb(replies[len(self._awaited) :])
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
        for profile_id, work in list(self.works.items()):
            if work.ordinary:
                continue
            state = work.profile.state
            pointer = state.get("pointer")
            if pointer is not None:
                user = USER_PREFIX + pointer
                known = self.works.get(user)
                if known is None or (known.cached and profile_id in self._fresh):
                    if user not in missing:
                        self._want(user, True, packed)
                    self._want(profile_id, True, packed)
                elif known.turn > work.turn:
                    self._want(profile_id, True, packed)
            elif "successor" in state:
                heir = self.works.get(state["successor"])
                if heir is None:
                    self._want(state["successor"], True, packed)
                home = USER_PREFIX + state["home"] if "home" in state else None
                if home is not None and home not in self.works and home not in missing:
                    self._want(home, True, packed)
                if heir is None or heir.turn > work.turn:
                    self._want(profile_id, True, packed)
        if packed:
            self._companion_replies = 0
            self._send(packed, self._loaded)
            return
        self._claim()

    # ---- claims ------------------------------------------------------------------------------

    def _runnable(self, submission: Submission) -> Iterator[tuple[Intake, Work | None]]:
        """The events that can be folded now, each with its profile; stops where a move must come first."""
        for intake in submission.intakes:
            if intake.result is not None:
                continue
            if intake.target is None:
                yield intake, None
                continue
            work = self.works[intake.target]
            if work.ordinary and intake.login is None and intake.claim is None:
                yield intake, work
            elif (home := self._home(submission, intake, work)) is not None:
                yield intake, home
            else:
                return

    def _home(self, submission: Submission, intake: Intake, own: Work) -> Work | None:
        """Whose profile an event is for that names the device `own`; None: something else comes first."""
        device = own.profile.profile_id
        state = own.profile.state
        if "open_transfer" in state:
            self._block(submission, own, "finish", device)
            return None
        work = own
        pointer = state.get("pointer")
        if pointer is not None:
            work = self.works[USER_PREFIX + pointer]
        elif "successor" in state and submission.received_at - state["left"] < FORWARDED_FOR:
            found = self._after_logout(own, intake)
            if found is None:
                submission.refused = True
                return None
            work = found
        if (
            intake.login is not None
            and pointer != intake.login
            and (intake.consent_said or not _has_denied(state))
            and not fold.is_seen(work.profile.state, proof := digest(intake.event.event_id))
        ):
            self._block(submission, own, "login", device, intake.login, submission.received_at, proof)
            return None
        target = work.profile.profile_id
        if intake.claim is not None and intake.claim[0] != target:
            self._block(submission, own, "settle_order", intake, target, submission.received_at)
            return None
        return work

    def _after_logout(self, work: Work, intake: Intake) -> Work | None:
        """Whose an event is that names a device which has been logged out.

        From the browser it was on its way, and its sender may send it again by its new cookie: it goes
        to the next device, which knows the repeats. Once somebody is logged in there, the new cookie is
        needed (None). A backend means who was there: the user its browsing went to, else the device.
        """
        heir, theirs = work, False
        while (successor := heir.profile.state.get("successor")) is not None:
            heir = self.works[successor]
            if "open_transfer" in heir.profile.state:
                return None  # a moment later it is clear
            if heir.profile.pointer is not None:
                heir, theirs = self.works[USER_PREFIX + heir.profile.pointer], True
                break
        if fold.is_seen(heir.profile.state, digest(intake.event.event_id)):
            return heir
        if intake.server:
            home = work.profile.state.get("home")
            return work if home is None else self.works[USER_PREFIX + home]
        return None if theirs else heir

    def _block(self, submission: Submission, device: Work, move: str, *arguments: Any) -> None:
        """A move must come first. What is known from before is no reason for one: look again, then decide.

        (Another worker has logged this device in: by our old word it would be nobody's for ever.)
        """
        if device.cached:
            submission.looks_again = submission.unsettled = True
        elif submission.blocker is None:
            submission.blocker = getattr(self._committer.transfers, move)(*arguments)

    def _claim(self) -> None:
        packed: list[bytes] = []
        claims = self._claims = []
        for submission in self.group:
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
                error = reply if isinstance(reply, Exception) else TypeError("no claim")
                self._committer.abandon(self, error)
                return
            intake.claim = read_claim(reply)
            intake.claimed_here = intake.claimed_here or made is not None
        self._fold()

    # ---- fold and write ----------------------------------------------------------------------

    def _fold(self) -> None:
        committer = self._committer
        cache = committer.cache
        dumps, is_seen = orjson.dumps, fold.is_seen
        packed: list[bytes] = []
        kept = self._kept = []
        touched: dict[str, Work] = {}
        works = self.works
        for submission in self.group:
            if submission.consent is not None and submission.visitor is not None:
                self._note_consent(submission, touched)
            for intake in submission.intakes:  # as `_runnable`, which costs more than what it saves here
                if intake.result is not None:
                    continue
                target = intake.target
                work = None if target is None else works[target]
                if work is not None and not (work.ordinary and intake.login is None and intake.claim is None):
                    work = self._home(submission, intake, work)
                    if work is None:
                        break
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
                profile_id = profile.profile_id
                state = profile.state
                event_digest = digest(event.event_id)
                if is_seen(state, event_digest):
                    if work.records:
                        work.settles.append((submission, intake, DUPLICATE))
                    else:
                        intake.result = DUPLICATE
                        self._committer.tally.duplicates += 1
                    continue
                if "consents" in state and not intake.consent_said and _has_denied(state):
                    strip(event)
                    intake.kept, intake.target = "counted", None
                    record = event.to_record()
                    record["kept"] = "counted"
                    bucket = keys.bucket_of(event.event_id)
                    kept.append((intake, commands.append(bucket, b"event", orjson.dumps(record))))
                    continue
                cache.pop(profile_id, None)
                if intake.server or intake.bot or event.kind in _SPECIAL_KINDS:
                    facts = _facts(intake, profile)
                    fold.fold(profile, event, event.received_at, facts, event_digest)
                    record = event.to_record()
                    record["profile_id"] = profile_id
                    record.update(_facts_record(facts))
                else:
                    fold.fold(profile, event, event.received_at, fold.NO_FACTS, event_digest)
                    record = event.to_record()
                    record["profile_id"] = profile_id
                work.records.append((b"event", dumps(record)))
                work.settles.append((submission, intake, ACCEPTED))
                touched[profile_id] = work
                if profile_id != intake.target:
                    session = state.get("session")
                    if session is not None and session["started"] == event.timestamp:
                        self._keep_alive(intake.target)
        order = list(touched.values())
        version = committer.next_version()  # no profile is written twice in one flush
        lifetime, profile_place, pack_commit = committer.lifetime, keys.profile_place, commands.commit
        hurried = committer.companion is not None and committer.companion.hurried
        for work in order:
            profile = work.profile
            if hurried:
                profile.state["hurried"] = True
            else:
                profile.state.pop("hurried", None)
            key, bucket = profile_place(profile.profile_id)
            packed.append(
                pack_commit(key, bucket, work.version, profile.pack(version), lifetime(profile), work.records)
            )
            work.version = version
        packed += [command for _, command in kept]
        packed += committer.take_notes()
        if packed:
            self._send(packed, lambda replies: self._written(order, kept, replies))
        else:
            self._written(order, kept, [])

    def _keep_alive(self, device: str | None) -> None:
        """A visit through a device's pointer keeps the device, too: nothing else would be written there."""
        if device is None or device.startswith(USER_PREFIX):
            return
        key = keys.profile_place(device)[0]
        seconds = self._committer.lifetime(self.works[device].profile)
        self._committer.note_command(pack(b"EXPIRE", key, seconds))

    def _note_consent(self, submission: Submission, touched: dict[str, Work]) -> None:
        """Keep what the visitor agreed to, when it is news; a refusal makes no profile where none is."""
        assert submission.visitor is not None
        assert submission.consent is not None
        work = self.works[submission.visitor]
        state = work.profile.state
        if "open_transfer" in state or "successor" in state:
            return
        if "pointer" in state:
            work = self.works[USER_PREFIX + state["pointer"]]
            state = work.profile.state
        said = submission.consent.to_record()
        known = state.get("consents", _NO_CONSENTS)
        for purpose, word in said.items():
            if purpose not in known or known[purpose]["state"] != word:
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
        self._committer.cache.pop(profile_id, None)
        fold.fold(work.profile, event, submission.received_at)
        record = event.to_record()
        record["profile_id"] = profile_id
        work.records.append((b"event", orjson.dumps(record)))
        work.settles.append((submission, None, ACCEPTED))
        touched[profile_id] = work

    def _written(
        self,
        order: list[Work],
        kept: list[tuple[Intake, bytes]],
        replies: list[Any],
    ) -> None:
        tally = self._committer.tally
        tally.flushes += 1
        cache = self._committer.cache
        failed: Exception | None = None
        for work, reply in zip(order, replies, strict=False):
            if reply == 1:
                profile = work.profile
                cache[profile.profile_id] = (work.version, profile)
                for _, settled, result in work.settles:
                    if settled is not None:
                        settled.result = result
                        if result is DUPLICATE:
                            tally.duplicates += 1
                tally.events += len(work.records)
                continue
            work.failed = True
            for submission, _, _ in work.settles:
                submission.unsettled = True
            if isinstance(reply, Exception):
                failed = reply
            else:
                tally.conflicts += 1
        for (intake, _), reply in zip(kept, replies[len(order) :], strict=False):
            if isinstance(reply, Exception):
                failed = reply
            else:
                intake.result = KEPT[intake.kept or "counted"]
                tally.events += 1
        took = failed is None and bool(replies) and not isinstance(replies[-1], Exception)
        self._committer.flushed(self, failed, took)


_NO_CONSENTS: dict[str, Any] = {}
_SPECIAL_KINDS = frozenset({Kind.PURCHASE, Kind.REFUND, Kind.IDENTIFY})


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
