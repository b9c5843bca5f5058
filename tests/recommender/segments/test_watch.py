"""Who enters and leaves a segment: by what passes in the log, by time, and without a trace when erased."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis
from support.decisions import DAY, NOW, with_redis
from support.house import buys, house, page, visitor_of

from habitue_collector.profile import Profile
from habitue_collector.store import keys
from habitue_recommender.rulebook.book import Rulebook
from habitue_recommender.rulebook.follower import RulebookReader
from habitue_recommender.rulebook.store import RulebookStore
from habitue_recommender.segments.members import Members, is_person
from habitue_recommender.segments.sweep import Sweep
from habitue_recommender.segments.watch import SegmentWatch
from habitue_recommender.settings import RecommenderSettings
from habitue_recommender.webhooks.messages import Told
from habitue_recommender.webhooks.queue import WebhookQueue, Webhooks
from habitue_warehouse.archive import Archiver, ArchiveSettings

SETTINGS = RecommenderSettings()


@pytest.fixture(autouse=True)
def _no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("habitue_recommender.segments.sweep.SHARE", 1.0)


@dataclass
class Entry:
    """As the archiver hands it on."""

    type: str
    record: dict[str, Any] | None
    stream_id: tuple[int, int, int] = (0, NOW, 0)


class Shop:
    """A watch over one Redis, with a clock that a test turns."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.now = NOW
        self.webhooks = Webhooks(lambda: self.now)
        self.watch = self.new_watch()
        self.store = RulebookStore(redis, lambda: self.now)

    def new_watch(self) -> SegmentWatch:
        reader = RulebookReader(
            lambda documents, version, previous: Rulebook.compile(
                documents, settings=SETTINGS, version=version, previous=previous
            )
        )
        return SegmentWatch(reader, lambda: self.redis, lambda: self.now, self.webhooks)

    async def segment(self, segment_id: str, when: str, **more: Any) -> None:
        body = {"id": segment_id, "name": segment_id.title(), "when": when, **more}
        await self.store.save("segment", segment_id, body, author="anna")

    async def person(self, profile_id: str, **state: Any) -> None:
        lived = {"visits": 1, "first_seen": NOW, "last_seen": NOW} | state
        await self.redis.set(keys.profile(profile_id), Profile(profile_id, lived).pack(b"v" * 16))

    async def does(self, *profile_ids: str) -> None:
        """Something happened that the archiver read."""
        self.watch.observe([Entry("event", {"profile_id": one, "kind": "page_view"}) for one in profile_ids])
        await self.settle()

    async def settle(self) -> None:
        """Turns until nothing is left to do."""
        busy = True
        while busy or self.watch.sweep is not None:
            busy = await self.watch.step(self.redis)

    async def members(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for bucket in range(keys.BUCKETS):
            held: Any = await self.redis.hgetall(keys.memberships(bucket))
            found |= {name.decode(): packed.decode() for name, packed in held.items()}
        return found

    async def counts(self) -> dict[str, int]:
        return await Members(self.redis).counts()

    async def log(self) -> list[tuple[str, str, str]]:
        """Who did what by which cause, in the order of time."""
        entries = []
        for bucket in range(keys.BUCKETS):
            for name, pairs in await self.redis.xrange(keys.log(bucket)):
                record = orjson.loads(pairs[b"segment"])
                told = f"{record['change']} {record['segment_id']}"
                entries.append((name, (record["profile_id"], told, record["cause"])))
        return [told for _, told in sorted(entries)]

    async def figures(self) -> dict[str, Any]:
        packed: Any = await self.redis.get(keys.SEGMENT_FIGURES)
        figures: dict[str, Any] = orjson.loads(packed)
        return figures


def shop_test(socket: str, work: Callable[[Shop], Coroutine[Any, Any, None]]) -> None:
    with_redis(socket, lambda redis: work(Shop(redis)))


def test_an_event_brings_somebody_in_and_another_out_again(redis_socket: str) -> None:
    async def work(shop: Shop) -> None:
        await shop.segment("returning", "visitor.visits >= 2")
        await shop.segment("buyer", "visitor.orders.count >= 1")
        await shop.settle()
        await shop.person("anna")
        await shop.does("anna")
        assert await shop.members() == {}
        await shop.person("anna", visits=2, orders={"count": 1, "by_currency": {"EUR": 9.0}})
        await shop.does("anna", "nobody")
        assert await shop.members() == {"anna": "buyer returning"}
        assert await shop.counts() == {"buyer": 1, "returning": 1}
        await shop.person("anna", visits=2)
        await shop.does("anna", "anna")
        assert await shop.counts() == {"returning": 1}
        assert await shop.log() == [
            ("anna", "entered buyer", "event"),
            ("anna", "entered returning", "event"),
            ("anna", "left buyer", "event"),
        ]
        assert shop.watch.changes == {"entered": 2, "left": 1}

    shop_test(redis_socket, work)


def test_a_saved_segment_finds_everybody_that_is_in_it(redis_socket: str) -> None:
    async def work(shop: Shop) -> None:
        for number in range(280):  # more than one command reads
            await shop.person(f"p{number}", visits=number % 4)
        await shop.settle()
        await shop.segment("keen", "visitor.visits == 3")
        await shop.watch.step(shop.redis)
        await shop.settle()
        figures = await shop.figures()
        assert figures["segments"]["keen"]["people"] == 70
        assert figures["segments"]["keen"]["exact"]
        assert figures["people"] == 280
        assert await shop.counts() == {"keen": 70}
        await shop.segment("keen", "visitor.visits >= 2")
        await shop.settle()
        assert await shop.counts() == {"keen": 140}
        assert {cause for _, _, cause in await shop.log()} == {"definition"}

    shop_test(redis_socket, work)


def test_an_address_that_no_segment_names_any_more_is_forgotten(redis_socket: str) -> None:
    async def work(shop: Shop) -> None:
        await shop.segment(
            "keen", "visitor.visits >= 3", webhooks=["https://a.example/", "https://b.example/"]
        )
        await shop.settle()
        told = Told("anna", "keen", "entered", NOW, "event", "0-1-0")
        await shop.webhooks.enqueue(shop.redis, [told], shop.watch._reader.rulebook.segments.by_id)
        assert await WebhookQueue(shop.redis).waiting() == 2
        await shop.segment("keen", "visitor.visits >= 3", webhooks=["https://b.example/"])
        await shop.settle()
        assert await WebhookQueue(shop.redis).known() == ["https://b.example/"]
        assert await WebhookQueue(shop.redis).waiting() == 1
        assert shop.webhooks.tally == {"unsubscribed": 1}
        assert shop.watch.subscribed("https://b.example/", "keen")
        assert shop.watch.subscribed("https://a.example/", "keen") is False
        assert shop.new_watch().subscribed("https://b.example/", "keen") is None  # nobody knows yet

    shop_test(redis_socket, work)


def test_a_profile_that_cannot_be_read_keeps_nobody_waiting(redis_socket: str) -> None:
    async def work(shop: Shop) -> None:
        await shop.segment("phone", "visitor.device == 'mobile'")
        await shop.person("broken", session="no session", consents={"analytics": {"state": "granted"}})
        await shop.redis.set(keys.profile("garbage"), b"v" * 16 + b"{")
        session = {"id": "s", "started": 1, "last": 1, "events": 1, "device": "mobile"}
        await shop.person("anna", session=session)
        await shop.does("broken", "garbage", "anna")
        assert await shop.members() == {"anna": "phone"}
        assert shop.watch.failed > 0

    shop_test(redis_socket, work)


def test_a_segment_that_names_another_follows_its_definition(redis_socket: str) -> None:
    async def work(shop: Shop) -> None:
        await shop.person("anna", visits=3)
        await shop.segment("keen", "visitor.visits >= 5")
        await shop.segment("keen-and-known", '"keen" in visitor.segments')
        await shop.settle()
        assert await shop.counts() == {}
        await shop.segment("keen", "visitor.visits >= 3")
        await shop.settle()
        assert await shop.members() == {"anna": "keen keen-and-known"}

    shop_test(redis_socket, work)


def test_nobody_leaves_a_segment_that_is_deleted(redis_socket: str) -> None:
    async def work(shop: Shop) -> None:
        await shop.person("anna", visits=3)
        await shop.segment("keen", "visitor.visits >= 3", webhooks=["https://hooks.example/a"])
        await shop.settle()
        await shop.store.delete("segment", "keen", author="anna")
        await shop.settle()
        assert await shop.members() == {}
        assert await shop.counts() == {}
        assert await shop.log() == [("anna", "entered keen", "definition")]
        assert (await shop.figures())["segments"] == {}

    shop_test(redis_socket, work)


def test_who_only_waits_leaves_when_the_time_has_come(redis_socket: str) -> None:
    async def work(shop: Shop) -> None:
        await shop.segment("asleep", "visitor.days_since_last_seen > 30")
        await shop.person("anna")
        await shop.settle()
        assert await shop.counts() == {}
        shop.now += 31 * DAY
        await shop.watch.step(shop.redis)
        await shop.settle()
        assert await shop.counts() == {"asleep": 1}
        await shop.person("anna", last_seen=shop.now)
        await shop.does("anna")
        assert await shop.log() == [("anna", "entered asleep", "time"), ("anna", "left asleep", "event")]

    shop_test(redis_socket, work)


def test_who_is_erased_leaves_without_a_trace_in_the_log(redis_socket: str) -> None:
    async def work(shop: Shop) -> None:
        await shop.segment("keen", "visitor.visits >= 3", webhooks=["https://hooks.example/a"])
        await shop.person("user:anna", visits=3)
        await shop.does("user:anna")
        await shop.redis.delete(keys.profile("user:anna"))
        await shop.redis.set(keys.tombstone("user:anna"), shop.now)
        shop.watch.observe([Entry("erasure", {"profile_id": "user:anna", "timestamp": shop.now})])
        await shop.settle()
        assert await shop.members() == {}
        assert await shop.counts() == {}
        assert [told for _, told, _ in await shop.log()] == ["entered keen"]  # erased with its partition
        packed = await WebhookQueue(shop.redis).first("https://hooks.example/a")
        assert packed is not None
        assert b'"left"' in packed  # whoever was told of the entering is told of this too
        assert b'"erased"' in packed

    shop_test(redis_socket, work)


def test_records_of_profiles_that_redis_forgot_are_swept_out(redis_socket: str) -> None:
    async def work(shop: Shop) -> None:
        await shop.segment("keen", "visitor.visits >= 3")
        for number in range(20):
            await shop.person(f"p{number}", visits=3)
        await shop.settle()
        for number in range(15):
            await shop.redis.delete(keys.profile(f"p{number}"))
        shop.now += 2 * DAY
        await shop.watch.step(shop.redis)
        await shop.settle()
        assert await shop.counts() == {"keen": 5}
        assert len(await shop.members()) == 5

    shop_test(redis_socket, work)


def test_another_process_goes_on_where_the_one_before_ended(redis_socket: str) -> None:
    async def work(shop: Shop) -> None:
        await shop.segment("keen", "visitor.visits >= 3")
        await shop.person("anna", visits=3)
        await shop.settle()
        entered = await shop.log()
        await shop.person("ben", visits=3)  # while nobody watched
        shop.watch = shop.new_watch()
        await shop.watch.step(shop.redis)
        assert shop.watch.sweep is None or not shop.watch.sweep.urgent
        await shop.settle()
        assert await shop.counts() == {"keen": 2}
        assert await shop.log() == [*entered, ("ben", "entered keen", "time")]

    shop_test(redis_socket, work)


def test_more_than_there_is_room_for_are_found_by_the_next_sweep(
    redis_socket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(shop: Shop) -> None:
        await shop.segment("keen", "visitor.visits >= 3")
        await shop.settle()
        monkeypatch.setattr("habitue_recommender.segments.watch._MOST_WAITING", 3)
        for number in range(10):
            await shop.person(f"p{number}", visits=3)
        await shop.does(*(f"p{number}" for number in range(10)))
        await shop.settle()
        assert await shop.counts() == {"keen": 10}
        assert shop.watch.lost == 0

    shop_test(redis_socket, work)


def test_a_reader_that_is_called_off_leaves_its_reply_to_nobody(redis_socket: str) -> None:
    async def work(shop: Shop) -> None:
        names = [f"p{number}" for number in range(200)]
        for name in names:
            await shop.person(name, visits=3)
        members = Members(shop.redis)
        await members.read(names)
        for turns in range(6):
            reading = asyncio.create_task(members.read(names))
            for _ in range(turns):
                await asyncio.sleep(0)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            assert [one.profile_id for one in await members.read(names[:3])] == names[:3]
            assert await shop.redis.ping()

    shop_test(redis_socket, work)


def test_two_who_decide_at_once_count_nobody_twice(redis_socket: str) -> None:
    async def work(shop: Shop) -> None:
        await shop.segment("keen", "visitor.visits >= 3")
        await shop.settle()
        other = shop.new_watch()
        await other.step(shop.redis)
        for number in range(50):
            await shop.person(f"p{number}", visits=3)
        records = [Entry("event", {"profile_id": f"p{number}"}) for number in range(50)]
        shop.watch.observe(records)
        other.observe(records)
        await asyncio.gather(shop.watch.step(shop.redis), other.step(shop.redis))
        await shop.settle()
        assert await shop.counts() == {"keen": 50}
        assert len(await shop.log()) == 50

    shop_test(redis_socket, work)


@pytest.mark.parametrize(
    ("profile", "person"),
    [
        (Profile("a", {"visits": 1}), True),
        (Profile("user:a", {"traits": {"plan": {"value": "gold", "at": 1}}}), True),
        (Profile("a", {"orders": {"count": 1}}), True),
        (Profile("a", {"visits": 1, "bot": True}), False),
        (Profile("a", {"visits": 1, "pointer": "anna"}), False),  # the user is asked instead
        (Profile("a", {"successor": "b", "left": 1}), False),
        (Profile("a", {"visits": 1, "consents": {"personalization": {"state": "denied", "at": 1}}}), False),
        (Profile("a", {"visits": 1, "consents": {"analytics": {"state": "granted", "at": 1}}}), True),
        (Profile("a", {}), False),
        (None, False),
    ],
)
def test_segments_speak_of_people_who_said_no_to_nothing(profile: Profile | None, person: bool) -> None:
    assert is_person(profile) is person


@pytest.mark.asyncio
async def test_from_the_beacon_to_the_archive(tmp_path: Path) -> None:
    """A purchase makes a member within one round of the archiver; the record of it is archived."""
    async with house() as shop:
        client = shop.redis.client()
        async with Redis(unix_socket_path=str(shop.redis.socket)) as own:
            reader = RulebookReader(
                lambda documents, version, previous: Rulebook.compile(documents, settings=SETTINGS)
            )
            watch = SegmentWatch(reader, lambda: own)
            store = RulebookStore(own)
            await store.save("segment", "buyer", {"when": "visitor.orders.count >= 1"}, author="x")
            while watch.sweep is not None or not watch.sweeps:
                await watch.step(own)
            cookie = (await shop.browser(page("/"), buys("o-1", 20, "A"))).cookie
            archiver = Archiver(client, tmp_path, ArchiveSettings(), watch.observe)
            await asyncio.to_thread(archiver.run_once)
            await watch.step(own)
            device = visitor_of(cookie)
            assert client.hget(keys.memberships(keys.bucket_of(device)), device) == b"buyer"
            await asyncio.to_thread(archiver.run_once)
            assert archiver.totals.moves == 1


def test_the_walk_over_time_takes_its_share_and_the_one_for_a_definition_all_it_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("habitue_recommender.segments.sweep.SHARE", 0.1)
    slow = Sweep("time")
    slow.rest(10.0, 10.1)
    assert not slow.may_step(10.1)
    assert not slow.may_step(10.9)
    assert slow.may_step(11.1)
    urgent = Sweep("definition")
    urgent.rest(10.0, 10.1)
    assert urgent.may_step(10.1)


def test_a_new_definition_leaves_the_other_segments_as_they_are(redis_socket: str) -> None:
    async def work(shop: Shop) -> None:
        await shop.segment("keen", "visitor.visits >= 3")
        await shop.person("anna", visits=3)
        await shop.settle()
        await shop.segment("buyer", "visitor.orders.count >= 1")
        await shop.segment("other", '"buyer" in visitor.segments || visitor.visits == 3')
        await shop.settle()
        assert await shop.members() == {"anna": "keen other"}
        assert shop.watch.changes == {"entered": 2, "left": 0}

    shop_test(redis_socket, work)


@pytest.mark.long
def test_a_saved_segment_has_its_count_within_seconds_on_a_hundred_thousand_profiles(
    redis_socket: str,
) -> None:
    """At once as an estimate, exactly when everybody was asked; the limits leave room for other work."""

    async def work(shop: Shop) -> None:
        recent = {f"SKU-{number}": {"last": NOW // 1000, "count": 2} for number in range(8)}
        for start in range(0, 100_000, 2_000):
            async with shop.redis.pipeline(transaction=False) as pipeline:
                for number in range(start, start + 2_000):
                    lived = {"visits": number % 4, "last_seen": NOW, "recent_items": recent}
                    packed = Profile("", lived).pack(b"v" * 16)
                    pipeline.set(keys.profile(f"id{number}"), packed)
                await pipeline.execute()
        await shop.settle()
        began = monotonic()
        await shop.segment("keen", "visitor.visits >= 3 && size(visitor.viewed) > 2")
        await shop.watch.step(shop.redis)
        estimated = (await shop.figures())["segments"]["keen"]
        assert monotonic() - began < 5
        assert not estimated["exact"]
        assert abs(estimated["people"] - 25_000) < 4_000
        await shop.settle()
        assert monotonic() - began < 60
        assert (await shop.counts())["keen"] == 25_000

    shop_test(redis_socket, work)
