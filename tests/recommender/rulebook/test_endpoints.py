"""The marketers' doors: what a script or a git repository asks and changes, and any bytes at all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from support.asgi import ask
from support.decisions import NOW, with_redis

from habitue_recommender.rulebook.documents import KINDS
from habitue_recommender.rulebook.endpoints import RulebookDoors, rulebook_routes
from habitue_recommender.rulebook.service import RulebookService
from habitue_recommender.rulebook.store import RulebookStore
from habitue_recommender.settings import RecommenderSettings

VIP = {"id": "vip", "name": "Regulars", "when": "visitor.orders.count >= 3"}
RULE = {"id": "sale", "consequence": {"exclude": True}, "condition": {"when": 'item.brand == "Acme"'}}


class Door:
    """The routes on one Redis, spoken to as a script would."""

    def __init__(self, redis: Redis) -> None:
        self.settled = 0
        self.service = RulebookService(RulebookStore(redis, lambda: NOW), RecommenderSettings(), lambda: NOW)

        def authorize(request: Request) -> None:
            if request.headers.get("authorization") != "Bearer secret":
                raise HTTPException(401)

        async def settle() -> None:
            self.settled += 1

        self.app = Starlette(routes=rulebook_routes(RulebookDoors(self.service, authorize, settle)))

    async def call(
        self, method: str, path: str, body: Any = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, Any, dict[str, str]]:
        """Status, parsed answer and headers."""
        return await ask(self.app, method, path, body, headers)


Scene = Callable[[Door], Coroutine[Any, Any, None]]


@pytest.fixture
def play(redis_socket: str) -> Callable[[Scene], None]:
    """Runs a scene with the doors on an empty Redis."""
    return lambda scene: with_redis(redis_socket, lambda redis: scene(Door(redis)))


def test_a_document_is_put_read_changed_and_taken_out(play: Callable[[Scene], None]) -> None:
    async def scene(door: Door) -> None:
        query = urlencode({"author": "Jürgen", "note": "für den Frühling", "expected": 0})
        status, saved, headers = await door.call("PUT", f"/v1/segments/vip?{query}", VIP)
        assert (status, saved["version"], saved["author"]) == (200, 1, "Jürgen")
        assert saved["change_note"] == "für den Frühling"
        assert headers["etag"] == '"1"'
        assert door.settled == 1
        assert (await door.call("GET", "/v1/segments/vip"))[1] == saved
        assert (await door.call("GET", "/v1/segments"))[1] == {"segments": [saved]}
        status, again, headers = await door.call(
            "PUT", "/v1/segments/vip", saved | {"name": "VIP"}, {"if-match": headers["etag"]}
        )
        assert (status, again["name"], again["author"]) == (200, "VIP", "api")
        status, told, _ = await door.call("GET", "/v1/segments/vip/history")
        assert [one["name"] for one in told["history"]] == ["VIP", "Regulars"]
        assert (await door.call("POST", "/v1/segments/vip/undo"))[1]["name"] == "Regulars"
        assert (await door.call("POST", "/v1/segments/vip/restore?version=2"))[1]["name"] == "VIP"
        assert (await door.call("DELETE", "/v1/segments/vip?expected=4"))[1] == {
            "deleted": "vip",
            "version": 5,
        }
        assert (await door.call("GET", "/v1/segments/vip"))[0] == 404
        assert (await door.call("DELETE", "/v1/segments/vip"))[0] == 404
        assert (await door.call("POST", "/v1/segments/vip/undo"))[0] == 200

    play(scene)


def test_the_id_may_stand_in_the_address_alone_but_not_differ_from_it(
    play: Callable[[Scene], None],
) -> None:
    async def scene(door: Door) -> None:
        status, saved, _ = await door.call("PUT", "/v1/rules/sale", {**RULE, "id": "sale"})
        assert (status, saved["id"]) == (200, "sale")
        nameless = {name: value for name, value in RULE.items() if name != "id"}
        assert (await door.call("PUT", "/v1/rules/other", nameless))[1]["id"] == "other"
        status, told, _ = await door.call("PUT", "/v1/rules/third", RULE)
        assert (status, told["code"]) == (422, "mistakes")
        assert told["mistakes"][0]["suggestion"] == "third"

    play(scene)


def test_mistakes_and_conflicts_are_told_as_data(play: Callable[[Scene], None]) -> None:
    async def scene(door: Door) -> None:
        wrong = {**VIP, "when": "visitor.order.count >= 3"}
        status, told, headers = await door.call("PUT", "/v1/segments/vip", wrong)
        assert (status, told["code"]) == (422, "mistakes")
        assert headers["content-type"] == "application/problem+json"
        [mistake] = told["mistakes"]
        assert (mistake["field"], mistake["position"]) == ("when", 0)
        assert mistake["suggestion"] == "visitor.orders.count"
        await door.call("PUT", "/v1/segments/vip", VIP)
        status, told, _ = await door.call("PUT", "/v1/segments/vip?expected=0", VIP)
        assert (status, told["code"]) == (409, "conflict")
        assert (told["document"], told["current"]["version"]) == ("segments/vip", 1)
        assert (await door.call("PUT", "/v1/segments/vip", VIP, {"if-match": '"7"'}))[0] == 409
        assert (await door.call("PUT", "/v1/segments/vip", VIP, {"if-match": "*"}))[0] == 200
        await door.call("POST", "/v1/segments/vip/undo")
        await door.call("POST", "/v1/segments/vip/undo")
        assert (await door.call("POST", "/v1/segments/vip/undo"))[1]["code"] == "nothing_to_undo"
        for expected in ("x", "-1", "1.5", "9" * 40, "²"):
            status, told, _ = await door.call(
                "PUT", f"/v1/segments/vip?{urlencode({'expected': expected})}", VIP
            )
            assert (status, told["code"]) == (400, "invalid_version")
        assert (await door.call("POST", "/v1/segments/vip/restore"))[0] == 400
        large = {**VIP, "note": "x" * 80_000}
        assert (await door.call("PUT", "/v1/segments/vip", large))[0] == 413

    play(scene)


def test_slots_are_listed_with_what_they_come_to(play: Callable[[Scene], None]) -> None:
    async def scene(door: Door) -> None:
        _, told, _ = await door.call("GET", "/v1/slots")
        slots = {one["id"]: one for one in told["slots"]}
        assert slots["home-hero"]["version"] == 0
        assert slots["home-hero"]["effective"]["size"] == 12
        assert slots["home-hero"]["effective"]["sources"][0] == "impulse"
        status, saved, _ = await door.call("PUT", "/v1/slots/home-hero", {"size": 4, "template": "wide"})
        assert (status, saved["version"]) == (200, 1)
        _, one, headers = await door.call("GET", "/v1/slots/home-hero")
        assert (one["size"], one["effective"]["size"], one["effective"]["title"]) == (4, 4, "For you")
        assert headers["etag"] == '"1"'
        assert (await door.call("GET", "/v1/slots/home-popular"))[1]["version"] == 0
        assert (await door.call("GET", "/v1/slots/unknown"))[0] == 404
        assert (await door.call("PUT", "/v1/slots/home-hero", one | {"size": 5}))[1]["size"] == 5

    play(scene)


def test_an_import_takes_one_kind_or_all_and_says_what_it_did(play: Callable[[Scene], None]) -> None:
    async def scene(door: Door) -> None:
        bundle = {"rules": [RULE], "segments": [VIP], "slots": [], "contents": []}
        status, told, _ = await door.call("POST", "/v1/rules/import", bundle | {"dry_run": True})
        assert told == {"added": ["rules/sale", "segments/vip"], "changed": [], "deleted": [], "unchanged": 0}
        assert (await door.call("GET", "/v1/rules"))[1] == {"rules": []}
        assert (await door.call("POST", "/v1/segments/import", [VIP]))[1]["added"] == ["segments/vip"]
        assert (await door.call("POST", "/v1/rules/import", bundle))[1]["unchanged"] == 1
        status, told, _ = await door.call(
            "POST", "/v1/rules/import", {"rules": [], "delete_missing": True, "expected": {"rules/sale": 9}}
        )
        assert (status, told["document"]) == (409, "rules/sale")
        _, told, _ = await door.call("POST", "/v1/rules/import", {"rules": [], "delete_missing": True})
        assert told["deleted"] == ["rules/sale"]
        status, told, _ = await door.call("POST", "/v1/rules/import", [RULE, {"id": "x"}, {"id": "y"}])
        assert status == 422
        assert {one["document"] for one in told["mistakes"]} == {"rules/x", "rules/y"}
        for body in (
            {"dry_run": 1},
            {"expected": []},
            {"expected": {"a": -1}},
            {"expected": {"a": 2**60}},
            {"roles": []},
            "text",
            None,
        ):
            status, told, _ = await door.call("POST", "/v1/rules/import", body)
            assert status == 400, body
        assert (await door.call("GET", "/v1/rules"))[1] == {"rules": []}

    play(scene)


def test_a_body_that_is_no_json_is_told_with_its_place(play: Callable[[Scene], None]) -> None:
    async def scene(door: Door) -> None:
        body = b'{"id": "x",\n "consequence": {"boost": 2,}}'
        for method, path in (("PUT", "/v1/rules/x"), ("POST", "/v1/rules/import")):
            status, told, _ = await door.call(method, path, body)
            assert (status, told["code"], told["line"]) == (400, "invalid_json", 2)
            assert told["column"] == told["position"] - body.index(b"\n")
            assert told["found"]
            assert f"line 2, column {told['column']}" in told["message"]
        for broken in (
            b"",
            b"{",
            b'{"a": NaN}',
            b'"\xff"',
            b"[" * 5_000,
            b'{"a": "\\ud800"}',
            b"\xef\xbb\xbf{}",
        ):
            status, told, _ = await door.call("POST", "/v1/rules/import", broken)
            assert (status, told["code"]) == (400, "invalid_json"), broken[:20]
        assert await door.service.store.version() == 0

    play(scene)


def test_of_a_hostile_import_nothing_is_kept_and_each_fault_stands_at_its_document(
    play: Callable[[Scene], None],
) -> None:
    async def scene(door: Door) -> None:
        deep: dict[str, Any] = {}
        for _ in range(200):
            deep = {"a": deep}
        rules: list[Any] = [
            RULE,
            {**RULE, "id": "again"},
            {**RULE, "id": "again", "name": "twice"},
            {**RULE, "id": "strange", "__proto__": {"enabled": True}, "constructor": 1},
            {**RULE, "id": "Capital"},
            {**RULE, "id": "deep", "condition": deep},
            {**RULE, "id": "long", "condition": {"when": "item.price < 5 && " * 500 + "true"}},
            {**RULE, "id": "number", "priority": 10**18, "share": 1e308},
            {**RULE, "id": "nobody", "condition": {"when": "visitor.__class__ == 'x'"}},
            "text",
            None,
        ]
        status, told, _ = await door.call("POST", "/v1/rules/import", rules)
        assert status == 422
        places = {(one["document"], one["field"]) for one in told["mistakes"]}
        assert {place for place, _ in places} == {"rules/again", "rules/#4", "rules/#9", "rules/#10"}
        one_each = [one for one in rules[:-2] if one["id"] not in ("Capital", "again")]
        status, told, _ = await door.call("POST", "/v1/rules/import", one_each)
        places = {(one["document"], one["field"]) for one in told["mistakes"]}
        assert status == 422
        assert {
            *(("rules/strange", "__proto__"), ("rules/strange", "constructor")),
            *(("rules/long", "condition.when"), ("rules/nobody", "condition.when")),
            *(("rules/number", "priority"), ("rules/number", "share")),
        } <= places
        assert any(place == "rules/deep" for place, _ in places)
        assert await door.service.store.version() == 0
        many = [{**RULE, "id": f"r{number}"} for number in range(2_001)]
        status, told, _ = await door.call("POST", "/v1/rules/import", many)
        assert (status, told["mistakes"][0]["document"]) == (422, "rules")
        status, told, _ = await door.call("PUT", "/v1/rules/sale", {**RULE, "note": "x" * 80_000})
        assert status in (413, 422)
        assert await door.service.store.version() == 0
        shown = "<script>alert(1)</script> ' \" {{7*7}} \u202e"
        status, saved, headers = await door.call(
            "PUT", "/v1/rules/sale", {**RULE, "name": shown, "note": shown}
        )
        assert (status, saved["name"]) == (200, shown)
        assert headers["content-type"] == "application/json"

    play(scene)


@pytest.mark.parametrize("plural", list(KINDS.values()))
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("GET", "/x"),
        ("PUT", "/x"),
        ("DELETE", "/x"),
        ("POST", "/import"),
        ("GET", "/x/history"),
        ("POST", "/x/undo"),
        ("POST", "/x/restore"),
    ],
)
def test_without_the_secret_key_nobody_reads_or_changes_anything(
    play: Callable[[Scene], None], plural: str, method: str, path: str
) -> None:
    async def scene(door: Door) -> None:
        for key in ({}, {"authorization": "Bearer demo"}):
            status, _, _ = await door.call(method, f"/v1/{plural}{path}", VIP, {"authorization": "", **key})
            assert status == 401
        assert await door.service.store.version() == 0

    play(scene)


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
_FIELDS = st.sampled_from(
    [
        *(
            "id",
            "name",
            "note",
            "enabled",
            "priority",
            "condition",
            "consequence",
            "validity",
            "share",
            "when",
        ),
        *("slots", "sources", "size", "template", "kind", "title", "position", "cap", "url", "expected"),
        *("rules", "segments", "contents", "dry_run", "delete_missing"),
    ]
)
_BODIES = (
    st.binary(max_size=60)
    | _JSON.map(orjson.dumps)
    | st.dictionaries(_FIELDS, _JSON, max_size=8).map(orjson.dumps)
    | st.dictionaries(_FIELDS, st.dictionaries(_FIELDS, _JSON, max_size=3), max_size=3).map(orjson.dumps)
)


def test_whatever_comes_in_is_answered_and_never_with_our_fault(redis_socket: str) -> None:
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.sampled_from(["rules", "segments", "slots", "contents"]),
        st.sampled_from(
            [("PUT", "/x"), ("POST", "/import"), ("PUT", "/%s"), ("POST", "/%s/undo"), ("DELETE", "/%s")]
        ),
        st.text(max_size=10),
        _BODIES,
        st.text(max_size=8),
    )
    def ask(plural: str, where: tuple[str, str], name: str, body: bytes, said: str) -> None:
        method, path = where

        async def work(redis: Redis) -> None:
            door = Door(redis)
            address = path.replace("%s", name.replace("?", "") or "x")
            query = urlencode({"author": said, "note": said, "expected": said} if said else {})
            status, _, _ = await door.call(method, f"/v1/{plural}{address}?{query}", body)
            assert status < 500

        with_redis(redis_socket, work)

    ask()


def test_redis_away_is_said_as_such() -> None:
    async def scene() -> None:
        never = Retry(NoBackoff(), 0)
        async with Redis(unix_socket_path="/nowhere/redis.sock", retry=never) as redis:
            status, told, headers = await Door(redis).call("GET", "/v1/rules")
            assert (status, told["code"], headers["retry-after"]) == (503, "unavailable", "1")

    asyncio.run(scene())
