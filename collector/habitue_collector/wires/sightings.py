"""What the tag saw on a page without being told: its raw find → the properties that e-commerce events have.

`context.source` says where: `datalayer`, `markup`, `form`, `cart_call`. The tag only collects, so that it
stays small; reading is done here. Anything else passes as it is.
"""

from __future__ import annotations

from typing import Any, Final

from habitue_collector.events import MAX_ID_LENGTH, InvalidEvent, Item, Kind, RejectReason
from habitue_collector.wires import markup
from habitue_collector.wires.enhanced import ACTIONS, action_in, flattened
from habitue_collector.wires.money import currency_in
from habitue_collector.wires.products import NOT_SAID, items_of
from habitue_collector.wires.values import number, text

MAX_SOURCE_LENGTH = 32
# Forms and cart calls speak of the shop system's own numbers.
_BY_PLATFORM: Final = frozenset(("form", "cart_call"))
_MONEY: Final = frozenset(("total", "value", "revenue"))
_FROM_THE_PAGE: Final = ("name", "brand", "category", "price", "url", "image_url", "list_price", "group_id")


def source_of(context: dict[str, Any]) -> str | None:
    """Where the tag saw it, as the event's context says; None for what no tag saw."""
    return text(context.get("source"), MAX_SOURCE_LENGTH)


def read(
    kind: Kind, properties: dict[str, Any], source: str, page_url: str | None
) -> tuple[Kind, dict[str, Any]]:
    """What it was, and its properties with `items` as the other wires have them.

    Raises InvalidEvent when a product view's markup names no product, or several.
    """
    action = action_in(properties)
    if action is not None:
        properties = flattened(properties, action)
        kind = ACTIONS[action]
    # The sender's own stay as they are.
    properties = {name: value for name, value in properties.items() if _is_said(name, value)}
    said = properties.pop("markup", None)
    if type(said) is dict:
        if kind is Kind.PRODUCT_VIEW and "items" not in properties:
            viewed = markup.read(said, page_url)
            properties["items"] = [viewed.item]
            if viewed.currency is not None:
                properties.setdefault("currency", viewed.currency)
            return kind, properties
    elif said is not None and kind is Kind.PRODUCT_VIEW and "items" not in properties:
        raise InvalidEvent(RejectReason.NO_PRODUCT, "markup is a JSON object")
    if (code := properties.pop("currencyCode", None)) is not None:  # Universal Analytics' name
        properties.setdefault("currency", code)
    _find_currency(properties)
    if source in _BY_PLATFORM:
        _join(properties, said if type(said) is dict else None, page_url)
    return kind, properties


def _is_said(name: str, value: object) -> bool:
    """Not what a plugin left empty or did not find; an order whose value is none is worth its lines."""
    if type(value) is not str:
        return True
    if not value or value in NOT_SAID:
        return False
    return name not in _MONEY or number(value) is not None


def _join(properties: dict[str, Any], said: dict[str, Any] | None, page_url: str | None) -> None:
    """One thing, one id: the number of a form becomes the item's own, where the page says which it is.

    The shop system's number stays as `platform_id`. Where the page says nothing it is all there is.
    """
    listed = properties.get("items")
    items = items_of(listed)
    if items is None:
        return
    entries = listed if type(listed) is list and len(listed) == len(items) else [None] * len(items)
    viewed = None
    if said is not None:
        try:
            viewed = markup.read(said, page_url)
        except InvalidEvent:
            viewed = None
    for item, entry in zip(items, entries, strict=True):
        number = item.item_id
        sku = None
        if type(entry) is dict:
            sku = text(entry.get("sku"), MAX_ID_LENGTH)
            if entry.get("currency") is not None:
                properties.setdefault("currency", entry["currency"])
        if viewed is not None and _is_same(item, sku, viewed.item):
            item.platform_id = number
            item.item_id = sku or viewed.item.item_id
            _complete(item, viewed.item)
            if viewed.currency is not None:
                properties.setdefault("currency", viewed.currency)
        elif sku is not None and sku != number:
            item.item_id, item.platform_id = sku, number
    properties["items"] = items


def _is_same(item: Item, sku: str | None, viewed: Item) -> bool:
    if sku is not None and sku == viewed.item_id:
        return True
    return item.item_id in (viewed.platform_id, viewed.item_id)


def _complete(item: Item, viewed: Item) -> None:
    """What the form left out, the page's markup knows."""
    for name in _FROM_THE_PAGE:
        if getattr(item, name) is None:
            setattr(item, name, getattr(viewed, name))


def _find_currency(properties: dict[str, Any]) -> None:
    """Its code; a sign may stand there instead (`€`), or a price in the page's own words (`12,50 €`)."""
    said = properties.get("currency")
    if type(said) is str and len(said) == 3 and said.isascii():
        return
    listed = properties.get("items")
    prices = [f"1 {said}", properties.get("value")]
    if type(listed) is list:
        prices += [entry.get("price") for entry in listed[:5] if type(entry) is dict]
        if said is None and any(type(entry) is dict and entry.get("currency") for entry in listed[:1]):
            return
    for price in prices:
        if (currency := currency_in(price)) is not None:
            properties["currency"] = currency
            return
