"""The asynchronous client against a real server that answers, fails and hangs."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from support.fake_collector import FakeCollector, drip, garbage, half_an_answer, hang, hang_up, status
from support.fallback import FALLBACK

import habitue.testing
from habitue import AsyncClient, Breaker, Client


def with_client(
    collector: FakeCollector, work: Callable[[AsyncClient], Coroutine[Any, Any, Any]], **settings: Any
) -> Any:
    async def run() -> Any:
        async with AsyncClient("secret", collector.url, linger=0.01, **settings) as client:
            return await work(client)

    return asyncio.run(run())


def test_events_arrive_and_flush_says_so(collector: FakeCollector) -> None:
    async def work(client: AsyncClient) -> habitue.Stats:
        client.track("One", user_id="u")
        await client.track("Two", user_id="u")
        await client.order("1001", [{"item_id": "a", "price": 2.5}], value=2.5, currency="EUR", user_id="u")
        assert await client.flush()
        return client.stats

    stats = with_client(collector, work)
    assert stats.delivered == 3
    assert collector.events[2]["properties"] == {
        "order_id": "1001",
        "products": [{"item_id": "a", "price": 2.5}],
        "total": 2.5,
        "currency": "EUR",
    }


def test_offers_keep_one_connection(collector: FakeCollector) -> None:
    async def work(client: AsyncClient) -> None:
        for _ in range(5):
            offers = await client.offers("home-hero", user_id=42, item_id=7)
            assert [offer["item_id"] for offer in offers] == ["SKU-001"]
            assert offers.decision_id == "d-1"

    with_client(collector, work)
    assert collector.connections == 1
    path, headers, body = collector.requests[0]
    assert path == "/v1/recommend"
    assert headers["authorization"] == "Bearer secret"
    assert body == {"slots": ["home-hero"], "user_id": "42", "page": {"item_id": "7"}}


@pytest.mark.parametrize(
    ("failure", "missed"),
    [
        (status(503), "http_503"),
        (status(200, b"<html>"), "invalid_answer"),
        (status(200, b'{"slots":{"home-hero":{"offers":[],"reason":"unknown_slot"}}}'), "unknown_slot"),
        (hang_up, "unreachable"),
        (half_an_answer, "unreachable"),
        (garbage, "unreachable"),
    ],
)
def test_without_an_answer_the_fallback_is_served(
    collector: FakeCollector, failure: Any, missed: str
) -> None:
    collector.script = [failure]

    async def work(client: AsyncClient) -> None:
        offers = await client.offers("home-hero", user_id="u", fallback=FALLBACK)
        assert offers == FALLBACK
        assert offers.missed == missed
        assert client.stats.offers_missed == {missed: 1}

    with_client(collector, work)


@pytest.mark.parametrize("failure", [hang, drip])
def test_the_deadline_holds(collector: FakeCollector, failure: Any) -> None:
    collector.always = failure
    times = [1.0]

    async def work(client: AsyncClient) -> None:
        while min(times) >= 0.11 and len(times) < 50:  # a busy machine wakes us late, now and then
            began = time.monotonic()
            offers = await client.offers("home-hero", user_id="u", deadline=0.1, fallback=FALLBACK)
            times.append(time.monotonic() - began)
            assert (offers, offers.missed) == (FALLBACK, "deadline")

    with_client(collector, work, breaker=Breaker(failures=100))
    assert 0.099 <= min(times) < 0.11
    assert max(times) < 5.0  # dripping, the answer would take 20 s


def test_a_connection_that_is_not_made_costs_no_more_than_the_deadline() -> None:
    """What a bare timer is late by is the machine's; the client's own part is the work left to do then."""
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    waiting = [socket.socket() for _ in range(4)]
    for one in waiting:
        one.setblocking(False)
        one.connect_ex(full.getsockname())
    spent = []

    async def work() -> None:
        loop = asyncio.get_running_loop()
        host = f"http://127.0.0.1:{full.getsockname()[1]}"
        async with AsyncClient("secret", host, breaker=Breaker(failures=100)) as client:
            for _ in range(5):
                began: list[float] = []
                loop.call_later(0.05, lambda began=began: began.append(time.thread_time()))
                offers = await client.offers("home-hero", user_id="u", deadline=0.05, fallback=FALLBACK)
                assert (offers, offers.missed) == (FALLBACK, "deadline")
                spent.append(time.thread_time() - began[0] if began else 0.0)

    try:
        asyncio.run(work())
    finally:
        for one in (full, *waiting):
            one.close()
    assert min(spent) < 0.005


def test_many_ask_at_once_and_nobody_blocks_the_loop(collector: FakeCollector) -> None:
    collector.always = hang

    async def work(client: AsyncClient) -> float:
        began = time.monotonic()
        await asyncio.gather(*(client.offers("home-hero", user_id="u", deadline=0.2) for _ in range(50)))
        return time.monotonic() - began

    assert with_client(collector, work, breaker=Breaker(failures=1_000)) < 5.0  # in turn they take 10 s


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_a_server_in_trouble_is_left_alone_and_asked_again(collector: FakeCollector, kind: Any) -> None:
    collector.always = status(500)
    breaker = Breaker(failures=3, first_pause=0.05, jitter=lambda: 1.0)
    client = kind("secret", collector.url, breaker=breaker, fallbacks={"home-hero": FALLBACK})

    async def ask() -> habitue.Offers:
        answer = client.offers("home-hero", user_id="u", deadline=5.0)
        offers: habitue.Offers = answer if kind is Client else await answer
        return offers

    async def work() -> None:
        assert [(await ask()).missed for _ in range(5)] == ["http_500"] * 3 + ["circuit_open"] * 2
        assert await ask() == FALLBACK
        assert len(collector.requests) == 3
        collector.always = None
        while breaker.is_open:
            await asyncio.sleep(0.005)
        assert (await ask()).missed is None
        assert (await ask()).missed is None
        closing = client.close()
        if kind is AsyncClient:
            await closing

    asyncio.run(work())


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_a_profile_is_known_unknown_or_missed(collector: FakeCollector, kind: Any) -> None:
    transport = habitue.testing.RecordingTransport(profiles={"user:42": {"visits": 3}})
    client = kind("secret", transport=transport)

    async def answer_of(call: Any) -> Any:
        return await call if kind is AsyncClient else call

    async def work() -> None:
        assert await answer_of(client.profile(user_id=42)) == {"visits": 3}
        assert await answer_of(client.profile(user_id="a/b c")) is None
        assert transport.requests[-1].path == "/v1/profiles/user:a%2Fb%20c"
        assert client.stats.calls_missed == {}
        transport.failing = 503
        assert await answer_of(client.profile(user_id=42)) is None
        assert await answer_of(client.forget(user_id=42)) is False
        assert await answer_of(client.profile()) is None
        transport.failing = None
        assert await answer_of(client.forget(user_id=42)) is True
        assert transport.requests[-1].method == "DELETE"
        assert await answer_of(client.forget(user_id=42)) is False  # nobody of that name
        assert client.stats.calls_missed == {
            "profile_http_503": 1,
            "forget_http_503": 1,
            "profile_invalid_argument": 1,
        }
        await answer_of(client.close())

    asyncio.run(work())


def test_another_loop_gets_connections_of_its_own(collector: FakeCollector) -> None:
    client = AsyncClient("secret", collector.url)

    async def ask() -> str | None:
        missed = (await client.offers("home-hero", user_id="u")).missed
        assert client._loop_transport is not None
        await client._loop_transport.close()
        return missed

    assert asyncio.run(ask()) is None
    assert asyncio.run(ask()) is None


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_a_name_that_is_not_resolved_is_waited_for_no_longer_than_allowed(
    monkeypatch: pytest.MonkeyPatch, kind: Any
) -> None:
    released = threading.Event()

    def slow(*_: object, **__: object) -> Any:
        released.wait(20)
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    client = kind("secret", "http://collector.invalid:8000")

    async def ask() -> habitue.Offers:
        answer = client.offers("home-hero", user_id="u", deadline=0.1, fallback=FALLBACK)
        offers: habitue.Offers = answer if kind is Client else await answer
        return offers

    loop = asyncio.new_event_loop()
    try:
        began = time.monotonic()
        offers = loop.run_until_complete(ask())
        assert time.monotonic() - began < 10.0  # the name is released after 20 s
        assert (offers, offers.missed) == (FALLBACK, "deadline")
    finally:
        released.set()
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


def test_alias_joins_an_anonymous_id_to_a_user() -> None:
    transport = habitue.testing.RecordingTransport()
    with Client("secret", transport=transport) as client:
        client.alias("device-1", "ann")
        client.alias("device-1")  # whose?
        with habitue.visiting(habitue.Visit(cookie="c", user_id="bea")):
            client.alias("device-2")
    alias, of_the_visit = transport.events
    assert (of_the_visit["anonymousId"], of_the_visit["userId"]) == ("device-2", "bea")
    assert (alias["type"], alias["previousId"], alias["userId"]) == ("alias", "device-1", "ann")
    assert alias["anonymousId"] == "device-1"
    assert client.stats.lost == {"invalid_argument": 1}


def test_a_page_has_a_name_and_properties() -> None:
    transport = habitue.testing.RecordingTransport()
    with Client("secret", transport=transport) as client:
        client.page("Home", {"url": "https://shop.test/"}, user_id="ann")
        client.page(user_id="ann")
        client.page(7, user_id="ann")  # type: ignore[arg-type]  # the point of it
    first, second = transport.events
    assert (first["type"], first["name"], first["properties"]) == (
        "page",
        "Home",
        {"url": "https://shop.test/"},
    )
    assert "name" not in second
    assert client.stats.lost == {"invalid_argument": 1}
