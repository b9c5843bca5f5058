"""Replay against the real collector: visitors, logins, orders that change hands, resets, undo, erasure."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path
from typing import Any

import pytest
from support.house import House, buys, house, identify, page, track, user_hash, views

from habitue_collector.claims import read_claim
from habitue_collector.profile import digest, unpack
from habitue_collector.store import keys
from habitue_collector.transfers import Mover
from habitue_warehouse import erasure
from habitue_warehouse.archive import Archiver
from habitue_warehouse.replay import check, replay, restore


async def a_day(shop: House, seed: int, steps: int) -> None:
    """Four devices of three people through two workers at once, as wild as shops get."""
    chance = random.Random(seed)
    cookies: list[str | None] = [None] * 4
    orders = 0

    async def step() -> None:
        nonlocal orders
        device, worker = chance.randrange(4), chance.randrange(2)
        events: list[dict[str, Any]] = [page("/x"), views(f"I{chance.randrange(9)}")]
        luck = chance.random()
        if luck < 0.15:
            user = f"u{chance.randrange(3)}"
            events.append(identify(user, user_hash(user) if chance.random() < 0.8 else None, plan=luck))
        elif luck < 0.3:
            orders += 1
            order = buys(f"o{orders}", 10 + orders / 7, "A", "B")
            events.append(order)
            if chance.random() < 0.5:
                user = f"u{chance.randrange(3)}"
                await shop.backend(
                    "track", {**buys(f"o{orders}", 10 + orders / 7, "A"), "userId": user}, worker=worker
                )
        elif luck < 0.4:
            item = {"product_id": f"I{chance.randrange(3)}", "price": 5, "quantity": 2}
            events.append(track("Product Added", item))
        elif luck < 0.45 and cookies[device]:
            await shop.post("/h/v1/reset", {"writeKey": "demo"}, cookie=cookies[device], worker=worker)
        elif luck < 0.5:
            events += events[:1]  # sent twice
        elif luck < 0.55:
            consent = {"consent": {"analytics": "granted", "personalization": "denied"}}
            await shop.browser(*events, cookie=cookies[device], worker=worker, context=consent)
            return
        answer = await shop.browser(*events, cookie=cookies[device], worker=worker)
        cookies[device] = answer.cookie or cookies[device]

    for _ in range(steps):
        await asyncio.gather(*(step() for _ in range(chance.randrange(1, 4))))


@pytest.mark.asyncio
@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 9))])
async def test_replay_equals_live(tmp_path: Path, seed: int) -> None:
    async with house(workers=2) as shop:
        redis = shop.redis.client()
        await a_day(shop, seed, steps=60)
        mover = shop.workers[0].committer.transfers
        assert isinstance(mover, Mover)
        moves = [
            record for kind, record in shop.log() if kind == "transfer_in" and record["reason"] == "login"
        ]
        assert moves
        now = time.time_ns() // 1_000_000
        assert await mover.undo(moves[0]["user_id"], moves[0]["transfer_id"], now)
        archiver = Archiver(redis, tmp_path)
        archiver.run_once()
        await a_day(shop, seed + 100, steps=20)
        assert check(redis, tmp_path).differences == [], "half in the archive, half in the log"
        archiver.run_once()
        checked = check(redis, tmp_path)
        assert checked.differences == []
        assert checked.profiles >= 5

        erased = await shop.workers[0].endpoints.profiles.erase("user:u1", time.time_ns() // 1_000_000)
        await a_day(shop, seed + 200, steps=10)
        archiver.run_once()
        assert erasure.run_pending(tmp_path, settle_seconds=0) == len(erased) > 1, (
            "the devices go with the user"
        )
        await a_day(shop, seed + 300, steps=10)
        archiver.run_once()
        assert check(redis, tmp_path).differences == [], "what was rewritten rebuilds the same profiles"

        live = {profile.profile_id: profile.to_record() for profile in replay(tmp_path)}
        redis.flushall()
        assert restore(redis, tmp_path) == len(live)
        owners = {
            digest(key.decode().split(":order:")[1]): read_claim(redis.get(key))[0]
            for key in redis.scan_iter(match="{b*}:order:*", count=1_000)
        }
        listed = {
            entry["order"]: profile_id
            for profile_id, record in live.items()
            for entry in record.get("orders", {}).get("listed", ())
        }
        assert listed
        assert {order: owners[order] for order in listed} == listed, "each order is claimed for who has it"
        for profile_id, record in live.items():
            packed = redis.get(keys.profile(profile_id))
            assert unpack(profile_id, packed)[1].to_record() == record
        redis.close()
