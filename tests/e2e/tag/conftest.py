"""A shop on shop.test with a recording collector on h.shop.test; and shops before the real one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from e2e.tag.mall import Mall
from e2e.tag.patience import patient_context
from e2e.tag.real_collector import RealCollector
from e2e.tag.recorder import Recorder
from playwright.sync_api import Browser, BrowserContext


@pytest.fixture
def visitor(browser: Browser) -> Iterator[BrowserContext]:
    context = patient_context(browser)
    yield context
    context.close()


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with Recorder() as running:
        yield running


@pytest.fixture(scope="session")
def collector() -> Iterator[RealCollector]:
    with RealCollector() as running:
        yield running


@pytest.fixture(scope="session")
def mall(collector: RealCollector) -> Iterator[Mall]:
    with Mall(collector.port) as running:
        yield running
