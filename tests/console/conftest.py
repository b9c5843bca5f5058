"""One real Redis for all tests of the console; each begins with it empty."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from argon2 import PasswordHasher
from support.console import ConsoleFloor, console
from support.house import RealRedis

from habitue_console import users


@pytest.fixture(scope="session", autouse=True)
def _cheap_passwords() -> Iterator[None]:
    """The real cost is 50 ms and 64 MB a password, on purpose."""
    with pytest.MonkeyPatch.context() as patch:
        cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr(users, "_HASHER", cheap)
        patch.setattr(users, "_NOBODY", cheap.hash("nobody"))
        yield


@pytest_asyncio.fixture
async def floor(real: RealRedis) -> AsyncIterator[ConsoleFloor]:
    """The console of an installation (not the demo)."""
    async with console(real) as made:
        yield made


@pytest_asyncio.fixture
async def demo_floor(real: RealRedis) -> AsyncIterator[ConsoleFloor]:
    """The console of the demo."""
    async with console(real, demo=True) as made:
        yield made
