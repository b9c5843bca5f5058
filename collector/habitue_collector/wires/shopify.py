"""What a Shopify web pixel hands over as `event.data`, in the native wire's words. Pure.

https://shopify.dev/docs/api/web-pixels-api/standard-events: a pixel that sends `event.name` and `event.data`
as they are needs no mapping of its own. An item is its variant's SKU, else its product's number, as themes
have it. Of a checkout only the order, its money and its lines are kept: no address, no e-mail, no telephone.
"""

from __future__ import annotations

from typing import Any, Final

from habitue_collector.events import MAX_ITEMS_PER_EVENT

# What Shopify hands over, and what is in it: a shop's own `collection: "Summer"` is its own.
_SIGNS: Final = {
    "productVariant": frozenset(("product", "price")),
    "cartLine": frozenset(("merchandise",)),
    "cart": frozenset(("lines",)),
    "checkout": frozenset(("lineItems", "totalPrice", "shippingAddress", "billingAddress")),
    "collection": frozenset(("productVariants",)),
    "searchResult": frozenset(("productVariants",)),
}
MEMBERS: Final = frozenset(_SIGNS)


def members(properties: dict[str, Any]) -> frozenset[str]:
    """Those of the properties that Shopify handed over."""
    return frozenset(
        name
        for name in MEMBERS.intersection(properties)
        if not _SIGNS[name].isdisjoint(_members(properties[name]))
    )


def read(properties: dict[str, Any], shopifys: frozenset[str]) -> dict[str, Any]:
    """The properties of a track call; `shopifys` are those of its members that are read here."""
    said = {name: value for name, value in properties.items() if name not in shopifys}
    data = {name: properties[name] for name in shopifys}
    products: list[dict[str, Any]] = []
    money = None
    if variant := _members(data.get("productVariant")):
        products.append(_product(variant))
        money = _members(variant.get("price"))
    if line := _members(data.get("cartLine")):
        products.append(_line(line))
        money = _members(_members(line.get("merchandise")).get("price"))
    if cart := _members(data.get("cart")):
        products += [_line(one) for one in _list(cart.get("lines"))]
        money = _members(_members(cart.get("cost")).get("totalAmount"))
    for name in ("collection", "searchResult"):
        if listing := _members(data.get(name)):
            products += [_product(one) for one in _list(listing.get("productVariants"))]
            said |= {"query": listing["query"]} if "query" in listing else {}
            said |= {"category": listing["title"]} if "title" in listing else {}
    if checkout := _members(data.get("checkout")):
        products += [_line(one) for one in _list(checkout.get("lineItems"))]
        money = _members(checkout.get("totalPrice"))
        if "amount" in money:
            said["total"] = money["amount"]
        if order_id := _number(_members(checkout.get("order")).get("id")):
            said["order_id"] = order_id
        if code := checkout.get("currencyCode"):
            said["currency"] = code
    if money and "currencyCode" in money:
        said["currency"] = money["currencyCode"]
    if products:
        said["products"] = products
    return said


def _line(line: dict[str, Any]) -> dict[str, Any]:
    """A line of a cart (`merchandise`) or of a checkout (`variant`)."""
    product = _product(_members(line.get("merchandise")) or _members(line.get("variant")))
    return product | {"quantity": line.get("quantity")}


def _product(variant: dict[str, Any]) -> dict[str, Any]:
    product = _members(variant.get("product"))
    return {
        "product_id": variant.get("sku") or _number(product.get("id")) or _number(variant.get("id")),
        "name": product.get("title"),
        "variant": variant.get("title"),
        "brand": product.get("vendor"),
        "category": product.get("type"),
        "url": product.get("url"),
        "image_url": _members(variant.get("image")).get("src"),
        "price": _members(variant.get("price")).get("amount"),
    }


def _number(said: object) -> object:
    """`gid://shopify/Product/57` is 57, as in feeds and webhooks."""
    return said.rpartition("/")[2] if type(said) is str else said


def _members(value: object) -> dict[str, Any]:
    return value if type(value) is dict else {}


def _list(value: object) -> list[dict[str, Any]]:
    return [one for one in value if type(one) is dict][:MAX_ITEMS_PER_EVENT] if type(value) is list else []
