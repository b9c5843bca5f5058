"""An acknowledgement means: in the log and in the profile, once. Whoever dies, whoever else is writing."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis
from support.house import (
    SIGNING_KEYS,
    Answer,
    House,
    RealRedis,
    buys,
    house,
    identify,
    page,
    user_hash,
    views,
    visitor_of,
)

from habitue_collector import fold
from habitue_collector.profile import unpack
from habitue_collector.request import Request
from habitue_collector.retention import RetentionStore
from habitue_collector.service import Collector
from habitue_collector.settings import demo_settings
from habitue_collector.store import keys
from habitue_collector.submission import Submission

pytestmark = pytest.mark.asyncio


def counts_of(profile: dict[str, Any] | None) -> dict[str, int]:
    """item_id → how often it was touched."""
    assert profile is not None
    return {item["item_id"]: item["count"] for item in profile["recent_items"]}


def ids_in_log(shop: House) -> list[str]:
    return sorted(record["event_id"] for record in shop.events() if "profile_id" in record)


async def asks(
    shop: House, *events: dict[str, Any], cookie: str, worker: int = 0
) -> tuple[Answer, dict[str, Any] | None]:
    """Events in, and the profile that an answer may speak of, as `context` gets it."""
    collector = shop.workers[worker]
    body = orjson.dumps({"writeKey": "demo", "batch": list(events)})
    request = Request(
        "/h/v1/context", b"", {b"cookie": f"habitue={cookie}".encode()}, body, "127.0.0.1", "http"
    )
    opened = collector.ingest.open(request, by_cookie=True)
    answered: asyncio.Future[Submission | None] = asyncio.get_running_loop().create_future()
    collector.ingest.take(opened, lambda _, submission: answered.set_result(submission), wants_profile=True)
    submission = await asyncio.wait_for(answered, 20)
    assert submission is not None
    profile = submission.profile
    return (
        Answer(503 if submission.error else 200, {"results": [i.result for i in submission.intakes]}, []),
        None if profile is None else profile.to_public(),
    )


async def until_acknowledged(shop: House, event: dict[str, Any], cookie: str, worker: int = 0) -> int:
    """As the tag does it: the same event again until somebody says 200. How often it was sent."""
    for attempt in range(1, 200):
        answer = await shop.browser(event, cookie=cookie, worker=worker % len(shop.workers))
        if answer.status == 200:
            return attempt
        assert answer.status == 503
        assert (b"retry-after", b"1") in answer.headers
        await asyncio.sleep(0.02)
    raise AssertionError("never acknowledged")


async def make_impatient(collector: Collector) -> None:
    """Half a second instead of five, from the next connection on."""
    link, committer = collector.link, collector.committer
    link.reply_timeout_seconds = link.connect_timeout_seconds = 0.3
    committer._patience = 0.5
    lost = committer.tally.lost_links
    assert link._wire is not None
    link._wire.abort()
    while committer.tally.lost_links == lost or not committer.is_ready:
        await asyncio.sleep(0.005)


# ---- many at once ----------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [2, 3])
async def test_workers_that_write_one_visitor_at_once_lose_and_double_nothing(workers: int) -> None:
    async with house(workers=workers) as shop:
        cookie = (await shop.browser(page("/"))).cookie
        assert cookie is not None

        async def tab(number: int) -> None:
            for turn in range(10):
                answer = await shop.browser(views(f"I{turn % 5}"), cookie=cookie, worker=number % workers)
                assert answer.statuses == ["accepted"]

        await asyncio.gather(*(tab(number) for number in range(12)))
        assert sum(counts_of(await shop.profile(visitor_of(cookie))).values()) == 120
        assert len(ids_in_log(shop)) == 121
        assert sum(collector.committer.tally.conflicts for collector in shop.workers) > 0


async def test_the_same_batch_through_every_worker_at_once_counts_once() -> None:
    async with house(workers=3) as shop:
        cookie = (await shop.browser(page("/"))).cookie
        batch = [views("A"), views("B"), buys("o-1", 10, "A")]
        answers = await asyncio.gather(
            *(shop.browser(*batch, cookie=cookie, worker=number % 3) for number in range(12))
        )
        assert {tuple(answer.statuses) for answer in answers} == {("accepted",) * 3}
        for index in range(3):
            fresh = [answer for answer in answers if "duplicate" not in answer.results[index]]
            assert len(fresh) == 1, "one of them was the first, the others were told so"
        profile = await shop.profile(visitor_of(cookie))
        assert counts_of(profile) == {"A": 2, "B": 1}
        assert profile is not None
        assert profile["orders"]["count"] == 1
        assert len(ids_in_log(shop)) == len(set(ids_in_log(shop))) == 4


async def test_a_repeat_within_one_batch_is_accepted_as_a_duplicate() -> None:
    async with house() as shop:
        event = views("A")
        answer = await shop.browser(event, views("B"), event)
        assert [one.get("duplicate") for one in answer.results] == [None, None, True]
        assert counts_of(await shop.profile(visitor_of(answer.cookie))) == {"A": 1, "B": 1}


async def test_a_repeat_of_a_batch_that_was_only_half_stored_brings_the_other_half() -> None:
    async with house(workers=2) as shop:
        first, second = views("A"), views("B")
        cookie = (await shop.browser(first)).cookie
        answer = await shop.browser(first, second, cookie=cookie, worker=1)
        assert [one.get("duplicate") for one in answer.results] == [True, None]


async def test_an_event_counts_in_the_offers_of_the_very_next_request_through_two_workers() -> None:
    async with house(workers=2) as shop:
        cookie = (await shop.browser(page("/"))).cookie
        assert cookie is not None
        for number in range(500):
            await shop.browser(views(f"I{number}"), cookie=cookie, worker=number % 2)
            _, profile = await asks(shop, cookie=cookie, worker=(number + 1) % 2)
            assert f"I{number}" in counts_of(profile)
        user = (await shop.browser(identify("u", user_hash("u")), cookie=cookie)).cookie or cookie
        for number in range(500, 1_000):
            await shop.browser(views(f"I{number}"), cookie=user, worker=number % 2)
            _, profile = await asks(shop, cookie=user, worker=(number + 1) % 2)
            assert f"I{number}" in counts_of(profile)


async def test_an_answer_is_fresh_although_another_device_of_the_user_is_in_the_same_flush() -> None:
    """The user's profile is good enough from the cache for the one, and must be read for the other."""
    async with house(workers=2) as shop:
        phone = (await shop.browser(identify("u", user_hash("u")))).cookie
        laptop = (await shop.browser(identify("u", user_hash("u")))).cookie
        assert phone
        assert laptop
        for number in range(20):
            seen = views("OLD")
            await shop.browser(seen, cookie=phone)  # worker 0 has the user in its cache
            await shop.browser(views(f"I{number}"), cookie=phone, worker=1)
            collector = shop.workers[0]
            collector.committer._busy = True  # hold the flush until all three are in the queue
            tasks = [
                asyncio.create_task(shop.browser(seen, cookie=phone)),
                asyncio.create_task(
                    shop.backend("track", {"userId": "u", **seen, "messageId": seen["messageId"]})
                ),
            ]
            asked = asyncio.create_task(asks(shop, cookie=laptop))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            collector.committer._busy = False
            collector.committer._begin()
            _, profile = await asked
            await asyncio.gather(*tasks)
            assert f"I{number}" in counts_of(profile)


