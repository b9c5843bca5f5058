"""What holds for all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

E2E = Path(__file__).parent / "e2e"
BROWSER = tuple(E2E / folder for folder in ("debug", "tag", "demo"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The browser's tests come last.

    Playwright's sync API keeps an event loop running in the main thread for as long as the browser is
    open, and nobody else can call `asyncio.run` then.
    """
    items.sort(
        key=lambda item: any(map(item.path.is_relative_to, BROWSER))
    )  # stable: all else keeps its order
