"""Whatever comes in: a key from where its client put it, one answer for each event, and never a 5xx."""

from __future__ import annotations

import asyncio
import gzip
import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from time import process_time
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.house import Answer, House, house, page, track, views, visitor_of

from habitue_collector import ingest as ingest_module
from habitue_collector.body_json import PATIENCE_BYTES, read_json
from habitue_collector.events import MAX_BODY_BYTES, MAX_EVENTS_PER_BATCH
from habitue_collector.request import Request
from habitue_collector.request_body import RequestError, gunzip
from habitue_collector.settings import Server, Settings, demo_settings

SECRET = "demo-secret"


def basic(user: str) -> dict[str, str]:
    return {"authorization": "Basic " + b64encode(f"{user}:".encode()).decode()}


def event(**more: Any) -> dict[str, Any]:
    return {**views("A"), "anonymousId": "device", **more}


# ---- the key ---------------------------------------------------------------------------------


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("query", "headers", "body"),
    [
        ("", {"authorization": "Bearer demo"}, {}),
        ("", {"authorization": "bearer demo"}, {}),
        ("", basic("demo"), {}),
        ("", {"authorization": "Basic " + b64encode(b"demo").decode().rstrip("=")}, {}),
        ("", {"x-write-key": "demo"}, {}),
        ("", {}, {"writeKey": "demo"}),
        ("", {"x-auth-token": "demo"}, {}),
        ("", {}, {"api_key": "demo"}),
        ("", {}, {"idsite": 1}),
        ("?token=demo", {}, {}),
        ("?writeKey=demo", {}, {}),
        ("?api_key=demo", {}, {}),
        ("?aid=demo", {}, {}),
        ("?idsite=1", {}, {}),
        ("?idsite=1", basic("somebody elses"), {"writeKey": "nonsense"}),
    ],
)
async def test_the_key_comes_from_wherever_a_client_puts_it(
    query: str, headers: dict[str, str], body: dict[str, Any]
) -> None:
    async with house() as shop:
        answer = await shop.post(f"/v1/track{query}", {**event(), **body}, headers=headers)
        assert answer.status == 200
        answer = await shop.post(f"/v1/batch{query}", {"batch": [event()], **body}, headers=headers)
        assert answer.statuses == ["accepted"]


@pytest.mark.asyncio
async def test_the_key_in_a_batchs_event_counts_when_there_is_no_other() -> None:
    async with house() as shop:
        assert (await shop.post("/v1/batch", {"batch": [event(writeKey="demo")]})).statuses == ["accepted"]


@pytest.mark.asyncio
async def test_the_strongest_key_counts() -> None:
    async with house() as shop:
        body = {"writeKey": "demo", **track("Ping"), "userId": "u"}
        assert (await shop.post("/v1/track", body)).statuses == ["claimed"]
        assert (await shop.post("/v1/track", body, headers=basic(SECRET))).statuses == ["accepted"]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("headers", "body", "code"),
    [
        ({}, {}, "missing_write_key"),
        ({}, {"writeKey": "unknown"}, "invalid_write_key"),
        ({}, {"writeKey": ["demo"]}, "missing_write_key"),
        ({}, {"writeKey": 7}, "missing_write_key"),
        ({"authorization": "Basic %%%"}, {}, "invalid_write_key"),
        ({"authorization": "Bearer"}, {}, "invalid_write_key"),
        ({"authorization": "Digest demo"}, {}, "missing_write_key"),
        ({"authorization": "Bearer \xff\xfe"}, {}, "invalid_write_key"),
    ],
)
async def test_a_key_that_is_none_is_a_401_with_code_and_message(
    headers: dict[str, str], body: dict[str, Any], code: str
) -> None:
    async with house() as shop:
        answer = await shop.post("/h/v1/batch", {"batch": [views("A")], **body}, headers=headers)
        assert answer.status == 401
        assert answer.body["code"] == code
        assert answer.body["message"]
        assert shop.workers[0].ingest.tally.refused == {code: 1}


