"""The doors of other trackers: their keys, their answers, and the same guarantees as everywhere."""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from support.house import House, house, user_hash

from habitue_collector.app import create_app
from habitue_collector.endpoints import GIF
from habitue_collector.settings import Settings, WriteKey, demo_settings

ORIGIN = "http://www.shop.test"
TP2 = "/com.snowplowanalytics.snowplow/tp2"
PAYLOAD = "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4"


@asynccontextmanager
async def served(settings: Settings | None = None) -> AsyncIterator[tuple[House, httpx.AsyncClient]]:
    async with house(settings=settings) as shop:
        collector = shop.workers[0]
        app = create_app(collector.ingest, collector.handlers(), collector.routes(), collector.tally)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=("127.0.0.1", 1))
        agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
        async with httpx.AsyncClient(
            transport=transport, base_url="http://h.shop.test", headers={"user-agent": agent}
        ) as http:
            yield shop, http


def page(**more: Any) -> str:
    said = {"idsite": "1", "rec": "1", "_id": "aaaaaaaaaaaaaaaa", "action_name": "Home", **more}
    return urlencode(said)


def payload(*events: Any) -> dict[str, Any]:
    return {"schema": PAYLOAD, "data": list(events)}


def view(**more: Any) -> dict[str, Any]:
    return {"e": "pv", "aid": "demo", "duid": "device", "eid": "e-1", "url": "https://www.shop.test/", **more}


def action(kind: str, **order: Any) -> str:
    schema = "iglu:com.snowplowanalytics.snowplow.ecommerce/{}/jsonschema/1-0-0"
    inner = {"schema": schema.format("snowplow_ecommerce_action"), "data": {"type": kind}}
    return json.dumps({"schema": "x", "data": inner})


# ---- answers ---------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_matomo_gets_its_image_however_it_asks() -> None:
    async with served() as (shop, http):
        for path in ("/matomo.php", "/piwik.php", "/js/tracker.php"):
            for method in ("GET", "POST"):
                answer = await http.request(method, f"{path}?{page()}", headers={"origin": ORIGIN})
                assert (answer.status_code, answer.content) == (200, GIF)
                assert answer.headers["content-type"] == "image/gif"
                assert answer.headers["x-habitue"] == "accepted"
                assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert len(shop.events()) == 6
        assert {event["kind"] for event in shop.events()} == {"page_view"}
        assert {event["profile_id"] for event in shop.events()} == {"aaaaaaaaaaaaaaaa"}


@pytest.mark.asyncio
async def test_matomo_in_bulk_hears_which_lines_were_bad_and_good_ones_stay() -> None:
    async with served() as (shop, http):
        lines = [
            "?" + page(r="1"),
            "nonsense",
            "?" + page(idsite="elsewhere", r="2"),
            "?" + page(r="3", idgoal="0", ec_id="O-1", revenue="many"),
            "?" + page(r="4", _pks="SKU-1"),
        ]
        answer = await http.post("/matomo.php", content=json.dumps({"requests": lines}))
        said = answer.json()
        assert answer.status_code == 200
        assert (said["status"], said["tracked"], said["invalid"]) == ("success", 2, 3)
        assert said["invalid_indices"] == [1, 2, 3]
        assert sorted(event["kind"] for event in shop.events()) == ["page_view", "page_view", "product_view"]


@pytest.mark.asyncio
async def test_a_matomo_request_sent_twice_counts_once_and_two_alike_without_a_number_count_twice() -> None:
    async with served() as (shop, http):
        for _ in range(2):
            await http.post(f"/matomo.php?{page(r='123456', _pks='SKU-1')}")
        assert len(shop.events()) == 2
        for _ in range(2):
            await http.get(f"/matomo.php?{page()}")
        assert len(shop.events()) == 4


