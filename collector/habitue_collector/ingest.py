"""The one port for who has events and wants them kept, and the profile back.

`open` reads a request (key, body, visitor, consent), `take` walks its events through the steps and
hands them to the committer. The beacon endpoints use it, and the recommender's `context`.
"""

from __future__ import annotations

import hmac
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from ipaddress import ip_address
from time import perf_counter_ns, time_ns
from typing import Any

from habitue_collector.commit import Committer
from habitue_collector.consent import DENIED, GRANTED, PENDING, Consent, effective
from habitue_collector.dead_letters import dead_letter
from habitue_collector.events import (
    MAX_EVENT_BYTES,
    MAX_EVENTS_PER_BATCH,
    InvalidEvent,
    RejectReason,
)
from habitue_collector.pipeline import STEPS, Opened, new_opened, walk_steps
from habitue_collector.proxies import country_told, seen_through, trusted_networks
from habitue_collector.rates import Rates
from habitue_collector.request import NO_HEADERS, Headers, Prepared, Request, is_secure
from habitue_collector.request_body import RequestError, read_body
from habitue_collector.request_keys import header_candidates, key_candidates, names_one_key
from habitue_collector.settings import Settings, WriteKey
from habitue_collector.submission import Intake, Submission, new_intake, new_submission
from habitue_collector.visitor import RENEW_AFTER, VisitorCookie
from habitue_collector.wires.envelope import read_envelope

SAMPLED = 64  # one request of so many is timed step by step
MAX_EVENTS_ANSWERED = 10 * MAX_EVENTS_PER_BATCH  # a body of a million commas is not worth a million answers
RETRY_AFTER = (b"retry-after", b"1")
_CORS = (
    (b"access-control-allow-credentials", b"true"),
    (b"access-control-expose-headers", b"Retry-After"),
    (b"vary", b"Origin"),
)


@dataclass(slots=True)
class IngestTally:
    """What passed, for the metrics: rejects by reason, steps by name (sampled nanoseconds)."""

    requests: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    rejected: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    bots: int = 0
    steps: dict[str, list[int]] = field(default_factory=lambda: {name: [0, 0] for name, _ in STEPS})