# ---- origins ---------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_an_allowed_origin_is_reflected_with_credentials_and_another_is_refused() -> None:
    async with house() as shop:
        answer = await shop.browser(views("A"), headers={"origin": "https://www.shop.test"})
        head = dict(answer.headers)
        assert head[b"access-control-allow-origin"] == b"https://www.shop.test"
        assert head[b"access-control-allow-credentials"] == b"true"
        assert head[b"access-control-expose-headers"] == b"Retry-After"
        assert head[b"vary"] == b"Origin"
        for origin in ("https://evil.example", "null", "https://shop.test.evil.example", "\xff", ""):
            refused = await shop.browser(views("A"), headers={"origin": origin, "host": "c.example"})
            assert refused.status == 403
            assert refused.body["code"] == "origin_not_allowed"
            assert b"access-control-allow-origin" not in dict(refused.headers)
        assert len(shop.events()) == 1


@pytest.mark.asyncio
async def test_a_page_of_the_very_host_it_posts_to_needs_no_list() -> None:
    async with house() as shop:
        same = {"origin": "https://own.example", "host": "own.example"}
        assert (await shop.browser(views("A"), headers=same)).status == 200


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("body", "code"),
    [(b"{", "invalid_json"), (b"\x1f\x8b", "invalid_gzip"), (b'{"writeKey":"x"}', "invalid_write_key")],
)
async def test_a_page_can_read_why_it_was_refused_and_it_is_counted(body: bytes, code: str) -> None:
    async with house() as shop:
        answer = await shop.post("/h/v1/batch", body, headers={"origin": "http://localhost:8080"})
        assert answer.body["code"] == code
        assert dict(answer.headers)[b"access-control-allow-origin"] == b"http://localhost:8080"
        assert shop.workers[0].ingest.tally.refused == {code: 1}


# ---- bodies ----------------------------------------------------------------------------------


def packed(body: Any) -> bytes:
    return gzip.compress(orjson.dumps(body))


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "application/x-www-form-urlencoded", ""]
)
async def test_neither_content_type_nor_encoding_header_matter(content_type: str) -> None:
    async with house() as shop:
        body = {"writeKey": "demo", "batch": [event()]}
        for raw in (orjson.dumps(body), packed(body)):
            answer = await shop.post("/v1/batch", raw, headers={"content-type": content_type})
            assert answer.status == 200


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (gzip.compress(b"x" * 50_000_000), 413, "body_too_large"),
        (gzip.compress(b"{}")[:-5], 400, "invalid_gzip"),
        (b"\x1f\x8b" + b"\0" * 50, 400, "invalid_gzip"),
        (b"\x1f\x8b", 400, "invalid_gzip"),
    ],
)
def test_a_gzip_that_is_none_or_a_bomb_is_refused(body: bytes, status: int, code: str) -> None:
    with pytest.raises(RequestError) as refusal:
        gunzip(body)
    assert (refusal.value.status, refusal.value.code) == (status, code)


def test_a_gzip_of_exactly_the_largest_body_is_taken() -> None:
    assert len(gunzip(gzip.compress(b" " * MAX_BODY_BYTES))) == MAX_BODY_BYTES


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b'{"batch": "\xc3\x28"}',
        b'{"a": "\\ud800}',
        b"[" * 1_000_000,
        b'{"a":' * 1_000_000,
        b"[" * 1_000_000 + b"]" * 1_000_000,
        b"1",
        b"null",
        b'"text"',
        b"NaN",
        b"{" * 10,
        b'{"batch": {}}',
        b'{"writeKey": "demo", "batch": "text"}',
    ],
)
async def test_a_body_that_is_no_batch_is_a_4xx_with_code_and_message(body: bytes) -> None:
    async with house() as shop:
        for path in shop.workers[0].beacons.handlers():
            answer = await shop.post(path, body, headers={"authorization": "Bearer demo"})
            if body == b'{"batch": {}}' and answer.status == 200:
                continue  # a single call: a member more
            if answer.status == 200:
                assert path.rsplit("/", 1)[1] not in ("batch", "b", "import", "context")
                continue
            assert 400 <= answer.status < 500, path
            assert answer.body["code"]
            assert answer.body["message"]


