"""The console's users: name, role, argon2 hash; and the one-time links that let somebody choose a password.

Kept in one Redis hash, name → JSON. A link's token is stored by its digest only; whoever reads Redis cannot
use it. Hashing takes 50 ms and 64 MB on purpose, so callers do it in a thread (`House.in_thread`).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Any

import orjson
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from redis.asyncio import Redis
from redis.exceptions import WatchError

from habitue_collector.store import keys

from .roles import Role
from .words import N_

MIN_PASSWORD = 10
MAX_PASSWORD = 200  # argon2 takes any length; a megabyte would only cost us
LINK_HOURS = 24
_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")
_HASHER = PasswordHasher()  # argon2id, RFC 9106's second recommended choice: 3 passes, 64 MiB, 4 lanes
_NOBODY = _HASHER.hash("nobody")  # checked when there is no such user, so that the time tells nothing


@dataclass(frozen=True, slots=True)
class User:
    """One user. `password` is the argon2 hash, empty until a link was followed (at `password_set`)."""

    name: str
    role: Role
    password: str = ""
    created: int = 0
    created_by: str = ""
    last_seen: int = 0
    language: str = ""
    theme: str = ""
    disabled: bool = False
    password_set: int = 0


@dataclass(frozen=True, slots=True)
class Link:
    """What a one-time link allows: to choose the password of `name`.

    `rescue`: made on the machine itself; it makes an admin of whoever it names, known, blocked or new. Any
    other is only good for the user it was made for, as long as an admin leaves the account open.
    """

    name: str
    role: Role
    author: str
    made: int
    rescue: bool = False

    def accepted(self, user: User | None) -> User | None:
        """The user whose password may now be chosen; None when the link is not good any more."""
        if self.rescue:
            return replace(user or User(self.name, self.role), role=self.role, disabled=False)
        if user is None or user.disabled or user.password_set > self.made:
            return None
        return user


class UserError(ValueError):
    """A name or password that cannot be used; the text is an English sentence to be translated."""


def clean_name(text: str) -> str:
    """The name as it is stored. Raises UserError."""
    name = text.strip().lower()
    if not _NAME.fullmatch(name):
        raise UserError(
            N_("A name has up to 64 letters, digits and . _ @ + - and begins with a letter or digit.")
        )
    return name


def check_password(name: str, password: str) -> None:
    """Raises UserError when it is too easy to guess or too long."""
    if len(password) < MIN_PASSWORD:
        raise UserError(N_("A password has at least ten characters."))
    if len(password) > MAX_PASSWORD:
        raise UserError(N_("A password has at most two hundred characters."))
    if password.lower() == name or len(set(password)) < 4:
        raise UserError(N_("This password is too easy to guess."))


def hash_password(password: str) -> str:
    """Takes 50 ms: for a thread."""
    return _HASHER.hash(password)


def matches(stored: str, password: str) -> bool:
    """Whether the password is the one behind `stored`; takes as long when there is none. For a thread."""
    try:
        return _HASHER.verify(stored or _NOBODY, password[:MAX_PASSWORD]) and bool(stored)
    except (Argon2Error, InvalidHashError):
        return False


class Users:
    """The store. `clock` gives milliseconds."""

    def __init__(self, redis: Redis, clock: Callable[[], int]) -> None:
        self._redis = redis
        self._clock = clock

    async def find(self, name: str) -> User | None:
        packed: Any = await self._redis.hget(keys.CONSOLE_USERS, name)
        return None if packed is None else _user(packed)

    async def all(self) -> list[User]:
        found: Any = await self._redis.hgetall(keys.CONSOLE_USERS)
        return sorted(map(_user, found.values()), key=lambda user: user.name)

    async def count(self) -> int:
        return int(await self._redis.hlen(keys.CONSOLE_USERS))

    async def save(self, user: User) -> User:
        await self._redis.hset(keys.CONSOLE_USERS, user.name, orjson.dumps(asdict(user)))
        return user

    async def remove(self, name: str) -> None:
        await self._redis.hdel(keys.CONSOLE_USERS, name)

    async def change(self, name: str, **changes: Any) -> User | None:
        """The user with other values; None when there is none. Of changes at one moment none is lost."""
        while True:
            async with self._redis.pipeline() as pipe:
                await pipe.watch(keys.CONSOLE_USERS)
                packed: Any = await pipe.hget(keys.CONSOLE_USERS, name)
                if packed is None:
                    return None
                user: User = replace(_user(packed), **changes)
                pipe.multi()  # type: ignore[no-untyped-call]  # published without types
                pipe.hset(keys.CONSOLE_USERS, name, orjson.dumps(asdict(user)))
                with suppress(WatchError):
                    await pipe.execute()
                    return user

    async def is_last_admin(self, name: str) -> bool:
        """Whether nobody else could let people in."""
        admins = [u.name for u in await self.all() if u.role is Role.ADMIN and not u.disabled and u.password]
        return admins == [name]

    # --- one-time links ---

    async def make_link(
        self, name: str, role: Role, author: str, *, rescue: bool = False, hours: int = LINK_HOURS
    ) -> str:
        """A token that lets its bearer choose the password of `name`, once."""
        token = secrets.token_urlsafe(24)
        link = Link(name, role, author, self._clock(), rescue)
        await self._redis.set(keys.console_link(_digest(token)), orjson.dumps(asdict(link)), ex=hours * 3_600)
        return token

    async def read_link(self, token: str) -> Link | None:
        """What a link allows, without using it up."""
        return _link(await self._redis.get(keys.console_link(_digest(token))))

    async def take_link(self, token: str) -> Link | None:
        """The same, and nobody can use it again."""
        return _link(await self._redis.getdel(keys.console_link(_digest(token))))


def _digest(token: str) -> str:
    return sha256(token.encode("utf-8", "replace")).hexdigest()


def _link(packed: Any) -> Link | None:
    if packed is None:
        return None
    known = orjson.loads(packed)
    return Link(**{**known, "role": Role(known["role"])})


def _user(packed: bytes) -> User:
    known = orjson.loads(packed)
    return User(**{**known, "role": Role(known["role"])})
