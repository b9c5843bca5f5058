"""Public names are understood, however they are spelt, and the documentation lists every one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from habitue_collector.events import Kind, RejectReason
from habitue_collector.vocabulary import GA4, SEGMENT, VOCABULARIES, by_kind, fold_name, kind_of

DOCUMENT = Path(__file__).parents[2] / "docs" / "events.md"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Product Viewed", Kind.PRODUCT_VIEW),
        ("product viewed", Kind.PRODUCT_VIEW),
        ("product_viewed", Kind.PRODUCT_VIEW),
        ("productViewed", Kind.PRODUCT_VIEW),
        ("PRODUCT-VIEWED", Kind.PRODUCT_VIEW),
        ("view_item", Kind.PRODUCT_VIEW),
        ("View Item", Kind.PRODUCT_VIEW),
        ("product_view", Kind.PRODUCT_VIEW),
        ("Order Completed", Kind.PURCHASE),
        ("purchase", Kind.PURCHASE),
        ("Offer Viewed", Kind.OFFER_IMPRESSION),
        ("Offer Clicked", Kind.OFFER_CLICK),
        ("Form Submitted", Kind.FORM_SUBMIT),
        ("Survey Answered", Kind.SURVEY),
        ("generate_lead", Kind.CONTACT),
        ("login", Kind.CUSTOM),
        ("Completed Order", Kind.PURCHASE),
        ("product_added_to_cart", Kind.ADD_TO_CART),
        ("checkout_completed", Kind.PURCHASE),
        ("list_click", Kind.PRODUCT_CLICK),
        ("Cart Update", Kind.CART_VIEW),
        ("Size Advisor Opened", Kind.CUSTOM),
        ("", Kind.CUSTOM),
    ],
)
def test_a_name_means_a_kind(name: str, kind: Kind) -> None:
    assert kind_of(name) is kind


def test_all_of_segments_ecommerce_spec_is_known() -> None:
    assert len(SEGMENT) == 29  # version 2 of the published list has 28, one of them in two spellings
    assert len(GA4) >= 14  # the e-commerce events alone


def test_an_everyday_word_is_an_order_only_where_it_is_snowplows() -> None:
    assert kind_of("transaction") is Kind.PURCHASE
    assert kind_of("Transaction") is Kind.CUSTOM


def test_no_two_names_fold_together_and_disagree() -> None:
    meanings: dict[str, Kind] = {}
    for table in VOCABULARIES.values():
        for name, kind in table.items():
            assert meanings.setdefault(fold_name(name), kind) is kind
            assert kind_of(name) is kind


def test_the_table_of_the_documentation_is_the_vocabularies() -> None:
    """To renew a row: print `habitue_collector.vocabulary.by_kind()`."""
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", DOCUMENT.read_text("utf-8"), re.MULTILINE))
    for kind, cell in by_kind().items():
        assert rows[kind.value] == (cell or "the identify call")


def test_every_reject_reason_is_documented() -> None:
    text = DOCUMENT.read_text("utf-8")
    for reason in RejectReason:
        assert f"| `{reason.value}` |" in text