@pytest.mark.asyncio
async def test_one_call_is_no_list_of_them() -> None:
    async with house() as shop:
        for path in ("/v1/track", "/v1/p", "/api/s/track"):
            answer = await shop.post(path, b"[1,2]", headers={"authorization": "Bearer demo"})
            assert (answer.status, answer.body["code"]) == (400, "invalid_body"), path


@pytest.mark.asyncio
async def test_a_body_that_says_it_is_gzip_and_is_none_is_told_so() -> None:
    async with house() as shop:
        said = {"authorization": "Bearer demo", "content-encoding": "gzip"}
        answer = await shop.post("/v1/batch", b"\x1e\x8b broken on the way", headers=said)
        assert (answer.status, answer.body["code"]) == (400, "invalid_gzip")
        answer = await shop.post("/v1/batch", orjson.dumps({"batch": [event()]}), headers=said)
        assert answer.status == 200


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "odd",
    [
        b'"half of a \\ud83d"',
        b'"\\\\\\udc00 and \\ud83d\\ude00"',
        b"NaN",
        b"-Infinity",
        b"1e999",
        b"9" * 5_000,
    ],
)
async def test_a_value_that_is_no_json_costs_no_event_its_place(odd: bytes) -> None:
    """Real clients write these: JSON.stringify of a title cut in an emoji, Python of a price not known."""
    async with house() as shop:
        raw = b'{"writeKey": "demo", "batch": [%b, %b, %b]}' % (
            orjson.dumps(views("A")),
            orjson.dumps(views("B") | {"properties": {"product_id": "B", "price": 0}}).replace(
                b'"price":0', b'"price":%b,"note":%b' % (odd, odd)
            ),
            orjson.dumps(views("C")),
        )
        answer = await shop.post("/h/v1/batch", b"\xef\xbb\xbf" + raw)
        assert [one["status"] for one in answer.body["results"]] == ["accepted"] * 3


