"""A shop on shop.test, a recording collector on h.shop.test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from e2e.tag.recorder import Recorder


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with Recorder() as running:
        yield running
