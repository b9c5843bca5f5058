"""Finding a visitor by whatever somebody has of them: an id, a cookie's value, a user or order number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from redis.asyncio import Redis

from habitue_collector.claims import read_claim
from habitue_collector.events import MAX_ID_LENGTH, USER_PREFIX
from habitue_collector.profile import Profile, unpack
from habitue_collector.store import keys
from habitue_collector.visitor import MAX_LENGTH, VisitorCookie
from habitue_warehouse.log_entries import read_entry

_NEWEST = 4  # entries of each bucket's log that are looked at for who was here last


class By(StrEnum):
    """What a search's text turned out to be."""

    VISITOR = "visitor"
    USER = "user"
    COOKIE = "cookie"
    ORDER = "order"


@dataclass(frozen=True, slots=True)
class Found:
    """One person, with the id under which everything of them is kept."""

    profile_id: str
    profile: Profile | None
    by: By | None = None
    last_seen: int | None = None


class Search:
    """See the module. `cookie` reads what browsers carry."""

    def __init__(self, redis: Redis, cookie: VisitorCookie) -> None:
        self._redis = redis
        self._cookie = cookie

    async def find(self, text: str, now: int) -> list[Found]:
        """Everybody whom this text can mean, the surest first; nobody is found by half an id."""
        text = text.strip()
        if not text or len(text) > MAX_LENGTH:
            return []
        wanted: dict[str, By] = {}
        value = text.split("=", 1)[1] if text.startswith(f"{self._cookie.name}=") else text
        visitor = self._cookie.read(value.split(";", 1)[0].strip('" ').encode("utf-8", "replace"), now)
        if visitor is not None:
            wanted[visitor.anonymous_id] = By.COOKIE
        if len(text) <= MAX_ID_LENGTH + len(USER_PREFIX):
            wanted.setdefault(text, By.USER if text.startswith(USER_PREFIX) else By.VISITOR)
            wanted.setdefault(USER_PREFIX + text, By.USER)
            claim: Any = await self._redis.get(keys.order(text))
            if claim is not None:
                wanted.setdefault(read_claim(claim)[0], By.ORDER)
        found = await self.read(list(wanted))
        people: dict[str, Found] = {}
        for asked, one in zip(wanted, found, strict=True):
            if one is not None:
                people.setdefault(
                    one.profile_id, Found(one.profile_id, one.profile, wanted[asked], one.last_seen)
                )
        return list(people.values())

    async def read(self, profile_ids: Sequence[str]) -> list[Found | None]:
        """The people behind these ids, a device's followed to its user; None where there is nobody."""
        profiles = await self._profiles(profile_ids)
        pointed = [profile.pointer for profile in profiles if profile is not None and profile.pointer]
        users = dict(zip(pointed, await self._profiles([USER_PREFIX + one for one in pointed]), strict=True))
        found: list[Found | None] = []
        for profile in profiles:
            if profile is not None and profile.pointer is not None:
                profile = users[profile.pointer] or Profile(USER_PREFIX + profile.pointer)
            if profile is None or profile.is_empty or profile.is_left:
                found.append(None)
            else:
                found.append(Found(profile.profile_id, profile, None, profile.last_seen))
        return found

    async def recent(self, limit: int) -> list[tuple[str, int]]:
        """Who was here last, by the newest entries of every log: profile ids and when (ms)."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for bucket in range(keys.BUCKETS):
                pipeline.xrevrange(keys.log(bucket), count=_NEWEST)
            answers: list[Any] = await pipeline.execute()
        last: dict[str, int] = {}
        for bucket, entries in enumerate(answers):
            for stream_id, fields in entries:
                entry = read_entry(bucket, stream_id, fields)
                record = entry.record or {}
                who = record.get("profile_id")
                if entry.type == "event" and isinstance(who, str) and not record.get("bot"):
                    last[who] = max(last.get(who, 0), entry.log_ms)
        return sorted(last.items(), key=lambda pair: -pair[1])[:limit]

    async def _profiles(self, profile_ids: Sequence[str]) -> list[Profile | None]:
        if not profile_ids:
            return []
        async with self._redis.pipeline(transaction=False) as pipeline:
            for one in profile_ids:
                pipeline.get(keys.profile(one))
            packed: list[Any] = await pipeline.execute()
        return [_unpacked(one, each) for one, each in zip(profile_ids, packed, strict=True)]


def _unpacked(profile_id: str, packed: bytes | None) -> Profile | None:
    if packed is None:
        return None
    try:
        return unpack(profile_id, packed)[1]
    except ValueError:
        return None
