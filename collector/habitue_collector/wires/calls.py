"""What the adapters of other trackers have in common: they speak, and we hear calls of the native wire.

An adapter's `decode(request, received_at)` translates a whole request into `Calls`. Each call is then judged
like one that came by the native wire: same limits, same reasons, same identity, same consent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson

from habitue_collector.events import MAX_EVENT_BYTES, InvalidEvent, Kind, RejectReason
from habitue_collector.vocabulary import kind_of

Call = dict[str, Any]

MAX_PARAMETERS: Final = 400  # of one request in a query string; Matomo's clients send about 40
# What a free text may not turn into: a tracker that means a product or an order has its own way to say so.
_SPOKEN_OTHERWISE: Final = frozenset(
    (
        *(Kind.PAGE_VIEW, Kind.LIST_VIEW, Kind.PRODUCT_VIEW, Kind.PRODUCT_CLICK, Kind.ADD_TO_CART),
        *(Kind.REMOVE_FROM_CART, Kind.CART_VIEW, Kind.CHECKOUT, Kind.PURCHASE, Kind.REFUND),
        *(Kind.OFFER_IMPRESSION, Kind.OFFER_CLICK, Kind.IDENTIFY, Kind.CONSENT, Kind.SEARCH),
    )
)
_STATES: Final = {"1": "granted", "0": "denied", "true": "granted", "false": "denied"}


class Malformed(ValueError):
    """The request as a whole cannot be read: a code and a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(slots=True)
class Calls:
    """A decoded request: native calls in the order sent, an `InvalidEvent` where there should have been one.

    `lines[i]` says from which of the request's own events the i-th call came (Matomo's page view of a product
    is two calls), `keys[i]` which write key that one named. `token` is a key named once for all.
    """

    events: list[Call | InvalidEvent] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    token: str | None = None
    count: int = 0  # of the request's own events
    wants_image: bool = True

    def add(self, line: int, key: str | None, *events: Call | InvalidEvent) -> None:
        for event in events:
            self.events.append(event)
            self.lines.append(line)
            self.keys.append(key)


def refused(detail: str, reason: RejectReason = RejectReason.INVALID_EVENT) -> InvalidEvent:
    """An event that cannot be read, with what is wrong with it."""
    return InvalidEvent(reason, detail)


def parameters(query: str) -> dict[str, str]:
    """The parameters of a query string; of one that is there twice the last. Raises InvalidEvent."""
    if len(query) > MAX_EVENT_BYTES:
        raise refused(f"more than {MAX_EVENT_BYTES} bytes", RejectReason.EVENT_TOO_LARGE)
    try:
        return dict(parse_qsl(query, max_num_fields=MAX_PARAMETERS, errors="replace"))
    except ValueError:
        raise refused(f"more than {MAX_PARAMETERS} parameters") from None


def loads(text: str | bytes, what: str) -> Any:
    """The JSON in a parameter. Raises InvalidEvent."""
    try:
        return orjson.loads(text if type(text) is bytes else str(text).encode("utf-8", "replace"))
    except orjson.JSONDecodeError:
        raise refused(f"{what} is not JSON") from None


def json_or_none(text: str) -> Any:
    """The JSON in a parameter that is not worth the event: broken, it is nothing."""
    try:
        return orjson.loads(text.encode("utf-8", "replace"))
    except orjson.JSONDecodeError:
        return None


def members(value: object) -> dict[str, Any]:
    """The value if it is a JSON object, else none of it."""
    return value if type(value) is dict else {}


def present(**said: Any) -> dict[str, Any]:
    """The members that were said."""
    return {name: value for name, value in said.items() if value is not None and value != ""}


def screen_of(resolution: object) -> dict[str, int] | None:
    """`1280x720`."""
    if type(resolution) is not str or len(resolution) > 16:
        return None
    width, cross, height = resolution.partition("x")
    if not (cross and width.isdecimal() and height.isdecimal() and resolution.isascii()):
        return None
    return {"width": int(width), "height": int(height)}


def consent_of(analytics: object, personalization: object) -> dict[str, Any] | None:
    """`context.consent` from a tracker's own words: granted, denied, 1, 0."""
    said = {
        purpose: _STATES.get(value, value)
        for purpose, value in (("analytics", analytics), ("personalization", personalization))
        if type(value) is str and value
    }
    return said or None


def free_name(category: object, action: object) -> str:
    """What to call an event that is a category and an action: by its action, where that is safe."""
    name = action if type(action) is str and action.strip() else "event"
    if kind_of(name) in _SPOKEN_OTHERWISE:
        return f"{category if type(category) is str and category else 'event'}: {name}"
    return name


def track(name: str, properties: dict[str, Any], common: Call) -> Call:
    return {**common, "type": "track", "event": name, "properties": properties}
