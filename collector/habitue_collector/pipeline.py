"""What happens to one event between the wire and the committer: an ordered list of named steps.

Each step takes the `Passage` further or raises `InvalidEvent`, which stops the walk with a counted
reason. Steps are pure but for the caches of enrichment; the caller counts and times them by name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from habitue_collector.consent import Consent, effective, from_record, strip
from habitue_collector.enrich import enrich as enrich_context
from habitue_collector.events import MAX_EVENT_BYTES, USER_PREFIX, Event, InvalidEvent, Kind, RejectReason
from habitue_collector.settings import WriteKey
from habitue_collector.submission import Intake
from habitue_collector.visitor import proves
from habitue_collector.wires.segment import Envelope
from habitue_collector.wires.segment import decode as decode_segment


@dataclass(slots=True)
class Sender:
    """What a request as a whole says: by which key, from which visitor, under which consent.

    `visitor_id` is the verified id (cookie or nonce) on `/h/*`, and what a backend handed on;
    None elsewhere: there the ids in the events count.
    """

    key: WriteKey
    envelope: Envelope
    received_at: int
    visitor_id: str | None = None
    by_cookie: bool = False
    gpc: bool = False
    keeps_profile: bool = False  # what that comes to, for an event that says nothing else
    user_agent: str | None = None
    referer: str | None = None
    language: str | None = None
    network: str | None = None
    currency: str | None = None
    secrets: tuple[str, ...] = ()
    measure_events: bool = False  # the body is long enough for one event in it to be too large


@dataclass(slots=True)
class Passage:
    """One event on its way through the steps."""

    raw: Any
    index: int
    sender: Sender
    event: Event | None = None
    bot: bool = False
    target: str | None = None
    kept: str | None = None
    login: str | None = None
    consent_said: bool = False
    said: Consent | None = None  # its own word on consent, where the envelope has another or none
    owner: str | None = None  # whose profile would remember that


def decode(passage: Passage) -> None:
    """JSON → Event, by the wire's rules."""
    sender = passage.sender
    if sender.measure_events and _is_too_large(passage.raw):
        raise InvalidEvent(RejectReason.EVENT_TOO_LARGE, f"more than {MAX_EVENT_BYTES} bytes, or too deep")
    passage.event = event = decode_segment(passage.raw, sender.envelope, sender.received_at)
    event.source = sender.key.name or sender.key.kind
    if event.currency is None and event.value is not None:
        event.currency = sender.currency


def _is_too_large(raw: Any) -> bool:
    try:
        return len(orjson.dumps(raw)) > MAX_EVENT_BYTES
    except orjson.JSONEncodeError:  # it reads 1,024 levels and writes 254
        return True


def enrich(passage: Passage) -> None:
    """Device, referrer, campaign, page; bots are flagged."""
    sender, event = passage.sender, passage.event
    assert event is not None
    passage.bot = enrich_context(event.context, sender.user_agent, sender.referer, sender.language)
    if sender.network is not None:
        event.context["network"] = sender.network


def identify(passage: Passage) -> None:
    """Whose event is it? A public key can only claim; a proof, or the secret key, makes it so."""
    sender, event = passage.sender, passage.event
    assert event is not None
    proof = event.context.pop("user_hash", None)
    user_id = event.user_id
    if sender.by_cookie or event.anonymous_id is None:
        event.anonymous_id = sender.visitor_id
    device = event.anonymous_id
    if user_id is not None:
        if sender.key.secret:
            if device is None or event.kind is not Kind.IDENTIFY:
                passage.target = USER_PREFIX + user_id
                return
            passage.login = user_id
        elif proof is not None and proves(sender.secrets, user_id, proof):
            if device is None:
                passage.target = USER_PREFIX + user_id
                return
            passage.login = user_id
        elif device is None and not sender.by_cookie:
            passage.kept = "claimed"
            return
    elif device is None and not sender.by_cookie:
        raise InvalidEvent(RejectReason.NO_IDENTITY, "neither cookie nor anonymousId nor userId")
    passage.target = device


def consent(passage: Passage) -> None:
    """May it be kept with a person? Else it is counted, without anything that names one."""
    sender, event = passage.sender, passage.event
    assert event is not None
    said = event.context.pop("consent", None)
    envelope = sender.envelope.consent
    if said is None or (envelope is not None and said is envelope.to_record()):
        passage.consent_said = said is not None and "analytics" in said
        keeps = sender.keeps_profile
    else:
        passage.said = explicit = from_record(said)
        passage.consent_said = explicit is not None and explicit.analytics is not None
        keeps = effective(explicit, None, sender.key.consent_assumed, sender.gpc).keeps_profile
    passage.owner = passage.target
    if not keeps:
        passage.target, passage.login, passage.kept = None, None, "counted"
        strip(event)
    elif passage.target is None and passage.kept is None:
        passage.kept = "counted"
        strip(event)


STEPS: tuple[tuple[str, Callable[[Passage], None]], ...] = (
    ("decode", decode),
    ("enrich", enrich),
    ("identify", identify),
    ("consent", consent),
)


def to_intake(passage: Passage) -> Intake:
    """What the committer takes."""
    assert passage.event is not None
    return Intake(
        passage.event,
        passage.index,
        passage.target,
        passage.kept,
        passage.login,
        passage.sender.key.secret,
        passage.bot,
        passage.consent_said,
    )
