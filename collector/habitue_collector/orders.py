"""An order is counted once for ever, whoever reports it. Pure; the claims are in `claims.py`.

The profile keeps its last orders by digest: a report of one of them enriches it (a backend's word
goes over a browser's), everything older is remembered by the claim key alone.
"""

from __future__ import annotations

from typing import Any

from habitue_collector.events import Event, Kind
from habitue_collector.profile import MAX_ORDERS_LISTED, State, digest

NO_CURRENCY = "XXX"  # ISO 4217: no currency was named


def claim_name(event: Event) -> str:
    """What is claimed: the order, or one refund of it (by its number, else by the event)."""
    if event.kind is Kind.PURCHASE:
        return event.order_id or ""
    number = event.properties.get("refund_id") or event.event_id
    return f"refund:{event.order_id}:{number}"


def listed(state: State, order_digest: str) -> State | None:
    """The order as this profile has it, if it is among its last ones."""
    for entry in state.get("orders", {}).get("listed", ()):
        if entry["order"] == order_digest:
            found: State = entry
            return found
    return None


def lists_all(state: State) -> bool:
    """Whether every order that this profile counts is still among the listed ones."""
    summary = state.get("orders")
    return summary is None or bool(summary["count"] <= len(summary["listed"]))


def event_value(event: Event) -> float:
    """What the event says the order was worth: its value, else the sum of its lines."""
    if event.value is not None:
        return round(event.value, 2)  # so that sums do not depend on who is added first
    return round(sum((item.price or 0.0) * (item.quantity or 1) for item in event.items), 2)


def count(state: State, event: Event, server: bool) -> bool:
    """Take a purchase into the summary. False: it was there already (and is now the better for it).

    Whoever reports it and in whatever order: the value is the backend's word before a browser's, and of
    two such the later one's by its time; the time is that of the first report.
    """
    assert event.order_id is not None
    order_digest = digest(event.order_id)
    entry = listed(state, order_digest)
    new: State = {
        "order": order_digest,
        "value": event_value(event),
        "at": event.timestamp,
        "currency": event.currency or NO_CURRENCY,
    }
    if server:
        new["server"] = True
    if entry is None:
        add(state, new)
        return True
    said = entry.get("said", entry["at"])
    first = min(entry["at"], event.timestamp)
    if (server, event.timestamp, new["value"]) > (entry.get("server", False), said, entry["value"]):
        book(state, entry["currency"], -net(entry))
        if event.value is not None or event.items:
            entry["value"] = new["value"]
        if event.currency:
            entry["currency"] = event.currency
        if server:
            entry["server"] = True
        said = event.timestamp
        book(state, entry["currency"], net(entry))
    entry["at"] = first
    entry.pop("said", None)
    if said != first:
        entry["said"] = said
    _dates(state["orders"])
    return False


def _dates(summary: State) -> None:
    """When the first and the last order were, where all are listed."""
    if summary["listed"] and summary["count"] == len(summary["listed"]):
        times = [one["at"] for one in summary["listed"]]
        summary["first"], summary["last"] = min(times), max(times)


def add(state: State, entry: State) -> None:
    """Take an order entry into the summary."""
    summary: State = state.setdefault("orders", {"count": 0, "by_currency": {}, "listed": []})
    summary["count"] += 1
    book(state, entry["currency"], net(entry))
    summary["first"] = min(summary.get("first", entry["at"]), entry["at"])
    summary["last"] = max(summary.get("last", entry["at"]), entry["at"])
    summary["listed"].append(entry)
    if len(summary["listed"]) > MAX_ORDERS_LISTED:
        summary["listed"].sort(key=lambda one: (one["at"], one["order"]))
        del summary["listed"][0]


def remove(state: State, order_digest: str) -> State | None:
    """Take an order out again (it turned out to be somebody else's); its entry, None when unknown."""
    entry = listed(state, order_digest)
    if entry is None:
        return None
    summary: State = state["orders"]
    summary["listed"].remove(entry)
    summary["count"] -= 1
    book(state, entry["currency"], -net(entry))
    if summary["count"] <= 0:
        del state["orders"]
    else:
        _dates(summary)
    return entry


def net(entry: State) -> float:
    """What an order counts for: what it was worth without what went back, and never less than nothing."""
    return 0.0 if "returned" in entry else max(0.0, round(entry["value"] - entry.get("refunded", 0.0), 2))


def refund(state: State, event: Event) -> None:
    """Money that went back: off the value, the order stays counted.

    A listed order remembers it, so that it goes wherever the order goes; in whatever order they are reported,
    refunds take off no more than the order was worth. One that names nothing is of the whole order.
    """
    summary: State | None = state.get("orders")
    if summary is None:
        return
    refunds: list[str] = summary.setdefault("refunds", [])
    refund_digest = digest(claim_name(event))
    if refund_digest in refunds:
        return
    refunds.append(refund_digest)
    del refunds[:-MAX_ORDERS_LISTED]
    entry = listed(state, digest(event.order_id)) if event.order_id else None
    value = event_value(event)
    whole = value == 0 and not event.items
    if entry is None or not (whole or event.currency in (None, entry["currency"])):
        book(state, event.currency or NO_CURRENCY, -value)
        return
    before = net(entry)
    if whole:
        entry["returned"] = True
    else:
        entry["refunded"] = round(entry.get("refunded", 0.0) + value, 2)
    book(state, entry["currency"], net(entry) - before)


def book(state: State, currency: str, value: float) -> None:
    """Add to the sum of a currency; the sums stand in the order of their names, empty ones not at all."""
    books: dict[str, Any] = state["orders"]["by_currency"]
    if currency not in books and books:
        books = state["orders"]["by_currency"] = dict(sorted({**books, currency: 0.0}.items()))
    books[currency] = round(books.get(currency, 0.0) + value, 2)
    if not books[currency]:
        del books[currency]
