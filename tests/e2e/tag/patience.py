"""How long is waited for what has to happen, on a machine that has other things to do.

Only what fails waits for so long. What must not happen is waited for by fixed times: a slow machine then
proves less, and never fails.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from playwright.sync_api import Browser, BrowserContext, Page

SECONDS = 120.0
OPENED = "!!window.habitue?.core?.log?.length"
"""The tag has read the page. Its core is there earlier; whoever leaves in between was never seen by us."""

T = TypeVar("T")


def patient_context(browser: Browser, **options: Any) -> BrowserContext:
    """A browser nobody has used yet."""
    context = browser.new_context(**options)
    context.set_default_timeout(SECONDS * 1000)
    return context


def until(page: Page, look: Callable[[], T], what: str) -> T:
    """The first true value of `look`; meanwhile the browser is listened to."""
    deadline = time.monotonic() + SECONDS
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited {SECONDS} s for {what}"
        page.wait_for_timeout(20)
    return found
