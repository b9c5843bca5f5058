"""Who is signed in: a signed cookie that names a record in Redis, so that a session can be ended from here.

The cookie carries `id.signature` (itsdangerous, SHA-256, its own salt); Redis holds the id's digest only.
A session ends after 12 hours without a request, 14 days after the login, at a sign-out, and when an admin
says so. A login always gives a new id.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Any

import orjson
from itsdangerous import BadData, Signer
from redis.asyncio import Redis

from habitue_collector.store import keys

COOKIE = "habitue_console"
IDLE_SECONDS = 12 * 3_600
LIFETIME_MS = 14 * 86_400_000
_TOUCH_MS = 60_000  # the last request is noted once a minute, not at each
_SALT = b"habitue.console.session"
_CSRF_SALT = b"habitue.console.csrf"


@dataclass(frozen=True, slots=True)
class Session:
    """One browser's sign-in. `digest` names it in Redis and in the list of sessions."""

    digest: str
    user: str
    created: int
    last: int
    address: str = ""
    agent: str = ""


class Sessions:
    """The store. `signing`: newest last; the newest signs, all verify."""

    def __init__(self, redis: Redis, signing: tuple[str, ...], clock: Callable[[], int]) -> None:
        self._redis = redis
        self._clock = clock
        self._signer = Signer(list(signing), salt=_SALT, digest_method=sha256, key_derivation="hmac")
        self._csrf = [hmac.digest(key.encode(), _CSRF_SALT, "sha256") for key in signing]

    async def begin(self, user: str, *, address: str = "", agent: str = "") -> str:
        """A new session; the cookie's value."""
        session_id = secrets.token_urlsafe(24)
        now = self._clock()
        session = Session(_digest(session_id), user, now, now, address, agent[:200])
        await self._write(session)
        await self._redis.sadd(keys.console_sessions(user), session.digest)
        await self._redis.expire(keys.console_sessions(user), LIFETIME_MS // 1_000)
        return self._signer.sign(session_id).decode()

    async def read(self, cookie: str) -> Session | None:
        """The session of a cookie's value, if it is ours and has not ended."""
        digest = self.digest_of(cookie)
        if digest is None:
            return None
        packed = await self._redis.get(keys.console_session(digest))
        if packed is None:
            return None
        session = Session(**orjson.loads(packed))
        now = self._clock()
        if now - session.created > LIFETIME_MS:
            await self.end(session)
            return None
        if now - session.last > _TOUCH_MS:
            session = replace(session, last=now)
            await self._write(session)
        return session

    async def of(self, user: str) -> list[Session]:
        """Where somebody is signed in now, newest first."""
        members: Any = await self._redis.smembers(keys.console_sessions(user))
        digests = [one.decode() for one in members]
        if not digests:
            return []
        found = [await self._redis.get(keys.console_session(digest)) for digest in digests]
        if gone := [digest for digest, packed in zip(digests, found, strict=True) if packed is None]:
            await self._redis.srem(keys.console_sessions(user), *gone)
        alive = [Session(**orjson.loads(packed)) for packed in found if packed is not None]
        return sorted(alive, key=lambda session: -session.last)

    async def end(self, session: Session) -> None:
        await self._redis.delete(keys.console_session(session.digest))
        await self._redis.srem(keys.console_sessions(session.user), session.digest)

    async def end_all(self, user: str, but: str | None = None) -> int:
        """Sign somebody out everywhere, except in the session with the digest `but`."""
        ending = [session for session in await self.of(user) if session.digest != but]
        for session in ending:
            await self.end(session)
        return len(ending)

    def digest_of(self, cookie: str) -> str | None:
        """The digest behind a cookie's value; None when it is not signed by us."""
        try:
            return _digest(self._signer.unsign(cookie.encode("utf-8", "replace")).decode())
        except (BadData, UnicodeDecodeError):
            return None

    def csrf(self, digest: str) -> str:
        """What a form of this session must carry."""
        return hmac.digest(self._csrf[-1], digest.encode(), "sha256").hex()

    def is_csrf(self, digest: str, said: str) -> bool:
        """Whether `said` is what a form of this session carries, also one shown before a key was rotated."""
        told = said.encode("utf-8", "replace")
        expected = [hmac.digest(key, digest.encode(), "sha256").hex().encode() for key in self._csrf]
        return any(hmac.compare_digest(one, told) for one in expected)

    async def _write(self, session: Session) -> None:
        await self._redis.set(
            keys.console_session(session.digest), orjson.dumps(asdict(session)), ex=IDLE_SECONDS
        )


def _digest(session_id: str) -> str:
    return sha256(session_id.encode()).hexdigest()
