"""Profiles that are in Redis already live as long as an admin has chosen since: no longer, and no shorter.

A profile gets its time to live with each event. Here those whose next event may never come are given the one
that counts now, reckoned from their last event. What changed meanwhile is left alone: it has the new time.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from habitue_collector.profile import VERSION_LENGTH, Profile, unpack
from habitue_collector.settings import Lifetimes
from habitue_collector.store import keys
from habitue_warehouse.snapshots import profile_ids

GROUP = 500  # profiles read at a time
_HOUR_MS = 3_600_000

# KEYS[1] a profile; ARGV: the version that was looked at, when it is to be forgotten (ms). A moment that has
# passed forgets it at once.
_EXPIRE = f"""
if redis.call('GETRANGE', KEYS[1], 0, {VERSION_LENGTH - 1}) ~= ARGV[1] then return 0 end
return redis.call('PEXPIREAT', KEYS[1], ARGV[2])
"""


def lifetime_of(profile: Profile, lifetimes: Lifetimes) -> int:
    """Milliseconds after the last event, as the committer sets them; 0: until erased."""
    if profile.is_user:  # one visit with a bot's user agent makes nobody forgotten
        return lifetimes.user_profile_days * 24 * _HOUR_MS
    if "bot" in profile.state:
        return lifetimes.bot_profile_hours * _HOUR_MS
    return lifetimes.anonymous_profile_days * 24 * _HOUR_MS


def apply(redis: Any, lifetimes: Lifetimes) -> int:
    """Gives every profile its time to live; how many there were. Some 40 s of a million, for a thread."""
    expire = redis.register_script(_EXPIRE)
    touched = 0
    for group in _groups(profile_ids(redis)):
        found = [(one, packed) for one, packed in zip(group, _read(redis, group), strict=True) if packed]
        pipe = redis.pipeline(transaction=False)
        for profile_id, packed in found:
            try:
                version, profile = unpack(profile_id, packed)
            except ValueError:
                continue
            last, lifetime = profile.last_seen, lifetime_of(profile, lifetimes)
            if last and lifetime:
                expire(keys=[keys.profile(profile_id)], args=[version, last + lifetime], client=pipe)
                touched += 1
        pipe.execute()
    return touched


def _groups(ids: Iterator[str]) -> Iterator[tuple[str, ...]]:
    while group := tuple(islice(ids, GROUP)):
        yield group


def _read(redis: Any, ids: tuple[str, ...]) -> list[bytes | None]:
    pipe = redis.pipeline(transaction=False)
    for one in ids:
        pipe.get(keys.profile(one))
    found: list[bytes | None] = pipe.execute()
    return found