async def test_a_profile_that_was_erased_behind_the_cache_is_not_written_back() -> None:
    async with house(workers=2) as shop:
        cookie = (await shop.browser(views("A"), views("A"))).cookie
        device = visitor_of(cookie)
        await shop.workers[1].endpoints.profiles.erase(device, shop.workers[1].ingest.clock())
        await shop.browser(views("B"), cookie=cookie)  # worker 0 still has the old one in its cache
        assert counts_of(await shop.profile(device)) == {"B": 1}


async def test_an_answer_that_cannot_be_made_takes_nobody_elses_away() -> None:
    """A bug in what answers: its visitor is told 503, the neighbours get theirs, the queue empties."""
    async with house() as shop:
        collector = shop.workers[0]
        cookies = [str((await shop.browser(page("/"))).cookie) for _ in range(3)]
        calls: list[str | None] = []

        def failing(submission: Submission) -> None:
            calls.append(submission.error)
            if submission.error is None:
                raise RuntimeError("no offers today")

        def take(cookie: str, done: Any) -> None:
            body = orjson.dumps({"writeKey": "demo", "batch": [views("A")]})
            opened = collector.ingest.open(
                Request("/h/v1/batch", b"", {b"cookie": b"habitue=" + cookie.encode()}, body, None, "http"),
                by_cookie=True,
            )
            collector.ingest.take(opened, done)

        good: list[asyncio.Future[Submission | None]] = [
            asyncio.get_running_loop().create_future() for _ in range(2)
        ]
        take(cookies[0], lambda _, submission: good[0].set_result(submission))
        take(cookies[1], lambda _, submission: failing(submission))
        take(cookies[2], lambda _, submission: good[1].set_result(submission))
        for answered in good:
            submission = await asyncio.wait_for(answered, 5)
            assert submission is not None
            assert submission.error is None
        assert calls == [None, "unavailable"]
        assert collector.committer.queued_events == 0


