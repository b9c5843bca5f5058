"""What happens to one event between the wire and the committer: an ordered list of named steps.

Each step takes the `Intake` further or raises `InvalidEvent`, which stops the walk with a counted
reason. Steps are pure but for the caches of enrichment; the caller counts and times them by name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from habitue_collector.consent import Consent, effective, from_record, strip
from habitue_collector.enrich import enrich as enrich_context
from habitue_collector.events import MAX_EVENT_BYTES, USER_PREFIX, InvalidEvent, Kind, RejectReason
from habitue_collector.request import Headers, Request, Respond
from habitue_collector.settings import Settings, WriteKey
from habitue_collector.submission import Intake
from habitue_collector.visitor import proves
from habitue_collector.wires.segment import Envelope
from habitue_collector.wires.segment import decode as decode_segment


class Opened(Envelope):
    """A request that may be taken: its envelope and raw events, who sent it, and its answer's headers.

    `visitor_id` is the verified id (cookie or nonce) on `/h/*`, and what a backend handed on;
    None elsewhere: there the ids in the events count. `consent` is as the envelope says it, unless
    the browser denies it, `consent_now` what counts when an event says nothing, and
    `keeps_profile` what that comes to. Made by `Ingest.open`, which writes every field.
    """

    __slots__ = (
        "body",
        "consent",
        "consent_now",
        "country",
        "gpc",
        "headers",
        "keeps_profile",
        "key",
        "measure_events",
        "network",
        "raw_events",
        "received_at",
        "request",
        "respond",
        "results",
        "secret",
        "settings",
        "size",
        "visitor_id",
    )

    body: dict[str, Any]
    consent: Consent | None
    consent_now: Consent
    country: str | None
    gpc: bool
    headers: Headers
    keeps_profile: bool
    key: WriteKey
    measure_events: bool  # the body is long enough for one event in it to be too large
    network: str | None
    raw_events: list[Any]
    received_at: int
    request: Request
    respond: Respond  # of who answers by it
    results: list[dict[str, Any] | None]
    secret: bool  # whether the key is
    size: int  # of the body, in bytes, unpacked
    settings: Settings
    visitor_id: str | None

    def add_header(self, pair: tuple[bytes, bytes]) -> None:
        self.headers = [*self.headers, pair]


new_opened: Callable[[type[Opened]], Opened] = object.__new__  # without a constructor: see Intake


def decode(intake: Intake, sender: Opened) -> None:
    """JSON → Event, by the wire's rules."""
    raw = intake.raw
    if sender.measure_events and _is_too_large(raw):
        raise InvalidEvent(RejectReason.EVENT_TOO_LARGE, f"more than {MAX_EVENT_BYTES} bytes, or too deep")
    intake.event = event = decode_segment(raw, sender, sender.received_at)
    intake.raw = None
    key = sender.key
    event.source = key.name or key.kind
    if event.value is not None and event.currency is None:
        event.currency = sender.settings.shop.currency


def _is_too_large(raw: Any) -> bool:
    try:
        return len(orjson.dumps(raw)) > MAX_EVENT_BYTES
    except orjson.JSONEncodeError:  # it reads 1,024 levels and writes 254
        return True


def enrich(intake: Intake, sender: Opened) -> None:
    """Device, referrer, campaign, page; bots are flagged."""
    context = intake.event.context
    if sender.secret:  # somebody's server: its headers say nothing of the visitor
        intake.bot = enrich_context(context)
        return
    head = sender.request.headers
    agent = head.get(b"user-agent", b"").decode("latin-1")
    referer = None if "page" in context else _told(head, b"referer")
    language = None if "locale" in context else _told(head, b"accept-language")
    intake.bot = enrich_context(context, agent, referer, language)
    if sender.network is not None:
        context["network"] = sender.network
    if sender.country is not None:
        context["country"] = sender.country


def _told(head: dict[bytes, bytes], name: bytes) -> str | None:
    return head[name].decode("latin-1") if name in head else None


def identify(intake: Intake, sender: Opened) -> None:
    """Whose event is it? A public key can only claim; a proof, or the secret key, makes it so."""
    event = intake.event
    proof = event.context.pop("user_hash", None)
    if sender.cookie_decides or event.anonymous_id is None:
        event.anonymous_id = sender.visitor_id
    device = event.anonymous_id
    user_id = event.user_id
    if user_id is not None:
        if sender.secret:
            if device is None or event.kind is not Kind.IDENTIFY:
                intake.target = USER_PREFIX + user_id
                return
            intake.login = user_id
        elif proof is not None and proves(sender.settings.secret_keys, user_id, proof):
            if device is None:
                intake.target = USER_PREFIX + user_id
                return
            intake.login = user_id
        elif device is None and not sender.cookie_decides:
            intake.kept = "claimed"
            return
    elif device is None and not sender.cookie_decides:
        raise InvalidEvent(RejectReason.NO_IDENTITY, "neither cookie nor anonymousId nor userId")
    intake.target = device


def consent(intake: Intake, sender: Opened) -> None:
    """May it be kept with a person? Else it is counted, without anything that names one."""
    event = intake.event
    said = event.context.pop("consent", None)
    keeps = sender.keeps_profile
    if said is not None:
        envelope = sender.said
        if envelope is not None and said is envelope.to_record():
            intake.consent_said = "analytics" in said
        else:
            intake.said = explicit = from_record(said)
            intake.consent_said = explicit is not None and explicit.analytics is not None
            keeps = effective(explicit, None, sender.key.consent_assumed, sender.gpc).keeps_profile
    intake.owner = intake.target
    if not keeps:
        intake.target, intake.login, intake.kept = None, None, "counted"
        strip(event)
    elif intake.target is None and intake.kept is None:
        intake.kept = "counted"
        strip(event)


STEPS: tuple[tuple[str, Callable[[Intake, Opened], None]], ...] = (
    ("decode", decode),
    ("enrich", enrich),
    ("identify", identify),
    ("consent", consent),
)


def walk_steps(intake: Intake, sender: Opened) -> None:
    """All of them; written out, since every event pays for a loop. Raises InvalidEvent."""
    decode(intake, sender)
    enrich(intake, sender)
    identify(intake, sender)
    consent(intake, sender)
