"""One thing that can be recommended, and the door for everything that is said of it. Pure.

`parse_fields` checks what a shop or a browser says, `merged` makes the item of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from sys import intern
from typing import Any
from urllib.parse import urlsplit

import orjson

from habitue_collector.events import MAX_ID_LENGTH, MAX_TEXT_LENGTH

MAX_URL_LENGTH = 2_048
MAX_CATEGORY_DEPTH = 10
MAX_ATTRIBUTES_BYTES = 8_192  # as JSON; 92,000 items of that size would be 750 MB in every worker
MAX_PRICE = 1e12
KEPT_PRICES = 5  # earlier ones of an item: what somebody saw may have been two cuts ago


class ProblemReason(StrEnum):
    """Why an item was refused: the answer says it for each one."""

    INVALID_ITEM = "invalid_item"  # not a JSON object
    MISSING_ITEM_ID = "missing_item_id"
    INVALID_ITEM_ID = "invalid_item_id"
    MISSING_NAME = "missing_name"  # a new item needs one
    INVALID_TEXT = "invalid_text"  # a member that should be text and is not, or cannot be stored
    TEXT_TOO_LONG = "text_too_long"
    INVALID_PRICE = "invalid_price"
    INVALID_CURRENCY = "invalid_currency"
    INVALID_URL = "invalid_url"  # neither http(s) nor a path on the shop's own host
    INVALID_AVAILABILITY = "invalid_availability"
    INVALID_ATTRIBUTES = "invalid_attributes"
    VERIFIED_ITEM = "verified_item"  # what was seen on a page never changes what the feed said
    CONFLICT = "conflict"  # changed by others again and again while we tried
    UNKNOWN_ITEM = "unknown_item"  # nothing to delete


class InvalidItem(ValueError):
    """One item of a feed cannot be taken; its neighbours can."""

    def __init__(self, reason: ProblemReason, detail: str = "") -> None:
        super().__init__(detail or reason.value)
        self.reason = reason
        self.detail = detail


class Availability(StrEnum):
    IN_STOCK = "in_stock"
    OUT_OF_STOCK = "out_of_stock"
    PREORDER = "preorder"
    BACKORDER = "backorder"


# Google Merchant, schema.org and what shops write by hand; keys without spaces, dashes and underscores.
_AVAILABILITY_WORDS = {
    **dict.fromkeys(
        ("instock", "available", "yes", "true", "1", "limitedavailability", "onlineonly", "instoreonly"),
        Availability.IN_STOCK,
    ),
    **dict.fromkeys(
        ("outofstock", "soldout", "discontinued", "unavailable", "notavailable", "no", "false", "0"),
        Availability.OUT_OF_STOCK,
    ),
    **dict.fromkeys(("preorder", "presale"), Availability.PREORDER),
    **dict.fromkeys(("backorder", "availablefororder", "madetoorder"), Availability.BACKORDER),
}


@dataclass(slots=True)
class Item:
    """One thing that can be recommended. `category` is a path (`Shoes/Trail`), times are milliseconds.

    `verified` says that the shop's feed vouches for it; otherwise it was learnt from a page.
    """

    item_id: str
    group_id: str | None = None
    name: str = ""
    url: str = ""
    image_url: str = ""
    price: float | None = None
    currency: str | None = None
    availability: str = Availability.IN_STOCK
    category: str = ""
    brand: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)
    verified: bool = True
    first_seen: int = 0
    updated_at: int = 0
    earlier_prices: tuple[tuple[float, int], ...] = ()  # (price, until when), oldest first
    group: str = field(init=False, repr=False, compare=False)  # variants of one thing share it
    buyable: bool = field(init=False, repr=False, compare=False)
    plain: bool = field(init=False, repr=False, compare=False)  # buyable and verified: most are
    _packed: bytes = field(init=False, repr=False, compare=False, default=b"")

    @property
    def packed(self) -> bytes:
        """What its offers say, as JSON without the closing brace: made once (some 250 bytes)."""
        if not self._packed:
            self._packed = orjson.dumps(self.to_offer())[:-1]
        return self._packed

    def to_offer(self) -> dict[str, Any]:
        """What its offers say of it."""
        return {
            "item_id": self.item_id,
            "name": self.name,
            "price": self.price,
            "currency": self.currency,
            "url": self.url,
            "image_url": self.image_url,
        }

    def __post_init__(self) -> None:
        self.group = self.group_id or self.item_id
        self.buyable = self.availability != "out_of_stock"
        self.plain = self.buyable and self.verified

    def to_public(self) -> dict[str, Any]:
        """As `GET /v1/catalog/{item_id}` shows it and Redis keeps it."""
        # `updated_at` stands first: the storing script finds it there without parsing the rest.
        return {
            "updated_at": self.updated_at,
            "first_seen": self.first_seen,
            "verified": self.verified,
            "item_id": self.item_id,
            "group_id": self.group_id,
            "name": self.name,
            "url": self.url,
            "image_url": self.image_url,
            "price": self.price,
            "currency": self.currency,
            "availability": self.availability,
            "category": self.category,
            "brand": self.brand,
            "attributes": self.attributes,
            **({"earlier_prices": self.earlier_prices} if self.earlier_prices else {}),
        }

    def price_at(self, moment: int) -> float | None:
        """What it cost then; None when that is not known any more."""
        earlier = self.earlier_prices
        if not earlier or moment >= earlier[-1][1]:
            return self.price
        if moment < earlier[0][1] and (len(earlier) == KEPT_PRICES or moment < self.first_seen):
            return None
        return next(price for price, until in earlier if moment < until)

    def pack(self) -> bytes:
        return orjson.dumps(self.to_public())

    @classmethod
    def unpack(cls, packed: bytes | str) -> Item:
        """The inverse of `pack`. Raises ValueError on what is not an item."""
        raw = orjson.loads(packed)
        try:
            return cls(
                raw["item_id"],
                raw.get("group_id"),
                raw.get("name") or "",
                raw.get("url") or "",
                raw.get("image_url") or "",
                raw.get("price"),
                raw.get("currency"),
                raw.get("availability") or "in_stock",
                intern(raw.get("category") or ""),  # 92,000 items share some hundred of these
                intern(raw.get("brand") or ""),
                raw.get("attributes") or {},
                raw.get("verified", True),
                raw.get("first_seen", 0),
                raw.get("updated_at", 0),
                tuple((float(price), int(until)) for price, until in raw.get("earlier_prices") or ()),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a catalog item: {packed[:80]!r}") from error


def parse_item(raw: Any, now: int = 0) -> Item:
    """A whole item from what a feed says. Raises InvalidItem with its reason."""
    return merged(None, parse_fields(raw), now=now, verified=True)


def parse_fields(raw: Any) -> dict[str, Any]:
    """The members of `raw` that an item has, checked and normalised; null empties, unknown ones fall away.

    Raises InvalidItem with its reason.
    """
    if not isinstance(raw, Mapping):
        raise InvalidItem(ProblemReason.INVALID_ITEM, "an item is a JSON object")
    fields: dict[str, Any] = {"item_id": _item_id(raw.get("item_id"))}
    for name in ("name", "category", "brand", "currency", "url", "image_url", "group_id"):
        if name in raw:
            fields[name] = _PARSERS[name](raw[name], name)
    if "price" in raw:
        fields["price"] = parse_price(raw["price"])
    if "availability" in raw:
        fields["availability"] = parse_availability(raw["availability"])
    if "attributes" in raw:
        fields["attributes"] = _attributes(raw["attributes"])
    return fields


def merged(old: Item | None, fields: Mapping[str, Any], *, now: int, verified: bool) -> Item:
    """The item after these members were said of it; absent members stay as they were.

    `updated_at` always grows, so whoever holds two versions of an item knows the later one.
    Raises InvalidItem: a new item needs a name; what is verified is not changed by what is not.
    """
    if old is None:
        if not fields.get("name"):
            raise InvalidItem(ProblemReason.MISSING_NAME, "a new item needs a name")
        return Item(**fields, verified=verified, first_seen=now, updated_at=now)
    if old.verified and not verified:
        raise InvalidItem(ProblemReason.VERIFIED_ITEM)
    if "name" in fields and not fields["name"]:
        raise InvalidItem(ProblemReason.MISSING_NAME, "an item needs a name")
    if verified and not old.verified:
        # The feed vouches for what it says; what a page said beside it falls away.
        known = {"item_id": old.item_id, "name": old.name} | dict(fields)
        return Item(**known, first_seen=old.first_seen, updated_at=max(now, old.updated_at + 1))
    changed = replace(old, **fields, updated_at=max(now, old.updated_at + 1))
    if (changed.price, changed.currency) != (old.price, old.currency):
        changed.earlier_prices = _earlier_prices(old, changed, now)
    return changed


def _earlier_prices(old: Item, changed: Item, now: int) -> tuple[tuple[float, int], ...]:
    """What it cost before and until when; nothing when prices cannot be compared any more."""
    if old.price is None or changed.price is None or old.currency != changed.currency:
        return ()
    return (*old.earlier_prices, (old.price, now))[-KEPT_PRICES:]


def parse_price(value: Any) -> float | None:
    """A finite number from 0 up, also as digits in text. Raises InvalidItem."""
    if value is None:
        return None
    if isinstance(value, str):
        try:
            value = float(value.strip())
        except ValueError:
            raise InvalidItem(ProblemReason.INVALID_PRICE, f"price: {value[:40]!r} is not a number") from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidItem(ProblemReason.INVALID_PRICE, "price is a number")
    if not 0 <= value <= MAX_PRICE or not math.isfinite(value):  # compared first: huge ints have no float
        raise InvalidItem(ProblemReason.INVALID_PRICE, "price is a finite number from 0 up")
    return float(value)


def parse_availability(value: Any) -> str:
    """Google's, schema.org's and common words as one of four. Raises InvalidItem."""
    if value is None:
        return Availability.IN_STOCK.value
    word = str(value).strip() if isinstance(value, str | bool | int) else ""
    word = word.rsplit("/", 1)[-1].casefold()[:40]
    known = _AVAILABILITY_WORDS.get(word.replace(" ", "").replace("_", "").replace("-", ""))
    if known is None:
        raise InvalidItem(ProblemReason.INVALID_AVAILABILITY, f"availability: {word!r} is not a known word")
    return known.value


def parse_url(value: Any, name: str = "url") -> str:
    """An http(s) address or a path on the shop's own host; "" when there is none. Raises InvalidItem.

    Browsers drop tabs and newlines inside an address and take `\\` for `/`, so both are refused, as is
    a user part (`https://shop.example@evil.example`) and an address without its scheme.
    """
    text = parse_text(value, name, MAX_URL_LENGTH)
    if not text:
        return ""
    bad = InvalidItem(ProblemReason.INVALID_URL, f"{name}: http, https or a path beginning with /")
    if "\\" in text or any(character <= " " or character == "\x7f" for character in text):
        raise bad
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise bad from None
    if parts.scheme in ("http", "https"):
        if not host or "@" in parts.netloc or not text[len(parts.scheme) :].startswith("://"):
            raise bad
    elif parts.scheme or parts.netloc or text.startswith("//") or ":" in text.split("/", 1)[0]:
        raise bad
    return text


def parse_text(value: Any, name: str, limit: int = MAX_TEXT_LENGTH) -> str:
    """Text without control characters at its ends or inside; numbers become text. Raises InvalidItem."""
    if value is None:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise InvalidItem(ProblemReason.INVALID_TEXT, f"{name} is text")
    if len(value) > limit:
        raise InvalidItem(ProblemReason.TEXT_TOO_LONG, f"{name} has more than {limit} characters")
    if not value.isprintable():  # which is true of nearly every name, and costs 50 ns
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InvalidItem(ProblemReason.INVALID_TEXT, f"{name} cannot be stored as UTF-8") from None
        value = "".join(" " if character < " " or character == "\x7f" else character for character in value)
    stripped: str = value.strip()
    return stripped


def parse_category(value: Any, name: str = "category") -> str:
    """A path `A/B/C`; a list and Google's `A > B` are paths too. Raises InvalidItem."""
    if isinstance(value, list | tuple):
        parts = [parse_text(part, name).replace("/", "-") for part in value[:MAX_CATEGORY_DEPTH]]
    else:
        text = parse_text(value, name)
        parts = text.replace("/", "-").split(" > ") if " > " in text else text.split("/")
    parts = [part.strip() for part in parts]
    return "/".join([part for part in parts if part][:MAX_CATEGORY_DEPTH])


