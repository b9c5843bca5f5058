"""Which word on consent counts."""

from __future__ import annotations

from typing import Any

import pytest

from habitue_collector.consent import (
    DENIED,
    GRANTED,
    PENDING,
    Consent,
    State,
    effective,
    from_record,
    read_consent,
)

ANALYTICS_ONLY = Consent(State.GRANTED, State.DENIED)


@pytest.mark.parametrize(
    ("context", "read"),
    [
        ({"consent": {"analytics": "granted", "personalization": "denied"}}, ANALYTICS_ONLY),
        ({"consent": {"analytics": "Granted", "personalization": "no"}}, ANALYTICS_ONLY),
        ({"consent": {"analytics": True, "personalization": False}}, ANALYTICS_ONLY),
        ({"consent": {"analytics": "pending", "personalization": "pending"}}, PENDING),
        ({"consent": {"analytics": "granted"}}, Consent(State.GRANTED, None)),
        ({"consent": {"categoryPreferences": {"Analytics": True, "Advertising": False}}}, ANALYTICS_ONLY),
        ({"consent": {"categoryPreferences": {"C0002": True, "C0004": True}}}, GRANTED),
        ({"consent": {"categoryPreferences": {"analytics_storage": False}}}, Consent(State.DENIED, None)),
        ({"consent": {"categoryPreferences": {"Functional": True}}}, None),
        ({"consent": {"categoryPreferences": ["Analytics"]}}, None),
        ({"consent": {"analytics": "maybe"}}, None),
        ({"consent": {"analytics": 1}}, None),
        ({"consent": "granted"}, None),
        ({"consent": None}, None),
        ({}, None),
        (None, None),
        ("granted", None),
    ],
)
def test_reading(context: Any, read: Consent | None) -> None:
    assert read_consent(context) == read


@pytest.mark.parametrize(
    ("explicit", "stored", "key_assumes", "gpc", "result"),
    [
        # nothing is said: the key decides
        (None, None, True, False, GRANTED),
        (None, None, False, False, PENDING),
        # the request decides
        (GRANTED, None, False, False, GRANTED),
        (DENIED, None, True, False, DENIED),
        (PENDING, None, True, False, PENDING),
        (ANALYTICS_ONLY, None, False, False, ANALYTICS_ONLY),
        # the profile remembers, unless the request says otherwise
        (None, DENIED, True, False, DENIED),
        (None, GRANTED, False, False, GRANTED),
        (GRANTED, DENIED, False, False, GRANTED),
        (DENIED, GRANTED, True, False, DENIED),
        (PENDING, DENIED, True, False, DENIED),
        (PENDING, GRANTED, True, False, PENDING),
        # purpose by purpose
        (Consent(State.GRANTED, None), DENIED, False, False, ANALYTICS_ONLY),
        (Consent(State.GRANTED, None), None, True, False, GRANTED),
        (Consent(None, State.DENIED), None, True, False, ANALYTICS_ONLY),
        # Global Privacy Control stands above all of it
        (GRANTED, GRANTED, True, True, DENIED),
        (None, None, True, True, DENIED),
    ],
)
def test_the_effective_consent(
    explicit: Consent | None, stored: Consent | None, key_assumes: bool, gpc: bool, result: Consent
) -> None:
    assert effective(explicit, stored, key_assumes, gpc) == result


def test_what_each_state_permits() -> None:
    assert GRANTED.keeps_profile
    assert GRANTED.personalizes
    assert ANALYTICS_ONLY.keeps_profile
    assert not ANALYTICS_ONLY.personalizes
    assert not Consent(State.DENIED, State.GRANTED).personalizes
    assert not PENDING.keeps_profile


def test_records_come_back() -> None:
    for consent in (GRANTED, DENIED, PENDING, ANALYTICS_ONLY, Consent(None, State.DENIED)):
        assert from_record(consent.to_record()) == consent
    assert from_record({}) is None
    assert from_record(None) is None
