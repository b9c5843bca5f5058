"""How many people a segment has, who they are, and what leaves the house as CSV."""

from __future__ import annotations

import asyncio
import csv
import io
from pathlib import Path
from typing import Any

import pytest
import redis as redis_py
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis
from support.decisions import NOW, with_redis

from habitue_collector.profile import Profile
from habitue_collector.store import keys
from habitue_recommender.conditions import parse
from habitue_recommender.rulebook.book import Rulebook
from habitue_recommender.rulebook.follower import RulebookReader
from habitue_recommender.rulebook.store import RulebookStore
from habitue_recommender.segments import export as segment_export
from habitue_recommender.segments.counts import NoSnapshot, SegmentFigures
from habitue_recommender.segments.watch import SegmentWatch
from habitue_recommender.settings import RecommenderSettings
from habitue_warehouse.snapshots import snapshot

KEEN = {"id": "keen", "name": "Keen", "when": "visitor.visits >= 3"}


def rulebook(*segments: dict[str, Any]) -> Rulebook:
    documents = {"segment": {one["id"]: one for one in segments}}
    return Rulebook.compile(documents, settings=RecommenderSettings())


async def people(redis: Redis, count: int, **state: Any) -> None:
    """Every fourth of them has come three times; every tenth is a bot, and nobody."""
    async with redis.pipeline(transaction=False) as pipeline:
        for number in range(count):
            lived = {"visits": number % 4, "last_seen": NOW} | state
            if number % 10 == 9:
                lived["bot"] = True
            pipeline.set(keys.profile(f"p{number}"), Profile(f"p{number}", lived).pack(b"v" * 16))
        await pipeline.execute()


async def watched(redis: Redis, *segments: dict[str, Any]) -> None:
    """The background process has seen everybody."""
    store = RulebookStore(redis)
    for one in segments:
        await store.save("segment", one["id"], one, author="anna")
    reader = RulebookReader(
        lambda documents, version, previous: Rulebook.compile(documents, settings=RecommenderSettings())
    )
    watch = SegmentWatch(reader, lambda: redis, lambda: NOW)
    while watch.sweep is not None or not watch.sweeps:
        await watch.step(redis)
    await watch.step(redis)


def test_a_watched_segment_is_counted_exactly_and_its_members_are_known(redis_socket: str) -> None:
    async def work(redis: Redis) -> None:
        await people(redis, 400)
        await watched(redis, KEEN)
        figures = SegmentFigures(redis, rulebook(KEEN), clock=lambda: NOW)
        count = await figures.count("keen")
        assert (count.people, count.exact, count.of) == (80, True, 360)
        some = await figures.members("keen", 10)
        assert len(set(some)) == 10
        assert {int(one[1:]) % 4 for one in some} == {3}
        assert len(await figures.members("keen", 1_000)) == 80
        assert await SegmentFigures(redis).members("nobody", 5) == []
        assert (await SegmentFigures(redis).count("keen")).people == 80
        assert (await SegmentFigures(redis).count("nobody")).people == 0

    with_redis(redis_socket, work)


def test_a_definition_that_nobody_has_followed_yet_is_estimated(redis_socket: str) -> None:
    async def work(redis: Redis) -> None:
        await people(redis, 400)
        await watched(redis, KEEN)
        edited = {**KEEN, "when": "visitor.visits >= 2"}
        named = {"id": "both", "when": '"keen" in visitor.segments'}
        counts = await SegmentFigures(redis, rulebook(edited, named), clock=lambda: NOW).counts()
        assert {one: (count.people, count.exact) for one, count in counts.items()} == {
            "keen": (180, False),
            "both": (180, False),
        }

    with_redis(redis_socket, work)


def test_of_many_people_a_sample_is_asked_and_the_margin_holds_the_truth(redis_socket: str) -> None:
    async def work(redis: Redis) -> None:
        await people(redis, 8_000)
        await redis.set("{b1}:log", "no profile")
        figures = SegmentFigures(redis, rulebook(), clock=lambda: NOW)
        asked = 0
        for _ in range(3):
            guess = await figures.estimate(parse("visitor.visits >= 3"), 1_000)
            asked += guess.low <= 1_600 <= guess.high
            assert not guess.exact
            assert 0.13 < guess.share < 0.32
            assert abs(guess.of - 7_200) < 800
            assert guess.high - guess.low < 600
        assert asked  # each of them holds with 19 of 20
        nobody = await figures.estimate(parse("visitor.visits >= 300"), 1_000)
        assert nobody.people == nobody.low == 0
        assert 0 < nobody.high < 80  # that none of a thousand is in it does not mean that none is

    with_redis(redis_socket, work)


def test_the_newest_snapshot_is_counted_exactly(redis_socket: str, tmp_path: Path) -> None:
    async def work(redis: Redis) -> None:
        await people(redis, 400)
        figures = SegmentFigures(redis, rulebook(KEEN), archive=tmp_path, clock=lambda: NOW)
        condition = parse('"keen" in visitor.segments && visitor.visits < 9')
        with pytest.raises(NoSnapshot):
            figures.exact(condition)
        with pytest.raises(NoSnapshot):
            SegmentFigures(redis).exact(condition)
        client = redis_py.Redis(unix_socket_path=redis_socket)
        await asyncio.to_thread(snapshot, client, tmp_path, now=NOW)
        client.close()
        heard: list[tuple[int, int]] = []
        found = await asyncio.to_thread(
            figures.exact, condition, lambda done, total: heard.append((done, total))
        )
        assert (found.people, found.of, found.exact) == (80, 360, True)
        assert heard == [(400, 400)]

    with_redis(redis_socket, work)


def test_members_leave_as_csv_without_any_formula(redis_socket: str) -> None:
    async def work(redis: Redis) -> None:
        await people(redis, 8, traits={"email": {"value": "=cmd|'/c calc'!A1", "at": 1}})
        await watched(redis, KEEN)
        pieces = [piece async for piece in SegmentFigures(redis).export("keen", ("email", "none"))]
        text = b"".join(pieces).decode()
        assert text.startswith("\ufeffprofile_id,")
        table = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
        assert sorted(row["profile_id"] for row in table) == ["p3", "p7"]
        assert {row["email"] for row in table} == {"'=cmd|'/c calc'!A1"}
        assert table[0]["none"] == ""
        assert table[0]["visits"] == "3"

    with_redis(redis_socket, work)


@given(st.text(max_size=20) | st.integers() | st.floats(allow_nan=False) | st.none() | st.lists(st.text()))
def test_no_cell_begins_like_a_formula(value: Any) -> None:
    cell = segment_export.safe(value)
    if isinstance(cell, str):
        assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"))
