"""Jitsu before version 2 (EventNative): `POST /api/v1/event` → calls of the native wire.

Its successor speaks the native wire at `/api/s/…` and needs no adapter. Here an event is flat JSON:
`event_type`, `user`, `url`, `page_title`, `utc_time`, and whatever the shop put beside them; the older form
has these in `eventn_ctx`.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from habitue_collector.body_json import read_json
from habitue_collector.events import MAX_EVENT_BYTES, MAX_EVENTS_PER_BATCH, InvalidEvent, RejectReason
from habitue_collector.request import Request
from habitue_collector.wires.calls import Call, Calls, Malformed, members, present, refused, screen_of, track

# What the client says of itself and the page; the rest is the shop's own.
_ITS_OWN: Final = frozenset(
    (
        *(
            "api_key",
            "src",
            "event_type",
            "event_id",
            "user",
            "ids",
            "utc_time",
            "local_tz_offset",
            "source_ip",
        ),
        *("eventn_ctx", "eventn_ctx_event_id", "referer", "url", "page_title", "doc_path", "doc_host"),
        *("doc_search", "screen_resolution", "vp_size", "user_agent", "user_language", "doc_encoding"),
        *("utm", "click_id", "parsed_ua", "location"),
    )
)
_PAGES: Final = frozenset(("pageview", "page_view", "page", "app_page"))
_PEOPLE: Final = frozenset(("user_identify", "identify"))


def decode(request: Request, received_at: int) -> Calls:
    """One event, or a list of them. Raises Malformed; what is wrong with one event stands in its place."""
    try:
        parsed = read_json(request.body)
    except orjson.JSONDecodeError as error:
        raise Malformed("invalid_json", f"The body is not JSON: {error}.") from None
    listed = [parsed] if type(parsed) is dict else parsed
    if type(listed) is not list:
        raise Malformed("invalid_body", "The body must be a JSON object, or a list of them.")
    if len(listed) > MAX_EVENTS_PER_BATCH:
        raise Malformed("too_many_events", f"A batch may have {MAX_EVENTS_PER_BATCH} events.")
    calls = Calls(count=len(listed))
    for number, said in enumerate(listed):
        if type(said) is not dict:
            calls.add(number, None, refused("an event is a JSON object"))
            continue
        key = said.get("api_key")
        calls.add(number, key if type(key) is str else None, _call(said, len(request.body) > MAX_EVENT_BYTES))
    return calls


def _call(said: dict[str, Any], measure: bool) -> Call | InvalidEvent:
    if measure and _is_too_large(said):
        return refused(f"more than {MAX_EVENT_BYTES} bytes", RejectReason.EVENT_TOO_LARGE)
    get = {**members(said.get("eventn_ctx")), **said}.get
    user = members(get("user"))
    page = present(url=get("url"), title=get("page_title"), referrer=get("referer"))
    context = present(page=page or None, userAgent=get("user_agent"), locale=get("user_language"))
    context |= present(screen=screen_of(get("screen_resolution")), user_hash=user.get("user_hash"))
    message = get("event_id") or get("eventn_ctx_event_id")
    common = present(anonymousId=user.get("anonymous_id"), messageId=message, timestamp=get("utc_time"))
    common |= {**present(userId=user.get("id") or user.get("internal_id")), "context": context}
    properties = {name: value for name, value in said.items() if name not in _ITS_OWN}
    kind = get("event_type")
    if type(kind) is not str or not kind:
        return refused("event_type is missing", RejectReason.MISSING_NAME)
    if kind in _PAGES:
        return {**common, "type": "page", "name": get("page_title"), "properties": properties}
    if kind in _PEOPLE:
        traits = {name: value for name, value in user.items() if name not in ("anonymous_id", "user_hash")}
        return {**common, "type": "identify", "traits": traits}
    return track(kind, properties, common)


def _is_too_large(said: object) -> bool:
    try:
        return len(orjson.dumps(said)) > MAX_EVENT_BYTES
    except orjson.JSONEncodeError:  # it reads 1,024 levels and writes 254
        return True
