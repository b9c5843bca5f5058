"""What holds for all tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from support.house import RealRedis

# A busy machine is slow, which is no property of the code: no example has a deadline, no data are "too slow".
settings.register_profile("habitue", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("habitue")

E2E = Path(__file__).parent / "e2e"
# In this order: the demo's first tests need no browser yet, and `asyncio.run`.
BROWSER = tuple(E2E / folder for folder in ("demo", "console", "debug", "tag"))
# Real processes, real browsers, real time: one of these is run again before it stops a landing, and is listed
# as RERUN at the end (decision 0032). Kill tests are not: what they find comes once in hundreds of rounds.
TESTS = Path(__file__).parent
WORLDLY = tuple(TESTS / name for name in ("bench", "cli", "console", "doors", "e2e", "house", "wires", "sdk"))
REDIS = {"real", "redis_socket"}  # the fixtures below
KILL_TESTS = (E2E / "test_kill.py", TESTS / "collector" / "test_commit.py")


@pytest.fixture(scope="session")
def _one_redis() -> Iterator[RealRedis]:
    real = RealRedis().start()
    yield real
    real.remove()


@pytest.fixture
def real(_one_redis: RealRedis) -> RealRedis:
    """The session's one Redis, empty."""
    return _one_redis.emptied()


@pytest.fixture
def redis_socket(real: RealRedis) -> str:
    """The same for who needs only the path of its socket."""
    return str(real.socket)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The browser's tests come last.

    Playwright's sync API keeps an event loop running in the main thread for as long as the browser is
    open, and nobody else can call `asyncio.run` then.
    """
    items.sort(key=_turn)  # stable: all else keeps its order
    for item in items:
        if _may_try_again(item):
            item.add_marker(pytest.mark.flaky(reruns=1))


def _may_try_again(item: pytest.Item) -> bool:
    if item.path in KILL_TESTS or "kill_9" in item.name:
        return False
    if any(item.path.is_relative_to(folder) for folder in WORLDLY):
        return True
    return not REDIS.isdisjoint(getattr(item, "fixturenames", ()))


def _turn(item: pytest.Item) -> int:
    for turn, folder in enumerate(BROWSER, 1):
        if item.path.is_relative_to(folder):
            return turn
    return 0
