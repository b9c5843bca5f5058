"""The backends' doors, and the recommender behind them: a change, a new model, a lost Redis."""

from __future__ import annotations

import asyncio
import gzip
import random
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from support.asgi import ask
from support.decisions import NOW, Scripted, ScriptedArtifact, redis_server, visitor, with_redis

from habitue_collector.consent import DENIED, GRANTED, Consent, State
from habitue_collector.profile import Profile
from habitue_collector.store import keys
from habitue_recommender.catalog.store import BULK
from habitue_recommender.endpoints import MAX_LINE_BYTES, Doors, routes
from habitue_recommender.recommender import Recommender
from habitue_recommender.rulebook.book import Rulebook
from habitue_recommender.rulebook.store import RulebookStore
from habitue_recommender.settings import RecommenderSettings
from habitue_recommender.vocabulary import Vocabulary

SHOE = {"item_id": "shoe", "name": "Trail Shoe", "price": 90, "currency": "EUR", "url": "/shoe"}


def artifact(folder: Path) -> ScriptedArtifact:
    """Reads what `publish` below wrote; raises for a folder that is not there."""
    ids = (folder / "items").read_text().split()
    return ScriptedArtifact(folder.name, Vocabulary.of(ids), {"popular": Scripted(range(len(ids)))})


def publish(models: Path, digest: str, items: str) -> None:
    (models / digest).mkdir(parents=True)
    (models / digest / "items").write_text(items)
    (models / "live").write_text(f"{digest}\n")


class Shop:
    """One worker's recommender and its routes, spoken to as a backend would."""

    def __init__(self, redis: Redis, models: Path, **settings: Any) -> None:
        self.redis = redis
        self.recommender = Recommender(RecommenderSettings(**settings), models, artifact, lambda: NOW)
        self.profiles: dict[str, Profile] = {}
        self.noted: list[dict[str, Any]] = []
        doors = Doors(
            recommender=self.recommender,
            redis=redis,
            authorize=self._authorize,
            read_profile=self._read_profile,
            visitor_of=lambda value: value.removeprefix("signed-") if value.startswith("signed-") else None,
            note=self.noted.extend,
            clock=lambda: NOW,
        )
        self.app = Starlette(routes=routes(doors))

    @staticmethod
    def _authorize(request: Request) -> None:
        if request.headers.get("authorization") != "Bearer secret":
            raise HTTPException(401)

    async def _read_profile(self, profile_id: str) -> Profile | None:
        replies: list[Any] = []
        for command in self.recommender.read_commands():
            replies.append(await self.redis.execute_command(*command))
        self.recommender.absorb(replies)
        return self.profiles.get(profile_id)

    async def call(
        self, method: str, path: str, body: Any = b"", headers: dict[str, str] | None = None, pieces: int = 1
    ) -> tuple[int, Any]:
        """Status and parsed answer; the body is sent in pieces."""
        return (await ask(self.app, method, path, body, headers, pieces))[:2]

    async def offered(self, slot: str = "home-hero", **question: Any) -> list[str]:
        status, answer = await self.call("POST", "/v1/recommend", {"slots": [slot]} | question)
        assert status == 200, answer
        return [offer["item_id"] for offer in answer["slots"][slot]["offers"]]


Play = Callable[[Callable[[Callable[[Shop], Coroutine[Any, Any, None]]], None]], None]


@pytest.fixture
def play(redis_socket: str, tmp_path: Path) -> Callable[..., None]:
    """Runs a scene with a shop on an empty Redis."""

    def run(scene: Callable[[Shop], Coroutine[Any, Any, None]], **settings: Any) -> None:
        async def work(redis: Redis) -> None:
            shop = Shop(redis, tmp_path / "models", **settings)
            await shop.recommender.refresh(redis)
            await scene(shop)

        with_redis(redis_socket, work)

    return run


# ---- catalog ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("pieces", [1, 7, 400])
@pytest.mark.parametrize(
    "body",
    [
        b"\n".join(orjson.dumps(SHOE | {"item_id": one}) for one in "abc"),
        b"\r\n".join([*(orjson.dumps(SHOE | {"item_id": one}) for one in "abc"), b"", b""]),
        orjson.dumps([SHOE | {"item_id": one} for one in "abc"]),
        b" \n" + orjson.dumps([SHOE | {"item_id": one} for one in "abc"], option=orjson.OPT_INDENT_2),
        gzip.compress(b"\n".join(orjson.dumps(SHOE | {"item_id": one}) for one in "abc")),
    ],
    ids=["lines", "lines with CRLF", "array", "indented array", "gzip"],
)
def test_items_come_as_lines_or_array_in_any_pieces(play: Any, body: bytes, pieces: int) -> None:
    async def scene(shop: Shop) -> None:
        status, answer = await shop.call("PUT", "/v1/catalog", body, pieces=pieces)
        assert status == 200
        assert [one["status"] for one in answer["results"]] == ["accepted"] * 3
        assert [one["index"] for one in answer["results"]] == [0, 1, 2]
        assert sorted(await shop.offered()) == ["a", "b", "c"]

    play(scene)


