"""Both event loops, and both ways to a handler."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator

import pytest
from support.beacon_desk import (
    BELOW,
    INSIDE,
    House,
    a_house,
)


@pytest.fixture(
    params=[("asyncio", {"use_uvloop": True}), ("asyncio", {"use_uvloop": False})], ids=["uvloop", "asyncio"]
)
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    backend: tuple[str, dict[str, bool]] = request.param
    return backend


@pytest.fixture(params=[BELOW, INSIDE])
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def house(way: str) -> AsyncIterator[House]:
    async with a_house(way) as built:
        yield built


@pytest.fixture(autouse=True)
def no_surprises(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """What is logged as an error must have been expected by the test (which then clears the log)."""
    with caplog.at_level(logging.WARNING):
        yield
    surprises = [record for record in caplog.get_records("call") if record.levelno >= logging.ERROR]
    assert not surprises
