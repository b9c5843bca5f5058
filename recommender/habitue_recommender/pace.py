"""How busy the thread is that answers pages: whoever is in a hurry leaves out what is dearest.

A brownout: near its limit a worker gives a slightly worse answer to everybody rather than a late one to many
(Klein et al., "Brownout: building more robust cloud applications", ICSE 2014). Pure but for its two clocks.
"""

from __future__ import annotations

import time
from collections.abc import Callable

LOOK_SECONDS = 0.1
HURRIED, CALM = 0.45, 0.2
"""Shares of the thread's time. With the ranker a page is up to 1.5 times as dear: what is CALM without it is
not HURRIED with it."""
_NEWEST = 0.35  # weight of the last look: some three tenths of a second count


class Pace:
    """`look` every `LOOK_SECONDS` from the thread that answers; `hurried` holds until it is calm again."""

    def __init__(
        self,
        clock: Callable[[], float] = time.perf_counter,
        used: Callable[[], float] = time.thread_time,
    ) -> None:
        self.hurried = False
        self.share = 0.0
        self._clock = clock
        self._used = used
        self._before: tuple[float, float] | None = None

    def look(self) -> bool:
        """Take a measure; whether it is hurried now."""
        now, used = self._clock(), self._used()
        if self._before is not None and (passed := now - self._before[0]) > 0.0:
            last = min((used - self._before[1]) / passed, 1.0)
            self.share += _NEWEST * (last - self.share)
            self.hurried = self.share > (CALM if self.hurried else HURRIED)
        self._before = (now, used)
        return self.hurried
