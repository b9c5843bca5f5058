"""Hours of the day in which nothing big should begin, as `18:00-22:00`, by the shop's clock. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

_SPAN = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")
_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Spans of minutes of the day; one that ends before it begins goes over midnight."""

    spans: tuple[tuple[int, int], ...] = ()
    timezone: str = "UTC"

    @classmethod
    def parse(cls, texts: Sequence[str], timezone: str = "UTC") -> QuietHours:
        """Raises ValueError with a sentence."""
        return cls(tuple(_span(text) for text in texts), timezone)

    def holds(self, now: int) -> bool:
        """Whether it is quiet at `now` (ms)."""
        if not self.spans:
            return False
        clock = datetime.fromtimestamp(now / 1_000, UTC).astimezone(ZoneInfo(self.timezone))
        minute = clock.hour * 60 + clock.minute
        return any(
            begin <= minute < end if begin < end else minute >= begin or minute < end
            for begin, end in self.spans
        )


def _span(text: str) -> tuple[int, int]:
    found = _SPAN.fullmatch(text.strip())
    if found is not None:
        begin, end = (int(found[at]) * 60 + int(found[at + 1]) for at in (1, 3))
        if begin < _DAY and end <= _DAY and begin != end and int(found[2]) < 60 and int(found[4]) < 60:
            return begin, end
    raise ValueError(f"{text!r} is no span of hours; write 18:00-22:00")
