"""What one request says for all of its events, in the Segment HTTP API's words."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from habitue_collector.consent import Consent, read_consent
from habitue_collector.events import MAX_ID_LENGTH, USER_PREFIX, InvalidEvent, RejectReason
from habitue_collector.wires.context import reduce
from habitue_collector.wires.values import identifier, skew_of

# Call types; the short ones are the paths of Segment's browser client (/v1/p, /v1/t, …).
CALLS: Final = MappingProxyType(
    {
        "track": "track",
        "page": "page",
        "identify": "identify",
        "screen": "screen",
        "group": "group",
        "alias": "alias",
        "t": "track",
        "p": "page",
        "i": "identify",
        "s": "screen",
        "g": "group",
        "a": "alias",
    }
)


@dataclass(slots=True)
class Envelope:
    """What one request says for all of its events; parsed once.

    `skew` (ms) is added to the sender's clock. `cookie_decides` makes the `anonymousId` of bodies
    mean nothing (`/h/*`). `context` is already reduced to what we keep.
    """

    context: dict[str, Any] = field(default_factory=dict)
    said: Consent | None = None  # of consent
    sent_at: object = None
    skew: int = 0
    call: str | None = None
    anonymous_id: str | None = None
    nonce: str | None = None
    cookie_decides: bool = False


def parse_envelope(
    body: dict[str, Any], received_at: int, call: str | None = None, cookie_decides: bool = False
) -> Envelope:
    """The request's envelope: a batch's, or the single event itself. Takes every dict.

    `call` is the path's last word (`track`, `p`, …; None for batches). The caller may set
    `anonymous_id` afterwards, for example from RudderStack's header.
    """
    envelope = Envelope()
    read_envelope(envelope, body, received_at, call, cookie_decides)
    return envelope


def read_envelope(
    envelope: Envelope, body: dict[str, Any], received_at: int, call: str | None, cookie_decides: bool
) -> None:
    """As `parse_envelope`, into one that is there: every field of it is written."""
    get = body.get
    context = get("context")
    consent = None
    reduced = {}
    if type(context) is dict:
        if "consent" in context:
            consent = read_consent(context)
        if call is None:  # a single event's context is its own: decode reduces it
            reduced = reduce(context)
    sent_at = get("sentAt")
    anonymous_id = None
    if not cookie_decides:
        with suppress(InvalidEvent):  # decode says so for each event that relies on it
            anonymous_id = read_anonymous_id(get("anonymousId"))
    nonce = get("nonce")
    if nonce is not None and (
        type(nonce) is not str or not 16 <= len(nonce) <= MAX_ID_LENGTH or not nonce.isprintable()
    ):
        nonce = None
    envelope.context = reduced
    envelope.said = consent
    envelope.sent_at = sent_at
    envelope.skew = skew_of(sent_at, received_at)
    envelope.call = None if call is None else CALLS.get(call)
    envelope.anonymous_id = anonymous_id
    envelope.nonce = nonce
    envelope.cookie_decides = cookie_decides


def read_anonymous_id(value: object) -> str | None:
    anonymous_id = identifier(value, "anonymousId")
    if anonymous_id is not None and anonymous_id.startswith(USER_PREFIX):
        raise InvalidEvent(RejectReason.INVALID_IDENTITY, f"an anonymousId must not start with {USER_PREFIX}")
    return anonymous_id
