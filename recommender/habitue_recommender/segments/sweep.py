"""One walk over all profiles, in small steps: when, how far, how fast. Pure but for the clock handed in.

Who does nothing raises no event, yet "not seen for 30 days" begins one day, and a changed definition concerns
everybody. A definition's walk goes as fast as it can; one for the passing of time only so fast that nobody
feels it.
"""

from __future__ import annotations

from dataclasses import dataclass

from habitue_recommender.segments.segment import Segments

MINUTE = 60_000
EVERY = 10 * MINUTE  # for what depends on the time
SELDOM = 24 * 60 * MINUTE  # else: records of profiles that are gone, what a crash left
SHARE = 0.1  # of the time, where nobody waits: some 2,000 profiles a second
STEP = 500  # profiles at once


@dataclass(slots=True)
class Sweep:
    """Where it stands: first `cursor` over all profiles, then `buckets` for the records of the gone.

    A definition's ends with the profiles: nobody waits for what is gone.
    """

    cause: str = "definition"  # or "time"
    segments: frozenset[str] = frozenset()  # whose definitions are new: their counts are exact at its end
    decides: Segments | None = None  # those that it looks at: the new ones, and what they name; None: all
    began: int = 0
    cursor: int = 0
    walked: bool = False  # all profiles were seen
    buckets: list[int] | None = None  # that have members, and are still to be looked at
    members_cursor: int = 0
    done: int = 0
    of: int = 0  # about how many profiles there are
    people: int = 0  # those that segments speak of
    missed: int = 0  # profiles that had found no room when it began: it finds them
    _next: float = 0.0

    @property
    def urgent(self) -> bool:
        """Somebody waits for its counts."""
        return self.cause == "definition"

    @property
    def finished(self) -> bool:
        return self.walked and (self.urgent or self.buckets == [])

    def rest(self, began: float, ended: float) -> None:
        """A step took from `began` to `ended` (seconds): the next may begin when its share allows."""
        if not self.urgent:
            self._next = ended + (ended - began) * (1 / SHARE - 1)

    def may_step(self, at: float) -> bool:
        return at >= self._next

    def to_record(self) -> dict[str, int | str]:
        return {"cause": self.cause, "done": self.done, "of": max(self.of, self.done)}
