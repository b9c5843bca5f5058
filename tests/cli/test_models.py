"""`habitue models`: what is there, what is live, and the way back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.archives import Archive

from habitue_cli.main import main
from habitue_recommender import artifact
from habitue_recommender.training import trainings
from habitue_recommender.training.train import TrainingConfig, train


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A shop with two models, the newer one live."""
    archive = Archive(tmp_path / "archive").views("s1", "a", "b").views("s2", "a", "c").write()
    for seed in (1, 2):
        digest = train(archive, tmp_path / "models", TrainingConfig(("popular",), seed=seed))
        artifact.publish(tmp_path / "models", digest)
        done = trainings.Training(1_700_000_000_000 + seed, trainings.PUBLISHED, digest, new={"mrr@20": 0.2})
        trainings.note(tmp_path / "models", done)
    return tmp_path


def habitue(data: Path, *words: str) -> int:
    return main(["models", *words, "--data", str(data)], {})


def test_they_are_listed_with_what_is_live(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert habitue(data) == 0
    said = capsys.readouterr().out
    live = artifact.live(data / "models")
    (line,) = [one for one in said.splitlines() if one.endswith("live")]
    assert line.startswith(str(live))
    assert "rollback goes here" in said
    assert "published" in said


def test_the_list_is_json_for_programs(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert habitue(data, "list", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["live"] == artifact.live(data / "models")
    assert told["pinned"] is False
    assert len(told["models"]) == len(told["trainings"]) == 2


def test_one_command_goes_back_and_holds_what_is_live_then(data: Path) -> None:
    before, wanted = artifact.live(data / "models"), artifact.earlier(data / "models")
    assert habitue(data, "rollback") == 0
    assert artifact.live(data / "models") == wanted
    assert artifact.pinned(data / "models")
    assert habitue(data, "rollback") == 1, "there is nothing before the first one"
    assert habitue(data, "unpin") == 0
    assert not artifact.pinned(data / "models")
    assert habitue(data, "publish", str(before)[:6]) == 0
    assert artifact.live(data / "models") == before


def test_it_is_held_until_somebody_publishes_by_hand(data: Path) -> None:
    assert habitue(data, "pin") == 0
    assert artifact.pinned(data / "models")
    assert habitue(data, "publish", str(artifact.earlier(data / "models"))) == 0
    assert not artifact.pinned(data / "models")


def test_what_cannot_be_done_is_a_sentence(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert habitue(data, "publish", "zzz") == 1
    assert habitue(data, "publish") == 1
    assert habitue(tmp_path / "empty", "pin") == 1
    assert "`habitue train` makes the first one" in capsys.readouterr().err
    assert habitue(tmp_path / "empty") == 0
