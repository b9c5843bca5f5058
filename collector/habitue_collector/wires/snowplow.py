"""Snowplow's tracker protocol: `tp2` payloads and `/i` query strings → calls of the native wire.

https://docs.snowplow.io/docs/events/going-deeper/event-parameters/. Self-describing JSON may come plain
(`ue_pr`, `co`) or as base64 (`ue_px`, `cx`). What an unknown schema describes is kept under its name.
"""

from __future__ import annotations

import re
from base64 import b64decode
from typing import Any, Final

import orjson

from habitue_collector.body_json import read_json
from habitue_collector.events import MAX_EVENT_BYTES, MAX_EVENTS_PER_BATCH, InvalidEvent, RejectReason
from habitue_collector.request import Request
from habitue_collector.wires.calls import (
    Call,
    Calls,
    Malformed,
    consent_of,
    free_name,
    loads,
    members,
    parameters,
    present,
    refused,
    screen_of,
    track,
)
from habitue_collector.wires.snowplow_schemas import Entities, describe

_IGLU: Final = re.compile(r"iglu:([a-zA-Z0-9_.-]{1,128})/([a-zA-Z0-9_.-]{1,128})/[a-zA-Z0-9_-]+/\d+-\d+-\d+")
_LARGE: Final = 10_000  # bytes of a body whose events are measured one by one
OUR_ENTITY: Final = ("com.habitue", "visitor")  # {user_hash, analytics, personalization}


def decode(request: Request, received_at: int) -> Calls:
    """POST and GET of a tracker. Raises Malformed; what is wrong with one event stands in its place."""
    if not request.body and request.path == "/i":
        calls = Calls(count=1)
        try:
            said: Any = parameters(request.query.decode("latin-1"))
        except InvalidEvent as refusal:
            calls.add(0, None, refusal)
            return calls
        calls.add(0, said.get("aid"), _judged(said, {}))
        return calls
    listed = payload(request.body)
    if len(listed) > MAX_EVENTS_PER_BATCH:
        raise Malformed("too_many_events", f"A batch may have {MAX_EVENTS_PER_BATCH} events.")
    calls = Calls(count=len(listed))
    lines = _lines_of_orders(listed)
    for number, said in enumerate(listed):
        key = said.get("aid") if type(said) is dict else None
        too_large = len(request.body) > _LARGE and _is_too_large(said)
        event = refused("too large", RejectReason.EVENT_TOO_LARGE) if too_large else _judged(said, lines)
        calls.add(number, key if type(key) is str else None, event)
    return calls


def payload(body: bytes) -> list[Any]:
    """The events of a `payload_data` document. Raises Malformed."""
    try:
        parsed = read_json(body)
    except orjson.JSONDecodeError as error:
        raise Malformed("invalid_json", f"The body is not JSON: {error}.") from None
    schema = parsed.get("schema") if type(parsed) is dict else None
    if type(schema) is not str or "/payload_data/" not in schema:
        raise Malformed("unknown_schema", "The body must be Snowplow's payload_data: {schema, data: [...]}.")
    data = parsed.get("data")
    listed = [data] if type(data) is dict else data
    if type(listed) is not list:
        raise Malformed("invalid_batch", "data must be a list of events.")
    return listed


def _is_too_large(said: object) -> bool:
    try:
        return len(orjson.dumps(said)) > MAX_EVENT_BYTES
    except orjson.JSONEncodeError:  # it reads 1,024 levels and writes 254
        return True


def _judged(said: object, lines: dict[str, list[dict[str, Any]]]) -> Call | InvalidEvent:
    try:
        if type(said) is not dict:
            raise refused("an event is a JSON object")
        return _event(said, lines)
    except InvalidEvent as refusal:
        return refusal


