"""The pixel: `GET /h/p.gif?k=demo&e=Product+Viewed&…` for mails, AMP and pages without scripts.

Its parameters become an event of the native wire; `decode` of `segment.py` judges it like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

# Parameter → member of the properties. `k` (write key) is read before an event is made.
PARAMETERS: Final = MappingProxyType(
    {
        "item": "product_id",
        "item_name": "name",
        "category": "category",
        "brand": "brand",
        "price": "price",
        "quantity": "quantity",
        "currency": "currency",
        "order": "order_id",
        "value": "value",
        "q": "query",
        "slot": "slot",
        "decision": "decision_id",
        "position": "position",
    }
)
_ENVELOPE: Final = (("id", "messageId"), ("ts", "timestamp"), ("uid", "userId"), ("aid", "anonymousId"))
_STATES: Final = MappingProxyType({"1": "granted", "0": "denied"})


def decode_pixel(query: Mapping[str, str], referer: str | None = None) -> dict[str, Any]:
    """A raw event of the native wire from the pixel's parameters.

    `e` event name (missing: a page view), `u` page URL (missing: the Referer header), `r` where that
    page's visitor came from, `t` its title, `id` event id, `ts` time, `uid` user id, `aid` anonymous
    id, `h` user_hash, `ca` and `cp` the consents (1, 0 or a state); the rest as in `PARAMETERS`.
    """
    get = query.get
    properties: dict[str, Any] = {
        member: value for parameter, member in PARAMETERS.items() if (value := get(parameter))
    }
    page = {
        member: value
        for member, value in (("url", get("u") or referer), ("title", get("t")), ("referrer", get("r")))
        if value
    }
    context: dict[str, Any] = {"page": page} if page else {}
    consent = {
        purpose: _STATES.get(value, value)
        for purpose, value in (("analytics", get("ca")), ("personalization", get("cp")))
        if value
    }
    if consent:
        context["consent"] = consent
    if user_hash := get("h"):
        context["user_hash"] = user_hash
    raw: dict[str, Any] = {"context": context, "properties": properties}
    if name := get("e"):
        raw["type"], raw["event"] = "track", name
    else:
        raw["type"] = "page"
    for parameter, member in _ENVELOPE:
        if value := get(parameter):
            raw[member] = value
    return raw
