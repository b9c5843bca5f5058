"""A badly behaved collector for every test, and pauses short enough to wait for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.fake_collector import FakeCollector, running_collector


@pytest.fixture
def collector() -> Iterator[FakeCollector]:
    with running_collector() as fake:
        yield fake


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries come soon; their number and order are what the tests look at."""
    monkeypatch.setattr("habitue.worker.FIRST_PAUSE", 0.01)
    monkeypatch.setattr("habitue.worker.REQUEST_SECONDS", 0.5)
