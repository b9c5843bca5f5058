import pytest

from habitue_recommender import vocabulary as module
from habitue_recommender.vocabulary import UNKNOWN, Vocabulary

IDS = ["1", "01", "äpfel", "", "a" * 255, "👟/rot", "\ud800"]


def test_an_id_finds_its_index_and_the_index_its_id() -> None:
    vocabulary = Vocabulary.of(IDS)
    assert [vocabulary.index(item_id) for item_id in IDS] == list(range(len(IDS)))
    assert [vocabulary.item_id(index) for index in range(len(IDS))] == IDS
    assert list(vocabulary) == IDS
    assert len(vocabulary) == len(IDS)


def test_an_id_that_was_never_seen_is_unknown_however_often_one_asks() -> None:
    vocabulary = Vocabulary.of(IDS)
    assert [vocabulary.index("2"), vocabulary.index("2")] == [UNKNOWN, UNKNOWN]
    assert "2" not in vocabulary
    assert "1" in vocabulary
    assert vocabulary.indices(["01", "2"]).tolist() == [1, UNKNOWN]


def test_no_index_outside_has_an_id() -> None:
    vocabulary = Vocabulary.of(IDS)
    for index in (-1, len(IDS)):
        with pytest.raises(IndexError):
            vocabulary.item_id(index)


def test_what_is_saved_is_loaded(tmp_path) -> None:
    Vocabulary.of(IDS).save(tmp_path)
    assert list(Vocabulary.load(tmp_path)) == IDS
    assert Vocabulary.load(tmp_path).index("äpfel") == 2


def test_an_empty_vocabulary_can_be_saved_and_asked(tmp_path) -> None:
    Vocabulary.of([]).save(tmp_path)
    assert Vocabulary.load(tmp_path).index("a") == UNKNOWN


def test_ids_whose_hashes_collide_are_told_apart(monkeypatch) -> None:
    monkeypatch.setattr(module, "_hash", lambda encoded: len(encoded))
    vocabulary = Vocabulary.of(["ab", "ba", "c", "aa"])
    assert [vocabulary.index(item_id) for item_id in ("ab", "ba", "c", "aa", "bb")] == [0, 1, 2, 3, UNKNOWN]


def test_the_memory_of_lookups_is_bounded(monkeypatch) -> None:
    monkeypatch.setattr(module, "_REMEMBERED", 3)
    vocabulary = Vocabulary.of(IDS)
    for number in range(100):
        vocabulary.index(f"unknown {number}")
    assert len(vocabulary._seen) <= 3
