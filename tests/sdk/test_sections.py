"""The order of a page's sections: one question, alone or with a slot's, and the given order when it fails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from habitue import AsyncClient, Client, Offers, Visit, visiting
from habitue.testing import RecordingTransport

SHOP = ["Bags", "Shoes", "Hats"]


@pytest.fixture
def transport() -> RecordingTransport:
    return RecordingTransport(offers={"home-hero": [{"item_id": "SKU-001"}]}, liked=["Hats", "Shoes"])


@pytest.fixture
def client(transport: RecordingTransport) -> Iterator[Client]:
    with Client("secret", transport=transport) as client:
        yield client


def question(transport: RecordingTransport) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(transport.requests[-1].body)
    return found


def test_what_the_visitor_likes_comes_first(client: Client, transport: RecordingTransport) -> None:
    assert client.sections(SHOP, user_id=42) == ["Hats", "Shoes", "Bags"]
    assert transport.requests[-1].path == "/v1/recommend"
    assert question(transport) == {"sections": SHOP, "user_id": "42"}
    assert client.sections(("Bags", "Bags", "Hats"), anonymous_id="a") == ["Hats", "Bags"]


def test_a_slot_and_the_sections_are_one_question(client: Client, transport: RecordingTransport) -> None:
    offers = client.offers("home-hero", user_id=42, sections=SHOP)
    assert [offer["item_id"] for offer in offers] == ["SKU-001"]
    assert offers.sections == ["Hats", "Shoes", "Bags"]
    assert len(transport.requests) == 1
    assert client.offers("home-hero", user_id=42).sections == []


def test_in_a_request_it_is_that_visitors_and_the_page_is_personal(
    client: Client, transport: RecordingTransport
) -> None:
    visit = Visit(cookie="cookie.value")
    with visiting(visit):
        assert client.sections(SHOP) == ["Hats", "Shoes", "Bags"]
    assert visit.personal
    assert transport.requests[-1].path == "/h/v1/context"
    assert transport.requests[-1].headers["x-habitue-visitor"] == "cookie.value"
    assert question(transport) == {"batch": [], "sections": SHOP}


@pytest.mark.parametrize("failing", [503, 401, "unreachable", "deadline"])
def test_without_an_answer_they_stay_as_they_were_given(
    client: Client, transport: RecordingTransport, failing: str | int
) -> None:
    transport.failing = failing
    assert client.sections(SHOP, user_id=42) == SHOP
    offers = client.offers("home-hero", user_id=42, sections=SHOP)
    assert (offers, offers.sections) == ([], SHOP)
    assert offers.missed in (f"http_{failing}", failing)


@pytest.mark.parametrize(
    "answer", [{}, {"sections": None}, {"sections": "Hats"}, [], {"slots": {}, "sections": {"Hats": 1}}]
)
def test_an_answer_of_an_older_server_changes_nothing(
    client: Client, transport: RecordingTransport, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    monkeypatch.setattr("habitue.testing.RecordingTransport._asked", lambda self, question: answer or {})
    assert client.sections(SHOP, user_id=42) == SHOP


def test_what_the_answer_makes_up_or_forgets_is_put_right(
    client: Client, transport: RecordingTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_up = {"slots": {}, "sections": ["Cars", "Hats", 7, None, "Hats"]}
    monkeypatch.setattr("habitue.testing.RecordingTransport._asked", lambda self, question: made_up)
    assert client.sections(SHOP, user_id=42) == ["Hats", "Bags", "Shoes"]


@pytest.mark.parametrize(
    "names", [None, 7, "Bags", [None], [["x"]], [""], ["x" * 2_000], list(map(str, range(101)))]
)
def test_names_that_can_be_none_never_raise(
    client: Client, transport: RecordingTransport, names: Any
) -> None:
    assert client.sections(names, user_id=42) == (names if isinstance(names, list) else [])
    offers = client.offers("home-hero", user_id=42, sections=names)
    assert isinstance(offers, Offers)
    assert offers.missed == "invalid_argument"
    assert transport.requests == []


def test_no_sections_are_no_question(client: Client, transport: RecordingTransport) -> None:
    assert client.sections([], user_id=42) == []
    assert transport.requests == []


def test_the_async_client_asks_alike() -> None:
    async def scene() -> None:
        client = AsyncClient("secret", transport=RecordingTransport(liked=["Hats"]))
        try:
            assert (await client.sections(SHOP, user_id=42)) == ["Hats", "Bags", "Shoes"]
            assert (await client.offers("home-hero", user_id=42, sections=SHOP)).sections == SHOP
        finally:
            await client.close()

    asyncio.run(scene())