def test_one_indented_object_is_one_item(play: Any) -> None:
    async def scene(shop: Shop) -> None:
        body = orjson.dumps(SHOE, option=orjson.OPT_INDENT_2)
        _, answer = await shop.call("PUT", "/v1/catalog", body, pieces=5)
        assert answer["results"] == [{"index": 0, "status": "accepted", "item_id": "shoe"}]

    play(scene)


def test_what_is_out_of_stock_is_not_offered_any_more(play: Any) -> None:
    async def scene(shop: Shop) -> None:
        await shop.call("PUT", "/v1/catalog", [SHOE, SHOE | {"item_id": "boot"}])
        assert sorted(await shop.offered()) == ["boot", "shoe"]
        await shop.call("PUT", "/v1/catalog", {"item_id": "shoe", "availability": "out_of_stock"})
        assert await shop.offered() == ["boot"]
        status, item = await shop.call("GET", "/v1/catalog/shoe")
        assert (status, item["availability"], item["name"]) == (200, "out_of_stock", "Trail Shoe")
        assert (await shop.call("DELETE", "/v1/catalog/boot"))[0] == 200
        assert await shop.offered() == []
        assert (await shop.call("GET", "/v1/catalog/boot"))[0] == 404
        assert (await shop.call("DELETE", "/v1/catalog/boot"))[1]["code"] == "unknown_item"

    play(scene)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"[1, 2", 400, "invalid_json"),
        (b"\x1f\x8bnot gzip at all", 400, "invalid_gzip"),
        (b'{"item_id": "' + b"x" * MAX_LINE_BYTES + b"\n", 413, "body_too_large"),
    ],
)
def test_a_body_that_cannot_be_read_is_a_problem(play: Any, body: bytes, status: int, code: str) -> None:
    async def scene(shop: Shop) -> None:
        answered, problem = await shop.call("PUT", "/v1/catalog", body)
        assert (answered, problem["code"]) == (status, code)
        assert problem["message"]

    play(scene)


def test_bad_lines_are_bad_items_and_never_a_fault(play: Any) -> None:
    async def scene(shop: Shop) -> None:
        lines = [b"not JSON", orjson.dumps(SHOE), b'{"item_id":', b"\xff\xfe", b"7", b"[" * 5_000]
        status, answer = await shop.call("PUT", "/v1/catalog", b"\n".join(lines))
        assert status == 200
        assert [one["status"] for one in answer["results"]] == ["rejected", "accepted"] + ["rejected"] * 4

    play(scene)


def test_random_bytes_never_make_a_fault(play: Any) -> None:
    chance = random.Random(7)

    async def scene(shop: Shop) -> None:
        pieces = [b"{", b"}", b"[", b"]", b'"item_id":', b'"a"', b",", b"\n", b"\x1f\x8b", b"\xff", b"1e999"]
        for _ in range(300):
            body = b"".join(chance.choices(pieces, k=chance.randrange(12)))
            for method, path in (("PUT", "/v1/catalog"), ("POST", "/v1/recommend")):
                status, _ = await shop.call(method, path, body, pieces=chance.randrange(1, 4))
                assert status in (200, 400, 413), body

    play(scene)


