"""How often somebody may try a password: counted per address and per user, over a quarter of an hour."""

from __future__ import annotations

from redis.asyncio import Redis

from habitue_collector.store import keys

WINDOW_SECONDS = 900
PER_ADDRESS = 20
PER_USER = 20  # from everywhere: more than a person needs, few enough against a list of passwords


class Attempts:
    """Failed logins. Counted before the password is looked at, so that many at once gain nothing."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def may_try(self, address: str, user: str) -> bool:
        """Count one attempt; whether it may be made."""
        allowed = True
        for what, limit in ((f"address:{address}", PER_ADDRESS), (f"user:{user}", PER_USER)):
            key = keys.console_attempts(what)
            count = await self._redis.incr(key)
            if count == 1 or await self._redis.ttl(key) < 0:
                await self._redis.expire(key, WINDOW_SECONDS)
            allowed = allowed and count <= limit
        return allowed

    async def forget(self, address: str, user: str) -> None:
        """After a good login."""
        for what in (f"address:{address}", f"user:{user}"):
            await self._redis.delete(keys.console_attempts(what))
