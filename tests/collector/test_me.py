"""The visitor's own door: the cookie alone opens it, and what is asked there is done."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from support.house import House, RealRedis, buys, house, identify, page, track, user_hash, views, visitor_of

from habitue_collector.app import create_app
from habitue_collector.fold import apply
from habitue_collector.profile import Profile

HERE = {"origin": "http://shop.test"}


@asynccontextmanager
async def visiting(shop: House, cookie: str | None) -> AsyncIterator[httpx.AsyncClient]:
    """A browser with this cookie, over HTTP."""
    collector = shop.workers[0]
    app = create_app(collector.ingest, collector.handlers(), collector.routes(), collector.tally)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=("127.0.0.1", 1))
    cookies = {} if cookie is None else {"habitue": cookie}
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test", cookies=cookies) as client:
        yield client


def viewed(item_id: str, category: str) -> dict[str, object]:
    return track("Product Viewed", {"product_id": item_id, "category": category, "brand": "Acme", "price": 9})


@pytest.mark.asyncio
async def test_it_shows_what_is_known_and_neither_ids_nor_devices(real: RealRedis) -> None:
    async with house(real=real) as shop:
        cookie = str((await shop.browser(views("A"))).cookie)
        async with visiting(shop, cookie) as browser:
            answer = await browser.get("/h/v1/me")
            assert answer.status_code == 200
            assert [item["item_id"] for item in answer.json()["recent_items"]] == ["A"]
            assert answer.headers["cache-control"] == "no-store"
            assert visitor_of(cookie) not in answer.text, (
                "the cookie is out of reach of scripts, so is its id"
            )
            assert (await browser.get("/h/v1/me?anonymousId=other&user_id=u1")).json() == answer.json()
            page = await browser.get("/h/me")
            assert "A <small>" in page.text
            assert "default-src 'none'" in page.headers["content-security-policy"]


@pytest.mark.asyncio
async def test_the_page_says_it_in_the_shop_s_words(real: RealRedis) -> None:
    async with house(real=real) as shop:
        shop.workers[0].endpoints.me.name_of = {"A": "Oat <bread>"}.get
        one = str((await shop.browser(viewed("A", "Bakery/Bread"))).cookie)
        another = str((await shop.browser(page("/"))).cookie)
        async with visiting(shop, one) as browser:
            told = (await browser.get("/h/me")).text
        assert "<span>Oat &lt;bread&gt; <small>" in told
        assert "<span>Bakery › Bread <small>100%" in told
        assert "<span>Prices of 8–16 USD <small>100%" in told
        async with visiting(shop, another) as browser:
            told = (await browser.get("/h/me")).text
        assert "What else is known" in told
        assert "What we think you like" not in told, "no head above nothing"
        assert "What you looked at" not in told


@pytest.mark.asyncio
@pytest.mark.parametrize("cookie", [None, "forged.AAAA.AAAA"])
async def test_nobody_is_told_nothing(cookie: str | None, real: RealRedis) -> None:
    async with house(real=real) as shop, visiting(shop, cookie) as browser:
        for method, path in (
            ("GET", ""),
            ("DELETE", ""),
            ("GET", "/export"),
            ("GET", "/consent"),
            ("GET", "/interests"),
        ):
            answer = await browser.request(method, f"/h/v1/me{path}")
            assert (answer.status_code, answer.json()["code"]) == (404, "unknown_visitor")
        assert "Nothing is known" in (await browser.get("/h/me")).text


@pytest.mark.asyncio
async def test_other_sites_may_neither_read_nor_do_anything(real: RealRedis) -> None:
    async with house(real=real) as shop:
        cookie = str((await shop.browser(views("A"))).cookie)
        async with visiting(shop, cookie) as browser:
            for head in ({"origin": "https://evil.example"}, {"origin": "null"}):
                for method, path in (("GET", "/h/v1/me"), ("DELETE", "/h/v1/me"), ("POST", "/h/me")):
                    answer = await browser.request(method, path, headers=head, content=b"do=erase")
                    assert (answer.status_code, answer.json()["code"]) == (403, "origin_not_allowed")
                    assert "access-control-allow-origin" not in answer.headers
            answer = await browser.delete("/h/v1/me", headers={"sec-fetch-site": "cross-site"})
            assert answer.status_code == 403
            answer = await browser.get("/h/v1/me", headers={"origin": "https://www.test.test"})
            assert answer.headers["access-control-allow-origin"] == "https://www.test.test", (
                "the key's own pages"
            )


@pytest.mark.asyncio
async def test_consent_is_taken_back_and_given_again(real: RealRedis) -> None:
    async with house(real=real) as shop:
        cookie = str((await shop.browser(views("A"))).cookie)
        async with visiting(shop, cookie) as browser:
            said = {"personalization": "denied"}
            answer = await browser.post("/h/v1/me/consent", json=said, headers=HERE)
            assert answer.json() == {"consents": said}
            assert (await browser.get("/h/v1/me/consent")).json() == {"consents": said}
            form = {"do": "grant", "what": "personalization"}
            answer = await browser.post("/h/me", data=form, headers=HERE)
            assert (answer.status_code, answer.headers["location"]) == (303, "/h/me")
            assert (await browser.get("/h/v1/me/consent")).json() == {
                "consents": {"personalization": "granted"}
            }
            answer = await browser.post("/h/v1/me/consent", json={"analytics": "denied"})
            assert "Max-Age=0" in answer.headers["set-cookie"]
            for wrong in ({}, {"analytics": "maybe"}, {"analytics": 1}, [], "x"):
                answer = await browser.post("/h/v1/me/consent", json=wrong)
                assert answer.status_code == 400
                assert answer.json()["code"] in ("invalid_consent", "invalid_body")


@pytest.mark.asyncio
async def test_what_is_not_liked_is_forgotten_and_a_replay_forgets_it_too(real: RealRedis) -> None:
    async with house(real=real) as shop:
        first = await shop.browser(viewed("A", "Shoes/Trail"), viewed("B", "Toys"))
        cookie = str(first.cookie)
        async with visiting(shop, cookie) as browser:
            answer = await browser.post(
                "/h/v1/me/interests",
                json={"forget": {"categories": ["Shoes"], "item_ids": ["A"]}},
                headers=HERE,
            )
            assert list(answer.json()["affinities"]["category"]) == ["Toys"]
            assert [item["item_id"] for item in answer.json()["recent_items"]] == ["B"]
            answer = await browser.post(
                "/h/me", data={"do": "forget", "what": "brands", "name": "Acme"}, headers=HERE
            )
            assert answer.status_code == 303
            assert (await browser.get("/h/v1/me/interests")).json()["affinities"]["brand"] == {}
            rebuilt: Profile | None = None
            for kind, record in shop.log():
                if record.get("profile_id") == visitor_of(cookie):
                    rebuilt = apply(rebuilt, kind, record)
            assert rebuilt is not None
            assert rebuilt.to_record() == await shop.state(visitor_of(cookie))
            for wrong in ({}, {"forget": 1}, {"forget": {"categories": "Toys"}}, {"forget": {"x": ["a"]}}):
                assert (await browser.post("/h/v1/me/interests", json=wrong)).json()[
                    "code"
                ] == "invalid_interests"


@pytest.mark.asyncio
async def test_it_is_taken_along_and_erased_with_the_person_on_all_devices(real: RealRedis) -> None:
    async with house(real=real) as shop:
        phone = str((await shop.browser(views("A"))).cookie)
        await shop.browser(identify("u1", user_hash("u1")), cookie=phone)
        other = str((await shop.browser(views("B"))).cookie)
        await shop.browser(identify("u1", user_hash("u1")), cookie=other)
        await shop.browser(track("Product Viewed", {"product_id": "C"}), cookie=other)
        async with visiting(shop, other) as browser:
            packed = (await browser.get("/h/v1/me/export")).json()
            assert packed["profile"]["user_id"] == "u1"
            seen = [item["item_id"] for event in packed["events"] for item in event.get("items", ())]
            assert sorted(seen) == ["A", "B", "C"], "what was looked at before the login too, on both devices"
            assert visitor_of(phone) not in str(packed)
            answer = await browser.delete("/h/v1/me", headers=HERE)
            assert answer.json() == {"erased": True}
            assert "Max-Age=0" in answer.headers["set-cookie"]
        assert await shop.profile("user:u1") is None
        assert await shop.profile(visitor_of(phone)) is None


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("accepted", "language", "words"),
    [
        (
            "de-AT,de;q=0.9,en;q=0.8",
            "de",
            ("über Sie weiß", "endgültig löschen", "1.234,50 EUR"),
        ),
        ("fr, pl;q=0.5", "pl", ("wie o Tobie", "na zawsze", "1\u00a0234,50 EUR")),
        ("zz;q=x,,*", "en", ("knows of you", "for good", "1,234.50 EUR")),
    ],
)
async def test_the_page_speaks_the_readers_language(
    accepted: str, language: str, words: tuple[str, ...], real: RealRedis
) -> None:
    async with house(real=real) as shop:
        cookie = str((await shop.browser(viewed("A", "Shoes"), buys("o-" + language, 1234.5, "B"))).cookie)
        for known in (cookie, None):
            async with visiting(shop, known) as browser:
                answer = await browser.get("/h/me", headers={"accept-language": accepted})
                assert f'<html lang="{language}">' in answer.text
                assert answer.headers["vary"] == "Cookie, Accept-Language"
                for word in words if known else words[:1]:
                    assert word.lower() in answer.text.lower()


@pytest.mark.asyncio
async def test_what_somebody_sent_stands_in_the_page_as_text(real: RealRedis) -> None:
    async with house(real=real) as shop:
        nasty = "<script>alert(1)</script>\"&'"
        cookie = str((await shop.browser(viewed(nasty, nasty), identify("u2", trait=nasty))).cookie)
        async with visiting(shop, cookie) as browser:
            page = (await browser.get("/h/me")).text
            assert "<script" not in page
            assert "&lt;script&gt;alert(1)" in page
            assert (await browser.post("/h/me", data={"do": "dance"}, headers=HERE)).json()[
                "code"
            ] == "invalid_form"
