"""Who is it, and what moves when that changes: login, logout, two persons, two devices, orders, undo."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.house import buys, house, identify, page, track, user_hash, views, visitor_of

from habitue_collector.profile import digest
from habitue_collector.store import keys

pytestmark = pytest.mark.asyncio


async def test_a_claim_with_the_public_key_is_noted_on_the_device_and_opens_nothing() -> None:
    async with house() as shop:
        await shop.backend("identify", {"userId": "victim", "messageId": "v1", "traits": {"plan": "gold"}})
        await shop.backend("track", {"userId": "victim", **buys("o-1", 50, "A")})
        before = await shop.state("user:victim")
        answer = await shop.browser(
            identify("victim", plan="stolen"), views("B"), {**buys("o-9", 5, "B"), "userId": "victim"}
        )
        device = visitor_of(answer.cookie)
        assert answer.statuses == ["accepted"] * 3
        assert await shop.state("user:victim") == before
        profile = await shop.profile(device)
        assert profile is not None
        assert profile["profile_id"] == device
        assert profile["claimed_user_id"] == "victim"
        assert profile["orders"]["count"] == 1


@pytest.mark.parametrize(
    "proof", ["", "0" * 64, "x" * 64, user_hash("somebody else"), user_hash("u", "wrong")]
)
async def test_a_wrong_proof_is_a_claim(proof: str) -> None:
    async with house() as shop:
        answer = await shop.browser(identify("u", proof, plan="a"))
        assert answer.statuses == ["accepted"]
        assert await shop.profile("user:u") is None


async def test_ids_in_bodies_open_nothing_on_the_browsers_wire() -> None:
    async with house() as shop:
        theirs = await shop.browser(views("A"))
        victim = visitor_of(theirs.cookie)
        before = await shop.state(victim)
        mine = await shop.browser({**views("B"), "anonymousId": victim})
        assert visitor_of(mine.cookie) != victim
        assert await shop.state(victim) == before


async def test_a_users_id_alone_with_a_public_key_is_archived_and_folded_into_nobody() -> None:
    async with house() as shop:
        await shop.backend("track", {"userId": "u", **views("A")})
        before = await shop.state("user:u")
        answer = await shop.post("/v1/track", {"writeKey": "demo", "userId": "u", **views("B")})
        assert answer.statuses == ["claimed"]
        assert await shop.state("user:u") == before
        assert [record["kept"] for record in shop.events() if "kept" in record] == ["claimed"]


async def test_an_anonymous_id_cannot_pose_as_a_user() -> None:
    async with house() as shop:
        answer = await shop.post("/v1/track", {"writeKey": "demo", "anonymousId": "user:u", **views("B")})
        assert answer.statuses == ["invalid_identity"]


async def test_without_any_id_an_event_of_a_backend_is_rejected() -> None:
    async with house() as shop:
        assert (await shop.backend("track", views("A"))).statuses == ["no_identity"]


async def test_parallel_first_requests_are_one_visitor_even_through_two_workers() -> None:
    async with house(workers=2) as shop:
        nonce = "n" * 22
        answers = await asyncio.gather(
            *(shop.browser(views(f"I{number}"), nonce=nonce, worker=number % 2) for number in range(10))
        )
        (device,) = {visitor_of(answer.cookie) for answer in answers}
        profile = await shop.profile(device)
        assert profile is not None
        assert {item["item_id"] for item in profile["recent_items"]} == {f"I{number}" for number in range(10)}
        assert profile["visits"] == 1


async def test_a_forged_cookie_is_a_new_visitor() -> None:
    async with house() as shop:
        answer = await shop.browser(views("A"))
        assert answer.cookie is not None
        forged = "somebody" + answer.cookie[8:]
        again = await shop.browser(views("B"), cookie=forged)
        assert visitor_of(again.cookie) not in (visitor_of(answer.cookie), "somebody")


async def test_login_takes_along_what_nobody_browsed_and_the_session_goes_on() -> None:
    async with house() as shop:
        first = await shop.browser(page("/"), views("A"))
        cookie = first.cookie
        device = visitor_of(cookie)
        session = (await shop.state(device))["session"]["id"]
        answer = await shop.browser(
            views("B"), identify("u", user_hash("u"), plan="gold"), buys("o-1", 30, "A"), cookie=cookie
        )
        assert answer.statuses == ["accepted"] * 3
        user = await shop.profile("user:u")
        assert user is not None
        assert {item["item_id"] for item in user["recent_items"]} == {"A", "B"}
        assert user["session"]["session_id"] == session
        assert user["traits"] == {"plan": "gold"}
        assert user["orders"]["count"] == 1
        assert user["visits"] == 1
        assert user["devices"] == [device]
        assert (await shop.state(device)).keys() == {"pointer"}
        shown = await shop.profile(device)
        assert shown is not None
        assert shown["profile_id"] == "user:u"


async def test_a_second_login_of_the_same_user_moves_nothing() -> None:
    async with house() as shop:
        cookie = (await shop.browser(views("A"), identify("u", user_hash("u")))).cookie
        before = [kind for kind, _ in shop.log()]
        await shop.browser(identify("u", user_hash("u")), cookie=cookie)
        after = [kind for kind, _ in shop.log()]
        assert after.count("transfer_out") == before.count("transfer_out") == 1


async def test_another_user_on_the_same_device_gets_nothing_of_the_first_one() -> None:
    async with house() as shop:
        cookie = (await shop.browser(views("A"), identify("anna", user_hash("anna"), plan="gold"))).cookie
        await shop.browser(views("B"), cookie=cookie)
        await shop.browser(identify("ben", user_hash("ben")), views("C"), cookie=cookie)
        anna, ben = await shop.profile("user:anna"), await shop.profile("user:ben")
        assert anna is not None
        assert ben is not None
        assert {item["item_id"] for item in anna["recent_items"]} == {"A", "B"}
        assert {item["item_id"] for item in ben["recent_items"]} == {"C"}
        assert ben["traits"] == {}


@pytest.mark.parametrize("since", ["another login", "a logout"])
async def test_a_login_that_comes_late_does_not_take_the_device_back(since: str) -> None:
    """One worker was about to do it when its sender, tired of waiting, had it done by another."""
    async with house() as shop:
        proof = identify("anna", user_hash("anna"))
        cookie = (await shop.browser(proof, views("A"))).cookie
        device = visitor_of(cookie)
        if since == "another login":
            await shop.browser(identify("ben", user_hash("ben")), cookie=cookie)
        else:
            await shop.post("/h/v1/reset", {"writeKey": "demo"}, cookie=cookie)
        now = shop.workers[0].ingest.clock()
        await shop.workers[0].mover.login(device, "anna", now, digest(proof["messageId"]))
        shop.workers[0].committer.cache.clear()
        await shop.browser(views("B"), cookie=cookie)
        anna = await shop.profile("user:anna")
        assert anna is not None
        assert {item["item_id"] for item in anna["recent_items"]} == {"A"}


async def test_a_claim_of_somebody_else_does_not_travel_into_the_account_that_logs_in() -> None:
    async with house() as shop:
        cookie = (await shop.browser(views("A"), identify("ben", plan="his"))).cookie
        await shop.browser(identify("anna", user_hash("anna")), cookie=cookie)
        anna = await shop.profile("user:anna")
        assert anna is not None
        assert anna["traits"] == {}
        assert {item["item_id"] for item in anna["recent_items"]} == {"A"}


async def test_reset_is_a_logout_and_a_new_device() -> None:
    async with house() as shop:
        cookie = (await shop.browser(views("A"), identify("u", user_hash("u")))).cookie
        answer = await shop.post("/h/v1/reset", {"writeKey": "demo"}, cookie=cookie)
        assert answer.status == 200
        assert visitor_of(answer.cookie) != visitor_of(cookie)
        await shop.browser(views("B"), cookie=answer.cookie)
        await shop.browser(views("C"), cookie=cookie)  # what an old tab had on its way
        user, fresh = await shop.profile("user:u"), await shop.profile(visitor_of(answer.cookie))
        assert user is not None
        assert fresh is not None
        assert {item["item_id"] for item in user["recent_items"]} == {"A"}
        assert {item["item_id"] for item in fresh["recent_items"]} == {"B", "C"}


async def test_a_batch_sent_again_after_logout_or_login_is_still_known() -> None:
    async with house() as shop:
        seen = views("A")
        cookie = (await shop.browser(seen)).cookie
        await shop.browser(identify("anna", user_hash("anna")), cookie=cookie)
        assert (await shop.browser(seen, cookie=cookie)).results[0].get("duplicate") is True
        await shop.browser(identify("ben", user_hash("ben")), cookie=cookie)
        assert (await shop.browser(seen, cookie=cookie)).results[0].get("duplicate") is True
        after = (await shop.post("/h/v1/reset", {"writeKey": "demo"}, cookie=cookie)).cookie
        assert (await shop.browser(seen, cookie=after)).results[0].get("duplicate") is True


async def test_one_person_with_two_devices_has_one_profile() -> None:
    async with house(workers=2) as shop:
        phone = (await shop.browser(views("A"))).cookie
        laptop = (await shop.browser(views("B"), worker=1)).cookie
        await asyncio.gather(
            shop.browser(identify("u", user_hash("u")), cookie=phone),
            shop.browser(identify("u", user_hash("u")), cookie=laptop, worker=1),
        )
        user = await shop.profile("user:u")
        assert user is not None
        assert {item["item_id"] for item in user["recent_items"]} == {"A", "B"}
        assert user["visits"] == 2
        assert set(user["devices"]) == {visitor_of(phone), visitor_of(laptop)}


async def test_a_backend_that_names_device_and_user_logs_the_device_in() -> None:
    async with house() as shop:
        cookie = (await shop.browser(views("A"))).cookie
        answer = await shop.backend(
            "identify", {"userId": "u", "messageId": "b1"}, headers={"x-habitue-visitor": str(cookie)}
        )
        assert answer.statuses == ["accepted"]
        user = await shop.profile("user:u")
        assert user is not None
        assert {item["item_id"] for item in user["recent_items"]} == {"A"}


@pytest.mark.parametrize("step", range(1, 12))
async def test_a_crash_between_any_two_steps_of_a_login_is_mended_by_the_next_start(
    step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker dies after so many conversations with Redis; another one starts and finishes."""
    async with house() as shop:
        cookie = (await shop.browser(views("A"), views("A"))).cookie
        device = visitor_of(cookie)
        committer = shop.workers[0].committer
        real, calls = committer.call, 0

        def dying(packed: bytes, replies: int) -> asyncio.Future[list[Any]]:
            nonlocal calls
            calls += 1
            if calls > step:
                committer._ready = False
                raise SystemError("killed")
            return real(packed, replies)

        monkeypatch.setattr(committer, "call", dying)
        batch = [identify("u", user_hash("u"), plan="gold"), views("B")]
        task = asyncio.create_task(shop.browser(*batch, cookie=cookie))
        while calls <= step and not task.done():
            await asyncio.sleep(0.001)
        task.cancel()
        monkeypatch.undo()
        async with house(real=shop.redis) as again:
            mover = again.workers[0].mover
            await mover.finish_all()
            # The browser has had no answer and sends the same batch again.
            assert (await again.browser(*batch, cookie=cookie)).statuses == ["accepted"] * 2
            user = await again.profile("user:u")
            assert user is not None
            counts = {item["item_id"]: item["count"] for item in user["recent_items"]}
            assert counts == {"A": 2, "B": 1}
            assert user["visits"] == 1
            assert (await again.state(device)).keys() == {"pointer"}
            assert not any(again.redis.client().hgetall(keys.transfers(b)) for b in range(keys.BUCKETS))
        committer._ready = True


