"""The native wire: one call of the Segment HTTP API → one `Event`.

https://www.twilio.com/docs/segment/connections/spec and RudderStack's variations of it. Pure: what
depends on the request (cookie, key, headers) is the caller's business.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final

from habitue_collector.consent import read_consent
from habitue_collector.events import (
    MAX_ID_LENGTH,
    Event,
    InvalidEvent,
    Kind,
    RejectReason,
    new_event,
)
from habitue_collector.vocabulary import PUBLIC_KINDS, kind_of
from habitue_collector.wires.context import read_page, reduce
from habitue_collector.wires.envelope import CALLS, Envelope, parse_envelope, read_anonymous_id
from habitue_collector.wires.sightings import read as read_sighting
from habitue_collector.wires.sightings import source_of
from habitue_collector.wires.track import read_track
from habitue_collector.wires.values import (
    bounded,
    corrected,
    event_identifier,
    identifier,
    moment,
    skew_of,
    text,
)

__all__ = ("Envelope", "decode", "parse_envelope")

_KINDS: Final = MappingProxyType(
    {
        "page": Kind.PAGE_VIEW,
        "screen": Kind.PAGE_VIEW,
        "identify": Kind.IDENTIFY,
        "group": Kind.CUSTOM,
        "alias": Kind.IDENTIFY,  # whoever was previousId is this user
    }
)
_CONSENT: Final = Kind.CONSENT  # an enum's own attribute costs 40 ns
_NOTHING: Final[frozenset[str]] = frozenset()
_EMPTY: Final[dict[str, Any]] = {}
_UNSAID: Final = (None, "")


def decode(raw: object, envelope: Envelope, received_at: int) -> Event:
    """One event of a request. Raises InvalidEvent, and nothing else, for whatever JSON comes in.

    `context` keeps for the next steps: `user_agent` (enrich takes it out), `user_hash` (the identity
    step takes it out) and `consent`, what was said of it in this event or else in the envelope.
    """
    if type(raw) is not dict:
        if isinstance(raw, InvalidEvent):  # another wire could not read it, and says why
            raise raw
        raise InvalidEvent(RejectReason.INVALID_EVENT, "an event is a JSON object")
    get = raw.get
    call = envelope.call
    if call is None:
        said = get("type")
        call = CALLS.get(said) if type(said) is str else None
        if call is None:
            raise InvalidEvent(RejectReason.UNKNOWN_TYPE, "track, page, screen, identify, group or alias")

    properties = get("properties")
    if type(properties) is not dict:
        properties = _members(properties, "properties")
    if "ecommerce" in properties and type(properties["ecommerce"]) is dict:  # a dataLayer's push, as it is
        properties = {**properties["ecommerce"], **properties}
        del properties["ecommerce"]
    own_context = get("context", _EMPTY)
    if type(own_context) is not dict:
        own_context = _members(own_context, "context")

    if call == "track":
        name: Any = get("event")
        known = PUBLIC_KINDS.get(name) if type(name) is str else None
        if known is not None:  # a name that is known is in order
            kind = known
        else:
            name = text(name, MAX_ID_LENGTH)
            if name is None:
                raise InvalidEvent(RejectReason.MISSING_NAME, "a track call needs its event name")
            kind = kind_of(name)
    else:
        kind = _KINDS[call]
        name = text(get("name"), MAX_ID_LENGTH) or text(properties.get("name"), MAX_ID_LENGTH) or call

    user_id = identifier(raw["userId"], "userId") if "userId" in raw else None
    if envelope.cookie_decides:
        anonymous_id = None
    else:
        anonymous_id = get("anonymousId")
        anonymous_id = envelope.anonymous_id if anonymous_id is None else read_anonymous_id(anonymous_id)
        if anonymous_id is None and call == "alias":
            anonymous_id = read_anonymous_id(get("previousId"))

    sent_at = get("sentAt")
    skew = envelope.skew if sent_at is None or sent_at == envelope.sent_at else skew_of(sent_at, received_at)
    timestamp = get("timestamp")
    if not timestamp and timestamp in _UNSAID:
        timestamp = get("originalTimestamp")  # RudderStack's: when it was queued, beside what the shop said
    if timestamp or timestamp not in _UNSAID:
        timestamp = corrected(moment(timestamp), skew, received_at)
    else:
        timestamp = received_at

    if own_context:
        context = {**envelope.context, **reduce(own_context)}
        consent = read_consent(own_context) or envelope.said
    else:
        context = envelope.context.copy()
        consent = envelope.said
    if consent is not None:
        context["consent"] = consent.to_record()

    # As Event(…), written out: its constructor costs 0.6 µs, and every beacon pays it.
    event = new_event(Event)
    event.event_id = event_identifier(get("messageId"))
    event.kind = kind
    event.name = name
    event.timestamp = timestamp
    event.received_at = received_at
    event.anonymous_id = anonymous_id
    event.user_id = user_id
    event.source = ""
    event.items = []
    event.session_id = event.order_id = event.value = event.currency = event.search_term = None
    event.context = context
    event.properties = {}
    if call == "track":
        if own_context and (source := source_of(own_context)) is not None:
            context["source"] = source
            page = context.get("page")
            event.kind, properties = read_sighting(kind, properties, source, page and page.get("url"))
        read_track(event, properties)
        if kind is _CONSENT and consent is not None:
            event.properties |= consent.to_record()  # what the event is about, wherever its sender put it
    elif call == "page" or call == "screen":
        read_page(event, properties)
    elif call == "identify":
        event.properties = {"traits": traits} if (traits := _traits(raw, own_context)) else {}
    else:
        event.properties = bounded(properties, _NOTHING)
        if traits := _traits(raw, _EMPTY):
            event.properties["traits"] = traits
        for member in ("previousId", "groupId"):
            if (value := identifier(get(member), member)) is not None:
                event.properties[member] = value
    return event


def _traits(raw: dict[str, Any], context: dict[str, Any]) -> dict[str, Any]:
    """RudderStack's clients send traits only in `context.traits`; the call's own ones count more."""
    own = raw.get("traits")
    if type(own) is not dict:
        own = _members(own, "traits")
    elsewhere = context.get("traits")
    if type(elsewhere) is dict and elsewhere:
        own = {**elsewhere, **own}
    return bounded(own, _NOTHING, 2) if own else _EMPTY


def _members(value: object, what: str) -> dict[str, Any]:
    """No object where one may stand: nothing, or PHP's empty array; anything else is refused."""
    if value is None or value == [] or value == "":
        return {}
    raise InvalidEvent(RejectReason.INVALID_EVENT, f"{what} is a JSON object")
