"""Which model of the artifact answers for a source."""

from __future__ import annotations

from dataclasses import replace

from support.decisions import NOW, catalog_of, model_of, visitor

from habitue_recommender.decide import decide
from habitue_recommender.live import NOTHING_LIVE
from habitue_recommender.page import Page
from habitue_recommender.settings import RecommenderSettings
from habitue_recommender.slots import Slot, Source

ITEMS = ("a", "b", "c", "d", "seen")
SLOT = Slot("test", sources=(Source.SESSION_NEIGHBOURS,), size=2, fallback=False)


def offered(model, **told: int) -> list[tuple[str, str | None]]:
    """(item, the item that its reason names)."""
    who, settings = visitor("v", views=["seen"]), RecommenderSettings(**told)
    page, catalog = Page("home"), catalog_of(*ITEMS)
    decision = decide([SLOT], page, who, catalog, model, NOTHING_LIVE, NOW, settings)[0]
    return [(offer.item.item_id, offer.reasons[0].anchor_id) for offer in decision.offers]


def test_the_ranker_answers_for_the_session_and_gives_its_own_reasons() -> None:
    model = model_of(ITEMS, anchors={"ranker": "seen"}, neighbours=["a", "b"], ranker=["c", "d"])
    assert offered(model) == [("c", "seen"), ("d", "seen")]


def test_where_it_is_turned_off_the_ranker_stays_out_of_decisions() -> None:
    model = model_of(ITEMS, anchors={"neighbours": "seen"}, neighbours=["a", "b"], ranker=["c", "d"])
    assert offered(model, ranker=0) == [("a", "seen"), ("b", "seen")]


def test_an_artifact_without_a_ranker_answers_with_neighbours() -> None:
    model = model_of(ITEMS, anchors={"neighbours": "seen"}, neighbours=["a", "b"])
    assert offered(model) == [("a", "seen"), ("b", "seen")]


def test_two_slots_ask_the_ranker_once_and_twice_asked_it_says_the_same() -> None:
    model = model_of(ITEMS, neighbours=["a", "b"], ranker=["c", "d", "a"])
    who, slots = visitor("v", views=["seen"]), [SLOT, replace(SLOT, id="another")]
    answers = [
        [
            offer.item.item_id
            for decision in decide(
                slots, Page("home"), who, catalog_of(*ITEMS), model, NOTHING_LIVE, NOW, RecommenderSettings()
            )
            for offer in decision.offers
        ]
        for _ in range(2)
    ]
    assert answers[0] == answers[1] == ["c", "d", "a"]
    assert len(model._members["ranker"].asked) == 2, "once for each question"
