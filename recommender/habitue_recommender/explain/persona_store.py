"""The made-up visitors that a shop keeps for itself, in Redis beside its rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from redis.asyncio import Redis

from habitue_collector.store import keys
from habitue_recommender.explain.made_up import Persona
from habitue_recommender.rulebook.mistakes import Mistake, Mistakes

MOST = 100


@dataclass(frozen=True, slots=True)
class Kept:
    """A persona, and the form that somebody filled in for it (empty when it came another way)."""

    persona: Persona
    form: Mapping[str, str] = field(default_factory=dict)


class PersonaStore:
    """See the module."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def all(self) -> list[Kept]:
        """Every own persona, by name; what cannot be read is left out."""
        packed: Any = await self._redis.hgetall(keys.RULEBOOK_PERSONAS)
        found = [one for raw in packed.values() if (one := _read(raw)) is not None]
        return sorted(found, key=lambda kept: (kept.persona.name.casefold(), kept.persona.id))

    async def get(self, persona_id: str) -> Kept | None:
        packed: Any = await self._redis.hget(keys.RULEBOOK_PERSONAS, persona_id)
        return None if packed is None else _read(packed)

    async def save(self, persona: Persona, form: Mapping[str, str] | None = None) -> None:
        """Keep it under its id. Raises Mistakes when there are too many."""
        if not await self._redis.hexists(keys.RULEBOOK_PERSONAS, persona.id):
            count: int = await self._redis.hlen(keys.RULEBOOK_PERSONAS)
            if count >= MOST:
                raise Mistakes([Mistake("", f"there are {MOST} personas already; delete one first")])
        kept = {"persona": persona.to_public(), "form": dict(form or {})}
        await self._redis.hset(keys.RULEBOOK_PERSONAS, persona.id, orjson.dumps(kept).decode())

    async def delete(self, persona_id: str) -> bool:
        return bool(await self._redis.hdel(keys.RULEBOOK_PERSONAS, persona_id))


def _read(packed: bytes) -> Kept | None:
    try:
        raw: Any = orjson.loads(packed)
        form = raw.get("form") or {}
        return Kept(Persona.parse(raw["persona"]), {str(name): str(value) for name, value in form.items()})
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
