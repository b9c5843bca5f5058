"""Whom does a change touch? "312 people and 4 slots; it would have changed 8 % of yesterday's decisions."

People come from the newest snapshot of the profiles, decisions from the ones that were kept whole (one in a
hundred, by turn, so they are a fair sample). Both are looked at for as long as there is time; how many were
tried stands beside each figure, and with too few nothing is claimed. What that leaves open `estimated` fills
with who is known now and what was decided lately, and says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Timer
from time import monotonic
from typing import TYPE_CHECKING, Any

from habitue_collector.profile import Profile
from habitue_recommender.explain import sayings
from habitue_recommender.explain.change import Change
from habitue_recommender.explain.sayings import Saying
from habitue_recommender.explain.yesterday import Yesterday
from habitue_recommender.page import Page
from habitue_recommender.rulebook.book import Rulebook

if TYPE_CHECKING:
    from habitue_recommender.explain.present import Present
    from habitue_recommender.recommender import Recommender

SECONDS = 2.0
PEOPLE = 4_000  # asked at most; of fewer everybody
DECISIONS_TRIED = 500
LEAST = 30  # with fewer tried there is too little to say
_PEOPLE_PART = 0.35  # of the time
_PAGES = 50  # real pages a slot is asked for on
_LEAST_READING = 1.0  # seconds, whatever is asked for
_Z = 1.96  # 19 of 20 margins hold the true number


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `tried`; `exact` when those were all there are."""

    hits: int
    tried: int
    exact: bool = False

    @property
    def value(self) -> float:
        return self.hits / self.tried if self.tried else 0.0

    @property
    def margin(self) -> tuple[float, float]:
        """Between which shares the truth lies in 19 cases of 20: the score interval (Wilson 1927)."""
        if self.exact or not self.tried:
            return (self.value, self.value) if self.exact else (0.0, 1.0)
        n, share = self.tried, self.value
        spread = 1 + _Z**2 / n
        middle = (share + _Z**2 / (2 * n)) / spread
        half = _Z * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2)) / spread
        return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change touches.

    `people` of `people_of` meet the conditions of what was changed, on some page; between `people_low` and
    `people_high` in 19 cases of 20. `decisions_changed_share` (0 to 1, None when too little can be said) is
    of all decisions of `day`, of which `decisions_tried` were decided again.
    """

    people: int
    people_low: int
    people_high: int
    people_of: int
    people_tried: int
    slots: tuple[str, ...]
    day: str
    decisions_of: int
    decisions_tried: int
    decisions_changed: int
    decisions_changed_share: float | None
    decisions_low: float
    decisions_high: float
    seconds: float
    people_estimated: bool = False  # people were drawn from those who are known now, not from a snapshot
    decisions_estimated: bool = False  # decisions were tried with their visitors as they are now

    @property
    def knows_people(self) -> bool:
        return self.people_tried > 0

    @property
    def knows_decisions(self) -> bool:
        return self.decisions_changed_share is not None

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left to estimate."""
        return not self.slots or (self.knows_people and self.knows_decisions)

    def sayings(self) -> tuple[Saying, ...]:
        """What a marketer reads before saving."""
        return (self._of_people(), self._of_decisions())

    def _of_people(self) -> Saying:
        if not self.slots:
            return Saying(sayings.TOUCHES_NOTHING)
        slots = sayings.slots(len(self.slots))
        if not self.knows_people:
            return Saying(sayings.TOUCHES_SLOTS, {"slots": slots})
        told: dict[str, str | int | float | Saying]
        told = {"people": self.people, "of": self.people_of, "slots": slots}
        if self.people_estimated:
            told |= {"low": self.people_low, "high": self.people_high, "tried": self.people_tried}
            return Saying(sayings.TOUCHES_ESTIMATED, told)
        if self.people_low == self.people_high:
            return Saying(sayings.TOUCHES, told)
        return Saying(sayings.TOUCHES_ABOUT, told | {"low": self.people_low, "high": self.people_high})

    def _of_decisions(self) -> Saying:
        if not self.slots:
            return Saying(sayings.CHANGES_NONE)
        told: dict[str, str | int | float | Saying] = {"tried": self.decisions_tried, "day": self.day}
        if self.decisions_changed_share is None:
            return Saying(sayings.TOO_FEW_DECISIONS, told)
        told |= {
            "share": sayings.Share(self.decisions_changed_share),
            "low": sayings.Share(self.decisions_low),
            "high": sayings.Share(self.decisions_high),
        }
        return Saying(sayings.CHANGES_ESTIMATED if self.decisions_estimated else sayings.CHANGES, told)

    def to_public(self) -> dict[str, Any]:
        return {
            "people": self.people,
            "people_low": self.people_low,
            "people_high": self.people_high,
            "people_of": self.people_of,
            "people_tried": self.people_tried,
            "slots": list(self.slots),
            "day": self.day,
            "decisions_of": self.decisions_of,
            "decisions_tried": self.decisions_tried,
            "decisions_changed": self.decisions_changed,
            "decisions_changed_share": self.decisions_changed_share,
            "decisions_low": self.decisions_low,
            "decisions_high": self.decisions_high,
            "people_estimated": self.people_estimated,
            "decisions_estimated": self.decisions_estimated,
            "text": [said.text() for said in self.sayings()],
        }


