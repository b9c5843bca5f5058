"""Google Merchant attributes as a catalog item of ours. Pure.

Names and values follow Google's product data specification; feeds in the wild are taken as they come
(`In Stock`, `in_stock`, `https://schema.org/InStock`; `12.90 EUR`, `EUR 12,90`, `€1.299,00`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from habitue_collector.events import MAX_ID_LENGTH, MAX_TEXT_LENGTH

CatalogItem = dict[str, Any]
Value = str | dict[str, Any] | list[Any]

MAX_ATTRIBUTES = 100
MAX_VALUES = 20  # of an attribute that is repeated


class ProblemReason(StrEnum):
    """Why a line of a feed was left out."""

    MALFORMED = "malformed"  # no XML, no JSON, not as many columns as the first line
    MISSING_ID = "missing_id"
    INVALID_ID = "invalid_id"
    MISSING_NAME = "missing_name"
    INVALID_PRICE = "invalid_price"
    INVALID_URL = "invalid_url"
    INVALID_AVAILABILITY = "invalid_availability"
    INVALID_VALUE = "invalid_value"  # a member of a type that cannot be meant


@dataclass(frozen=True, slots=True)
class Problem:
    """A line or element that was left out: where it began, why, and what it looked like."""

    reason: ProblemReason
    line: int
    detail: str = ""
    item_id: str | None = None


class InvalidItem(ValueError):
    """These attributes make no item."""

    def __init__(self, reason: ProblemReason, detail: str = "", item_id: str | None = None) -> None:
        super().__init__(detail or reason.value)
        self.reason, self.detail, self.item_id = reason, detail[:200], item_id

    def at(self, line: int) -> Problem:
        return Problem(self.reason, line, self.detail, self.item_id)


def item_from_attributes(attributes: Mapping[str, Value], now: int) -> CatalogItem:
    """The catalog item. `now` (milliseconds) decides whether a sale goes on. Raises InvalidItem."""
    rest = dict(attributes)
    item_id = _id(rest.pop("id", None))

    def refuse(reason: ProblemReason, detail: str) -> InvalidItem:
        return InvalidItem(reason, detail, item_id)

    name = _first(rest.pop("title", None)) or _first(rest.pop("structured_title", None))
    if not name:
        raise refuse(ProblemReason.MISSING_NAME, "no title")
    item: CatalogItem = {"item_id": item_id, "name": name[:MAX_TEXT_LENGTH]}
    group = _first(rest.pop("item_group_id", None))
    if group:
        item["group_id"] = group[:MAX_ID_LENGTH]
    link = _first(rest.pop("link", None))
    if link:
        if not is_web_address(link):
            raise refuse(ProblemReason.INVALID_URL, f"link {link!r}")
        item["url"] = link
    image = _first(rest.pop("image_link", None))
    if image and is_web_address(image):
        item["image_url"] = image
    brand = _first(rest.pop("brand", None))
    if brand:
        item["brand"] = brand[:MAX_TEXT_LENGTH]
    category = _category(rest)
    if category:
        item["category"] = category
    try:
        _set_price(item, rest, now)
    except ValueError as error:
        raise refuse(ProblemReason.INVALID_PRICE, str(error)) from error
    said = _first(rest.pop("availability", None))
    item["availability"] = "in_stock"
    if said:
        known = availability(said)
        if known is None:
            raise refuse(ProblemReason.INVALID_AVAILABILITY, f"availability {said!r}")
        item["availability"] = known
    item["attributes"] = {
        name: bounded
        for name, value in list(rest.items())[:MAX_ATTRIBUTES]
        if (bounded := _attribute(name, value)) not in (None, "", [], {})
    }
    return item


def item_from_record(record: object) -> CatalogItem:
    """An item in our own shape (`PUT /v1/catalog`), checked. Members we do not know become attributes."""
    if not isinstance(record, dict):
        raise InvalidItem(ProblemReason.MALFORMED, "not a JSON object")
    item_id = _id(record.get("item_id"))

    def refuse(reason: ProblemReason, detail: str) -> InvalidItem:
        return InvalidItem(reason, detail, item_id)

    item: CatalogItem = {"item_id": item_id}
    for member in ("group_id", "name", "url", "image_url", "currency", "category", "brand"):
        value = record.get(member)
        if value is None or value == "":
            continue
        if not isinstance(value, str):
            raise refuse(ProblemReason.INVALID_VALUE, f"{member} is not text")
        item[member] = value[: MAX_ID_LENGTH if member == "group_id" else MAX_TEXT_LENGTH]
    if "name" not in item:
        raise refuse(ProblemReason.MISSING_NAME, "no name")
    for member in ("url", "image_url"):
        if member in item and not is_web_address(item[member]):
            raise refuse(ProblemReason.INVALID_URL, f"{member} {item[member]!r}")
    price = record.get("price")
    if price is not None:
        if isinstance(price, bool) or not isinstance(price, int | float) or not _is_price(price):
            raise refuse(ProblemReason.INVALID_PRICE, f"price {price!r}")
        item["price"] = price
    said = record.get("availability", "in_stock")
    known = availability(said) if isinstance(said, str) else None
    if known is None:
        raise refuse(ProblemReason.INVALID_AVAILABILITY, f"availability {said!r}")
    item["availability"] = known
    attributes = record.get("attributes") or {}
    if not isinstance(attributes, dict):
        raise refuse(ProblemReason.INVALID_VALUE, "attributes is not an object")
    others = {name: value for name, value in record.items() if name not in _OWN_MEMBERS}
    item["attributes"] = dict(list({**others, **attributes}.items())[:MAX_ATTRIBUTES])
    return item


_OWN_MEMBERS = frozenset(
    [
        "item_id",
        "group_id",
        "name",
        "url",
        "image_url",
        "price",
        "currency",
        "availability",
        "category",
        "brand",
        "attributes",
    ]
)


def availability(text: str) -> str | None:
    """One of our four words; None when it cannot be told."""
    word = re.sub(r"[^a-z]", "", text.lower().removeprefix("https://").removeprefix("http://"))
    return _AVAILABILITY.get(word.removeprefix("wwwschemaorg").removeprefix("schemaorg"))


_AVAILABILITY = {
    "instock": "in_stock",
    "available": "in_stock",
    "availablefororder": "in_stock",
    "limitedavailability": "in_stock",
    "instoreonly": "in_stock",
    "onlineonly": "in_stock",
    "yes": "in_stock",
    "outofstock": "out_of_stock",
    "soldout": "out_of_stock",
    "discontinued": "out_of_stock",
    "notavailable": "out_of_stock",
    "no": "out_of_stock",
    "preorder": "preorder",
    "presale": "preorder",
    "backorder": "backorder",
}


def money(text: str) -> tuple[float, str | None]:
    """Amount and currency (ISO 4217) of a price as feeds write it. Raises ValueError.

    A dot or comma followed by one or two digits at the end, or the last of two different ones, is the
    decimal sign; three digits after the only one are thousands only when it occurs more than once.
    """
    found = _MONEY.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"price {text[:50]!r}")
    currency = found["before"] or found["after"] or ""
    digits = re.sub(r"[\s'\u00a0\u202f]", "", found["amount"])
    comma, dot = digits.rfind(","), digits.rfind(".")
    if comma >= 0 and dot >= 0:
        thousands = "," if dot > comma else "."
        digits = digits.replace(thousands, "")
    for sign in ",.":
        if digits.count(sign) > 1:
            digits = digits.replace(sign, "")
    # One comma and exactly three digits is how nobody writes cents: 1,299 USD.
    digits = digits.replace(",", "") if re.fullmatch(r"\d{1,3},\d{3}", digits) else digits.replace(",", ".")
    amount = float(digits)
    if not _is_price(amount):
        raise ValueError(f"price {text[:50]!r}")
    code = _SIGNS.get(currency, currency.upper())
    return amount, code or None


_MONEY = re.compile(
    r"(?P<before>[A-Za-z]{3}|[€$£¥]|zł|Kč)?\s*(?P<amount>\d[\d.,'\s\u00a0\u202f]*)\s*(?P<after>[A-Za-z]{3}|[€$£¥]|zł|Kč)?"
)
_SIGNS = {"€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY", "zł": "PLN", "Kč": "CZK"}


def is_web_address(text: str) -> bool:
    """Whether this may stand in a page's `href` or `src`."""
    if len(text) > 2_048 or any(ord(character) <= 32 for character in text):
        return False
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def path_of(text: str) -> str:
    """A category as a path: `Home > Kitchen > Pans` → `Home/Kitchen/Pans`."""
    # A slash in a name would make two levels of one.
    parts = text.replace("/", "-").split(">") if ">" in text else text.split("/")
    return "/".join(" ".join(part.split()) for part in parts if part.strip())[:MAX_TEXT_LENGTH]


