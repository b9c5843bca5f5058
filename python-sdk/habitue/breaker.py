"""A circuit breaker: who has failed five times in a row is left alone for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from random import SystemRandom

FAILURES = 5
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
# 0 to 1. The host's own `random` stays as it was seeded, and forked children do not pause in step.
jittered = SystemRandom().random


class Breaker:
    """Ask `allows` before a call, then say `succeeded` or `failed`; safe between threads.

    After `failures` in a row nothing is allowed for `first_pause` seconds, then one call may try; each
    time that it fails the pause doubles, up to `longest_pause`, with jitter.
    """

    def __init__(
        self,
        failures: int = FAILURES,
        first_pause: float = FIRST_PAUSE,
        longest_pause: float = LONGEST_PAUSE,
        *,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = jittered,
    ) -> None:
        self._limit = max(1, failures)
        self._first = first_pause
        self._longest = longest_pause
        self._clock = clock
        self._jitter = jitter
        self.after_fork()

    def after_fork(self) -> None:
        """A new process has its own experience."""
        self._lock = threading.Lock()
        self._failures = 0
        self._closed_until = 0.0  # of the clock
        self._trying_until = 0.0  # who tries and never says how it went blocks nobody for ever

    @property
    def is_open(self) -> bool:
        """Whether calls are being refused."""
        return self._failures >= self._limit and self._clock() < self._closed_until

    def allows(self) -> bool:
        """Whether a call may be made now; when the pause is over, one at a time."""
        if self._failures < self._limit:
            return True
        with self._lock:
            now = self._clock()
            if now < self._closed_until or now < self._trying_until:
                return False
            self._trying_until = now + self._longest
            return True

    def succeeded(self) -> None:
        if self._failures:
            with self._lock:
                self._failures = 0
                self._trying_until = 0.0

    def failed(self, retry_after: float = 0.0) -> None:
        """`retry_after` (s): what the server asked for."""
        with self._lock:
            self._failures += 1
            self._trying_until = 0.0
            more = self._failures - self._limit
            if more >= 0:
                pause = min(self._longest, self._first * 2.0 ** min(more, 16))
                pause = max(pause * (0.5 + 0.5 * self._jitter()), min(retry_after, self._longest))
                self._closed_until = self._clock() + pause
