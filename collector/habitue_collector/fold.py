"""profile = fold(events): the one pure function that live, replay and import share.

`fold` takes the profile over: it changes the state it is given and returns the profile, so that no
beacon pays for a copy; a caller whose write fails reads again. The result depends on the profile,
the record and `now` alone, and `now` is the event's stored `received_at`: that is why a replay in
log order equals the live profile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from habitue_collector import (
    affinity,
    exposures,
    identity,
    interests,
    order_lines,
    orders,
    personas,
    sessions,
    touches,
)
from habitue_collector.events import Event, Kind
from habitue_collector.item_numbers import joined
from habitue_collector.profile import (
    HOUR,
    MAX_AFFINITIES,
    MAX_BOUGHT,
    MAX_CART,
    MAX_RECENT_ITEMS,
    MAX_SEEN,
    MAX_SUBSCRIPTIONS,
    MAX_TRAIT_BYTES,
    MAX_TRAITS,
    SEEN_HOURS,
    Profile,
    State,
    digest,
)

# How much an item counts for the visitor's taste, by what was done to it.
WEIGHTS = {
    Kind.PRODUCT_VIEW: 1.0,
    Kind.PRODUCT_CLICK: 0.5,
    Kind.CONFIGURE: 1.5,
    Kind.SHARE: 2.0,
    Kind.WISHLIST_ADD: 3.0,
    Kind.ADD_TO_CART: 3.0,
    Kind.PURCHASE: 5.0,
}
IDENTIFY, PAGE_VIEW = Kind.IDENTIFY, Kind.PAGE_VIEW  # an enum's own attribute costs 40 ns
# Somebody is on the page. Orders that a backend reports, mails and the like open no visit.
BROWSING = frozenset(
    {
        Kind.PAGE_VIEW,
        Kind.SEARCH,
        Kind.LIST_VIEW,
        Kind.PRODUCT_VIEW,
        Kind.PRODUCT_CLICK,
        Kind.ADD_TO_CART,
        Kind.REMOVE_FROM_CART,
        Kind.CART_VIEW,
        Kind.CHECKOUT,
        Kind.WISHLIST_ADD,
        Kind.OFFER_CLICK,
        Kind.PROMOTION_CLICK,
        Kind.CONFIGURE,
        Kind.FORM_SUBMIT,
        Kind.FORM_ABANDON,
        Kind.SURVEY,
        Kind.SHARE,
    }
)


@dataclass(slots=True, frozen=True)
class Facts:
    """What the collector established about an event and stores beside it in the log."""

    server: bool = False  # it came with the secret key
    order_known: bool = False  # its order is counted: in another profile, or long ago in this one
    foreign_claim: bool = False  # it claims a userId that is not the proven one of this profile
    bot: bool = False


NO_FACTS = Facts()
_NO_SESSION = {"last": 0}
_DEVICES = frozenset({"mobile", "tablet", "desktop"})


def is_seen(state: State, event_digest: str) -> bool:
    """Has this event been folded within the last day?"""
    seen = state.get("seen")
    if seen is not None:
        for known in seen.values():
            if event_digest in known:
                return True
    return False


def fold(
    profile: Profile, event: Event, now: int, facts: Facts = NO_FACTS, event_digest: str | None = None
) -> Profile:
    """Take one event into the profile; sets the event's `session_id`. `now` is in milliseconds."""
    state = profile.state
    timestamp = event.timestamp
    _remember(state, event_digest or digest(event.event_id), now)
    first = state.get("first_seen")
    if first is None or timestamp < first:
        state["first_seen"] = timestamp
    if facts.bot:
        state["bot"] = True
    context = event.context
    if "persona" in context:
        personas.switch(state, context["persona"])
    _session(profile, event)
    if timestamp > state.get("session", _NO_SESSION)["last"]:
        if timestamp > state.get("last_seen", 0):
            state["last_seen"] = timestamp
    elif "last_seen" in state and state["last_seen"] <= state["session"]["last"]:
        del state["last_seen"]  # the session's end says it now
    handler = _HANDLERS.get(event.kind)
    if handler is not None:
        # What the tag saw may speak of items by the shop system's numbers.
        handler(state, joined(state, event) if "source" in context else event, facts)
    if event.kind is IDENTIFY and event.user_id is not None and not profile.is_user:
        state["claimed_user_id"] = event.user_id
    return profile


