"""What the models are asked, and who is let through."""

from __future__ import annotations

from typing import Any

import pytest
from support.decisions import DAY, NOW, catalog_of, item, model_of, visitor

from habitue_collector import exposures
from habitue_collector.profile import Profile
from habitue_recommender.candidates import Candidates, Drop, is_below
from habitue_recommender.catalog.catalog import Catalog
from habitue_recommender.catalog.trust import on_hosts, patterns
from habitue_recommender.live import NOTHING_LIVE, WINDOW, Live
from habitue_recommender.page import Page
from habitue_recommender.served import ServedModel
from habitue_recommender.settings import RecommenderSettings
from habitue_recommender.slots import Source
from habitue_recommender.visitor import Visitor

IDS = ("a", "b", "c", "d", "e")


def gather(
    profile: Profile | None = None,
    page: Page | None = None,
    catalog: Catalog | None = None,
    model: ServedModel | None = None,
    live: Live = NOTHING_LIVE,
    config: RecommenderSettings | None = None,
) -> Candidates:
    return Candidates(
        page or Page("home"),
        Visitor.of(profile) if profile else Visitor(),
        catalog if catalog is not None else catalog_of(*IDS),
        model,
        live,
        NOW,
        config or RecommenderSettings(),
        patterns(("shop.example",)),
    )


def names(candidates: Candidates, source: Source) -> list[str]:
    return [one.item_id for one in candidates.pool(source).whole()[0]]


def test_the_question_holds_session_history_cart_and_page_in_indices() -> None:
    profile = visitor(
        views=["a", "b", "stranger"], carts=["c"], earlier={"d": 2}, bought={"e": (3, 10 * DAY)}
    )
    query = gather(profile, Page("product", "e"), model=model_of(IDS)).query()
    assert query.session.tolist() == [0, 1, -1, 2]
    assert query.session_kinds.tolist() == [0, 0, 0, 2]
    assert query.history.tolist() == [3, 4]
    assert query.history_counts.tolist() == [1, 3]
    assert query.history_ages.tolist() == pytest.approx([2 * DAY, 10 * DAY], rel=1e-4)
    assert (query.anchor, query.basket.tolist()) == (4, [2])


def test_ages_count_from_the_last_event_so_that_waiting_changes_nothing() -> None:
    profile = visitor(views=["a"], earlier={"d": 2})
    early = gather(profile, model=model_of(IDS)).query()
    late = Candidates(
        Page("home"),
        Visitor.of(profile),
        catalog_of(*IDS),
        model_of(IDS),
        NOTHING_LIVE,
        NOW + 20 * 60_000,
        RecommenderSettings(),
    ).query()
    assert early.history_ages.tolist() == late.history_ages.tolist()


def test_after_an_order_its_items_stand_for_the_cart() -> None:
    query = gather(visitor(bought={"a": (1, 60_000), "b": (1, 5 * DAY)}), model=model_of(IDS)).query()
    assert query.basket.tolist() == [0]


def test_a_product_page_asks_for_that_product_alone() -> None:
    model = model_of(IDS, item_item=["b"], together=["c"])
    candidates = gather(visitor(views=["d", "e"]), Page("product", "a"), model=model)
    for source, name in ((Source.ITEM_ITEM, "item_item"), (Source.TOGETHER, "together")):
        candidates.pool(source)
        asked: Any = model._members[name]
        assert (asked.asked[-1].anchor, len(asked.asked[-1].session)) == (0, 0)


def test_a_source_is_computed_once_for_all_slots() -> None:
    model = model_of(IDS, neighbours=["b", "c"])
    candidates = gather(visitor(views=["a"]), model=model)
    assert candidates.pool(Source.SESSION_NEIGHBOURS) is candidates.pool(Source.SESSION_NEIGHBOURS)
    asked: Any = model._members["neighbours"]
    assert len(asked.asked) == 1


def test_every_refusal_is_counted_by_its_reason() -> None:
    catalog = catalog_of(
        item("out", availability="out_of_stock"),
        item("foreign", verified=False, url="https://evil.example/"),
        *IDS,
    )
    order = ["out", "foreign", "unknown", "a", "b", "c", "d", "e"]
    profile = visitor(carts=["a"], bought={"b": (1, DAY)}, seen={"d": (99, DAY)})
    candidates = gather(profile, Page("product", "c"), catalog, model_of(order, popular=order))
    pool = candidates.pool(Source.POPULAR)
    assert [one.item_id for one in pool.whole()[0]] == ["e"]
    assert [one.item_id for one in pool.rested] == ["d"]
    assert candidates.drops == dict.fromkeys(Drop, 1)
    assert candidates.to_record() == {"popular": [("e", 1.0)]}


def test_what_was_shown_often_rests_though_hundreds_were_shown_since() -> None:
    many = [f"i{number:03d}" for number in range(200)]
    catalog, model = catalog_of(*many), model_of(many, popular=many)
    profile = visitor()
    seconds = (NOW - DAY) // 1000
    for times, some in ((12, many[:5]), (11, many[5:10]), (1, many[10:150])):
        for one in some:
            for _ in range(times):
                exposures.touch(profile.state, one, seconds)
    assert not set(many[:10]) & set(profile.exposures)  # others are the latest

    def resting(profile: Profile, config: RecommenderSettings | None = None) -> set[str]:
        pool = gather(profile, catalog=catalog, model=model, config=config).pool(Source.POPULAR)
        pool.whole()
        return {one.item_id for one in pool.rested}

    assert resting(profile) == set(many[:5])
    later = visitor()
    later.state["worn"] = exposures.pack(
        {key: one._replace(day=one.day - 40) for key, one in exposures.unpack(profile.state["worn"]).items()}
    )
    assert not resting(later)
    assert not resting(profile, RecommenderSettings(cap_impressions=0))