def test_a_gzip_bomb_is_stopped(play: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("habitue_recommender.endpoints.MAX_CATALOG_BYTES", 1 << 20)

    async def scene(shop: Shop) -> None:
        bomb = gzip.compress(b"\n" * (64 << 20))
        status, problem = await shop.call("PUT", "/v1/catalog", bomb)
        assert (status, problem["code"]) == (413, "body_too_large")

    play(scene)


def test_a_large_feed_is_served_when_its_put_is_answered(play: Any) -> None:
    async def scene(shop: Shop) -> None:
        feed = b"\n".join(orjson.dumps(SHOE | {"item_id": f"i{n}"}) for n in range(BULK + 200))
        status, answer = await shop.call("PUT", "/v1/catalog", feed)
        assert status == 200
        assert len(answer["results"]) == BULK + 200
        assert len(shop.recommender.reader.catalog) == BULK + 200

    play(scene)


def test_another_worker_loads_a_large_feed_by_itself(play: Any, tmp_path: Path) -> None:
    async def scene(shop: Shop) -> None:
        other = Recommender(RecommenderSettings(), tmp_path / "models", artifact, lambda: NOW)
        running = asyncio.ensure_future(other.run(shop.redis))
        async with asyncio.timeout(20):
            while not other.is_ready:
                await asyncio.sleep(0.01)
            feed = [SHOE | {"item_id": f"i{n}"} for n in range(BULK + 200)]
            await shop.call("PUT", "/v1/catalog", feed)
            command, *_ = other.read_commands()  # a decision over there
            other.absorb([await shop.redis.execute_command(*command)])
            while len(other.reader.catalog) < BULK + 200:
                await asyncio.sleep(0.01)
        running.cancel()

    play(scene)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/v1/catalog"),
        ("GET", "/v1/catalog/x"),
        ("DELETE", "/v1/catalog/x"),
        ("POST", "/v1/recommend"),
    ],
)
def test_nothing_without_the_secret_key(play: Any, method: str, path: str) -> None:
    async def scene(shop: Shop) -> None:
        status, _ = await shop.call(method, path, [SHOE], headers={"authorization": "Bearer demo"})
        assert status == 401

    play(scene)


# ---- recommend -------------------------------------------------------------------------------------


def test_a_backend_asks_for_a_user_a_device_a_cookie_or_nobody(play: Any) -> None:
    async def scene(shop: Shop) -> None:
        await shop.call("PUT", "/v1/catalog", [SHOE | {"item_id": one} for one in "abc"])
        shop.profiles = {
            "user:7": visitor("user:7", views=["a"]),
            "dev": visitor("dev", views=["b"]),
        }
        assert await shop.offered("home-recent", user_id=7) == ["a"]
        assert await shop.offered("home-recent", anonymous_id="dev") == ["b"]
        assert await shop.offered("home-recent", user_id="nobody") == []
        assert await shop.offered("home-recent") == []
        for value, seen in (("signed-dev", ["b"]), ("forged", [])):
            body = {"slots": "home-recent"}
            _, answer = await shop.call("POST", "/v1/recommend", body, headers={"x-habitue-visitor": value})
            assert [one["item_id"] for one in answer["slots"]["home-recent"]["offers"]] == seen
        _, answer = await shop.call("GET", "/v1/recommend?slots=home-hero,nope&anonymous_id=dev&type=home")
        assert answer["slots"]["nope"] == {"offers": [], "reason": "unknown_slot"}
        assert len(answer["slots"]["home-hero"]["offers"]) == 3

    play(scene)


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ({}, "missing_slots"),
        ({"slots": []}, "missing_slots"),
        ({"slots": {"a": 1}}, "missing_slots"),
        ([], "invalid_body"),
        (b"{", "invalid_json"),
        ({"slots": ["x"], "user_id": ["x"]}, "invalid_identity"),
        ({"slots": ["x"], "user_id": "x" * 300}, "invalid_identity"),
        ({"slots": ["x"], "anonymous_id": "user:7"}, "invalid_identity"),
    ],
)
def test_a_question_that_makes_no_sense_is_a_problem(play: Any, question: Any, code: str) -> None:
    async def scene(shop: Shop) -> None:
        status, problem = await shop.call("POST", "/v1/recommend", question)
        assert (status, problem["code"]) == (400, code)

    play(scene)


def test_decisions_are_noted_and_their_names_can_be_read_back(play: Any) -> None:
    async def scene(shop: Shop) -> None:
        await shop.call("PUT", "/v1/catalog", [SHOE])
        shop.profiles = {"dev": visitor("dev", views=["x"])}
        _, answer = await shop.call(
            "POST", "/v1/recommend", {"slots": ["home-hero", "nope"], "anonymous_id": "dev"}
        )
        [record] = shop.noted
        name = answer["slots"]["home-hero"]["decision_id"]
        assert record["decision_id"] == name
        assert (record["profile_id"], record["anonymous_id"], record["slot"]) == ("dev", "dev", "home-hero")
        told = shop.recommender.read_decision_id(name)
        assert told is not None
        assert told.is_for("home-hero", "dev")
        assert set(record["full"]) == {"candidates", "drops", "profile"}

    play(scene, record_share=1.0)


# ---- the recommender beside its routes -------------------------------------------------------------

ANALYTICS_ONLY = Consent(State.GRANTED, State.DENIED)