def effect(
    before: Rulebook,
    after: Rulebook,
    *,
    recommender: Recommender,
    archive: Path,
    now: int,
    seconds: float = SECONDS,
    clock: Callable[[], float] = monotonic,
) -> Effect:
    """Try a change on the newest snapshot and on the last whole day of decisions; blocks for `seconds`."""
    began = clock()
    change = Change(before, after, recommender)
    past = Yesterday(archive, now, PEOPLE)
    # A cold disk is not waited for: what could not be read is not known.
    alarm = Timer(max(seconds, _LEAST_READING), past.interrupt)
    alarm.daemon = True
    alarm.start()
    try:
        pages = past.pages(change.slots) if change.slots else []
        people, of = _people(change, past, pages, now, clock, began + seconds * _PEOPLE_PART)
        tried, touched, total, day = _decisions(change, past, clock, began + seconds)
    finally:
        alarm.cancel()
        past.close()
    return Effect(
        slots=tuple(sorted(change.slots)),
        seconds=round(clock() - began, 3),
        **_of_people(people, of),
        **_of_decisions(tried, touched, total, day),
    )


def estimated(
    found: Effect,
    before: Rulebook,
    after: Rulebook,
    *,
    recommender: Recommender,
    present: Present,
    now: int,
    seconds: float = SECONDS,
    clock: Callable[[], float] = monotonic,
) -> Effect:
    """The same effect, with what it left open filled from the present and marked; blocks for `seconds`."""
    began = clock()
    change = Change(before, after, recommender)
    if found.is_whole or not change.slots:
        return found
    filled: dict[str, Any] = {}
    if not found.knows_people and present.people:
        pages = [(one.slot, one.page) for one in present.decisions]
        of = present.people_of
        if change.meets_all:
            share = Share(of, of, exact=True)
        else:
            share = _met(
                change, present.people, pages, now, clock, began + seconds * _PEOPLE_PART, present.all_people
            )
        filled |= {**_of_people(share, of), "people_estimated": True}
    if not found.knows_decisions:
        counts = present.counts or {}
        touched = sum(count for slot_id, count in counts.items() if slot_id in change.slots)
        asked = (
            (one.slot, one.page, one.profile, one.at, one.together)
            for one in present.decisions
            if one.slot in change.slots
        )
        tried = _tried(change, asked, clock, began + seconds)
        told = _of_decisions(tried, touched, sum(counts.values()), present.day)
        if told["decisions_changed_share"] is not None:
            filled |= {**told, "decisions_estimated": True}
    return replace(found, seconds=round(found.seconds + clock() - began, 3), **filled)


def _of_people(share: Share, of: int) -> dict[str, Any]:
    """What an effect says of people; of `of` a share was found."""
    low, high = share.margin
    people = round(share.value * of)
    return {
        "people": people,
        "people_low": min(math.floor(low * of), people),
        "people_high": math.ceil(high * of),
        "people_of": of,
        "people_tried": share.tried,
    }


def _of_decisions(tried: Share, touched: int, total: int, day: str) -> dict[str, Any]:
    """What an effect says of decisions: of `total` of a day `touched` stand where it acts."""
    share: float | None = None
    margin = (0.0, 1.0)
    if total and not touched:
        share, margin = 0.0, (0.0, 0.0)
    elif total and tried.tried >= LEAST:
        part = touched / total
        share, margin = tried.value * part, (tried.margin[0] * part, tried.margin[1] * part)
    return {
        "day": day,
        "decisions_of": total,
        "decisions_tried": tried.tried,
        "decisions_changed": tried.hits,
        "decisions_changed_share": share,
        "decisions_low": margin[0],
        "decisions_high": margin[1],
    }


# ---- on whom and on what it is tried -------------------------------------------------------------------


def _people(
    change: Change,
    past: Yesterday,
    pages: Iterable[tuple[str, Page]],
    now: int,
    clock: Callable[[], float],
    until: float,
) -> tuple[Share, int]:
    """Who of the snapshot meets it, and how many people it holds."""
    if not change.slots:
        return Share(0, 0), past.people
    if change.meets_all:
        return Share(past.people, past.people, exact=True), past.people
    return _met(change, past.profiles(), pages, now, clock, until, past.all_people), past.people


def _met(
    change: Change,
    people: Iterable[Profile],
    pages: Iterable[tuple[str, Page]],
    now: int,
    clock: Callable[[], float],
    until: float,
    all_people: bool,
) -> Share:
    """How many of them meet it, on a plain page of each type or on one of these."""
    met = change.plain_pages()
    for slot_id, page in pages:
        if slot_id in met and page not in met[slot_id] and len(met[slot_id]) < _PAGES:
            met[slot_id].append(page)
    hits = tried = 0
    whole = True
    for profile in people:
        if tried >= LEAST and clock() > until:
            whole = False
            break
        tried += 1
        hits += change.meets(profile, met, now)
    return Share(hits, tried, exact=whole and all_people)


def _decisions(
    change: Change, past: Yesterday, clock: Callable[[], float], until: float
) -> tuple[Share, int, int, str]:
    """How many of those tried differ, how many of the day's stand in a slot it touches, of how many."""
    counts = past.counts()
    total = sum(counts.values())
    touched = sum(count for slot_id, count in counts.items() if slot_id in change.slots)
    asked = past.decisions(sorted(change.slots), DECISIONS_TRIED) if touched else ()
    return _tried(change, asked, clock, until), touched, total, past.day


def _tried(
    change: Change,
    asked: Iterable[tuple[str, Page, Profile | None, int, tuple[str, ...]]],
    clock: Callable[[], float],
    until: float,
) -> Share:
    """How many of these decisions come out another way."""
    hits = tried = 0
    for slot_id, page, profile, at, together in asked:
        if tried >= LEAST and clock() > until:
            break
        tried += 1
        hits += change.differs(slot_id, page, profile, at, together)
    return Share(hits, tried)
