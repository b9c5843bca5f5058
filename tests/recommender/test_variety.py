"""Lists a person likes: mixed, rotated, and without doubles."""

from __future__ import annotations

from typing import Any

from support.decisions import DAY, NOW, catalog_of, item, model_of, visitor

from habitue_collector.profile import Profile
from habitue_recommender.catalog.catalog import Catalog
from habitue_recommender.catalog.items import Item
from habitue_recommender.decide import decide
from habitue_recommender.live import NOTHING_LIVE
from habitue_recommender.page import Page
from habitue_recommender.settings import RecommenderSettings
from habitue_recommender.slots import DEFAULT_SLOTS, Slot, Source
from habitue_recommender.variety import appetite
from habitue_recommender.visitor import Visitor

TEAS = [item(f"t{n}", category="Drinks/Tea") for n in range(6)]
CUPS = [item(f"c{n}", category="Kitchen/Cups") for n in range(3)]
ORDER = ["t0", "t1", "t2", "t3", "t4", "c0", "c1", "t5", "c2"]


def listed(
    *,
    items: list[Item] | None = None,
    order: list[str] | None = None,
    who: Profile | None = None,
    **said: Any,
) -> list[str]:
    chosen = items or [*TEAS, *CUPS]
    order = order or ORDER
    slot = Slot("s", sources=(Source.FACTORS,), **({"size": 4, "fallback": False} | said))
    [decision] = decide(
        [slot],
        Page("home"),
        who or visitor(earlier={"x": 3}),
        catalog_of(*chosen, item("x")),
        model_of([*order, "x"], factors=order),
        NOTHING_LIVE,
        NOW,
        RecommenderSettings(just_bought_days=0),
        clock=lambda: 0.0,
    )
    scores = [offer.score for offer in decision.offers]
    assert scores == sorted(scores, reverse=True)
    return [offer.item.item_id for offer in decision.offers]


def test_without_a_number_the_list_is_as_the_model_has_it() -> None:
    assert listed() == ["t0", "t1", "t2", "t3"]


def test_diversity_mixes_kinds_and_keeps_the_best_first() -> None:
    assert listed(diversity=0.6) == ["t0", "c0", "t1", "c1"]
    assert listed(diversity=1.0)[:2] == ["t0", "c0"]


def test_a_varied_taste_gets_more_of_it() -> None:
    varied = visitor("a", likes={"A": 0.25, "B": 0.25, "C": 0.25, "D": 0.25}, earlier={"x": 3})
    single = visitor("b", likes={"A": 0.98, "B": 0.01, "C": 0.01}, earlier={"x": 3})
    assert appetite(Visitor.of(varied)) > 1.4
    assert appetite(Visitor.of(single)) < 0.7
    assert appetite(Visitor()) == 1.0
    mixed = [sum(one.startswith("c") for one in listed(who=who, diversity=0.4)) for who in (varied, single)]
    assert mixed[0] > mixed[1]


def test_what_was_shown_and_ignored_falls_back_and_what_was_followed_does_not() -> None:
    ignored = visitor(earlier={"x": 3}, seen={"t0": (3, DAY)})
    assert listed(who=ignored, rotation=0.1)[0] == "t1"
    followed = visitor(earlier={"x": 3}, views=["t0"], seen={"t0": (3, DAY)})
    assert listed(who=followed, rotation=0.1)[0] == "t0"
    assert listed(who=ignored)[0] == "t0"


def test_who_comes_back_finds_the_list_moved_and_who_stays_does_not() -> None:
    many = [item(f"p{n:02}") for n in range(30)]

    def shown(days_ago: int = 0, earlier: int = 40, views: tuple[str, ...] = ("x",)) -> list[str]:
        who = visitor(earlier={"y": earlier} if earlier else {}, views=views, now=NOW - days_ago * DAY)
        return listed(items=many, order=[one.item_id for one in many], size=6, rotation=0.4, who=who)

    visits = [shown(days_ago) for days_ago in range(8)]
    assert len({tuple(one) for one in visits}) > 4
    assert len({one for visit in visits for one in visit}) > 8
    assert "p00" in {one for visit in visits for one in visit}
    assert shown(3, views=("x", "z")) == visits[3], "the same visit"
    assert shown(earlier=0) == [one.item_id for one in many[:6]], "nobody is surprised the first time"


def test_every_default_slot_with_offers_turns() -> None:
    assert [slot.id for slot in DEFAULT_SLOTS.values() if slot.order() and not slot.rotation] == []


def test_the_same_question_without_a_new_event_has_the_same_answer() -> None:
    who = visitor(
        earlier={"x": 3}, seen={"t0": (3, DAY), "t2": (1, DAY)}, likes={"A": 0.5, "B": 0.3, "C": 0.2}
    )
    said = {"who": who, "diversity": 0.3, "rotation": 0.2, "novelty": 0.3}
    assert listed(**said) == listed(**said)


def test_novelty_prefers_what_the_visitor_does_not_know() -> None:
    knows = visitor(earlier={"x": 3, "t0": 9}, bought={"t1": (1, 50 * DAY)})
    assert listed(who=knows, novelty=0.5)[:2] == ["t2", "t3"]


def test_the_same_thing_in_another_size_only_fills_what_is_left() -> None:
    items = [
        item("a", name="Baked Beans, 15 oz", brand="Bush"),
        item("b", name="Baked Beans, 28 oz", brand="Bush"),
        item("c", name="Baked Beans, 28 oz", brand="Other"),
        item("d", name="Soup"),
    ]
    order = ["a", "b", "c", "d"]
    assert listed(items=items, order=order, size=3) == ["a", "c", "d"]
    assert sorted(listed(items=items, order=order, size=4)) == order


def test_variants_of_one_thing_count_once_even_when_places_stay_empty() -> None:
    items = [item("a", group_id="g"), item("b", group_id="g"), item("c")]
    assert listed(items=items, order=["a", "b", "c"]) == ["a", "c"]


def test_interest_that_broke_off_comes_first_and_leaves_room() -> None:
    ids = [f"n{n}" for n in range(9)]
    profile = visitor(earlier=dict.fromkeys(ids[:5], 2))
    profile.state["session"] = {"id": "s2", "started": NOW - 1000, "last": NOW, "events": 1}
    slot = Slot("s", sources=(Source.IMPULSE, Source.FACTORS), size=8)
    [decision] = decide(
        [slot],
        Page("home"),
        profile,
        Catalog(item(one) for one in ids),
        model_of(ids, factors=ids[::-1]),
        NOTHING_LIVE,
        NOW,
        RecommenderSettings(),
        clock=lambda: 0.0,
    )
    assert [offer.source for offer in decision.offers][:3] == [Source.IMPULSE, Source.IMPULSE, Source.FACTORS]