@pytest.mark.asyncio
async def test_snowplow_gets_json_or_an_image_and_its_own_ids_count_once() -> None:
    async with served() as (shop, http):
        for _ in range(2):
            answer = await http.post(TP2, json=payload(view()), headers={"origin": ORIGIN})
            assert answer.status_code == 200
            assert answer.headers["access-control-allow-credentials"] == "true"
        assert answer.json()["results"] == [{"index": 0, "status": "accepted", "duplicate": True}]
        answer = await http.get("/i", params=view(eid="e-2"))
        assert (answer.content, answer.headers["x-habitue"]) == (GIF, "accepted")
        assert [event["event_id"] for event in shop.events()] == ["e-1", "e-2"]


@pytest.mark.asyncio
async def test_snowplow_may_post_to_a_path_of_its_own_and_nobody_else() -> None:
    async with served() as (shop, http):
        assert (await http.post("/com.acme/track", json=payload(view()))).status_code == 200
        packed = gzip.compress(json.dumps(payload(view(eid="e-2"))).encode())
        assert (await http.post("/my-shop/collect", content=packed)).status_code == 200
        assert len(shop.events()) == 2
        for path, body in (
            ("/com.acme/track", b"{}"),
            ("/a/b", b""),
            ("/v1/nothing", b"{}"),
            ("/h/x", b"{}"),
        ):
            answer = await http.post(path, content=body)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert (await http.get("/com.acme/track")).status_code in (404, 405)


@pytest.mark.asyncio
async def test_a_preflight_of_any_tracker_is_reflected_with_credentials() -> None:
    async with served() as (_, http):
        for path in (TP2, "/v1/t", "/api/s/track", "/matomo.php", "/com.acme/track"):
            answer = await http.options(
                path,
                headers={
                    "origin": ORIGIN,
                    "access-control-request-method": "POST",
                    "access-control-request-headers": "content-type,x-write-key,rsa-1",
                },
            )
            assert answer.status_code == 200
            assert answer.headers["access-control-allow-origin"] == ORIGIN
            assert answer.headers["access-control-allow-credentials"] == "true"
            assert answer.headers["access-control-allow-headers"] == "content-type,x-write-key,rsa-1"


@pytest.mark.asyncio
async def test_a_clients_own_metrics_are_taken_and_forgotten() -> None:
    async with served() as (shop, http):
        answer = await http.post("/v1/m", content=b'{"series":[]}', headers={"origin": ORIGIN})
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert shop.events() == []


# ---- the Segment family ----------------------------------------------------------------------


@pytest.mark.asyncio
async def test_jitsus_keys_have_two_halves() -> None:
    async with served() as (shop, http):
        body = {"type": "track", "event": "Ping", "anonymousId": "device", "writeKey": "demo:***"}
        for path in ("/api/s/track", "/api/s/s2s/track"):
            for key in ("demo", "demo:anything"):
                answer = await http.post(path, json=body, headers={"x-write-key": key})
                assert answer.json()["results"][0]["status"] == "accepted"
        assert len(shop.events()) == 4
        answer = await http.post("/v1/track", json=body, headers={"x-write-key": "demo:anything"})
        assert answer.json()["code"] == "invalid_write_key"


@pytest.mark.asyncio
async def test_rudderstacks_beacon_names_its_key_in_the_address() -> None:
    async with served() as (shop, http):
        event = {"type": "track", "event": "Ping", "anonymousId": "device", "messageId": "m"}
        content = json.dumps({"batch": [event], "sentAt": "2026-11-21T18:15:24.011Z"})
        answer = await http.post(
            "/beacon/v1/batch?writeKey=demo", content=content, headers={"content-type": "text/plain"}
        )
        assert answer.status_code == 200
        assert len(shop.events()) == 1


@pytest.mark.asyncio
async def test_segments_settings_send_its_events_here_and_a_hostile_host_gets_none() -> None:
    async with served() as (_, http):
        answer = await http.get("/v1/projects/demo/settings", headers={"origin": ORIGIN})
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        segment = answer.json()["integrations"]["Segment.io"]
        assert (segment["apiHost"], segment["protocol"]) == ("h.shop.test/v1", "http")
        for host in ("evil.example/x", 'evil"', "evil.example:port", "-evil", "a b"):
            answer = await http.get("/v1/projects/demo/settings", headers={"host": host})
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid_host")
        answer = await http.get("/v1/projects/unknown/settings", headers={"origin": ORIGIN})
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_write_key")
        assert answer.headers["access-control-allow-origin"] == ORIGIN


