"""What a page asks with `POST /h/v1/context`, visit after visit: each source where a person would meet it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from redis.asyncio import Redis
from support.decisions import DAY, NOW, model_of
from support.house import SIGNING_KEYS, House, RealRedis, buys, house, page, track, views, visitor_of

from habitue_cli.rooms import recommender_settings
from habitue_collector.settings import demo_settings
from habitue_recommender.catalog.store import store_items
from habitue_recommender.context import ContextEndpoints
from habitue_recommender.live import Live
from habitue_recommender.recommender import Recommender
from habitue_recommender.served import ServedModel

SHELVES = ("Shoes", "Hats", "Bags", "Socks")
GOODS = [
    {
        "item_id": f"{shelf.lower()}-{number}",
        "name": f"{shelf[:-1]} {chr(65 + number)}",
        "url": f"http://127.0.0.1:8000/p/{shelf.lower()}-{number}",
        "price": 20 + number,
        "currency": "EUR",
        "category": f"{shelf}/Kind {number % 2}",
    }
    for shelf in SHELVES
    for number in range(10)
]
IDS = [str(one["item_id"]) for one in GOODS]
HOME = {"type": "home"}


class Shop:
    """One worker with offers, over a clock that only the test moves."""

    def __init__(self, floor: House, redis: Redis) -> None:
        settings = demo_settings(floor.redis.folder)
        self.floor, self.redis, self.now = floor, redis, NOW
        self.collector = floor.workers[0]
        self.collector.ingest.clock = lambda: self.now
        told = recommender_settings(settings, SIGNING_KEYS)
        self.recommender = Recommender(
            told, settings.data.folder / "models", lambda _: pytest.fail("none"), lambda: self.now
        )
        self.collector.committer.companion = self.recommender
        self.context = ContextEndpoints(self.collector.ingest, self.recommender)

    async def has(self, *items: dict[str, Any]) -> None:
        await store_items(self.redis, list(items), now=self.now)
        await self.recommender.refresh_catalog(self.redis)

    def learnt(self, **ranked: list[str]) -> None:
        self.recommender.model = model_of(IDS, until=self.now, **({"popular": IDS} | ranked))

    async def next_visit(self, days: float = 2) -> None:
        self.now += int(days * DAY)


class Browser:
    """Somebody's browser: what it shows are the offers of one slot."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.cookie: str | None = None

    async def sees(
        self, slot: str, *events: dict[str, Any], on: dict[str, str] | None = None
    ) -> list[dict[str, Any]]:
        body: dict[str, Any] = {
            "writeKey": "demo",
            "batch": list(events),
            "slots": [slot],
            "page": on or HOME,
        }
        if self.cookie is None:
            body["nonce"] = f"nonce-of-{id(self)}-{'x' * 16}"
        self.shop.floor.workers[0].handlers = lambda: self.shop.context.handlers()  # type: ignore[method-assign]
        answer = await self.shop.floor.post("/h/v1/context", body, cookie=self.cookie)
        assert answer.status == 200, answer.body
        assert all(one["status"] == "accepted" for one in answer.results), answer.results
        self.cookie = answer.cookie or self.cookie
        offers: list[dict[str, Any]] = answer.body["slots"][slot]["offers"]
        return offers

    async def lists(self, slot: str, *events: dict[str, Any], on: dict[str, str] | None = None) -> list[str]:
        return [offer["item_id"] for offer in await self.sees(slot, *events, on=on)]


Scene = Callable[[Shop, Browser], Awaitable[None]]


@pytest.fixture
def play(real: RealRedis) -> Callable[[Scene], None]:
    def run(scene: Scene) -> None:
        async def work() -> None:
            async with Redis(unix_socket_path=str(real.socket)) as redis:
                await redis.flushall()
                async with house(real=real) as floor:
                    shop = Shop(floor, redis)
                    await shop.has(*GOODS)
                    shop.now += 30 * DAY  # the first import is long ago
                    shop.learnt()
                    await scene(shop, Browser(shop))

        asyncio.run(work())

    return run


def codes(offers: list[dict[str, Any]]) -> dict[str, str]:
    return {offer["item_id"]: offer["reasons"][0]["code"] for offer in offers}


