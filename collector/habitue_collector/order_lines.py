"""The items of orders whose first report named none: they come later, or line by line. Pure.

Snowplow's classic e-commerce sends an order (`tr`) and each of its lines (`ti`) as events, which may travel
in requests of their own. A profile remembers, for its last such orders, which items it has taken in (`lines`:
digest of the order → digests of the items), so that a thank-you page that is loaded again adds nothing.
An order that was reported with its items is whole, and not among them.
"""

from __future__ import annotations

from dataclasses import replace

from habitue_collector import orders
from habitue_collector.events import Event, Item, Kind
from habitue_collector.profile import MAX_OPEN_ORDERS, MAX_ORDER_LINES, State, digest

LINE = "transaction_item"  # the name of an event that is one line of the order it names
HEAD = "transaction"  # and of the order itself, by the same tracker
_WHOLE = "-"  # somebody else's order, or counted long ago: none of its lines is news here


def is_line(event: Event) -> bool:
    return event.name == LINE and event.order_id is not None and bool(event.items)


def of_report(state: State, event: Event, *, first: bool) -> Event | None:
    """A purchase, with those of its items that its order does not have yet; None: there are none.

    `first`: nobody reported this order before.
    """
    assert event.order_id is not None
    order = digest(event.order_id)
    known = state.get("lines", {}).get(order)
    if not event.items:
        if first and known is None:
            note(state, order, "")
        return None
    if known is None:
        return event if first else None
    _forget(state, order)
    return _with(event, [item for item in event.items if digest(item.item_id) not in known])


def of_line(state: State, event: Event) -> Event | None:
    """One line of an order, as the purchase that it is part of; None: the order has it already."""
    assert event.order_id is not None
    order = digest(event.order_id)
    known = state.get("lines", {}).get(order)
    if known == _WHOLE or (known is None and orders.listed(state, order) is not None):
        return None
    known = known or ""
    news = [item for item in event.items if digest(item.item_id) not in known]
    note(state, order, (known + "".join(digest(item.item_id) for item in news))[-11 * MAX_ORDER_LINES :])
    return _with(event, news)


def close(state: State, event: Event) -> None:
    """The order that this event reports is not this profile's to take in, nor are lines that follow."""
    assert event.order_id is not None
    order = digest(event.order_id)
    if event.name == HEAD and orders.listed(state, order) is None:
        note(state, order, _WHOLE)


def note(state: State, order: str, items: str) -> None:
    """Remember an order that is not whole, as the latest of them."""
    lines: dict[str, str] = state.setdefault("lines", {})
    lines.pop(order, None)
    lines[order] = items
    if len(lines) > MAX_OPEN_ORDERS:
        del lines[next(iter(lines))]


def _forget(state: State, order: str) -> None:
    del state["lines"][order]
    if not state["lines"]:
        del state["lines"]


def _with(event: Event, items: list[Item]) -> Event | None:
    return replace(event, kind=Kind.PURCHASE, items=items) if items else None