def apply(profile: Profile | None, record_type: str, record: dict[str, Any]) -> Profile | None:
    """One record of the log, applied to the profile it names. None: there is no such profile (any more).

    Records that concern nobody's profile (decisions, counted and claimed events) leave it as it is.
    """
    if record_type == "event":
        if "profile_id" not in record or "kept" in record:
            return profile
        event = Event.from_record(record)
        facts = Facts(
            record.get("server", False),
            record.get("order_known", False),
            record.get("foreign_claim", False),
            record.get("bot", False),
        )
        return fold(profile or Profile(record["profile_id"]), event, event.received_at, facts)
    if record_type == "erasure":
        return None
    move = identity.MOVES.get(record_type)
    if move is None:
        return profile
    return move(profile or Profile(record["profile_id"]), record)


def _remember(state: State, event_digest: str, now: int) -> None:
    hour = str(now // HOUR)
    seen: dict[str, str] | None = state.get("seen")
    if seen is None:
        state["seen"] = {hour: event_digest}
        return
    known = seen.get(hour)
    if known is not None:
        seen[hour] = known + event_digest
        if len(known) < 11 * (MAX_SEEN // SEEN_HOURS):
            return  # an hour this small cannot bring the day over its limit alone
    else:
        seen[hour] = event_digest
        oldest = now // HOUR - SEEN_HOURS
        for old in [old for old in seen if int(old) < oldest]:
            del seen[old]
    while sum(map(len, seen.values())) > 11 * MAX_SEEN and len(seen) > 1:
        del seen[min(seen, key=int)]
    if len(seen) == 1 and len(seen.get(hour, "")) > 11 * MAX_SEEN:
        seen[hour] = seen[hour][-11 * MAX_SEEN :]


def _session(profile: Profile, event: Event) -> None:
    """Put the event into a session: the one that goes on, a new one, or one that is long over."""
    state = profile.state
    session: State | None = state.get("session")
    timestamp = event.timestamp
    opens = event.kind in BROWSING
    if session is None:
        where = sessions.NEW
    else:
        last = session["last"]
        where = sessions.place(session["started"], last, timestamp)
    if where is sessions.CURRENT and session is not None:
        event.session_id = session["id"]
        if not opens:
            return
        session["events"] += 1
        if timestamp > last:
            session["last"] = timestamp
        if event.kind is PAGE_VIEW:
            session["pages"] = session.get("pages", 0) + 1
            if "device" not in session:  # a backend opened it, which cannot know
                _describe(session, event.context)
        return
    event.session_id = sessions.session_id(profile.profile_id, timestamp)
    if where is sessions.LATE or not opens:
        return
    session = {
        "id": event.session_id,
        "started": timestamp,
        "last": timestamp,
        "events": 1,
    }
    if event.kind is PAGE_VIEW:
        session["pages"] = 1
    context = event.context
    page = context.get("page")
    if page and page.get("path"):
        session["landing"] = page["path"][:128]
    referrer = context.get("referrer")
    if referrer and referrer.get("kind") not in (None, "internal", "direct"):
        session["referrer"] = (referrer.get("host") or referrer["kind"])[:64]
    campaign = context.get("campaign")
    if campaign and campaign.get("name"):
        session["campaign"] = str(campaign["name"])[:64]
    _describe(session, context)
    state["session"] = session
    state["visits"] = state.get("visits", 0) + 1


def _describe(session: State, context: State) -> None:
    """With what, from where and in which language: once a session, for these do not change in it."""
    device = context.get("device")
    if device in _DEVICES:
        session["device"] = device
    country = context.get("country")
    if country:
        session["country"] = country
    locale = context.get("locale")
    if locale and (spoken := language(locale)):
        session["language"] = spoken


@lru_cache(1_024)
def language(locale: str) -> str:
    """The language of a locale, without region and script: `de` of `de-AT`; "" when it names none."""
    tag = locale.replace("_", "-").partition("-")[0].lower()
    return tag if 2 <= len(tag) <= 3 and tag.isascii() and tag.isalpha() else ""


@lru_cache(1_024)
def price_band(price: float) -> str:
    """Prices from one power of two to the next: `8-16`."""
    if price < 1:
        return "0-1"
    low = 1 << (int(price).bit_length() - 1)
    return f"{low}-{low * 2}"


def _trim(affinities: State) -> None:
    """Once an event, not once an item: else one line of an order could push out what the next one adds to."""
    for dimension, scores in affinities.items():
        if len(scores) > MAX_AFFINITIES[dimension]:
            affinity.trim(scores, MAX_AFFINITIES[dimension])


def _item_interest(state: State, event: Event, facts: Facts) -> None:
    if not event.items:
        return
    kind, seconds = event.kind._value_, event.timestamp // 1000
    log_weight = affinity.log_weight(WEIGHTS[event.kind], event.timestamp)
    recent = state.setdefault("recent_items", {})
    affinities = state.get("affinities") or {}
    touch, add_log = touches.touch, affinity.add_log
    for item in event.items[:MAX_RECENT_ITEMS]:
        touch(recent, item.item_id, seconds, MAX_RECENT_ITEMS, kind)
        if item.category:
            add_log(affinities.setdefault("category", {}), item.category[:96], log_weight)
        if item.brand:
            add_log(affinities.setdefault("brand", {}), item.brand[:48], log_weight)
        price = item.price
        if price is not None and price > 0:
            add_log(affinities.setdefault("price_band", {}), price_band(price), log_weight)
    if affinities:
        _trim(affinities)
        state["affinities"] = affinities


def _list_view(state: State, event: Event, facts: Facts) -> None:
    category = event.properties.get("category")
    if isinstance(category, str) and category:
        log_weight = affinity.log_weight(0.5, event.timestamp)
        affinities = state.setdefault("affinities", {})
        affinity.add_log(affinities.setdefault("category", {}), category[:96], log_weight)
        _trim(affinities)


def _add_to_cart(state: State, event: Event, facts: Facts) -> None:
    _item_interest(state, event, facts)
    cart: dict[str, State] = state.setdefault("cart", {})
    for item in event.items[:MAX_CART]:
        line = cart.get(item.item_id)
        quantity = item.quantity if item.quantity is not None and item.quantity > 0 else 1
        if line is None:
            line = cart[item.item_id] = {}
            if quantity != 1:
                line["quantity"] = quantity
        else:
            line["quantity"] = line.get("quantity", 1) + quantity
        if item.price is not None:
            line["price"] = item.price
    while len(cart) > MAX_CART:
        del cart[next(iter(cart))]


def _remove_from_cart(state: State, event: Event, facts: Facts) -> None:
    cart: dict[str, State] = state.get("cart", {})
    for item in event.items:
        line = cart.get(item.item_id)
        if line is None:
            continue
        left = line.get("quantity", 1) - (item.quantity or line.get("quantity", 1))
        if left > 0:
            line["quantity"] = left
        else:
            del cart[item.item_id]
    if "cart" in state and not cart:
        del state["cart"]


def _cart_view(state: State, event: Event, facts: Facts) -> None:
    """A cart that names its items is the truth; one that names none says nothing."""
    if not event.items:
        return
    state["cart"] = {}
    for item in event.items[:MAX_CART]:
        line: State = {}
        if item.quantity is not None and item.quantity > 0 and item.quantity != 1:
            line["quantity"] = item.quantity
        if item.price is not None:
            line["price"] = item.price
        state["cart"][item.item_id] = line


def _purchase(state: State, event: Event, facts: Facts) -> None:
    if facts.order_known:
        order_lines.close(state, event)
        return
    first = orders.count(state, event, facts.server)
    if (news := order_lines.of_report(state, event, first=first)) is not None:
        _bought(state, news, facts)
    state.pop("cart", None)


def _bought(state: State, event: Event, facts: Facts) -> None:
    bought = state.setdefault("bought", {})
    for item in event.items:
        touches.touch(bought, item.item_id, event.timestamp // 1000, MAX_BOUGHT)
    _item_interest(state, event, facts)


def _refund(state: State, event: Event, facts: Facts) -> None:
    if not facts.order_known:
        orders.refund(state, event)


def _identify(state: State, event: Event, facts: Facts) -> None:
    if facts.foreign_claim:
        return  # statements about somebody that this visitor has not proven to be
    traits = event.properties.get("traits")
    if isinstance(traits, dict):
        known: dict[str, State] = state.setdefault("traits", {})
        for name, value in traits.items():
            if isinstance(value, str):
                value = value[:256]
            elif isinstance(value, dict | list) and len(orjson.dumps(value)) > MAX_TRAIT_BYTES:
                continue
            latest(known, name[:64], "value", value, event.timestamp)
        identity.keep_latest(known, MAX_TRAITS)


def _consent(state: State, event: Event, facts: Facts) -> None:
    known = state.setdefault("consents", {})
    for purpose in ("analytics", "personalization"):
        value = event.properties.get(purpose)
        if value in ("granted", "denied"):
            latest(known, purpose, "state", value, event.timestamp)


def _subscription(state: State, event: Event, facts: Facts) -> None:
    channel = event.properties.get("channel")
    name = channel[:32] if isinstance(channel, str) and channel else "email"
    known = state.setdefault("subscriptions", {})
    latest(known, name, "state", "on" if event.kind is Kind.SUBSCRIBE else "off", event.timestamp)
    identity.keep_latest(known, MAX_SUBSCRIPTIONS)


def latest(known: dict[str, State], name: str, member: str, value: Any, at: int) -> None:
    """The statement with the latest time wins, in whatever order they arrive."""
    old = known.get(name)
    if old is None or at >= old["at"]:
        known[name] = {member: value, "at": at}


def _custom(state: State, event: Event, facts: Facts) -> None:
    if event.name == interests.CORRECTED:
        interests.forget(state, event.properties)
    elif order_lines.is_line(event) and (news := order_lines.of_line(state, event)) is not None:
        _bought(state, news, facts)


def _offer_impression(state: State, event: Event, facts: Facts) -> None:
    item_id = event.items[0].item_id if event.items else event.properties.get("item_id")
    if not isinstance(item_id, str):
        return
    exposures.touch(state, item_id, event.timestamp // 1000)


_HANDLERS: dict[Kind, Callable[[State, Event, Facts], None]] = {
    Kind.PRODUCT_VIEW: _item_interest,
    Kind.PRODUCT_CLICK: _item_interest,
    Kind.CONFIGURE: _item_interest,
    Kind.SHARE: _item_interest,
    Kind.WISHLIST_ADD: _item_interest,
    Kind.LIST_VIEW: _list_view,
    Kind.ADD_TO_CART: _add_to_cart,
    Kind.REMOVE_FROM_CART: _remove_from_cart,
    Kind.CART_VIEW: _cart_view,
    Kind.PURCHASE: _purchase,
    Kind.REFUND: _refund,
    Kind.IDENTIFY: _identify,
    Kind.CONSENT: _consent,
    Kind.SUBSCRIBE: _subscription,
    Kind.UNSUBSCRIBE: _subscription,
    Kind.OFFER_IMPRESSION: _offer_impression,
    Kind.CUSTOM: _custom,
}
