"""The debug view's door: one host, one hour, and nothing of it is stored."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from itsdangerous import TimestampSigner
from support.house import SIGNING_KEYS, house, served

from habitue_collector.debug import LIFETIME_SECONDS, MAX_EVENTS, DebugTokens, InvalidToken

ORIGIN = {"origin": "http://www.shop.test:8100", "content-type": "text/plain"}


def token(host: str = "www.shop.test", keys: tuple[str, ...] = SIGNING_KEYS) -> str:
    return DebugTokens(keys).sign(host)


def asked(**more: Any) -> dict[str, Any]:
    return {"writeKey": "demo", "token": token(), **more}


@pytest.mark.asyncio
async def test_a_signed_token_opens_the_view_of_its_host() -> None:
    async with house() as shop, served(shop, "http://h.shop.test") as http:
        answer = await http.post(
            "/h/v1/debug", json=asked(), headers={**ORIGIN, "sec-fetch-site": "same-site"}
        )
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == ORIGIN["origin"]
        assert answer.headers["cache-control"] == "no-store"
        assert "set-cookie" not in answer.headers
        body = answer.json()
        assert body["valid"] is True
        assert 0 < body["expires_at"] - body["now"] <= LIFETIME_SECONDS * 1000
        assert body["key"] == {"name": "demo shop", "consent": "assumed"}
        assert body["site"] == "same-site"


@pytest.mark.asyncio
async def test_it_says_what_events_would_come_to_and_stores_none() -> None:
    product = {"@type": "Product", "name": "Shoe", "sku": "A", "offers": {"price": "12,50 €"}}
    batch = [
        {
            "type": "track",
            "event": "view_item",
            "properties": {"markup": {"jsonld": [product]}},
            "context": {"source": "markup"},
        },
        {"type": "track", "event": "purchase", "properties": {}},
        "nonsense",
    ]
    async with house() as shop, served(shop, "http://h.shop.test") as http:
        body = (await http.post("/h/v1/debug", json=asked(batch=batch), headers=ORIGIN)).json()
        good, no_order, nonsense = body["results"]
        assert good["status"] == "accepted"
        assert good["items"] == [{"item_id": "A", "name": "Shoe", "price": 12.5}]
        assert (no_order["status"], no_order["reason"]) == ("rejected", "missing_order_id")
        assert (nonsense["index"], nonsense["reason"]) == (2, "invalid_event")
        assert shop.log() == []
        assert shop.redis.client().keys("*profile*") == []


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"token": None}, 403, "invalid_token"),
        ({"token": "x" * 600}, 403, "invalid_token"),
        ({"token": token()[:-1]}, 403, "invalid_token"),
        ({"token": token(keys=("another house's",))}, 403, "invalid_token"),
        ({"token": token("evil.test")}, 403, "other_host"),
        ({"writeKey": "unknown"}, 401, "invalid_write_key"),
        ({"batch": "all"}, 400, "invalid_batch"),
        ({"batch": [{}] * (MAX_EVENTS + 1)}, 400, "invalid_batch"),
    ],
)
async def test_what_does_not_open_it(change: dict[str, Any], status: int, code: str) -> None:
    async with house() as shop, served(shop, "http://h.shop.test") as http:
        answer = await http.post("/h/v1/debug", json=asked(**change), headers=ORIGIN)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["access-control-allow-origin"] == ORIGIN["origin"], "the page may read why"


def test_a_token_lasts_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = DebugTokens(SIGNING_KEYS)
    signed = tokens.sign("WWW.shop.test")
    assert tokens.read(signed).host == "www.shop.test"
    later = TimestampSigner.get_timestamp(TimestampSigner("x")) + LIFETIME_SECONDS + 1
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda self: later)
    with pytest.raises(InvalidToken) as raised:
        tokens.read(signed)
    assert raised.value.code == "expired_token"


def test_an_older_key_of_the_house_still_verifies() -> None:
    assert DebugTokens(SIGNING_KEYS).read(token(keys=SIGNING_KEYS[:1])).host == "www.shop.test"


@given(st.one_of(st.text(), st.integers(), st.none(), st.lists(st.text())))
@settings(max_examples=60)
def test_whatever_is_no_token_is_refused(value: object) -> None:
    with pytest.raises(InvalidToken):
        DebugTokens(SIGNING_KEYS).read(value)


@pytest.mark.asyncio
@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\x1f\x8b", b'"x"', b"{}" * 500_000, b'{"a":' * 3000])
async def test_no_body_makes_it_stumble(body: bytes) -> None:
    async with house() as shop, served(shop, "http://h.shop.test") as http:
        answer = await http.post("/h/v1/debug", content=body, headers=ORIGIN)
        assert 400 <= answer.status_code < 500
        assert answer.json()["message"]