def test_consent_decides_what_an_answer_uses_and_what_is_noted(play: Any) -> None:
    async def scene(shop: Shop) -> None:
        await shop.call("PUT", "/v1/catalog", [SHOE])
        recommender, profile = shop.recommender, visitor("dev", views=["shoe"])
        seen = []
        for consent in (GRANTED, ANALYTICS_ONLY, DENIED):
            answer = recommender.answer(["home-recent"], {}, profile, consent)
            [record] = recommender.decision_records()
            seen.append((len(answer["home-recent"]["offers"]), record.get("profile_id")))
        assert seen == [(1, "dev"), (0, "dev"), (0, None)]

    play(scene)


@pytest.mark.parametrize("slots", [None, "home-hero", {}, [1, None, "", "x" * 101, ["a"]], 7])
def test_slots_that_are_none_get_no_answer(play: Any, slots: Any) -> None:
    async def scene(shop: Shop) -> None:
        assert shop.recommender.answer(slots, None, None, DENIED) == {}
        assert len(shop.recommender.answer([f"s{n}" for n in range(99)] * 2, None, None, DENIED)) == 20

    play(scene)


def test_a_new_model_is_served_while_the_old_one_finishes(play: Any, tmp_path: Path) -> None:
    async def scene(shop: Shop) -> None:
        models, recommender = tmp_path / "models", shop.recommender
        await shop.call("PUT", "/v1/catalog", [SHOE | {"item_id": one} for one in "abc"])
        assert recommender.digest == "none"
        publish(models, "d1", "c b a")
        assert await recommender.swap_model()
        assert await shop.offered("home-popular") == ["c", "b", "a"]
        old = recommender.model
        publish(models, "d2", "a b c")
        assert await recommender.swap_model()
        assert recommender.digest == "d2"
        assert old is not None
        assert old.item_id(0) == "c"
        assert await shop.offered("home-popular") == ["a", "b", "c"]
        assert not await recommender.swap_model()

    play(scene)


def test_a_broken_model_leaves_the_good_one_in_place(play: Any, tmp_path: Path) -> None:
    async def scene(shop: Shop) -> None:
        models, recommender = tmp_path / "models", shop.recommender
        publish(models, "d1", "a b")
        assert await recommender.swap_model()
        for broken in ("missing", "../d1", "", "\x00"):
            (models / "live").write_text(broken)
            assert not await recommender.swap_model()
            assert recommender.digest == "d1"

    play(scene)


def test_it_waits_for_redis_and_recovers(tmp_path: Path) -> None:
    async def work() -> None:
        redis = Redis(unix_socket_path=str(tmp_path / "redis.sock"))
        recommender = Recommender(RecommenderSettings(), tmp_path / "models", artifact)
        running = asyncio.ensure_future(recommender.run(redis))
        await asyncio.sleep(0)
        assert not recommender.is_ready
        assert recommender.answer(["home-hero"], {}, None, DENIED)["home-hero"]["offers"] == []
        loop = asyncio.get_running_loop()
        with redis_server(tmp_path):
            until = loop.time() + 10
            while not recommender.is_ready:
                assert loop.time() < until
                assert not running.done()
                await asyncio.sleep(0.01)
            running.cancel()
            await redis.aclose()

    asyncio.run(work())


def test_live_counts_come_with_a_decision_once_a_second(play: Any) -> None:
    async def scene(shop: Shop) -> None:
        await shop.call("PUT", "/v1/catalog", [SHOE | {"item_id": one} for one in "ab"])
        packed = orjson.dumps({"at": NOW, "overall": [["b", 5]], "categories": {}, "trending": []})
        await shop.redis.set(keys.LIVE_POPULAR, packed)
        recommender = shop.recommender
        first, second = recommender.read_commands(), recommender.read_commands()
        assert (len(first), len(second)) == (3, 2)
        recommender.absorb([await shop.redis.execute_command(*command) for command in first])
        assert (await shop.offered("home-popular"))[0] == "b"
        recommender.absorb([ConnectionError("lost")])  # and goes on

    play(scene)


# ---- sections --------------------------------------------------------------------------------------


