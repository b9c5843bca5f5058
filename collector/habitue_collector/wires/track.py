"""The properties of a track call → items, money, order and words of its event.

https://www.twilio.com/docs/segment/connections/spec/ecommerce/v2, and GA4's members beside Segment's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from habitue_collector.events import Event, InvalidEvent, Kind, RejectReason
from habitue_collector.wires import shopify
from habitue_collector.wires.products import FLAT_FIELDS, LIST_FIELDS, item_of, items_of, value_of_items
from habitue_collector.wires.values import bounded, identifier, number, text

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
_NOTHING: Final[frozenset[str]] = frozenset()


def read_track(event: Event, properties: dict[str, Any]) -> None:
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
    elif shopify.MEMBERS.isdisjoint(properties) or not (shopifys := shopify.members(properties)):
        rest = bounded(properties, _NOTHING)
    else:
        read_track(event, shopify.read(properties, shopifys))
        return

    currency = get("currency")
    if currency is None and event.items and type(listed) is list and type(listed[0]) is dict:
        currency = listed[0].get("currency")
    if currency is not None:
        if type(currency) is str and len(currency) == 3 and currency.isascii() and currency.isalpha():
            event.currency = currency.upper()
            if rest:
                rest.pop("currency", None)
        elif not rest:
            rest = bounded(properties, FLAT_FIELDS)
    if kind in _ORDERS or (rest and not _MONEY_AND_WORDS.isdisjoint(rest)):
        _read_money_and_words(event, get, rest)
    event.properties = rest


def _read_money_and_words(event: Event, get: Callable[[str], Any], rest: dict[str, Any]) -> None:
    """What was paid, the order's name, what was searched for; what has its own field leaves `rest`."""
    kind = event.kind
    for member in ("total", "value", "revenue"):
        if (value := get(member)) is not None and value != "":
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
