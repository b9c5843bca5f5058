"""Every page looks at the role, and what changes something must have been sent by a form of ours."""

from __future__ import annotations

import pytest
from support.console import ConsoleFloor

from habitue_console.roles import Role
from habitue_console.security import is_from_our_pages, is_our_path

INVITES = {"name": "bert", "role": "viewer"}


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("role", "may"),
    [
        (Role.VIEWER, {"/settings": 200, "/settings/changes": 403, "/settings/users": 403}),
        (Role.MARKETER, {"/settings": 200, "/settings/changes": 200, "/settings/users": 403}),
        (Role.ADMIN, {"/settings": 200, "/settings/changes": 200, "/settings/users": 200}),
    ],
)
async def test_a_role_opens_what_it_may(floor: ConsoleFloor, role: Role, may: dict[str, int]) -> None:
    browser = await floor.signed_in("anna", role)
    assert {path: (await browser.get(path)).status_code for path in may} == may


@pytest.mark.asyncio
async def test_a_viewer_changes_nothing(floor: ConsoleFloor) -> None:
    browser = await floor.signed_in("anna")
    for path in ("/settings/users", "/settings/keys"):
        assert (await browser.post(path, INVITES)).status_code == 403
    assert [user.name for user in await floor.house.users.all()] == ["anna"]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("form", "headers"),
    [
        ({"csrf": ""}, {}),
        ({"csrf": "0" * 64}, {}),
        ({"csrf": "é"}, {}),
        ({}, {"origin": "https://evil.example"}),
        ({}, {"origin": "null"}),
        ({}, {"sec-fetch-site": "cross-site"}),
        ({}, {"sec-fetch-site": "same-site"}),
        ({}, {"x-csrf-token": "0" * 64}),
    ],
)
async def test_a_form_of_somebody_else_changes_nothing(
    floor: ConsoleFloor, form: dict[str, str], headers: dict[str, str]
) -> None:
    browser = await floor.signed_in("anna", Role.ADMIN)
    answer = await browser.post("/settings/users", {**INVITES, **form}, headers=headers)
    assert answer.status_code == 403
    assert (await browser.post("/settings/users", INVITES)).status_code == 200


@pytest.mark.asyncio
async def test_another_session_s_token_is_none(floor: ConsoleFloor) -> None:
    anna = await floor.signed_in("anna", Role.ADMIN)
    await floor.signed_in("bert", Role.ADMIN)
    (session,) = await floor.house.sessions.of("bert")
    token = floor.house.sessions.csrf(session.digest)
    assert (await anna.post("/settings/users", {**INVITES, "csrf": token})).status_code == 403


@pytest.mark.asyncio
async def test_htmx_sends_the_token_as_a_header(floor: ConsoleFloor) -> None:
    browser = await floor.signed_in("anna", Role.ADMIN)
    (session,) = await floor.house.sessions.of("anna")
    token = floor.house.sessions.csrf(session.digest)
    headers = {"x-csrf-token": token, "hx-request": "true"}
    assert (
        await browser.post("/settings/users", {**INVITES, "csrf": ""}, headers=headers)
    ).status_code == 200


@pytest.mark.asyncio
async def test_a_script_with_the_secret_key_needs_no_token_and_no_page_has_it(
    floor: ConsoleFloor,
) -> None:
    script = floor.browser("192.0.2.7")
    key = {"authorization": "Bearer demo-secret"}
    assert (await script.post("/settings/users", {**INVITES, "csrf": ""}, headers=key)).status_code == 200
    evil = {**key, "origin": "https://evil.example"}
    assert (await script.post("/settings/users", {**INVITES, "csrf": ""}, headers=evil)).status_code == 403


@pytest.mark.parametrize(
    ("headers", "ours"),
    [
        ({"host": "shop.test"}, True),
        ({"host": "shop.test", "origin": "https://shop.test"}, True),
        ({"host": "inner:8000", "origin": "https://console.shop.test"}, True),
        ({"host": "shop.test", "sec-fetch-site": "same-origin"}, True),
        ({"host": "shop.test", "origin": "https://shop.test:8443"}, False),
        ({"host": "shop.test", "origin": "null"}, False),
        ({"host": "", "origin": "https://"}, False),
        ({"origin": "https://shop.test"}, False),
        ({"host": "shop.test", "origin": "http://[::1"}, False),
        ({"host": "shop.test", "origin": "https://shop.test", "sec-fetch-site": "cross-site"}, False),
    ],
)
def test_a_browser_says_where_a_request_comes_from(headers: dict[str, str], ours: bool) -> None:
    assert is_from_our_pages(headers, {"console.shop.test"}) == ours


@pytest.mark.parametrize("path", ["", "x", "//x", "/\\x", "/a\nb", "/" + "x" * 3_000, "https://x/", "/a\\b"])
def test_what_leads_elsewhere_is_no_path_of_ours(path: str) -> None:
    assert not is_our_path(path)
    assert is_our_path("/console/rules?q=ü")
