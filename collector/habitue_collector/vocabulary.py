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

VOCABULARIES: Final = MappingProxyType({"Segment": SEGMENT, "GA4": GA4, "Habitue": HABITUE})

_SEPARATORS = str.maketrans("", "", " _-")


def fold_name(name: str) -> str:
    """The form in which names are compared."""
    return name.lower().translate(_SEPARATORS)


_PUBLIC: Final[dict[str, Kind]] = {**SEGMENT, **GA4, **HABITUE}
# A kind's own name is always understood too (`product_view`), but never against a public table.
_FOLDED: Final[dict[str, Kind]] = {
    **{fold_name(kind.value): kind for kind in Kind},
    **{fold_name(name): kind for name, kind in _PUBLIC.items()},
}


def kind_of(name: str) -> Kind:
    """What an event of this name is; `Kind.CUSTOM` when no vocabulary knows it."""
    return _PUBLIC.get(name) or _FOLDED.get(fold_name(name), Kind.CUSTOM)
