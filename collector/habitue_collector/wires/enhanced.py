"""Universal Analytics' enhanced e-commerce, as dataLayers still push it: the action says what happened.

https://developers.google.com/analytics/devguides/collection/ua/gtm/enhanced-ecommerce
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final

from habitue_collector.events import Kind

# The first that is there counts: one push may carry a product's detail and the list beside it.
ACTIONS: Final = MappingProxyType(
    {
        "purchase": Kind.PURCHASE,
        "refund": Kind.REFUND,
        "checkout": Kind.CHECKOUT,
        "checkout_option": Kind.CHECKOUT,
        "add": Kind.ADD_TO_CART,
        "remove": Kind.REMOVE_FROM_CART,
        "click": Kind.PRODUCT_CLICK,
        "detail": Kind.PRODUCT_VIEW,
        "promoClick": Kind.PROMOTION_CLICK,
        "promoView": Kind.PROMOTION_VIEW,
        "impressions": Kind.LIST_VIEW,
    }
)
# `items`: GA4's first documented shape has its members inside the action.
_INSIDE: Final = frozenset(("products", "actionField", "promotions", "items"))
_ORDER_FIELDS: Final = (("id", "transaction_id"), ("revenue", "value"))


def action_in(properties: dict[str, Any]) -> str | None:
    """The action of these members; None when they have another shape."""
    if "items" in properties:  # GA4's; some shops push both
        return None
    for name in ACTIONS:
        member = properties.get(name)
        if type(member) is dict and not _INSIDE.isdisjoint(member):
            return name
        if name == "impressions" and (type(member) is list or type(member) is dict):
            return name
    return None


def flattened(properties: dict[str, Any], action: str) -> dict[str, Any]:
    """The same in GA4's shape: `items`, and the action's own fields beside them."""
    flat = {name: value for name, value in properties.items() if name not in ACTIONS}
    said = properties[action]
    if type(said) is list or _INSIDE.isdisjoint(said):  # impressions stand without an object around them
        said = {"products": said}
    field = said.get("actionField")
    if type(field) is dict:
        field = dict(field)
        if action in ("purchase", "refund"):
            for theirs, ours in _ORDER_FIELDS:
                if theirs in field:
                    flat[ours] = field.pop(theirs)
        flat |= {name: value for name, value in field.items() if name not in flat}
    flat |= {name: value for name, value in said.items() if name not in ("products", "actionField")}
    if said.get("products") is not None:
        flat["items"] = said["products"]
    return flat
