"""Items as the public vocabularies write them: Segment's `products`, GA4's `items`, flat properties."""

from __future__ import annotations

from typing import Any, Final

from habitue_collector.enrich import item_url
from habitue_collector.events import (
    MAX_ID_LENGTH,
    MAX_ITEMS_PER_EVENT,
    MAX_TEXT_LENGTH,
    InvalidEvent,
    Item,
    RejectReason,
    new_item,
)
from habitue_collector.wires.values import LARGEST_NUMBER, number, text

LIST_FIELDS: Final = frozenset(("products", "items"))
# What an Item says already, and the properties need not repeat.
FLAT_FIELDS: Final = frozenset(
    (
        *("product_id", "sku", "item_id", "name", "item_name", "brand", "item_brand", "price", "quantity"),
        *("category", "item_category", "item_category2", "item_category3", "item_category4"),
        *("item_category5", "variant", "item_variant", "url", "image_url", "image"),
    )
)
_DETAILS: Final = frozenset(
    ("brand", "item_brand", "variant", "item_variant", "quantity", "url", "image_url", "image")
)
# What scripts print for what they did not find.
NOT_SAID: Final = frozenset(("undefined", "null", "NaN", "[object Object]", "(not set)"))
_MAX_QUANTITY: Final = 1e6


def items_of(listed: object) -> list[Item] | None:
    """The items of a list; None when it is no list. Entries without an id are passed over; an Item stays.

    PHP sends lists with a hole as objects, and some shops send a lone product without its list.
    """
    if type(listed) is dict:
        values = list(listed.values())
        listed = values if values and all(type(value) is dict for value in values) else [listed]
    if type(listed) is not list:
        return None
    if len(listed) > MAX_ITEMS_PER_EVENT:
        raise InvalidEvent(RejectReason.TOO_MANY_ITEMS, f"more than {MAX_ITEMS_PER_EVENT} items")
    items = []
    for entry in listed:
        if type(entry) is dict:
            item = item_of(entry, True)
        elif type(entry) is Item:  # read from a page's markup
            item = entry
        else:  # a list of bare ids
            item_id = text(entry, MAX_ID_LENGTH) if type(entry) is str or type(entry) is int else None
            item = Item(item_id) if item_id else None
        if item is not None:
            items.append(item)
    return items


def item_of(fields: dict[str, Any], plain_id: bool) -> Item | None:
    """The item in these members; None without an id. `plain_id`: a member `id` is the item's."""
    get = fields.get
    item_id = get("product_id") or get("item_id") or get("sku") or (get("id") if plain_id else None)
    if type(item_id) is not str or len(item_id) > MAX_ID_LENGTH or not item_id.isprintable():
        if item_id is None or type(item_id) is bool:
            return None
        if type(item_id) is str and len(item_id) > MAX_ID_LENGTH:
            return None  # cut, it would be another item's
        item_id = text(item_id, MAX_ID_LENGTH)
        if item_id is None:
            return None
    else:
        item_id = item_id.strip()
        if not item_id:
            return None
        if item_id in NOT_SAID:
            said = {name: None if text(value) == item_id else value for name, value in fields.items()}
            return item_of(said, plain_id)
    item = new_item(Item)  # as Item(item_id), written out: its constructor costs 0.4 µs
    item.item_id = item_id
    name = get("name") or get("item_name")
    if type(name) is str and len(name) <= MAX_TEXT_LENGTH and name.isprintable():  # as `text`
        item.name = name.strip() or None
    else:
        item.name = None if name is None else text(name)
    item.brand = item.variant = item.quantity = item.url = item.image_url = None
    item.list_price = item.availability = item.group_id = item.platform_id = None
    category = get("category")
    if type(category) is str and len(category) <= MAX_TEXT_LENGTH and category.isprintable():
        item.category = (category.strip() or None) if ">" not in category else _path(category)
    else:
        item.category = _levels(fields) if category is None else _path(category)
    price = get("price")
    if type(price) is float and 0.0 <= price <= LARGEST_NUMBER:
        item.price = price
    else:
        item.price = None if price is None else _amount(price, LARGEST_NUMBER)
    if not _DETAILS.isdisjoint(fields):
        _read_details(item, fields)
    return item


def _read_details(item: Item, fields: dict[str, Any]) -> None:
    """What is said of some items only."""
    get = fields.get
    if (brand := get("brand") or get("item_brand")) is not None:
        item.brand = text(brand)
    if (variant := get("variant") or get("item_variant")) is not None:
        item.variant = text(variant)
    if (quantity := get("quantity")) is not None:
        item.quantity = _amount(quantity, _MAX_QUANTITY)
    if (url := get("url")) is not None:
        item.url = _address(url)
    if (image_url := get("image_url") or get("image")) is not None:
        item.image_url = _address(image_url)


def value_of_items(items: list[Item]) -> float | None:
    """What the items cost together, when every one of them says its price."""
    total = 0.0
    for item in items:
        if item.price is None:
            return None
        total += item.price * (1.0 if item.quantity is None else item.quantity)
    return round(total, 6) if items and total <= LARGEST_NUMBER else None


def _amount(value: object, largest: float) -> float | None:
    amount = value if type(value) is float else number(value)
    return amount if amount is not None and 0.0 <= amount <= largest else None


def _path(category: object) -> str | None:
    """`Shoes/Trail`, also from `Shoes > Trail` and from a list of levels."""
    if type(category) is list:
        levels = [level for part in category[:10] if (level := text(part)) is not None]
        return text("/".join(levels))
    path = text(category)
    if path is not None and ">" in path:
        return "/".join(level.strip() for level in path.split(">") if level.strip()) or None
    return path


def _levels(fields: dict[str, Any]) -> str | None:
    """GA4's item_category, item_category2, …, item_category5, from the widest to the narrowest."""
    widest = fields.get("item_category")
    if widest is None:
        return None
    path = _path(widest)
    for level in ("item_category2", "item_category3", "item_category4", "item_category5"):
        if (name := text(fields.get(level))) is not None:
            path = f"{path}/{name}" if path else name
    return text(path)


def _address(value: object) -> str | None:
    return item_url(value) if type(value) is str and len(value) <= 2_048 else None
