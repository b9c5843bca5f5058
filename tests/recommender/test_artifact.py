import json
import threading

import pytest
from support.shoppers import sessions

from habitue_recommender import artifact
from habitue_recommender.artifact import ArtifactError
from habitue_recommender.models import Query
from habitue_recommender.training.train import TrainingConfig, train_on


@pytest.fixture
def models_dir(tmp_path):
    return tmp_path / "models"


def trained(models_dir, tmp_path, seed: int = 0) -> str:
    return train_on(
        sessions(tmp_path, "abc", "abd", "bcd", event="purchase"),
        models_dir,
        TrainingConfig(seed=seed, threads=1),
    )


def test_what_was_trained_is_loaded_and_answers(models_dir, tmp_path) -> None:
    digest = trained(models_dir, tmp_path)
    loaded = artifact.load(models_dir / digest)
    assert (loaded.digest, list(loaded.vocabulary)) == (digest, ["a", "b", "c", "d"])
    ranked = loaded.models["neighbours"].score(Query(session=loaded.vocabulary.indices("a")))
    assert loaded.vocabulary.item_id(int(ranked.items[0]))
    assert loaded.manifest["data"]["sessions"] == 3
    assert loaded.created_at > 0


def test_what_can_wait_is_brought_afterwards(models_dir, tmp_path) -> None:
    folder = models_dir / trained(models_dir, tmp_path)
    loaded = artifact.load(folder, late=("item_item", "ranker"))
    assert loaded.late == ("item_item",)  # of three sessions no trees were learnt: nothing to wait for
    assert not {"item_item", "ranker"} & set(loaded.models)
    asked = Query(session=loaded.vocabulary.indices("a"))
    whole = artifact.load(folder).models["item_item"]
    assert loaded.bring("item_item").score(asked).items.tolist() == whole.score(asked).items.tolist()


def test_nothing_is_live_before_it_is_published(models_dir, tmp_path) -> None:
    digest = trained(models_dir, tmp_path)
    assert artifact.live(models_dir) is None
    assert artifact.load_live(models_dir) is None
    artifact.publish(models_dir, digest)
    assert artifact.live(models_dir) == digest
    assert artifact.load_live(models_dir).digest == digest


def test_rollback_goes_back_step_by_step_and_says_when_there_is_no_further(models_dir, tmp_path) -> None:
    one, two, three = (trained(models_dir, tmp_path, seed) for seed in (1, 2, 3))
    for digest in (one, two, three):
        artifact.publish(models_dir, digest)
    assert artifact.rollback(models_dir) == two
    assert artifact.rollback(models_dir) == one
    with pytest.raises(ArtifactError, match="no earlier artifact"):
        artifact.rollback(models_dir)
    assert artifact.live(models_dir) == one
    artifact.publish(models_dir, three)
    assert artifact.rollback(models_dir) == one


def test_a_rollback_passes_over_what_was_deleted(models_dir, tmp_path) -> None:
    digests = [trained(models_dir, tmp_path, seed) for seed in (1, 2, 3)]
    for digest in digests:
        artifact.publish(models_dir, digest)
    for path in (models_dir / digests[1]).rglob("manifest.json"):
        path.unlink()
    assert artifact.rollback(models_dir) == digests[0]


def test_the_list_names_all_artifacts_newest_first_and_which_is_live(models_dir, tmp_path) -> None:
    digests = [trained(models_dir, tmp_path, seed) for seed in (1, 2)]
    artifact.publish(models_dir, digests[0])
    listed = artifact.artifacts(models_dir)
    assert {one.digest: one.live for one in listed} == {digests[0]: True, digests[1]: False}
    assert listed[0].created_at >= listed[1].created_at


def test_prune_keeps_the_live_one_and_the_newest_others(models_dir, tmp_path) -> None:
    digests = [trained(models_dir, tmp_path, seed) for seed in (1, 2, 3, 4)]
    artifact.publish(models_dir, digests[0])
    artifact.prune(models_dir, keep=1)
    kept = {one.digest for one in artifact.artifacts(models_dir)}
    assert digests[0] in kept
    assert len(kept) == 2