@pytest.mark.parametrize("odd", [b"\\ud83d", b"\\n\\ud83d", b"\\\\"])
def test_patience_with_a_body_ends_where_others_would_wait_for_it(odd: bytes) -> None:
    """A few kilobytes of gzip are megabytes of escapes, each of which is looked at."""
    longest = b'[NaN,"%b"]' % (odd * ((PATIENCE_BYTES - 8) // len(odd)))
    assert len(longest) <= PATIENCE_BYTES
    before = process_time()
    price, text = read_json(longest)
    assert (price, "\ud83d" in text) == (None, False)
    assert process_time() - before < 1  # 15 to 70 ms
    with pytest.raises(orjson.JSONDecodeError):
        read_json(longest.ljust(PATIENCE_BYTES + 1))


@pytest.mark.asyncio
async def test_deep_nesting_inside_a_large_event_is_its_own_problem() -> None:
    """orjson reads deeper than it writes."""
    deep: Any = 1
    for _ in range(900):
        deep = [deep]
    async with house() as shop:
        raw = json.dumps(
            {
                "writeKey": "demo",
                "batch": [
                    views("A"),
                    {**views("B"), "properties": {"x": deep}},
                    {**views("C"), "x": "y" * 40_000},
                    views("D"),
                ],
            }
        )
        answer = await shop.post("/h/v1/batch", raw.encode())
        assert answer.statuses == ["accepted", "event_too_large", "event_too_large", "accepted"]


@pytest.mark.asyncio
async def test_bad_events_never_touch_their_neighbours() -> None:
    bad: list[tuple[Any, str]] = [
        (None, "invalid_event"),
        ("text", "invalid_event"),
        ([], "invalid_event"),
        (7, "invalid_event"),
        ({}, "unknown_type"),
        ({"type": "nonsense"}, "unknown_type"),
        ({"type": ["track"]}, "unknown_type"),
        ({"type": "track"}, "missing_name"),
        ({**views("A"), "timestamp": "1970-01-01T00:00:00Z"}, "timestamp_too_old"),
        ({**views("A"), "timestamp": "2100-01-01T00:00:00Z"}, "timestamp_too_new"),
        ({**views("A"), "timestamp": {}}, "invalid_timestamp"),
        ({**views("A"), "userId": "u" * 256}, "invalid_identity"),
        ({**views("A"), "userId": {}}, "invalid_identity"),
        ({**views("A"), "properties": "text"}, "invalid_event"),
        (track("Order Completed"), "missing_order_id"),
        (track("Order Completed", {"order_id": "refund:1", "total": 1}), "invalid_identity"),
        (track("Order Completed", {"order_id": "o", "total": "much"}), "invalid_value"),
        (track("Order Completed", {"order_id": "o", "total": -1}), "invalid_value"),
        (track("Cart Viewed", {"products": [{"product_id": str(n)} for n in range(501)]}), "too_many_items"),
    ]
    batch: list[Any] = []
    for one, _ in bad:
        batch += [views("GOOD"), one]
    async with house() as shop:
        answer = await shop.browser(*batch)
        assert [one["index"] for one in answer.results] == list(range(len(batch)))
        assert answer.statuses[0::2] == ["accepted"] * len(bad)
        assert answer.statuses[1::2] == [reason for _, reason in bad]
        profile = await shop.profile(visitor_of(answer.cookie))
        assert profile is not None
        assert profile["recent_items"][0]["count"] == len(bad)
        client = shop.redis.client()
        while client.xlen("dead_letters") < len(bad):
            await asyncio.sleep(0.005)


@pytest.mark.asyncio
async def test_an_event_past_the_last_one_is_rejected_and_the_others_count() -> None:
    async with house() as shop:
        batch = [track("Ping") for _ in range(MAX_EVENTS_PER_BATCH + 3)]
        answer = await shop.browser(*batch)
        assert answer.statuses[:MAX_EVENTS_PER_BATCH] == ["accepted"] * MAX_EVENTS_PER_BATCH
        assert answer.statuses[MAX_EVENTS_PER_BATCH:] == ["too_many_events"] * 3
        assert shop.workers[0].ingest.tally.rejected == {"too_many_events": 3}
        assert shop.redis.client().xlen("dead_letters") <= 1


@pytest.mark.asyncio
async def test_a_body_of_a_million_commas_gets_one_answer() -> None:
    async with house() as shop:
        answer = await shop.post("/h/v1/batch", b'{"writeKey":"demo","batch":[' + b"1," * 1_000_000 + b"1]}")
        assert answer.status == 413
        assert answer.body["code"] == "too_many_events"


@pytest.mark.asyncio
async def test_results_stand_at_the_index_of_what_was_sent_although_events_are_taken_by_time() -> None:
    async with house() as shop:
        late, early = (
            {**views("A"), "timestamp": "2024-01-02T00:00:00Z"},
            {**views("B"), "timestamp": "2024-01-01"},
        )
        answer = await shop.browser(late, {"type": "nonsense"}, early, late)
        assert answer.statuses == ["accepted", "unknown_type", "accepted", "accepted"]
        assert [one.get("duplicate") for one in answer.results] == [None, None, None, True]


# ---- who stands behind a proxy ---------------------------------------------------------------


@pytest.mark.asyncio
async def test_a_trusted_proxy_tells_scheme_and_network_and_nobody_else_does() -> None:
    demo = demo_settings(None)  # type: ignore[arg-type]  # no folder is touched
    for trusted, secure in ((("127.0.0.1",), True), ((), False)):
        own = Settings(server=Server(trusted_proxies=trusted), shop=demo.shop, keys=demo.keys, demo=True)
        async with house(settings=own) as shop:
            forwarded = {"x-forwarded-proto": "https", "x-forwarded-for": "6.6.6.6, 203.0.113.9"}
            answer = await shop.browser(views("A"), headers=forwarded)
            assert dict(answer.headers)[b"set-cookie"].endswith(b"; Secure") is secure
            await shop.browser(views("B"), peer="203.0.113.200")
            networks = [record["context"]["network"] for record in shop.events()]
            assert (networks[0] == networks[1]) is secure


# ---- anything --------------------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
ids = st.sampled_from(["u", "", "user:x", "ä" * 300, "a\nb"]) | json_values
_NAMES = """Product Viewed, Product Added, Order Completed, Order Refunded, Cart Viewed,
Consent Updated, Offer Viewed, purchase, view_item, Product List Viewed, Subscribed"""
_PROPERTIES = """product_id products items order_id total currency price quantity category item_id
channel analytics query refund_id ecommerce name url"""
_CONTEXT = "consent page userAgent locale timezone screen campaign user_hash traits persona"


def some_of(names: str) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names.split(), json_values)) | json_values


