"""The console's app: strict headers, nothing inline, closed to strangers, friendly when it fails."""

from __future__ import annotations

import re
import sys
from hashlib import sha256
from types import ModuleType

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from support.console import Browser, ConsoleFloor, console
from support.house import RealRedis

import habitue_console.app as app_module
from habitue_collector.events import RejectReason
from habitue_console.errors import MAX_BODY_BYTES
from habitue_console.guard import check_all_are_guarded, require
from habitue_console.pages.live import REASONS
from habitue_console.rendering import HERE
from habitue_console.security import HEADERS

pytestmark = pytest.mark.asyncio

PAGES = [
    "/", "/live", "/settings", "/settings/consent", "/settings/retention", "/settings/users",
    "/settings/changes",
]  # fmt: skip


@pytest.mark.parametrize("path", [*PAGES, "/figures", "/sign-in", "/static/console.js", "/nowhere", "/%00"])
async def test_every_answer_has_the_strict_headers(demo_floor: ConsoleFloor, path: str) -> None:
    answer = await demo_floor.browser().get(path)
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"]


@pytest.mark.parametrize("path", PAGES)
async def test_nothing_of_a_page_is_inline(demo_floor: ConsoleFloor, path: str) -> None:
    answer = await demo_floor.browser().get(path)
    assert answer.status_code == 200, answer.text
    _has_nothing_inline(answer.text)


def _has_nothing_inline(page: str) -> None:
    assert "<style" not in page
    assert not re.search(r"\s(style|on[a-z]+|hx-on[\w:-]*)=", page)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", page))


async def test_the_shop_s_name_is_text(real: RealRedis) -> None:
    from dataclasses import replace

    from habitue_collector.settings import Shop, demo_settings

    settings = replace(demo_settings(real.folder), shop=Shop(name="<b>Shop</b>"))
    async with console(real, settings=settings) as floor:
        assert "&lt;b&gt;Shop&lt;/b&gt;" in (await floor.browser().get("/live")).text


async def test_what_does_not_change_may_be_kept_and_nothing_else(demo_floor: ConsoleFloor) -> None:
    browser = demo_floor.browser()
    page = await browser.get("/live")
    assert page.headers["cache-control"] == "no-store"
    (style,) = re.findall(r'href="/console(/static/console\.css\?v=\w+)"', page.text)
    assert "immutable" in (await browser.get(style)).headers["cache-control"]
    assert (await browser.get("/static/console.css")).headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", [*PAGES, "/figures", "/nowhere"])
async def test_a_stranger_is_led_to_the_sign_in(floor: ConsoleFloor, path: str) -> None:
    answer = await floor.browser("192.0.2.7").get(path)
    assert answer.status_code in (303, 404)
    if answer.status_code == 303:
        assert answer.headers["location"].startswith("/console/sign-in?next=")


async def test_a_script_without_a_key_is_told_how(floor: ConsoleFloor) -> None:
    answer = await floor.browser("192.0.2.7").get("/figures", headers={"accept": "*/*"})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic")


async def test_a_secret_key_opens_from_anywhere(floor: ConsoleFloor) -> None:
    stranger = floor.browser("192.0.2.7")
    for said in ("Bearer demo-secret", "Basic OmRlbW8tc2VjcmV0"):
        assert (await stranger.get("/figures", headers={"authorization": said})).status_code == 200
    assert (await stranger.get("/figures", headers={"authorization": "Bearer demo"})).status_code == 303


async def test_in_the_demo_this_machine_is_admin_and_nobody_else(demo_floor: ConsoleFloor) -> None:
    assert (await demo_floor.browser().get("/settings/users")).status_code == 200
    assert (await demo_floor.browser("192.0.2.7").get("/settings/users")).status_code == 303
    for name, value in {"x-forwarded-for": "192.0.2.7", "host": "rebound.example:8000"}.items():
        assert (await demo_floor.browser().get("/settings/users", headers={name: value})).status_code == 303


async def test_elsewhere_than_in_the_demo_this_machine_signs_in_too(floor: ConsoleFloor) -> None:
    assert (await floor.browser().get("/")).status_code == 303


async def test_a_client_cannot_say_who_it_is(demo_floor: ConsoleFloor) -> None:
    """What the proxy hands on has names of its own; without them nobody is at this machine."""
    stranger = demo_floor.browser("192.0.2.7")
    for headers in ({"x-real-ip": "127.0.0.1"}, {"x-forwarded-for": "127.0.0.1"}):
        assert (await stranger.get("/live", headers=headers)).status_code == 303