def _category(rest: dict[str, Value]) -> str | None:
    """The shop's own `product_type`, else Google's category when it is in words."""
    own, googles = _first(rest.pop("product_type", None)), _first(rest.get("google_product_category"))
    if googles.isdigit():
        googles = ""
    elif googles:
        rest.pop("google_product_category")
    return path_of(own or googles) or None


def _set_price(item: CatalogItem, rest: dict[str, Value], now: int) -> None:
    text, sale = _first(rest.pop("price", None)), _first(rest.pop("sale_price", None))
    when = _first(rest.get("sale_price_effective_date"))
    if text:
        item["price"], currency = money(text)
        if currency:
            item["currency"] = currency
    if not sale:
        return
    reduced, currency = money(sale)
    if when and not _within(when, now):
        rest["sale_price"] = sale
        return
    if "price" in item and reduced < item["price"]:
        rest["list_price"] = item["price"]
    if "price" not in item or reduced < item["price"]:
        item["price"] = reduced
        if currency:
            item["currency"] = currency


def _within(period: str, now: int) -> bool:
    """Whether `from/until` (ISO 8601) holds `now`; a period that cannot be read holds nothing."""
    start, _, end = period.partition("/")
    try:
        first, last = (datetime.fromisoformat(moment.strip()).timestamp() * 1000 for moment in (start, end))
    except (ValueError, OverflowError, OSError):
        return False
    return first <= now <= last


