"""Every route over HTTP: what it answers, to whom, and that the description names them all."""

from __future__ import annotations

import asyncio
import gzip
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.routing import Mount, Route
from support.house import RealRedis, house, identify, served, track, user_hash, views, visitor_of

from habitue_cli import web
from habitue_collector import metrics
from habitue_collector.settings import Data, Redis, Settings, demo_settings

SECRET = {"authorization": "Bearer demo-secret"}


def check_problem(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["code"] == code
    assert body["message"]
    assert body["status"] == status


@pytest.mark.asyncio
async def test_a_redirect_to_ourselves_names_no_host() -> None:
    async with house() as shop, served(shop) as http:
        answer = await http.get("/h/v1/me/")
        assert (answer.status_code, answer.headers["location"]) == (307, "/h/v1/me")
        answer = await http.get("/h/v1/me/?key=a&to=http://shop.test/x")
        assert answer.headers["location"] == "/h/v1/me?key=a&to=http://shop.test/x"


@pytest.mark.asyncio
@pytest.mark.parametrize("path", ["/h/v1/batch/", "//h/v1/batch", "/h//v1///batch//", "/v1//p", "//v1/batch"])
async def test_a_slash_too_many_costs_no_event(path: str) -> None:
    async with house() as shop, served(shop) as http:
        body = {"writeKey": "demo", "batch": [views("A")], **track("Product Viewed"), "anonymousId": "a"}
        answer = await http.post("http://shop.test" + path, json=body)
        assert (answer.status_code, answer.json()["results"][0]["index"]) == (200, 0)


# ---- profiles --------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_a_profile_is_read_with_the_secret_key_under_each_of_its_names() -> None:
    async with house() as shop, served(shop) as http:
        cookie = str((await shop.browser(views("A"))).cookie)
        device = visitor_of(cookie)
        answer = await http.get(f"/v1/profiles/{device}", headers=SECRET)
        assert answer.headers["cache-control"] == "no-store", "no proxy on the way keeps somebody's profile"
        assert answer.status_code == 200
        body = answer.json()
        for member in (
            "session",
            "recent_items",
            "affinities",
            "cart",
            "orders",
            "traits",
            "consents",
            "visits",
        ):
            assert member in body
        assert {"count", "value", "first", "last"} <= body["orders"].keys()
        me = await http.get("/v1/profiles/me", headers={**SECRET, "x-habitue-visitor": cookie})
        assert me.json() == body
        await shop.browser(identify("u/1 ä", user_hash("u/1 ä")), cookie=cookie)
        by_user = await http.get("/v1/profiles/user:u%2F1%20%C3%A4", headers=SECRET)
        by_device = await http.get(f"/v1/profiles/{device}", headers=SECRET)
        assert by_user.json() == by_device.json()
        assert by_user.json()["user_id"] == "u/1 ä"


@pytest.mark.asyncio
async def test_a_profile_is_erased_with_the_secret_key() -> None:
    async with house() as shop, served(shop) as http:
        cookie = str((await shop.browser(views("A"), identify("u", user_hash("u")))).cookie)
        answer = await http.delete("/v1/profiles/user:u", headers=SECRET)
        assert answer.json() == {"erased": ["user:u", visitor_of(cookie)]}
        check_problem(await http.get("/v1/profiles/user:u", headers=SECRET), 404, "unknown_profile")
        assert (await http.delete("/v1/profiles/nobody", headers=SECRET)).status_code == 200


@pytest.mark.asyncio
@pytest.mark.parametrize("path", ["nobody", "user:nobody", "user:", "x" * 400, "%00", "%F0%9F", "a/b/../c"])
async def test_an_unknown_profile_is_a_404(path: str) -> None:
    async with house() as shop, served(shop) as http:
        check_problem(await http.get(f"/v1/profiles/{path}", headers=SECRET), 404, "unknown_profile")


@pytest.mark.asyncio
@pytest.mark.parametrize("value", ["", "forged", "a.b.c", "\u00e4.b.c"])
async def test_a_forged_visitor_is_nobody(value: str) -> None:
    async with house() as shop, served(shop) as http:
        headers = {**SECRET, "x-habitue-visitor": value.encode("latin-1")}
        check_problem(await http.get("/v1/profiles/me", headers=headers), 404, "unknown_visitor")  # type: ignore[arg-type]  # bytes are headers too


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("headers", "query", "status", "code"),
    [
        ({}, "", 401, "missing_write_key"),
        ({"authorization": "Bearer wrong"}, "", 401, "invalid_write_key"),
        ({"authorization": "Bearer demo"}, "", 403, "secret_key_needed"),
        ({"x-write-key": "demo"}, "", 403, "secret_key_needed"),
        ({}, "?writeKey=demo-secret", 401, "missing_write_key"),  # an address is no place for a secret
        ({}, "?key=demo-secret&k=demo-secret", 401, "missing_write_key"),
        ({"authorization": "Bearer demo"}, "?writeKey=demo-secret", 403, "secret_key_needed"),
    ],
)
async def test_nothing_but_the_secret_key_in_a_header_reads_erases_or_undoes(
    headers: dict[str, str], query: str, status: int, code: str
) -> None:
    async with house() as shop, served(shop) as http:
        device = visitor_of((await shop.browser(views("A"))).cookie)
        for method, path in (
            ("GET", f"/v1/profiles/{device}"),
            ("GET", "/v1/profiles/me"),
            ("DELETE", f"/v1/profiles/{device}"),
            ("POST", "/v1/transfers/u/t/undo"),
        ):
            answer = await http.request(method, path + query, headers=headers)
            check_problem(answer, status, code)
            assert (status == 401) == ("www-authenticate" in answer.headers)
        assert await shop.profile(device) is not None
        assert (await http.get(f"/v1/profiles/{device}", auth=("demo-secret", ""))).status_code == 200


