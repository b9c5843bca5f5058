"""Training by itself: it is due when it should be, and nothing worse than the live artifact goes live."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.archives import START, Archive

from habitue_recommender import artifact
from habitue_recommender.artifact import LoadedModel
from habitue_recommender.models import Neighbours, Popular
from habitue_recommender.served import ServedModel
from habitue_recommender.training import plan as training_plan
from habitue_recommender.training import retraining, trainings
from habitue_recommender.training.interactions import Interactions, from_archive
from habitue_recommender.training.questions import Question
from habitue_recommender.training.retraining import JUDGED, PLAIN, Judgement, due, hold_out, retrain, unseen
from habitue_recommender.training.train import InvalidTraining, NothingToLearn, TrainingConfig, train
from habitue_recommender.training.trainings import Training
from habitue_warehouse.rollups import roll

SMALL = TrainingConfig(("neighbours", "popular"))
HOUR = 3_600_000


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop where one item always leads to the next, told by 700 people on one day."""
    told = Archive(tmp_path_factory.mktemp("told") / "archive")
    for visit in range(700):
        first = visit % 20
        items = [f"item-{(first + step) % 20}" for step in range(3)]
        told.views(f"s{visit}", *items, who=f"v{visit}")
    folder = told.write()
    roll(folder)
    return folder


@pytest.fixture(autouse=True)
def _few_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retraining, "LEAST_QUESTIONS", 50)


def test_the_same_people_are_held_out_and_nothing_of_their_last_day_is_learnt(archive: Path) -> None:
    data = from_archive(archive)
    learnt, asked = hold_out(data)
    assert 20 < len(asked.sessions) < 140
    assert len(learnt.sessions) + len(asked.sessions) == len(data.sessions)
    held = {data.people[visitor] for visitor in asked.sessions.visitors}
    recent = learnt.sessions.ends >= data.now - retraining.WINDOW
    assert not held & {data.people[visitor] for visitor in learnt.sessions.visitors[recent] if visitor >= 0}
    again = hold_out(replace(data))[1]
    assert {data.people[visitor] for visitor in again.sessions.visitors} == held


def test_the_first_artifact_goes_live_with_its_figures(archive: Path, tmp_path: Path) -> None:
    done = retrain(archive, tmp_path, SMALL, why="first")
    assert done.verdict == trainings.PUBLISHED
    assert artifact.live(tmp_path) == done.digest
    assert done.new["hit_rate@20"] > 0.9, "in this shop the next item is no secret"
    (listed,) = artifact.artifacts(tmp_path)
    assert listed.manifest["evaluation"]["new"] == done.new
    assert artifact.load_live(tmp_path) is not None
    assert trainings.read(tmp_path) == [done]
    assert retrain(archive, tmp_path, SMALL).verdict == trainings.UNCHANGED


