"""What would this visitor see, here, now, and what after the change? Both explained, side by side.

For a real visitor (`visitor` reads one), for somebody made up (`made_up.Persona`) and for some members of a
segment. Nothing of it is stored, counted or shown to anybody: it is one decision more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from redis.asyncio import Redis

from habitue_collector.events import USER_PREFIX
from habitue_collector.profile import Profile, unpack
from habitue_collector.store import keys
from habitue_recommender.explain.explanation import Explanation, explain
from habitue_recommender.explain.made_up import Persona
from habitue_recommender.explain.sayings import Translate, untranslated
from habitue_recommender.page import Page

if TYPE_CHECKING:
    from habitue_recommender.recommender import Recommender
    from habitue_recommender.rulebook.book import Rulebook

Who = Profile | Persona | None
"""Somebody who is known, somebody made up, or anybody of whom nothing may be used."""


@dataclass(frozen=True, slots=True)
class Moved:
    """One item of either side and its places, counted from 1; None: it is not there."""

    item_id: str
    name: str
    before: int | None
    after: int | None

    @property
    def change(self) -> str:
        """`new`, `gone`, `up`, `down` or `same`."""
        if self.before is None:
            return "new"
        if self.after is None:
            return "gone"
        return "same" if self.before == self.after else "up" if self.after < self.before else "down"


@dataclass(frozen=True, slots=True)
class SlotPreview:
    """One slot as it is and as it would be."""

    slot: str
    title: str
    before: Explanation
    after: Explanation

    @property
    def changed(self) -> bool:
        return _shown(self.before) != _shown(self.after)

    @property
    def moved(self) -> tuple[Moved, ...]:
        """Every item of either side: those of after in their order, then what is gone."""
        old = {item_id: place for place, item_id in enumerate(_shown(self.before), 1)}
        new = {item_id: place for place, item_id in enumerate(_shown(self.after), 1)}
        names = {
            offer.item.item_id: offer.item.name
            for side in (self.before, self.after)
            for offer in side.decision.offers
        }
        return tuple(
            Moved(item_id, names[item_id], old.get(item_id), new.get(item_id))
            for item_id in (*new, *(one for one in old if one not in new))
        )

    def to_public(self, translate: Translate = untranslated, locale: str = "en") -> dict[str, Any]:
        return {
            "slot": self.slot,
            "title": self.title,
            "changed": self.changed,
            "before": self.before.to_public(translate, locale),
            "after": self.after.to_public(translate, locale),
            "moved": [
                {
                    "item_id": one.item_id,
                    "name": one.name,
                    "before": one.before,
                    "after": one.after,
                    "change": one.change,
                }
                for one in self.moved
            ],
        }


def preview(
    before: Rulebook,
    after: Rulebook,
    who: Who,
    page: Page,
    slots: Sequence[str] = (),
    *,
    recommender: Recommender,
    now: int,
) -> tuple[SlotPreview, ...]:
    """Each slot before and after; without `slots`, those that belong on a page of this type.

    CPU work of some milliseconds a slot; a console runs it in a thread.
    """
    profile = who.profile(recommender.reader.catalog, now) if isinstance(who, Persona) else who
    asked = list(slots) or slots_of(after, page.type)
    old, new = (
        explain(asked, page, profile, recommender=recommender, rulebook=book, now=now)
        for book in (before, after)
    )
    return tuple(
        SlotPreview(one.slot, one.title or other.title, other, one)
        for other, one in zip(old, new, strict=True)
    )


def slots_of(rulebook: Rulebook, page_type: str) -> list[str]:
    """The slots that belong on a page of this type; all of them when none says so."""
    here = [slot.id for slot in rulebook.slots.values() if page_type in slot.page_types]
    return here or list(rulebook.slots)


async def visitor(redis: Redis, profile_id: str) -> Profile | None:
    """A real visitor's profile as it is now, a device's followed to the user that it proved to be."""
    profile = await _read(redis, profile_id)
    if profile is not None and profile.pointer is not None:
        user = USER_PREFIX + profile.pointer
        return await _read(redis, user) or Profile(user)
    if profile is None or profile.is_empty or profile.is_left:
        return None
    return profile


async def _read(redis: Redis, profile_id: str) -> Profile | None:
    packed: Any = await redis.get(keys.profile(profile_id))
    return None if packed is None else unpack(profile_id, packed)[1]


def _shown(explanation: Explanation) -> list[str]:
    return [offer.item.item_id for offer in explanation.decision.offers]
