"""The pages of visitors over a real Redis, collector and archive: found, shown, explained, erased."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import process_time
from typing import Any

import orjson
import pytest
from support.console import Browser, ConsoleFloor, console
from support.house import House as Shop
from support.house import RealRedis, buys, house, identify, page, track, user_hash, views, visitor_of

from habitue_console.roles import Role
from habitue_recommender.catalog.store import store_items
from habitue_recommender.recommender import Recommender
from habitue_recommender.segments.members import Change, Members
from habitue_recommender.settings import RecommenderSettings
from habitue_warehouse.archive import Archiver

HTMX = {"hx-request": "true"}
ITEMS = [
    {
        "item_id": item_id,
        "name": f"The {item_id}",
        "price": 20,
        "currency": "EUR",
        "url": f"/p/{item_id}",
        "category": "Shoes/Trail",
    }
    for item_id in ("boot", "sandal", "clog", "slipper", "<script>alert(1)</script>")
]


@dataclass
class Floor:
    """A shop with a collector, and its console."""

    console: ConsoleFloor
    shop: Shop

    async def comes(self, *events: dict[str, Any], cookie: str | None = None) -> str:
        """A visitor who does these things; their cookie."""
        answer = await self.shop.browser(*events, cookie=cookie)
        assert set(answer.statuses) == {"accepted"}
        return answer.cookie or cookie or ""

    async def archived(self) -> None:
        """Everything of the log is in the archive, and out of the log."""
        client = self.shop.redis.client()
        await asyncio.to_thread(Archiver(client, self.console.house.archive).run_once)
        for name in client.keys("{b*}:log"):
            client.xtrim(name, maxlen=0)
        client.close()


@asynccontextmanager
async def floor(real: RealRedis) -> AsyncIterator[Floor]:
    recommender = Recommender(
        RecommenderSettings(), real.folder / "models", lambda folder: pytest.fail("none")
    )
    async with console(real, recommender=recommender) as it:
        results = await store_items(it.house.redis, ITEMS, now=1)
        assert {one["status"] for one in results} == {"accepted"}
        await recommender.refresh(it.house.redis)
        async with house(real=real) as shop:
            yield Floor(it, shop)


async def _viewer(it: Floor, role: Role = Role.VIEWER) -> Browser:
    return await it.console.signed_in("vera", role)


def test_a_visitor_is_found_by_id_cookie_user_and_order(real: RealRedis) -> None:
    async def run() -> None:
        async with floor(real) as it:
            cookie = await it.comes(views("boot"))
            anna = visitor_of(cookie)
            await it.comes(identify("c-1", user_hash("c-1")), buys("o-77", 20, "boot"), cookie=cookie)
            other = visitor_of(await it.comes(views("clog")))
            browser = await _viewer(it)
            for text in (other,):
                found = await browser.get(f"/visitors?q={text}")
                assert found.headers["location"] == f"/console/visitors/of?id={other}"
            for text in (anna, cookie, f"habitue={cookie}", "c-1", "user:c-1", "o-77"):
                found = await browser.get("/visitors", params={"q": text})
                assert found.headers["location"] == "/console/visitors/of?id=user%3Ac-1", text
            for text in ("nobody", other[:8], "%", "*", "a" * 599, "\x00", "☃" * 300):
                found = await browser.get("/visitors", params={"q": text})
                assert found.status_code == 200
                assert "Nobody was found" in found.text

    asyncio.run(run())


def test_who_was_here_lately_is_listed_from_the_log_and_then_from_the_archive(real: RealRedis) -> None:
    async def run() -> None:
        async with floor(real) as it:
            earlier = visitor_of(await it.comes(views("boot")))
            await it.archived()
            now = visitor_of(await it.comes(views("clog")))
            browser = await _viewer(it)
            listed = await browser.get("/visitors")
            assert listed.status_code == 200
            assert now in listed.text
            assert earlier in listed.text

    asyncio.run(run())


def test_some_of_a_segment_are_listed_and_the_page_does_not_wait_for_them(real: RealRedis) -> None:
    async def run() -> None:
        async with floor(real) as it:
            who = visitor_of(await it.comes(views("boot")))
            members = Members(it.console.house.redis)
            [held] = await members.read([who])
            entered = Change(held, frozenset({"lookers"}), (("lookers", 1, b""),))
            assert await members.apply([entered]) == [True]
            browser = await _viewer(it)
            page = await browser.get("/visitors?segment=lookers")
            assert who not in page.text
            assert 'hx-get="/console/visitors?segment=lookers"' in page.text
            part = await browser.get("/visitors?segment=lookers", headers=HTMX)
            assert who in part.text
            assert "<html" not in part.text
            assert who in (await browser.get("/visitors?segment=lookers&now=1")).text
            for name in ("nobody", "%", "x" * 500, "\x00"):
                none = await browser.get("/visitors", params={"segment": name, "now": "1"})
                assert "Nobody is in this segment" in none.text

    asyncio.run(run())


def test_a_visitors_page_says_in_words_what_is_known(real: RealRedis) -> None:
    async def run() -> None:
        async with floor(real) as it:
            cookie = await it.comes(
                page("/"),
                views("boot"),
                track("Product Added", {"product_id": "clog", "price": 20, "quantity": 2}),
            )
            await it.comes(identify("c-2", tier="gold"), cookie=cookie)
            who = visitor_of(cookie)
            browser = await _viewer(it)
            shown = await browser.get(f"/visitors/of?id={who}")
            assert shown.status_code == 200
            for word in (
                '<span>Trail<span class="sub">Shoes</span></span>',
                "The clog",
                "In the cart",
                "Looked at",
            ):
                assert word in shown.text
            assert "gold" not in shown.text  # a viewer learns that there is something, not what
            marketer = await it.console.signed_in("mara", Role.MARKETER)
            assert "gold" in (await marketer.get(f"/visitors/of?id={who}")).text
            seen = [(one.author, one.action, one.subject) for one in await it.console.house.audit.newest()]
            assert ("vera", "visitor.seen", who) in seen
            assert ("mara", "visitor.seen", who) in seen

    asyncio.run(run())


def test_the_timeline_is_one_from_the_log_and_the_archive_and_goes_on_page_by_page(real: RealRedis) -> None:
    async def run() -> None:
        async with floor(real) as it:
            cookie = await it.comes(*(views("boot") for _ in range(40)))
            who = visitor_of(cookie)
            await it.archived()
            await it.comes(*(views("clog") for _ in range(40)), cookie=cookie)
            browser = await _viewer(it)
            first = await browser.get(f"/visitors/timeline?id={who}", headers=HTMX)
            assert first.text.count("<li>") == 50
            assert first.text.count("The clog") == 40
            assert first.text.count("The boot") == 10
            assert "<html" not in first.text
            older = first.text.split('hx-get="')[-1].split('"')[0].replace("&amp;", "&")
            second = await browser.get(older.removeprefix("/console"), headers=HTMX)
            assert second.text.count("The boot") == 30
            assert "That is all" in second.text
            alone = await browser.get(f"/visitors/timeline?id={who}&only=decisions")
            assert "<html" in alone.text
            assert "The boot" not in alone.text
            seen = [(one.author, one.subject) for one in await it.console.house.audit.newest()]
            assert seen.count(("vera", who)) == 1  # also who never opens the page itself is noted, once
            for before in ("", "x", "-", "1-2-3", "9" * 40, "0-0"):
                assert (await browser.get(f"/visitors/timeline?id={who}&before={before}")).status_code == 200

    asyncio.run(run())


def test_what_they_would_see_is_explained(real: RealRedis) -> None:
    async def run() -> None:
        async with floor(real) as it:
            who = visitor_of(await it.comes(views("boot"), views("clog")))
            browser = await _viewer(it)
            part = await browser.get(f"/visitors/why?id={who}", headers=HTMX)
            assert part.status_code == 200
            for word in (
                "The slipper",
                "Candidates",
                "Cannot be offered",
                "Rules",
                "You looked at this recently",
            ):
                assert word in part.text
            assert "<script>alert" not in part.text
            about = await browser.get(
                f"/visitors/why?id={who}&page_type=product&item_id=boot&about=boot", headers=HTMX
            )
            assert "it is the item on this page" in about.text
            whole = await browser.get(f"/visitors/why?id={who}&page_type=category")
            assert "<html" in whole.text
            nobody = await browser.get("/visitors/why?page_type=nonsense&slot=none", headers=HTMX)
            assert nobody.status_code == 200

    asyncio.run(run())


def test_made_up_visitors_are_there_and_can_be_made(real: RealRedis) -> None:
    async def run() -> None:
        async with floor(real) as it:
            browser = await _viewer(it, Role.MARKETER)
            listed = await browser.get("/visitors/personas")
            assert "Regular customer" in listed.text
            for name in ("new", "campaign", "looker", "regular", "full-cart", "away"):
                assert (await browser.get(f"/visitors/why?persona={name}")).status_code == 200
            assert (await browser.get("/visitors/why?persona=nobody")).status_code == 404
            wrong = await browser.post("/visitors/personas/edit", {"name": "", "visits": "many"})
            assert wrong.status_code == 422
            assert "a persona needs a name" in wrong.text
            assert "a whole number from 1 to 20" in wrong.text
            form = {
                "name": "Paula <b>",
                "viewed": "boot clog",
                "cart": "sandal",
                "visits": "3",
                "logged_in": "on",
            }
            assert (await browser.post("/visitors/personas/edit", form)).status_code == 303
            listed = await browser.get("/visitors/personas")
            assert "Paula &lt;b&gt;" in listed.text
            own = listed.text.split("persona=own-")[1].split('"')[0]
            edited = await browser.get(f"/visitors/personas/edit?id=own-{own}")
            assert "boot clog" in edited.text
            told = await browser.get(f"/visitors/why?persona=own-{own}&about=sandal", headers=HTMX)
            assert "already in the cart" in told.text
            assert (await browser.post("/visitors/personas/delete", {"id": f"own-{own}"})).status_code == 303
            assert (
                "Paula"
                not in (await browser.get("/visitors/personas")).text.split("toast")[0].split("own-head")[1]
            )
            viewer = await it.console.signed_in("vic")
            assert (await viewer.get("/visitors/personas/edit")).status_code == 403

    asyncio.run(run())


def test_only_an_admin_exports_and_erases_and_only_after_typing_the_id(real: RealRedis) -> None:
    async def run() -> None:
        async with floor(real) as it:
            cookie = await it.comes(views("boot"))
            who = visitor_of(cookie)
            await it.archived()
            await it.comes(views("clog"), cookie=cookie)
            marketer = await it.console.signed_in("mara", Role.MARKETER)
            for path in ("export", "erase"):
                assert (
                    await marketer.post(f"/visitors/{path}", {"id": who, "confirm": who})
                ).status_code == 403
            admin = await it.console.signed_in("ada", Role.ADMIN)
            lines = [
                orjson.loads(line)
                for line in (await admin.post("/visitors/export", {"id": who})).content.splitlines()
            ]
            assert [line["type"] for line in lines] == ["profile", "event", "event"]
            assert [line["items"][0]["item_id"] for line in lines[1:]] == ["boot", "clog"]
            assert (await admin.post("/visitors/erase", {"id": who, "confirm": "yes"})).status_code == 303
            assert (await admin.get(f"/visitors/of?id={who}")).status_code == 200
            assert (await admin.post("/visitors/erase", {"id": who, "confirm": who})).status_code == 303
            assert (await admin.get(f"/visitors/of?id={who}")).status_code == 404
            assert ("erasure", who) in [(kind, record.get("profile_id")) for kind, record in it.shop.log()]
            done = [one.action for one in await it.console.house.audit.newest()]
            assert done[:1] == ["visitor.erased"]
            assert "visitor.exported" in done

    asyncio.run(run())


def test_nobody_looks_without_signing_in(real: RealRedis) -> None:
    async def run() -> None:
        async with floor(real) as it:
            stranger = it.console.browser("192.0.2.9")
            for path in ("", "/of?id=x", "/timeline?id=x", "/why?id=x", "/personas", "/personas/edit"):
                answer = await stranger.get(f"/visitors{path}")
                assert answer.status_code == 303
                assert "/sign-in" in answer.headers["location"]

    asyncio.run(run())


def test_what_is_no_visitor_is_not_found(real: RealRedis) -> None:
    async def run() -> None:
        async with floor(real) as it:
            browser = await _viewer(it)
            for path in ("of", "timeline", "why"):
                began = process_time()
                assert (await browser.get(f"/visitors/{path}", params={"id": "nobody"})).status_code == 404
                assert process_time() - began < 0.5
            for path in ("of", "timeline"):
                assert (await browser.get(f"/visitors/{path}")).status_code == 404

    asyncio.run(run())


@pytest.mark.parametrize(("language", "words"), [("de", "Was gefällt"), ("pl", "Co się podoba")])
def test_the_pages_speak_german_and_polish(real: RealRedis, language: str, words: str) -> None:
    async def run() -> None:
        async with floor(real) as it:
            who = visitor_of(await it.comes(views("boot"), views("clog")))
            browser = await _viewer(it, Role.ADMIN)
            told = {"accept-language": language}
            assert words in (await browser.get(f"/visitors/of?id={who}", headers=told)).text
            for path in ("", f"/timeline?id={who}", "/personas", "/personas/edit", "/why?persona=regular"):
                answer = await browser.get(f"/visitors{path}", headers=told)
                assert answer.status_code == 200
                assert f'<html lang="{language}"' in answer.text
            why = await browser.get(f"/visitors/why?id={who}", headers=told | HTMX)
            assert "Candidates" not in why.text
            assert "{" not in why.text

    asyncio.run(run())
