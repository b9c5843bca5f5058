"""Mistakes in conditions: shown at their place, with what was meant."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from habitue_recommender.conditions import FIELDS, ConditionError, Type, parse
from habitue_recommender.conditions.errors import SENTENCES


def mistake_in(text: str) -> ConditionError:
    with pytest.raises(ConditionError) as caught:
        parse(text)
    return caught.value


# text, what is marked in it, what is suggested in its place
MEANT = [
    ("item.prise < 5", "item.prise", "item.price"),
    ("item.Price < 5", "item.Price", "item.price"),
    ("price < 5", "price", "item.price"),
    ("product.price < 5", "product.price", "item.price"),
    ('product.title == "x"', "product.title", "item.name"),
    ('item.id == "x"', "item.id", "item.item_id"),
    ("visitor.order.count > 3", "visitor.order.count", "visitor.orders.count"),
    ("visitor.ordres.count > 3", "visitor.ordres.count", "visitor.orders.count"),
    ("visitor.orders_count > 3", "visitor.orders_count", "visitor.orders.count"),
    ("customer.visits > 3", "customer.visits", "visitor.visits"),
    ("user.cart.value > 3", "user.cart.value", "visitor.cart.value"),
    ("visitor.logged_in", "visitor.logged_in", "visitor.known"),
    ('"x" in item.categories', "item.categories", "item.category"),
    ('time.day_of_week == "mon"', "time.day_of_week", "time.weekday"),
    ("item.price = 5", "=", "=="),
    ("item.price === 5", "===", "=="),
    ("item.price <> 5", "<>", "!="),
    ("item.price ≥ 5", "≥", ">="),
    ("item.price =< 5", "=<", "<="),
    ("item.new & item.in_stock", "&", "&&"),
    ("item.new and item.in_stock", "and", "&&"),
    ("item.new OR item.in_stock", "OR", "||"),
    ("not item.new", "not ", "!"),
    ("NOT (item.new)", "NOT ", "!"),
    ("item.in_stock == True", "True", "true"),
    ("item.price == None", "None", "null"),
    ("item.new is true", "is", "=="),
    ("item.brand is not 'x'", "is not", "!="),
    ("item.brand equals 'x'", "equals", "=="),
    ("item.brand == “Acme”", "“Acme”", '"Acme"'),
    ("item.brand == „Acme“", "„Acme“", '"Acme"'),
    ("item.brand == Acme", "Acme", '"Acme"'),
    ("item.brand in [Acme]", "Acme", '"Acme"'),
    ("item.brand contains 'x'", " contains 'x'", ".contains('x')"),
    ("item.brand startswith 'x'", " startswith 'x'", ".startsWith('x')"),
    ("item.brand.startswith('x')", "startswith", "startsWith"),
    ("len(item.brand) > 2", "len", ""),
    ("sizes(visitor.viewed) > 2", "sizes", "size"),
    ('"x" in item.brand', '"x" in item.brand', 'item.brand.contains("x")'),
    ('visitor.segments == "vip"', 'visitor.segments == "vip"', '"vip" in visitor.segments'),
    ('"vip" == visitor.segments', '"vip" == visitor.segments', '"vip" in visitor.segments'),
    ("vip in visitor.segments", "vip", '"vip"'),
    ('visitor.viewed in ["a"]', 'visitor.viewed in ["a"]', '"a" in visitor.viewed'),
    ('visitor.viewed.contains("a")', 'visitor.viewed.contains("a")', '"a" in visitor.viewed'),
    ("item.price < '50'", "'50'", "50"),
    ("item.price < '49,90 €'", "'49,90 €'", "49.90"),
    ("item.price < 49,90", "49,90", "49.90"),
    ("item.price < 1.000.000", "1.000.000", ""),
    ("item.price < 20EUR", "20EUR", ""),
    ("item.brand == 3", "3", '"3"'),
    ('item.new == "yes"', '"yes"', "true"),
    ('item.new == "false"', '"false"', "false"),
    ("visitor.visits", "visitor.visits", "visitor.visits > 0"),
    ("item.new && visitor.visits", "visitor.visits", "visitor.visits > 0"),
    ("!item.brand", "item.brand", '(item.brand != "")'),
    ("visitor.cart.items", "visitor.cart.items", "size(visitor.cart.items) > 0"),
    ("item.attributes", "item.attributes", 'item.attributes["…"]'),
    ("item.attributes.a.b == 1", ".b", ""),
    ('item.attributes["a"]["b"] == 1', '["b"]', ""),
    ("item.price.amount > 1", ".amount", ""),
    ('item.availability == "instock"', '"instock"', '"in_stock"'),
    ('item.availability == "sold out"', '"sold out"', ""),
    ('time.weekday == "Monday"', '"Monday"', '"mon"'),
    ('time.weekday in ["mon", "sunday"]', '"sunday"', '"sun"'),
    ('visitor.device == "phone"', '"phone"', ""),
    ('visitor.country == "de"', '"de"', '"DE"'),
    ('visitor.language in ["de-DE"]', '"de-DE"', '"de"'),
    ('item.currency == "eur"', '"eur"', '"EUR"'),
    ('lower(item.brand) == "Acme"', '"Acme"', '"acme"'),
    ('time.date > "24.12.2026"', '"24.12.2026"', ""),
    ("1 < item.price < 3", "<", "&& item.price <"),
    ("item.new item.in_stock", "item", "&& item"),
    ("item.brand == 'x", "'x", "'x'"),
    ("item.brand == 'a\\d'", "\\d", "\\\\d"),
    ("item.new > item.price", "item.new", ""),
    ("item.new + 1 > 0", "item.new", ""),
    ("(item.new", "", ""),
    ("item.price <", "", ""),
    ("item.price < && item.new", "&&", ""),
    ("item.price < 5)", ")", ""),
    ("[1] == item.price", "[1]", ""),
    ("item.price in 5", "5", "[5]"),
    ('item.brand.contains("a", "b")', 'item.brand.contains("a", "b")', ""),
    ("size(item.price) > 1", "item.price", ""),
    ("size(visitor.segments) > 1", "size(visitor.segments)", ""),
    ("item.price < 5 ? true : false", "?", ""),
    ("item.price % 2 == 0", "%", ""),
    ("", "", ""),
    ("   ", "", ""),
]


@pytest.mark.parametrize(("text", "marked", "suggestion"), MEANT)
def test_a_mistake_is_marked_and_what_was_meant_is_said(text: str, marked: str, suggestion: str) -> None:
    mistake = mistake_in(text)
    assert text[mistake.position : mistake.position + mistake.length] == marked
    assert mistake.suggestion == suggestion
    assert mistake.message == str(mistake)
    assert mistake.message[-1] in ".:"


@pytest.mark.parametrize(
    "text", [text for text, _, suggestion in MEANT if suggestion and "…" not in suggestion]
)
def test_whoever_takes_what_is_suggested_has_a_condition(text: str) -> None:
    for _ in range(3):
        mistake = mistake_in(text)
        assert mistake.suggestion
        end = mistake.position + mistake.length
        text = text[: mistake.position] + mistake.suggestion + text[end:]
        try:
            parse(text)
        except ConditionError:
            continue
        return
    raise AssertionError(text)


def test_what_is_shown_to_a_program_is_all_of_it() -> None:
    assert mistake_in("item.prise < 5").to_public() == {
        "code": "unknown_field",
        "message": "There is no field “item.prise”.",
        "position": 0,
        "length": 10,
        "suggestion": "item.price",
    }
    assert "suggestion" not in mistake_in("").to_public()


_long_names = [one.name for one in FIELDS.values() if one.type is not Type.MAP and len(one.name) > 6]


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_a_field_with_a_slip_is_found_again(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(_long_names))
    at = data.draw(st.integers(len(name) - 4, len(name) - 2))
    slipped = name[:at] + name[at + 1] + name[at] + name[at + 2 :]
    if slipped in FIELDS:
        return
    assert mistake_in(f"{slipped} == 1").suggestion in FIELDS


def test_every_sentence_can_be_said() -> None:
    """A sentence that no mistake uses, or a place in it that nobody fills, is a mistake of ours."""
    said = {mistake_in(text).code for text, _, _ in MEANT}
    elsewhere = {"not_text", "too_long", "too_many_parts", "too_deep", "list_too_long", "number_too_large"}
    rest = {
        mistake_in(text).code
        for text in (
            "item.new < true",
            "item.new.x(1)",
            "item.price == item.brand",
            "5 in visitor.viewed && item.price > visitor.viewed",
        )
    }
    assert SENTENCES.keys() - said - elsewhere - rest == set()