async def test_an_order_reported_by_page_and_backend_counts_once_with_the_backends_word() -> None:
    async with house() as shop:
        cookie = (await shop.browser(identify("u", user_hash("u")), buys("o-1", 20, "A"))).cookie
        await shop.browser(buys("o-1", 20, "A"), cookie=cookie)  # the thank-you page, loaded again
        await shop.backend("track", {"userId": "u", **buys("o-1", 25, "A")})
        user = await shop.profile("user:u")
        assert user is not None
        assert user["orders"]["count"] == 1
        assert user["orders"]["value"] == 25
        assert user["bought"] == [{"item_id": "A", "count": 1, "last": user["bought"][0]["last"]}]


async def test_a_guests_order_moves_to_the_user_whom_the_backend_names() -> None:
    async with house() as shop:
        guest = visitor_of((await shop.browser(buys("o-1", 20, "A"))).cookie)
        await shop.backend("track", {"userId": "u", **buys("o-1", 25, "A")})
        user, device = await shop.profile("user:u"), await shop.profile(guest)
        assert user is not None
        assert device is not None
        assert user["orders"]["count"] == 1
        assert user["orders"]["value"] == 25
        assert device["orders"]["count"] == 0


async def test_an_order_that_went_along_with_a_login_is_still_the_same_order() -> None:
    async with house() as shop:
        cookie = (await shop.browser(buys("o-1", 20, "A"))).cookie
        await shop.browser(identify("u", user_hash("u")), cookie=cookie)
        await shop.backend("track", {"userId": "u", **buys("o-1", 25, "A")})
        user = await shop.profile("user:u")
        assert user is not None
        assert user["orders"]["count"] == 1
        assert user["orders"]["value"] == 25


