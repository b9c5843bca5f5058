"""Reading and erasing profiles, for who has the secret key (and, later, for the visitor)."""

from __future__ import annotations

from typing import Any

import orjson

from habitue_collector.commit import Committer
from habitue_collector.events import USER_PREFIX
from habitue_collector.profile import Profile, unpack
from habitue_collector.store import commands, keys
from habitue_collector.store.resp import pack

TOMBSTONE_SECONDS = 1_300 * 86_400  # longer than anything in the archive lives
MOST_LOGGED = 20_000  # of one bucket; what is older is in the archive


class Profiles:
    """The stored profiles, read afresh; never from the committer's cache."""

    def __init__(self, committer: Committer) -> None:
        self._committer = committer

    async def read(self, profile_id: str) -> Profile | None:
        """The profile under an id, following a device's pointer to its user. None: unknown."""
        profile = await self._get(profile_id)
        if profile is not None and profile.pointer is not None:
            user = await self._get(USER_PREFIX + profile.pointer)
            return user if user is not None else Profile(USER_PREFIX + profile.pointer)
        if profile is None or profile.is_empty or profile.is_left:
            return None
        return profile

    async def log_of(self, profile_id: str) -> list[dict[str, Any]]:
        """What the log still holds of this profile's events, oldest first."""
        log = keys.log(keys.bucket_of(profile_id)).encode()
        newest = pack(b"XREVRANGE", log, b"+", b"-", b"COUNT", b"%d" % MOST_LOGGED)
        entries = await self._committer.execute(newest)
        named = orjson.dumps(profile_id)  # as it stands in the record: reading all others costs seconds
        records = [
            orjson.loads(entry[1][1])
            for entry in reversed(entries or [])
            if entry[1][0] == b"event" and named in entry[1][1]
        ]
        return [record for record in records if record.get("profile_id") == profile_id]

    async def erase(self, profile_id: str, now: int) -> list[str]:
        """Erase a person: the profile, and of a user all devices. The ids that were erased.

        A tombstone first, in the same script as the deletion and the log's erasure record; archive
        and log are rewritten in the background, and a replay brings nothing back.
        """
        ids = [profile_id]
        profile = await self._get(profile_id)
        if profile is not None and profile.pointer is not None:
            ids.append(USER_PREFIX + profile.pointer)
            profile = await self._get(USER_PREFIX + profile.pointer)
        if profile is not None:
            ids += [device for device in profile.state.get("devices", []) if device not in ids]
        for one in reversed(ids):  # who knows the others last: cut short and asked again, it finds them
            await self._erase_one(one, now)
        return ids

    async def _forget_moves(self, profile_id: str) -> None:
        """What logins brought in is kept for a while so that they can be undone: no longer."""
        profile = await self._get(profile_id)
        for transfer_id in () if profile is None else profile.state.get("transfers", ()):
            await self._committer.execute(pack(b"DEL", keys.move(profile_id, transfer_id).encode()))

    async def _erase_one(self, profile_id: str, now: int) -> None:
        await self._forget_moves(profile_id)
        bucket = keys.bucket_of(profile_id)
        record: dict[str, Any] = {"profile_id": profile_id, "timestamp": now}
        packed = commands.evalsha(
            commands.ERASE_SHA,
            (
                keys.profile(profile_id).encode(),
                keys.log(bucket).encode(),
                keys.tombstone(profile_id).encode(),
                keys.transfers(bucket).encode(),
            ),
            (b"%d" % now, b"%d" % TOMBSTONE_SECONDS, orjson.dumps(record), profile_id.encode()),
        )
        await self._committer.execute(packed)
        self._committer.forget(profile_id)

    async def _get(self, profile_id: str) -> Profile | None:
        reply = await self._committer.execute(commands.get(keys.profile(profile_id).encode()))
        return None if reply is None else unpack(profile_id, reply)[1]
