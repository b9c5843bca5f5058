"""A shop system's own number (`57`) and the item's (`SKU-001`) are one thing in a visitor's profile. Pure.

A product page's markup says both; its form, and cart calls, only the number. Events keep what the page said;
the session remembers what the numbers stood for, so that what is in the cart is what was looked at. It is
each visitor's own memory: nobody can tell another's profile what `57` means.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from habitue_collector.events import Event

MAX_NUMBERS: Final = 10  # of one session, the latest
_BY_NUMBER: Final = frozenset(("form", "cart_call"))


def joined(state: dict[str, Any], event: Event) -> Event:
    """The event as the profile should take it; itself, unless it speaks of items by known numbers."""
    session = state.get("session")
    if session is None:
        return event
    known: dict[str, str] | None = session.get("numbers")
    for item in event.items:
        number = item.platform_id
        if number is not None and number != item.item_id:
            if known is None:
                known = session["numbers"] = {}
            known.pop(number, None)
            known[number] = item.item_id
            if len(known) > MAX_NUMBERS:
                del known[next(iter(known))]
    if not known or event.context.get("source") not in _BY_NUMBER:
        return event
    if not any(item.item_id in known for item in event.items):
        return event
    items = [
        replace(item, item_id=known[item.item_id], platform_id=item.item_id)
        if item.item_id in known
        else item
        for item in event.items
    ]
    return replace(event, items=items)