def test_what_is_worse_stays_out_and_what_is_better_goes_live(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = retrain(archive, tmp_path, SMALL)

    def forgetful(loaded: LoadedModel, name: str, asking: list[Question], data: Interactions) -> Judgement:
        found = retraining_judge(loaded, name, asking, data)
        return found if loaded.digest == good.digest else Judgement(found.ranks / 2)

    retraining_judge = retraining.judge
    with monkeypatch.context() as patched:
        patched.setattr(retraining, "judge", forgetful)
        worse = retrain(archive, tmp_path, replace(SMALL, seed=1))
    assert worse.verdict == trainings.REFUSED
    assert worse.new["mrr@20"] < worse.live["mrr@20"]
    assert artifact.live(tmp_path) == good.digest
    assert worse.digest in {one.digest for one in artifact.artifacts(tmp_path)}, "it can be looked at"
    other = tmp_path / "other"
    few = train(archive, other, TrainingConfig(SMALL.models, until=START + 40 * 60_000))
    artifact.publish(other, few)
    better = retrain(archive, other, SMALL, why="schedule")
    assert better.verdict == trainings.PUBLISHED
    assert better.new["mrr@20"] > better.live["mrr@20"]
    assert artifact.rollback(other) == few, "and one command takes it back"


@pytest.mark.parametrize(
    ("judged", "learnt", "expected"),
    [
        (JUDGED, True, ["ranker", "neighbours"]),
        (JUDGED, False, ["neighbours"] * 2),  # it is not even loaded then
        (PLAIN, True, ["neighbours"] * 2),
    ],
)
def test_each_artifact_is_judged_by_what_answers_pages(
    archive: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    judged: tuple[str, ...],
    learnt: bool,
    expected: list[str],
) -> None:
    live = retrain(archive, tmp_path, SMALL, judged=judged)
    asked: list[str] = []

    def noting(loaded: LoadedModel, name: str, asking: list[Question], data: Interactions) -> Judgement:
        asked.append(name)
        return Judgement(np.ones(len(asking)) / (1 + (name == "ranker")))

    monkeypatch.setattr(retraining, "judge", noting)
    monkeypatch.setattr(artifact, "has_learnt", lambda _, name: learnt or name != "ranker")
    with_ranker = TrainingConfig((*SMALL.models, "ranker"), {"ranker": {"trees": 0}})
    done = retrain(archive, tmp_path, with_ranker, judged=judged)
    assert asked == expected
    assert artifact.live(tmp_path) == (live.digest if "ranker" in expected else done.digest), (
        "worse stays out"
    )
    told = {one.digest: one.manifest["evaluation"] for one in artifact.artifacts(tmp_path)}[done.digest]
    assert [told["judged"], told["live_judged"]] == expected


def test_no_worse_allows_for_chance_and_not_for_more() -> None:
    live = Judgement(np.tile([1.0, 0.5, 0.0, 0.25], 100))
    assert live.is_no_worse_than(live)
    nearly = live.ranks.copy()
    nearly[0] = 0.5
    assert Judgement(nearly).is_no_worse_than(live)
    assert not Judgement(live.ranks * 0.5).is_no_worse_than(live)
    assert not Judgement(np.zeros(400)).is_no_worse_than(live)


def test_too_little_to_compare_by_is_said_and_goes_live(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retraining, "LEAST_QUESTIONS", 10**6)
    done = retrain(archive, tmp_path, SMALL)
    assert done.verdict == trainings.PUBLISHED
    assert "too few" in done.note
    assert done.new == {}


def test_a_training_that_fails_is_noted(tmp_path: Path) -> None:
    with pytest.raises(NothingToLearn):
        retrain(tmp_path / "nothing", tmp_path / "models", SMALL)
    (noted,) = trainings.read(tmp_path / "models")
    assert noted.verdict == trainings.FAILED
    assert "nothing to learn" in noted.note


def test_it_is_due_first_then_on_schedule_and_with_enough_new_data(archive: Path, tmp_path: Path) -> None:
    now = START + 48 * HOUR

    def why(at: int, every_hours: float = 24, growth: float = 0.2) -> str | None:
        return due(archive, tmp_path, at, every_hours=every_hours, growth=growth)

    assert why(now) == "first"
    assert why(now, every_hours=0) is None
    digest = train(archive, tmp_path, TrainingConfig(SMALL.models, until=START + 60 * 60_000))
    artifact.publish(tmp_path, digest)
    created = artifact.artifacts(tmp_path)[0].created_at
    assert why(created + HOUR // 2) is None, "an hour of rest at least"
    assert why(created + 2 * HOUR) == "new data"
    assert why(created + 2 * HOUR, growth=0) is None
    assert why(created + 25 * HOUR, growth=0) == "schedule"
    trainings.note(tmp_path, Training(created + 25 * HOUR, trainings.REFUSED))
    assert why(created + 26 * HOUR, growth=0) is None, "refused: not again before the next turn"


def test_the_log_keeps_the_last_and_passes_over_what_it_cannot_read(tmp_path: Path) -> None:
    for number in range(3):
        trainings.note(tmp_path, Training(number, trainings.PUBLISHED, new={"mrr@20": 0.1 * number}))
    with open(tmp_path / trainings.FILE, "a") as file:
        file.write("not json\n[1]\n")
    assert [one.at for one in trainings.read(tmp_path)] == [0, 1, 2]
    trainings.note(tmp_path, Training(3, trainings.FAILED))
    assert [one.at for one in trainings.read(tmp_path)] == [0, 1, 2, 3]


def test_what_is_served_tells_how_good_it_is(archive: Path, tmp_path: Path) -> None:
    done = retrain(archive, tmp_path, SMALL)
    loaded = artifact.load_live(tmp_path)
    assert loaded is not None
    told = ServedModel(loaded).figures
    assert told["model_quality"] == {"hit_rate": done.new["hit_rate@20"], "mrr": done.new["mrr@20"]}
    assert told["model_trained_at"] == loaded.created_at / 1_000


def test_a_training_that_was_killed_goes_on_with_the_data_it_had(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = START + 1_000 * 60_000

    def killed(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as broken:
        broken.setattr(Popular, "fit", killed)
        broken.setattr(retraining, "from_archive", lambda folder, *_: from_archive(folder, None, cut))
        with pytest.raises(SystemExit):
            retrain(archive, tmp_path, SMALL, clock=lambda: 1_000)
    left = training_plan.read(tmp_path)
    assert left is not None
    assert left.until is not None
    assert left.until <= cut

    def again(*_: object) -> None:
        raise AssertionError("neighbours were there already")

    monkeypatch.setattr(Neighbours, "fit", again)
    done = retrain(archive, tmp_path, SMALL, clock=lambda: 2_000)
    assert done.verdict == trainings.PUBLISHED
    assert training_plan.read(tmp_path) is None
    assert list(tmp_path.glob(".draft-*")) == []


def test_what_is_killed_again_and_again_is_given_up_and_noted(archive: Path, tmp_path: Path) -> None:
    training_plan.write(tmp_path, training_plan.Plan(began=1_000, tries=training_plan.MOST_TRIES))
    with pytest.raises(InvalidTraining, match="did not come to an end 3 times"):
        retrain(archive, tmp_path, SMALL, clock=lambda: 2_000)
    assert trainings.read(tmp_path)[-1].verdict == trainings.FAILED
    assert retrain(archive, tmp_path, SMALL, clock=lambda: 3_000).verdict == trainings.PUBLISHED


def test_what_somebody_holds_stays_live(archive: Path, tmp_path: Path) -> None:
    first = train(archive, tmp_path, replace(SMALL, seed=1))
    second = train(archive, tmp_path, replace(SMALL, seed=2))
    artifact.publish(tmp_path, first)
    artifact.publish(tmp_path, second)
    assert artifact.rollback(tmp_path) == first
    done = retrain(archive, tmp_path, SMALL)
    assert done.verdict == trainings.STORED
    assert "unpin" in done.note
    assert artifact.live(tmp_path) == first


def test_a_live_one_trained_by_hand_is_asked_nothing_that_it_has_learnt(
    archive: Path, tmp_path: Path
) -> None:
    middle = START + 1_000 * 60_000
    artifact.publish(tmp_path, train(archive, tmp_path, replace(SMALL, until=middle)))
    live = artifact.load_live(tmp_path)
    data = from_archive(archive)
    _, asked = hold_out(data)
    fair = unseen(asked, live).sessions
    assert 0 < len(fair) < len(asked.sessions)
    assert (fair.timestamps[fair.starts[:-1]] > live.manifest["data"]["until"]).all()
    assert len(unseen(asked, None).sessions) == len(asked.sessions)


def test_an_archive_that_was_lost_is_no_reason_to_forget(archive: Path, tmp_path: Path) -> None:
    good = retrain(archive, tmp_path, SMALL)
    rest = Archive(tmp_path / "rest").views("s1", "a", "b").views("s2", "a", "c").write()
    done = retrain(rest, tmp_path, SMALL)
    assert done.verdict == trainings.REFUSED
    assert "learnt from 2 visits" in done.note
    assert artifact.live(tmp_path) == good.digest