def _event(said: dict[str, Any], lines: dict[str, list[dict[str, Any]]]) -> Call:
    """One event of the payload. Raises InvalidEvent."""
    get, kind = said.get, said.get("e")
    entities = _entities(said)
    common = _common(said, entities)
    if kind == "pv":
        return {**common, "type": "page", "name": get("page"), "properties": {}}
    if kind == "pp":
        seen = present(offset_x=get("pp_max"), offset_y=get("pp_may"))
        return track("page_ping", seen, common)
    if kind == "se":
        spoken = present(category=get("se_ca"), action=get("se_ac"), label=get("se_la"))
        spoken |= present(property=get("se_pr"), event_value=get("se_va"))
        return track(free_name(get("se_ca"), get("se_ac")), spoken, common)
    if kind == "tr":
        order = present(order_id=get("tr_id"), total=get("tr_tt"), tax=get("tr_tx"), shipping=get("tr_sh"))
        order |= present(affiliation=get("tr_af"), currency=get("tr_cu"))
        if type(order_id := get("tr_id")) is str and order_id in lines:
            order["products"] = lines[order_id]
        return track("transaction", order, common)
    if kind == "ti":
        return track("transaction_item", {**_line(said), **present(order_id=get("ti_id"))}, common)
    if kind == "ue":
        vendor, schema, data = _self_described(_json(said, "ue_pr", "ue_px"))
        name, properties, consent = describe(vendor, schema, data, entities)
        if consent is not None:
            common["context"] = {**common["context"], "consent": consent}
        if schema == "screen_view":
            return {**common, "type": "screen", "name": properties.get("name"), "properties": properties}
        return track(name, properties, common)
    raise refused("e is none of pv, pp, se, tr, ti, ue", RejectReason.UNKNOWN_TYPE)


def _lines_of_orders(listed: list[Any]) -> dict[str, list[dict[str, Any]]]:
    """The items of transactions, where they come in the same request (`tr` and `ti` of version 3)."""
    lines: dict[str, list[dict[str, Any]]] = {}
    for said in listed:
        if type(said) is dict and said.get("e") == "ti" and type(order_id := said.get("ti_id")) is str:
            lines.setdefault(order_id, []).append(_line(said))
    return lines


def _line(said: dict[str, Any]) -> dict[str, Any]:
    get = said.get
    item = present(product_id=get("ti_sk"), name=get("ti_nm"), category=get("ti_ca"), price=get("ti_pr"))
    return item | present(quantity=get("ti_qu"), currency=get("ti_cu"))


def _json(said: dict[str, Any], plain: str, packed: str) -> Any:
    """The self-describing JSON in one of two parameters; None where there is neither."""
    text = said.get(plain)
    if text is None and (encoded := said.get(packed)) is not None:
        if type(encoded) is not str:
            raise refused(f"{packed} is not base64")
        standard = encoded.translate(_TO_URL_SAFE).rstrip("=")
        try:
            text = b64decode(standard + "=" * (-len(standard) % 4), altchars=b"-_", validate=True)
        except ValueError:
            raise refused(f"{packed} is not base64") from None
    if type(text) is dict:
        return text
    return None if text is None else loads(text, packed if type(text) is bytes else plain)


_TO_URL_SAFE: Final = str.maketrans("+/ ", "-_-")  # a plus in a query string arrives as a blank


def _self_described(envelope: Any) -> tuple[str, str, dict[str, Any]]:
    """Vendor, name and data of `{schema: unstruct_event, data: {schema, data}}`."""
    inner = members(members(envelope).get("data"))
    found = _schema(inner.get("schema"))
    if found is None:
        raise refused("a self-describing event names its iglu schema")
    return *found, members(inner.get("data"))


def _schema(schema: object) -> tuple[str, str] | None:
    match = _IGLU.fullmatch(schema) if type(schema) is str else None
    return (match[1], match[2]) if match else None


def _entities(said: dict[str, Any]) -> Entities:
    """The contexts of an event by vendor and name; what no schema describes is passed over."""
    entities: Entities = {}
    listed = members(_json(said, "co", "cx")).get("data")
    for entity in listed if type(listed) is list else ():
        found = _schema(members(entity).get("schema"))
        if found is not None:
            entities.setdefault(found, []).append(members(entity.get("data")))
    return entities


def _common(said: dict[str, Any], entities: Entities) -> Call:
    """Who, when, where."""
    get = said.get
    ours = entities.get(OUR_ENTITY, [{}])[0]
    session = entities.get(("com.snowplowanalytics.snowplow", "client_session"), [{}])[0]
    page = present(url=get("url"), title=get("page"), referrer=get("refr"))
    consent = consent_of(ours.get("analytics"), ours.get("personalization"))
    context = present(page=page or None, userAgent=get("ua"), consent=consent, locale=get("lang"))
    context |= present(timezone=get("tz"), screen=screen_of(get("res")), user_hash=ours.get("user_hash"))
    device = get("duid") or session.get("userId") or get("tnuid") or get("nuid")
    common = present(anonymousId=device, userId=get("uid"), messageId=get("eid"))
    if (exact := get("ttm")) is not None:  # the true time needs no correction
        return {**common, "timestamp": exact, "context": context}
    return {**common, **present(timestamp=get("dtm"), sentAt=get("stm")), "context": context}
