"""What became of the events: every loss has a counted reason."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

logger = logging.getLogger("habitue")


@dataclass(frozen=True, slots=True)
class Stats:
    """A snapshot. Events are in exactly one of `queued`, `delivered` and `lost`.

    `lost` counts by reason: `queue_full`, `too_old`, `event_too_large`, `invalid_argument`, `closed`,
    `disabled`, `http_<status>`, `rejected_<reason of the server>`, `internal_error`. `duplicates` are
    delivered events that the server knew already; `retries` counts requests sent again;
    `offers_missed` counts by reason how often a fallback was served, `calls_missed` the same for `profile`,
    `forget` and the mounts' asking for a `cookie`, as in `profile_deadline`.
    """

    queued: int
    delivered: int
    duplicates: int
    retries: int
    lost: Mapping[str, int]
    offers_missed: Mapping[str, int]
    calls_missed: Mapping[str, int]


class Tally:
    """The counters behind `Stats`; safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._said: set[str] = set()
        self.delivered = 0
        self.duplicates = 0
        self.retries = 0
        self._lost: Counter[str] = Counter()
        self._missed: Counter[str] = Counter()
        self._calls: Counter[str] = Counter()

    def deliver(self, count: int, duplicates: int) -> None:
        with self._lock:
            self.delivered += count
            self.duplicates += duplicates

    def retry(self) -> None:
        with self._lock:
            self.retries += 1

    def lose(self, reason: str, count: int = 1, detail: object = "") -> None:
        with self._lock:
            self._lost[reason] += count
        self._say(reason, "events are being lost: %s %s", detail)

    def miss(self, call: str, reason: str, detail: object = "") -> None:
        name = f"{call}_{reason}"
        with self._lock:
            if call == "offers":
                self._missed[reason] += 1
            else:
                self._calls[name] += 1
        self._say(name, "no answer from the server, it goes on without: %s %s", detail)

    def snapshot(self, queued: int) -> Stats:
        with self._lock:
            return Stats(
                queued,
                self.delivered,
                self.duplicates,
                self.retries,
                dict(self._lost),
                dict(self._missed),
                dict(self._calls),
            )

    def after_fork(self) -> None:
        """The parent's lock may have been held, and its counts are the parent's."""
        self.__init__()  # type: ignore[misc]

    def _say(self, reason: str, sentence: str, detail: object) -> None:
        """Each reason once: a guest does not fill its host's log."""
        with self._lock:
            if reason in self._said:
                return
            self._said.add(reason)
        # What a server says may hold line breaks, and be long.
        told = "".join(letter if letter.isprintable() else " " for letter in str(detail)[:300])
        logger.warning(sentence, reason, told)
