"""A Redis for a command: the one that serves now, or the private one started for as long as it takes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from habitue_collector import private_redis
from habitue_collector.private_redis import PrivateRedis
from habitue_collector.settings import Settings

from .errors import CommandError

logger = logging.getLogger("habitue")


def redis_url(settings: Settings) -> str:
    """Where profiles and log live: the named Redis, or the private one's socket."""
    return settings.redis.url or private_redis.url(settings.data.folder)


@contextmanager
def connected(settings: Settings) -> Iterator[redis.Redis]:
    """A client without response decoding. Raises CommandError when a named Redis does not answer."""
    client = redis.Redis.from_url(redis_url(settings))
    try:
        if _answers(client):
            yield client
        elif settings.redis.url:
            raise CommandError(f"Redis does not answer at {_without_password(settings.redis.url)}")
        else:
            with PrivateRedis(settings.data.folder, fsync=settings.redis.fsync, say=logger.info):
                yield client
    finally:
        client.close()


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def _without_password(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rsplit('@', 1)[-1]}"
