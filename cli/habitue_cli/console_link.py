"""The one-time link that lets an admin into the console: for `habitue keys` and for the first start."""

from __future__ import annotations

import asyncio
from time import time_ns

from redis.asyncio import Redis

from habitue_collector.settings import Settings
from habitue_console.roles import Role
from habitue_console.users import UserError, Users, clean_name

from .connection import connected, redis_url
from .errors import CommandError
from .run_folder import RunFolder

AUTHOR = "habitue keys"


async def new_link(users: Users, settings: Settings, name: str) -> str:
    """Where whoever opens it chooses the password of the admin `name`."""
    token = await users.make_link(name, Role.ADMIN, AUTHOR, rescue=True)
    return f"{address(settings)}/console/welcome/{token}"


def make_link(settings: Settings, name: str) -> str:
    """The same from a command. Raises CommandError."""
    try:
        name = clean_name(name)
    except UserError as error:
        raise CommandError(str(error)) from None

    async def made() -> str:
        client = Redis.from_url(redis_url(settings))
        try:
            return await new_link(Users(client, lambda: time_ns() // 1_000_000), settings, name)
        finally:
            await client.aclose()

    with connected(settings):  # starts the private Redis when nothing serves
        return asyncio.run(made())


def address(settings: Settings) -> str:
    """Where a browser finds the house: as told, else where it listens."""
    told = settings.server.public_url or RunFolder(settings.data.folder).read_address()
    return (told or f"http://{settings.server.host}:{settings.server.port}").rstrip("/")