def test_a_page_loaded_again_keeps_its_list_while_the_worker_becomes_busy_and_calm(play: Any) -> None:
    async def scene(shop: Shop, anna: Browser) -> None:
        shop.learnt(neighbours=IDS[:15], ranker=IDS[15:])

        async def home(*events: dict[str, Any]) -> list[str]:
            return await anna.lists("home-hero", *events)

        learnt = await home(views("socks-9"))
        assert len(learnt) > 0
        assert set(learnt) <= set(IDS[15:])
        shop.recommender.pace.hurried = True
        assert await home() == learnt
        cheap = await home(views("bags-9"))
        assert len(cheap) > 0
        assert set(cheap) <= set(IDS[:15])
        shop.recommender.pace.hurried = False
        assert await home() == cheap
        assert set(await home(views("bags-8"))) <= set(IDS[15:])

    play(scene)


def test_interest_that_broke_off_comes_first_in_the_next_visit(play: Any) -> None:
    async def scene(shop: Shop, anna: Browser) -> None:
        wanted = track("Product Added", {"product_id": "hats-7", "price": 27})
        taken_out = track("Product Removed", {"product_id": "hats-7", "price": 27})
        await anna.sees("home-hero", page("/"), views("socks-3"), wanted, taken_out, views("bags-4"))
        await shop.next_visit()
        offers = await anna.sees("home-hero", page("/"))
        assert {one["item_id"] for one in offers[:3]} == {"hats-7", "bags-4", "socks-3"}
        assert set(list(codes(offers).values())[:3]) <= {"looked_last_visit", "wanted_last_visit"}

    play(scene)


def test_what_is_new_since_the_last_visit_and_what_became_cheaper_stand_where_they_were_promised(
    play: Any,
) -> None:
    async def scene(shop: Shop, anna: Browser) -> None:
        assert await anna.lists("home-since", page("/"), views("shoes-1", price=21)) == []
        await shop.next_visit()
        await shop.has(GOODS[1] | {"price": 15}, GOODS[2] | {"item_id": "shoes-new", "name": "Shoe New"})
        shop.now += 60_000
        offers = await anna.sees("home-since", page("/"))
        assert codes(offers) == {"shoes-1": "cheaper_than_seen", "shoes-new": "new_since_visit"}
        stranger = Browser(shop)
        assert await stranger.lists("home-since", page("/")) == []

    play(scene)


def test_accessories_to_what_was_bought_before_and_what_is_due_again(play: Any) -> None:
    async def scene(shop: Shop, anna: Browser) -> None:
        shop.recommender.model = _speaking_for("shoes-0", accessories=["socks-5", "bags-1"])
        await anna.sees("thanks-next", buys("o1", 20.0, "shoes-0"))
        await shop.next_visit(40)
        offers = await anna.sees("thanks-next", page("/"), on={"type": "thanks"})
        assert [one["item_id"] for one in offers[:2]] == ["socks-5", "bags-1"]
        assert offers[0]["reasons"][0]["code"] == "accessory", offers[0]["reasons"]
        shop.learnt(repurchase=["shoes-0"])
        again = await anna.sees("home-again", page("/"))
        assert codes(again) == {"shoes-0": "due_again"}
        assert await Browser(shop).lists("home-again", page("/")) == []

    play(scene)


def _speaking_for(anchor: str, **ranked: list[str]) -> ServedModel:
    return model_of(IDS, until=NOW + 30 * DAY, anchors=dict.fromkeys(ranked, anchor), popular=IDS, **ranked)