def test_popular_of_the_pages_category_comes_first() -> None:
    catalog = catalog_of(item("a", category="X"), item("b", category="Y/Z"), "c")
    live = Live(NOW, (("a", 9), ("c", 5), ("b", 3)), {"Y": (("b", 3),), "X": (("a", 9),)})
    assert names(gather(catalog=catalog, live=live), Source.POPULAR_NOW) == ["a", "c", "b"]
    shelf = Page("category", None, "Y/Z")
    assert names(gather(page=shelf, catalog=catalog, live=live), Source.POPULAR_NOW) == ["b", "a", "c"]


def test_one_persons_wish_is_not_popular_and_old_counts_are_not_now() -> None:
    assert names(gather(live=Live(NOW, (("a", 2), ("b", 1)))), Source.POPULAR_NOW) == ["a"]
    assert names(gather(live=Live(NOW - 2 * WINDOW, (("a", 9),))), Source.POPULAR_NOW) == []


def test_new_items_of_what_the_visitor_likes_come_first() -> None:
    old = [item(f"o{n}") for n in range(40)]
    fresh = [
        item("lamp", category="Home/Lamps", first_seen=NOW - DAY),
        item("shoe", category="Sport/Shoes", first_seen=NOW - 2 * DAY),
        item("ball", category="Sport/Balls", first_seen=NOW - 3 * DAY),
    ]
    catalog = Catalog([*old, *fresh])
    liking = gather(visitor(likes={"Sport/Shoes": 1.0}), catalog=catalog)
    assert [one.item_id for one in liking.fresh().whole()[0]] == ["shoe", "ball", "lamp"]
    assert names(gather(page=Page("category", None, "Home"), catalog=catalog), Source.NEW_ITEMS)[0] == "lamp"
    first = {gather(visitor(f"v{n}"), catalog=catalog).fresh().whole()[0][0].item_id for n in range(40)}
    assert first == {"lamp", "shoe", "ball"}  # each has its chance


def test_a_shelf_of_sold_out_things_is_looked_through() -> None:
    out = [item(f"o{n}", availability="out_of_stock", first_seen=NOW - n) for n in range(700)]
    assert names(gather(catalog=Catalog([*out, item("last", first_seen=1)])), Source.NEW_ITEMS) == ["last"]


def test_affinity_reaches_to_neighbouring_categories() -> None:
    anna = Visitor.of(visitor(likes={"Sport/Shoes/Trail": 0.8, "Books": 0.2}, brands={"Acme": 1.0}))
    trail = anna.affinity("Sport/Shoes/Trail", "")
    road = anna.affinity("Sport/Shoes/Road", "")
    assert trail > road > anna.affinity("Sport/Balls", "") > anna.affinity("Garden", "") == 0.0
    assert anna.affinity("Garden", "Acme") == pytest.approx(0.3)
    assert 0.0 <= trail <= 1.0


def test_what_is_below_a_category() -> None:
    assert is_below("A/B", "A")
    assert is_below("A", "A")
    assert not is_below("AB", "A")
    assert not is_below("A", "A/B")


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("", False),
        ("/p/1", True),
        ("https://shop.example/p", True),
        ("http://shop.example:8080/p", True),
        ("https://shop.example?x", True),
        ("https://www.shop.example/", False),
        ("https://shop.example.evil.example/", False),
        ("https://evil.example/#shop.example", False),
    ],
)
def test_the_shops_own_addresses(url: str, own: bool) -> None:
    assert on_hosts(url, patterns(("shop.example", "not a host/"))) is own


@pytest.mark.parametrize("raw", [None, [], "home", 1, {"type": 1, "item_id": {}, "category": ["x"]}])
def test_a_page_that_says_nonsense_says_nothing(raw: object) -> None:
    assert Page.parse(raw) == Page()


def test_a_page_is_read_as_it_is_meant() -> None:
    assert Page.parse({"type": "product", "item_id": 7, "category": " A / B/"}) == Page("product", "7", "A/B")
    assert Page.parse({"type": "x" * 65, "item_id": "i" * 256, "category": "\ud800"}) == Page()


def test_who_is_new_sees_what_people_look_at_who_came_the_same_way() -> None:
    live = Live(NOW, (("a", 9), ("b", 5), ("c", 3)), arrivals={"campaign:spring": (("c", 3),)})
    newcomer = visitor()
    newcomer.state["session"] = {"id": "s", "started": NOW, "last": NOW, "events": 1, "campaign": "spring"}
    assert names(gather(newcomer, live=live), Source.POPULAR_NOW) == ["c", "a", "b"]
    newcomer.state["recent_items"] = {"d": {"last": NOW // 1000}}
    assert names(gather(newcomer, live=live), Source.POPULAR_NOW) == ["a", "b", "c"]
