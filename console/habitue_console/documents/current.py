"""The rulebook as it is now: the process's own where it is up to date, else compiled anew."""

from __future__ import annotations

from habitue_console.house import House
from habitue_recommender.rulebook.book import Rulebook


async def current(house: House) -> Rulebook:
    """As of the newest change, also when the process has not followed it yet."""
    loaded = await house.rulebook.load()
    held: Rulebook | None = getattr(house.recommender, "rulebook", None)
    if held is not None and held.version == loaded.version:
        return held
    made: Rulebook = await house.rulebook.rulebook()
    return made
