"""The console's app over a real Redis, asked without a network: `async with console(redis) as floor: …`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from time import time_ns
from typing import Any

import httpx
from redis.asyncio import Redis

from habitue_cli.rooms import recommender_settings
from habitue_collector.settings import Settings, demo_settings
from habitue_console.app import create_console
from habitue_console.handed import PEER, SCHEME, Handed
from habitue_console.house import House
from habitue_console.roles import Role
from habitue_console.users import User, hash_password
from habitue_recommender import artifact
from habitue_recommender.recommender import Recommender
from habitue_recommender.rulebook.service import RulebookService
from habitue_recommender.rulebook.store import RulebookStore

from .house import SIGNING_KEYS, RealRedis

HOST = "127.0.0.1:8000"
PASSWORD = "correct horse battery"
PAGE = {"accept": "text/html"}


@dataclass
class Browser:
    """Somebody at `peer`, with cookies of their own."""

    app: Any
    house: House
    peer: str = "127.0.0.1"
    scheme: str = "http"
    client: httpx.AsyncClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app), base_url=f"{self.scheme}://{HOST}", headers=PAGE
        )

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self._ask("GET", path, **more)

    async def post(self, path: str, form: dict[str, Any] | None = None, **more: Any) -> httpx.Response:
        """A form; its csrf field is filled in for who is signed in."""
        form = dict(form or {})
        if "csrf" not in form and (cookie := self.client.cookies.get("habitue_console")):
            form["csrf"] = self.house.sessions.csrf(self.house.sessions.digest_of(cookie.strip('"')) or "")
        more["headers"] = {"origin": f"{self.scheme}://{HOST}", **more.get("headers", {})}
        return await self._ask("POST", path, data=form, **more)

    async def sign_in(self, name: str, password: str = PASSWORD) -> httpx.Response:
        return await self.post("/sign-in", {"name": name, "password": password})

    async def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        told = {PEER.decode(): self.peer, SCHEME.decode(): self.scheme}
        headers = {**told, **more.pop("headers", {})}
        return await self.client.request(method, f"/console{path}", headers=headers, **more)


@dataclass
class ConsoleFloor:
    """The app, its house, and browsers for whoever comes."""

    app: Any
    house: House

    def browser(self, peer: str = "127.0.0.1", scheme: str = "http") -> Browser:
        return Browser(self.app, self.house, peer, scheme)

    async def user(self, name: str, role: Role = Role.VIEWER) -> User:
        """Somebody with an account, whose password is PASSWORD."""
        return await self.house.users.save(User(name, role, _hashed(), created=self.house.clock()))

    async def signed_in(self, name: str, role: Role = Role.VIEWER, peer: str = "192.0.2.7") -> Browser:
        await self.user(name, role)
        browser = self.browser(peer)
        answer = await browser.sign_in(name)
        assert answer.status_code == 303, answer.text
        return browser


_known: list[str] = []


def _hashed() -> str:
    if not _known:
        _known.append(hash_password(PASSWORD))  # once: it takes 50 ms on purpose
    return _known[0]


def _rooms(settings: Settings, redis: Redis) -> dict[str, Any]:
    """A recommender that knows no item yet, and the documents' service over it."""

    def clock() -> int:
        return time_ns() // 1_000_000

    recommender = Recommender(
        recommender_settings(settings, SIGNING_KEYS), settings.data.folder / "models", artifact.load
    )
    rulebook = RulebookService(RulebookStore(redis, clock), recommender.settings, clock)
    return {"recommender": recommender, "rulebook": rulebook}


@asynccontextmanager
async def console(
    real: RealRedis, *, settings: Settings | None = None, demo: bool = False, **parts: Any
) -> AsyncIterator[ConsoleFloor]:
    """An empty Redis, and the whole console over it. `parts` go to `House.build`."""
    wanted = settings or replace(demo_settings(real.folder), demo=demo)
    redis = Redis.from_url(real.url)
    await redis.flushall()
    if "rulebook" not in parts:
        parts = {**_rooms(wanted, redis), **parts}
    house = House.build(wanted, redis, SIGNING_KEYS, **parts)
    try:
        yield ConsoleFloor(Handed(create_console(house)), house)
    finally:
        await house.close()