def _with_a_page(monkeypatch: pytest.MonkeyPatch, **endpoints: object) -> None:
    page = ModuleType("habitue_console.pages.made_up")
    page.__spec__ = sys.__spec__
    page.routes = lambda house: [Route(f"/made-up/{name}", end) for name, end in endpoints.items()]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, page.__name__, page)
    monkeypatch.setattr(app_module, "PAGES", (*app_module.PAGES, "made_up"))


async def test_a_page_that_fails_says_so_kindly_and_the_log_knows_more(
    real: RealRedis, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    @require("viewer")
    async def broken(request: Request) -> Response:
        raise RuntimeError("the secret of the house")

    _with_a_page(monkeypatch, broken=broken)
    async with console(real, demo=True) as floor:
        for headers in ({}, {"hx-request": "true"}, {"accept": "*/*"}):
            answer = await floor.browser().get("/made-up/broken", headers=headers)
            assert answer.status_code == 500
            assert "secret of the house" not in answer.text
            (number,) = re.findall(r"\(([0-9a-f]{8})\)", answer.text)
            assert number in caplog.text
            assert answer.headers["content-security-policy"] == HEADERS["content-security-policy"]


async def test_a_page_that_cannot_be_opened_does_not_close_the_others(
    real: RealRedis, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _with_a_page(monkeypatch)
    monkeypatch.delattr(sys.modules["habitue_console.pages.made_up"], "routes")
    async with console(real, demo=True) as floor:
        assert (await floor.browser().get("/live")).status_code == 200
        assert "made_up cannot be opened" in caplog.text


async def test_an_endpoint_that_does_not_say_who_may_is_refused() -> None:
    async def anybody(request: Request) -> Response:
        return PlainTextResponse("all of it")

    with pytest.raises(RuntimeError, match="say who may"):
        check_all_are_guarded([Route("/all", anybody)])


async def test_a_body_without_end_is_refused(demo_floor: ConsoleFloor) -> None:
    answer = await demo_floor.browser().post("/preferences", {"back": "x" * MAX_BODY_BYTES})
    assert answer.status_code == 413


async def test_redis_away_is_said_in_words(real: RealRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object, **__: object) -> None:
        raise ConnectionRefusedError

    async with console(real, demo=False) as floor:
        browser = await floor.signed_in("anna")
        monkeypatch.setattr(floor.house.redis, "execute_command", away)
        answer = await browser.get("/live")
        assert answer.status_code == 503
        assert "Redis does not answer" in answer.text


async def test_live_figures_are_json(demo_floor: ConsoleFloor) -> None:
    await demo_floor.house.redis.set("figures:worker-1", b'{"events": 3, "model": "abc"}')
    figures = (await demo_floor.browser().get("/figures")).json()
    assert figures["events"] == 3
    assert figures["redis"]["megabytes"] > 0


async def test_every_reason_has_words() -> None:
    assert set(REASONS) == set(RejectReason)


async def test_pages_speak_the_reader_s_language(demo_floor: ConsoleFloor) -> None:
    browser = demo_floor.browser()
    assert (
        '<html lang="de"' in (await browser.get("/live", headers={"accept-language": "fr, de-AT;q=0.8"})).text
    )
    await _prefers(browser, language="pl")
    assert '<html lang="pl"' in (await browser.get("/live", headers={"accept-language": "de"})).text


async def test_the_theme_is_kept_until_it_is_given_back(demo_floor: ConsoleFloor) -> None:
    browser = demo_floor.browser()
    await _prefers(browser, theme="dark")
    assert 'data-theme="dark"' in (await browser.get("/live")).text
    await _prefers(browser, theme="purple")
    assert 'data-theme="dark"' in (await browser.get("/live")).text
    await _prefers(browser, theme="auto")
    assert "data-theme" not in (await browser.get("/live")).text


async def _prefers(browser: Browser, **said: str) -> None:
    assert (await browser.post("/preferences", {**said, "back": "/console/live"})).status_code == 303


async def test_the_vendored_script_is_the_one_that_was_published() -> None:
    folder = HERE / "static" / "vendor"
    (digest,) = re.findall(r"sha256 (\w{64})", (folder / "VERSIONS").read_text())
    assert sha256((folder / "htmx.min.js").read_bytes()).hexdigest() == digest