class Ingest:
    """See the module. `clock` returns milliseconds."""

    def __init__(
        self,
        settings: Settings,
        committer: Committer,
        cookie: VisitorCookie,
        network_secret: bytes,
        clock: Callable[[], int] = lambda: time_ns() // 1_000_000,
    ) -> None:
        self.settings = settings
        self.committer = committer
        self.cookie = cookie
        self.tally = IngestTally()
        self.clock = clock
        self._network_secret = network_secret
        self._networks: dict[str | None, str] = {}  # of this day
        most = settings.limits.network_events_per_second
        self._rates = Rates(most) if most else None
        self._day = 0
        self._known: dict[tuple[str, bytes], tuple[WriteKey, Prepared]] = {}  # by key and origin
        self._origins: dict[tuple[bytes, str], bool] = {}
        self._proxies = trusted_networks(settings.server.trusted_proxies)
        self._country_header = (settings.server.country_header or "").lower().encode()

    def change_settings(self, settings: Settings) -> None:
        """Other keys from the next request on; what was remembered about the old ones goes."""
        self.settings = settings
        self._known.clear()
        self._origins.clear()

    # ---- open --------------------------------------------------------------------------------

    def open(self, request: Request, *, by_cookie: bool, call: str | None = None) -> Opened:
        """Read a request as a whole. Raises RequestError.

        `by_cookie`: `/h/*`, where the cookie decides and ids in the body mean nothing. `call`: the
        type, where the path names it (`/v1/track`).
        """
        self.tally.requests += 1
        received_at = self.clock()
        country = self._see_through(request) if self._proxies else None
        head = request.headers
        try:
            body = read_body(request, call)
            key, headers = self._recognise(request, body)
        except RequestError as error:
            self.refuse(error, request)
            raise
        opened = new_opened(Opened)
        read_envelope(opened, body, received_at, call, by_cookie)
        opened.settings = self.settings
        opened.request = request
        opened.key = key
        secret = opened.secret = key.secret
        opened.received_at = received_at
        opened.body = body
        opened.headers = headers
        said = opened.said
        gpc = opened.gpc = b"sec-gpc" in head and head[b"sec-gpc"] == b"1"
        opened.consent = DENIED if gpc else said
        consent_now = opened.consent_now = effective(said, None, key.consent_assumed, gpc)
        opened.keeps_profile = consent_now.keeps_profile
        if secret:
            opened.network = opened.country = None
        else:
            opened.network = self._network(request.peer, received_at)
            opened.country = country
        opened.visitor_id = None
        if by_cookie:
            self._visitor(request, opened)
        elif secret and b"x-habitue-visitor" in head:
            visitor = self.cookie.read(head[b"x-habitue-visitor"], received_at)
            opened.visitor_id = visitor.anonymous_id if visitor is not None else None
        elif b"anonymousid" in head and opened.anonymous_id is None:
            opened.anonymous_id = _base64_text(head[b"anonymousid"])
        if call is not None:
            events: Any = [body]
        else:
            events = body.get("batch")
            if events is None:
                events = [body] if "type" in body else []
            elif type(events) is not list:
                refusal = RequestError(400, "invalid_batch", "batch must be a list of events.")
                self.refuse(refusal, request)
                raise refusal
            if len(events) > MAX_EVENTS_ANSWERED:
                refusal = RequestError(
                    413, "too_many_events", f"A batch may have {MAX_EVENTS_PER_BATCH} events."
                )
                self.refuse(refusal, request)
                raise refusal
        if self._rates is not None and opened.network is not None:
            self._slow_down(request, opened.network, len(events) or 1, received_at)
        opened.raw_events = events
        size = opened.size = len(request.body)
        opened.measure_events = size > MAX_EVENT_BYTES
        return opened

    def _slow_down(self, request: Request, network: str, events: int, now: int) -> None:
        """Raises RequestError (429) when a network sends more than it may."""
        assert self._rates is not None
        wait = self._rates.take(network, request.peer, events, now)
        if wait:
            refusal = RequestError(
                429,
                "too_many_requests",
                f"Too much comes from this network. Please send it again in {wait} s.",
            )
            refusal.headers = [(b"retry-after", b"%d" % wait)]
            self.refuse(refusal, request)
            raise refusal

    def _see_through(self, request: Request) -> str | None:
        """Put the client's own address and scheme into the request, as trusted proxies tell them.

        Returns its country, where they tell that too.
        """
        head = request.headers
        country = None
        if self._country_header:
            country = country_told(self._proxies, request.peer, head.get(self._country_header))
        request.peer, request.scheme = seen_through(
            self._proxies,
            request.peer,
            request.scheme,
            head.get(b"x-forwarded-for"),
            head.get(b"x-forwarded-proto"),
        )
        return country

    def _recognise(self, request: Request, body: dict[str, Any]) -> tuple[WriteKey, Headers]:
        """The key, and the headers that let the page read the answer. Raises RequestError (401, 403)."""
        said = body.get("writeKey")
        if type(said) is str and (origin := request.headers.get(b"origin")) is not None:
            known = self._known.get((said, origin))
            if known is not None and names_one_key(request):
                return known
        key = self.find_key(request, body)
        return key, self.cors(request, key)

    def _visitor(self, request: Request, opened: Opened) -> None:
        """Cookie → id, else nonce → id, else a new one; none at all without consent."""
        now = opened.received_at
        visitor = self.cookie.find(request.headers.get(b"cookie"), now)
        if visitor is None and opened.secret and (handed := request.headers.get(b"x-habitue-visitor")):
            visitor = self.cookie.read(handed, now)
        if opened.keeps_profile:
            if visitor is not None:
                opened.visitor_id = visitor.anonymous_id
                if now - visitor.issued > RENEW_AFTER:
                    opened.add_header(self.cookie.set_cookie(visitor.anonymous_id, now, is_secure(request)))
                return
            nonce = opened.nonce
            opened.visitor_id = self.cookie.from_nonce(nonce) if nonce else self.cookie.mint()
            opened.add_header(self.cookie.set_cookie(opened.visitor_id, now, is_secure(request)))
        elif visitor is not None:
            opened.visitor_id = visitor.anonymous_id
            kept = opened.consent
            if kept is not None and kept.analytics == DENIED.analytics:
                opened.add_header(self.cookie.clear_cookie(is_secure(request)))

    def find_secret_key(self, request: Request) -> WriteKey:
        """The secret key from a header. Raises RequestError (401, 403).

        Never from an address: those stand in logs, histories and referrers, and this key opens profiles.
        """
        named = header_candidates(request.headers)
        keys = [key for candidate in named if (key := self.settings.find_key(candidate)) is not None]
        for key in keys:
            if key.secret:
                return key
        if keys:
            raise RequestError(
                403, "secret_key_needed", "A write key reads nothing: this needs the secret key."
            )
        raise RequestError(
            401,
            "invalid_write_key" if named else "missing_write_key",
            "This needs the secret key: Authorization: Bearer <secret key>.",
        )

    def find_key(self, request: Request, body: dict[str, Any]) -> WriteKey:
        """The key from wherever a client put it; the strongest counts. Raises RequestError (401)."""
        find = self.settings.find_key
        head = request.headers
        said = body.get("writeKey")
        if type(said) is str and names_one_key(request) and (only := find(said)) is not None:
            return only
        best: WriteKey | None = None
        named = False
        for candidate in key_candidates(request, head, body):
            named = True
            key = find(candidate)
            if key is not None:
                if key.secret:
                    return key
                best = best or key
        if best is not None:
            return best
        if named:
            raise RequestError(401, "invalid_write_key", "This write key is not known here.")
        raise RequestError(
            401, "missing_write_key", "A write key is needed: writeKey in the body, or HTTP Basic."
        )

    def cors(self, request: Request, key: WriteKey) -> Headers:
        """The headers that let a page of the shop read the answer. Raises RequestError (403)."""
        origin = request.headers.get(b"origin")
        if origin is None or key.secret:
            return NO_HEADERS
        known = self._known.get((key.key, origin))
        if known is not None:
            return known[1]
        pairs = (*_CORS, (b"access-control-allow-origin", origin))
        if self.allows(origin, key):
            if len(self._known) > 1_000:
                self._known.clear()
            prepared = Prepared(pairs)
            self._known[key.key, origin] = key, prepared
            return prepared
        if not _same_origin(request, origin):
            raise RequestError(
                403, "origin_not_allowed", "Pages of this origin may not use this key: add it to its origins."
            )
        return list(pairs)

    def allows(self, origin: bytes, key: WriteKey) -> bool:
        """Whether pages of this origin may use the key; remembered."""
        known = self._origins.get((origin, key.key))
        if known is None:
            known = key.allows_origin(origin.decode("latin-1"))
            if len(self._origins) > 1_000:
                self._origins.clear()
            self._origins[origin, key.key] = known
        return known

    def any_key_allows(self, origin: bytes) -> bool:
        """Whether any browser key's pages may come from this origin (preflights name no key)."""
        return any(self.allows(origin, key) for key in self.settings.keys if not key.secret)

    def refuse(self, error: RequestError, request: Request) -> None:
        """Count it, and let the shop's pages read why."""
        self.tally.refused[error.code] = self.tally.refused.get(error.code, 0) + 1
        error.headers = [*error.headers, *self.readable(request.headers.get(b"origin"))]

    def readable(self, origin: bytes | None) -> Headers:
        """The headers with which a page of the shop reads what was refused."""
        if origin is None or not self.any_key_allows(origin):
            return NO_HEADERS
        return [*_CORS, (b"access-control-allow-origin", origin)]

    def _network(self, peer: str | None, now: int) -> str | None:
        """A keyed hash of the client's network (/24, /48) that changes daily: for caps, not for people."""
        day = now // 86_400_000
        if day != self._day:
            self._day = day
            self._networks.clear()
        known = self._networks.get(peer)
        if known is not None:
            return known
        try:
            address = ip_address(peer or "")
        except ValueError:
            return None
        if len(self._networks) >= 20_000:
            self._networks.clear()
        prefix = address.packed[: 3 if address.version == 4 else 6]
        network = self._networks[peer] = blake2b(
            prefix + day.to_bytes(4, "big"), key=self._network_secret[:64], digest_size=4
        ).hexdigest()
        return network

    # ---- take --------------------------------------------------------------------------------

    def take(
        self,
        opened: Opened,
        done: Callable[[Opened, Submission | None], None],
        *,
        wants_profile: bool = False,
    ) -> None:
        """Walk the events through the steps and commit them; then `done`, once.

        The submission is None, or has `error`, when nothing could be acknowledged: answer 503.
        """
        raw_events = opened.raw_events
        opened.raw_events = _NO_EVENTS  # see Request.release
        if not wants_profile:
            opened.body = _NO_BODY
        tally = self.tally
        results = opened.results = [None] * len(raw_events)
        if len(raw_events) > MAX_EVENTS_PER_BATCH:
            raw_events = self._without_surplus(raw_events, opened)
        walk = self._timed_steps if tally.requests % SAMPLED == 0 else walk_steps
        server = opened.secret
        intakes: list[Intake] = []
        nothing: Any = None
        said_last: tuple[int, Consent] | None = None  # Segment's clients say it on each event
        for index, raw in enumerate(raw_events):
            # Intake(raw, index, server), written out: its constructor costs 0.4 µs.
            intake = new_intake(Intake)
            intake.raw = raw
            intake.index = index
            intake.server = server
            intake.consent_said = intake.order_known = intake.claimed_here = False
            intake.target = intake.kept = intake.login = intake.said = intake.claim = intake.result = nothing
            try:
                walk(intake, opened)
            except InvalidEvent as refusal:
                results[index] = self._reject(refusal, raw, opened)
                continue
            intakes.append(intake)
            if intake.bot:
                tally.bots += 1
            if intake.kept is not None:
                tally.kept[intake.kept] = tally.kept.get(intake.kept, 0) + 1
            if intake.said is not None:
                at = intake.event.timestamp
                if said_last is None or at >= said_last[0]:
                    said_last = (at, intake.said)
        if len(intakes) > 1:
            intakes.sort(key=_time_of)
        visitor = opened.visitor_id
        said = opened.consent
        if said is None and said_last is not None:
            said = said_last[1]
        if said is not None:
            if visitor is None:
                owners = {intake.owner for intake in intakes if intake.owner is not None}
                visitor = owners.pop() if len(owners) == 1 else None
            if visitor is None or said is PENDING:
                said = None
        asks_companion = wants_profile
        if wants_profile and (visitor is None or not opened.keeps_profile):
            wants_profile = False
        submission = new_submission(Submission)  # as its constructor
        submission.intakes = intakes
        submission.done = _opened_is_done
        submission.opened = opened
        submission.then = done
        submission.received_at = opened.received_at
        submission.size = opened.size
        submission.visitor = visitor
        submission.consent = said
        submission.wants_profile = wants_profile
        submission.asks_companion = asks_companion
        submission.alone = submission.claims = submission.looks_again = False
        submission.refused = submission.unsettled = False
        submission.profile = submission.error = submission.blocker = None
        if not intakes and not asks_companion and said is None:
            done(opened, submission)
        elif not self.committer.submit(submission):
            done(opened, None)

    def _without_surplus(self, raw_events: list[Any], opened: Opened) -> list[Any]:
        """What is beyond the limit is refused, each event in its place; the first of them gets a letter."""
        surplus = len(raw_events) - MAX_EVENTS_PER_BATCH
        refusal = InvalidEvent(
            RejectReason.TOO_MANY_EVENTS, f"a batch may have {MAX_EVENTS_PER_BATCH} events"
        )
        refused = self._reject(refusal, raw_events[MAX_EVENTS_PER_BATCH], opened)
        self.tally.rejected["too_many_events"] += surplus - 1
        opened.results[MAX_EVENTS_PER_BATCH:] = [refused] * surplus
        return raw_events[:MAX_EVENTS_PER_BATCH]

    def _timed_steps(self, intake: Intake, opened: Opened) -> None:
        steps = self.tally.steps
        for name, step in STEPS:
            start = perf_counter_ns()
            try:
                step(intake, opened)
            finally:
                entry = steps[name]
                entry[0] += 1
                entry[1] += perf_counter_ns() - start

    def _reject(self, refusal: InvalidEvent, raw: Any, opened: Opened) -> dict[str, Any]:
        reason = refusal.reason.value
        self.tally.rejected[reason] = self.tally.rejected.get(reason, 0) + 1
        self.committer.note_command(
            dead_letter(
                raw,
                reason,
                refusal.detail,
                opened.key.name,
                opened.received_at,
                self.settings.limits.dead_letters,
            )
        )
        return {"status": "rejected", "reason": reason, "message": refusal.detail}

    # ---- answer ------------------------------------------------------------------------------

    def consent_of(self, opened: Opened, submission: Submission) -> Consent:
        """The consent that counts for this answer: what was said now, else what the profile remembers."""
        profile = submission.profile
        if profile is None:
            return opened.consent_now
        kept = profile.consents
        stored = Consent(_STATES.get(kept.get("analytics", "")), _STATES.get(kept.get("personalization", "")))
        return effective(opened.consent, stored, opened.key.consent_assumed, opened.gpc)


def _opened_is_done(submission: Submission) -> None:
    submission.then(submission.opened, submission)


_NO_EVENTS: list[Any] = []
_NO_BODY: dict[str, Any] = {}


def _time_of(intake: Intake) -> int:
    return intake.event.timestamp


_STATES = {"granted": GRANTED.analytics, "denied": DENIED.analytics}


def _same_origin(request: Request, origin: bytes) -> bool:
    """A page served by the very host that it posts to (the collector mounted on the shop's host)."""
    host = request.headers.get(b"host")
    return host is not None and hmac.compare_digest(origin.partition(b"://")[2], host)


def _base64_text(value: bytes) -> str | None:
    """RudderStack's AnonymousId header."""
    try:
        text = b64decode(value, validate=True).decode("utf-8")
    except ValueError:
        return None
    return text if text.isprintable() and 0 < len(text) <= 255 and not text.startswith("user:") else None
