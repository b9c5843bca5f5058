"""Offers and decisions on the wire."""

from __future__ import annotations

import orjson
from support.decisions import NOW, catalog_of, item, model_of, visitor

from habitue_recommender.catalog.items import merged
from habitue_recommender.decide import consider, decide
from habitue_recommender.explain.trace import Trace
from habitue_recommender.live import Live
from habitue_recommender.offers import Decision
from habitue_recommender.page import Page
from habitue_recommender.settings import RecommenderSettings
from habitue_recommender.slots import DEFAULT_SLOTS

IDS = [f"i{n}" for n in range(60)]
CATALOG = catalog_of(
    *(
        item(one, name=f"Thing “{n}”", category=f"Shelf {n % 3}", price=None if n % 5 else 9.5, url="/p")
        for n, one in enumerate(IDS)
    )
)
MODEL = model_of(IDS, neighbours=IDS[:20], popular=IDS[10:40], anchors={"neighbours": "i1"})
LIVE = Live(NOW, tuple((one, 60 - n) for n, one in enumerate(IDS[30:])))
ASKED = (
    [DEFAULT_SLOTS["home-hero"], "nobody-knows-it", DEFAULT_SLOTS["home-popular"]],
    Page("home"),
    visitor(views=["i1", "i2"], likes={"Shelf 1": 1.0}, seen={"i4": (3, 1_000)}),
    CATALOG,
    MODEL,
    LIVE,
    NOW,
    RecommenderSettings(),
)


def test_packed_is_what_is_public() -> None:
    decisions = decide(*ASKED)
    assert [bool(decision.offers) for decision in decisions] == [True, False, True]
    for decision in decisions:
        assert orjson.loads(decision.pack()) == decision.to_public()
        assert orjson.loads(decision.pack(template="tall")) == decision.to_public() | {"template": "tall"}


def test_a_reason_why_it_is_empty_is_packed_too() -> None:
    empty = Decision("id", "s", NOW, Page(), "none", "default", False, (), reason="all_excluded")
    assert orjson.loads(empty.pack()) == empty.to_public()


def test_an_item_that_changes_is_packed_anew() -> None:
    old = item("a", price=2.0)
    assert b'"price":2.0' in old.packed
    assert b'"price":3.0' in merged(old, {"item_id": "a", "price": 3.0}, now=NOW, verified=True).packed


def test_who_watches_sees_the_same_decision() -> None:
    watched = [decision for decision, _ in consider(*ASKED, trace=Trace())]
    assert [one.to_public() for one in watched] == [one.to_public() for one in decide(*ASKED)]


def test_a_list_of_many_people_follows_the_catalog_and_the_counts() -> None:
    catalog = catalog_of(item("a", category="X"), item("b", category="Y"))
    slot, likes = DEFAULT_SLOTS["home-popular"], visitor(likes={"Y": 1.0})

    def shown(live: Live) -> list[str]:
        (decision,) = decide([slot], Page("home"), likes, catalog, None, live, NOW, RecommenderSettings())
        return [offer.item.item_id for offer in decision.offers]

    live = Live(NOW, (("a", 5), ("b", 4)))
    assert shown(live) == ["b", "a"]
    catalog.put(item("b", category="Z", updated_at=NOW))
    assert shown(live) == ["a", "b"]
    assert shown(Live(NOW, (("b", 9), ("a", 2)))) == ["b", "a"]
