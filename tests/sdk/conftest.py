"""A badly behaved collector for every test, and pauses short enough to wait for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.fake_collector import FakeCollector, running_collector

from habitue.reporter import Reporter


@pytest.fixture
def collector() -> Iterator[FakeCollector]:
    with running_collector() as fake:
        yield fake


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who says no deadline waits for the answer, however busy the machine is; who asks for one, says it."""
    monkeypatch.setitem(Reporter.__init__.__kwdefaults__, "deadline", 10.0)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries come soon; their number and order are what the tests look at."""
    monkeypatch.setattr("habitue.worker.FIRST_PAUSE", 0.01)
    monkeypatch.setattr("habitue.worker.REQUEST_SECONDS", 10.0)  # none is sent again because we were slow
