"""Replay: what the archive rebuilds is what is live."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from habitue_collector import fold
from habitue_collector.events import Event, Item, Kind
from habitue_collector.profile import Profile, unpack
from habitue_collector.settings import Lifetimes
from habitue_collector.store import keys
from habitue_warehouse import erasure
from habitue_warehouse.archive import Archiver
from habitue_warehouse.rebuild import Bucket, Entry
from habitue_warehouse.replay import NotEmpty, check, replay, restore

FIRST = 1_772_323_200_000
DAY = 86_400_000


class Live:
    """Folds and logs as the collector does: profile and record change together."""

    def __init__(self, redis: Any) -> None:
        self.redis = redis
        self.count = 0

    def take(self, record_type: str, record: dict[str, Any]) -> None:
        profile_id = record["profile_id"]
        packed = self.redis.get(keys.profile(profile_id))
        profile = None if packed is None else unpack(profile_id, packed)[1]
        after = fold.apply(profile, record_type, orjson.loads(orjson.dumps(record)))
        self.count += 1
        pipe = self.redis.pipeline(transaction=True)
        if after is None:
            pipe.delete(keys.profile(profile_id))
        else:
            pipe.set(keys.profile(profile_id), after.pack(b"%016d" % self.count))
        pipe.xadd(keys.log(keys.bucket_of(profile_id)), {record_type: orjson.dumps(record)})
        pipe.execute()

    def event(self, profile_id: str, kind: Kind, at: int, **members: Any) -> None:
        self.count += 1
        event = Event(
            event_id=f"e{self.count}", kind=kind, name=kind.value, timestamp=at, received_at=at,
            anonymous_id=profile_id, **members,
        )  # fmt: skip
        self.take("event", {**event.to_record(), "profile_id": profile_id})


@pytest.fixture
def live(redis: Any) -> Live:
    return Live(redis)


def shopping(live: Live, events: int, seed: int) -> None:
    """Visitors who look, put into the cart, buy, log in, log out, and one who is erased."""
    chance = random.Random(seed)
    kinds = [
        Kind.PAGE_VIEW,
        Kind.PRODUCT_VIEW,
        Kind.ADD_TO_CART,
        Kind.REMOVE_FROM_CART,
        Kind.SEARCH,
        Kind.LIST_VIEW,
    ]
    for number in range(events):
        who, at = f"visitor-{chance.randrange(12)}", FIRST + number * 60_000
        item = Item(f"i{chance.randrange(30)}", category="A/B", brand="X",
                    price=chance.choice([5, 9.99, 0.1 + 0.2]),
                    quantity=chance.choice([None, 1, 2]))  # fmt: skip
        kind = chance.choice(kinds)
        if chance.random() < 0.05:
            live.event(who, Kind.PURCHASE, at, items=[item], order_id=f"o{number}", currency="EUR")
        elif chance.random() < 0.05:
            live.event(
                who, Kind.IDENTIFY, at, user_id="u1", properties={"traits": {"näme": "Anna", "n": [1, None]}}
            )
        else:
            live.event(who, kind, at, items=[item], context={"page": {"path": "/x"}})
        if number % 40 == 39:
            packed = live.redis.get(keys.profile(who))
            assert packed is not None
            move = {"transfer_id": f"t{number}", "timestamp": at, "reason": "login", "from": who,
                    "to": "user:u1",
                    "user_id": "u1"}  # fmt: skip
            state = unpack(who, packed)[1].state
            live.take("transfer_out", {**move, "profile_id": who})
            live.take("transfer_in", {**move, "profile_id": "user:u1", "state": state})
            left = {"transfer_id": f"l{number}", "timestamp": at, "from": who, "to": f"{who}-next"}
            live.take("logout", {**left, "profile_id": who})
        if number % 97 == 96:
            live.take("erasure", {"profile_id": who, "timestamp": at})


def test_replay_equals_live(redis: Any, live: Live, archive_dir: Path) -> None:
    shopping(live, 300, seed=1)
    Archiver(redis, archive_dir).run_once()
    checked = check(redis, archive_dir)
    assert checked.differences == []
    assert checked.profiles >= 12
    rebuilt = {profile.profile_id: profile for profile in replay(archive_dir)}
    assert rebuilt["user:u1"].visits > 0
    assert {keys.profile(name).encode() for name in rebuilt} <= set(
        redis.scan_iter(match="{b*}:profile:*", count=1_000)
    )


def test_replay_equals_live_when_read_a_few_rows_at_a_time(redis: Any, live: Live, archive_dir: Path) -> None:
    shopping(live, 100, seed=2)
    Archiver(redis, archive_dir).run_once()
    steps: list[tuple[int, int]] = []
    small = [
        p.to_record() for p in replay(archive_dir, rows_at_once=5, progress=lambda *step: steps.append(step))
    ]
    assert small == [profile.to_record() for profile in replay(archive_dir)]
    assert steps[-1][0] == steps[-1][1]


def test_what_the_archive_does_not_have_yet_is_taken_from_the_log(
    redis: Any, live: Live, archive_dir: Path
) -> None:
    shopping(live, 60, seed=3)
    Archiver(redis, archive_dir).run_once()
    shopping(live, 60, seed=4)
    live.event("newcomer", Kind.PAGE_VIEW, FIRST)
    assert check(redis, archive_dir).differences == []
    assert check(redis, archive_dir.with_name("nothing-there")).differences == []


def test_a_difference_is_named(redis: Any, live: Live, archive_dir: Path) -> None:
    live.event("anna", Kind.PAGE_VIEW, FIRST)
    live.event("bert", Kind.PAGE_VIEW, FIRST)
    Archiver(redis, archive_dir).run_once()
    redis.set(keys.profile("anna"), Profile("anna", {"visits": 99}).pack(b"x" * 16))
    redis.delete(keys.profile("bert"))
    redis.set(keys.profile("stranger"), Profile("stranger", {"visits": 1}).pack(b"x" * 16))
    found = {one.profile_id: one for one in check(redis, archive_dir).differences}
    assert found.keys() == {"anna", "bert", "stranger"}
    assert "visits" in found["anna"].members
    assert found["bert"].live is None
    assert found["stranger"].replayed is None


def test_an_erased_visitor_does_not_come_back(redis: Any, live: Live, archive_dir: Path) -> None:
    live.event("anna", Kind.PAGE_VIEW, FIRST)
    live.take("erasure", {"profile_id": "anna", "timestamp": FIRST + 1_000})
    # Sent before, arrived after: the tombstone holds.
    record = Event("late", Kind.PAGE_VIEW, "Page", FIRST, FIRST + 500, "anna").to_record()
    redis.xadd(keys.log(keys.bucket_of("anna")), {"event": orjson.dumps({**record, "profile_id": "anna"})})
    Archiver(redis, archive_dir).run_once()
    assert list(replay(archive_dir)) == []
    erasure.run_pending(archive_dir, settle_seconds=0)
    assert list(replay(archive_dir)) == []
    live.event("anna", Kind.PAGE_VIEW, FIRST + 2_000)
    Archiver(redis, archive_dir).run_once()
    assert [profile.visits for profile in replay(archive_dir)] == [1]


def test_a_claim_to_an_erased_name_is_no_difference(redis: Any, live: Live, archive_dir: Path) -> None:
    live.event("bert", Kind.IDENTIFY, FIRST, user_id="7")
    live.take("erasure", {"profile_id": "user:7", "timestamp": FIRST + 1_000})
    redis.set(keys.tombstone("user:7"), FIRST + 1_000)
    Archiver(redis, archive_dir).run_once()
    erasure.run_pending(archive_dir, settle_seconds=0)
    assert check(redis, archive_dir).differences == [], "the archive has lost whom bert claimed to be"
    redis.delete(keys.tombstone("user:7"))
    assert [one.members for one in check(redis, archive_dir).differences] == [["claimed_user_id"]]


def test_what_redis_forgot_begins_anew(redis: Any, live: Live, archive_dir: Path) -> None:
    live.event("anna", Kind.PAGE_VIEW, FIRST)
    live.redis.delete(keys.profile("anna"))  # its lifetime has passed
    bucket = keys.log(keys.bucket_of("anna"))
    ((_, fields),) = redis.xrange(bucket)
    redis.delete(bucket)
    redis.xadd(bucket, fields, id=f"{FIRST}-0")
    live.event("anna", Kind.PAGE_VIEW, FIRST + DAY)
    Archiver(redis, archive_dir).run_once()
    assert check(redis, archive_dir, lifetimes=Lifetimes(anonymous_profile_days=1)).differences == []


def test_restore_fills_an_empty_redis_only(redis: Any, live: Live, archive_dir: Path) -> None:
    shopping(live, 120, seed=5)
    live.take("erasure", {"profile_id": "gone", "timestamp": FIRST})
    Archiver(redis, archive_dir).run_once()
    before = {p.profile_id: p.to_record() for p in replay(archive_dir)}
    with pytest.raises(NotEmpty):
        restore(redis, archive_dir)
    redis.flushall()
    assert restore(redis, archive_dir) == len(before)
    for name, state in before.items():
        packed = redis.get(keys.profile(name))
        assert unpack(name, packed)[1].to_record() == state
        assert redis.pttl(keys.profile(name)) > 0
    assert redis.get(keys.tombstone("gone")) == str(FIRST).encode()


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
    | st.integers(-(2**63), 2**64 - 1),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
NUMBER = st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)
ITEM = st.builds(Item, item_id=TEXT, name=st.none() | TEXT, price=NUMBER, quantity=NUMBER)
EVENT = st.builds(
    Event, event_id=TEXT, kind=st.sampled_from(Kind), name=TEXT, timestamp=st.integers(0, 4_000_000_000_000),
    received_at=st.integers(0, 4_000_000_000_000), anonymous_id=st.none() | TEXT, user_id=st.none() | TEXT,
    items=st.lists(ITEM, max_size=3), value=NUMBER, currency=st.none() | TEXT,
    context=st.dictionaries(TEXT, JSON, max_size=3), properties=st.dictionaries(TEXT, JSON, max_size=3),
)  # fmt: skip


# Many events each: what an example costs is the archive around them.
@given(st.lists(EVENT, min_size=1, max_size=30), st.dictionaries(TEXT, JSON, max_size=2))
@settings(
    max_examples=8,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_event_comes_back_from_the_archive_as_it_went_in(
    redis: Any, tmp_path_factory: pytest.TempPathFactory, events: list[Event], more: dict[str, Any]
) -> None:
    redis.flushall()
    archive_dir = tmp_path_factory.mktemp("any")
    sent = []
    for event in events:
        record = {
            **{f"x-{name}": value for name, value in more.items() if value is not None},
            **event.to_record(),
        }
        sent.append({**record, "profile_id": "anna"})
        redis.xadd(keys.log(keys.bucket_of("anna")), {"event": orjson.dumps(sent[-1])})
    Archiver(redis, archive_dir).run_once()
    came: list[dict[str, Any]] = []

    def apply(profile: Profile | None, record_type: str, record: dict[str, Any]) -> Profile | None:
        came.append(record)
        return None

    assert list(replay(archive_dir, apply=apply)) == []
    assert came == orjson.loads(orjson.dumps(sent))


# ---- segments --------------------------------------------------------------------------------


def segment(profile_id: str, segment_id: str, change: str, at: int) -> dict[str, Any]:
    return {"profile_id": profile_id, "segment_id": segment_id, "change": change, "timestamp": at}


def test_who_is_in_which_segment_comes_back_and_changes_nobody(
    redis: Any, live: Live, tmp_path: Path
) -> None:
    for name in ("anna", "ben", "carl"):
        live.event(name, Kind.PAGE_VIEW, FIRST)
    for number, (name, segment_id, change) in enumerate(
        [
            ("anna", "vip", "entered"),
            ("anna", "new", "entered"),
            ("anna", "new", "left"),
            ("ben", "vip", "entered"),
            ("ben", "vip", "left"),
            ("carl", "vip", "entered"),
        ]
    ):
        live.take("segment", segment(name, segment_id, change, FIRST + number))
    live.take("erasure", {"profile_id": "carl", "timestamp": FIRST + 100})
    Archiver(redis, tmp_path).run_once()
    assert check(redis, tmp_path, now=FIRST).differences == []
    redis.flushall()
    redis.hset(keys.memberships(keys.bucket_of("anna")), "anna", "of-before")
    assert restore(redis, tmp_path, now=FIRST) == 2
    held = {
        name.decode(): packed.decode()
        for bucket in range(keys.BUCKETS)
        for name, packed in redis.hgetall(keys.memberships(bucket)).items()
    }
    assert held == {"anna": "vip"}
    assert redis.hgetall(keys.segment_counts(keys.bucket_of("anna"))) == {b"vip": b"1"}
    assert check(redis, tmp_path, now=FIRST).differences == []


def test_a_segment_s_record_keeps_no_profile_alive() -> None:
    bucket = Bucket(Lifetimes())
    view = Event("e", Kind.PAGE_VIEW, "page", FIRST, FIRST, anonymous_id="anna").to_record()
    bucket.take(Entry(FIRST, 0, "event", {**view, "profile_id": "anna"}))
    asleep = segment("anna", "asleep", "entered", FIRST + 300 * DAY)
    bucket.take(Entry(FIRST + 300 * DAY, 0, "segment", asleep))
    assert bucket.last == {"anna": FIRST}
    assert bucket.members == {"anna": {"asleep"}}
