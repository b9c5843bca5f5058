"""Whatever comes in, the decoders of other trackers raise nothing but Malformed."""

from __future__ import annotations

import json
import os
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.mutations import mutations

from habitue_collector.events import Event, InvalidEvent
from habitue_collector.request import Request
from habitue_collector.wires import jitsu, matomo, rudder, snowplow
from habitue_collector.wires.calls import Calls, Malformed
from habitue_collector.wires.segment import decode, parse_envelope

NOW = 1_795_284_930_000
RECORDED = Path(__file__).parents[3] / "shared" / "data" / "wire"
DECODERS: dict[str, Callable[[Request, int], Calls]] = {
    "matomo": matomo.decode,
    "snowplow": snowplow.decode,
    "jitsu": jitsu.decode,
    "pixel": rudder.decode_pixel,
}
LONG = 250_000  # inputs for each decoder: a million in all

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(1 << 70), 1 << 70)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        ["", "0", "1", "ORD-1", "89,90", "1e999", "nan", "[]", "{}", "é\ud800", "a" * 300, "\x00"]
    )
)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
MATOMO = (
    *("idsite", "rec", "_id", "cid", "uid", "url", "urlref", "action_name", "idgoal", "ec_id", "ec_items"),
    *("revenue", "_pks", "_pkc", "_pkp", "cvar", "e_c", "e_a", "e_v", "search", "c_n", "c_i", "cdt", "cdo"),
    *("res", "lang", "r", "ping", "link", "download", "ca", "cra", "ma_id", "dimension1", "send_image"),
)
SNOWPLOW = (
    *("e", "eid", "aid", "duid", "uid", "url", "page", "refr", "dtm", "stm", "ttm", "ue_pr", "ue_px", "co"),
    *("cx", "tr_id", "tr_tt", "ti_id", "ti_sk", "ti_pr", "se_ca", "se_ac", "se_va", "res", "lang", "ua"),
)
IGLU = (
    "iglu:com.snowplowanalytics.snowplow.ecommerce/snowplow_ecommerce_action/jsonschema/1-0-2",
    "iglu:com.snowplowanalytics.snowplow.ecommerce/product/jsonschema/1-0-0",
    "iglu:com.snowplowanalytics.snowplow.ecommerce/transaction/jsonschema/1-0-0",
    "iglu:com.google.analytics.enhanced-ecommerce/action/jsonschema/1-0-0",
    "iglu:com.google.analytics.enhanced-ecommerce/actionFieldObject/jsonschema/1-0-0",
    "iglu:com.snowplowanalytics.snowplow/consent_preferences/jsonschema/1-0-0",
    "iglu:com.snowplowanalytics.snowplow/site_search/jsonschema/1-0-0",
    "iglu:com.acme/purchase/jsonschema/1-0-0",
    "nonsense",
)
JITSU = ("event_type", "user", "url", "utc_time", "eventn_ctx", "api_key", "event_id", "screen_resolution")


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def texts() -> st.SearchStrategy[str]:
    return json_values.map(_text)


described = st.fixed_dictionaries({"schema": st.sampled_from(IGLU) | scalars, "data": json_values})
actions = st.sampled_from(["transaction", "add_to_cart", "purchase", "view", "allow_selected"])
known = st.builds(
    lambda schema, kind, more: {"schema": schema, "data": {"type": kind, "action": kind, **more}},
    st.sampled_from(IGLU),
    actions,
    st.dictionaries(st.sampled_from(["id", "transaction_id", "revenue", "terms", "eventType"]), json_values),
)
unstructured = st.builds(lambda data: {"schema": "x", "data": data}, described | known | json_values)
contexts = st.builds(lambda data: {"schema": "x", "data": data}, st.lists(described | known, max_size=3))
packed = (unstructured | contexts | json_values).map(
    lambda value: urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
)
described_texts = texts() | (unstructured | contexts).map(json.dumps) | packed
tracker_events = st.dictionaries(st.sampled_from(SNOWPLOW), described_texts | scalars, max_size=8).map(
    lambda said: {"e": "ue", **said}
)
payloads = st.fixed_dictionaries(
    {
        "schema": st.just("iglu:x/payload_data/jsonschema/1-0-4"),
        "data": st.lists(tracker_events | json_values),
    }
)
queries = st.dictionaries(st.sampled_from(MATOMO), texts(), max_size=10).map(
    lambda said: urlencode({"rec": "1", **said}, errors="replace")
)
bulks = st.fixed_dictionaries({"requests": st.lists(queries | json_values, max_size=4)})
flat = st.dictionaries(st.sampled_from(JITSU), json_values, max_size=6)
dotted = st.dictionaries(
    st.sampled_from(["data", "event", "context.page.url", "context", "properties.price", "a.b.c.d.e.f.g"]),
    texts(),
)


