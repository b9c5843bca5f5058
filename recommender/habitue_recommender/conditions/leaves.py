"""The smallest tests: one value against one constant, each written out for speed. Pure.

A comparison whose constant is missing (None, "") holds for no value, but for `!=`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import eq, ge, gt, le, lt, ne
from typing import Any, NamedTuple

from habitue_recommender.catalog.items import Item
from habitue_recommender.conditions.asked import VALUES, Asked
from habitue_recommender.conditions.fields import BOOL, NUMBER, Type
from habitue_recommender.conditions.tree import Operator, Read
from habitue_recommender.conditions.values import Get, is_empty, number, text

Test = Callable[[Asked, Item], bool]

_EQUAL, _UNEQUAL, _LESS, _LESS_OR_EQUAL, _MORE, _MORE_OR_EQUAL = (
    Operator.EQUAL,
    Operator.UNEQUAL,
    Operator.LESS,
    Operator.LESS_OR_EQUAL,
    Operator.MORE,
    Operator.MORE_OR_EQUAL,
)
FLIPPED = {
    _EQUAL: _EQUAL,
    _UNEQUAL: _UNEQUAL,
    _LESS: _MORE,
    _LESS_OR_EQUAL: _MORE_OR_EQUAL,
    _MORE: _LESS,
    _MORE_OR_EQUAL: _LESS_OR_EQUAL,
}


COMPARE: Mapping[Operator, Callable[[Any, Any], bool]] = {
    _EQUAL: eq,
    _UNEQUAL: ne,
    _LESS: lt,
    _LESS_OR_EQUAL: le,
    _MORE: gt,
    _MORE_OR_EQUAL: ge,
}


class OneOf(NamedTuple):
    """The constant of an `in`."""

    values: frozenset[Any]


def YES(asked: Asked, item: Item) -> bool:  # a constant that happens to be callable
    return True


def NO(asked: Asked, item: Item) -> bool:  # a constant that happens to be callable
    return False


def number_test(get: Get, operator: Operator, number: float | int | None) -> Test:
    if number is None:
        return YES if operator is _UNEQUAL else NO
    return _NUMBER[operator](get, number)


_NUMBER: Mapping[Operator, Callable[[Get, float], Test]] = {
    _EQUAL: lambda get, number: lambda asked, item: get(asked, item) == number,
    _UNEQUAL: lambda get, number: lambda asked, item: get(asked, item) != number,
    _LESS: lambda get, number: lambda asked, item: (value := get(asked, item)) is not None and value < number,
    _LESS_OR_EQUAL: lambda get, number: (
        lambda asked, item: (value := get(asked, item)) is not None and value <= number
    ),
    _MORE: lambda get, number: lambda asked, item: (value := get(asked, item)) is not None and value > number,
    _MORE_OR_EQUAL: lambda get, number: (
        lambda asked, item: (value := get(asked, item)) is not None and value >= number
    ),
}


def numbers_test(get: Get, numbers: frozenset[float]) -> Test:
    return (lambda asked, item: get(asked, item) in numbers) if numbers else NO


def text_test(get: Get, operator: Operator, text: str) -> Test:
    if not text:
        return YES if operator is _UNEQUAL else NO
    return _TEXT[operator](get, text)


_TEXT: Mapping[Operator, Callable[[Get, str], Test]] = {
    _EQUAL: lambda get, text: lambda asked, item: get(asked, item) == text,
    _UNEQUAL: lambda get, text: lambda asked, item: get(asked, item) != text,
    _LESS: lambda get, text: lambda asked, item: (value := get(asked, item)) != "" and value < text,
    _LESS_OR_EQUAL: lambda get, text: lambda asked, item: (value := get(asked, item)) != "" and value <= text,
    _MORE: lambda get, text: lambda asked, item: get(asked, item) > text,
    _MORE_OR_EQUAL: lambda get, text: lambda asked, item: get(asked, item) >= text,
}


def texts_test(get: Get, texts: frozenset[str]) -> Test:
    return (lambda asked, item: get(asked, item) in texts) if texts else NO


def truth_test(get: Get, operator: Operator, truth: bool | None) -> Test:
    if truth is None:
        return YES if operator is _UNEQUAL else NO
    if operator is _EQUAL:
        return lambda asked, item: get(asked, item) is truth
    return lambda asked, item: get(asked, item) is not truth


def empty_test(get: Get, operator: Operator) -> Test:
    """`x == null`, `x == ""` and their opposites."""
    if operator is _EQUAL:
        return lambda asked, item: is_empty(get(asked, item))
    return lambda asked, item: not is_empty(get(asked, item))


# ---- fields of the item, read in place -----------------------------------------------------------

_PRICE: Mapping[Operator, Callable[[float], Test]] = {
    _EQUAL: lambda number: lambda asked, item: item.price == number,
    _UNEQUAL: lambda number: lambda asked, item: item.price != number,
    _LESS: lambda number: lambda asked, item: (price := item.price) is not None and price < number,
    _LESS_OR_EQUAL: lambda number: lambda asked, item: (price := item.price) is not None and price <= number,
    _MORE: lambda number: lambda asked, item: (price := item.price) is not None and price > number,
    _MORE_OR_EQUAL: lambda number: lambda asked, item: (price := item.price) is not None and price >= number,
}

_ITEM_TEXT: Mapping[tuple[str, Operator], Callable[[str], Test]] = {
    ("item.item_id", _EQUAL): lambda text: lambda asked, item: item.item_id == text,
    ("item.item_id", _UNEQUAL): lambda text: lambda asked, item: item.item_id != text,
    ("item.group_id", _EQUAL): lambda text: lambda asked, item: item.group_id == text,
    ("item.group_id", _UNEQUAL): lambda text: lambda asked, item: item.group_id != text,
    ("item.brand", _EQUAL): lambda text: lambda asked, item: item.brand == text,
    ("item.brand", _UNEQUAL): lambda text: lambda asked, item: item.brand != text,
    ("item.category", _EQUAL): lambda text: lambda asked, item: item.category == text,
    ("item.category", _UNEQUAL): lambda text: lambda asked, item: item.category != text,
    ("item.name", _EQUAL): lambda text: lambda asked, item: item.name == text,
    ("item.name", _UNEQUAL): lambda text: lambda asked, item: item.name != text,
    ("item.currency", _EQUAL): lambda text: lambda asked, item: item.currency == text,
    ("item.currency", _UNEQUAL): lambda text: lambda asked, item: item.currency != text,
    ("item.availability", _EQUAL): lambda text: lambda asked, item: item.availability == text,
    ("item.availability", _UNEQUAL): lambda text: lambda asked, item: item.availability != text,
}

_ITEM_IN: Mapping[str, Callable[[frozenset[str]], Test]] = {
    "item.item_id": lambda texts: lambda asked, item: item.item_id in texts,
    "item.brand": lambda texts: lambda asked, item: item.brand in texts,
    "item.category": lambda texts: lambda asked, item: item.category in texts,
    "item.name": lambda texts: lambda asked, item: item.name in texts,
    "item.availability": lambda texts: lambda asked, item: item.availability in texts,
}


# ---- fields of the request, read in place --------------------------------------------------------

_KNOWN_NUMBER: Mapping[Operator, Callable[[str, float], Test]] = {
    _EQUAL: lambda name, number: lambda asked, item: asked.known[name] == number,
    _UNEQUAL: lambda name, number: lambda asked, item: asked.known[name] != number,
    _LESS: lambda name, number: (
        lambda asked, item: (value := asked.known[name]) is not None and value < number
    ),
    _LESS_OR_EQUAL: lambda name, number: (
        lambda asked, item: (value := asked.known[name]) is not None and value <= number
    ),
    _MORE: lambda name, number: (
        lambda asked, item: (value := asked.known[name]) is not None and value > number
    ),
    _MORE_OR_EQUAL: lambda name, number: (
        lambda asked, item: (value := asked.known[name]) is not None and value >= number
    ),
}


def quick_test(left: Read, operator: Operator, value: Any) -> Test | None:
    """A test that reads its field without a call in between; None when there is none for it."""
    name = left.field.name
    if name in _ATTRIBUTES:
        key = _ATTRIBUTES[name] if left.key is None else left.key
        return None if key is None else _attribute_test(key, left.type, operator, value)
    if left.key is not None:
        return None
    if name.startswith("item."):
        return _item_test(name, operator, value)
    if name not in VALUES:
        return None
    if isinstance(value, OneOf):
        texts = value.values
        return (lambda asked, item: asked.known[name] in texts) if texts and left.type is not NUMBER else None
    if left.type is NUMBER:
        return _KNOWN_NUMBER[operator](name, value) if type(value) in (int, float) else None
    if type(value) is not str or not value or left.type is BOOL:
        return None
    if operator is _EQUAL:
        return lambda asked, item: asked.known[name] == value
    return (lambda asked, item: asked.known[name] != value) if operator is _UNEQUAL else None


_ATTRIBUTES = {"item.attributes": None, "item.margin": "margin", "item.stock": "stock"}


def _attribute_test(key: str, kind: Type, operator: Operator, value: Any) -> Test | None:
    """Attributes are mostly of the type that they are compared with; the rest is turned into it."""
    compare = COMPARE.get(operator)
    if compare is None:
        return None
    if type(value) is int or type(value) is float:
        whole = number_test(lambda asked, item: number(item.attributes.get(key)), operator, value)

        def by_number(asked: Asked, item: Item) -> bool:
            found = item.attributes.get(key)
            return compare(found, value) if type(found) is float else whole(asked, item)

        return by_number
    if kind is NUMBER or type(value) is not str or operator not in (_EQUAL, _UNEQUAL) or not value:
        return None

    def by_text(asked: Asked, item: Item) -> bool:
        found = item.attributes.get(key)
        return compare(found if type(found) is str else text(found), value)

    return by_text


def _item_test(name: str, operator: Operator, value: Any) -> Test | None:
    if name == "item.price":
        return _PRICE[operator](value) if type(value) in (int, float) and operator in _PRICE else None
    if isinstance(value, OneOf):
        make_in = _ITEM_IN.get(name)
        return None if make_in is None or not value.values else make_in(value.values)
    make = _ITEM_TEXT.get((name, operator))
    return None if make is None or type(value) is not str or not value else make(value)
