"""Simulated visitors against a stand-in for the collector that offers what it is told to."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from habitue_shop.journey import Basket, Line, products
from habitue_shop.tracking import user_hash
from habitue_shop.visitors import simulate


class Collector:
    """Counts what comes; offers always the same item; is overloaded once."""

    def __init__(self, offered: str) -> None:
        self.offered = offered
        self.events: list[dict[str, Any]] = []
        self.nonces: list[str | None] = []
        self.cookies: set[str] = set()
        self.overloaded = 1
        self.url = ""

    async def take(self, request: Request) -> Response:
        body = json.loads(await request.body())
        assert request.headers["content-type"] == "text/plain"
        assert body["writeKey"] == "demo"
        if self.overloaded:
            self.overloaded -= 1
            return JSONResponse({"code": "overload"}, 503, headers={"retry-after": "0"})
        cookie = request.cookies.get("habitue")
        assert (cookie is None) == ("nonce" in body), (
            "a nonce until the first answer, the cookie from then on"
        )
        self.events += body["batch"]
        offer = {"item_id": self.offered, "name": "x", "price": 1.0, "reasons": []}
        answer = JSONResponse(
            {
                "results": [{"index": index, "status": "accepted"} for index in range(len(body["batch"]))],
                "slots": {slot: {"decision_id": "d1", "offers": [offer]} for slot in body.get("slots", ())},
            }
        )
        if cookie is None:
            cookie = body["nonce"]
            answer.set_cookie("habitue", cookie, path="/", httponly=True)
        self.cookies.add(cookie)
        return answer

    def named(self, event: str) -> list[dict[str, Any]]:
        return [sent["properties"] for sent in self.events if sent.get("event") == event]


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector(products()[0].item_id)
    doors = [Route(f"/h/v1/{door}", collector.take, methods=["POST"]) for door in ("context", "batch")]
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        collector.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(Starlette(routes=doors), log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        yield collector
        server.should_exit = True
        thread.join(5)


def baskets(number: int) -> list[Basket]:
    """Small baskets; the best seller is the second item of each."""
    things = products()
    return [
        Basket(
            f"o{index}",
            str(1000 + index),
            0,
            tuple(Line(things[place].item_id, 1, 1.0) for place in (50 + index, 0, 90 + index)),
        )
        for index in range(number)
    ]


def test_visitors_buy_their_baskets_and_click_the_offers_that_were_right(collector: Collector) -> None:
    said: list[str] = []
    tally = asyncio.run(simulate(collector.url, 6, rate=0, baskets=baskets(6), say=said.append))
    assert tally.visitors == tally.orders == 6
    assert tally.events == len(collector.events)
    assert (tally.failures, tally.rejected) == (0, 0)
    orders = collector.named("Order Completed")
    assert len({order["order_id"] for order in orders}) == 6
    assert all(len(order["products"]) == 3 for order in orders)
    assert len(collector.cookies) == 6, "each visitor is a browser of its own"
    assert len({event["messageId"] for event in collector.events}) == len(collector.events)
    clicks = collector.named("Offer Clicked")
    assert len(clicks) == 6
    assert {click["item_id"] for click in clicks} == {collector.offered}
    assert tally.bought_after_offer == 6
    assert said


def test_some_log_in_with_a_proof(collector: Collector) -> None:
    asyncio.run(simulate(collector.url, 10, rate=0, baskets=baskets(10), say=lambda text: None))
    logins = [event for event in collector.events if event["type"] == "identify"]
    assert 0 < len(logins) < 10
    for login in logins:
        assert login["context"]["user_hash"] == user_hash("demo-secret", login["userId"])


def test_the_rate_is_kept(collector: Collector) -> None:
    loop_began = asyncio.run(_timed(collector.url))
    requests = loop_began["requests"]
    assert loop_began["seconds"] >= (requests - 2) / 100


async def _timed(url: str) -> dict[str, float]:
    clock = asyncio.get_running_loop().time
    began = clock()
    tally = await simulate(url, 2, rate=100, baskets=baskets(2), say=lambda text: None)
    return {"seconds": clock() - began, "requests": len(tally.milliseconds)}


def test_a_shop_without_a_server_is_a_count_not_a_crash() -> None:
    tally = asyncio.run(
        simulate("http://127.0.0.1:9", 1, rate=0, baskets=baskets(1)[:1], say=lambda text: None)
    )
    assert tally.failures > 0
    assert tally.events == 0


def test_they_keep_coming_until_told_to_stop(collector: Collector) -> None:
    async def shop_until_some_ordered() -> int:
        def enough(text: str) -> None:
            if len(collector.named("Order Completed")) > 3:
                crowd.cancel()

        crowd = asyncio.create_task(
            simulate(collector.url, None, rate=0, at_once=2, baskets=baskets(2), say=enough)
        )
        with pytest.raises(asyncio.CancelledError):
            await crowd
        return len(asyncio.all_tasks())

    assert asyncio.run(shop_until_some_ordered()) == 1, "nobody is left behind in the shop"
