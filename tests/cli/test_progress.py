"""What is done is told: bars on a terminal, lines anywhere else."""

from __future__ import annotations

import logging

import pytest

from habitue_cli import progress
from habitue_cli.progress import Progress, bars


def test_where_nobody_looks_each_step_is_a_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "habitue"), bars() as steps:
        for name in ("reading the archive", "training popular"):
            steps.advance(steps.add_task(name, total=1))
    assert caplog.messages == ["Reading the archive", "Training popular"]


def test_a_long_step_says_now_and_then_how_far_it_is(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "QUIET_SECONDS", -1.0)
    with caplog.at_level(logging.INFO, "habitue"), Progress("Catalog") as said:
        said(1, 4)
        said(70)
    assert caplog.messages == ["Catalog: 25 %", "Catalog: 70"]
