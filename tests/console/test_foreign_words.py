"""What the recommender says in English can be translated."""

from __future__ import annotations

from collections.abc import Mapping

from habitue_console.deeds import EVENT_WORDS, MOVE_WORDS
from habitue_console.foreign_words import EXPLAINED, REASONS
from habitue_console.pages.personas import READY
from habitue_recommender.catalog.catalog import Catalog
from habitue_recommender.explain import sayings
from habitue_recommender.explain.made_up import ready
from habitue_recommender.reasons import Reason, ReasonCode


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
