"""The native wire: one call of the Segment HTTP API → one `Event`.

https://www.twilio.com/docs/segment/connections/spec and RudderStack's variations of it. Pure: what
depends on the request (cookie, key, headers) is the caller's business.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

from habitue_collector.consent import Consent, read_consent
from habitue_collector.enrich import read_url
from habitue_collector.events import (
    MAX_ID_LENGTH,
    MAX_TEXT_LENGTH,
    USER_PREFIX,
    Event,
    InvalidEvent,
    Kind,
    RejectReason,
)
from habitue_collector.vocabulary import PUBLIC_KINDS, kind_of
from habitue_collector.wires.products import FLAT_FIELDS, LIST_FIELDS, item_of, items_of, value_of_items
from habitue_collector.wires.sightings import read as read_sighting
from habitue_collector.wires.sightings import source_of
from habitue_collector.wires.values import (
    bounded,
    corrected,
    event_identifier,
    identifier,
    moment,
    number,
    skew_of,
    text,
)

# Call types; the short ones are the paths of Segment's browser client (/v1/p, /v1/t, …).
_CALLS: Final = MappingProxyType(
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
_ORDERS: Final = frozenset((Kind.PURCHASE, Kind.REFUND))
# Where a plain `id` among the properties is the item's: these events are about one product.
_ABOUT_ONE_ITEM: Final = frozenset(
    (
        Kind.PRODUCT_VIEW,
        Kind.PRODUCT_CLICK,
        Kind.ADD_TO_CART,
        Kind.REMOVE_FROM_CART,
        Kind.WISHLIST_ADD,
        Kind.CONFIGURE,
    )
)
_ITEM_AND_CURRENCY: Final = FLAT_FIELDS | {"currency"}
_MONEY_AND_WORDS: Final = frozenset(
    (
        *("total", "value", "revenue", "order_id", "orderId", "transaction_id"),
        *("query", "search_term", "search_string"),
    )
)
_REFUND_PREFIX: Final = "refund:"  # of the claims on refunds: no order may be called so
_PAGE_FIELDS: Final = frozenset(
    (
        *("url", "path", "title", "referrer", "search", "referring_domain", "tab_url"),
        *("initial_referrer", "initial_referring_domain"),
    )
)
_SAID_SELDOM: Final = frozenset(("userAgent", "campaign", "persona", "user_hash"))
_NOTHING: Final[frozenset[str]] = frozenset()
_EMPTY: Final[dict[str, Any]] = {}
_UNSAID: Final = (None, "")


@dataclass(slots=True)
class Envelope:
    """What one request says for all of its events; parsed once.

    `skew` (ms) is added to the sender's clock. `cookie_decides` makes the `anonymousId` of bodies
    mean nothing (`/h/*`). `context` is already reduced to what we keep.
    """

    context: dict[str, Any] = field(default_factory=dict)
    consent: Consent | None = None
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
    get = body.get
    context = get("context")
    consent = None
    reduced = {}
    if type(context) is dict:
        if "consent" in context:
            consent = read_consent(context)
        if call is None:  # a single event's context is its own: decode reduces it
            reduced = _reduce(context)
    sent_at = get("sentAt")
    anonymous_id = None
    if not cookie_decides:
        with suppress(InvalidEvent):  # decode says so for each event that relies on it
            anonymous_id = _anonymous_id(get("anonymousId"))
    nonce = get("nonce")
    if nonce is not None and (
        type(nonce) is not str or not 16 <= len(nonce) <= MAX_ID_LENGTH or not nonce.isprintable()
    ):
        nonce = None
    return Envelope(
        reduced,
        consent,
        sent_at,
        skew_of(sent_at, received_at),
        _CALLS.get(call) if call else None,
        anonymous_id,
        nonce,
        cookie_decides,
    )


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
        call = _CALLS.get(said) if type(said) is str else None
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
        name = get("event")
        if type(name) is str and name in PUBLIC_KINDS:  # a name that is known is in order
            kind = PUBLIC_KINDS[name]
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
        anonymous_id = envelope.anonymous_id if anonymous_id is None else _anonymous_id(anonymous_id)
        if anonymous_id is None and call == "alias":
            anonymous_id = _anonymous_id(get("previousId"))

    sent_at = get("sentAt")
    skew = envelope.skew if sent_at is None or sent_at == envelope.sent_at else skew_of(sent_at, received_at)
    timestamp = get("timestamp")
    if timestamp in _UNSAID:
        timestamp = get("originalTimestamp")  # RudderStack's: when it was queued, beside what the shop said
    timestamp = received_at if timestamp in _UNSAID else corrected(moment(timestamp), skew, received_at)

    if own_context:
        context = {**envelope.context, **_reduce(own_context)}
        consent = read_consent(own_context) or envelope.consent
    else:
        context = envelope.context.copy()
        consent = envelope.consent
    if consent is not None:
        context["consent"] = consent.to_record()

    event_id = event_identifier(get("messageId"))
    event = Event(event_id, kind, name, timestamp, received_at, anonymous_id, user_id)
    event.context = context
    if call == "track":
        if own_context and (source := source_of(own_context)) is not None:
            context["source"] = source
            page = context.get("page")
            event.kind, properties = read_sighting(kind, properties, source, page and page.get("url"))
        _read_track(event, properties)
        if kind is _CONSENT and consent is not None:
            event.properties |= consent.to_record()  # what the event is about, wherever its sender put it
    elif call == "page" or call == "screen":
        _read_page(event, properties)
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


def _read_track(event: Event, properties: dict[str, Any]) -> None:
    """The members of Segment's e-commerce spec and of GA4's, from the properties of a track call."""
    if not properties:
        if event.kind in _ORDERS:
            raise InvalidEvent(RejectReason.MISSING_ORDER_ID, f"{event.name} names no order")
        return
    get = properties.get
    kind = event.kind
    listed = get("products")
    if listed is None:
        listed = get("items")
    if listed is not None and (items := items_of(listed)) is not None:
        event.items = items
        rest = bounded(properties, LIST_FIELDS)
    elif (item := item_of(properties, kind in _ABOUT_ONE_ITEM)) is not None:
        event.items = [item]
        rest = {} if _ITEM_AND_CURRENCY.issuperset(properties) else bounded(properties, FLAT_FIELDS)
        if "sku" in properties:
            sku = properties["sku"]
            if sku is not None and sku != item.item_id and (sku := text(sku)) != item.item_id:
                rest["sku"] = sku  # the feed may call the item by this one
    else:
        rest = bounded(properties, _NOTHING)

    currency = get("currency")
    if currency is None and event.items and type(listed) is list and type(listed[0]) is dict:
        currency = listed[0].get("currency")
    if currency is not None:
        if type(currency) is str and len(currency) == 3 and currency.isascii() and currency.isalpha():
            event.currency = currency.upper()
            rest.pop("currency", None)
        elif not rest:
            rest = bounded(properties, FLAT_FIELDS)
    if kind in _ORDERS or not _MONEY_AND_WORDS.isdisjoint(rest):
        _read_money_and_words(event, get, rest)
    event.properties = rest


def _read_money_and_words(event: Event, get: Callable[[str], Any], rest: dict[str, Any]) -> None:
    """What was paid, the order's name, what was searched for; what has its own field leaves `rest`."""
    kind = event.kind
    for member in ("total", "value", "revenue"):
        if (value := get(member)) is not None:
            event.value = number(value)
            if event.value is not None:
                rest.pop(member, None)
            elif kind in _ORDERS:
                raise InvalidEvent(RejectReason.INVALID_VALUE, f"{member} is no finite number")
            break
    for member in ("order_id", "orderId", "transaction_id"):
        if (order_id := get(member)) is not None:
            try:
                event.order_id = identifier(order_id, member)
            except InvalidEvent:
                if kind in _ORDERS:
                    raise
                break
            rest.pop(member, None)
            break
    if kind in _ORDERS:
        _check_order(event)
    elif kind is Kind.SEARCH or "search_term" in rest:
        for member in ("query", "search_term", "search_string"):
            if (term := text(get(member))) is not None:
                event.search_term = term
                rest.pop(member, None)
                break


