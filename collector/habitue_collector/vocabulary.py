"""Public names of events → `Kind`. Tables are data: a new vocabulary is a new table.

Lookup forgives case, spaces, underscores and hyphens: `Product Viewed`, `product_viewed` and
`productViewed` are one name. What no table knows is `custom`, kept under its own name.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from habitue_collector.events import Kind

# https://segment.com/docs/connections/spec/ecommerce/v2/
SEGMENT: Final = MappingProxyType(
    {
        "Products Searched": Kind.SEARCH,
        "Product List Viewed": Kind.LIST_VIEW,
        "Product List Filtered": Kind.LIST_VIEW,
        "Promotion Viewed": Kind.PROMOTION_VIEW,
        "Promotion Clicked": Kind.PROMOTION_CLICK,
        "Product Clicked": Kind.PRODUCT_CLICK,
        "Product Viewed": Kind.PRODUCT_VIEW,
        "Product Added": Kind.ADD_TO_CART,
        "Product Removed": Kind.REMOVE_FROM_CART,
        "Cart Viewed": Kind.CART_VIEW,
        "Checkout Started": Kind.CHECKOUT,
        "Checkout Step Viewed": Kind.CHECKOUT,
        "Checkout Step Completed": Kind.CHECKOUT,
        "Payment Info Entered": Kind.CHECKOUT,
        "Order Completed": Kind.PURCHASE,
        "Order Updated": Kind.ORDER_STATUS,
        "Order Refunded": Kind.REFUND,
        "Order Cancelled": Kind.ORDER_STATUS,  # money that went back comes as its own Order Refunded
        "Order Canceled": Kind.ORDER_STATUS,  # as many senders spell it
        "Coupon Entered": Kind.CUSTOM,  # typed is not accepted
        "Coupon Applied": Kind.COUPON_APPLY,
        "Coupon Denied": Kind.CUSTOM,
        "Coupon Removed": Kind.CUSTOM,
        "Product Added to Wishlist": Kind.WISHLIST_ADD,
        "Product Removed from Wishlist": Kind.CUSTOM,
        "Wishlist Product Added to Cart": Kind.ADD_TO_CART,
        "Product Shared": Kind.SHARE,
        "Cart Shared": Kind.SHARE,
        "Product Reviewed": Kind.FEEDBACK,
    }
)

# The names of version 1, which old plugins of shop systems still send.
SEGMENT_1: Final = MappingProxyType(
    {
        "Viewed Product Category": Kind.LIST_VIEW,
        "Viewed Product": Kind.PRODUCT_VIEW,
        "Added Product": Kind.ADD_TO_CART,
        "Removed Product": Kind.REMOVE_FROM_CART,
        "Completed Order": Kind.PURCHASE,
        "Viewed Promotion": Kind.PROMOTION_VIEW,
        "Clicked Promotion": Kind.PROMOTION_CLICK,
        "Viewed Checkout Step": Kind.CHECKOUT,
        "Completed Checkout Step": Kind.CHECKOUT,
    }
)

# https://developers.google.com/analytics/devguides/collection/ga4/reference/events
GA4: Final = MappingProxyType(
    {
        "page_view": Kind.PAGE_VIEW,
        "screen_view": Kind.PAGE_VIEW,
        "search": Kind.SEARCH,
        "view_search_results": Kind.SEARCH,
        "view_item_list": Kind.LIST_VIEW,
        "view_item": Kind.PRODUCT_VIEW,
        "select_item": Kind.PRODUCT_CLICK,
        "add_to_cart": Kind.ADD_TO_CART,
        "remove_from_cart": Kind.REMOVE_FROM_CART,
        "view_cart": Kind.CART_VIEW,
        "begin_checkout": Kind.CHECKOUT,
        "add_shipping_info": Kind.CHECKOUT,
        "add_payment_info": Kind.CHECKOUT,
        "checkout_progress": Kind.CHECKOUT,
        "set_checkout_option": Kind.CHECKOUT,
        "purchase": Kind.PURCHASE,
        "refund": Kind.REFUND,
        "add_to_wishlist": Kind.WISHLIST_ADD,
        "view_promotion": Kind.PROMOTION_VIEW,
        "select_promotion": Kind.PROMOTION_CLICK,
        "share": Kind.SHARE,
        "generate_lead": Kind.CONTACT,
        "form_submit": Kind.FORM_SUBMIT,
        "form_start": Kind.CUSTOM,
        "earn_virtual_currency": Kind.POINTS,
        "spend_virtual_currency": Kind.POINTS,
        "login": Kind.CUSTOM,  # says that, not who: only an identify call says who
        "sign_up": Kind.CUSTOM,
        "join_group": Kind.CUSTOM,
        "select_content": Kind.CUSTOM,
        "video_start": Kind.CUSTOM,
        "scroll": Kind.CUSTOM,
        "click": Kind.CUSTOM,
        "file_download": Kind.CUSTOM,
    }
)

# https://docs.snowplow.io/docs/events/ootb-data/ecommerce-events/: the types of `snowplow_ecommerce_action`,
# the events of version 3 and the published schemas that a shop's pages send.
SNOWPLOW: Final = MappingProxyType(
    {
        "product_view": Kind.PRODUCT_VIEW,
        "list_view": Kind.LIST_VIEW,
        "list_click": Kind.PRODUCT_CLICK,
        "add_to_cart": Kind.ADD_TO_CART,
        "remove_from_cart": Kind.REMOVE_FROM_CART,
        "checkout_step": Kind.CHECKOUT,
        "transaction": Kind.PURCHASE,
        "refund": Kind.REFUND,
        "promo_view": Kind.PROMOTION_VIEW,
        "promo_click": Kind.PROMOTION_CLICK,
        "trns_error": Kind.CUSTOM,
        "transaction_item": Kind.CUSTOM,  # one line of a transaction that came without the others
        "site_search": Kind.SEARCH,
        "submit_form": Kind.FORM_SUBMIT,
        "social_interaction": Kind.SHARE,
        "consent_preferences": Kind.CONSENT,
        "consent_granted": Kind.CONSENT,
        "consent_withdrawn": Kind.CONSENT,
        "page_ping": Kind.CUSTOM,
        "link_click": Kind.CUSTOM,
    }
)

# Matomo's requests have no names: these are what its manual calls them.
# https://developer.matomo.org/api-reference/tracking-api
MATOMO: Final = MappingProxyType(
    {
        "Product View": Kind.PRODUCT_VIEW,
        "Category View": Kind.LIST_VIEW,
        "Cart Update": Kind.CART_VIEW,  # it names the whole cart, not what was put in
        "Ecommerce Order": Kind.PURCHASE,
        "Site Search": Kind.SEARCH,
        "Content Impression": Kind.PROMOTION_VIEW,
        "Content Interaction": Kind.PROMOTION_CLICK,
        "Goal Conversion": Kind.CUSTOM,
        "Outlink": Kind.CUSTOM,
        "Download": Kind.CUSTOM,
        "Heart Beat": Kind.CUSTOM,
    }
)

# https://shopify.dev/docs/api/web-pixels-api/standard-events
SHOPIFY: Final = MappingProxyType(
    {
        "page_viewed": Kind.PAGE_VIEW,
        "search_submitted": Kind.SEARCH,
        "collection_viewed": Kind.LIST_VIEW,
        "product_viewed": Kind.PRODUCT_VIEW,
        "product_added_to_cart": Kind.ADD_TO_CART,
        "product_removed_from_cart": Kind.REMOVE_FROM_CART,
        "cart_viewed": Kind.CART_VIEW,
        "checkout_started": Kind.CHECKOUT,
        "checkout_contact_info_submitted": Kind.CHECKOUT,
        "checkout_address_info_submitted": Kind.CHECKOUT,
        "checkout_shipping_info_submitted": Kind.CHECKOUT,
        "payment_info_submitted": Kind.CHECKOUT,
        "checkout_completed": Kind.PURCHASE,
        "form_submitted": Kind.FORM_SUBMIT,
        "alert_displayed": Kind.CUSTOM,
        "ui_extension_errored": Kind.CUSTOM,
        "clicked": Kind.CUSTOM,
        "input_blurred": Kind.CUSTOM,
        "input_changed": Kind.CUSTOM,
        "input_focused": Kind.CUSTOM,
    }
)

# Our own words, and what shops say around the purchase. The first two are what the tag sends.
HABITUE: Final = MappingProxyType(
    {
        "Offer Viewed": Kind.OFFER_IMPRESSION,
        "Offer Clicked": Kind.OFFER_CLICK,
        "Page Viewed": Kind.PAGE_VIEW,
        "Consent Updated": Kind.CONSENT,
        "Consent Given": Kind.CONSENT,
        "Consent Withdrawn": Kind.CONSENT,
        "Form Submitted": Kind.FORM_SUBMIT,
        "Form Abandoned": Kind.FORM_ABANDON,
        "Survey Submitted": Kind.SURVEY,
        "Survey Answered": Kind.SURVEY,
        "Survey Completed": Kind.SURVEY,
        "Feedback Given": Kind.FEEDBACK,
        "Feedback Submitted": Kind.FEEDBACK,
        "Complaint Filed": Kind.COMPLAINT,
        "Complaint Submitted": Kind.COMPLAINT,
        "Contact Requested": Kind.CONTACT,
        "Contact Form Submitted": Kind.CONTACT,
        "Callback Requested": Kind.CALLBACK_REQUEST,
        "Newsletter Subscribed": Kind.SUBSCRIBE,
        "Subscribed": Kind.SUBSCRIBE,
        "Newsletter Unsubscribed": Kind.UNSUBSCRIBE,
        "Unsubscribed": Kind.UNSUBSCRIBE,
        "Order Status Changed": Kind.ORDER_STATUS,
        "Order Shipped": Kind.ORDER_STATUS,
        "Order Delivered": Kind.ORDER_STATUS,
        "Product Configured": Kind.CONFIGURE,
        "Points Earned": Kind.POINTS,
        "Points Redeemed": Kind.POINTS,
    }
)

VOCABULARIES: Final = MappingProxyType(
    {
        "Segment": SEGMENT,
        "Segment, version 1": SEGMENT_1,
        "GA4": GA4,
        "Snowplow": SNOWPLOW,
        "Matomo": MATOMO,
        "Shopify": SHOPIFY,
        "Habitue": HABITUE,
    }
)
# Words of everyday life: meant as an order only as Snowplow spells them, never in somebody's "Transaction".
_EXACTLY: Final = frozenset(("transaction",))

_SEPARATORS = str.maketrans("", "", " _-")


def fold_name(name: str) -> str:
    """The form in which names are compared."""
    return name.lower().translate(_SEPARATORS)


PUBLIC_KINDS: Final[dict[str, Kind]] = {
    name: kind for table in VOCABULARIES.values() for name, kind in table.items()
}
# A kind's own name is always understood too (`product_view`), but never against a public table.
_FOLDED: Final[dict[str, Kind]] = {
    **{fold_name(kind.value): kind for kind in Kind},
    **{fold_name(name): kind for name, kind in PUBLIC_KINDS.items() if name not in _EXACTLY},
}


def kind_of(name: str) -> Kind:
    """What an event of this name is; `Kind.CUSTOM` when no vocabulary knows it."""
    return PUBLIC_KINDS.get(name) or _FOLDED.get(fold_name(name), Kind.CUSTOM)


def by_kind() -> dict[Kind, str]:
    """The cells of the table in docs/events.md: the names of each kind, vocabulary by vocabulary."""
    cells: dict[Kind, str] = {}
    for kind in Kind:
        named = (
            (vocabulary, [f"`{name}`" for name, meant in table.items() if meant is kind])
            for vocabulary, table in VOCABULARIES.items()
        )
        cells[kind] = " · ".join(f"{vocabulary}: {', '.join(names)}" for vocabulary, names in named if names)
    return cells