def _item_id(value: Any) -> str:
    if value is None or value == "":
        raise InvalidItem(ProblemReason.MISSING_ITEM_ID, "item_id is missing")
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1e18:
        return str(value)
    if not isinstance(value, str) or len(value) > MAX_ID_LENGTH or value != value.strip():
        raise InvalidItem(ProblemReason.INVALID_ITEM_ID, f"item_id is text, at most {MAX_ID_LENGTH} long")
    if parse_text(value, "item_id") != value:
        raise InvalidItem(ProblemReason.INVALID_ITEM_ID, "item_id has a control character")
    return value


def _group_id(value: Any, name: str) -> str | None:
    return parse_text(value, name, MAX_ID_LENGTH) or None


def _currency(value: Any, name: str) -> str | None:
    text = parse_text(value, name).upper()
    if not text:
        return None
    if len(text) != 3 or not (text.isascii() and text.isalpha()):
        raise InvalidItem(ProblemReason.INVALID_CURRENCY, "currency is an ISO 4217 code of three letters")
    return text


def _attributes(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidItem(ProblemReason.INVALID_ATTRIBUTES, "attributes is an object")
    try:
        packed = orjson.dumps(value)
    except (TypeError, ValueError):  # too deep, not text as names, numbers of more than 64 bits
        raise InvalidItem(ProblemReason.INVALID_ATTRIBUTES, "attributes cannot be stored as JSON") from None
    if len(packed) > MAX_ATTRIBUTES_BYTES:
        raise InvalidItem(ProblemReason.INVALID_ATTRIBUTES, f"more than {MAX_ATTRIBUTES_BYTES} bytes")
    parsed: dict[str, Any] = orjson.loads(packed)
    return parsed


_PARSERS: dict[str, Any] = {
    "name": parse_text,
    "brand": parse_text,
    "category": parse_category,
    "currency": _currency,
    "url": parse_url,
    "image_url": parse_url,
    "group_id": _group_id,
}
