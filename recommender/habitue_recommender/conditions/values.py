"""Values as conditions compare them, and how each field is read. Pure.

Shops put numbers into texts and texts into numbers, so what has no fixed type becomes what it is compared
with. Nothing here raises, whatever stands in an attribute or a trait.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from math import isfinite
from typing import Any

from habitue_collector.exposures import mark
from habitue_recommender.catalog.items import Item
from habitue_recommender.conditions.asked import Asked

Get = Callable[[Asked, Item], Any]

AFFINITIES = ("visitor.affinity.category", "visitor.affinity.brand")
_LONGEST_NUMBER = 40  # characters


def number(value: Any) -> float | int | None:
    """A number, also one that stands in a text; None is missing."""
    kind = type(value)
    if kind is float or kind is int:
        return value  # type: ignore[no-any-return]  # the type is looked at one line above
    return _parsed(value) if kind is str and len(value) <= _LONGEST_NUMBER else None


@lru_cache(maxsize=10_000)  # a feed has the same few margins again and again
def _parsed(text: str) -> float | None:
    try:
        parsed = float(text)
    except ValueError:
        return None
    return parsed if isfinite(parsed) else None


def text(value: Any) -> str:
    """A text, also of a number; "" is missing."""
    kind = type(value)
    if kind is str:
        return value  # type: ignore[no-any-return]  # the type is looked at one line above
    if kind is int:
        return str(value)
    if kind is float:
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if kind is bool:
        return "true" if value else "false"
    return ""


def truth(value: Any) -> bool | None:
    """True or false, also as the words; None is neither."""
    if type(value) is bool:
        return value
    if type(value) is str:
        return {"true": True, "false": False}.get(value.strip().lower())
    return None


def is_empty(value: Any) -> bool:
    return value is None or value == "" or value == [] or value == {}


def size(value: Any) -> int | None:
    return len(value) if isinstance(value, str | list | dict | frozenset | tuple) else None


def path_holds(path: str, part: str) -> bool:
    """Whether `part` (folded, without slashes at its ends) is one or more whole parts of the path."""
    return f"/{part}/" in f"/{path.casefold()}/"


def folded_part(part: str) -> str:
    """A part of a path as `path_holds` wants it; "" holds nowhere."""
    return "/".join(one for word in part.casefold().split("/") if (one := word.strip()))


def holds(value: Any, needle: str) -> bool:
    """Whether a value of any type has this in it: a list an entry, named values a name; a text is it."""
    if not needle:
        return False
    if isinstance(value, list):
        return any(text(one) == needle for one in value)
    if isinstance(value, dict):
        return needle in value
    return text(value) == needle


# ---- fields of an item ---------------------------------------------------------------------------


def _shown(asked: Asked, item: Item) -> int:
    return shown(asked, item.item_id)


def shown(asked: Asked, item_id: str) -> int:
    """How often an offer of this item was in view, as far as the profile knows."""
    seen = asked.known["exposures"].get(item_id)
    if seen is None and (earlier := asked.known["earlier_exposures"]):
        seen = earlier.get(mark(item_id))
    return 0 if seen is None else seen.count


ITEM: Mapping[str, Get] = {
    "item_id": lambda asked, item: item.item_id,
    "group_id": lambda asked, item: item.group_id or "",
    "name": lambda asked, item: item.name,
    "url": lambda asked, item: item.url,
    "image_url": lambda asked, item: item.image_url,
    "brand": lambda asked, item: item.brand,
    "category": lambda asked, item: item.category,
    "price": lambda asked, item: item.price,
    "currency": lambda asked, item: item.currency or "",
    "availability": lambda asked, item: item.availability,
    "in_stock": lambda asked, item: item.availability == "in_stock",
    "new": lambda asked, item: item.first_seen > asked.known.new_since,
    "margin": lambda asked, item: number(item.attributes.get("margin")),
    "stock": lambda asked, item: number(item.attributes.get("stock")),
    "attributes": lambda asked, item: item.attributes,
    "in_cart": lambda asked, item: item.item_id in asked.known["visitor.cart.items"],
    "viewed": lambda asked, item: item.item_id in asked.known["visitor.viewed"],
    "bought": lambda asked, item: item.item_id in asked.known["visitor.bought"],
    "shown": _shown,
}


def getter(name: str, key: str | None) -> Get:
    """How the field of this name is read; `key` picks one of many values."""
    if name == "slot":
        return lambda asked, item: asked.slot
    if name.startswith("item."):
        return _member(ITEM[name[len("item.") :]], key)
    if name.startswith("page.item."):
        get = _member(ITEM[name[len("page.item.") :]], key)
        return lambda asked, item: get(asked, asked.known.viewed)
    if name in AFFINITIES and key is not None:
        return _affinity(name, key)
    return _member(lambda asked, item: asked.known[name], key)


def _member(get: Get, key: str | None) -> Get:
    if key is None:
        return get
    if get is ITEM["attributes"]:
        return lambda asked, item: item.attributes.get(key)
    return lambda asked, item: get(asked, item).get(key)


def _affinity(name: str, key: str) -> Get:
    """The share of all paths (or brands) that have this part; computed once per request.

    Profiles keep the first 96 characters of a path and 48 of a brand.
    """
    part, kept = folded_part(key), f"{name}:{key}"

    def share(asked: Asked, item: Item) -> float:
        known = asked.known
        if kept not in known:
            known[kept] = sum(one for path, one in known[name].items() if path_holds(path, part))
        return known[kept]  # type: ignore[no-any-return]  # the sum put there

    return share
