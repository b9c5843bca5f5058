"""What an editor offers while a condition is being typed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import condition_writing as writing

from habitue_recommender.conditions import FIELDS, complete, parse
from habitue_recommender.conditions.complete import MOST, CompletionKind

SHOP = {
    "brands": ["Acme", "Nordwind", 'Quo"te'],
    "categories": ["Shoes/Trail", "Hats"],
    "segments": ["vip", "new-here"],
    "attributes": ["color", "margin"],
    "slots": ["home-hero"],
}


def offered(text: str) -> list[str]:
    """What the text becomes by each completion at its end."""
    return [text[: one.start] + one.text + text[one.end :] for one in complete(text, len(text), SHOP)]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("vis", "visitor.known"),
        ("item.pr", "item.price"),
        ("stock", "item.in_stock"),
        ("cart va", ""),
        ("visitor.new && item.b", "visitor.new && item.brand"),
        ("!", '!"vip" in visitor.segments'),
        ("siz", "size("),
        ("size(visitor.vi", "size(visitor.visits"),
        ("item.brand", "item.brand"),
        ("item.brand.", "item.brand.contains("),
        ("item.brand ", "item.brand =="),
        ("item.price ", "item.price <"),
        ("time.date ", "time.date <"),
        ("visitor.known ", "visitor.known &&"),
        ("item.brand == ", 'item.brand == "Acme"'),
        ('item.brand == "nor', 'item.brand == "Nordwind"'),
        ('item.brand == "o', 'item.brand == "Nordwind"'),
        ("item.brand == 'quo", 'item.brand == "Quo\\"te"'),
        ('item.brand in ["Acme", ', 'item.brand in ["Acme", "Acme"'),
        ('item.brand in ["Acme", "n', 'item.brand in ["Acme", "Nordwind"'),
        ('item.brand in ["Acme"] ', 'item.brand in ["Acme"] &&'),
        ("item.availability == ", 'item.availability == "in_stock"'),
        ("time.weekday in [", 'time.weekday in ["mon"'),
        ('slot != "', 'slot != "home-hero"'),
        ("visitor.known == ", "visitor.known == true"),
        ('"v', '"vip" in visitor.segments'),
        ('"sho', '"Shoes/Trail" in item.category'),
        ('"vip" ', '"vip" in'),
        ('"vip" in ', '"vip" in page.category'),
        ('"vip" in visitor.seg', '"vip" in visitor.segments'),
        ('item.attributes["', 'item.attributes["color"]'),
        ("item.attributes.", 'item.attributes["'),
        ('item.attributes["color"] ', 'item.attributes["color"] =='),
        ('visitor.affinity.brand["n', 'visitor.affinity.brand["Nordwind"]'),
        ('item.category.contains("', 'item.category.contains("Shoes/Trail"'),
        ("item.price < 5 ", "item.price < 5 &&"),
        ("item.price < 5 o", "item.price < 5 ||"),
        ("item.price < visitor.ca", "item.price < visitor.cart.value"),
        ("(item.price < 5) ", "(item.price < 5) &&"),
    ],
)
def test_the_likeliest_comes_first(text: str, first: str) -> None:
    assert (offered(text) or [""])[0] == first


def test_an_empty_editor_offers_segments_categories_and_every_kind_of_field() -> None:
    found = complete("", 0, SHOP)
    assert [one.text for one in found[:4]] == [
        '"vip" in visitor.segments',
        '"new-here" in visitor.segments',
        '"Shoes/Trail" in item.category',
        '"Hats" in item.category',
    ]
    assert len(found) == MOST
    assert {one.kind for one in found} == {CompletionKind.VALUE, CompletionKind.FIELD}
    price = next(one for one in found if one.text == "item.price")
    assert (price.label, price.help) == (FIELDS["item.price"].label, FIELDS["item.price"].help)
    assert price.to_public()["kind"] == "field"


def test_in_the_middle_of_a_text_the_word_under_the_caret_is_replaced() -> None:
    text = 'item.bra == "Acme" && item.new'
    (first, *_) = complete(text, 6, SHOP)
    assert text[: first.start] + first.text + text[first.end :] == 'item.brand == "Acme" && item.new'
    text = 'item.brand == "Ac" && item.new'
    (first, *_) = complete(text, 17, SHOP)
    assert text[: first.start] + first.text + text[first.end :] == 'item.brand == "Acme" && item.new'


def test_nothing_is_offered_where_nothing_of_ours_can_stand() -> None:
    assert offered("item.price < 5 # ") == []
    assert offered('item.name == "x') == []
    assert complete("x" * 3_000, 10, SHOP) == []


@given(writing.texts, st.data())
@settings(max_examples=50, deadline=None)
def test_whatever_is_typed_completions_lie_in_the_text(text: str, data: st.DataObject) -> None:
    text = data.draw(st.one_of(st.just(text), st.text("item.brand&|!()[]\"' <=5", max_size=30)))
    position = data.draw(st.integers(-1, len(text) + 1))
    for one in complete(text, position, SHOP):
        assert 0 <= one.start <= max(0, min(position, len(text))) <= one.end <= len(text)
        assert one.text


@given(writing.relations)
@settings(max_examples=50, deadline=None)
def test_behind_whole_parts_they_can_be_joined(text: str) -> None:
    parse(text)
    found = [one.text for one in complete(f"({text}) ", len(text) + 3)]
    assert found == ["&&", "||"]
