"""Login, logout, a second device, and how to take it back: moves between profiles. Pure.

A move is two records in two logs: what left the one profile, what came into the other. Each
function here applies one of them; `transfers.py` writes them so that a crash in between is mended.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from habitue_collector import affinity, exposures, order_lines, orders, personas, touches
from habitue_collector.profile import (
    MAX_AFFINITIES,
    MAX_BOUGHT,
    MAX_CART,
    MAX_DEVICES,
    MAX_ORDERS_LISTED,
    MAX_RECENT_ITEMS,
    MAX_SEEN,
    MAX_SUBSCRIPTIONS,
    MAX_TRAITS,
    MAX_TRANSFERS,
    Profile,
    State,
)

# What belongs to the device and stays there when somebody logs in.
_STAYS = frozenset({"pointer", "open_transfer", "transfers", "undone", "home", "successor", "left", "bot"})
MAX_CONSENTS = 2


def movable(profile: Profile, user_id: str) -> State:
    """What a login takes along: the browsing done while nobody was logged in.

    Statements made under another claimed name stay out: they are not this user's.
    """
    state = {name: value for name, value in profile.state.items() if name not in _STAYS}
    if state.pop("claimed_user_id", user_id) != user_id:
        state.pop("traits", None)
    return state


def transfer_out(profile: Profile, record: dict[str, Any]) -> Profile:
    """The device's side of a login: its state is gone to the user, a pointer says to whom."""
    kept = {name: value for name, value in profile.state.items() if name in ("undone", "home")}
    if profile.pointer is not None:
        kept.setdefault("home", profile.pointer)  # who has the orders of when nobody was logged in
    profile.state = {**kept, "pointer": record["user_id"], "open_transfer": record["transfer_id"]}
    return profile


def logout(profile: Profile, record: dict[str, Any]) -> Profile:
    """The device's side of a logout: nobody's any more; what is on its way goes to its successor."""
    state = profile.state
    if profile.pointer is not None:
        state = profile.state = {"home": state.get("home", profile.pointer)}
    state["successor"], state["left"] = record["to"], record["timestamp"]
    state["open_transfer"] = record["transfer_id"]
    return profile


def transfer_in(profile: Profile, record: dict[str, Any]) -> Profile:
    """The receiving side: take the moved state in, once per transfer."""
    state = profile.state
    done: list[str] = state.setdefault("transfers", [])
    if record["transfer_id"] in done:
        return profile
    done.append(record["transfer_id"])
    del done[:-MAX_TRANSFERS]
    if record.get("reason") == "login":
        devices: list[str] = state.setdefault("devices", [])
        if record["from"] in devices:
            devices.remove(record["from"])
        devices.append(record["from"])
        del devices[:-MAX_DEVICES]
    merge(state, record["state"])
    return profile


def order_out(profile: Profile, record: dict[str, Any]) -> Profile:
    """An order turned out to be somebody else's."""
    orders.remove(profile.state, record["order"]["order"])
    return profile


def order_in(profile: Profile, record: dict[str, Any]) -> Profile:
    """The order's true owner takes it in, unless it is there."""
    if orders.listed(profile.state, record["order"]["order"]) is None:
        orders.add(profile.state, dict(record["order"]))
    return profile


def undo_in(profile: Profile, record: dict[str, Any]) -> Profile:
    """Take back what a transfer brought into a user's profile."""
    state = profile.state
    undone: list[str] = state.setdefault("undone", [])
    if record["transfer_id"] in undone:
        return profile
    undone.append(record["transfer_id"])
    del undone[:-MAX_TRANSFERS]
    devices: list[str] = state.get("devices", [])
    if record["from"] in devices:
        devices.remove(record["from"])
    unmerge(state, record["state"])
    entries = record["state"].get("orders", {}).get("listed", ())
    if entries:
        # The claims on these orders still name this person: whoever asks is sent on.
        given = state.setdefault("given_back", {})
        given.update((entry["order"], record["from"]) for entry in entries)
        for order in list(given)[:-MAX_ORDERS_LISTED]:
            del given[order]
    return profile


def undo_out(profile: Profile, record: dict[str, Any]) -> Profile:
    """Give the device its browsing back; it is nobody's until the next proven login."""
    state = profile.state
    undone: list[str] = state.setdefault("undone", [])
    if record["transfer_id"] in undone:
        return profile
    undone.append(record["transfer_id"])
    if state.get("pointer") == record["user_id"]:
        del state["pointer"]
    if state.get("home") == record["user_id"]:
        del state["home"]
    merge(state, record["state"])
    return profile


MOVES: dict[str, Callable[[Profile, dict[str, Any]], Profile]] = {
    "transfer_out": transfer_out,
    "transfer_in": transfer_in,
    "logout": logout,
    "order_out": order_out,
    "order_in": order_in,
    "undo_in": undo_in,
    "undo_out": undo_out,
}


