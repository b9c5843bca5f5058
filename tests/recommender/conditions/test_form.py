"""The form and the text of a condition: two views of the same thing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import condition_writing as writing
from support.condition_worlds import ITEMS, all_asked

from habitue_recommender.conditions import (
    FIELDS,
    ConditionError,
    Form,
    Group,
    Row,
    Type,
    from_form,
    parse,
    to_form,
)
from habitue_recommender.conditions.form import ROW_OPERATORS, field_of, field_text, operators_of, row_at

REQUESTS = all_asked()


def answers(text: str) -> list[bool]:
    condition = parse(text)
    return [condition.test(request, item) for request in REQUESTS for item in (*ITEMS, None)]


@given(writing.texts)
@settings(max_examples=80, deadline=None)
def test_what_a_form_can_show_means_the_same_when_it_is_text_again(text: str) -> None:
    form = to_form(parse(text))
    if form is None:
        return
    again = from_form(form)
    assert answers(again) == answers(text)
    assert to_form(parse(again)) == form
    assert Form.parse(json.loads(json.dumps(form.to_public()))) == form


@pytest.mark.parametrize(
    ("text", "again"),
    [
        ("item.price < 5", None),
        ("5 > item.price", "item.price < 5"),
        ('"shoes" in item.category && !("hats" in item.category)', None),
        ('visitor.segments in ["vip"]', ""),
        ('"vip" in visitor.segments || "new" in visitor.segments', None),
        ("visitor.known && !visitor.new", None),
        ("visitor.known == false", "!visitor.known"),
        ('item.brand == ""', "item.brand == null"),
        ("!(item.brand == null)", "item.brand != null"),
        ('item.attributes.color == "red"', 'item.attributes["color"] == "red"'),
        ("item.attributes.sale", 'item.attributes["sale"] == true'),
        ("size(visitor.cart.items) > 0 && size(visitor.viewed) == 0", None),
        ('item.brand in ["a", "b"] && !(item.brand in ["c"])', None),
        ('item.name.contains("a") && !item.name.contains("b") && item.name.endsWith("c")', None),
        ("item.new && (item.price < 5 || visitor.known)", None),
        ("item.new || (item.price < 5 && visitor.known)", "item.new || (item.price < 5 && visitor.known)"),
        ("item.new || item.price < 5 && visitor.known", "item.new || (item.price < 5 && visitor.known)"),
    ],
)
def test_conditions_as_people_build_them(text: str, again: str | None) -> None:
    if again == "":
        with pytest.raises(ConditionError):
            parse(text)
        return
    form = to_form(parse(text))
    assert form is not None
    assert from_form(form) == (text if again is None else again)


@pytest.mark.parametrize(
    "text",
    [
        "item.price < visitor.cart.value",
        "item.new && (item.price < 5 || (visitor.known && item.in_stock))",
        "item.price + 1 < 5",
        "!(item.price < 5)",
        'lower(item.brand) == "x"',
        "!(item.new && visitor.known)",
        "true",
        "size(visitor.viewed) > 3",
        "item.category in visitor.viewed",
    ],
)
def test_what_no_row_can_say_is_shown_as_text(text: str) -> None:
    assert to_form(parse(text)) is None


def test_a_form_is_rows_and_groups() -> None:
    form = to_form(parse('item.price < 50 && ("shoes" in item.category || visitor.traits.plan == "gold")'))
    assert form == Form(
        "all",
        (
            Row("item.price", "less", 50),
            Group(
                "any",
                (Row("item.category", "has", "shoes"), Row('visitor.traits["plan"]', "is", "gold")),
            ),
        ),
    )


def test_a_place_in_the_text_is_a_row_of_the_form() -> None:
    form = Form(
        "all", (Row("item.new", "yes"), Group("any", (Row("item.prise", "less", 5), Row("slot", "is", "x"))))
    )
    text = from_form(form)
    assert text == 'item.new && (item.prise < 5 || slot == "x")'
    with pytest.raises(ConditionError) as caught:
        parse(text)
    assert row_at(form, caught.value.position) == (1, 0)
    assert row_at(form, 0) == (0,)
    assert row_at(form, len(text)) == (1, 1)
    assert row_at(Form(), 0) == ()


def test_an_empty_form_is_an_empty_text() -> None:
    assert from_form(Form()) == ""
    assert from_form(Form("any", (Group("all", ()), Row("item.new", "yes")))) == "item.new"


@pytest.mark.parametrize("field", [one for one in FIELDS.values() if one.type is not Type.MAP])
def test_every_operator_that_a_field_offers_makes_a_condition(field: Any) -> None:
    assert operators_of(field.name)
    values = {Type.NUMBER: 5, Type.DATE: "2026-12-24"}
    value = field.values[0] if field.closed else values.get(field.type, "X")
    value = value if field.name != "visitor.language" else "de"
    for operator in operators_of(field.name):
        row = Row(field.name, operator.code, None if operator.takes == "nothing" else value)
        if operator.takes == "list":
            row = Row(field.name, operator.code, (value,))
        condition = parse(from_form(Form("all", (row,))))
        assert to_form(condition) == Form("all", (row,))


def test_rows_of_named_values_say_which_one() -> None:
    assert field_text("item.attributes", 'a"b') == 'item.attributes["a\\"b"]'
    found = field_of('visitor.affinity.brand["Acme"]')
    assert found is not None
    assert (found[0].name, found[1]) == ("visitor.affinity.brand", "Acme")
    assert field_of("item.nothing") is None
    assert {one.code for one in operators_of('item.attributes["x"]')} <= ROW_OPERATORS.keys()
    assert operators_of("item.attributes") == ()
    assert operators_of("") == ()


def test_what_is_typed_into_a_number_field_is_a_number() -> None:
    raw = {"rows": [{"field": "item.price", "operator": "less", "value": "49,90"}]}
    assert from_form(Form.parse(raw)) == "item.price < 49.9"
    raw["rows"][0]["field"] = "item.attributes.size"
    assert from_form(Form.parse(raw)) == 'item.attributes["size"] < 49.9'
    raw["rows"][0]["operator"] = "is"  # which compares what is alike, a number or not
    assert from_form(Form.parse(raw)) == 'item.attributes["size"] == "49,90"'
    raw["rows"][0] |= {"field": "item.price", "operator": "less"}
    raw["rows"][0]["value"] = "cheap"
    with pytest.raises(ConditionError):
        parse(from_form(Form.parse(raw)))


@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        {"join": "none"},
        {"rows": 3},
        {"rows": [3]},
        {"rows": [{}]},
        {"rows": [{"field": "item.price"}]},
        {"rows": [{"field": "item.price; drop", "operator": "is", "value": 1}]},
        {"rows": [{"field": "item.new || true", "operator": "yes"}]},
        {"rows": [{"field": "item.price", "operator": "is", "value": {}}]},
        {"rows": [{"field": "item.price", "operator": "is", "value": [[]]}]},
        {"rows": [{"rows": [{"rows": []}]}]},
        {"rows": [{"field": "item.new", "operator": "yes"}] * 500},
        {"rows": [{"rows": [{"field": "item.new", "operator": "yes"}] * 150}] * 2},
    ],
)
def test_what_is_no_form_is_refused(raw: Any) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Form.parse(raw)


_json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["join", "rows", "field", "operator", "value"]), inner),
    ),
    max_leaves=10,
)
_rows = st.fixed_dictionaries(
    {
        "field": st.sampled_from([*FIELDS, 'item.attributes["a"]']),
        "operator": st.sampled_from(list(ROW_OPERATORS)),
        "value": _json,
    }
)


@given(st.one_of(_json, st.fixed_dictionaries({"rows": st.lists(_rows, max_size=3)})))
@settings(max_examples=80, deadline=None)
def test_whatever_a_browser_sends_is_a_form_or_refused(raw: Any) -> None:
    try:
        form = Form.parse(raw)
    except ValueError:
        return
    text = from_form(form)
    try:
        parse(text)
    except ConditionError as mistake:
        place = row_at(form, mistake.position)
    else:
        place = row_at(form, 0)
    assert len(place) in ((1, 2) if text else (0,))


_typed = {Type.NUMBER: st.one_of(st.integers(-9, 10**12), st.floats(-1e3, 1e14))}


def _values_for(name: str, takes: str) -> st.SearchStrategy[Any]:
    found = field_of(name)
    assert found is not None
    field, key = found
    one = _typed.get(field.type if key is None else field.member_type, st.text(min_size=1, max_size=9))
    if field.closed:
        one = st.sampled_from(field.values)
    elif field.type is Type.DATE:
        one = st.dates().map(str)
    elif name.endswith(("country", "currency", "language")):
        one = st.just("de" if name.endswith("language") else "DE")
    return {"nothing": st.none(), "list": st.lists(one, max_size=3).map(tuple)}.get(takes, one)


_choices: dict[tuple[str, str], list[str]] = {}
for _name in [*FIELDS, 'visitor.traits["a b"]']:
    for _operator in operators_of(_name):
        _choices.setdefault((_name, _operator.takes), []).append(_operator.code)
_field_rows = st.one_of(
    st.tuples(st.sampled_from(codes), _values_for(name, takes)).map(
        lambda one, name=name: Row(name, one[0], one[1])
    )
    for (name, takes), codes in _choices.items()
)
_groups = st.builds(
    Group, st.sampled_from(["all", "any"]), st.lists(_field_rows, min_size=2, max_size=3).map(tuple)
)
_forms = st.builds(
    Form,
    st.sampled_from(["all", "any"]),
    st.lists(st.one_of(_field_rows, _groups), min_size=2, max_size=4).map(tuple),
)


@given(_forms)
@settings(max_examples=100, deadline=None)
def test_whatever_a_form_says_its_text_shows_as_the_same_form(form: Form) -> None:
    assert to_form(parse(from_form(form))) == form
