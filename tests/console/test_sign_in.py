"""Signing in: by a password that is hashed, counted, and never told apart; out again, everywhere."""

from __future__ import annotations

import pytest
from support.console import PASSWORD, ConsoleFloor

from habitue_collector.store import keys
from habitue_console.attempts import ADDRESS_BURST, FREE_TRIES, NAME_BURST, Attempts, network
from habitue_console.roles import Role
from habitue_console.sessions import COOKIE, IDLE_SECONDS, LIFETIME_MS

pytestmark = pytest.mark.asyncio


async def test_who_signs_in_gets_a_session_that_scripts_cannot_read(floor: ConsoleFloor) -> None:
    await floor.user("anna")
    answer = await floor.browser("192.0.2.7", scheme="https").sign_in("Anna ")
    assert answer.headers["location"] == "/console/"
    said = answer.headers["set-cookie"]
    for part in (f"{COOKIE}=", "HttpOnly", "SameSite=lax", "Secure", "Path=/console"):
        assert part in said


async def test_plain_http_gets_no_secure_cookie_that_it_would_lose(floor: ConsoleFloor) -> None:
    await floor.user("anna")
    assert "Secure" not in (await floor.browser().sign_in("anna")).headers["set-cookie"]


@pytest.mark.parametrize(("name", "password"), [("anna", "wrong password"), ("nobody", PASSWORD), ("", "")])
async def test_whatever_does_not_fit_gets_one_answer(floor: ConsoleFloor, name: str, password: str) -> None:
    await floor.user("anna")
    answer = await floor.browser().sign_in(name, password)
    assert answer.status_code == 422
    assert "Name and password do not fit together." in answer.text
    assert COOKIE not in answer.headers.get("set-cookie", "")


async def test_a_closed_account_opens_nothing_and_ends_at_once(floor: ConsoleFloor) -> None:
    browser = await floor.signed_in("anna")
    await floor.house.users.change("anna", disabled=True)
    assert (await browser.get("/live")).status_code == 303
    assert (await floor.browser().sign_in("anna")).status_code == 422


async def test_pauses_grow_for_who_guesses_and_for_nobody_else(floor: ConsoleFloor) -> None:
    await floor.user("anna")
    guesser = floor.browser("192.0.2.7")
    for _ in range(FREE_TRIES):
        assert (await guesser.sign_in("anna", "")).status_code == 422
    refused = await guesser.sign_in("anna")
    assert refused.status_code == 429
    assert "Try again in 2 seconds" in refused.text
    assert refused.headers["retry-after"] == "2"
    assert (await floor.browser("192.0.2.8").sign_in("anna")).status_code == 303


async def test_an_address_tries_some_names_and_no_more(floor: ConsoleFloor) -> None:
    await floor.user("anna")
    one = floor.browser("192.0.2.7")
    for number in range(ADDRESS_BURST):
        assert (await one.sign_in(f"user{number}", "")).status_code == 422
    assert (await one.sign_in("anna")).status_code == 429
    assert (await floor.browser("192.0.2.8").sign_in("anna")).status_code == 303


async def test_many_addresses_guess_no_faster_and_keep_nobody_out_who_was_here(floor: ConsoleFloor) -> None:
    anna = await floor.signed_in("anna")
    for number in range(NAME_BURST):
        await floor.browser(f"198.51.100.{number}").sign_in("anna", "")
    refused = await floor.browser("203.0.113.1").sign_in("anna")
    assert refused.status_code == 429
    assert "Try again in 5 minutes" in refused.text
    assert (await anna.post("/sign-out")).status_code == 303
    assert (await anna.sign_in("anna")).status_code == 303  # her own browser
    stranger = floor.browser("203.0.113.2")
    stranger.client.cookies["habitue_console_known"] = anna.client.cookies["habitue_console_known"] + "x"
    assert (await stranger.sign_in("anna")).status_code == 429


async def guess(floor: ConsoleFloor, hours: int) -> None:
    now = floor.house.clock()
    attempts = Attempts(floor.house.redis, lambda: now)
    made = 0
    for number in range(hours * 60):  # each minute from an address of its own
        made += await attempts.pause(f"198.18.{number // 250}.{number % 250}", "anna") == 0
        now += 60_000
    assert made <= NAME_BURST + hours * 12 + 1


async def test_hours_of_guessing_from_everywhere_are_a_dozen_tries_each(floor: ConsoleFloor) -> None:
    await guess(floor, hours=4)


@pytest.mark.long
async def test_a_day_of_guessing_from_everywhere_is_some_hundred_tries(floor: ConsoleFloor) -> None:
    await guess(floor, hours=24)


async def test_a_login_of_ones_own_buys_no_guesses_at_others(floor: ConsoleFloor) -> None:
    now = floor.house.clock()
    attempts = Attempts(floor.house.redis, lambda: now)
    for number in range(ADDRESS_BURST - 1):
        assert await attempts.pause("192.0.2.7", f"user{number}") == 0
    assert await attempts.pause("192.0.2.7", "me") == 0
    await attempts.good("192.0.2.7", "me")
    assert await attempts.pause("192.0.2.7", "anna") == 0
    assert await attempts.pause("192.0.2.7", "bert") > 0


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", ""),
    ],
)
async def test_a_network_of_ipv6_is_one_address(address: str, counted: str) -> None:
    assert network(address) == counted