def merge(state: State, moved: State) -> None:
    """Fold a whole state into another: sums add, the latest statement wins, lists keep their limits."""
    if moved.get("seen"):
        _merge_seen(state.setdefault("seen", {}), moved["seen"])
    session, other = state.get("session"), moved.get("session")
    if other is not None and (session is None or other["last"] >= session["last"]):
        state["session"] = dict(other)
    for dimension, scores in moved.get("affinities", {}).items():
        mine = state.setdefault("affinities", {}).setdefault(dimension, {})
        affinity.merge(mine, scores)
        affinity.trim(mine, MAX_AFFINITIES[dimension])
    for name, size in (
        ("recent_items", MAX_RECENT_ITEMS),
        ("bought", MAX_BOUGHT),
    ):
        if moved.get(name):
            state[name] = touches.merge(state.get(name, {}), moved[name], size)
    exposures.merge(state, moved)
    for item_id, line in moved.get("cart", {}).items():
        if len(state.setdefault("cart", {})) < MAX_CART:
            state["cart"].setdefault(item_id, dict(line))
    for name, size in (
        ("traits", MAX_TRAITS),
        ("consents", MAX_CONSENTS),
        ("subscriptions", MAX_SUBSCRIPTIONS),
    ):
        for key, statement in moved.get(name, {}).items():
            mine = state.setdefault(name, {})
            if key not in mine or statement["at"] >= mine[key]["at"]:
                mine[key] = dict(statement)
        keep_latest(state.get(name, {}), size)
    personas.merge(state, moved)
    for order, items in moved.get("lines", {}).items():
        if order not in state.get("lines", ()):
            order_lines.note(state, order, items)
    _merge_orders(state, moved.get("orders"))
    if "visits" in moved:
        state["visits"] = state.get("visits", 0) + moved["visits"]
    if "first_seen" in moved:
        state["first_seen"] = min(state.get("first_seen", moved["first_seen"]), moved["first_seen"])
    if "last_seen" in moved:
        state["last_seen"] = max(state.get("last_seen", 0), moved["last_seen"])
    if "claimed_user_id" in moved:
        state.setdefault("claimed_user_id", moved["claimed_user_id"])
    if moved.get("bot"):
        state["bot"] = True


def unmerge(state: State, moved: State) -> None:
    """Take out what `merge` put in. What was done since stays; repeats stay known as repeats."""
    if "session" in moved and state.get("session", {}).get("id") == moved["session"]["id"]:
        del state["session"]
    for dimension, scores in moved.get("affinities", {}).items():
        mine = state.get("affinities", {}).get(dimension)
        if mine is not None:
            affinity.subtract(mine, scores)
    for name in ("recent_items", "bought"):
        touches.subtract(state.get(name, {}), moved.get(name, {}))
    exposures.subtract(state, moved)
    cart = state.get("cart", {})
    for item_id, line in moved.get("cart", {}).items():
        if cart.get(item_id) == line:
            del cart[item_id]
    for name in ("traits", "consents", "subscriptions"):
        mine = state.get(name, {})
        for key, statement in moved.get(name, {}).items():
            if mine.get(key) == statement:
                del mine[key]
    for entry in moved.get("orders", {}).get("listed", ()):
        orders.remove(state, entry["order"])
    state["visits"] = max(0, state.get("visits", 0) - moved.get("visits", 0))


def keep_latest(statements: dict[str, State], size: int) -> None:
    """Of too many statements the oldest go; of equally old ones the name that sorts first."""
    while len(statements) > size:
        del statements[min(statements, key=lambda name: (statements[name]["at"], name))]


def _merge_seen(seen: dict[str, str], moved: dict[str, str]) -> None:
    """Both sides' repeats, each digest once: two persons at one device hand them to and fro."""
    for hour, digests in moved.items():
        mine = seen.get(hour, "")
        parts = (digests[start : start + 11] for start in range(0, len(digests), 11))
        seen[hour] = mine + "".join(part for part in parts if part not in mine)
    while sum(map(len, seen.values())) > 11 * MAX_SEEN:
        oldest = min(seen, key=int)
        excess = sum(map(len, seen.values())) - 11 * MAX_SEEN
        if len(seen) > 1 and len(seen[oldest]) <= excess:
            del seen[oldest]
        else:
            seen[oldest] = seen[oldest][excess:]


def _merge_orders(state: State, moved: State | None) -> None:
    if not moved:
        return
    for entry in moved.get("listed", ()):
        if orders.listed(state, entry["order"]) is None:
            orders.add(state, dict(entry))
    # Orders so old that only their sums were kept.
    summary: State = state.setdefault("orders", {"count": 0, "by_currency": {}, "listed": []})
    unlisted = moved["count"] - len(moved.get("listed", ()))
    if unlisted > 0:
        summary["count"] += unlisted
        for currency, value in moved["by_currency"].items():
            of_listed = sum(orders.net(e) for e in moved["listed"] if e["currency"] == currency)
            orders.book(state, currency, round(value - of_listed, 2))
        for name, choose in (("first", min), ("last", max)):
            if name in moved:
                summary[name] = choose(summary.get(name, moved[name]), moved[name])
    if "refunds" in moved:
        summary["refunds"] = [*summary.get("refunds", ()), *moved["refunds"]][-MAX_ORDERS_LISTED:]
        if unlisted <= 0:
            for currency, value in moved["by_currency"].items():
                of_listed = sum(orders.net(e) for e in moved["listed"] if e["currency"] == currency)
                orders.book(state, currency, round(value - of_listed, 2))