def test_a_backend_asks_for_the_order_of_its_sections_with_offers_or_alone(play: Play) -> None:
    async def scene(shop: Shop) -> None:
        shop.profiles["anna"] = visitor(likes={"Shoes/Trail": 0.8, "Hats": 0.2})
        asked = {"anonymous_id": "anna", "sections": ["Bags", "Hats", "Shoes"]}
        status, answer = await shop.call("POST", "/v1/recommend", asked)
        assert (status, answer) == (200, {"slots": {}, "sections": ["Shoes", "Hats", "Bags"]})
        status, answer = await shop.call("POST", "/v1/recommend", asked | {"slots": ["home-hero"]})
        assert answer["sections"] == ["Shoes", "Hats", "Bags"]
        assert "home-hero" in answer["slots"]
        status, answer = await shop.call("GET", "/v1/recommend?sections=Bags,Hats&anonymous_id=anna")
        assert answer["sections"] == ["Hats", "Bags"]
        status, answer = await shop.call("POST", "/v1/recommend", {"sections": ["Bags", "Hats"]})
        assert answer["sections"] == ["Bags", "Hats"]
        status, answer = await shop.call("POST", "/v1/recommend", {"slots": ["home-hero"]})
        assert "sections" not in answer
        for odd in (7, {}, [7, None], "", []):
            status, answer = await shop.call("POST", "/v1/recommend", {"sections": odd})
            assert (status, answer["sections"]) == (200, [])

    play(scene)


# ---- the rulebook ----------------------------------------------------------------------------------


def test_a_saved_document_works_with_the_next_decision_of_every_worker(play: Play, tmp_path: Path) -> None:
    async def scene(shop: Shop) -> None:
        await shop.call("PUT", "/v1/catalog", [SHOE | {"item_id": one} for one in "ab"])
        other = Recommender(RecommenderSettings(), tmp_path / "models", artifact, lambda: NOW)
        running = asyncio.create_task(other.run(shop.redis))
        while not other.is_ready:
            await asyncio.sleep(0.001)
        store = RulebookStore(shop.redis)
        await store.save("slot", "home-hero", {"id": "home-hero", "size": 1}, author="anna")
        assert len(await shop.offered()) == 2, "what was seen by this decision is compiled beside it"
        await shop.recommender.settle_rulebook(shop.redis)
        assert len(await shop.offered()) == 1
        replies = [await shop.redis.execute_command(*one) for one in other.read_commands()]
        other.absorb(replies)  # a decision over there
        while other.rulebook.version != 1:
            await asyncio.sleep(0.001)
        slot = {"id": "home-hero", "enabled": False}
        await store.save("slot", "home-hero", slot, author="anna")
        while other.rulebook.version != 2:  # nobody decides there: within half a second all the same
            await asyncio.sleep(0.001)
        answer = other.answer(["home-hero", "home-popular"], {}, None, DENIED, NOW)
        assert answer["home-hero"] == {"offers": [], "reason": "slot_disabled"}
        assert answer["home-popular"]["offers"]
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    play(scene)


def test_a_slots_template_goes_to_the_page(play: Play) -> None:
    async def scene(shop: Shop) -> None:
        store = RulebookStore(shop.redis)
        await store.save("slot", "home-hero", {"id": "home-hero", "template": "wide"}, author="anna")
        await shop.recommender.settle_rulebook(shop.redis)
        _, answer = await shop.call("POST", "/v1/recommend", {"slots": ["home-hero", "home-popular"]})
        assert answer["slots"]["home-hero"]["template"] == "wide"
        assert "template" not in answer["slots"]["home-popular"]

    play(scene)


def test_a_broken_document_costs_itself_and_a_broken_rulebook_keeps_the_last_good_one(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(shop: Shop) -> None:
        recommender, store = shop.recommender, RulebookStore(shop.redis)
        await store.save("slot", "home-hero", {"id": "home-hero", "size": 3}, author="anna")
        await store.save("slot", "home-popular", {"size": "many"}, author="x")
        await recommender.settle_rulebook(shop.redis)
        assert recommender.rulebook.slots["home-hero"].size == 3
        assert recommender.rulebook.slots["home-popular"].size == 12
        assert [one.id for one in recommender.rulebook.problems] == ["home-popular"]

        def broken(*_: object, **__: object) -> None:
            raise RuntimeError("scripted")

        with monkeypatch.context() as patched:
            patched.setattr(Rulebook, "compile", broken)
            await store.save("slot", "home-hero", {"id": "home-hero", "size": 4}, author="anna")
            for _ in range(3):
                await recommender.settle_rulebook(shop.redis)
        assert recommender.rulebook.slots["home-hero"].size == 3
        assert recommender.rules.failures == 1, "the same one is not tried with every look"
        await store.save("slot", "home-hero", {"id": "home-hero", "size": 5}, author="anna")
        await recommender.settle_rulebook(shop.redis)
        assert recommender.rulebook.slots["home-hero"].size == 5

    play(scene)
