"""The calls of the SDK against a real server: what they say is what happens."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from support.shops import SECRET_KEY

from habitue import AsyncClient, Client, Visit, visiting

from .conftest import PATIENT


@pytest.fixture
def client(server: str) -> Iterator[Client]:
    client = Client(SECRET_KEY, server, deadline=PATIENT)
    yield client
    assert client.stats.lost == {}
    assert client.stats.calls_missed == {}
    client.close(5)


def known(client: Client, **who: Any) -> dict[str, Any]:
    assert client.flush(20)
    found = client.profile(**who)
    assert found is not None
    return found


def test_an_alias_takes_along_what_was_done_before(client: Client) -> None:
    client.track("Product Viewed", {"product_id": "tea-01"}, anonymous_id="phone-of-dora")
    assert client.flush(20)
    client.alias("phone-of-dora", "dora")
    assert [item["item_id"] for item in known(client, user_id="dora")["recent_items"]] == ["tea-01"]


def test_an_order_counts_once_whoever_reports_it(client: Client) -> None:
    for _ in range(3):
        client.order(
            "1-of-emil",
            [{"item_id": "pot-01", "price": 48, "quantity": 2}],
            value="96.00",
            currency="EUR",
            user_id="emil",
        )
    orders = known(client, user_id="emil")["orders"]
    assert (orders["count"], orders["by_currency"]) == (1, {"EUR": 96.0})


def test_an_order_without_a_value_is_worth_its_items(client: Client) -> None:
    items = [{"item_id": "cup-01", "price": 9.5, "quantity": 2}, {"item_id": "tea-01", "price": 8.9}]
    client.order("2-of-emil", items, currency="EUR", user_id="emilia")
    assert known(client, user_id="emilia")["orders"]["by_currency"] == {"EUR": 27.9}


def test_an_event_told_twice_counts_once(client: Client) -> None:
    for _ in range(2):
        client.track("Product Viewed", {"product_id": "x"}, user_id="fritz", event_id="the-same")
        assert client.flush(20)
    assert client.stats.duplicates == 1
    assert known(client, user_id="fritz")["recent_items"][0]["count"] == 1


def test_who_is_forgotten_is_not_known(client: Client) -> None:
    client.identify("greta", {"plan": "gold"})
    assert known(client, user_id="greta")["traits"] == {"plan": "gold"}
    assert client.forget(user_id="greta", timeout=20)
    assert client.profile(user_id="greta") is None


def test_consent_that_is_withdrawn_stays_withdrawn(client: Client) -> None:
    client.track("Ping", user_id="hans")
    client.consent(analytics=True, personalization=False, user_id="hans")
    assert known(client, user_id="hans")["consents"] == {"analytics": "granted", "personalization": "denied"}


def test_a_forged_cookie_is_a_new_visitor_and_gets_a_good_one(client: Client) -> None:
    victim = "AAAAAAAAAAAAAAAAAAAAAA"
    client.track("Product Viewed", {"product_id": "of-the-victim"}, anonymous_id=victim)
    with visiting(Visit(cookie=f"{victim}.awIzYg.forged")) as visit:
        client.track("Product Viewed", {"product_id": "of-the-forger"})
        assert client.profile() is None
        assert client.offers("home-hero").missed is None
        assert visit is not None
        assert visit.set_cookies
        assert not visit.set_cookies[0].startswith(f"habitue={victim}")
    items = [item["item_id"] for item in known(client, anonymous_id=victim)["recent_items"]]
    assert items == ["of-the-victim"]


def test_the_asynchronous_client_does_the_same(server: str) -> None:
    async def main() -> None:
        async with AsyncClient(SECRET_KEY, server, deadline=PATIENT) as client:
            client.identify("ida", {"plan": "silver"})
            client.track("Product Viewed", {"product_id": "tea-04"}, user_id="ida")
            assert await client.flush(20)
            found = await client.profile(user_id="ida")
            assert found is not None
            assert found["traits"] == {"plan": "silver"}
            offers = await client.offers("pdp-related", user_id="ida", item_id="tea-04")
            assert offers.missed is None
            assert "tea-04" not in [offer["item_id"] for offer in offers]
            assert await client.forget(user_id="ida", timeout=20)
            assert await client.profile(user_id="ida") is None
            assert client.stats.lost == {}

    asyncio.run(main())