async def test_somebody_elses_report_of_an_order_changes_nothing() -> None:
    async with house() as shop:
        await shop.backend("track", {"userId": "u", **buys("o-1", 25, "A")})
        before = await shop.state("user:u")
        thief = visitor_of((await shop.browser(buys("o-1", 1, "A"))).cookie)
        assert await shop.state("user:u") == before
        profile = await shop.profile(thief)
        assert profile is not None
        assert profile["orders"]["count"] == 0


async def test_the_same_order_through_two_workers_at_once_counts_once() -> None:
    async with house(workers=2) as shop:
        await asyncio.gather(
            *(
                shop.backend("track", {"userId": "u", **buys("o-1", 20, "A")}, worker=number % 2)
                for number in range(12)
            )
        )
        user = await shop.profile("user:u")
        assert user is not None
        assert user["orders"]["count"] == 1
        assert user["orders"]["value"] == 20


async def test_a_refund_is_taken_off_once() -> None:
    async with house() as shop:
        await shop.backend("track", {"userId": "u", **buys("o-1", 20, "A")})
        refund = {"order_id": "o-1", "total": 5, "currency": "EUR", "refund_id": "1"}
        await shop.backend("track", {"userId": "u", **track("Order Refunded", refund)})
        await shop.backend("track", {"userId": "u", **track("Order Refunded", refund)})
        user = await shop.profile("user:u")
        assert user is not None
        assert user["orders"]["count"] == 1
        assert user["orders"]["value"] == 15


