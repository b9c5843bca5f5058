"""What holds for all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

E2E = Path(__file__).parent / "e2e"
# In this order: the demo's first tests need no browser yet, and `asyncio.run`.
BROWSER = tuple(E2E / folder for folder in ("demo", "console", "debug", "tag"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The browser's tests come last.

    Playwright's sync API keeps an event loop running in the main thread for as long as the browser is
    open, and nobody else can call `asyncio.run` then.
    """
    items.sort(key=_turn)  # stable: all else keeps its order


def _turn(item: pytest.Item) -> int:
    for turn, folder in enumerate(BROWSER, 1):
        if item.path.is_relative_to(folder):
            return turn
    return 0