@pytest.mark.asyncio
async def test_segments_snippet_gets_the_tag_of_its_key_and_a_page_no_secret() -> None:
    demo = demo_settings(Path("."))
    keys = (*demo.keys, WriteKey("asked"), WriteKey("assumed", consent="assumed"))
    async with served(replace(demo, keys=keys)) as (_, http):
        for key, consent in (("asked", "required"), ("assumed", "assumed")):
            answer = await http.get(f"/analytics.js/v1/{key}/analytics.min.js")
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/javascript")
            assert 'TAG = "/h/s.js"' in answer.text
            assert f"CONSENT = '{consent}'" in answer.text
        for key, status in (("unknown", 401), ("demo-secret", 403)):
            answer = await http.get(f"/analytics.js/v1/{key}/analytics.min.js")
            assert answer.status_code == status
            assert answer.json()["message"]


@pytest.mark.asyncio
async def test_rudderstacks_document_needs_a_key_and_shows_no_secret() -> None:
    async with served() as (_, http):
        basic = {"authorization": "Basic " + b64encode(b"demo:").decode()}
        for path in ("/sourceConfig", "/sourceConfig/?p=npm&v=3.34.1"):
            source = (await http.get(path, headers=basic)).json()["source"]
            assert source["enabled"] is True
            assert source["destinations"] == []
            assert source["writeKey"] == "demo"
        assert (await http.get("/sourceConfig/?writeKey=no")).status_code == 401
        secret = {"authorization": "Basic " + b64encode(b"demo-secret:").decode()}
        assert "demo-secret" not in (await http.get("/sourceConfig/", headers=secret)).text


@pytest.mark.asyncio
async def test_pixels_of_the_family_are_images() -> None:
    async with served() as (shop, http):
        event = {"writeKey": "demo", "anonymousId": "device", "event": "Ping"}
        data = b64encode(json.dumps(event).encode()).decode()
        for answer in (
            await http.get("/v1/pixel/track", params={"data": data}),
            await http.get("/pixel/v1/track", params=event),
        ):
            assert (answer.status_code, answer.content) == (200, GIF)
        assert len(shop.events()) == 2
        headers = {"x-write-key": "demo"}
        bad = await http.get("/v1/pixel/track", params={"data": "%%%"}, headers=headers)
        assert (bad.status_code, bad.content, bad.headers["x-habitue"]) == (200, GIF, "invalid_event")


# ---- guarantees ------------------------------------------------------------------------------


WRONG_KEYS: list[tuple[str, str, Any]] = [
    ("GET", "/matomo.php?rec=1&idsite=9", None),
    ("POST", "/matomo.php", {"requests": ["?rec=1&idsite=9"]}),
    ("POST", TP2, payload(view(aid="nobody"))),
    ("GET", "/i?e=pv&aid=nobody", None),
    ("POST", "/api/v1/event", {"event_type": "x", "api_key": "nobody"}),
    ("GET", "/pixel/v1/track?writeKey=nobody", None),
    ("POST", "/api/s/track", {"writeKey": "nobody"}),
    ("POST", "/beacon/v1/batch?writeKey=nobody", {"batch": []}),
]


@pytest.mark.asyncio
async def test_a_wrong_key_is_a_401_with_code_and_message() -> None:
    async with served() as (shop, http):
        for method, path, body in WRONG_KEYS:
            answer = await http.request(method, path, json=body, headers={"origin": ORIGIN})
            assert answer.status_code == 401, path
            assert answer.json()["code"] == "invalid_write_key"
            assert answer.json()["message"]
            assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert shop.workers[0].ingest.tally.refused == {"invalid_write_key": len(WRONG_KEYS)}