def _check_order(event: Event) -> None:
    if event.order_id is None:
        raise InvalidEvent(RejectReason.MISSING_ORDER_ID, f"{event.name} names no order")
    if event.order_id.startswith(_REFUND_PREFIX):
        raise InvalidEvent(RejectReason.INVALID_IDENTITY, "an order id must not start with refund:")
    if event.value is None:
        event.value = value_of_items(event.items)
    elif event.value < 0:
        if event.kind is Kind.PURCHASE:
            raise InvalidEvent(RejectReason.INVALID_VALUE, "a purchase of less than nothing")
        event.value = -event.value  # some shops send what went back as a negative number


def _read_page(event: Event, properties: dict[str, Any]) -> None:
    """A page's or screen's own properties describe the page better than the context does."""
    if not properties:
        return
    page = _page(properties)
    if page:
        event.context["page"] = {**event.context.get("page", _EMPTY), **page}
    event.properties = bounded(properties, _PAGE_FIELDS)
    if event.properties.get("name") == event.name:
        del event.properties["name"]


def _traits(raw: dict[str, Any], context: dict[str, Any]) -> dict[str, Any]:
    """RudderStack's clients send traits only in `context.traits`; the call's own ones count more."""
    own = raw.get("traits")
    if type(own) is not dict:
        own = _members(own, "traits")
    elsewhere = context.get("traits")
    if type(elsewhere) is dict and elsewhere:
        own = {**elsewhere, **own}
    return bounded(own, _NOTHING, 2) if own else _EMPTY


