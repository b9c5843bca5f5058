"""Sources that remember: the last visit, prices, and what was bought."""

from __future__ import annotations

from typing import Any

import numpy as np
from support.decisions import DAY, NOW, catalog_of, item, model_of, visitor

from habitue_collector.events import Event, Kind
from habitue_collector.events import Item as EventItem
from habitue_collector.fold import fold
from habitue_collector.profile import Profile
from habitue_recommender.candidates import Candidates
from habitue_recommender.catalog.catalog import Catalog
from habitue_recommender.catalog.items import Item, merged
from habitue_recommender.live import NOTHING_LIVE
from habitue_recommender.page import Page
from habitue_recommender.served import ServedModel
from habitue_recommender.settings import RecommenderSettings
from habitue_recommender.slots import Source
from habitue_recommender.variety import visit_seed
from habitue_recommender.visitor import Visitor

IDS = ("a", "b", "c", "d", "e")


def gather(profile: Profile, catalog: Catalog | None = None, model: ServedModel | None = None) -> Candidates:
    return Candidates(
        Page("home"),
        Visitor.of(profile),
        catalog if catalog is not None else catalog_of(*IDS),
        model,
        NOTHING_LIVE,
        NOW,
        RecommenderSettings(),
    )


def names(candidates: Candidates, source: Source) -> list[str]:
    return [one.item_id for one in candidates.pool(source).whole()[0]]


def why(candidates: Candidates, source: Source, item_id: str) -> str:
    found = candidates.catalog.get(item_id)
    assert found is not None
    return candidates.reason(source, found).text()


