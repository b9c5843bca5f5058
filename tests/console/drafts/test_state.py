"""Off, scheduled, active, ended, broken."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from habitue_console.drafts.state import State, resting, state_of

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=BERLIN)  # a Sunday


@pytest.mark.parametrize(
    ("body", "state"),
    [
        ({}, State.ACTIVE),
        ({"enabled": False}, State.OFF),
        ({"validity": {"from": "2026-11-22T12:01:00+01:00"}}, State.SCHEDULED),
        ({"validity": {"from": "2026-11-22T11:00:00+00:00"}}, State.ACTIVE),
        ({"validity": {"until": "2026-11-22T12:00:00+01:00"}}, State.ENDED),
        ({"validity": {"from": "nonsense", "until": 7}}, State.ACTIVE),
        ({"validity": "nonsense"}, State.ACTIVE),
    ],
)
def test_the_state_is_told_by_switch_and_dates(body: dict[str, Any], state: State):
    assert state_of(body, NOW, BERLIN) is state


def test_what_does_not_compile_is_broken_whatever_else_it_says():
    assert state_of({"enabled": False}, NOW, BERLIN, broken=True) is State.BROKEN


@pytest.mark.parametrize(
    ("validity", "rests"),
    [
        ({"weekdays": ["sun"]}, False),
        ({"weekdays": ["mon"]}, True),
        ({"hours": ["08:00", "12:00"]}, True),
        ({"hours": ["12:00", "20:00"]}, False),
        ({"hours": ["22:00", "06:00"]}, True),
        ({"hours": ["22:00", "13:00"]}, False),
    ],
)
def test_an_active_document_may_wait_for_its_hour(validity: dict[str, Any], rests: bool):
    assert resting({"validity": validity}, NOW, BERLIN) is rests