def dumped(value: object) -> bytes:
    return json.dumps(value).encode("utf-8", "surrogatepass")


SHAPES: dict[str, st.SearchStrategy[tuple[bytes, bytes]]] = {
    "matomo": st.tuples(queries.map(str.encode), st.just(b"") | queries.map(str.encode) | bulks.map(dumped)),
    "snowplow": st.tuples(
        st.dictionaries(st.sampled_from(SNOWPLOW), described_texts).map(
            lambda said: urlencode(said, errors="replace").encode()
        ),
        st.just(b"") | payloads.map(dumped),
    ),
    "jitsu": st.tuples(st.just(b""), (flat | st.lists(flat | json_values, max_size=3)).map(dumped)),
    "pixel": st.tuples(
        dotted.map(lambda said: urlencode(said, errors="replace").encode())
        | packed.map(lambda d: b"data=" + d.encode()),
        st.just(b""),
    ),
}
ANYTHING = st.tuples(st.binary(max_size=200), st.binary(max_size=200) | json_values.map(dumped))


def survives(wire: str, query: bytes, body: bytes) -> int:
    """Decode a request and judge its events; the number of those that were taken."""
    paths = {"snowplow": "/i", "pixel": "/v1/pixel/track" if b"data=" in query else "/pixel/v1/track"}
    try:
        calls = DECODERS[wire](Request(paths.get(wire, "/"), query, {}, body, None, "http"), NOW)
    except Malformed:
        return 0
    assert len(calls.events) == len(calls.lines) == len(calls.keys)
    taken = 0
    for call in calls.events:
        try:
            event = decode(call, parse_envelope({}, NOW), NOW)
        except InvalidEvent:
            continue
        record = event.to_record()
        orjson.dumps(record)
        assert Event.from_record(record) == event
        taken += 1
    return taken


def _fuzz(wire: str, inputs: int) -> None:
    @settings(
        max_examples=inputs,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(SHAPES[wire] | ANYTHING)
    def run(request: tuple[bytes, bytes]) -> None:
        survives(wire, *request)

    run()


@pytest.mark.parametrize("wire", DECODERS)
def test_no_input_breaks_a_decoder(wire: str) -> None:
    _fuzz(wire, 20)
    _mutate(wire, 500)


@pytest.mark.long
@pytest.mark.parametrize("wire", DECODERS)
def test_no_input_of_a_million_breaks_a_decoder(wire: str) -> None:
    inputs = int(os.environ.get("HABITUE_FUZZ_INPUTS", LONG))
    _fuzz(wire, inputs // 250)
    _mutate(wire, inputs)


def _mutate(wire: str, inputs: int) -> None:
    """Good requests with bytes changed, cut, doubled and put into each other."""
    seeds = list(_seeds(wire))
    taken = sum(survives(wire, *request) for request in mutations(seeds, inputs, seed=len(wire)))
    assert taken > inputs // 20, "most of them were thrown away at the door: that tried nothing"


def _seeds(wire: str) -> list[tuple[bytes, bytes]]:
    folder = Path(__file__).parents[2] / "contract" / "trackers"
    seeds = []
    for case in json.loads((folder / f"{'pixels' if wire == 'pixel' else wire}.json").read_text("utf-8")):
        sent = case["sent"]
        body = sent.get("body", b"")
        packed_body = (
            body if body == b"" else body.encode() if isinstance(body, str) else json.dumps(body).encode()
        )
        seeds.append((sent.get("query", "").encode(), packed_body))
    return seeds


@pytest.mark.parametrize("client", ["matomo", "matomo-bulk", "snowplow"])
def test_recorded_clients_are_understood(client: str) -> None:
    if not RECORDED.is_dir():
        pytest.skip("the recorded requests are not on this machine")
    kinds = set()
    for path in sorted((RECORDED / client).glob("*POST*")):
        request = json.loads(path.read_text("utf-8"))
        received_at = int(request["t"] * 1000)
        body = json.dumps(request["body"]).encode() if request["body"] else b""
        asked = Request(request["path"], urlencode(request["query"]).encode(), {}, body, None, "http")
        calls = DECODERS[client.partition("-")[0]](asked, received_at)
        for call in calls.events:
            event = decode(call, parse_envelope({}, received_at), received_at)
            kinds.add(event.kind.value)
            assert event.anonymous_id
            assert event.user_id in (None, "cust-4711")
            assert 0 <= received_at - event.timestamp < 2_000
        assert set(calls.keys) <= {"1", "wk_holdout"}
    assert {"page_view", "product_view", "purchase"} <= kinds
