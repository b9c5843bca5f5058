"""docs/conditions.md names every field and every operator, and its examples hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from habitue_recommender.conditions import FIELDS, Field, Type, parse
from habitue_recommender.conditions.check import FUNCTIONS, METHODS
from habitue_recommender.conditions.grammar import MAX_DEPTH, MAX_LIST, MAX_NODES
from habitue_recommender.conditions.tokens import MAX_LENGTH
from habitue_recommender.conditions.tree import Operator

DOCS = (Path(__file__).parents[3] / "docs" / "conditions.md").read_text(encoding="utf-8")


def row(field: Field) -> str:
    """The line of a field: change the docs to this when it is missing."""
    values = ", ".join(field.values)
    said = f" One of {values}." if field.closed else f" Like {values}." if values else ""
    key = '["…"]' if field.type is Type.MAP else ""
    return f"| `{field.name}{key}` | {field.type_of_value.value} | {field.help}{said} |\n"


@pytest.mark.parametrize("field", [one for one in FIELDS.values() if not one.name.startswith("page.item.")])
def test_every_field_has_its_line(field: Field) -> None:
    assert row(field) in DOCS


def test_there_is_no_line_of_a_field_that_is_not() -> None:
    named = re.findall(r"^\| `((?:item|visitor|page|time)\.[\w.]+|slot)", DOCS, re.MULTILINE)
    assert set(named) <= FIELDS.keys()
    assert len(named) == len(set(named))


def test_every_operator_and_function_is_there() -> None:
    tables = DOCS.partition("## Operators")[2].partition("## The item")[0].replace("\\|", "|")
    for operator in Operator:
        assert re.search(rf"`[^`]*{re.escape(operator.value)}[^`]*`", tables), operator
    for function in (*METHODS, *(f"{name}(" for name in FUNCTIONS)):
        assert function in tables


def test_every_condition_in_it_is_one() -> None:
    examples = re.findall(r"^\|[^|`]+\| `([^`]+)` \|$", DOCS.replace("\\|", "¦"), re.MULTILINE)
    assert len(examples) >= 9
    texts = [example.replace("¦", "|") for example in examples]
    texts += [one for one in re.findall(r"`([^`\n]+)`", DOCS) if re.match(r"item\.\w+ [<>!=]=? ", one)]
    for text in texts:
        parse(text)


def test_the_limits_are_those_of_the_language() -> None:
    limits = DOCS.partition("## Limits")[2].replace("\n", " ")
    assert f"{MAX_LENGTH:,} characters" in limits
    assert f"{MAX_NODES} parts" in limits
    assert f"{MAX_DEPTH} levels" in limits
    assert f"{MAX_LIST} entries" in limits