async def test_a_login_gives_a_new_session_and_ends_the_old_one(floor: ConsoleFloor) -> None:
    browser = await floor.signed_in("anna")
    before = browser.client.cookies[COOKIE]
    await browser.sign_in("anna")
    assert browser.client.cookies[COOKIE] != before
    assert len(await floor.house.sessions.of("anna")) == 1
    assert await floor.house.sessions.read(before) is None


async def test_signing_out_ends_the_session_on_the_server(floor: ConsoleFloor) -> None:
    browser = await floor.signed_in("anna")
    kept = browser.client.cookies[COOKIE]
    assert (await browser.post("/sign-out")).headers["location"] == "/console/sign-in"
    assert await floor.house.sessions.read(kept) is None
    assert "You are signed out." in (await browser.get("/sign-in")).text


async def test_a_session_ends_when_nobody_uses_it_or_after_two_weeks(floor: ConsoleFloor) -> None:
    browser = await floor.signed_in("anna")
    (session,) = await floor.house.sessions.of("anna")
    ttl = await floor.house.redis.ttl(keys.console_session(session.digest))
    assert IDLE_SECONDS - 5 <= ttl <= IDLE_SECONDS
    cookie, start = browser.client.cookies[COOKIE], session.created
    floor.house.sessions._clock = lambda: start + LIFETIME_MS + 1
    assert await floor.house.sessions.read(cookie) is None


@pytest.mark.parametrize("change", ["x", "", "a.b", "é", "." * 500])
async def test_a_forged_cookie_is_nobody(floor: ConsoleFloor, change: str) -> None:
    browser = await floor.signed_in("anna")
    forged = (browser.client.cookies[COOKIE] + change if change == "x" else change).encode()
    browser.client.cookies.clear()
    answer = await browser.get("/live", headers={"cookie": COOKIE.encode() + b"=" + forged})  # type: ignore[dict-item]
    assert answer.status_code == 303


@pytest.mark.parametrize(
    ("following", "ends_at"),
    [
        ("/console/live?x=1", "/console/live?x=1"),
        ("https://evil.example/", "/console/"),
        ("//evil.example", "/console/"),
        ("/\\evil.example", "/console/"),
        ("/shop/", "/console/"),
        ("/console/\r\nset-cookie: a=b", "/console/"),
    ],
)
async def test_afterwards_one_is_where_one_wanted_to_be_and_never_elsewhere(
    floor: ConsoleFloor, following: str, ends_at: str
) -> None:
    await floor.user("anna")
    answer = await floor.browser().post(
        "/sign-in", {"name": "anna", "password": PASSWORD}, params={"next": following}
    )
    assert answer.headers["location"] == ends_at


async def test_another_site_cannot_sign_somebody_in(floor: ConsoleFloor) -> None:
    await floor.user("anna")
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}):
        answer = await floor.browser().post(
            "/sign-in", {"name": "anna", "password": PASSWORD}, headers=headers
        )
        assert answer.status_code == 403


async def test_a_link_makes_the_first_admin_once(floor: ConsoleFloor) -> None:
    token = await floor.house.users.make_link("admin", Role.ADMIN, "habitue keys", rescue=True)
    browser = floor.browser("192.0.2.7")
    assert "Welcome, admin" in (await browser.get(f"/welcome/{token}")).text
    for password, again in (("short", "short"), (PASSWORD, "another one"), ("aaaaaaaaaaaa", "aaaaaaaaaaaa")):
        answer = await browser.post(f"/welcome/{token}", {"password": password, "again": again})
        assert answer.status_code == 422
    answer = await browser.post(f"/welcome/{token}", {"password": PASSWORD, "again": PASSWORD})
    assert answer.status_code == 303
    assert (await browser.get("/settings/users")).status_code == 200
    for second in (await browser.get(f"/welcome/{token}"), await browser.get("/welcome/made-up")):
        assert second.status_code == 404
        assert "This link has ended" in second.text
    assert (await floor.browser("192.0.2.8").sign_in("admin")).status_code == 303


async def test_redis_holds_no_password_no_session_and_no_link(floor: ConsoleFloor) -> None:
    browser = await floor.signed_in("anna")
    token = await floor.house.users.make_link("bert", Role.VIEWER, "anna")
    held = b""
    for key in await floor.house.redis.keys("*"):
        held += key
        kind = await floor.house.redis.type(key)
        held += repr(await floor.house.redis.hgetall(key) if kind == b"hash" else key).encode()
        if kind == b"string":
            held += await floor.house.redis.get(key)
    session_id = browser.client.cookies[COOKIE].rsplit(".", 1)[0].strip('"')
    for secret in (PASSWORD, session_id, token):
        assert secret.encode() not in held
    assert b"$argon2id$" in held