async def test_an_event_that_we_cannot_fold_spoils_nobody_elses(monkeypatch: pytest.MonkeyPatch) -> None:
    real = fold.fold

    def failing(profile: Any, event: Any, *more: Any) -> Any:
        if event.items and event.items[0].item_id == "POISON":
            raise KeyError("a bug of ours")
        return real(profile, event, *more)

    monkeypatch.setattr(fold, "fold", failing)
    async with house() as shop:
        cookies = [(await shop.browser(page("/"))).cookie for _ in range(5)]
        answers = await asyncio.gather(
            *(
                shop.browser(views("POISON" if number == 2 else "A"), cookie=cookie)
                for number, cookie in enumerate(cookies)
            )
        )
        assert [answer.status for answer in answers] == [200, 200, 503, 200, 200]
        assert shop.workers[0].missing() == []
        assert shop.workers[0].committer.queued_events == 0


async def test_a_login_that_happened_at_another_worker_is_seen_by_the_one_that_knew_nobody() -> None:
    """Worker 0 remembers the device as nobody's; then every page says who it is, wherever it goes."""
    async with house(workers=2) as shop:
        cookie = (await shop.browser(views("A"))).cookie
        await shop.browser(identify("u", user_hash("u")), cookie=cookie, worker=1)
        flushes = shop.workers[0].committer.tally.flushes
        answer = await shop.browser(identify("u", user_hash("u")), views("B"), cookie=cookie)
        assert answer.statuses == ["accepted"] * 2
        assert shop.workers[0].committer.tally.flushes - flushes < 20
        assert counts_of(await shop.profile("user:u")) == {"A": 1, "B": 1}


async def test_an_order_is_settled_by_who_the_device_is_now_not_by_who_it_was() -> None:
    async with house(workers=2) as shop:
        cookie = (await shop.browser(views("A"))).cookie
        device = visitor_of(cookie)
        await shop.browser(identify("u", user_hash("u")), cookie=cookie, worker=1)
        await shop.browser(buys("o-1", 1, "A"))  # somebody else names it first
        await shop.backend("track", {"anonymousId": device, **buys("o-1", 30, "A")})
        profile = await shop.profile("user:u")
        assert profile is not None
        assert (profile["orders"]["count"], profile["orders"]["value"]) == (1, 30)
        assert (await shop.state(device)).keys() == {"pointer"}


