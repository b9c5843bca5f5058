"""What somebody did or was shown, as a line of their timeline in plain words (pure)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from habitue_warehouse.schema import DECISIONS, EVENTS

from .timeline import Entry
from .words import N_, Words

EVENT_WORDS: Mapping[str, str] = {
    "page_view": N_("Looked at a page"),
    "search": N_("Searched"),
    "list_view": N_("Looked at a list"),
    "product_view": N_("Looked at"),
    "product_click": N_("Clicked"),
    "add_to_cart": N_("Put into the cart"),
    "remove_from_cart": N_("Took out of the cart"),
    "cart_view": N_("Looked at the cart"),
    "checkout": N_("Went to the checkout"),
    "purchase": N_("Bought"),
    "refund": N_("Got money back"),
    "wishlist_add": N_("Put on the wish list"),
    "coupon_apply": N_("Used a coupon"),
    "offer_impression": N_("Saw an offer"),
    "offer_click": N_("Followed an offer"),
    "promotion_view": N_("Saw a promotion"),
    "promotion_click": N_("Followed a promotion"),
    "identify": N_("Said who they are"),
    "consent": N_("Decided about consent"),
    "form_submit": N_("Sent a form"),
    "form_abandon": N_("Left a form unfinished"),
    "survey": N_("Answered a survey"),
    "feedback": N_("Gave feedback"),
    "complaint": N_("Complained"),
    "contact": N_("Got in touch"),
    "callback_request": N_("Asked for a call"),
    "subscribe": N_("Subscribed"),
    "unsubscribe": N_("Unsubscribed"),
    "order_status": N_("An order changed its state"),
    "configure": N_("Configured"),
    "share": N_("Shared"),
    "points": N_("Points"),
    "custom": N_("Something of the shop's own"),
}
MOVE_WORDS: Mapping[str, str] = {
    "transfer_in": N_("Logged in: browsing of the device came in"),
    "transfer_out": N_("Logged in: browsing went to the user"),
    "order_in": N_("An order came in from another profile"),
    "order_out": N_("An order went to another profile"),
    "undo_in": N_("A login was undone: browsing came back"),
    "undo_out": N_("A login was undone: browsing went back"),
    "logout": N_("Logged out"),
    "erasure": N_("Erased"),
}
_STRONG = frozenset({"purchase", "add_to_cart", "offer_click", "checkout", "refund"})


@dataclass(frozen=True, slots=True)
class Thing:
    """An item that a line speaks of."""

    item_id: str
    name: str
    quantity: float | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Deed:
    """One line. `strong` ones stand out."""

    at: int
    title: str
    detail: str = ""
    things: tuple[Thing, ...] = ()
    strong: bool = False
    table: str = EVENTS
    value: float | None = None
    currency: str = ""


def deed(entry: Entry, _: Words, name_of: Callable[[str], str], reason_of: Callable[[str], str]) -> Deed:
    """`name_of` names an item by the catalog, `reason_of` says a reason's code in words."""
    if entry.table == DECISIONS:
        return _decision(entry, _, name_of, reason_of)
    if entry.table == EVENTS:
        return _event(entry, _, name_of)
    return _move(entry, _)


def _event(entry: Entry, _: Words, name_of: Callable[[str], str]) -> Deed:
    record = entry.record
    kind = str(record.get("kind", ""))
    properties = _mapping(record.get("properties"))
    items = [one for one in record.get("items") or () if isinstance(one, Mapping)]
    things = tuple(
        Thing(
            str(one.get("item_id")),
            name_of(str(one.get("item_id"))) or str(one.get("name") or ""),
            one.get("quantity"),
        )
        for one in items[:12]
    )
    if not things and isinstance(properties.get("item_id"), str):
        things = (Thing(properties["item_id"], name_of(properties["item_id"])),)
    value = record.get("value")
    return Deed(
        entry.at,
        _(EVENT_WORDS[kind]) if kind in EVENT_WORDS else str(record.get("name") or kind),
        _detail(record, kind, properties),
        things,
        kind in _STRONG,
        EVENTS,
        value if isinstance(value, int | float) else None,
        str(record.get("currency") or ""),
    )


def _detail(record: Mapping[str, Any], kind: str, properties: Mapping[str, Any]) -> str:
    if kind == "search":
        return str(record.get("search_term") or "")
    if kind in ("offer_impression", "offer_click"):
        return str(properties.get("slot") or "")
    if kind == "list_view":
        return str(properties.get("category") or "")
    if kind == "consent":
        return ", ".join(
            f"{name}: {properties[name]}"
            for name in ("analytics", "personalization")
            if isinstance(properties.get(name), str)
        )
    if kind in ("purchase", "refund", "order_status"):
        return str(record.get("order_id") or "")
    if kind == "custom":
        return str(record.get("name") or "")
    page = _mapping(_mapping(record.get("context")).get("page"))
    return str(page.get("title") or page.get("path") or "") if kind == "page_view" else ""


def _decision(entry: Entry, _: Words, name_of: Callable[[str], str], reason_of: Callable[[str], str]) -> Deed:
    record = entry.record
    offers = [one for one in record.get("offers") or () if isinstance(one, Mapping)]
    things = tuple(
        Thing(
            str(one.get("item_id")),
            name_of(str(one.get("item_id"))),
            None,
            reason_of(str(one.get("reason_code") or "")),
        )
        for one in offers[:24]
    )
    return Deed(
        entry.at,
        _.ngettext(
            "%(num)s offer in %(slot)s", "%(num)s offers in %(slot)s", len(offers), slot=record.get("slot")
        ),
        _("held out, never personalised") if record.get("holdout") else "",
        things,
        False,
        DECISIONS,
    )


def _move(entry: Entry, _: Words) -> Deed:
    record = entry.record
    if entry.type == "segment":
        entered = record.get("change") == "entered"
        title = _("Entered the segment") if entered else _("Left the segment")
        return Deed(entry.at, title, str(record.get("segment_id") or ""), table="moves")
    title = _(MOVE_WORDS[entry.type]) if entry.type in MOVE_WORDS else entry.type.replace("_", " ")
    return Deed(entry.at, title, str(record.get("order_id") or ""), table="moves")


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
