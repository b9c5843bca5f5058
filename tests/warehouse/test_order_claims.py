"""Who was erased is in no claim on an order, and the order still counts once, live and in a replay."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.house import buys, house, identify, track, user_hash, views, visitor_of

from habitue_collector.claims import claim_value, read_claim
from habitue_collector.store import keys
from habitue_warehouse import order_claims
from habitue_warehouse.archive import Archiver
from habitue_warehouse.replay import check
from habitue_warehouse.upkeep import Upkeep, UpkeepSettings


@pytest.mark.asyncio
async def test_an_erased_persons_orders_name_nobody_and_count_for_nobody_else(tmp_path: Path) -> None:
    async with house() as shop:
        redis, worker = shop.redis.client(), shop.workers[0]
        cookie = (await shop.browser(buys("o-guest", 5, "A"))).cookie
        await shop.browser(identify("u", user_hash("u")), cookie=cookie)
        for number in range(40):  # more than the profile lists
            await shop.backend("track", {"userId": "u", **buys(f"o-{number}", 9, "A")})
        refund = {"order_id": "o-1", "total": 3, "currency": "EUR", "refund_id": "1"}
        await shop.backend("track", {"userId": "u", **track("Order Refunded", refund)})
        await shop.backend("track", {"userId": "other", **buys("o-other", 9, "A")})
        redis.expire(keys.order("o-2"), 1_000)
        erased = await worker.endpoints.profiles.erase("user:u", worker.ingest.clock())
        assert set(erased) == {"user:u", visitor_of(cookie)}
        # The moment after, before anything ran in the background: somebody reloads the page of thanks.
        thanks = visitor_of((await shop.browser(views("A"), buys("o-39", 9, "A"))).cookie)
        archiver = Archiver(redis, tmp_path)
        archiver.run_once()
        upkeep = Upkeep(redis, tmp_path, UpkeepSettings(erase_settle_seconds=0))
        assert upkeep._erase() == 2
        claims = {key.split(b":order:")[1]: redis.get(key) for key in redis.scan_iter(match="{b*}:order:*")}
        assert len(claims) == 43
        assert {name for name, claim in claims.items() if read_claim(claim)[0]} == {b"o-other"}
        assert redis.ttl(keys.order("o-2")) <= 1_000, "nothing lives longer for it"

        for who in ({"userId": "u"}, {"userId": "v"}, {"anonymousId": "device"}):
            for order in ("o-1", "o-2", "o-39", "o-guest"):
                answer = await shop.backend("track", {**who, **buys(order, 9, "A")})
                assert answer.statuses == ["accepted"]
            await shop.backend("track", {**who, **track("Order Refunded", refund)})
        for profile_id in (thanks, "user:u", "user:v", "device"):
            profile = await shop.profile(profile_id)
            assert profile is not None
            assert (profile["orders"]["count"], profile["orders"]["value"]) == (0, 0), profile_id
        await shop.backend("track", {"userId": "u", **buys("o-new", 7, "A")})
        assert ((await shop.profile("user:u")) or {})["orders"]["count"] == 1
        assert read_claim(redis.get(keys.order("o-new")))[0] == "user:u"
        assert check(redis, tmp_path).differences == []
        archiver.run_once()
        assert check(redis, tmp_path).differences == []
        redis.close()


@pytest.mark.asyncio
async def test_an_order_that_came_to_the_person_after_the_erasure_is_theirs() -> None:
    async with house() as shop:
        redis = shop.redis.client()
        await shop.backend("track", {"userId": "u", **buys("o-1", 9, "A")})
        redis.set(keys.order("o-1"), claim_value("user:u", 5))
        redis.set(keys.order("for-ever"), claim_value("gone", 5))
        redis.set(keys.order("o-2"), claim_value("user:u", 5), ex=100)
        redis.set(keys.order("later"), claim_value("gone", 11), ex=100)
        assert order_claims.disown(redis, {}) == 0
        assert order_claims.disown(redis, {"user:u": 10, "gone": 10}) == 2
        assert read_claim(redis.get(keys.order("o-1"))) == ("user:u", 5)
        assert read_claim(redis.get(keys.order("o-2"))) == ("", 5)
        assert read_claim(redis.get(keys.order("for-ever"))) == ("", 5)
        assert redis.ttl(keys.order("for-ever")) > 0
        assert read_claim(redis.get(keys.order("later"))) == ("gone", 11)
        redis.close()
