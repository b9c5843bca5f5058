"""What the shop tells Habitue, in the words of Segment's e-commerce vocabulary (v2)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Any

from habitue_shop.journey import CURRENCY, Product, category_path

Call = tuple[Any, ...]  # the arguments of one `habitue(…)` call on the page


def user_hash(secret_key: str, user_id: str) -> str:
    """The proof that the shop's own backend logged this user in: hex HMAC-SHA256(secret key, user_id)."""
    return hmac.new(secret_key.encode(), user_id.encode(), hashlib.sha256).hexdigest()


def product_properties(product: Product, base_url: str, quantity: int | None = None) -> dict[str, Any]:
    """A product as events carry it."""
    properties: dict[str, Any] = {
        "product_id": product.item_id,
        "name": product.full_name,
        "price": product.price,
        "currency": CURRENCY,
        "category": category_path(product),
        "brand": product.brand,
        "url": f"{base_url}/p/{product.item_id}",
        "image_url": f"{base_url}/tile/{product.item_id}.svg",
    }
    if quantity is not None:
        properties["quantity"] = quantity
    return properties


def cart_change(product: Product, base_url: str, change: int) -> Call:
    """`Product Added` or `Product Removed`, by the sign of the change."""
    name = "Product Added" if change > 0 else "Product Removed"
    return ("track", name, product_properties(product, base_url, abs(change)))


def total(lines: Iterable[tuple[Product, int]]) -> float:
    """What the lines cost together."""
    return round(sum(product.price * quantity for product, quantity in lines), 2)


def order_properties(order_id: str, lines: Iterable[tuple[Product, int]], base_url: str) -> dict[str, Any]:
    """`Order Completed` as the page and the backend both report it: the order_id makes them one."""
    lines = list(lines)
    return {
        "order_id": order_id,
        "total": total(lines),
        "revenue": total(lines),
        "currency": CURRENCY,
        "products": [product_properties(product, base_url, quantity) for product, quantity in lines],
    }


def identify(secret_key: str, user_id: str, traits: Mapping[str, Any]) -> Call:
    """The `identify` call of a page that a logged-in customer sees."""
    return ("identify", user_id, dict(traits), {"user_hash": user_hash(secret_key, user_id)})