@pytest.mark.asyncio
async def test_broken_and_bursting_gzip_is_refused_whole() -> None:
    bomb = gzip.compress(b" " * 10_000_000)
    async with served() as (_, http):
        for path in ("/matomo.php", TP2, "/api/v1/event"):
            for body, status, code in ((b"\x1f\x8b\x08", 400, "invalid_gzip"), (bomb, 413, "body_too_large")):
                answer = await http.post(path, content=body)
                assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.asyncio
async def test_an_order_is_counted_once_whichever_tracker_reports_it() -> None:
    async with served() as (shop, http):
        schema = "iglu:com.snowplowanalytics.snowplow.ecommerce/transaction/jsonschema/1-0-0"
        entity = {"schema": schema, "data": {"transaction_id": "O-1", "revenue": 50, "currency": "EUR"}}
        contexts = json.dumps({"schema": "x", "data": [entity]})
        event = view(e="ue", duid="aaaaaaaaaaaaaaaa", ue_pr=action("transaction"), co=contexts)
        assert (await http.post(TP2, json=payload(event))).json()["results"][0]["status"] == "accepted"
        await http.get(f"/matomo.php?{page(idgoal='0', ec_id='O-1', revenue='50', r='1')}")
        await shop.post(
            "/v1/track?writeKey=demo",
            {
                "event": "Order Completed",
                "anonymousId": "other",
                "properties": {"order_id": "O-1", "total": 50},
            },
        )
        profile = await shop.profile("aaaaaaaaaaaaaaaa")
        assert profile is not None
        assert profile["orders"]["count"] == 1
        other = await shop.profile("other")
        assert other is None or other["orders"]["count"] == 0


@pytest.mark.asyncio
async def test_a_browser_keys_user_is_a_claim_and_a_proof_is_a_login() -> None:
    async with served() as (shop, http):
        await http.get(f"/matomo.php?{page(uid='ada', _id='')}")
        assert [event.get("kept") for event in shop.events()] == ["claimed"]
        await http.get(f"/matomo.php?{page(uid='ada')}")
        assert await shop.profile("user:ada") is None
        await http.get(f"/matomo.php?{page(uid='ada', user_hash=user_hash('ada'))}")
        assert (await shop.profile("user:ada")) is not None


@pytest.mark.asyncio
async def test_a_secret_key_as_token_makes_the_user_certain() -> None:
    async with served() as (shop, http):
        body = {"requests": ["?" + page(uid="ada", _id="")], "token_auth": "demo-secret"}
        assert (await http.post("/matomo.php", json=body)).json()["tracked"] == 1
        assert shop.events()[-1]["profile_id"] == "user:ada"


@pytest.mark.asyncio
async def test_without_consent_a_tracker_is_counted_and_nothing_is_kept(tmp_path: Path) -> None:
    key = WriteKey("strict", "browser", "required", origins=("*.test",))
    demo = demo_settings(tmp_path)
    async with served(Settings(data=demo.data, shop=demo.shop, keys=(key,))) as (shop, http):
        await http.get(f"/matomo.php?{page(idsite='strict')}")
        await http.post(TP2, json=payload(view(aid="strict")))
        assert {event.get("kept") for event in shop.events()} == {"counted"}
        assert not any("anonymous_id" in event for event in shop.events())
        granted = {"consent_analytics": "granted", "consent_personalization": "denied"}
        await http.get(f"/matomo.php?{page(idsite='strict', **granted)}")
        assert {event.get("profile_id") for event in shop.events()} == {None, "aaaaaaaaaaaaaaaa"}


@pytest.mark.long  # it waits until a request has waited long enough
@pytest.mark.asyncio
async def test_nothing_is_acknowledged_while_redis_is_away() -> None:
    async with served() as (shop, http):
        shop.redis.kill()
        for answer in (
            await http.get(f"/matomo.php?{page()}"),
            await http.post(TP2, json=payload(view()), headers={"origin": ORIGIN}),
        ):
            assert answer.status_code == 503
            assert answer.headers["retry-after"] == "1"
        assert answer.headers["access-control-expose-headers"] == "Retry-After"
