"""Documents in Redis: versions, undo, two writers at once, and what other hands broke."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis
from support.decisions import NOW, with_redis

from habitue_collector.store import keys
from habitue_recommender.rulebook.documents import MAX_BODY_BYTES, MAX_DOCUMENTS, Change
from habitue_recommender.rulebook.store import (
    MOST_VERSIONS,
    Conflict,
    NothingToUndo,
    RulebookStore,
    TooLarge,
    UnknownDocument,
)

Scene = Callable[[RulebookStore, Redis], Coroutine[Any, Any, None]]


@pytest.fixture
def play(redis_socket: str) -> Callable[[Scene], None]:
    """Runs a scene with a store on an empty Redis."""
    return lambda scene: with_redis(
        redis_socket, lambda redis: scene(RulebookStore(redis, lambda: NOW), redis)
    )


def named(name: str) -> dict[str, Any]:
    """A body with what JSON libraries like to spoil: empty lists and objects, numbers, other scripts."""
    return {"id": "sale", "name": name, "list": [], "object": {}, "factor": 1.0, "big": 2**53 + 1, "é": "“ü”"}


def test_what_was_saved_is_there_as_it_was_and_every_change_counts(play: Callable[[Scene], None]) -> None:
    async def scene(store: RulebookStore, redis: Redis) -> None:
        assert await store.version() == 0
        assert (await store.load()).documents == {"rule": {}, "segment": {}, "slot": {}, "content": {}}
        saved = await store.save("rule", "sale", named("Sale"), author="anna", note="new", expected=0)
        assert (saved.version, saved.author, saved.note, saved.at) == (1, "anna", "new", NOW)
        await store.save("segment", "vip", {"id": "vip"}, author="ben")
        loaded = await store.load()
        assert loaded.version == await store.version() == 2
        assert loaded.documents["rule"] == {"sale": named("Sale")}
        assert orjson.dumps(loaded.documents["rule"]["sale"]) == orjson.dumps(named("Sale"))
        assert loaded.records["segment"]["vip"].author == "ben"
        assert await store.find("rule", "sale") == saved
        assert await store.find("rule", "vip") is None
        assert [one.id for one in await store.changes(10)] == ["vip", "sale"]
        assert [one.id for one in await store.changes(1)] == ["vip"]

    play(scene)


def test_who_edited_an_older_version_is_told_the_current_one(play: Callable[[Scene], None]) -> None:
    async def scene(store: RulebookStore, redis: Redis) -> None:
        await store.save("rule", "sale", named("one"), author="anna", expected=0)
        with pytest.raises(Conflict) as new:
            await store.save("rule", "sale", named("also new"), author="ben", expected=0)
        assert new.value.current is not None
        assert new.value.current.body["name"] == "one"
        await store.save("rule", "sale", named("two"), author="anna", expected=1)
        with pytest.raises(Conflict) as late:
            await store.save("rule", "sale", named("late"), author="ben", expected=1)
        assert late.value.current is not None
        assert late.value.current.version == 2
        with pytest.raises(Conflict):
            await store.delete("rule", "sale", author="ben", expected=1)
        await store.delete("rule", "sale", author="anna", expected=2)
        with pytest.raises(Conflict, match="is gone") as gone:
            await store.save("rule", "sale", named("onto nothing"), author="ben", expected=2)
        assert gone.value.current is not None
        assert gone.value.current.deleted
        with pytest.raises(Conflict, match="is gone"):
            await store.save("rule", "never", named("was"), author="ben", expected=3)
        again = await store.save("rule", "sale", named("again"), author="ben", expected=0)
        assert again.version == 4
        assert (await store.load()).version == 4

    play(scene)


def test_of_two_writers_at_once_one_wins_and_nothing_mixes(play: Callable[[Scene], None]) -> None:
    async def scene(store: RulebookStore, redis: Redis) -> None:
        async def write(round_number: int, author: str) -> int:
            other = RulebookStore(redis, lambda: NOW)
            try:
                await other.apply(
                    [
                        Change("rule", "a", {"author": author}, round_number),
                        Change("segment", "b", {"author": author}, round_number),
                    ],
                    author=author,
                )
            except Conflict:
                return 0
            return 1

        for round_number in range(50):
            done = await asyncio.gather(*(write(round_number, author) for author in ("anna", "ben", "cleo")))
            assert sum(done) == 1
            loaded = await store.load()
            assert loaded.documents["rule"]["a"] == loaded.documents["segment"]["b"]
            assert loaded.version == round_number + 1

    play(scene)


def test_without_an_expected_version_every_writer_gets_through(play: Callable[[Scene], None]) -> None:
    async def scene(store: RulebookStore, redis: Redis) -> None:
        saves = (store.save("rule", "sale", named(str(n)), author=str(n)) for n in range(40))
        versions = [one.version for one in await asyncio.gather(*saves)]
        assert sorted(versions) == list(range(1, 41))
        assert [one.version for one in await store.history("rule", "sale")] == list(range(40, 0, -1))

    play(scene)


def test_many_changes_happen_together_or_not_at_all(play: Callable[[Scene], None]) -> None:
    async def scene(store: RulebookStore, redis: Redis) -> None:
        await store.save("rule", "old", {"n": 1}, author="anna")
        changes = [Change("rule", "new", {}), Change("rule", "old", None, 1), Change("slot", "home", {}, 7)]
        with pytest.raises(Conflict, match="slot home"):
            await store.apply(changes, author="anna")
        loaded = await store.load()
        assert loaded.version == 1
        assert set(loaded.documents["rule"]) == {"old"}
        assert await store.history("rule", "new") == []
        with pytest.raises(ValueError, match="twice"):
            await store.apply([Change("rule", "a", {}), Change("rule", "a", {})], author="anna")
        written = await store.apply(changes[:2], author="anna")
        assert [(one.id, one.deleted) for one in written] == [("new", False), ("old", True)]
        assert (await store.load()).version == 2
        assert await store.apply([], author="anna") == []

    play(scene)


def test_undo_goes_back_step_by_step_to_before_there_was_anything(play: Callable[[Scene], None]) -> None:
    async def scene(store: RulebookStore, redis: Redis) -> None:
        async def state() -> str | None:
            found = await store.find("rule", "sale")
            return None if found is None else found.body["name"]

        for name in ("one", "two"):
            await store.save("rule", "sale", named(name), author="anna")
        await store.delete("rule", "sale", author="anna")
        await store.save("rule", "sale", named("four"), author="anna")
        seen = [await state()]
        for _ in range(4):
            undone = await store.undo("rule", "sale", author="ben")
            assert undone.author == "ben"
            seen.append(await state())
        assert seen == ["four", None, "two", "one", None]
        with pytest.raises(NothingToUndo):
            await store.undo("rule", "sale", author="ben")
        assert [one.version for one in await store.history("rule", "sale")] == list(range(8, 0, -1))

        await store.save("rule", "sale", named("new"), author="anna", expected=0)
        await store.undo("rule", "sale", author="ben")
        assert await state() is None
        with pytest.raises(UnknownDocument):
            await store.undo("rule", "never", author="ben")

    play(scene)


def test_undo_after_undo_and_a_new_change_takes_back_the_new_change(play: Callable[[Scene], None]) -> None:
    async def scene(store: RulebookStore, redis: Redis) -> None:
        for name in ("one", "two", "three"):
            await store.save("rule", "sale", named(name), author="anna")
        await store.undo("rule", "sale", author="anna")
        await store.save("rule", "sale", named("five"), author="anna")
        assert (await store.undo("rule", "sale", author="anna")).body["name"] == "two"
        assert (await store.undo("rule", "sale", author="anna")).body["name"] == "one"
        restored = await store.restore("rule", "sale", 3, "ben")
        assert restored.body["name"] == "three"
        assert (await store.undo("rule", "sale", author="anna")).body["name"] == "one"
        with pytest.raises(Conflict):
            await store.undo("rule", "sale", author="anna", expected=3)
        with pytest.raises(Conflict):
            await store.restore("rule", "sale", 3, "ben", expected=2)
        with pytest.raises(UnknownDocument):
            await store.restore("rule", "sale", 99, "ben")

    play(scene)


def test_a_deletion_is_taken_back_and_only_once_deleted(play: Callable[[Scene], None]) -> None:
    async def scene(store: RulebookStore, redis: Redis) -> None:
        await store.save("rule", "sale", named("one"), author="anna")
        gone = await store.delete("rule", "sale", author="anna", note="over")
        assert (gone.deleted, gone.note, gone.body) == (True, "over", {})
        for expected in (None, 2):
            with pytest.raises(UnknownDocument):
                await store.delete("rule", "sale", author="anna", expected=expected)
        with pytest.raises(UnknownDocument):
            await store.delete("rule", "never", author="anna")
        assert await redis.ttl(keys.rulebook_history("rule", "sale")) > 300 * 86_400
        assert (await store.undo("rule", "sale", author="anna")).body == named("one")
        assert await redis.ttl(keys.rulebook_history("rule", "sale")) == -1
        with pytest.raises(UnknownDocument):
            await store.restore("rule", "sale", 2, "anna")  # a deletion is not a state to restore

    play(scene)


def test_history_and_changes_are_bounded(play: Callable[[Scene], None]) -> None:
    async def scene(store: RulebookStore, redis: Redis) -> None:
        for number in range(MOST_VERSIONS + 20):
            await store.save("rule", "sale", {"n": number}, author="anna")
        history = await store.history("rule", "sale")
        assert len(history) == MOST_VERSIONS
        assert history[-1].version == 21
        for _ in range(MOST_VERSIONS // 2):
            await store.undo("rule", "sale", author="anna")
        for _ in range(MOST_VERSIONS):
            try:
                await store.undo("rule", "sale", author="anna")
            except NothingToUndo:  # the state before is no longer kept
                return
        raise AssertionError("it went on for ever")

    play(scene)


def test_what_is_too_large_or_no_json_is_refused_before_anything_is_written(
    play: Callable[[Scene], None],
) -> None:
    async def scene(store: RulebookStore, redis: Redis) -> None:
        with pytest.raises(TooLarge):
            await store.save("rule", "sale", {"x": "y" * MAX_BODY_BYTES}, author="anna")
        for body in ({"x": "\ud800"}, {"x": {1, 2}}, {"x": 2**70}):
            with pytest.raises(ValueError, match="JSON"):
                await store.save("rule", "sale", body, author="anna")
        many = [Change("rule", f"r{number}", {}) for number in range(MAX_DOCUMENTS)]
        await store.apply(many, author="anna")
        with pytest.raises(TooLarge):
            await store.save("rule", "one-more", {}, author="anna")
        await store.save("rule", "r1", {"x": 1}, author="anna")
        assert len((await store.load()).documents["rule"]) == MAX_DOCUMENTS
        assert await store.version() == 2

    play(scene)


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"not JSON",
        b"[]",
        b"null",
        b'{"version":1}',
        b'{"version":"x","kind":"rule","id":"sale","author":"a","at":1,"body":{}}',
        b'{"version":1,"kind":"other","id":"sale","author":"a","at":1,"body":{}}',
        b'{"version":1,"kind":[],"id":"sale","author":"a","at":1,"body":{}}',
        b'{"version":1,"kind":"rule","id":"sale","author":"a","at":{},"body":{}}',
        b'{"version":1,"kind":"rule","id":"sale","author":"a","at":1,"body":[]}',
        b"\xff\xfe",
    ],
)
def test_a_broken_document_never_breaks_its_neighbours(play: Callable[[Scene], None], broken: bytes) -> None:
    async def scene(store: RulebookStore, redis: Redis) -> None:
        await store.save("rule", "good", named("good"), author="anna")
        await redis.hset(keys.RULEBOOK_DOCUMENTS, "rule/sale", broken)
        await redis.lpush(keys.rulebook_history("rule", "sale"), broken)
        await redis.xadd(keys.RULEBOOK_CHANGES, {"document": broken})
        await redis.xadd(keys.RULEBOOK_CHANGES, {"other": b"1"})
        loaded = await store.load()
        assert set(loaded.documents["rule"]) == {"good"}
        assert loaded.broken == ("rule/sale",)
        assert await store.find("rule", "sale") is None
        assert [one.id for one in await store.changes(10)] == ["good"]
        assert await store.history("rule", "sale") == []
        assert (await store.save("rule", "sale", named("well"), author="anna")).body == named("well")
        assert (await store.load()).broken == ()

    play(scene)


def test_a_version_that_is_no_number_is_none(play: Callable[[Scene], None]) -> None:
    async def scene(store: RulebookStore, redis: Redis) -> None:
        await redis.set(keys.RULEBOOK_VERSION, b"soup")
        assert await store.version() == 0
        assert (await store.load()).version == 0

    play(scene)
