"""The addresses that a segment tells: each mistake at its place, none of them fatal."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from habitue_recommender.rulebook.mistakes import Mistakes
from habitue_recommender.segments.segment import parse_segment
from habitue_recommender.webhooks.addresses import address_problem

GOOD = "https://hooks.shop.example:8443/a?b=c"


def segment(webhooks: Any) -> Any:
    return parse_segment({"id": "vip", "when": "visitor.visits > 1", "webhooks": webhooks})


@pytest.mark.parametrize(
    "webhooks", [None, [], [GOOD], [GOOD, "http://10.0.0.1/x", "https://[2606:4700::1]/"]]
)
def test_addresses_are_kept_as_they_are(webhooks: Any) -> None:
    assert segment(webhooks).webhooks == tuple(webhooks or ())


@pytest.mark.parametrize(
    ("webhooks", "field"),
    [
        ("https://a.example", "webhooks"),
        ([f"{GOOD}{number}" for number in range(6)], "webhooks"),
        ([GOOD, GOOD], "webhooks.1"),
        ([GOOD, 7], "webhooks.1"),
        (["ftp://a.example/"], "webhooks.0"),
        (["javascript:alert(1)"], "webhooks.0"),
        (["//a.example/"], "webhooks.0"),
        (["https://anna:secret@a.example/"], "webhooks.0"),
        (["https://a.example/#part"], "webhooks.0"),
        (["https://a.example/a b"], "webhooks.0"),
        (["https://a.example\\@b.example/"], "webhooks.0"),
        (["https://a.example/\r\nhost: b"], "webhooks.0"),
        (["https://a.example:99999/"], "webhooks.0"),
        (["https://[::1/"], "webhooks.0"),
        (["https:///path"], "webhooks.0"),
        ([GOOD + "a" * 1_000], "webhooks.0"),
    ],
)
def test_what_cannot_be_called_is_told_at_its_place(webhooks: Any, field: str) -> None:
    with pytest.raises(Mistakes) as caught:
        segment(webhooks)
    assert [mistake.field for mistake in caught.value] == [field]


@given(st.text() | st.integers() | st.none() | st.binary())
def test_anything_is_an_address_or_has_a_reason(value: Any) -> None:
    problem = address_problem(value)
    assert problem is None or problem


@given(st.text(max_size=30).map(lambda text: f"https://{text}"))
def test_anything_behind_https_is_an_address_or_has_a_reason(value: str) -> None:
    problem = address_problem(value)
    assert problem is None or problem