# ---- too much --------------------------------------------------------------------------------


@pytest.mark.parametrize(("limit", "most"), [("_most_events", 10), ("_most_bytes", 3_000)])
async def test_a_full_queue_is_a_503_with_retry_after_and_forgets_nothing(limit: str, most: int) -> None:
    async with house() as shop:
        cookie = (await shop.browser(page("/"))).cookie
        committer = shop.workers[0].committer
        setattr(committer, limit, most)
        events = [views(f"I{number % 20}") for number in range(60)]
        answers = await asyncio.gather(*(shop.browser(event, cookie=cookie) for event in events))
        refused = [answer for answer in answers if answer.status == 503]
        assert refused
        assert committer.tally.refused == len(refused)
        for answer in refused:
            assert answer.body["code"] == "overloaded"
            assert (b"retry-after", b"1") in answer.headers
        accepted = [event for event, answer in zip(events, answers, strict=True) if answer.status == 200]
        assert sum(counts_of(await shop.profile(visitor_of(cookie))).values()) == len(accepted)
        assert committer.queued_events == committer.queued_bytes == 0
        again = await shop.browser(views("LAST"), cookie=cookie)
        assert again.status == 200


async def test_redis_out_of_memory_is_a_503_that_readyz_shows_and_ends_with_it() -> None:
    async with house() as shop:
        cookie = str((await shop.browser(views("A"))).cookie)
        client = shop.redis.client()
        client.config_set("maxmemory", 1)
        answer = await shop.browser(views("B"), cookie=cookie)
        assert answer.status == 503
        assert shop.workers[0].missing() == ["Redis refuses to write"]
        login = await shop.browser(identify("u", user_hash("u")), cookie=cookie)
        assert login.status == 503
        client.config_set("maxmemory", 0)
        assert (await shop.browser(views("C"), cookie=cookie)).status == 200
        assert shop.workers[0].missing() == []
        assert counts_of(await shop.profile(visitor_of(cookie))) == {"A": 1, "C": 1}


async def test_readyz_recovers_from_a_full_redis_without_anybody_sending_something() -> None:
    async with house() as shop:
        client = shop.redis.client()
        client.config_set("maxmemory", 1)
        assert (await shop.browser(views("B"))).status == 503
        client.config_set("maxmemory", 0)
        while shop.workers[0].missing():
            await asyncio.sleep(0.02)  # the figures that are published every second are a try


# ---- Redis ends, stops, forgets ----------------------------------------------------------------


async def hammer(shop: House, cookies: list[str], rounds: int, disturb: Any) -> dict[str, list[str]]:
    """Every visitor sends its events one after the other until each is acknowledged; its event ids."""
    acknowledged: dict[str, list[str]] = {cookie: [] for cookie in cookies}

    async def visitor(number: int, cookie: str) -> None:
        for turn in range(rounds):
            event = views(f"I{turn % 10}")
            await until_acknowledged(shop, event, cookie, number + turn)
            acknowledged[cookie].append(event["messageId"])

    visitors = [asyncio.create_task(visitor(number, cookie)) for number, cookie in enumerate(cookies)]
    await disturb(acknowledged)
    await asyncio.gather(*visitors)
    return acknowledged


async def check_nothing_lost(shop: House, acknowledged: dict[str, list[str]]) -> None:
    logged: dict[str, list[str]] = {}
    for record in shop.events():
        if record["kind"] == "product_view":
            logged.setdefault(record["profile_id"], []).append(record["event_id"])
    for cookie, ids in acknowledged.items():
        device = visitor_of(cookie)
        assert sorted(logged[device]) == sorted(ids), "in the log, once"
        assert sum(counts_of(await shop.profile(device)).values()) == len(ids), "in the profile, once"


