"""A logout while batches are on their way, or with its answer lost: nothing counts twice for anybody."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from support.house import House, buys, house, identify, user_hash, views, visitor_of

from habitue_collector.flush import Flush
from habitue_collector.store import keys

pytestmark = pytest.mark.asyncio


async def reset(shop: House, cookie: str | None, worker: int = 0) -> str | None:
    answer = await shop.post("/h/v1/reset", {"writeKey": "demo"}, cookie=cookie, worker=worker)
    assert answer.status == 200
    return answer.cookie


async def counts(shop: House, profile_id: str) -> dict[str, int]:
    profile = await shop.profile(profile_id)
    return {item["item_id"]: item["count"] for item in profile["recent_items"]} if profile else {}


class Held:
    """A worker that has read, and does not get round to writing before it is released."""

    def __init__(self, shop: House, worker: int) -> None:
        self._committer = shop.workers[worker].committer
        self._has_read = asyncio.Event()
        self._flush: Flush | None = None
        claim = self._claim = Flush._claim
        held = self

        def hold(flush: Flush) -> None:
            if flush._committer is not held._committer:
                claim(flush)
                return
            held._flush = flush
            held._has_read.set()

        Flush._claim = hold  # type: ignore[method-assign, assignment]

    async def has_read(self) -> None:
        await asyncio.wait_for(self._has_read.wait(), 10)

    def release(self) -> None:
        Flush._claim = self._claim  # type: ignore[method-assign]
        assert self._flush is not None
        self._flush._claim()


@pytest.mark.parametrize("logged_in", [True, False])
async def test_a_logout_whose_answer_got_lost_still_knows_the_repeats(logged_in: bool) -> None:
    async with house() as shop:
        seen = views("A")
        events = [seen, identify("u", user_hash("u"))] if logged_in else [seen]
        cookie = (await shop.browser(*events)).cookie
        lost = await reset(shop, cookie)
        after = await reset(shop, cookie)
        assert visitor_of(after) == visitor_of(lost)
        assert (await shop.browser(seen, cookie=after)).results[0].get("duplicate") is True


@pytest.mark.parametrize("change", ["logout", "logout of nobody", "other user"])
async def test_what_is_being_folded_while_the_person_changes_counts_once(change: str) -> None:
    async with house(workers=2) as shop:
        cookie = (await shop.browser(views("A"))).cookie
        device, was = visitor_of(cookie), visitor_of(cookie)
        if change != "logout of nobody":
            await shop.browser(identify("u", user_hash("u")), cookie=cookie)
            was = "user:u"
        late = views("LATE")
        slow = Held(shop, 0)
        sent = asyncio.create_task(shop.browser(late, cookie=cookie))
        await slow.has_read()
        after = cookie
        if change == "other user":
            await shop.browser(identify("other", user_hash("other")), cookie=cookie, worker=1)
        else:
            after = await reset(shop, cookie, worker=1)
        # Its sender has waited long enough, and sends it again as who it is now.
        again = await shop.browser(late, cookie=after, worker=1)
        assert "duplicate" not in again.results[0]
        slow.release()
        answer = await sent
        assert answer.status == 503 or answer.results[0].get("duplicate") is True
        now = "user:other" if change == "other user" else visitor_of(after)
        assert await counts(shop, was) == {"A": 1}
        assert (await counts(shop, now)) == {"LATE": 1}
        assert await counts(shop, device) in ({}, await counts(shop, was), await counts(shop, now))


async def test_a_login_that_is_sent_again_after_the_logout_logs_nobody_in() -> None:
    async with house() as shop:
        login = [views("A"), identify("u", user_hash("u"))]
        cookie = (await shop.browser(*login)).cookie
        after = await reset(shop, cookie)
        assert all(one.get("duplicate") for one in (await shop.browser(*login, cookie=after)).results)
        await shop.browser(views("B"), cookie=after)
        assert await counts(shop, "user:u") == {"A": 1}
        assert await counts(shop, visitor_of(after)) == {"B": 1}


async def test_an_old_cookie_neither_reads_nor_changes_anything_of_who_logs_in_next() -> None:
    async with house() as shop:
        old = (await shop.browser(views("A"), identify("first", user_hash("first")))).cookie
        new = await reset(shop, old)
        await shop.browser(identify("second", user_hash("second")), cookie=new)
        before = await shop.state("user:second")
        assert (await shop.browser(views("B"), cookie=old)).status == 503
        assert await shop.state("user:second") == before
        assert await shop.profile(visitor_of(old)) is None
        await reset(shop, old)
        assert await counts(shop, visitor_of(new)) == await counts(shop, "user:second")


async def test_who_never_heard_of_the_logout_can_log_in_again() -> None:
    async with house() as shop:
        seen = views("A")
        cookie = (await shop.browser(seen, identify("first", user_hash("first")))).cookie
        await reset(shop, cookie)
        late = views("B")
        await shop.browser(late, cookie=cookie)
        answer = await shop.browser(
            identify("second", user_hash("second")), late, seen, views("C"), cookie=cookie
        )
        assert [one.get("duplicate", False) for one in answer.results] == [False, True, True, False]
        assert await counts(shop, "user:second") == {"C": 1}


async def order_counts(shop: House, *profile_ids: str) -> list[int]:
    profiles: list[dict[str, Any] | None] = [await shop.profile(one) for one in profile_ids]
    return [profile["orders"]["count"] if profile else 0 for profile in profiles]


async def test_a_guests_order_that_went_to_a_user_is_known_whoever_sits_there_next() -> None:
    async with house() as shop:
        cookie = (await shop.browser(buys("o-1", 9, "A"))).cookie
        await shop.browser(identify("first", user_hash("first")), cookie=cookie)
        await shop.browser(identify("second", user_hash("second")), cookie=cookie)
        assert (await shop.browser(buys("o-1", 9, "A"), cookie=cookie)).statuses == ["accepted"]
        after = await reset(shop, cookie)
        assert (await shop.browser(buys("o-1", 9, "A"), cookie=after)).statuses == ["accepted"]
        assert await order_counts(shop, "user:first", "user:second", visitor_of(after)) == [1, 0, 0]


async def test_a_backend_that_names_a_device_which_left_means_who_was_there() -> None:
    async with house() as shop:
        guest = (await shop.browser(views("A"))).cookie
        left = visitor_of(guest)
        seen = {"anonymousId": left, **views("B")}
        await shop.backend("track", seen)
        assert (await shop.browser(identify("u", user_hash("u")), cookie=guest)).status == 200
        after = await reset(shop, guest)
        await shop.browser(identify("next", user_hash("next")), cookie=after)
        before = await shop.state("user:next")
        assert (await shop.backend("track", seen)).results[0].get("duplicate") is True
        for _ in range(2):
            answer = await shop.backend("track", {"anonymousId": left, **buys("o-1", 9, "C")})
            assert answer.statuses == ["accepted"]
        assert await counts(shop, "user:u") == {"A": 1, "B": 1, "C": 1}
        assert await order_counts(shop, "user:u", "user:next") == [1, 0]
        assert await shop.state("user:next") == before
        nobody = (await shop.browser(views("A"))).cookie
        await reset(shop, nobody)
        answer = await shop.backend("track", {"anonymousId": visitor_of(nobody), **buys("o-2", 9, "D")})
        assert answer.statuses == ["accepted"]
        assert await counts(shop, visitor_of(nobody)) == {"A": 1, "D": 1}


async def test_each_visit_of_somebody_logged_in_keeps_the_device_they_came_by() -> None:
    async with house() as shop:
        cookie = (await shop.browser(views("A"), identify("u", user_hash("u")))).cookie
        client = shop.redis.client()
        device = keys.profile(visitor_of(cookie))
        client.expire(device, 60)
        state = await shop.state("user:u")
        state["session"].update(started=1, last=1)  # the last visit was long ago
        client.set(keys.profile("user:u"), b"another version!" + orjson.dumps(state))
        await shop.browser(views("B"), cookie=cookie)
        await shop.browser(views("B"), cookie=cookie)
        assert client.ttl(device) > 86_400
