"""What Snowplow's published schemas say: an event's name and properties in words of the native wire.

The e-commerce plugins of versions 3 and 4 (`snowplow_ecommerce_action` and its entities), the enhanced
e-commerce of version 3 (Google's), site tracking, forms and consent. https://iglucentral.com
"""

from __future__ import annotations

from typing import Any, Final

from habitue_collector.events import Kind
from habitue_collector.vocabulary import kind_of
from habitue_collector.wires.calls import present

SNOWPLOW: Final = "com.snowplowanalytics.snowplow"
ECOMMERCE: Final = "com.snowplowanalytics.snowplow.ecommerce"
ENHANCED: Final = "com.google.analytics.enhanced-ecommerce"
# Google's actions are single words that mean something else anywhere else.
_ENHANCED_ACTIONS: Final = {
    "click": "product_click",
    "detail": "product_view",
    "add": "add_to_cart",
    "remove": "remove_from_cart",
    "checkout_option": "checkout_step",
    "promo_click": "promo_click",
    "view": "list_view",
}
_CONSENTS: Final = {
    "allow_all": ("granted", "granted"),
    "implicit_consent": ("granted", "granted"),
    "deny_all": ("denied", "denied"),
    "withdrawn": ("denied", "denied"),
    "expired": ("pending", "pending"),
    "pending": ("pending", "pending"),
}

# Of a checkout step: where somebody lives is not for us to know.
_ADDRESSES: Final = frozenset(
    ("shipping_postcode", "billing_postcode", "shipping_full_address", "billing_full_address")
)

Data = dict[str, Any]
Entities = dict[tuple[str, str], list[Data]]


def describe(vendor: str, schema: str, data: Data, entities: Entities) -> tuple[str, Data, Data | None]:
    """Name, properties and consent of a self-describing event."""
    if vendor == ECOMMERCE and schema == "snowplow_ecommerce_action":
        return *_ecommerce(data, entities), None
    if vendor == ENHANCED and schema == "action":
        return *_enhanced(data, entities), None
    if vendor == SNOWPLOW:
        if schema in ("add_to_cart", "remove_from_cart"):
            get = data.get
            item = present(product_id=get("sku"), name=get("name"), category=get("category"))
            item |= present(price=get("unitPrice"), quantity=get("quantity"), currency=get("currency"))
            return schema, item, None
        if schema == "site_search":
            terms = data.get("terms")
            words = [term for term in terms if type(term) is str] if type(terms) is list else []
            return schema, {**data, "query": " ".join(words)}, None
        if schema.startswith("consent_"):
            return schema, {}, _consent(schema, data)
    if kind_of(schema) in (Kind.PURCHASE, Kind.REFUND) and not (
        data.get("order_id") or data.get("orderId") or data.get("transaction_id")
    ):
        return f"{vendor}/{schema}", data, None  # somebody's own event that happens to be called so
    return schema, data, None


def _ecommerce(data: Data, entities: Entities) -> tuple[str, Data]:
    """An action of the Snowplow e-commerce plugin: its type, and the entities sent with it."""
    kind = data.get("type")
    name = kind if type(kind) is str and kind else "snowplow_ecommerce_action"

    def first(entity: str) -> Data:
        return entities.get((ECOMMERCE, entity), [{}])[0]

    properties: Data = present(list_name=data.get("name"))
    products = [_product(entity) for entity in entities.get((ECOMMERCE, "product"), ())]
    if products:
        properties["products"] = products
    if cart := first("cart"):
        get = cart.get
        properties |= present(cart_id=get("cart_id"), cart_value=get("total_value"), currency=get("currency"))
    properties |= {
        member: said for member, said in first("checkout_step").items() if member not in _ADDRESSES
    }
    if order := first("transaction"):
        properties |= _order(order, "transaction_id")
    if refund := first("refund"):
        get = refund.get
        properties |= present(order_id=get("transaction_id"), total=get("refund_amount"))
        properties |= present(currency=get("currency"), reason=get("refund_reason"))
    if promotion := first("promotion"):
        properties |= {**promotion, **present(promotion_id=promotion.get("id"))}
    return name, properties | first("transaction_error")


def _enhanced(data: Data, entities: Entities) -> tuple[str, Data]:
    """An action of Google's enhanced e-commerce, as Snowplow's plugin of version 3 sends it."""
    action = data.get("action")
    name = action if type(action) is str and action else "action"
    promotions = entities.get((ENHANCED, "promoFieldObject"), ())
    if promotions and name == "click":
        name = "promo_click"
    elif promotions and name == "view":
        name = "promo_view"
    else:
        name = _ENHANCED_ACTIONS.get(name, name)
    properties: Data = {}
    for field in ("productFieldObject", "impressionFieldObject"):
        if found := entities.get((ENHANCED, field)):
            properties["products"] = [_product(entity) for entity in found]
            break
    if fields := entities.get((ENHANCED, "actionFieldObject")):
        properties |= _order(fields[0], "id")
    elif promotions:
        properties |= {**promotions[0], **present(promotion_id=promotions[0].get("id"))}
    return name, properties


def _order(said: Data, id_member: str) -> Data:
    """An order's members; Snowplow's revenue is the whole total."""
    rest = {member: value for member, value in said.items() if member not in (id_member, "revenue")}
    return rest | present(order_id=said.get(id_member), total=said.get("revenue"))


def _product(said: Data) -> Data:
    return {**said, "product_id": said.get("id"), "variant": said.get("variant") or said.get("size")}


def _consent(schema: str, data: Data) -> Data | None:
    """What somebody agreed to, from the consent plugins of versions 3 and 4."""
    if schema == "consent_withdrawn":
        return {"analytics": "denied", "personalization": "denied"} if data.get("all") else None
    said = data.get("eventType")
    if (states := _CONSENTS.get(said) if type(said) is str else None) is not None:
        return {"analytics": states[0], "personalization": states[1]}
    scopes = data.get("consentScopes")
    if said == "allow_selected" and type(scopes) is list:
        allowed = {scope for scope in scopes if type(scope) is str}
        known = {"analytics": False, "personalization": False}  # what is not selected is denied
        return {"categoryPreferences": known | dict.fromkeys(allowed, True)}
    return None
