"""How many people would be in a segment? People drawn at random are asked: an answer at once, with margin."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from redis.asyncio import Redis

from habitue_collector.profile import Profile
from habitue_recommender.segments.members import Members, is_person

SAMPLE = 2_000
_ALL_KEYS = 5_000  # of a store this small everybody is asked
_ROUNDS = 4
_AT_ONCE = 500
_Z = 1.96  # 19 of 20 margins hold the true number

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Estimate:
    """`people`, most likely; `low` to `high` in 19 cases of 20; `share` of all people, 0 to 1.

    `of` is how many people there are, `asked` how many of them were asked. `exact`: all of them.
    """

    people: int
    share: float
    low: int
    high: int
    of: int
    asked: int = 0
    exact: bool = False


Answers = Callable[[Profile], Collection[str]]
"""Which of the names that are asked about hold for this person."""


async def estimate(
    redis: Redis, test: Callable[[Profile], bool], people: int | None = None, sample: int = SAMPLE
) -> Estimate:
    """Ask about one thing; see `estimates`."""
    found = await estimates(redis, lambda person: ("",) if test(person) else (), ("",), people, sample)
    return found[""]


async def estimates(
    redis: Redis,
    answers: Answers,
    names: Iterable[str],
    people: int | None = None,
    sample: int = SAMPLE,
) -> dict[str, Estimate]:
    """Ask `sample` people (some 200 ms for 2,000), by name; a small store is asked as a whole.

    `people`: how many there are, if that is known.
    """
    members = Members(redis)
    held = int(await redis.dbsize())
    hits: dict[str, int] = dict.fromkeys(names, 0)
    if held <= max(_ALL_KEYS, 2 * sample):
        asked = cursor = 0
        while True:
            cursor, found = await members.profiles(cursor, _AT_ONCE)
            asked += await _ask(members, found, answers, hits)
            if cursor == 0:
                return {
                    name: Estimate(count, count / asked if asked else 0.0, count, count, asked, asked, True)
                    for name, count in hits.items()
                }
    drawn: list[str] = []
    shares: list[float] = []
    while len(drawn) < sample and len(shares) < _ROUNDS:
        some, share = await members.drawn(sample)
        drawn += some
        shares.append(share)
    del drawn[sample:]
    asked = await _ask(members, drawn, answers, hits)
    if people is None:
        people = round(held * sum(shares) / len(shares) * asked / max(1, len(drawn)))
    return {name: _between(count, asked, max(people, asked)) for name, count in hits.items()}


async def _ask(members: Members, profile_ids: list[str], answers: Answers, hits: dict[str, int]) -> int:
    """How many of these are people; what holds for them is added to `hits`."""
    asked = unread = 0
    for start in range(0, len(profile_ids), _AT_ONCE):
        for held in await members.read(profile_ids[start : start + _AT_ONCE]):
            try:
                if held.profile is None or not is_person(held.profile):
                    continue
                found = answers(held.profile)
            except Exception:  # written by other hands: its neighbours answer
                unread += 1
                continue
            asked += 1
            for name in found:
                if name in hits:
                    hits[name] += 1
    if unread:
        _log.warning("%d profiles of a sample could not be read, and were not asked", unread)
    return asked


def _between(hits: int, asked: int, of: int) -> Estimate:
    """The score interval (Wilson 1927): right also where nobody, or everybody, of the sample is in it."""
    if not asked:
        return Estimate(0, 0.0, 0, of, of)
    share = hits / asked
    spread = 1 + _Z**2 / asked
    middle = (share + _Z**2 / (2 * asked)) / spread
    half = _Z * math.sqrt(share * (1 - share) / asked + _Z**2 / (4 * asked**2)) / spread
    low, high = math.floor(max(0.0, middle - half) * of), math.ceil(min(1.0, middle + half) * of)
    return Estimate(round(share * of), share, min(low, round(share * of)), high, of, asked)