@pytest.mark.asyncio
async def test_a_login_is_undone_once_by_its_transfer() -> None:
    async with house() as shop, served(shop) as http:
        cookie = (await shop.browser(views("A"))).cookie
        await shop.browser(identify("u", user_hash("u")), cookie=cookie)
        (move,) = [record for kind, record in shop.log() if kind == "transfer_in"]
        path = f"/v1/transfers/u/{move['transfer_id']}/undo"
        assert (await http.post(path, headers=SECRET)).json() == {"undone": move["transfer_id"]}
        assert (await http.get(f"/v1/profiles/{visitor_of(cookie)}", headers=SECRET)).json()[
            "user_id"
        ] is None
        check_problem(await http.post("/v1/transfers/u/x/undo", headers=SECRET), 404, "unknown_transfer")
        check_problem(await http.post(path.replace("/u/", "/v/"), headers=SECRET), 404, "unknown_transfer")


@pytest.mark.asyncio
async def test_while_redis_is_away_reading_and_erasing_are_a_503_and_health_says_why() -> None:
    async with house() as shop, served(shop) as http:
        device = visitor_of((await shop.browser(views("A"))).cookie)
        assert (await http.get("/readyz")).json() == {"status": "ready"}
        shop.redis.kill()
        for method, path in (
            ("GET", f"/v1/profiles/{device}"),
            ("DELETE", f"/v1/profiles/{device}"),
            ("POST", "/v1/transfers/u/t/undo"),
        ):
            answer = await http.request(method, path, headers=SECRET)
            check_problem(answer, 503, "overloaded")
            assert answer.headers["retry-after"] == "1"
        check_problem(await http.get("/readyz"), 503, "not_ready")
        assert (await http.get("/healthz")).json() == {"status": "ok"}
        assert (await http.get("/metrics")).status_code == 200
        shop.redis.start()


@pytest.mark.asyncio
async def test_a_redis_that_refuses_writes_makes_erasing_a_503() -> None:
    async with house() as shop, served(shop) as http:
        device = visitor_of((await shop.browser(views("A"))).cookie)
        shop.redis.client().config_set("maxmemory", 1)
        check_problem(await http.delete(f"/v1/profiles/{device}", headers=SECRET), 503, "overloaded")
        assert (await http.get(f"/v1/profiles/{device}", headers=SECRET)).status_code == 200


# ---- the tag and the pixel ---------------------------------------------------------------------


@pytest.mark.asyncio
async def test_the_tag_is_sent_packed_once_and_revalidated() -> None:
    async with house() as shop, served(shop) as http:
        answer = await http.get("/h/s.js?key=demo&consent=required", headers={"accept-encoding": "gzip"})
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/javascript")
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["vary"] == "Accept-Encoding"
        assert int(answer.headers["content-length"]) < len(answer.content)
        plain = await http.get("/h/s.js", headers={"accept-encoding": "identity"})
        assert plain.content == answer.content
        for accepted, coding in (
            ("gzip, deflate, br, zstd", "br"),
            ("br;q=0, gzip", "gzip"),
            ("*", "br"),
            ("", None),
        ):
            packed = await http.get("/h/s.js", headers={"accept-encoding": accepted})
            assert packed.headers.get("content-encoding") == coding
            assert packed.headers["etag"] == answer.headers["etag"]
        assert len(gzip.compress(plain.content, 9)) <= 8_192
        for known in (answer.headers["etag"], "W/" + answer.headers["etag"]):
            again = await http.get("/h/s.js", headers={"if-none-match": known})
            assert (again.status_code, again.content) == (304, b"")
        assert (await http.get("/h/s.js", headers={"if-none-match": '"other"'})).status_code == 200
        check_problem(await http.get("/h/unknown.js"), 404, "not_found")


