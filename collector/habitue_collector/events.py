"""The event: what happened, to whom, when. Everything else in the house is made of these.

Times are whole milliseconds since 1970 UTC. Limits stand here once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

MAX_EVENTS_PER_BATCH = 2_500
MAX_EVENT_BYTES = 32_768  # what Segment's clients send at most per event
MAX_BODY_BYTES = 4_194_304  # after decompression; RudderStack's python client sends up to 4 MiB
MAX_ITEMS_PER_EVENT = 500
MAX_ID_LENGTH = 255
MAX_TEXT_LENGTH = 1_024
EARLIEST = 946_684_800_000  # 2000-01-01: anything older is a broken clock, not history
LATEST_AHEAD = 86_400_000  # a day; less than that ahead of us is a clock that runs fast: we take our own

USER_PREFIX = "user:"  # a profile id is an anonymous_id, or this and the shop's user_id


class Kind(StrEnum):
    """What happened, as a closed list; every public vocabulary maps onto it."""

    __hash__ = str.__hash__  # Enum's own is written in Python: 0.3 µs a lookup, six lookups a beacon

    PAGE_VIEW = "page_view"
    SEARCH = "search"
    LIST_VIEW = "list_view"
    PRODUCT_VIEW = "product_view"
    PRODUCT_CLICK = "product_click"
    ADD_TO_CART = "add_to_cart"
    REMOVE_FROM_CART = "remove_from_cart"
    CART_VIEW = "cart_view"
    CHECKOUT = "checkout"
    PURCHASE = "purchase"
    REFUND = "refund"
    WISHLIST_ADD = "wishlist_add"
    COUPON_APPLY = "coupon_apply"
    OFFER_IMPRESSION = "offer_impression"
    OFFER_CLICK = "offer_click"
    PROMOTION_VIEW = "promotion_view"
    PROMOTION_CLICK = "promotion_click"
    IDENTIFY = "identify"
    CONSENT = "consent"
    FORM_SUBMIT = "form_submit"
    FORM_ABANDON = "form_abandon"
    SURVEY = "survey"
    FEEDBACK = "feedback"
    COMPLAINT = "complaint"
    CONTACT = "contact"
    CALLBACK_REQUEST = "callback_request"
    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"
    ORDER_STATUS = "order_status"
    CONFIGURE = "configure"
    SHARE = "share"
    POINTS = "points"
    CUSTOM = "custom"


class RejectReason(StrEnum):
    """Why an event was refused: the answer says it, the metrics count it, the dead letters keep it."""

    INVALID_EVENT = "invalid_event"  # not a JSON object, or a field of a type that cannot be meant
    UNKNOWN_TYPE = "unknown_type"  # a call type that the wire does not have
    MISSING_NAME = "missing_name"  # a track call without its event name
    NO_IDENTITY = "no_identity"  # neither cookie nor anonymousId nor userId
    INVALID_IDENTITY = "invalid_identity"  # an id that is too long, not text, or reserved
    EVENT_TOO_LARGE = "event_too_large"
    TOO_MANY_EVENTS = "too_many_events"  # past the last one a batch may have
    TOO_MANY_ITEMS = "too_many_items"
    INVALID_TIMESTAMP = "invalid_timestamp"
    TIMESTAMP_TOO_OLD = "timestamp_too_old"
    TIMESTAMP_TOO_NEW = "timestamp_too_new"
    INVALID_VALUE = "invalid_value"  # a price, quantity or value that is no finite number
    MISSING_ORDER_ID = "missing_order_id"  # a purchase or refund that names no order
    NO_PRODUCT = "no_product"  # a page's markup that describes no product
    AMBIGUOUS_PRODUCT = "ambiguous_product"  # it describes several, and does not say which the page is about


class InvalidEvent(ValueError):
    """One event of a batch cannot be taken; its neighbours can."""

    def __init__(self, reason: RejectReason, detail: str = "") -> None:
        super().__init__(detail or reason.value)
        self.reason = reason
        self.detail = detail


@dataclass(slots=True)
class Item:
    """One thing that can be bought, as the event spoke of it. `category` is a path: `Shoes/Trail`.

    The last four are known of what the tag read from a page: `list_price` is what it cost before,
    `availability` one of in_stock, out_of_stock, preorder, backorder, `group_id` what its variants share,
    `platform_id` the shop system's own number for it, which forms and cart calls speak of.
    """

    item_id: str
    name: str | None = None
    brand: str | None = None
    category: str | None = None
    variant: str | None = None
    price: float | None = None
    quantity: float | None = None
    url: str | None = None
    image_url: str | None = None
    list_price: float | None = None
    availability: str | None = None
    group_id: str | None = None
    platform_id: str | None = None

    def to_record(self) -> dict[str, Any]:
        """The stored form: named fields, the empty ones left out."""
        record: dict[str, Any] = {"item_id": self.item_id}
        if self.name is not None:
            record["name"] = self.name
        if self.brand is not None:
            record["brand"] = self.brand
        if self.category is not None:
            record["category"] = self.category
        if self.variant is not None:
            record["variant"] = self.variant
        if self.price is not None:
            record["price"] = self.price
        if self.quantity is not None:
            record["quantity"] = self.quantity
        if self.url is not None:
            record["url"] = self.url
        if self.image_url is not None:
            record["image_url"] = self.image_url
        if self.list_price is not None:
            record["list_price"] = self.list_price
        if self.availability is not None:
            record["availability"] = self.availability
        if self.group_id is not None:
            record["group_id"] = self.group_id
        if self.platform_id is not None:
            record["platform_id"] = self.platform_id
        return record


new_item: Callable[[type[Item]], Item] = (
    object.__new__
)  # for who writes every field at once, without `__init__`


@dataclass(slots=True)
class Event:
    """One thing that happened.

    `timestamp` is when it happened by the visitor's corrected clock, `received_at` when we got it.
    `name` is the sender's own word for it, `kind` ours. `source` names the write key it came by.
    `context` holds what enrichment learnt (page, referrer, campaign, device), `properties` what
    the sender said and no other field holds.
    """

    event_id: str
    kind: Kind
    name: str
    timestamp: int
    received_at: int
    anonymous_id: str | None = None
    user_id: str | None = None
    session_id: str | None = None
    source: str = ""
    items: list[Item] = field(default_factory=list)
    order_id: str | None = None
    value: float | None = None
    currency: str | None = None
    search_term: str | None = None
    context: dict[str, Any] = field(default_factory=dict)
    properties: dict[str, Any] = field(default_factory=dict)

    def to_record(self) -> dict[str, Any]:
        """The stored form (log, archive, dead letters): named fields, the empty ones left out."""
        items = self.items
        # What most events have stands in it from the beginning, so that it need not grow; written out, for
        # a loop over names with getattr costs twice as much, and every beacon pays it.
        record: dict[str, Any] = {
            "event_id": self.event_id,
            "kind": self.kind._value_,  # `value` is a property written in Python
            "name": self.name,
            "timestamp": self.timestamp,
            "received_at": self.received_at,
            "anonymous_id": self.anonymous_id,
            "session_id": self.session_id,
            "source": self.source,
            "context": self.context,
            "properties": self.properties,
            "items": [item.to_record() for item in items] if len(items) != 1 else [items[0].to_record()],
        }
        if not self.anonymous_id:
            del record["anonymous_id"]
        if not self.session_id:
            del record["session_id"]
        if not self.source:
            del record["source"]
        if not self.context:
            del record["context"]
        if not self.properties:
            del record["properties"]
        if not items:
            del record["items"]
        if self.user_id:
            record["user_id"] = self.user_id
        if self.order_id:
            record["order_id"] = self.order_id
        if self.value is not None:
            record["value"] = self.value
        if self.currency:
            record["currency"] = self.currency
        if self.search_term:
            record["search_term"] = self.search_term
        return record

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Event:
        """The inverse of `to_record`; unknown members (`profile_id`, …) are passed over."""
        known = {name: record[name] for name in _EVENT_FIELDS if record.get(name) is not None}
        known["kind"] = Kind(known["kind"])
        known["items"] = [
            Item(**{name: value for name, value in item.items() if name in _ITEM_FIELDS})
            for item in known.get("items", ())
        ]
        return cls(**known)


new_event: Callable[[type[Event]], Event] = object.__new__  # as `new_item`
_EVENT_FIELDS = tuple(f.name for f in fields(Event))
_ITEM_FIELDS = frozenset(f.name for f in fields(Item))
