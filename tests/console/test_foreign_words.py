"""What the recommender says in English can be translated."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

import habitue_cli
import habitue_recommender
from habitue_console import training_words
from habitue_console.deeds import EVENT_WORDS, MOVE_WORDS
from habitue_console.foreign_words import EXPLAINED, REASONS
from habitue_console.pages.personas import READY
from habitue_console.words import words_of
from habitue_recommender import artifact
from habitue_recommender.artifact import ArtifactError
from habitue_recommender.catalog.catalog import Catalog
from habitue_recommender.explain import sayings
from habitue_recommender.explain.made_up import ready
from habitue_recommender.reasons import Reason, ReasonCode
from habitue_recommender.training import trainings
from habitue_recommender.training.retraining import retrain
from habitue_recommender.training.train import NothingToLearn


def test_every_sentence_of_an_explanation_is_named() -> None:
    said: set[str] = set()
    for name, value in vars(sayings).items():
        if name.isupper() and isinstance(value, str):
            said.add(value)
        elif name.isupper() and isinstance(value, Mapping):
            said |= set(value.values())
    assert said == set(EXPLAINED)


def test_every_reason_is_named() -> None:
    said = {Reason(code, anchor="{anchor}", category="{category}").text() for code in ReasonCode}
    assert said == set(REASONS)


def test_every_ready_persona_is_named() -> None:
    said = {text for one in ready(Catalog()) for text in (one.name, one.note)}
    assert said == set(READY)


def test_every_kind_of_event_has_a_word() -> None:
    from habitue_collector.events import Kind
    from habitue_collector.identity import MOVES

    assert {kind.value for kind in Kind} == set(EVENT_WORDS)
    assert set(MOVES) <= set(MOVE_WORDS)


def test_what_a_training_noted_is_told_in_the_readers_language(tmp_path: Path) -> None:
    german = words_of("de")
    with pytest.raises(NothingToLearn):
        retrain(tmp_path / "archive", tmp_path / "models")
    with pytest.raises(ArtifactError) as missing:
        artifact.load(tmp_path / "{what}")
    noted = trainings.read(tmp_path / "models")[-1].note
    said = [
        *(noted, str(missing.value)),
        "took 812 MB, 600 are allowed ([recommender] train_memory_mb)",
        "learnt from 12 visits, the live one from 3400; `habitue models publish` overrules",
    ]
    for note in said:
        assert training_words.told(note, words_of("en")) == note
        assert training_words.told(note, german) != note
    assert "812 MB" in training_words.told(said[2], german)
    assert "{what}" in training_words.told(said[1], german)
    assert training_words.told("100 % {odd}", german) == "100 % {odd}"
    # Each sentence of `NOTES` is one that somebody says.
    rooms = [Path(package.__path__[0]) for package in (habitue_recommender, habitue_cli)]
    source = "".join(path.read_text() for room in rooms for path in sorted(room.rglob("*.py")))
    flat = re.sub(r'"\s*f?"', "", source)
    for sentence in training_words.NOTES:
        for part in re.split(r"\{\w+\}", sentence):
            assert part in flat, sentence