async def some_done(acknowledged: dict[str, list[str]], more: int) -> None:
    start = sum(map(len, acknowledged.values()))
    while sum(map(len, acknowledged.values())) < start + more:
        await asyncio.sleep(0.001)


async def test_redis_killed_in_mid_load_loses_and_doubles_nothing() -> None:
    async with house(workers=2, fsync="always") as shop:
        cookies = [str((await shop.browser(page("/"))).cookie) for _ in range(6)]

        async def disturb(acknowledged: dict[str, list[str]]) -> None:
            for _ in range(3):
                await some_done(acknowledged, 40)
                shop.redis.kill()
                shop.redis.start()

        await check_nothing_lost(shop, await hammer(shop, cookies, 60, disturb))
        assert sum(collector.committer.tally.lost_links for collector in shop.workers) >= 3


async def test_redis_stopped_for_a_while_loses_and_doubles_nothing() -> None:
    async with house(workers=2, fsync="always") as shop:
        cookies = [str((await shop.browser(page("/"))).cookie) for _ in range(6)]
        for collector in shop.workers:
            await make_impatient(collector)

        async def disturb(acknowledged: dict[str, list[str]]) -> None:
            for pause in (0.1, 1.5):
                await some_done(acknowledged, 40)
                assert shop.redis.process is not None
                os.kill(shop.redis.process.pid, signal.SIGSTOP)
                await asyncio.sleep(pause)
                os.kill(shop.redis.process.pid, signal.SIGCONT)

        await check_nothing_lost(shop, await hammer(shop, cookies, 50, disturb))


async def test_nobody_waits_for_a_stopped_redis_much_longer_than_its_patience() -> None:
    async with house() as shop:
        cookie = (await shop.browser(page("/"))).cookie
        collector = shop.workers[0]
        await make_impatient(collector)
        assert shop.redis.process is not None
        os.kill(shop.redis.process.pid, signal.SIGSTOP)
        async with asyncio.timeout(15):  # without its patience they would wait for ever
            answers = await asyncio.gather(*(shop.browser(views("A"), cookie=cookie) for _ in range(5)))
        assert {answer.status for answer in answers} == {503}
        assert collector.committer.queued_events == 0
        os.kill(shop.redis.process.pid, signal.SIGCONT)


@pytest.mark.parametrize("what", ["event", "login", "reset", "erase"])
async def test_scripts_that_redis_forgot_are_loaded_again(what: str) -> None:
    async with house() as shop:
        cookie = str((await shop.browser(views("A"))).cookie)
        shop.redis.client().script_flush()
        if what == "event":
            answers = await asyncio.gather(*(shop.browser(views("B"), cookie=cookie) for _ in range(3)))
            assert {answer.status for answer in answers} == {200}
            assert counts_of(await shop.profile(visitor_of(cookie))) == {"A": 1, "B": 3}
        elif what == "login":
            assert (await shop.browser(identify("u", user_hash("u")), cookie=cookie)).status == 200
            assert counts_of(await shop.profile("user:u")) == {"A": 1}
        elif what == "reset":
            assert (await shop.post("/h/v1/reset", {"writeKey": "demo"}, cookie=cookie)).status == 200
        else:
            await shop.workers[0].endpoints.profiles.erase(visitor_of(cookie), 1)
            assert await shop.profile(visitor_of(cookie)) is None


async def test_redis_away_at_start_is_waited_for_and_said() -> None:
    real = RealRedis()
    collector = Collector(demo_settings(real.folder), real.url, SIGNING_KEYS)
    await collector.start()
    shop = House(real, [collector])
    try:
        assert collector.missing() == ["Redis does not answer"]
        waiting = asyncio.create_task(shop.browser(views("A")))
        await asyncio.sleep(0.05)
        assert not waiting.done(), "an event that came early waits for a while"
        real.start()
        answer = await waiting
        assert answer.status == 200
        assert collector.missing() == []
        assert counts_of(await shop.profile(visitor_of(answer.cookie))) == {"A": 1}
    finally:
        await collector.stop()
        real.remove()


