"""The native wire: recorded clients, the envelope, and whatever else comes in."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.mutations import mutations

from habitue_collector.body_json import read_json
from habitue_collector.consent import GRANTED, State
from habitue_collector.enrich import enrich
from habitue_collector.events import Event, InvalidEvent, Kind, RejectReason
from habitue_collector.wires.pixel import decode_pixel
from habitue_collector.wires.segment import Envelope, decode, parse_envelope

NOW = 1_795_284_930_000  # 2026-11-21T18:15:30Z
RECORDED = Path(__file__).parents[3] / "shared" / "data" / "wire"
CLIENTS = (
    "segment",
    "segment-node",
    "segment-python",
    "segment-python-gzip",
    "rudderstack",
    "rudder-node",
    "rudder-python",
)


def sent(raw: Any, envelope: Envelope | None = None) -> Event:
    return decode(raw, envelope or Envelope(), NOW)


def refused(raw: Any, envelope: Envelope | None = None) -> RejectReason:
    with pytest.raises(InvalidEvent) as raised:
        sent(raw, envelope)
    return raised.value.reason


@pytest.mark.parametrize("client", CLIENTS)
def test_recorded_clients_are_understood(client: str) -> None:
    if not RECORDED.is_dir():
        pytest.skip("the recorded requests are not on this machine")
    kinds = set()
    for path in sorted((RECORDED / client).glob("*POST*")):
        request = json.loads(path.read_text("utf-8"))
        body, call = request["body"], request["path"].rpartition("/")[2]
        if call == "m" or not isinstance(body, dict):
            continue  # the client's own metrics
        received_at = int(request["t"] * 1000)
        envelope = parse_envelope(body, received_at, None if "batch" in body else call)
        for raw in body.get("batch", [body]):
            event = decode(raw, envelope, received_at)
            kinds.add(event.kind)
            assert event.anonymous_id == "7f1c2a9e-5b7d-4c1e-9a36-0f2b8d4e6c11"
            assert event.user_id in (None, "cust-4711")
            assert 0 <= received_at - event.timestamp < 4_000_000
            assert "traits" in event.properties or event.kind is not Kind.IDENTIFY
            enrich(event.context)
            stored = orjson.dumps(event.to_record())
            assert b"Mozilla" not in stored
    assert kinds >= {Kind.PAGE_VIEW}


def test_the_envelope_speaks_for_every_event_and_an_event_for_itself() -> None:
    body = {
        "sentAt": "2026-11-21T18:05:30Z",
        "nonce": "0123456789abcdef",
        "anonymousId": "from-the-envelope",
        "context": {
            "consent": {"analytics": "granted", "personalization": "granted"},
            "page": {"url": "https://shop.test/a", "title": "A"},
            "locale": "de",
        },
    }
    envelope = parse_envelope(body, NOW)
    assert envelope.skew == 600_000
    assert envelope.nonce == "0123456789abcdef"
    assert envelope.said == GRANTED
    first = sent({"type": "track", "event": "Ping", "timestamp": "2026-11-21T18:05:29Z"}, envelope)
    assert first.timestamp == NOW - 1_000
    assert first.anonymous_id == "from-the-envelope"
    assert first.context["page"] == {"url": "https://shop.test/a", "title": "A"}
    second = sent(
        {
            "type": "track",
            "event": "Ping",
            "anonymousId": "own",
            "context": {"page": {"url": "https://shop.test/b"}, "consent": {"analytics": "denied"}},
        },
        envelope,
    )
    assert second.anonymous_id == "own"
    assert second.context["page"] == {"url": "https://shop.test/b"}
    assert second.context["consent"] == {"analytics": "denied"}
    assert second.context["locale"] == "de"
    assert envelope.context["page"]["url"] == "https://shop.test/a"


def test_events_of_a_batch_share_no_context() -> None:
    envelope = parse_envelope({"context": {"page": {"url": "https://shop.test/a"}}}, NOW)
    first, second = (sent({"type": "track", "event": "Ping"}, envelope) for _ in range(2))
    enrich(first.context)
    assert second.context == {"page": {"url": "https://shop.test/a"}}
    assert envelope.context == {"page": {"url": "https://shop.test/a"}}


def test_the_path_names_the_call() -> None:
    body = {"event": "Product Viewed", "properties": {"product_id": "a"}}
    assert sent(body, parse_envelope(body, NOW, "t")).kind is Kind.PRODUCT_VIEW
    assert sent({}, parse_envelope({}, NOW, "page")).kind is Kind.PAGE_VIEW
    assert refused(body, parse_envelope(body, NOW, "nonsense")) is RejectReason.UNKNOWN_TYPE


def test_a_single_calls_consent_is_the_requests() -> None:
    body = {
        "type": "track",
        "event": "Ping",
        "context": {"consent": {"analytics": "granted"}, "locale": "de"},
    }
    envelope = parse_envelope(body, NOW, "track")
    assert envelope.said is not None
    assert envelope.said.keeps_profile
    assert sent(body, envelope).context == {"consent": {"analytics": "granted"}, "locale": "de"}


def test_where_the_cookie_decides_ids_in_bodies_mean_nothing() -> None:
    body = {"anonymousId": "user:somebody", "type": "track", "event": "Ping"}
    envelope = parse_envelope(body, NOW, cookie_decides=True)
    assert envelope.anonymous_id is None
    assert sent(body, envelope).anonymous_id is None
    assert refused(body, parse_envelope(body, NOW)) is RejectReason.INVALID_IDENTITY


@pytest.mark.parametrize("nonce", [None, 7, "short", "x" * 300, "with\ncontrol characters"])
def test_a_nonce_that_is_none_is_none(nonce: object) -> None:
    assert parse_envelope({"nonce": nonce}, NOW).nonce is None


@pytest.mark.parametrize("context", [None, [], "x", 7, {"page": 7}, {"page": {"url": 7}}, {"consent": 7}])
def test_an_envelope_of_any_shape_is_an_envelope(context: object) -> None:
    assert parse_envelope({"context": context, "sentAt": context}, NOW) == Envelope(sent_at=context)


def test_an_event_without_an_id_gets_one_of_its_own() -> None:
    first, second = sent({"type": "page"}), sent({"type": "page"})
    assert first.event_id != second.event_id
    long = {"type": "page", "messageId": "x" * 10_000}
    assert sent(long).event_id == sent(long).event_id
    assert len(sent(long).event_id) == 32


def test_personal_data_of_the_context_is_not_copied() -> None:
    event = sent(
        {
            "type": "track",
            "event": "Ping",
            "context": {
                "ip": "203.0.113.7",
                "traits": {"email": "a@b.test"},
                "location": {"city": "Ulm"},
                "locale": "de",
            },
        }
    )
    assert event.context == {"locale": "de"}


def test_raw_events_are_left_as_they_came() -> None:
    raw = {
        "type": "track",
        "event": "purchase",
        "properties": {"ecommerce": {"transaction_id": "1", "value": 2}},
    }
    before = json.dumps(raw)
    assert sent(raw).order_id == "1"
    assert json.dumps(raw) == before


def test_texts_that_no_utf8_holds_are_mended() -> None:
    event = sent(
        {"type": "track", "event": "a\ud800b", "properties": {"k\udfff": "v\ud800", "l": ["\ud800", "\x00x"]}}
    )
    assert event.name == "ab"
    assert event.properties == {"k": "v", "l": ["", "x"]}


def test_properties_are_bounded() -> None:
    deep: Any = 1
    for _ in range(500):
        deep = {"a": [deep]}
    event = sent(
        {
            "type": "track",
            "event": "x",
            "properties": {
                "long": "x" * 5_000,
                "list": list(range(1_000)),
                "deep": deep,
                **{str(n): n for n in range(900)},
            },
        }
    )
    assert len(event.properties) == 255
    assert len(event.properties["long"]) == 1_024
    assert len(event.properties["list"]) == 100
    assert len(orjson.dumps(event.properties["deep"])) < 100


PIXEL_PARAMETERS = ["k", *"eurthq", "id", "ts", "uid", "aid", "ca", "cp", "item", "price", "value", "order"]


class TestThePixel:
    def test_a_product_view(self) -> None:
        raw = decode_pixel(
            {
                "k": "demo",
                "e": "Product Viewed",
                "u": "https://shop.test/p/1",
                "t": "Shoe",
                "r": "https://www.google.com/",
                "item": "SKU-001",
                "price": "89.90",
                "currency": "eur",
                "id": "m-1",
                "ca": "1",
                "cp": "0",
            }
        )
        event = sent(raw)
        enrich(event.context)
        assert event.kind is Kind.PRODUCT_VIEW
        assert event.event_id == "m-1"
        assert event.currency == "EUR"
        assert event.items[0].item_id == "SKU-001"
        assert event.items[0].price == 89.9
        assert event.context["referrer"]["kind"] == "search"
        assert event.context["consent"] == {"analytics": State.GRANTED, "personalization": State.DENIED}

    def test_an_order(self) -> None:
        event = sent(decode_pixel({"e": "Order Completed", "order": "o-1", "value": "12.5"}))
        assert (event.order_id, event.value) == ("o-1", 12.5)

    def test_without_a_name_it_is_a_page_view_of_the_page_that_holds_it(self) -> None:
        event = sent(decode_pixel({"k": "demo"}, "https://shop.test/mail"))
        assert event.kind is Kind.PAGE_VIEW
        assert event.context["page"]["url"] == "https://shop.test/mail"

    @given(
        st.dictionaries(
            st.sampled_from(
                ["k", *"eurthq", "id", "ts", "uid", "aid", "ca", "cp", "item", "price", "value", "order"]
            ),
            st.text(),
        )
    )
    @settings(max_examples=30, deadline=None)
    def test_any_query_is_an_event_or_a_reason(self, query: dict[str, str]) -> None:
        check_any(decode_pixel(query))


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
MEMBERS = [
    *(
        "type",
        "event",
        "name",
        "properties",
        "traits",
        "context",
        "messageId",
        "timestamp",
        "originalTimestamp",
    ),
    *("sentAt", "anonymousId", "userId", "previousId", "groupId"),
]
PROPERTIES = [
    *(
        "products",
        "items",
        "ecommerce",
        "product_id",
        "item_id",
        "sku",
        "id",
        "name",
        "category",
        "item_category",
    ),
    *("item_category2", "price", "quantity", "url", "image_url", "value", "total", "revenue", "currency"),
    *("order_id", "transaction_id", "query", "search_term", "title", "path", "referrer"),
]
CONTEXT = ["page", "userAgent", "locale", "timezone", "screen", "campaign", "consent", "traits", "user_hash"]
WORDS = st.sampled_from(
    ["track", "page", "identify", "alias", "Order Completed", "Product Viewed", "search", "89.90", "EUR"]
)
PLAIN = WORDS | JSON
FIELDS = st.dictionaries(
    st.sampled_from(PROPERTIES),
    PLAIN | st.lists(st.dictionaries(st.sampled_from(PROPERTIES), PLAIN), max_size=3),
)
ANY_EVENT = st.fixed_dictionaries(
    {"type": st.sampled_from(["track", "page", "identify", "screen", "group", "alias"])},
    optional={
        **{member: PLAIN for member in MEMBERS if member != "type"},
        "event": WORDS | JSON,
        "properties": FIELDS | JSON,
        "context": st.dictionaries(st.sampled_from(CONTEXT), FIELDS | PLAIN) | JSON,
    },
)


def check_any(raw: Any) -> None:
    """Whatever came in: an event that can be stored, or one reason."""
    envelope = parse_envelope(raw if isinstance(raw, dict) else {}, NOW)
    try:
        event = decode(raw, envelope, NOW)
    except InvalidEvent as refusal:
        assert refusal.reason in RejectReason  # noqa: PT017 - both ways out are right
        return
    enrich(event.context, "", "", "")
    stored = orjson.loads(orjson.dumps(event.to_record()))
    assert Event.from_record(stored) == event
    assert len(event.event_id) <= 255
    assert event.timestamp <= NOW
    assert event.anonymous_id is None or not event.anonymous_id.startswith("user:")


@given(JSON)
@settings(max_examples=30, deadline=None)
def test_any_json_is_an_event_or_a_reason(raw: Any) -> None:
    check_any(raw)


@given(ANY_EVENT)
@settings(max_examples=30, deadline=None)
def test_any_event_is_an_event_or_a_reason(raw: Any) -> None:
    check_any(raw)


@pytest.mark.long
@given(ANY_EVENT | JSON)
@settings(max_examples=10_000, deadline=None)
def test_any_event_at_full_size(raw: Any) -> None:
    check_any(raw)


@pytest.mark.long
def test_no_input_of_a_quarter_million_breaks_it() -> None:
    """Good calls with bytes changed, cut, doubled and put into each other, alone and as a batch."""
    folder = Path(__file__).parents[2] / "contract" / "events"
    calls = [case["sent"] for path in sorted(folder.glob("*.json")) for case in json.loads(path.read_text())]
    seeds = [(b"", json.dumps(call).encode()) for call in calls]
    seeds += [(b"", json.dumps({"batch": calls[at : at + 3]}).encode()) for at in range(0, len(calls), 3)]
    read = 0
    for _, body in mutations(seeds, int(os.environ.get("HABITUE_FUZZ_INPUTS", 250_000))):
        try:
            parsed = read_json(body)
        except orjson.JSONDecodeError:
            continue  # refused whole, at the door
        read += 1
        batch = parsed.get("batch") if isinstance(parsed, dict) else None
        for raw in batch if isinstance(batch, list) else [parsed]:
            check_any(raw)
    assert read > 1_000