@pytest.mark.parametrize(
    "name", ["vocabulary/text.npy", "neighbours/item_sessions.npy", "popular/model.json"]
)
def test_a_flipped_bit_a_missing_and_a_shortened_file_are_refused(models_dir, tmp_path, name) -> None:
    folder = models_dir / trained(models_dir, tmp_path)
    whole = (folder / name).read_bytes()
    flipped = bytearray(whole)
    flipped[-1] ^= 1
    for damaged in (bytes(flipped), whole[:-1], None):
        (folder / name).unlink(missing_ok=True)
        if damaged is not None:
            (folder / name).write_bytes(damaged)
        with pytest.raises(ArtifactError, match=name):
            artifact.load(folder)
        with pytest.raises(ArtifactError, match=name):
            artifact.publish(models_dir, folder.name)
    assert artifact.live(models_dir) is None


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format": "something else"}, "not an artifact of Habitue"),
        ({"version": 99}, "format version 99"),
        ({"digest": "0123456789abcdef"}, "its manifest is that of 0123456789abcdef"),
        ({"models": ["crystal_ball"]}, "unknown model crystal_ball"),
    ],
)
def test_what_is_not_ours_is_refused_with_the_reason(models_dir, tmp_path, change, sentence) -> None:
    folder = models_dir / trained(models_dir, tmp_path)
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, **change}))
    with pytest.raises(ArtifactError, match=sentence):
        artifact.load(folder)


@pytest.mark.parametrize("text", ["", "[]", "{", "null"])
def test_a_manifest_that_is_none_is_refused(models_dir, tmp_path, text) -> None:
    folder = models_dir / trained(models_dir, tmp_path)
    (folder / "manifest.json").write_text(text)
    with pytest.raises(ArtifactError):
        artifact.load(folder)
    assert artifact.artifacts(models_dir) == []


def test_live_that_holds_no_digest_is_refused_and_never_a_path(models_dir, tmp_path) -> None:
    models_dir.mkdir()
    (models_dir / "live").write_text("../../etc")
    with pytest.raises(ArtifactError, match="does not hold a digest"):
        artifact.live(models_dir)


@pytest.mark.parametrize("digest", ["../secrets", "", "x", "/etc"])
def test_only_a_digest_can_be_published(models_dir, digest) -> None:
    with pytest.raises(ArtifactError):
        artifact.publish(models_dir, digest)


def test_what_is_live_can_be_changed_while_a_training_runs(models_dir, tmp_path) -> None:
    one, two = (trained(models_dir, tmp_path, seed) for seed in (1, 2))
    with artifact.exclusive(models_dir):
        artifact.publish(models_dir, one)
        artifact.publish(models_dir, two)
        assert artifact.rollback(models_dir) == one


def test_only_one_at_a_time_publishes_and_a_moment_is_waited_for_it(
    models_dir, tmp_path, monkeypatch
) -> None:
    digest = trained(models_dir, tmp_path)
    monkeypatch.setattr(artifact, "_PUBLISHING_SECONDS", 0.05)
    with artifact._publishing(models_dir), pytest.raises(ArtifactError, match="another publication"):
        artifact.publish(models_dir, digest)
    monkeypatch.setattr(artifact, "_PUBLISHING_SECONDS", 10)
    with artifact._publishing(models_dir):
        waiting = threading.Thread(target=artifact.publish, args=(models_dir, digest))
        waiting.start()
    waiting.join(10)
    assert artifact.live(models_dir) == digest


def test_what_is_live_can_be_held_and_let_go(models_dir) -> None:
    assert not artifact.pinned(models_dir)
    artifact.pin(models_dir)
    artifact.pin(models_dir)
    assert artifact.pinned(models_dir)
    artifact.pin(models_dir, False)
    artifact.pin(models_dir, False)
    assert not artifact.pinned(models_dir)


def test_readers_see_the_old_or_the_new_one_and_never_half(models_dir, tmp_path) -> None:
    digests = [trained(models_dir, tmp_path, seed) for seed in (1, 2)]
    artifact.publish(models_dir, digests[0])
    seen, done = [], threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.append(artifact.live(models_dir))

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(50):
        artifact.publish(models_dir, digests[turn % 2])
    done.set()
    reader.join()
    assert set(seen) <= set(digests)
