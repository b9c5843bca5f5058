"""What a change would have touched: read from yesterday's archive, beside the event loop.

What yesterday cannot tell yet is estimated from the profiles in Redis and the decisions of today.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from habitue_console.documents.current import current
from habitue_console.house import House
from habitue_console.shown import told
from habitue_console.words import Words
from habitue_recommender.explain.effect import Effect, effect, estimated
from habitue_recommender.explain.present import present
from habitue_recommender.rulebook.documents import Change


@dataclass(frozen=True, slots=True)
class Told:
    """The effect, and the sentences that tell it."""

    effect: Effect
    sentences: tuple[str, ...]


async def effect_of(house: House, changes: Sequence[Change], _: Words) -> Told:
    """See `effect` and `estimated`: two seconds at most, four where there is no yesterday."""
    before = await current(house)
    after = await house.rulebook.rulebook(changes)
    now, recommender = house.clock(), house.recommender
    found = await house.in_thread(
        effect, before, after, recommender=recommender, archive=house.archive, now=now
    )
    if not found.is_whole:
        here = await present(house.redis, house.archive, now, found.slots)
        found = await house.in_thread(
            estimated, found, before, after, recommender=recommender, present=here, now=now
        )
    return Told(found, tuple(told(_.language)(one) for one in found.sayings()))
