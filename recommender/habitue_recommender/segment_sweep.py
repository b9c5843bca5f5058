"""One walk over all profiles, in small steps: when, how far, how fast. Pure but for the clock handed in.

Who does nothing raises no event, yet "not seen for 30 days" begins one day, and a changed definition concerns
everybody. A definition's walk goes as fast as it can; one for the passing of time only so fast that nobody
feels it.
"""

from __future__ import annotations

from dataclasses import dataclass

from habitue_collector.store import keys

MINUTE = 60_000
EVERY = 10 * MINUTE  # for what depends on the time
SELDOM = 24 * 60 * MINUTE  # else: records of profiles that are gone, what a crash left
RATE = 2_000  # profiles a second, where nobody waits: some 8 % of a core
STEP = 500  # profiles at once


@dataclass(slots=True)
class Sweep:
    """Where it stands: first `cursor` over all profiles, then `bucket` over the records of the gone."""

    cause: str = "definition"  # or "time"
    segments: frozenset[str] = frozenset()  # whose definitions are new: their counts are exact at its end
    began: int = 0
    cursor: int = 0
    walked: bool = False  # all profiles were seen
    bucket: int = 0
    members_cursor: int = 0
    done: int = 0
    of: int = 0  # about how many profiles there are
    people: int = 0  # those that segments speak of
    _allowed: float = 0.0

    @property
    def urgent(self) -> bool:
        """Somebody waits for its counts."""
        return self.cause == "definition"

    @property
    def finished(self) -> bool:
        return self.walked and self.bucket >= keys.BUCKETS

    def wait(self, seconds: float) -> None:
        """Time passed since the last steps: it allows for more."""
        self._allowed = min(self._allowed + seconds * RATE, 2.0 * STEP)

    def spend(self, profiles: int) -> None:
        self._allowed -= profiles

    @property
    def may_step(self) -> bool:
        return self.urgent or self._allowed > 0

    def to_record(self) -> dict[str, int | str]:
        return {"cause": self.cause, "done": self.done, "of": max(self.of, self.done)}