async def test_closing_answers_what_is_in_the_queue_and_refuses_what_comes_later() -> None:
    async with house() as shop:
        collector = shop.workers[0]
        cookie = (await shop.browser(page("/"))).cookie
        waiting = [asyncio.create_task(shop.browser(views("A"), cookie=cookie)) for _ in range(20)]
        waiting.append(asyncio.create_task(shop.browser(identify("u", user_hash("u")), cookie=cookie)))
        await asyncio.sleep(0)
        await collector.committer.close()
        assert {answer.status for answer in await asyncio.gather(*waiting)} == {200}
        assert (await shop.browser(views("B"), cookie=cookie)).status == 503
        async with house(real=shop.redis) as again:
            assert counts_of(await again.profile("user:u")) == {"A": 20}


async def test_closing_while_redis_is_stopped_leaves_nobody_without_an_answer() -> None:
    async with house() as shop:
        collector = shop.workers[0]
        cookie = (await shop.browser(page("/"))).cookie
        collector.committer._patience = 0.3
        assert shop.redis.process is not None
        os.kill(shop.redis.process.pid, signal.SIGSTOP)
        waiting = [
            asyncio.create_task(shop.browser(views("A"), cookie=cookie)),
            asyncio.create_task(shop.browser(identify("u", user_hash("u")), cookie=cookie)),
        ]
        await asyncio.sleep(0.05)
        waiting.append(asyncio.create_task(shop.browser(views("B"), cookie=cookie)))
        await asyncio.sleep(0.05)
        await asyncio.wait_for(collector.committer.close(), 5)
        assert {answer.status for answer in await asyncio.gather(*waiting)} == {503}
        os.kill(shop.redis.process.pid, signal.SIGCONT)


async def test_the_version_of_a_profile_never_repeats() -> None:
    async with house(workers=2) as shop:
        versions = [collector.committer.next_version() for collector in shop.workers for _ in range(100)]
        assert len(set(versions)) == 200
        assert {len(version) for version in versions} == {16}


async def test_a_profile_lives_as_long_as_its_kind_and_a_user_is_never_forgotten_as_a_bot() -> None:
    async with house() as shop:
        cookie = (await shop.browser(views("A"))).cookie
        bot = await shop.browser(views("A"), headers={"user-agent": "Googlebot/2.1"})
        client = shop.redis.client()
        anonymous = client.ttl(keys.profile(visitor_of(cookie)))
        assert 394 * 86_400 < anonymous <= 395 * 86_400
        assert 0 < client.ttl(keys.profile(visitor_of(bot.cookie))) <= 86_400
        await shop.browser(identify("u", user_hash("u")), cookie=bot.cookie)
        headers = {"user-agent": "Googlebot/2.1"}
        await shop.browser(views("B"), cookie=bot.cookie, headers=headers)
        assert client.ttl(keys.profile("user:u")) > 1_000 * 86_400


# ---- all of it at once -------------------------------------------------------------------------


