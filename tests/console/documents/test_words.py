"""What the rooms below say is known to the translators, and found again in every language."""

from __future__ import annotations

import json

import pytest

from habitue_console.documents.json_mistakes import json_mistake
from habitue_console.documents.sentences import CONDITION_WORDS, SENTENCES
from habitue_console.documents.words import label_of, translated
from habitue_console.drafts.when import VALUES
from habitue_console.words import words_of
from habitue_recommender.conditions import FIELDS
from habitue_recommender.conditions.errors import SENTENCES as CONDITION_SENTENCES
from habitue_recommender.conditions.form import ROW_OPERATORS
from habitue_recommender.rulebook.mistakes import Mistake


def test_every_word_and_sentence_of_conditions_is_there():
    words = {part for field in FIELDS.values() for part in field.label.split(": ")}
    words |= {one.label for one in ROW_OPERATORS.values()}
    assert words - set(CONDITION_WORDS) == set()
    assert {value for field in FIELDS.values() for value in field.values} - set(VALUES) == set()
    assert set(CONDITION_SENTENCES.values()) - set(SENTENCES) == set()


@pytest.mark.parametrize("language", ["de", "pl"])
def test_a_mistake_is_told_in_the_readers_language_with_its_values(language: str):
    said = translated(Mistake("x", "There is no segment “<b>vip 100%</b>”."), words_of(language))
    assert "“<b>vip 100%</b>”" in said or "„<b>vip 100%</b>”" in said or "„<b>vip 100%</b>“" in said
    assert "There is no" not in said


@pytest.mark.parametrize("language", ["en", "de", "pl"])
def test_a_sentence_that_nobody_knows_stays_as_it_is(language: str):
    assert translated(Mistake("x", "100% {odd} %(words)s"), words_of(language)) == "100% {odd} %(words)s"


def test_places_are_called_by_their_names():
    _ = words_of("en")
    assert label_of("consequence.pin.1.item_id", _) == "Pinned item 2"
    assert label_of("share", _) == "Share of visitors"
    assert label_of("something.else", _) == "something.else"


@pytest.mark.parametrize("language", ["en", "de", "pl"])
@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1,",
        "{a: 1}",
        '{"a" 1}',
        "[1 2]",
        "[] []",
        '["a',
        '["a\nb"]',
        '["\\x"]',
        '["\\u12"]',
        "\ufeff[]",
        "[1,]",
    ],
)
def test_a_broken_file_is_told_in_the_reader_s_language(language: str, text: str) -> None:
    with pytest.raises(json.JSONDecodeError) as found:
        json.loads(text)
    said = json_mistake(found.value.msg, words_of(language))
    assert said.endswith((".", "?", "…"))
    assert said != found.value.msg
    assert language == "en" or said != json_mistake(found.value.msg, words_of("en"))


def test_what_a_newer_reader_says_is_shown_as_it_is() -> None:
    assert json_mistake("Something new", words_of("de")) == "Something new"
