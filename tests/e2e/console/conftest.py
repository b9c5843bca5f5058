"""One small demo for all who look at the console's pages: up in some seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect
from support.light_demo import LightDemo

PATIENCE_MS = 30_000  # a busy machine answers late; what is waited for is a condition


@pytest.fixture(scope="session", autouse=True)
def _patience() -> Iterator[None]:
    expect.set_options(timeout=PATIENCE_MS)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture(scope="session")
def demo() -> Iterator[LightDemo]:
    with LightDemo(items=60) as running:
        yield running
