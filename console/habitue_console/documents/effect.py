"""What a change would have touched: read from yesterday's archive, beside the event loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from habitue_console.documents.current import current
from habitue_console.house import House
from habitue_console.words import Words
from habitue_recommender.explain.effect import Effect, effect
from habitue_recommender.rulebook.documents import Change


@dataclass(frozen=True, slots=True)
class Told:
    """The effect, and the sentences that tell it."""

    effect: Effect
    sentences: tuple[str, ...]


async def effect_of(house: House, changes: Sequence[Change], _: Words) -> Told:
    """See `effect`: two seconds at most."""
    before = await current(house)
    after = await house.rulebook.rulebook(changes)
    found = await house.in_thread(
        effect, before, after, recommender=house.recommender, archive=house.archive, now=house.clock()
    )
    return Told(found, tuple(one.text(_) for one in found.sayings()))
