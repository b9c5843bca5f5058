import io

import pytest
from rich.console import Console
from rich.progress import Progress
from support.archives import Archive

from habitue_recommender import artifact
from habitue_recommender.artifact import ArtifactError
from habitue_recommender.models import TRAINED, Neighbours, Popular, Query
from habitue_recommender.training.train import InvalidTraining, NothingToLearn, TrainingConfig, train


@pytest.fixture
def archive(tmp_path):
    shop = Archive(tmp_path / "archive")
    for number in range(6):
        shop.views(f"s{number}", "a", "b", "c", who=f"p{number}").buys(
            f"o{number}", "a", "d", who=f"p{number}"
        )
    return shop.write()


ONE_CORE = TrainingConfig(threads=1)


def test_the_archive_becomes_an_artifact_of_all_models(archive, tmp_path) -> None:
    digest = train(archive, tmp_path / "models", ONE_CORE)
    loaded = artifact.load(tmp_path / "models" / digest)
    assert set(loaded.models) == set(TRAINED)
    together = loaded.models["together"].score(Query(anchor=loaded.vocabulary.index("a"))).items
    assert [loaded.vocabulary.item_id(int(item)) for item in together] == ["d"]
    assert set(loaded.manifest["figures"]) == set(TRAINED)


def test_an_empty_archive_is_a_sentence(tmp_path) -> None:
    with pytest.raises(NothingToLearn, match="nothing to learn from yet"):
        train(tmp_path / "archive", tmp_path / "models", ONE_CORE)


@pytest.mark.parametrize("views", ["a", "ab"])
def test_a_shop_s_first_visitor_is_enough_for_an_artifact(tmp_path, views) -> None:
    archive = Archive(tmp_path / "archive").views("s1", *views).write()
    digest = train(archive, tmp_path / "models", ONE_CORE)
    loaded = artifact.load(tmp_path / "models" / digest)
    assert len(loaded.models["popular"].score(Query()).items) == len(views)


def test_the_same_data_settings_and_seed_are_the_same_artifact_and_not_trained_again(
    archive, tmp_path, monkeypatch
) -> None:
    digest = train(archive, tmp_path / "models", ONE_CORE)

    def never(*_args: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(Neighbours, "fit", never)
    assert train(archive, tmp_path / "models", ONE_CORE) == digest
    elsewhere = TrainingConfig(threads=1, models=("popular",))
    assert train(archive, tmp_path / "models", elsewhere) != digest


def test_two_trainings_make_the_same_bytes(archive, tmp_path) -> None:
    one, two = (tmp_path / name / train(archive, tmp_path / name, ONE_CORE) for name in ("one", "two"))
    files = [
        path.relative_to(one) for path in one.rglob("*") if path.is_file() and path.name != "manifest.json"
    ]
    assert files
    assert all((one / name).read_bytes() == (two / name).read_bytes() for name in files)


def test_an_interrupted_training_goes_on_where_it_was(archive, tmp_path, monkeypatch) -> None:
    def interrupted(*_args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(Popular, "fit", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(archive, tmp_path / "models", ONE_CORE)
    assert artifact.artifacts(tmp_path / "models") == []

    def again(*_args: object) -> None:
        raise AssertionError("neighbours were there already")

    monkeypatch.setattr(Neighbours, "fit", again)
    digest = train(archive, tmp_path / "models", ONE_CORE)
    assert set(artifact.load(tmp_path / "models" / digest).models) == set(TRAINED)
    assert list((tmp_path / "models").glob(".draft-*")) == []


def test_a_damaged_artifact_is_made_again(archive, tmp_path) -> None:
    digest = train(archive, tmp_path / "models", ONE_CORE)
    (tmp_path / "models" / digest / "popular" / "model.json").write_text("{")
    assert train(archive, tmp_path / "models", ONE_CORE) == digest
    artifact.load(tmp_path / "models" / digest)


def test_an_unknown_model_or_setting_is_a_sentence_before_anything_is_read(tmp_path) -> None:
    with pytest.raises(InvalidTraining, match="no model 'oracle'; there are neighbours"):
        train(tmp_path, tmp_path / "models", TrainingConfig(models=("oracle",)))
    with pytest.raises(InvalidTraining, match=r"settings of popular: .*sparkle"):
        train(tmp_path, tmp_path / "models", TrainingConfig(settings={"popular": {"sparkle": 1}}))


def test_a_second_training_at_the_same_time_is_refused(archive, tmp_path) -> None:
    with artifact.exclusive(tmp_path / "models"), pytest.raises(ArtifactError, match="another training"):
        train(archive, tmp_path / "models", ONE_CORE)


def test_progress_names_each_step(archive, tmp_path) -> None:
    with Progress(console=Console(file=io.StringIO())) as progress:
        train(archive, tmp_path / "models", ONE_CORE, progress)
    assert [task.description for task in progress.tasks] == [
        "reading the archive",
        *(f"training {name}" for name in TRAINED),
    ]
    assert all(task.finished for task in progress.tasks)
