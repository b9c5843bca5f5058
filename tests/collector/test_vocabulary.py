"""Public names are understood, however they are spelt, and the documentation lists every one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from habitue_collector.events import Kind, RejectReason
from habitue_collector.vocabulary import GA4, SEGMENT, VOCABULARIES, fold_name, kind_of

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
        ("Size Advisor Opened", Kind.CUSTOM),
        ("", Kind.CUSTOM),
    ],
)
def test_a_name_means_a_kind(name: str, kind: Kind) -> None:
    assert kind_of(name) is kind


def test_all_of_segments_ecommerce_spec_is_known() -> None:
    assert len(SEGMENT) == 28  # version 2 of the published list
    assert len(GA4) >= 14  # the e-commerce events alone


def test_no_two_names_fold_together_and_disagree() -> None:
    meanings: dict[str, Kind] = {}
    for table in VOCABULARIES.values():
        for name, kind in table.items():
            assert meanings.setdefault(fold_name(name), kind) is kind
            assert kind_of(name) is kind


def test_every_kind_and_every_name_is_documented() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", DOCUMENT.read_text("utf-8"), re.MULTILINE))
    for kind in Kind:
        assert kind.value in rows, f"docs/events.md has no row for {kind}"
        documented = set(re.findall(r"`([^`]+)`", rows[kind.value]))
        known = {name for table in VOCABULARIES.values() for name, meant in table.items() if meant is kind}
        assert documented == known


def test_every_reject_reason_is_documented() -> None:
    text = DOCUMENT.read_text("utf-8")
    for reason in RejectReason:
        assert f"| `{reason.value}` |" in text
