"""Which model of the artifact answers for a source."""

from __future__ import annotations

from support.decisions import NOW, catalog_of, model_of, visitor

from habitue_recommender.decide import decide
from habitue_recommender.live import NOTHING_LIVE
from habitue_recommender.page import Page
from habitue_recommender.settings import RecommenderSettings
from habitue_recommender.slots import Slot, Source

ITEMS = ("a", "b", "c", "d", "seen")
SLOT = Slot("test", sources=(Source.SESSION_NEIGHBOURS,), size=2, fallback=False)


def offered(model, ranker: int = 1) -> list[tuple[str, str | None]]:
    """(item, the item that its reason names)."""
    who = visitor("v", views=["seen"])
    page, catalog = Page("home"), catalog_of(*ITEMS)
    decision = decide(
        [SLOT], page, who, catalog, model, NOTHING_LIVE, NOW, RecommenderSettings(ranker=ranker)
    )[0]
    return [(offer.item.item_id, offer.reasons[0].anchor_id) for offer in decision.offers]


def test_the_ranker_answers_for_the_session_and_gives_its_own_reasons() -> None:
    model = model_of(ITEMS, anchors={"ranker": "seen"}, neighbours=["a", "b"], ranker=["c", "d"])
    assert offered(model) == [("c", "seen"), ("d", "seen")]


def test_without_being_asked_for_the_ranker_stays_out_of_decisions() -> None:
    model = model_of(ITEMS, anchors={"neighbours": "seen"}, neighbours=["a", "b"], ranker=["c", "d"])
    assert offered(model, ranker=0) == [("a", "seen"), ("b", "seen")]


def test_an_artifact_without_a_ranker_answers_with_neighbours() -> None:
    model = model_of(ITEMS, anchors={"neighbours": "seen"}, neighbours=["a", "b"])
    assert offered(model) == [("a", "seen"), ("b", "seen")]