def test_a_new_visitor_is_met_by_campaign_site_hour_and_landing_item(play: Any) -> None:
    async def scene(shop: Shop, anna: Browser) -> None:
        hour = tuple((name, 9 - place) for place, name in enumerate(IDS[:5]))
        ways = {"campaign:spring": (("hats-9", 3),), "referrer:blog.example": (("bags-8", 4),)}
        shop.recommender.live = Live(shop.now, hour, arrivals=ways)
        assert (await anna.lists("home-popular", page("/")))[:2] == list(IDS[:2]), "what sells this hour"
        spring = page("/?utm_source=mail&utm_campaign=spring")
        assert (await Browser(shop).lists("home-popular", spring))[0] == "hats-9"
        blog = page("/") | {"context": {"page": {"referrer": "https://blog.example/post"}}}
        assert (await Browser(shop).lists("home-popular", blog))[0] == "bags-8"
        shop.recommender.model = None
        landed = await Browser(shop).sees(
            "pdp-related", page("/p/socks-2"), on={"type": "product", "item_id": "socks-2"}
        )
        assert landed[0]["item_id"].startswith("socks-"), "like what they landed on"
        assert landed[0]["reasons"][0]["code"] == "looks_like"

    play(scene)


def test_a_new_visitor_is_met_by_what_others_hold_in_their_hands(play: Any) -> None:
    phone = {"userAgent": "Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/131.0 Mobile Safari/537.36"}

    async def scene(shop: Shop, anna: Browser) -> None:
        hour = tuple((name, 9 - place) for place, name in enumerate(IDS[:5]))
        ways = {"campaign:spring": (("hats-9", 3),), "device:mobile": (("bags-8", 60), (IDS[3], 6))}
        shop.recommender.live = Live(shop.now, hour, arrivals=ways)
        held = page("/") | {"context": phone}
        assert (await anna.lists("home-popular", page("/")))[:2] == list(IDS[:2]), "nobody holds what they do"
        by_phone = Browser(shop)
        assert (await by_phone.lists("home-popular", held))[:3] == [IDS[0], "bags-8", IDS[1]]
        assert (await by_phone.lists("home-popular"))[:3] == [IDS[0], "bags-8", IDS[1]], "the same question"
        spring = page("/?utm_source=mail&utm_campaign=spring") | {"context": phone}
        assert (await Browser(shop).lists("home-popular", spring))[0] == "hats-9", "how they came says more"
        shop.recommender.live = Live(shop.now, hour, arrivals={"device:mobile": (("bags-8", 2),)})
        assert (await Browser(shop).lists("home-popular", held))[:2] == list(IDS[:2]), "two say little"

    play(scene)


def test_variants_of_one_product_count_once(play: Any) -> None:
    async def scene(shop: Shop, anna: Browser) -> None:
        sizes = [GOODS[n] | {"group_id": "shoe"} for n in range(6)]
        await shop.has(*sizes)
        listed = await anna.lists("home-popular", page("/"))
        assert len(listed) == 12
        assert len([one for one in listed if one in {size["item_id"] for size in sizes}]) == 1

    play(scene)


def test_who_looks_at_many_kinds_gets_more_variety(play: Any) -> None:
    """The same candidates for both, shoes before everything: only what they looked at differs."""
    best = [f"shoes-{n}" for n in range(10)] + [f"{one}-{n}" for n in range(6) for one in ("hats", "bags")]
    looks = {
        "single": [f"shoes-{n}" for n in range(0, 10, 2)] * 3 + ["hats-8", "bags-8"],
        "varied": ["shoes-0", "hats-8", "bags-8", "socks-8"],
    }

    async def scene(shop: Shop, anna: Browser) -> None:
        shop.learnt(neighbours=best)
        kinds = {}
        for name, seen in looks.items():
            who = Browser(shop)
            events = [views(one, category=f"{one.split('-')[0].title()}/Kind 0") for one in seen]
            kinds[name] = [
                one.split("-")[0] for one in (await who.lists("home-hero", page("/"), *events))[:6]
            ]
        assert kinds["varied"].count("shoes") < kinds["single"].count("shoes")

    play(scene)


def test_the_next_visit_shows_another_list_of_what_is_popular(play: Any) -> None:
    async def scene(shop: Shop, anna: Browser) -> None:
        lists = []
        for _ in range(4):
            lists.append(await anna.lists("home-popular", page("/"), views("socks-9")))
            assert await anna.lists("home-popular", page("/")) == lists[-1], "while somebody stays it stays"
            await shop.next_visit()
        assert len({tuple(one) for one in lists}) >= 3
        assert visitor_of(anna.cookie)

    play(scene)