@pytest.mark.asyncio
async def test_the_pixel_takes_one_event_and_is_always_an_image() -> None:
    async with house() as shop, served(shop) as http:
        answer = await http.get("/h/p.gif?k=demo&e=Product+Viewed&item=A&price=3&u=http://shop.test/a")
        assert answer.headers["content-type"] == "image/gif"
        assert answer.headers["x-habitue"] == "accepted"
        cookie = answer.cookies["habitue"]
        profile = await shop.profile(visitor_of(cookie))
        assert profile is not None
        assert profile["recent_items"][0]["item_id"] == "A"
        for query, outcome in (
            ("", "missing_write_key"),
            ("?k=wrong", "invalid_write_key"),
            ("?k=demo&e=Order+Completed", "missing_order_id"),
            ("?k=demo&e=x&ts=1970-01-01", "timestamp_too_old"),
            ("?k=demo&ca=0", "accepted"),
        ):
            answer = await http.get(f"/h/p.gif{query}")
            assert (answer.status_code, answer.headers["x-habitue"]) == (200, outcome)
            assert answer.content[:3] == b"GIF"


@pytest.mark.asyncio
async def test_any_query_of_the_pixel_is_an_image() -> None:
    names = [
        "k",
        "e",
        "u",
        "r",
        "t",
        "id",
        "ts",
        "uid",
        "aid",
        "h",
        "ca",
        "cp",
        "item",
        "price",
        "order",
        "value",
    ]
    queries = st.dictionaries(st.sampled_from(names), st.text(max_size=30), max_size=6)
    found: list[Any] = []

    @hypothesis_settings(max_examples=60, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(queries, min_size=1, max_size=1))
    def collect(some: list[dict[str, str]]) -> None:
        found.extend(some)

    collect()
    raw = [
        "%",
        "&&&",
        "k=demo&" * 500,
        "k=demo&e=%ff%fe",
        "k=demo&e=%00",
        "=".join("x" * 3000),
        "k=demo&u=http://[",
    ]
    async with house() as shop, served(shop) as http:
        for query in found:
            answer = await http.get("/h/p.gif", params={"k": "demo", **query})
            assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
        for text in raw:
            assert (await http.get("/h/p.gif?" + text)).status_code == 200


# ---- what every route shares ------------------------------------------------------------------


@pytest.mark.asyncio
async def test_what_is_not_there_and_what_takes_no_such_method_say_so() -> None:
    async with house() as shop, served(shop) as http:
        for path in ("/", "/nothing", "/h", "/h/v2/batch", "/%ff", "/h/../etc/passwd"):
            check_problem(await http.get(path), 404, "not_found")
        for method, path in (
            ("GET", "/h/v1/batch"),
            ("PUT", "/v1/track"),
            ("POST", "/healthz"),
            ("PATCH", "/v1/profiles/x"),
            ("OPTIONS", "/v1/track"),
        ):
            answer = await http.request(method, path)
            check_problem(answer, 405, "method_not_allowed")
            assert answer.headers["allow"]


@pytest.mark.asyncio
async def test_a_preflight_is_reflected_for_pages_of_the_shop_with_whatever_headers_they_ask() -> None:
    async with house() as shop, served(shop) as http:
        asked = "anonymousid,authorization,content-type,sentat,rsa-attempt,x-retry-count"
        preflight = {"access-control-request-method": "POST", "access-control-request-headers": asked}
        answer = await http.options("/v1/track", headers={"origin": "https://www.shop.test", **preflight})
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == "https://www.shop.test"
        assert answer.headers["access-control-allow-headers"] == asked
        assert answer.headers["access-control-allow-credentials"] == "true"
        assert "Origin" in answer.headers["vary"]
        for origin in ("https://evil.example", "null"):
            refused = await http.options("/v1/track", headers={"origin": origin, **preflight})
            check_problem(refused, 403, "origin_not_allowed")
            assert "access-control-allow-origin" not in refused.headers


@pytest.mark.asyncio
async def test_a_beacon_over_http_is_the_same_as_below_it() -> None:
    async with house() as shop, served(shop) as http:
        body = {"writeKey": "demo", "batch": [views("A"), {"type": "nonsense"}]}
        answer = await http.post("/h/v1/batch", json=body, headers={"origin": "https://www.shop.test"})
        assert [one["status"] for one in answer.json()["results"]] == ["accepted", "rejected"]
        assert answer.headers["access-control-allow-origin"] == "https://www.shop.test"
        assert "habitue" in answer.cookies
        for content in (b"x" * 10_000_000, _chunks(b"x" * 1_000_000, 10)):
            page = {"origin": "https://www.shop.test"}
            refused = await http.post("/h/v1/batch", content=content, headers=page)
            check_problem(refused, 413, "body_too_large")
            assert refused.headers["access-control-allow-origin"] == "https://www.shop.test"
        single = await http.post("/v1/track", json={"writeKey": "demo", "anonymousId": "d", **track("Ping")})
        assert single.json()["success"] is True


