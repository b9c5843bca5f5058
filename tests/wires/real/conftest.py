"""One collector for all clients; the clients are installed when the first of these tests runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .toolbox import install
from .witness import Witness, witness


@pytest.fixture(scope="session")
def clients() -> None:
    install()


@pytest.fixture(scope="session")
def shop(clients: None) -> Iterator[Witness]:
    with witness() as running:
        yield running