def _reduce(context: dict[str, Any]) -> dict[str, Any]:
    """The members of a `context` that we keep; never an address, a name or an unknown member."""
    reduced: dict[str, Any] = {}
    get = context.get
    page = get("page")
    if type(page) is dict and (page := _page(page)):
        reduced["page"] = page
    if "locale" in context and (locale := text(context["locale"], 35)) is not None:  # RFC 5646: 35
        reduced["locale"] = locale
    if "timezone" in context and (timezone := text(context["timezone"], 64)) is not None:
        reduced["timezone"] = timezone
    if "screen" in context and type(screen := context["screen"]) is dict:
        width, height = screen.get("width"), screen.get("height")
        if type(width) is int and type(height) is int and 0 < width < 100_000 and 0 < height < 100_000:
            reduced["screen"] = {"width": width, "height": height}
    if not _SAID_SELDOM.isdisjoint(context):
        _reduce_seldom(get, reduced)
    return reduced


def _reduce_seldom(get: Callable[[str], Any], reduced: dict[str, Any]) -> None:
    if type(agent := get("userAgent")) is str:
        reduced["user_agent"] = agent
    campaign = get("campaign")
    if type(campaign) is dict and campaign:
        said = {
            member: value
            for member in ("source", "medium", "name", "term", "content", "id")
            if (value := text(campaign.get(member), MAX_ID_LENGTH)) is not None and "@" not in value
        }
        if said:
            reduced["campaign"] = said
    if (persona := get("persona")) is not None and (persona := text(persona, 32)) is not None:
        reduced["persona"] = persona
    user_hash = get("user_hash")
    if type(user_hash) is str and 0 < len(user_hash) <= 128 and user_hash.isascii():
        reduced["user_hash"] = user_hash


def _page(page: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    url = page.get("url")
    if type(url) is not str or not url:
        url = page.get("path")
    if type(url) is str and url and (clean_url := read_url(url[: 2 * MAX_TEXT_LENGTH]).url) is not None:
        kept["url"] = clean_url
    if "title" in page and (title := text(page["title"])) is not None:
        kept["title"] = title
    if "referrer" in page and type(referrer := page["referrer"]) is str and referrer:
        origin = _origin(referrer[: 2 * MAX_TEXT_LENGTH])
        if origin:
            kept["referrer"] = origin
    return kept


@lru_cache(4_096)
def _origin(referrer: str) -> str | None:
    """Of where somebody came from we keep the host; its path may hold what they did there."""
    try:
        split = urlsplit(referrer)
        host = split.hostname
    except ValueError:
        return None
    if not host or not host.isprintable():
        return None
    return f"{split.scheme}://{host if ':' not in host else f'[{host}]'}/"


def _anonymous_id(value: object) -> str | None:
    anonymous_id = identifier(value, "anonymousId")
    if anonymous_id is not None and anonymous_id.startswith(USER_PREFIX):
        raise InvalidEvent(RejectReason.INVALID_IDENTITY, f"an anonymousId must not start with {USER_PREFIX}")
    return anonymous_id


def _members(value: object, what: str) -> dict[str, Any]:
    """No object where one may stand: nothing, or PHP's empty array; anything else is refused."""
    if value is None or value == [] or value == "":
        return {}
    raise InvalidEvent(RejectReason.INVALID_EVENT, f"{what} is a JSON object")