members: dict[str, st.SearchStrategy[Any]] = {
    "type": st.sampled_from(["track", "page", "identify", "screen", "group", "alias"]) | json_values,
    "event": st.sampled_from([name.strip() for name in _NAMES.split(",")]) | json_values,
    "properties": some_of(_PROPERTIES),
    "context": some_of(_CONTEXT),
    **dict.fromkeys(("messageId", "anonymousId", "userId"), ids),
    "timestamp": st.sampled_from(["2024-01-01T00:00:00Z", "1970-01-01", 1e18]) | json_values,
    **dict.fromkeys(("traits", "sentAt", "originalTimestamp", "name", "nonce", "slots", "page"), json_values),
}
events = st.fixed_dictionaries({}, optional=members) | json_values
bodies = st.fixed_dictionaries(
    {"writeKey": st.just("demo")}, optional={**members, "batch": st.lists(events, max_size=4) | json_values}
)
_HEADERS = """cookie user-agent referer accept-language x-habitue-visitor anonymousid x-forwarded-for
x-forwarded-proto sec-gpc origin host"""
headers_any = st.dictionaries(
    st.sampled_from(_HEADERS.split()),
    st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=60),
    max_size=4,
)


@contextmanager
def standing_house() -> Iterator[tuple[House, asyncio.AbstractEventLoop]]:
    """One house for many examples: hypothesis' functions are not coroutines."""
    loop = asyncio.new_event_loop()
    context = house()
    shop = loop.run_until_complete(context.__aenter__())
    try:
        yield shop, loop
    finally:
        loop.run_until_complete(context.__aexit__(None, None, None))
        loop.close()


def check_answer(answer: Answer, body: Any) -> None:
    assert answer.status < 500, answer
    if answer.status != 200:
        assert answer.body["code"]
        assert answer.body["message"]
        return
    results = answer.body["results"]
    assert [one["index"] for one in results] == list(range(len(results)))
    for one in results:
        assert one["status"] in ("accepted", "rejected")
        assert ("reason" in one) == (one["status"] == "rejected")
    if isinstance(body, dict) and isinstance(body.get("batch"), list) and len(results) != 1:
        assert len(results) in (len(body["batch"]), 0)


def try_anything(examples: int) -> None:
    with standing_house() as (shop, loop):
        paths = sorted(shop.workers[0].beacons.handlers())

        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        )
        @given(
            path=st.sampled_from(paths),
            body=st.binary(max_size=80) | bodies | json_values,
            headers=headers_any,
            key=st.sampled_from(["demo", SECRET]),
            zipped=st.booleans(),
        )
        def check(path: str, body: Any, headers: dict[str, str], key: str, zipped: bool) -> None:
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            if zipped:
                raw = gzip.compress(raw)
            headers = {"authorization": f"Bearer {key}", **headers}
            check_answer(loop.run_until_complete(shop.post(path, raw, headers=headers)), body)

        check()
        assert shop.workers[0].tally.failed == 0
        assert shop.workers[0].committer.queued_events == 0


def test_any_body_and_any_headers_get_a_json_answer_and_never_a_5xx() -> None:
    try_anything(300)


@pytest.mark.long
def test_any_body_and_any_headers_get_a_json_answer_and_never_a_5xx_ten_thousand_times() -> None:
    try_anything(10_000)


def test_the_answers_limits_stand_above_the_batchs() -> None:
    assert ingest_module.MAX_EVENTS_ANSWERED > MAX_EVENTS_PER_BATCH


@pytest.mark.asyncio
async def test_a_request_object_is_all_an_answer_needs() -> None:
    """No socket, no Starlette: a handler is a function of its request."""
    async with house() as shop:
        answered: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        body = orjson.dumps({"writeKey": "demo", "batch": [page("/")]})
        handler = shop.workers[0].handlers()["/h/v1/batch"]
        handler(
            Request("/h/v1/batch", b"", {}, body, None, "https"),
            lambda status, *_: answered.set_result(status),
        )
        assert await answered == 200
