"""Rows and expression are two views of one thing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from habitue_console.drafts.draft import RULE, SEGMENT, Draft
from habitue_console.drafts.when import (
    builder,
    can_be_rows,
    in_words,
    incomplete,
    opened,
    synced,
    with_group,
)
from habitue_recommender.rulebook.mistakes import Mistake

EXPRESSIONS = [
    "",
    "visitor.orders.count >= 3",
    'visitor.orders.count >= 3 && item.price < 50 && "shoes" in item.category',
    'visitor.new || "vip" in visitor.segments',
    'visitor.visits > 2 && (visitor.country == "DE" || visitor.country == "AT")',
    'visitor.campaign in ["DE", "AT", "a, \\"b\\" c"]',
    '!(visitor.country in ["DE"])',
    'visitor.traits["plan"] == "gold"',
    'visitor.traits["points"] >= 100',
    'visitor.traits["points"] == "100"',
    'visitor.traits["staff"] == true',
    'visitor.affinity.category["Shoes"] > 0.25',
    'item.name.contains("trail")',
    "size(visitor.cart.items) > 0",
    "visitor.orders.days_since_last == null",
    "!visitor.known",
    'time.date >= "2026-12-01"',
    'slot == "home-hero"',
]


def said(text: str) -> Draft:
    return Draft(RULE, {"condition.when": [text]})


def plain(_: str) -> list[tuple[str, str]]:
    return [("vip", "VIP")]


def sent(draft: Draft) -> Draft:
    """As a browser sends the form back."""
    return Draft.read(draft.kind, [(name, value) for name, values in draft.typed.items() for value in values])


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_an_expression_goes_through_the_rows_word_for_word(text: str):
    rows = opened(said(text))
    assert rows.value("builder.view") == "form"
    assert synced(sent(rows)).value("condition.when") == text


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_and_says_the_same_when_the_rows_write_it_anew(text: str):
    rows = opened(said(text))
    anew = synced(replace(rows, typed={**rows.typed, "builder.text": [""]}))
    assert opened(anew).typed | {"builder.text": []} == opened(said(text)).typed | {
        "builder.text": [],
        "condition.when": [anew.value("condition.when")],
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("visitor.orders.count >= 3", "Orders is at least 3"),
        ('visitor.new || "vip" in visitor.segments', "First visit: yes or Segment has “VIP”"),
        ('item.availability == "in_stock"', "Availability is “in stock”"),
        ('visitor.traits["plan"] == "gold"', "Trait plan is “gold”"),
        ('visitor.visits > 2 && (visitor.device == "mobile" || !visitor.known)',
         "Visits is more than 2 and (Device is “phone” or Known: no)"),
        ("visitor.visits + 1 > item.price * 2", ""),
        ("what is this", ""),
    ],
)  # fmt: skip
def test_a_condition_reads_as_its_rows(text: str, told: str):
    assert in_words(text, plain, lambda word: word) == told


def test_a_number_that_is_none_is_said_at_its_row():
    rows = Draft.read(
        SEGMENT,
        [("builder.view", "form"), ("builder.rows.0.field", "visitor.visits"),
         ("builder.rows.0.operator", "at_least"), ("builder.rows.0.value", "two")],
    )  # fmt: skip
    (mistake,) = incomplete(rows)
    assert mistake.field == "builder.rows.0"
    assert mistake.message.startswith("“two” is not a number")


def test_spaces_of_the_author_stay_until_a_row_changes():
    text = "visitor.visits>2&&visitor.new"
    rows = opened(said(text))
    assert synced(rows).value("condition.when") == text
    changed = synced(replace(rows, typed={**rows.typed, "builder.rows.0.value": ["3"]}))
    assert changed.value("condition.when") == "visitor.visits > 3 && visitor.new"


def test_what_only_an_expression_can_say_stays_one():
    text = "visitor.cart.value * 2 > item.price"
    assert opened(said(text)).value("builder.view") == "text"
    assert opened(said(text)).value("condition.when") == text
    assert not can_be_rows(text)


def test_a_broken_expression_stays_as_it_was_typed():
    draft = opened(said("visitor.vists >"))
    assert (draft.value("builder.view"), draft.value("condition.when")) == ("text", "visitor.vists >")
    assert can_be_rows("visitor.vists >")


def test_a_row_without_a_field_says_nothing_and_stays_in_the_form():
    draft = opened(said("visitor.new")).step("add:builder.rows")
    assert synced(draft).value("condition.when") == "visitor.new"
    assert len(builder(draft, plain, str).rows) == 2


def test_a_group_is_joined_the_other_way_and_removed_as_a_whole():
    draft = with_group(opened(said("visitor.new")))
    typed = {
        **draft.typed,
        "builder.rows.1.rows.0.field": ["visitor.country"],
        "builder.rows.1.rows.0.value": ["DE"],
    }
    grouped = synced(replace(draft, typed=typed).step("add:builder.rows.1.rows"))
    assert grouped.value("condition.when") == 'visitor.new && visitor.country == "DE"'
    assert synced(grouped.step("drop:builder.rows.1")).value("condition.when") == "visitor.new"


def test_a_field_that_has_no_such_operator_takes_its_first_one():
    draft = Draft(
        SEGMENT,
        {
            "builder.view": ["form"],
            "builder.rows.0.field": ["visitor.new"],
            "builder.rows.0.operator": ["at_least"],
        },
    )
    assert synced(draft).value("when") == "visitor.new"


def test_a_missing_value_is_a_mistake_of_its_row():
    draft = Draft(SEGMENT, {"builder.view": ["form"], "builder.rows.0.field": ["visitor.visits"]})
    (mistake,) = incomplete(draft)
    assert mistake.field == "builder.rows.0"
    assert builder(draft.with_mistakes([mistake]), plain, str).rows[0].wrong == (mistake,)


def test_a_mistake_in_the_expression_is_shown_at_its_row():
    draft = opened(said('visitor.visits > 2 && "vip" in visitor.segments'))
    wrong = Mistake("condition.when", "There is no segment “vip”.", 23, 3, "vips")
    rows = builder(draft.with_mistakes([wrong]), plain, str).rows
    assert [bool(row.wrong) for row in rows] == [False, True]


def test_segments_are_chosen_from_those_there_are_and_unknown_ones_stay():
    rows = builder(opened(said('"gone" in visitor.segments')), plain, str).rows
    assert rows[0].choices == (("vip", "VIP"), ("gone", "gone"))
