"""What schema.org's `offers` come to: one price, what it was before, the currency, whether it can be bought.

https://schema.org/offers in the forms that shops use: one or many, AggregateOffer, prices beside or inside
`priceSpecification`, as numbers or as some locale's text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from habitue_collector.wires.addresses import Address
from habitue_collector.wires.money import currency_in
from habitue_collector.wires.schema_org import Node, fold, listed, words
from habitue_collector.wires.values import LARGEST_NUMBER, number

MAX_OFFERS = 100

_AVAILABILITY: Final = {
    **dict.fromkeys(
        ("instock", "available", "limitedavailability", "onlineonly", "instoreonly", "lowstock"), "in_stock"
    ),
    **dict.fromkeys(
        ("outofstock", "oos", "soldout", "discontinued", "unavailable", "notavailable"), "out_of_stock"
    ),
    **dict.fromkeys(("preorder", "presale", "preorderavailable"), "preorder"),
    **dict.fromkeys(("backorder", "availablefororder", "madetoorder"), "backorder"),
}
# https://schema.org/PriceTypeEnumeration: what it cost before, or what the maker would like.
_BEFORE: Final = frozenset(
    ("listprice", "srp", "msrp", "regularprice", "strikethroughprice", "minimumadvertisedprice")
)
_SEPARATORS: Final = str.maketrans("", "", " _-")


@dataclass(slots=True)
class Offer:
    """One offer, read."""

    price: float | None = None
    list_price: float | None = None
    currency: str | None = None
    availability: str | None = None
    sku: str | None = None
    url: str | None = None
    named: bool = False  # the page's address asks for it: its number is the variant's


def read(said: Any, sku: str | None = None, at: Address | None = None) -> Offer:
    """The offer that counts: of this address's variant, of this number, the first to be had, the first."""
    nodes = list(_offers(said))
    read = [(node, _read(node)) for node in nodes]
    priced = [pair for pair in read if pair[1].price is not None] or read
    if not priced:
        return Offer()
    if at is not None and at.query:
        for _, offer in priced:
            address = Address.read(offer.url)
            if address is not None and address.is_exactly(at):
                offer.named = True
                return offer
    if sku is not None:
        for _, offer in priced:
            if offer.sku is not None and fold(offer.sku) == fold(sku):
                return offer
    return next((offer for _, offer in priced if offer.availability in ("in_stock", None)), priced[0][1])


def _offers(said: Any) -> Iterator[Node]:
    """Offers, and those inside an AggregateOffer; the aggregate itself when it holds none."""
    for one in listed(said)[:MAX_OFFERS]:
        if not isinstance(one, dict):
            continue
        inside = [part for part in listed(one.get("offers"))[:MAX_OFFERS] if isinstance(part, dict)]
        if not any(_read(part).price is not None for part in inside):
            yield one
        for part in inside:
            yield {**{name: one[name] for name in ("priceCurrency", "availability") if name in one}, **part}


def _read(node: Node) -> Offer:
    offer = Offer(
        availability=availability(node.get("availability")),
        sku=words(node.get("sku"), 255),
        url=next((one for one in listed(node.get("url")) if isinstance(one, str)), None),
    )
    specifications = [one for one in listed(node.get("priceSpecification"))[:50] if isinstance(one, dict)]
    said: list[Any] = [node.get("list_price")]
    per_measure = False
    for one in specifications:
        if one.get("validForMemberTier"):
            continue  # a price for members is not this visitor's
        kind = words(one.get("priceType")) or ""
        if kind.rsplit("/", 1)[-1].lower() in _BEFORE:
            said.append(_one(one, "price", "minPrice"))
        elif not _is_for_many(one) and (offer.price is None or per_measure):
            price = amount(_one(one, "price", "minPrice"))
            # 25.98 a litre is what a bottle of half a litre costs only when nothing else is said.
            if offer.price is None or (price is not None and not one.get("referenceQuantity")):
                offer.price, per_measure = price, bool(one.get("referenceQuantity"))
        offer.currency = offer.currency or _currency(one)
    own = amount(_one(node, "price", "lowPrice"))
    if own is not None:
        offer.price = own
    elif offer.price is None:
        offer.price = amount(node.get("highPrice"))
    before = [value for one in said if (value := amount(one)) is not None]
    if before and offer.price is not None and max(before) > offer.price:
        offer.list_price = max(before)
    offer.currency = _currency(node) or offer.currency or currency_in(_one(node, "price", "lowPrice"))
    return offer


def amount(value: Any) -> float | None:
    """A price as a number or as text of any locale; None when it is none, or less than nothing."""
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, dict):
        value = _one(value, "price", "value", "@value")
    read = number(value)
    return read if read is not None and 0.0 <= read <= LARGEST_NUMBER else None


def availability(value: Any) -> str | None:
    """schema.org's, OpenGraph's and common words as one of ours; None when nothing is said."""
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, dict):
        value = value.get("@id") or value.get("name")
    if not isinstance(value, str):
        return None
    return _AVAILABILITY.get(value.strip()[:100].rsplit("/", 1)[-1].lower().translate(_SEPARATORS))


def _is_for_many(specification: Node) -> bool:
    """A price from ten pieces on is nobody's price for one."""
    quantity = specification.get("eligibleQuantity")
    least = number(quantity.get("minValue")) if isinstance(quantity, dict) else None
    return least is not None and least > 1


def _currency(node: Node) -> str | None:
    code = words(node.get("priceCurrency") or node.get("currency"), 16)
    if code is not None and len(code) == 3 and code.isascii() and code.isalpha():
        return code.upper()
    return currency_in(f"1 {code}") if code is not None else None  # `€`, `Euro`, `zł`


def _one(node: Node, *names: str) -> Any:
    return next((node[name] for name in names if node.get(name) not in (None, "")), None)
