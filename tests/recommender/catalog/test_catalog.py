"""The catalog: what is taken in, how a worker's copy follows, and what browsers may teach it."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis
from support.decisions import DAY, NOW, catalog_of, item, with_redis

from habitue_collector.events import Event, Kind
from habitue_collector.events import Item as EventItem
from habitue_collector.store import keys
from habitue_recommender.catalog.catalog import Catalog
from habitue_recommender.catalog.items import InvalidItem, Item, ProblemReason, parse_item, parse_url
from habitue_recommender.catalog.learning import Learner
from habitue_recommender.catalog.store import (
    BULK,
    CatalogReader,
    delete_item,
    find_item,
    store_items,
)
from habitue_recommender.settings import RecommenderSettings

SHOE: dict[str, Any] = {
    "item_id": "shoe",
    "group_id": "shoes",
    "name": "Trail Shoe",
    "url": "https://shop.example/shoe",
    "image_url": "/img/shoe.jpg",
    "price": 89.9,
    "currency": "eur",
    "availability": "in stock",
    "category": "Sport / Shoes/",
    "brand": "Acme",
    "attributes": {"margin": 0.4, "sizes": [41, 42]},
}


# ---- validation ------------------------------------------------------------------------------------


def test_an_item_is_checked_and_normalised() -> None:
    shoe = parse_item(SHOE, NOW)
    assert (shoe.category, shoe.currency, shoe.availability) == ("Sport/Shoes", "EUR", "in_stock")
    assert (shoe.group, shoe.verified, shoe.first_seen, shoe.updated_at) == ("shoes", True, NOW, NOW)
    assert Item.unpack(shoe.pack()) == shoe


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("text", ProblemReason.INVALID_ITEM),
        (None, ProblemReason.INVALID_ITEM),
        ({"name": "x"}, ProblemReason.MISSING_ITEM_ID),
        ({"item_id": ""}, ProblemReason.MISSING_ITEM_ID),
        ({"item_id": True, "name": "x"}, ProblemReason.INVALID_ITEM_ID),
        ({"item_id": " x", "name": "x"}, ProblemReason.INVALID_ITEM_ID),
        ({"item_id": "a\x00b", "name": "x"}, ProblemReason.INVALID_ITEM_ID),
        ({"item_id": "x" * 256, "name": "x"}, ProblemReason.INVALID_ITEM_ID),
        ({"item_id": "x"}, ProblemReason.MISSING_NAME),
        (SHOE | {"name": ["x"]}, ProblemReason.INVALID_TEXT),
        (SHOE | {"name": "\ud800"}, ProblemReason.INVALID_TEXT),
        (SHOE | {"name": "x" * 1025}, ProblemReason.TEXT_TOO_LONG),
        (SHOE | {"price": -1}, ProblemReason.INVALID_PRICE),
        (SHOE | {"price": float("nan")}, ProblemReason.INVALID_PRICE),
        (SHOE | {"price": float("inf")}, ProblemReason.INVALID_PRICE),
        (SHOE | {"price": 10**400}, ProblemReason.INVALID_PRICE),
        (SHOE | {"price": "cheap"}, ProblemReason.INVALID_PRICE),
        (SHOE | {"price": True}, ProblemReason.INVALID_PRICE),
        (SHOE | {"currency": "Euro"}, ProblemReason.INVALID_CURRENCY),
        (SHOE | {"availability": "maybe"}, ProblemReason.INVALID_AVAILABILITY),
        (SHOE | {"attributes": []}, ProblemReason.INVALID_ATTRIBUTES),
        (SHOE | {"attributes": {"x": "y" * 9_000}}, ProblemReason.INVALID_ATTRIBUTES),
        (SHOE | {"attributes": {"x": 10**30}}, ProblemReason.INVALID_ATTRIBUTES),
    ],
)
def test_a_bad_item_is_refused_with_its_reason(said: Any, reason: ProblemReason) -> None:
    with pytest.raises(InvalidItem) as refused:
        parse_item(said)
    assert refused.value.reason is reason


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "//evil.example/x",
        "/\\evil.example/x",
        "\\\\evil.example",
        "https:/\t/evil.example",
        "/\n/evil.example",
        "https://shop.example@evil.example/",
        "https:evil.example",
        "http://",
        "https://[::1",
        "ftp://shop.example/x",
        "https://shop.example:99999/",
    ],
)
def test_an_address_that_could_lead_elsewhere_is_refused(url: str) -> None:
    with pytest.raises(InvalidItem) as refused:
        parse_url(url)
    assert refused.value.reason in (ProblemReason.INVALID_URL, ProblemReason.INVALID_TEXT)


@pytest.mark.parametrize(
    "url", ["", "/p/1", "p/1?x=a:b", "https://shop.example/a?b=//c", "http://127.0.0.1:80/"]
)
def test_other_addresses_are_taken(url: str) -> None:
    assert parse_url(url) == url


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("in_stock", "in_stock"),
        ("InStock", "in_stock"),
        ("https://schema.org/OutOfStock", "out_of_stock"),
        ("Sold Out", "out_of_stock"),
        ("pre-order", "preorder"),
        ("BackOrder", "backorder"),
        (True, "in_stock"),
        (False, "out_of_stock"),
        (None, "in_stock"),
    ],
)
def test_words_for_availability(said: Any, meant: str) -> None:
    assert parse_item(SHOE | {"availability": said}).availability == meant


def test_a_category_may_be_a_list_or_googles_path() -> None:
    assert parse_item(SHOE | {"category": ["Home", "Bed/Bath"]}).category == "Home/Bed-Bath"
    assert parse_item(SHOE | {"category": "Home & Garden > Lamps"}).category == "Home & Garden/Lamps"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(SHOE)), json_values, max_size=11) | json_values)
def test_anything_is_an_item_or_refused(said: Any) -> None:
    try:
        taken = parse_item(said, NOW)
    except InvalidItem:
        return
    assert Item.unpack(taken.pack()) == taken
    assert taken.price is None or 0 <= taken.price <= 1e12


# ---- the copy in memory ----------------------------------------------------------------------------


def test_shelves_follow_every_change() -> None:
    catalog = catalog_of(item("a", category="A/B", brand="X"), item("b", category="A", first_seen=NOW))
    assert [one.item_id for one in catalog.newest("A")] == ["b", "a"]
    catalog.put(item("a", category="C", brand="Y", updated_at=NOW))
    assert [one.item_id for one in catalog.newest("A")] == ["b"]
    assert not catalog.has_category("A/B")
    assert [one.item_id for one in catalog.of_brand("X")] == []
    assert [one.item_id for one in catalog.of_brand("Y")] == ["a"]
    catalog.remove("a", NOW + 1)
    assert catalog.categories() == ["A"]
    assert len(catalog) == 1


def test_an_older_version_never_wins() -> None:
    catalog = catalog_of(item("a", name="new", updated_at=10))
    assert not catalog.put(item("a", name="old", updated_at=9))
    assert not catalog.remove("a", 9)
    assert catalog.remove("a", 11)
    assert not catalog.put(item("a", name="old", updated_at=10))
    assert len(catalog) == 0
    assert catalog.put(item("a", name="back", updated_at=12))


def test_is_new_is_the_newest_tenth_for_thirty_days() -> None:
    catalog = Catalog([item(f"i{n}", first_seen=NOW - 90 * DAY) for n in range(19)])
    catalog.put(item("fresh", first_seen=NOW - DAY, updated_at=NOW))
    assert catalog.is_new(catalog.items["fresh"], NOW)
    assert not catalog.is_new(catalog.items["fresh"], NOW + 40 * DAY)
    assert not catalog.is_new(catalog.items["i3"], NOW)


# ---- in Redis --------------------------------------------------------------------------------------


async def read(reader: CatalogReader, redis: Redis) -> bool:
    """What a worker does with each decision."""
    reply: Any = await redis.execute_command(*reader.changes_command())
    return reader.absorb(reply)


async def two_readers(redis: Redis) -> tuple[CatalogReader, CatalogReader]:
    first, second = CatalogReader(), CatalogReader()
    await first.load(redis)
    await second.load(redis)
    return first, second


def test_two_readers_see_a_put_at_their_next_decision(redis_socket: str) -> None:
    async def work(redis: Redis) -> None:
        await store_items(redis, [SHOE, SHOE | {"item_id": "boot"}], now=NOW)
        readers = await two_readers(redis)
        for number, word in enumerate(["out_of_stock", "in_stock"] * 20):
            [result] = await store_items(redis, [{"item_id": "shoe", "availability": word}], now=NOW + number)
            assert result == {"index": 0, "status": "accepted", "item_id": "shoe"}
            for reader in readers:
                assert not await read(reader, redis)
                shoe = reader.catalog.items["shoe"]
                assert (shoe.availability, shoe.name, shoe.first_seen) == (word, "Trail Shoe", NOW)
                assert reader.catalog.items["boot"].buyable

    with_redis(redis_socket, work)


def test_an_empty_catalog_is_followed_from_its_first_item_on(redis_socket: str) -> None:
    async def work(redis: Redis) -> None:
        readers = await two_readers(redis)
        await store_items(redis, [SHOE], now=NOW)
        for reader in readers:
            await read(reader, redis)
            assert list(reader.catalog.items) == ["shoe"]
        assert await delete_item(redis, "shoe", now=NOW)
        assert not await delete_item(redis, "shoe", now=NOW)
        for reader in readers:
            await read(reader, redis)
            assert not reader.catalog.items

    with_redis(redis_socket, work)


def test_bad_items_spoil_nothing(redis_socket: str) -> None:
    async def work(redis: Redis) -> None:
        results = await store_items(redis, [None, SHOE, {"item_id": "x"}, SHOE | {"price": -1}], now=NOW)
        assert [one["status"] for one in results] == ["rejected", "accepted", "rejected", "rejected"]
        assert [one.get("reason") for one in results] == [
            "invalid_item",
            None,
            "missing_name",
            "invalid_price",
        ]
        assert await find_item(redis, "shoe") == parse_item(SHOE, NOW)

    with_redis(redis_socket, work)


def test_the_same_item_twice_in_one_put_counts_in_order(redis_socket: str) -> None:
    async def work(redis: Redis) -> None:
        await store_items(
            redis, [SHOE, {"item_id": "shoe", "price": 1}, {"item_id": "shoe", "brand": None}], now=NOW
        )
        shoe = await find_item(redis, "shoe")
        assert shoe is not None
        assert (shoe.price, shoe.brand, shoe.name) == (1.0, "", "Trail Shoe")

    with_redis(redis_socket, work)


def test_a_feed_that_changed_nothing_writes_nothing(redis_socket: str) -> None:
    async def work(redis: Redis) -> None:
        feed = [SHOE | {"item_id": f"i{n}"} for n in range(3)]
        await store_items(redis, feed, now=NOW)
        before = await redis.xlen(keys.CATALOG_CHANGES)
        await store_items(redis, feed, now=NOW + DAY)
        assert await redis.xlen(keys.CATALOG_CHANGES) == before == 3

    with_redis(redis_socket, work)


def test_a_bulk_import_makes_readers_load_anew_beside_their_decisions(redis_socket: str) -> None:
    async def work(redis: Redis) -> None:
        [reader, _] = await two_readers(redis)
        said: list[tuple[int, int]] = []
        feed = [SHOE | {"item_id": f"i{n}"} for n in range(BULK + 500)]
        await store_items(redis, feed, now=NOW, progress=lambda done, total: said.append((done, total)))
        assert said[-1] == (BULK + 500, BULK + 500)
        await read(reader, redis)
        assert reader.reload_wanted
        loading = asyncio.ensure_future(reader.load(redis))
        await asyncio.sleep(0)
        old = reader.catalog
        await store_items(redis, [{"item_id": "i7", "availability": "out_of_stock"}], now=NOW + 1)
        await read(reader, redis)  # a decision in the meantime
        assert not old.items["i7"].buyable or "i7" not in old.items
        await loading
        assert reader.catalog is not old
        assert len(reader.catalog) == BULK + 500
        assert not reader.catalog.items["i7"].buyable
        assert not reader.reload_wanted
        assert not await read(reader, redis)

    with_redis(redis_socket, work)


def test_writers_at_once_lose_nothing_and_readers_agree(redis_socket: str) -> None:
    async def work(redis: Redis) -> None:
        await store_items(redis, [SHOE], now=NOW)
        [reader, _] = await two_readers(redis)
        fields: list[dict[str, Any]] = [
            {"price": 5},
            {"brand": "Other"},
            {"category": "X"},
            {"currency": "USD"},
        ]
        puts = [store_items(redis, [{"item_id": "shoe"} | one], now=NOW) for one in fields]
        results = await asyncio.gather(*puts)
        assert all(one[0]["status"] == "accepted" for one in results)
        await read(reader, redis)
        shoe = await find_item(redis, "shoe")
        assert shoe is not None
        assert (shoe.price, shoe.brand, shoe.category, shoe.currency) == (5.0, "Other", "X", "USD")
        assert reader.catalog.items["shoe"] == shoe

    with_redis(redis_socket, work)


def test_changes_that_come_late_or_twice_do_no_harm() -> None:
    reader = CatalogReader()
    newer, older = (
        item("a", name="newer", updated_at=20).pack(),
        item("a", name="older", updated_at=10).pack(),
    )
    reader.absorb([[b"catalog:changes", [[b"5-0", [b"item", newer]], [b"6-0", [b"item", older]]]]])
    reader.absorb([[b"catalog:changes", [[b"5-0", [b"item", older]]]]])
    reader.absorb({b"catalog:changes": [[b"7-0", [b"item", b"not JSON"]], [b"8-0", [b"other", b"1"]]]})
    reader.absorb(None)
    assert reader.catalog.items["a"].name == "newer"
    assert reader.changes_command()[-1] == b"8-0"


def test_items_of_other_hands_are_passed_over(redis_socket: str) -> None:
    async def work(redis: Redis) -> None:
        await store_items(redis, [SHOE], now=NOW)
        await redis.hset(keys.items("bad"), "bad", "not JSON")
        old = {"item_id": "old", "name": "Old", "attributes": {"updated_at": 9}}
        await redis.hset(keys.items("old"), "old", orjson.dumps(old))
        reader = CatalogReader()
        await reader.load(redis)
        assert sorted(reader.catalog.items) == ["old", "shoe"]
        results = await store_items(
            redis, [SHOE | {"item_id": "bad"}, {"item_id": "old", "price": 2}], now=NOW
        )
        assert [one["status"] for one in results] == ["accepted", "accepted"]

    with_redis(redis_socket, work)


@pytest.mark.parametrize("count", [23_000, pytest.param(92_000, marks=pytest.mark.long)])
def test_a_large_catalog_is_read_within_seconds(redis_socket: str, count: int) -> None:
    async def work(redis: Redis) -> float:
        by_key: dict[str, dict[str, bytes]] = {}
        for n in range(count):
            one = item(f"sku-{n}", category=f"Dept {n % 20}/Aisle {n % 300}", brand=f"Brand {n % 900}")
            by_key.setdefault(keys.items(one.item_id), {})[one.item_id] = one.pack()
        for key, mapping in by_key.items():
            await redis.hset(key, mapping=mapping)
        reader = CatalogReader()
        start = time.process_time()
        await reader.load(redis)
        took = time.process_time() - start
        assert len(reader.catalog) == count
        return took

    took = with_redis(redis_socket, work)
    print(f"{count:,} items loaded in {took:.2f} s of CPU")
    assert took < count / 25_000


# ---- learning --------------------------------------------------------------------------------------

CONFIG = RecommenderSettings(hosts=("shop.example",), image_hosts=("cdn.example",), learn_items=5)


def view(item_id: str = "lamp", network: str = "n1", **said: Any) -> Event:
    values: dict[str, Any] = {"name": "Lamp", "price": 20.0, "url": "https://shop.example/lamp"}
    context = {"network": network, "page": {"url": "https://shop.example/page"}}
    return Event(
        "e1",
        Kind.PRODUCT_VIEW,
        "Product Viewed",
        NOW,
        NOW,
        items=[EventItem(item_id, **(values | said))],
        currency="EUR",
        context=context,
    )


def test_an_unknown_item_is_learnt_from_its_page(redis_socket: str) -> None:
    async def work(redis: Redis) -> None:
        learner = Learner(CONFIG)
        changes = learner.learn(view(image_url="https://cdn.example/l.jpg"), Catalog(), NOW)
        await store_items(redis, changes, now=NOW, verified=False)
        lamp = await find_item(redis, "lamp")
        assert lamp is not None
        assert (lamp.verified, lamp.price, lamp.image_url) == (False, 20.0, "https://cdn.example/l.jpg")
        # The feed's word replaces it, and is never replaced.
        await store_items(redis, [{"item_id": "lamp", "name": "Lamp", "price": 25}], now=NOW + 1)
        [result] = await store_items(redis, changes, now=NOW + 2, verified=False)
        assert result["reason"] == "verified_item"
        lamp = await find_item(redis, "lamp")
        assert lamp is not None
        assert (lamp.verified, lamp.price, lamp.url) == (True, 25.0, "")

    with_redis(redis_socket, work)


def test_what_a_page_s_markup_says_beside_the_price_is_learnt() -> None:
    spoken = view(
        category="Home/Lamps", availability="preorder", group_id="g", list_price=30.0, platform_id="57"
    )
    (lamp,) = Learner(CONFIG).learn(spoken, Catalog(), NOW)
    assert (lamp["availability"], lamp["group_id"], lamp["category"]) == ("preorder", "g", "Home/Lamps")
    assert lamp["attributes"] == {"list_price": 30.0, "platform_id": "57"}
    (plain,) = Learner(CONFIG).learn(view(), Catalog(), NOW)
    assert not plain.keys() & {"availability", "group_id", "attributes"}, "unsaid, they stay as they were"


def test_what_the_feed_said_is_never_touched() -> None:
    assert Learner(CONFIG).learn(view(price=1.0), catalog_of("lamp"), NOW) == []


@pytest.mark.parametrize(
    "said",
    [
        {"url": "https://evil.example/lamp"},
        {"url": "https://shop.example.evil.example/"},
        {"url": "https://shop.example@evil.example/"},
        {"url": "//evil.example"},
        {"url": "javascript:alert(1)"},
        {"name": None},
        {"price": -5.0},
    ],
)
def test_a_lie_is_not_learnt(said: dict[str, Any]) -> None:
    learner = Learner(CONFIG)
    assert learner.learn(view(**said), Catalog(), NOW) == []
    assert sum(learner.refused.values()) == 1


def test_a_foreign_picture_is_left_out_and_the_pages_address_will_do() -> None:
    [learnt] = Learner(CONFIG).learn(view(image_url="https://evil.example/x.png", url=None), Catalog(), NOW)
    assert (learnt["image_url"], learnt["url"]) == ("", "https://shop.example/page")


def test_robots_and_other_events_teach_nothing() -> None:
    learner = Learner(CONFIG)
    assert learner.learn(view(), Catalog(), NOW, bot=True) == []
    listed = view()
    listed.kind = Kind.LIST_VIEW
    assert learner.learn(listed, Catalog(), NOW) == []


def test_the_number_of_learnt_items_is_bounded() -> None:
    learner = Learner(CONFIG)
    learnt = [learner.learn(view(f"x{n}", network=f"n{n}"), Catalog(), NOW) for n in range(9)]
    assert sum(map(len, learnt)) == 5
    assert learner.refused["too_many_items"] == 4


def test_one_address_teaches_only_so_many_an_hour() -> None:
    learner = Learner(RecommenderSettings(hosts=("shop.example",), learn_per_network=3))
    learnt = [learner.learn(view(f"x{n}"), Catalog(), NOW) for n in range(9)]
    assert sum(map(len, learnt)) == 3
    assert learner.learn(view("y", network="n2"), Catalog(), NOW)
    assert learner.learn(view("z"), Catalog(), NOW + 3_600_000)


def test_a_learnt_item_changes_only_now_and_then() -> None:
    learner = Learner(CONFIG)
    known = item(
        "lamp", name="Lamp", verified=False, price=20.0, url="https://shop.example/lamp", updated_at=NOW
    )
    catalog = catalog_of(known)
    assert learner.learn(view(price=1.0), catalog, NOW + 60_000) == []
    assert learner.learn(view(), catalog, NOW + 3_600_000) == []
    assert learner.learn(view(price=1.0), catalog, NOW + 3_600_000)
    assert learner.learn(view(price=2.0), catalog, NOW + 3_600_001) == []


def test_what_nobody_looks_at_any_more_is_forgotten() -> None:
    catalog = catalog_of(item("old", verified=False, updated_at=NOW - 61 * DAY), item("feed", updated_at=1))
    assert Learner(CONFIG).expired(catalog, NOW) == ["old"]