async def chaos(rounds: int, kills: int) -> None:
    """Logins, logouts, shared devices, orders and repeats through two workers while Redis is killed."""
    async with house(workers=2, fsync="always") as shop:
        acknowledged: set[str] = set()
        orders: set[str] = set()
        done = 0

        async def sends(worker: int, cookie: str | None, *events: dict[str, Any]) -> str | None:
            for _ in range(400):
                answer = await shop.browser(*events, cookie=cookie, worker=worker % 2)
                if answer.status == 200:
                    assert all(one["status"] == "accepted" for one in answer.results)
                    acknowledged.update(event["messageId"] for event in events)
                    return answer.cookie or cookie
                worker += 1
                await asyncio.sleep(0.02)
            raise AssertionError("never acknowledged")

        async def person(number: int) -> None:
            nonlocal done
            name, chance = f"person-{number // 2}", random.Random(number)
            nonce = f"nonce-of-browser-{number:04}"
            cookie: str | None = None
            while cookie is None:
                cookie = (await shop.browser(page("/"), nonce=nonce, worker=number % 2)).cookie
            for turn in range(rounds):
                what = chance.random()
                if what < 0.1:
                    event = identify(name, user_hash(name), turn=turn)
                    cookie = await sends(turn, cookie, views("L"), event, views("M"))
                elif what < 0.15:
                    while True:
                        answer = await shop.post(
                            "/h/v1/reset", {"writeKey": "demo"}, cookie=cookie, worker=turn % 2
                        )
                        if answer.status == 200:
                            cookie = answer.cookie or cookie
                            break
                        await asyncio.sleep(0.02)
                elif what < 0.3:
                    order = buys(f"order-{number // 2}-{turn}", 2, "A")  # both devices report it
                    cookie = await sends(turn, cookie, order)
                    orders.add(order["properties"]["order_id"])
                elif what < 0.5:
                    events = [views("A"), views("B")]
                    both = await asyncio.gather(sends(0, cookie, *events), sends(1, cookie, *events))
                    cookie = both[0]
                else:
                    cookie = await sends(turn, cookie, views("A"))
                done += 1

        people = [asyncio.create_task(person(number)) for number in range(8)]
        for kill in range(kills):
            while done < (kill + 1) * rounds * 8 // (kills + 2):
                await asyncio.sleep(0.002)
            shop.redis.kill()
            shop.redis.start()
        await asyncio.gather(*people)
        for collector in shop.workers:
            await collector.mover.finish_all()

        logged = Counter(
            record["event_id"]
            for record in shop.events()
            if "profile_id" in record and not record["event_id"].startswith("consent:")
        )
        missing = acknowledged - logged.keys()
        assert not missing, "acknowledged, and lost"
        assert max(logged.values()) == 1, "counted twice"
        client = shop.redis.client()
        profiles = {}
        for key in client.keys("*:profile:*"):
            name = key.decode().split(":profile:", 1)[1]
            profiles[name] = unpack(name, client.get(key))[1]
        assert sum(profile.orders.count for profile in profiles.values()) == len(orders)
        again: dict[str, Any] = {}
        for kind, record in shop.log():
            if (name := record.get("profile_id")) is not None:
                again[name] = fold.apply(again.get(name), kind, record)
        assert {name: state for name, one in profiles.items() if (state := one.to_record())} == {
            name: orjson.loads(orjson.dumps(state))
            for name, one in again.items()
            if one is not None and (state := one.to_record())
        }
        assert not any(client.hgetall(keys.transfers(bucket)) for bucket in range(keys.BUCKETS))


async def test_logins_orders_and_repeats_survive_a_redis_that_is_killed() -> None:
    await chaos(rounds=25, kills=2)


@pytest.mark.long
async def test_logins_orders_and_repeats_survive_a_redis_that_is_killed_thirty_times() -> None:
    await chaos(rounds=300, kills=30)


async def test_a_lifetime_chosen_in_the_console_counts_from_the_next_event_on() -> None:
    async with house() as shop:
        collector = shop.workers[0]
        cookie = (await shop.browser(page("/"))).cookie
        key = keys.profile(visitor_of(cookie))
        day = 86_400
        async with Redis.from_url(shop.redis.url) as redis:
            assert 394 * day < await redis.ttl(key) <= 395 * day
            await RetentionStore(redis).save({"anonymous_profile_days": 30}, author="anna", at=1, expected=0)
            await collector._keep_as_chosen()
            await shop.browser(page("/"), cookie=cookie)
            assert 29 * day < await redis.ttl(key) <= 30 * day
            await RetentionStore(redis).save({}, author="anna", at=2, expected=1)
            await collector._keep_as_chosen()
            await shop.browser(page("/"), cookie=cookie)
            assert await redis.ttl(key) > 394 * day