async def test_a_login_can_be_undone() -> None:
    async with house() as shop:
        await shop.backend("track", {"userId": "u", **views("OLD")})
        before = await shop.profile("user:u")
        cookie = (await shop.browser(page("/"), views("A"), views("A"))).cookie
        device = visitor_of(cookie)
        browsed = await shop.profile(device)
        await shop.browser(identify("u", user_hash("u")), cookie=cookie)
        (move,) = [record for kind, record in shop.log() if kind == "transfer_in"]
        mover = shop.workers[0].mover
        now = shop.workers[0].ingest.clock()
        assert await mover.undo("u", move["transfer_id"], now)
        assert await mover.undo("u", move["transfer_id"], now)  # twice is once
        assert not await mover.undo("u", "unknown", now)
        user, again = await shop.profile("user:u"), await shop.profile(device)
        assert user is not None
        assert before is not None
        assert again is not None
        assert browsed is not None
        for name in ("recent_items", "affinities", "orders", "cart", "visits"):
            assert user[name] == before[name], name
            assert again[name] == browsed[name], name
        assert device not in user["devices"]


async def test_erasure_is_for_good_and_takes_the_devices_along() -> None:
    async with house() as shop:
        cookie = (await shop.browser(views("A"), identify("u", user_hash("u")))).cookie
        erased = await shop.workers[0].endpoints.profiles.erase("user:u", shop.workers[0].ingest.clock())
        assert set(erased) == {"user:u", visitor_of(cookie)}
        assert await shop.profile("user:u") is None
        assert await shop.profile(visitor_of(cookie)) is None
        assert [kind for kind, _ in shop.log()].count("erasure") == 2
