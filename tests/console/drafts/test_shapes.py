"""A form and its document say the same, whichever comes first."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from habitue_console.drafts.draft import CONTENT, RULE, SEGMENT, Draft

BERLIN = ZoneInfo("Europe/Berlin")

FULL_RULE: dict[str, Any] = {
    "name": "Trail shoes for runners",
    "note": "asked for by Ana",
    "enabled": True,
    "priority": 5,
    "condition": {
        "slots": ["home-hero", "pdp-related"],
        "page_types": ["home"],
        "when": '"runners" in visitor.segments',
    },
    "consequence": {
        "pin": [{"item_id": "sku-1", "position": 1}, {"item_id": "sku-2", "position": 3}],
        "boost": 1.5,
        "include": ["sku-9"],
        "same": ["category"],
        "different": ["brand"],
        "fallback": ["sku-3", "source:popular"],
        "limit": {"brand": 2},
        "cap": {"impressions": 5, "days": 7},
        "in_cart": "never",
    },
    "validity": {
        "from": "2026-12-01T08:00:00+01:00",
        "until": "2026-12-24T18:00:00+01:00",
        "weekdays": ["mon", "fri"],
        "hours": ["08:00", "20:00"],
    },
    "share": 0.25,
}


def test_a_rule_goes_through_its_form_unchanged():
    assert Draft.of(RULE, FULL_RULE, BERLIN).document(BERLIN) == FULL_RULE


def test_a_form_goes_through_the_tidying_of_what_was_sent_unchanged():
    typed = Draft.of(RULE, FULL_RULE, BERLIN).typed
    sent = [(name, value) for name, values in typed.items() for value in values]
    assert Draft.read(RULE, sent).tidy().document(BERLIN) == FULL_RULE


def test_true_and_a_list_are_two_ways_to_include():
    rule = {"name": "x", "enabled": False, "consequence": {"include": True, "exclude": True, "filter": True}}
    assert Draft.of(RULE, rule, BERLIN).document(BERLIN) == rule


def test_what_is_left_empty_is_not_in_the_document():
    draft = Draft.read(
        RULE, [("name", " x "), ("consequence.boost", " "), ("share", "100"), ("validity.from", "")]
    )
    assert draft.document(BERLIN) == {"name": "x", "enabled": False, "consequence": {}, "share": 1.0}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("1,5", 1.5), ("2", 2), ("2.0", 2.0), ("-3", -3), ("a lot", "a lot"), ("1e999", "1e999"), ("½", "½")],
)
def test_a_number_is_read_as_people_write_it_and_else_stays_what_was_typed(typed: str, meant: object):
    document = Draft.read(RULE, [("consequence.boost", typed)]).document(BERLIN)
    assert document["consequence"]["boost"] == meant
    assert type(document["consequence"]["boost"]) is type(meant)


@pytest.mark.parametrize(("typed", "meant"), [("25", 0.25), ("12,5 %", 0.125), ("100", 1.0), ("all", "all")])
def test_a_share_is_typed_in_percent(typed: str, meant: object):
    assert Draft.read(RULE, [("share", typed)]).document(BERLIN)["share"] == meant


def test_a_time_is_the_shops_and_keeps_its_offset():
    draft = Draft.read(RULE, [("validity.from", "2026-07-01T08:00"), ("validity.until", "soon")])
    assert draft.document(BERLIN)["validity"] == {"from": "2026-07-01T08:00:00+02:00", "until": "soon"}


def test_a_time_of_another_zone_is_shown_in_the_shops():
    rule = {"validity": {"from": "2026-07-01T06:00:00+00:00"}}
    assert Draft.of(RULE, rule, BERLIN).value("validity.from") == "2026-07-01T08:00"


def test_segments_and_contents_go_through_their_forms():
    segment = {"name": "VIP", "when": "visitor.orders.count >= 3"}
    content = {
        "name": "Summer",
        "enabled": True,
        "kind": "coupon",
        "title": "<b>10 %</b> off",
        "code": "SUN10",
        "slots": ["home-hero"],
        "position": 1,
    }
    assert Draft.of(SEGMENT, segment, BERLIN).document(BERLIN) == segment
    assert Draft.of(CONTENT, content, BERLIN).document(BERLIN) == content


@given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=30)), max_size=30))
def test_nothing_that_is_sent_breaks_the_reading(pairs: list[tuple[str, str]]):
    names = ("consequence.pin.0.position", "validity.hours.1", "share", "consequence.include.which")
    mixed = [*pairs, *zip(names, (value for _, value in pairs), strict=False)]
    for kind in (RULE, SEGMENT, CONTENT):
        assert isinstance(Draft.read(kind, mixed).tidy().document(BERLIN), dict)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(RULE.shape.fields, _json)))
def test_no_document_breaks_its_form(body: dict[str, Any]):
    Draft.of(RULE, body, BERLIN).document(BERLIN)
