"""A mistake is marked where it is."""

from __future__ import annotations

import json

import pytest

from habitue_console.drafts.place import json_place, marked, mended
from habitue_recommender.rulebook.mistakes import Mistake


def test_the_wrong_word_is_marked_and_nothing_of_the_text_is_lost():
    text = "visitor.vists > 3"
    mistake = Mistake("when", "unknown field", 0, 13, "visitor.visits")
    parts = marked(text, [mistake])
    assert [(part.text, part.mistake is not None) for part in parts] == [
        ("visitor.vists", True),
        (" > 3", False),
    ]
    assert mended(text, mistake) == "visitor.visits > 3"


def test_a_mistake_at_the_end_marks_a_space_behind_it():
    assert [part.text for part in marked("a >", [Mistake("when", "a value is missing", 3, 0)])] == [
        "a >",
        " ",
    ]


@pytest.mark.parametrize("position", [-5, 0, 2, 99])
def test_places_past_the_text_break_nothing(position: int):
    assert "".join(part.text for part in marked("abc", [Mistake("", "x", position, 99)])).rstrip() == "abc"


def test_a_broken_file_is_told_at_its_place():
    text = '{\n  "id": "a",\n  "name" "b"\n}'
    with pytest.raises(json.JSONDecodeError) as caught:
        json.loads(text)
    place = json_place(text, caught.value)
    assert (place.line, place.column) == (3, 10)
    assert [part.text for part in place.parts if part.mistake] == ['"']