def _attribute(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_attribute(name, one) for one in value[:MAX_VALUES]]
    if isinstance(value, dict):
        return {key: _attribute(key, one) for key, one in list(value.items())[:MAX_VALUES]}
    if not isinstance(value, str):
        return value
    text = value.strip()
    if name in _YES_NO and text.lower() in _YES_NO_WORDS:
        return _YES_NO_WORDS[text.lower()]
    if name == "cost_of_goods_sold":
        try:
            return money(text)[0]
        except ValueError:
            return text[:MAX_TEXT_LENGTH]
    return text[:MAX_TEXT_LENGTH]


_YES_NO = frozenset({"adult", "is_bundle", "identifier_exists", "pause"})
_YES_NO_WORDS = {"yes": True, "true": True, "y": True, "no": False, "false": False, "n": False}


def _id(value: object) -> str:
    text = _first(value)
    if not text:
        raise InvalidItem(ProblemReason.MISSING_ID, "no id")
    if len(text) > MAX_ID_LENGTH or not text.isprintable():
        raise InvalidItem(ProblemReason.INVALID_ID, f"id {text[:50]!r}")
    return text


def _first(value: object) -> str:
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, dict):
        value = value.get("content")  # structured_title, structured_description
    return value.strip() if isinstance(value, str) else ""


def _is_price(amount: float) -> bool:
    return math.isfinite(amount) and 0 <= amount < 1e12