def came_back(**touched: Any) -> Profile:
    """Somebody whose visit begins now; `touched` maps items to (minutes before, kind)."""
    profile = visitor()
    profile.state["session"] = {"id": "s2", "started": NOW - 1000, "last": NOW, "events": 1}
    profile.state["recent_items"] = {
        one: {"last": (NOW - minutes * 60_000) // 1000, "kind": kind}
        for one, (minutes, kind) in sorted(touched.items(), key=lambda pair: -pair[1][0])
    }
    return profile


def test_the_last_visit_ends_where_the_one_before_it_is_half_an_hour_away() -> None:
    profile = came_back(a=(5000, "product_view"), b=(200, "product_view"), c=(180, "product_view"))
    assert list(Visitor.of(profile).last_visit()) == ["b", "c"]
    assert Visitor.of(visitor()).last_visit() == {}


def test_what_a_visit_began_with_was_not_looked_at_last_time() -> None:
    profile = visitor()
    began = NOW - NOW % 1000 + 852  # a touch is kept by its second, the session's start by its millisecond
    viewed = Event("e1", Kind.PRODUCT_VIEW, "Product Viewed", began, began, items=[EventItem("a")])
    fold(profile, viewed, began)
    assert profile.session is not None
    assert profile.session.items == ["a"]
    assert Visitor.of(profile).last_visit() == {}
    assert visit_seed(Visitor.of(profile)) == 0, "and nothing turns for whoever is here for the first time"


def test_interest_that_broke_off_comes_first_and_what_was_wanted_before_what_was_looked_at() -> None:
    profile = came_back(
        a=(9000, "product_view"),
        b=(210, "add_to_cart"),
        c=(200, "product_view"),
        d=(190, "product_view"),
        e=(180, "purchase"),
    )
    candidates = gather(profile)
    assert names(candidates, Source.IMPULSE) == ["b", "d", "c"]
    assert why(candidates, Source.IMPULSE, "b") == "You wanted this last time"
    assert why(candidates, Source.IMPULSE, "d") == "You looked at this last time"


def test_interest_is_not_broken_off_when_it_was_bought_or_goes_on_in_this_visit() -> None:
    profile = came_back(b=(200, "product_view"), c=(0, "product_view"))
    profile.state["bought"] = {"b": {"count": 1, "last": NOW // 1000 - 60}}
    assert names(gather(profile), Source.IMPULSE) == []


def test_new_since_the_last_visit_is_what_came_after_it() -> None:
    old = [item(f"o{n}") for n in range(40)]
    early, late = item("early", first_seen=NOW - 5 * DAY), item("late", first_seen=NOW - DAY)
    catalog = Catalog([*old, early, late, item("a", first_seen=1)])
    candidates = gather(came_back(a=(3 * 1440, "product_view")), catalog)
    assert names(candidates, Source.NEW_SINCE_VISIT) == ["late"]
    assert why(candidates, Source.NEW_SINCE_VISIT, "late") == "New since you last looked around"
    assert names(gather(visitor(), catalog), Source.NEW_SINCE_VISIT) == []


def repriced(item_id: str, *prices: tuple[float, int], **said: Any) -> Item:
    """An item whose price became each of these, so many days ago."""
    one = item(item_id, price=10.0, **said)
    for price, days in prices:
        one = merged(one, {"price": price}, now=NOW - days * DAY, verified=one.verified)
    return one


def test_a_price_drop_is_one_since_this_visitor_looked() -> None:
    catalog = Catalog(
        [
            repriced("a", (8.0, 1)),
            repriced("b", (5.0, 1)),
            repriced("c", (8.0, 30)),  # was cheap already
            repriced("d", (12.0, 3), (11.0, 1)),  # dearer than when it was looked at
            repriced("e", (9.99, 1)),
            item("f", price=1.0),
        ]
    )
    profile = visitor(earlier=dict.fromkeys("abcdef", 10))
    candidates = gather(profile, catalog)
    assert names(candidates, Source.PRICE_DROPS) == ["b", "a"]
    assert why(candidates, Source.PRICE_DROPS, "a") == "Cheaper than when you looked at it"


def test_what_a_page_says_of_a_price_or_another_currency_is_no_price_drop() -> None:
    learnt = repriced("a", (5.0, 1), verified=False, url="https://shop.example/a")
    other = merged(item("b", price=10.0), {"price": 5.0, "currency": "USD"}, now=NOW - DAY, verified=True)
    assert (
        names(gather(visitor(earlier={"a": 9, "b": 9}), Catalog([learnt, other])), Source.PRICE_DROPS) == []
    )


def test_the_price_at_a_moment_is_known_as_far_as_it_is_kept() -> None:
    one = repriced("a", (8.0, 5), (6.0, 3))
    assert [one.price_at(NOW - days * DAY) for days in (9, 4, 1)] == [10.0, 8.0, 6.0]
    assert Item.unpack(one.pack()).earlier_prices == one.earlier_prices
    many = repriced("a", *((10.0 - n, 20 - n) for n in range(1, 8)))
    assert many.price_at(NOW - 30 * DAY) is None


def test_what_is_due_again_may_have_been_bought_this_week() -> None:
    profile = visitor(bought={"a": (5, 3 * DAY), "b": (1, 40 * DAY)})
    candidates = gather(profile, model=model_of(IDS, repurchase=["a", "b"]))
    assert names(candidates, Source.BUY_AGAIN) == ["a", "b"]
    assert why(candidates, Source.BUY_AGAIN, "a") == "Because you often buy this"
    assert why(candidates, Source.BUY_AGAIN, "b") == "You bought this before, and it may be time again"


def test_the_question_holds_what_was_bought_and_since_when() -> None:
    profile = visitor(bought={"b": (3, 2 * DAY)})
    profile.state["orders"] = {"count": 7, "first": NOW - 90 * DAY}
    query = gather(profile, model=model_of(IDS)).question_of_orders()
    assert (query.bought.tolist(), query.bought_counts.tolist(), query.orders) == ([1], [3.0], 7.0)
    assert np.isclose(query.first_order_age, 90 * DAY)
    assert np.isclose(query.bought_ages[0], 2 * DAY, rtol=1e-4)


def test_accessories_say_to_what() -> None:
    profile = visitor(bought={"a": (1, 30 * DAY)})
    candidates = gather(profile, model=model_of(IDS, accessories=["b", "c"], anchors={"accessories": "a"}))
    assert names(candidates, Source.ACCESSORIES) == ["b", "c"]
    assert why(candidates, Source.ACCESSORIES, "b") == "Often bought after The a, which you have"
