"""A worker near its limit leaves the ranker out, and takes it back when there is room."""

from __future__ import annotations

from pathlib import Path

from support.decisions import NOW, Scripted, ScriptedArtifact, catalog_of, visitor

from habitue_collector.consent import GRANTED
from habitue_recommender.pace import CALM, HURRIED, LOOK_SECONDS, Pace
from habitue_recommender.recommender import Recommender
from habitue_recommender.served import ServedModel
from habitue_recommender.settings import RecommenderSettings
from habitue_recommender.vocabulary import Vocabulary


class Load:
    """Clocks that a test turns."""

    def __init__(self) -> None:
        self.now = self.used = 0.0
        self.pace = Pace(lambda: self.now, lambda: self.used)

    def go_on(self, share: float, seconds: float = 3.0) -> bool:
        for _ in range(round(seconds / LOOK_SECONDS)):
            self.now += LOOK_SECONDS
            self.used += share * LOOK_SECONDS
            self.pace.look()
        return self.pace.hurried


def test_it_is_hurried_at_once_and_until_there_is_room_for_more() -> None:
    load = Load()
    assert not load.go_on(0.4)
    assert load.go_on(0.9, seconds=0.3)
    assert load.go_on((CALM + HURRIED) / 2)  # without the ranker: it would be too much with it
    assert not load.go_on(0.1)


def test_one_long_step_is_no_hurry() -> None:
    load = Load()
    load.go_on(0.1)
    assert not load.go_on(1.0, seconds=LOOK_SECONDS)


def test_a_clock_that_stands_still_is_no_division_by_zero() -> None:
    load = Load()
    assert not load.pace.look()
    assert not load.pace.look()


def test_an_event_in_a_hurry_is_answered_by_neighbours_and_the_next_one_by_the_ranker(tmp_path: Path) -> None:
    ids = [f"i{n}" for n in range(30)]
    members = {"neighbours": Scripted(list(range(15))), "ranker": Scripted(list(range(15, 30)))}
    one = Recommender(RecommenderSettings(), tmp_path, lambda folder: None, lambda: NOW)  # type: ignore[arg-type]
    one.model = ServedModel(ScriptedArtifact("d1", Vocabulary.of(ids), members))
    one.reader.catalog = catalog_of(*ids)
    person = visitor(views=["i29"])

    def shown() -> set[str]:
        [(decision, _)] = one.decide(["home-hero"], {"type": "home"}, person, GRANTED)
        return {offer.item.item_id for offer in decision.offers}

    calm = shown()
    assert calm <= set(ids[15:])
    one.pace.hurried = True
    assert one.hurried
    assert shown() == calm  # nothing new of this person: the same question has the same answer
    person.state["hurried"] = True  # as the collector notes it with their next event
    assert shown() <= set(ids[:15])
    one.pace.hurried = False
    assert shown() <= set(ids[:15])
    del person.state["hurried"]
    assert shown() == calm
