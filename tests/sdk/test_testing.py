"""The fake that shops test with."""

from __future__ import annotations

from habitue import Client
from habitue.testing import RecordingTransport


def test_it_shows_what_was_sent_and_answers_as_told() -> None:
    transport = RecordingTransport(offers={"home-hero": [{"item_id": "SKU-001"}]})
    with Client("secret", transport=transport) as client:
        client.track("Product Viewed", {"product_id": "SKU-001"}, user_id="42")
        assert client.flush()
        assert client.offers("home-hero", user_id="42")[0]["item_id"] == "SKU-001"
        assert client.offers("cart", user_id="42").missed == "unknown_slot"
    assert transport.events[0]["event"] == "Product Viewed"
    assert [request.path for request in transport.requests] == ["/v1/batch", "/v1/recommend", "/v1/recommend"]
    assert transport.closed


def test_it_fails_as_told() -> None:
    transport = RecordingTransport()
    client = Client("secret", transport=transport, linger=0.0)
    transport.failing = "unreachable"
    (offer,) = client.offers("home-hero", fallback=[{"item_id": "b"}])
    assert offer == {
        "item_id": "b",
        "name": "b",
        "price": None,
        "currency": None,
        "url": "",
        "image_url": "",
        "score": 0.0,
        "reasons": [],
    }
    transport.failing = 503
    client.track("Ping", user_id="u")
    assert not client.flush(0.02)
    assert transport.events == []
    transport.failing = None
    assert client.flush(10)
    assert len(transport.events) == 1
    client.close()
