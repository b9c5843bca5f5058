"""Matomo's tracking API: query strings, one by one or in bulk → calls of the native wire.

https://developer.matomo.org/api-reference/tracking-api. A page view of a product is a page view and a product
view. A cart update names the whole cart. Matomo has no event id: one is made of the request's own parameters,
random number included, so that what a client sends twice counts once."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, Final

import orjson

from habitue_collector.body_json import read_json
from habitue_collector.events import MAX_EVENTS_PER_BATCH, InvalidEvent
from habitue_collector.request import Request
from habitue_collector.wires.calls import (
    Call,
    Calls,
    Malformed,
    consent_of,
    free_name,
    json_or_none,
    loads,
    parameters,
    present,
    refused,
    screen_of,
    track,
)

# What changes when the same request is sent again, or says nothing of the event.
_NOT_OF_THE_EVENT: Final = frozenset(("cdo", "token_auth", "send_image", "queuedtracking", "uadata"))
# Requests of this kind are no page views even where they have an action_name or carry a product along.
_NOT_A_PAGE: Final = ("e_a", "e_c", "idgoal", "link", "download", "search", "c_n", "ping", "cra")
_FOREIGN_PLUGINS: Final = ("ma_id", "fa_vid", "fa_id", "hsr_vid")  # media, forms, heatmaps


def decode(request: Request, received_at: int) -> Calls:
    """GET and POST of `matomo.php`. Raises Malformed; what is wrong with one event stands in its place."""
    body = request.body.strip()
    query = request.query.decode("latin-1")
    if body[:1] in (b"{", b"["):
        return _bulk(body, query, received_at)
    if body and b"=" not in body:
        raise Malformed("invalid_body", "The body holds parameters, or requests in bulk.")
    calls = Calls(count=1)
    text = body.decode("utf-8", "replace").removeprefix("?")
    key = None
    try:
        said = {**parameters(query), **parameters(text)}
        key, calls.token = said.get("idsite"), said.get("token_auth")
        calls.wants_image = said.get("send_image") != "0"
        calls.add(0, key, *_events(said, received_at))
    except InvalidEvent as refusal:
        calls.add(0, key, refusal)
    return calls


def _bulk(body: bytes, query: str, received_at: int) -> Calls:
    try:
        parsed = read_json(body)
    except orjson.JSONDecodeError as error:
        raise Malformed("invalid_json", f"The body is not JSON: {error}.") from None
    members = parsed if type(parsed) is dict else {"requests": parsed}
    lines = members.get("requests")
    if type(lines) is not list or len(lines) > MAX_EVENTS_PER_BATCH:
        raise Malformed("invalid_batch", f'Bulk is {{"requests": [up to {MAX_EVENTS_PER_BATCH} queries]}}.')
    try:
        shared = parameters(query)
    except InvalidEvent as refusal:
        raise Malformed("invalid_query", str(refusal)) from None
    token = members.get("token_auth") or shared.get("token_auth")
    calls = Calls(count=len(lines), token=token if type(token) is str else None, wants_image=False)
    for number, line in enumerate(lines):
        key = shared.get("idsite")
        try:
            if type(line) is dict:
                said = {str(name): str(value) for name, value in line.items()}
            elif type(line) is str:
                said = parameters(line.partition("?")[2] if "?" in line[:2_048] else line)
            else:
                raise refused("a request in bulk is a query string")
            key = said.get("idsite", key)
            calls.add(number, key, *_events(said, received_at))
        except InvalidEvent as refusal:
            calls.add(number, key, refusal)
    return calls


def _events(said: dict[str, str], received_at: int) -> list[Call | InvalidEvent]:
    """The calls in one tracking request."""
    if said.get("rec") != "1":
        raise refused("a tracking request has rec=1")
    get, common = said.get, _common(said, received_at)
    if get("idgoal") == "0":
        return [_order(said, common)] if get("ec_id") else [_cart(said, common)]
    plugin = get("ca") == "1" or any(name in said for name in _FOREIGN_PLUGINS)
    if any(name in said for name in _NOT_A_PAGE) or (plugin and "action_name" not in said):
        return [_action(said, common)]
    dimensions = {name: value for name, value in said.items() if name.startswith("dimension")}
    page = {**common, "type": "page", "name": get("action_name"), "properties": dimensions}
    viewed = _viewed(said, common)
    if viewed is not None and "messageId" in common:
        viewed["messageId"] = common["messageId"] + ".view"
    return [page] if viewed is None else [page, viewed]


def _action(said: dict[str, str], common: Call) -> Call:
    """Whatever is neither a page nor a purchase."""
    get = said.get
    if "search" in said:
        found = present(query=get("search"), category=get("search_cat"), results=get("search_count"))
        return track("Site Search", found, common)
    if "c_n" in said:
        shown = present(name=get("c_n"), creative=get("c_p"), target=get("c_t"), interaction=get("c_i"))
        return track("Content Interaction" if get("c_i") else "Content Impression", shown, common)
    if "e_a" in said or "e_c" in said:
        spoken = present(category=get("e_c"), action=get("e_a"), label=get("e_n"), event_value=get("e_v"))
        return track(free_name(get("e_c"), get("e_a")), spoken, common)
    if "idgoal" in said:
        goal = present(goal_id=get("idgoal"), revenue=get("revenue"))
        return track("Goal Conversion", goal, common)
    for parameter, name in (("download", "Download"), ("link", "Outlink")):
        if parameter in said:
            return track(name, present(url=get(parameter)), common)
    if get("ping") == "1":
        return track("Heart Beat", {}, common)
    rest = {name: value for name, value in said.items() if name[:3] in ("ma_", "fa_", "hsr", "cra")}
    return track("Crash" if "cra" in said else "Plugin Request", rest, common)


def _viewed(said: dict[str, str], common: Call) -> Call | None:
    """The product or category of a page; Piwik before Matomo 4 sent it in custom variables."""
    product = {name: said[name] for name in ("_pks", "_pkn", "_pkc", "_pkp") if said.get(name)}
    if not product and "_pk" in said.get("cvar", ""):
        slots = json_or_none(said["cvar"])
        pairs = slots.values() if type(slots) is dict else ()
        product = {
            pair[0]: pair[1]
            for pair in pairs
            if type(pair) is list and len(pair) == 2 and type(pair[0]) is str and pair[1]
        }
    category = _category(product.get("_pkc"))
    if product.get("_pks"):
        item = present(product_id=product["_pks"], name=product.get("_pkn"), price=product.get("_pkp"))
        return track("Product View", {**item, **present(category=category)}, common)
    return track("Category View", {"category": category}, common) if category else None


def _order(said: dict[str, str], common: Call) -> Call:
    get = said.get
    order = present(order_id=get("ec_id"), total=get("revenue"), subtotal=get("ec_st"), tax=get("ec_tx"))
    order |= present(shipping=get("ec_sh"), discount=get("ec_dt"), currency=get("currency"))
    return track("Ecommerce Order", {**order, "products": _items(said)}, common)


def _cart(said: dict[str, str], common: Call) -> Call:
    cart = present(value=said.get("revenue"), currency=said.get("currency"))
    return track("Cart Update", {**cart, "products": _items(said)}, common)


def _items(said: dict[str, str]) -> list[dict[str, Any]]:
    """`[[sku, name, category, price, quantity], …]`; all but the first may be missing."""
    listed = loads(said.get("ec_items") or "[]", "ec_items")
    listed = list(listed.values()) if type(listed) is dict else listed  # PHP's arrays with holes
    if type(listed) is not list or not all(type(row) is list for row in listed):
        raise refused("ec_items is a list of [sku, name, category, price, quantity]")
    names = ("product_id", "name", "category", "price", "quantity")
    return [dict(zip(names, row, strict=False)) for row in listed]


def _category(value: Any) -> Any:
    """A name, or up to five of them as JSON; `[Sale] Shoes` is a name."""
    if type(value) is str and value.startswith("[") and type(listed := json_or_none(value)) is list:
        return "/".join(name for name in listed if type(name) is str) or None
    return value


def _common(said: dict[str, str], received_at: int) -> Call:
    """Who, when, where."""
    get = said.get
    page = present(url=get("url"), referrer=get("urlref"), title=get("action_name"))
    consent = consent_of(get("consent_analytics"), get("consent_personalization"))
    context = present(page=page or None, userAgent=get("ua"), consent=consent, user_hash=get("user_hash"))
    context |= present(locale=(get("lang") or "").partition(",")[0], screen=screen_of(get("res")))
    common = present(anonymousId=get("cid") or get("_id"), userId=get("uid"), messageId=_event_id(said))
    if (moment := get("cdt")) is not None:
        common["timestamp"] = moment
    elif (ago := get("cdo", "")).isdecimal() and len(ago) <= 9:
        common["timestamp"] = received_at - int(ago) * 1_000
    return {**common, "context": context}


def _event_id(said: dict[str, str]) -> str | None:
    """The digest of the request, where it carries a random number; else it cannot be told from another."""
    if "r" not in said and "rand" not in said:
        return None
    told = sorted((name, value) for name, value in said.items() if name not in _NOT_OF_THE_EVENT)
    return "matomo-" + blake2b(repr(told).encode("utf-8", "replace"), digest_size=12).hexdigest()