async def _chunks(piece: bytes, times: int) -> AsyncIterator[bytes]:
    for _ in range(times):
        yield piece


@pytest.mark.asyncio
async def test_metrics_speak_for_every_worker_in_a_format_that_prometheus_reads() -> None:
    async with house(workers=2) as shop, served(shop) as http:
        await shop.browser(views("A"), {"type": "nonsense"}, worker=0)
        await shop.browser(views("A"), worker=1)
        await shop.post("/h/v1/batch", b"{")
        await http.post("/h/v1/batch", content=b"x" * 10_000_000)
        for collector in shop.workers:
            collector.committer.note_command(metrics.publish(collector.worker, collector.numbers()))
        client = shop.redis.client()
        client.set("figures:background", orjson.dumps({"segment_people": {"vip": 7}, "segment_waiting": 0}))
        while not client.exists("figures:worker-2"):
            await asyncio.sleep(0.005)
        families = {
            family.name: family
            for family in text_string_to_metric_families((await http.get("/metrics")).text)
        }
        for name in metrics.COUNTERS | metrics.LABELLED | metrics.GAUGES:
            assert families[f"habitue_{name}"].documentation
        events = {sample.labels["worker"]: sample.value for sample in families["habitue_events"].samples}
        assert events == {"worker-1": 1, "worker-2": 1}
        (rejected,) = families["habitue_rejected"].samples
        assert (rejected.labels["reason"], rejected.value) == ("unknown_type", 1)
        refused = {sample.labels["code"]: sample.value for sample in families["habitue_refused"].samples}
        assert refused == {"invalid_json": 1, "body_too_large": 1}
        (vip,) = families["habitue_segment_people"].samples
        assert (vip.labels["segment"], vip.value) == ("vip", 7)


# ---- the description ---------------------------------------------------------------------------


def routes_of(app: Starlette) -> set[tuple[str, str]]:
    found = set()
    for route in app.routes:
        if isinstance(route, Mount):
            continue
        assert isinstance(route, Route)
        path = route.path.replace(":path}", "}")
        found |= {(method, path) for method in route.methods or () if method not in ("HEAD", "OPTIONS")}
    return found


@pytest.mark.asyncio
async def test_the_description_names_every_route_that_exists_and_no_other(tmp_path: Path) -> None:
    real = RealRedis().start()
    try:
        demo = demo_settings(tmp_path)
        own = Settings(data=Data(folder=tmp_path), redis=Redis(url=real.url), shop=demo.shop, keys=demo.keys)
        app, _ = web.create(own)
        assert isinstance(app, Starlette)
        exist = {
            (method, path)
            for method, path in routes_of(app)
            if path != "/"
            and not path.startswith("/console")
            and not (path.startswith("/h/") and path.endswith(".js"))
        }
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as http:
            document = (await http.get("/openapi.json")).json()
        described = {
            (method.upper(), path)
            for path, operations in document["paths"].items()
            for method in operations
            if method != "parameters"
        }
        described.discard(("GET", "/h/s.js"))
        assert described == exist
        for path, operations in document["paths"].items():
            named = {one["name"] for one in operations.get("parameters", ())}
            assert named == {part[1:-1] for part in path.split("/") if part.startswith("{")}
            for method, operation in operations.items():
                if method != "parameters":
                    assert operation["summary"]
                    assert operation["responses"]
    finally:
        real.remove()


@pytest.mark.asyncio
async def test_a_stopped_redis_makes_no_request_wait_for_ever() -> None:
    async with house() as shop, served(shop) as http:
        device = visitor_of((await shop.browser(views("A"))).cookie)
        collector = shop.workers[0]
        collector.link.reply_timeout_seconds = 0.3
        collector.committer._patience = 0.3
        lost = collector.committer.tally.lost_links
        assert collector.link._wire is not None
        collector.link._wire.abort()
        while collector.committer.tally.lost_links == lost or not collector.committer.is_ready:
            await asyncio.sleep(0.005)
        assert shop.redis.process is not None
        os.kill(shop.redis.process.pid, signal.SIGSTOP)
        try:
            check_problem(await http.get(f"/v1/profiles/{device}", headers=SECRET), 503, "overloaded")
        finally:
            os.kill(shop.redis.process.pid, signal.SIGCONT)
