"""Somebody with an account tries every route: what a role may not, it cannot; nothing changes by a link."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.routing import BaseRoute, Mount, Route
from support.console import ConsoleFloor

from habitue_console.guard import _NEEDS
from habitue_console.roles import Role

pytestmark = pytest.mark.asyncio
PATHS = {"id": "some-id", "token": "made-up", "digest": "ab12", "name": "somebody", "path": "x"}
OPEN = {"/sign-in", "/welcome/{token}", "/preferences"}
# What a viewer may send: nothing that changes what others see.
A_VIEWER_MAY_POST = {"/sign-out", "/settings/you"}
ONLY_ADMINS_READ = {"/settings/users", "/settings/keys/{id}"}
ONLY_ADMINS_CHANGE = {
    "/visitors/export", "/visitors/erase", "/models/roll-back", "/models/hold", "/settings/keys",
    "/settings/keys/{id}", "/settings/users", "/settings/users/{name}", "/settings/retention",
}  # fmt: skip
ONLY_MARKETERS_READ = {
    "/settings/changes",
    "/visitors/personas/edit",
    "/segments/{id}/members.csv",
    *(f"/{kind}/{name}" for kind in ("rules", "segments", "contents", "slots") for name in ("new", "import")),
}


def routes_of(floor: ConsoleFloor) -> Iterator[tuple[str, str, str]]:
    """(path, method, who may)."""

    def walk(routes: list[BaseRoute]) -> Iterator[tuple[str, str, str]]:
        for route in routes:
            if isinstance(route, Mount):
                yield from walk(list(route.routes or []))
            elif isinstance(route, Route):
                for method in sorted((route.methods or set()) - {"HEAD"}):
                    yield route.path, method, str(getattr(route.endpoint, _NEEDS))

    app: Any = floor.app
    while not hasattr(app, "routes"):
        app = next(
            value for name in ("_inner", "_app", "app") if (value := getattr(app, name, None)) is not None
        )
    yield from walk(list(app.routes))


def filled(path: str) -> str:
    for name, value in PATHS.items():
        path = path.replace(f"{{{name}}}", value).replace(f"{{{name}:path}}", value)
    assert "{" not in path, path
    return path


async def test_every_route_says_who_may_and_the_table_is_this(floor: ConsoleFloor) -> None:
    found = list(routes_of(floor))
    assert len(found) > 80
    for path, method, needs in found:
        if path in OPEN:
            assert needs == "nobody", path
        elif path in (ONLY_ADMINS_READ if method == "GET" else ONLY_ADMINS_CHANGE):
            assert needs == "admin", (path, method)
        elif path in ONLY_MARKETERS_READ or (method == "POST" and path not in A_VIEWER_MAY_POST):
            assert needs == "marketer", (path, method)
        else:
            assert needs == "viewer", (path, method)


async def test_nobody_sees_a_page_or_changes_a_thing_without_signing_in(floor: ConsoleFloor) -> None:
    stranger = floor.browser("192.0.2.7")
    for path, method, _ in routes_of(floor):
        if path not in OPEN:
            answer = await (stranger.get if method == "GET" else stranger.post)(filled(path))
            assert answer.status_code in (303, 401), path
            assert "/sign-in" in answer.headers.get("location", "/sign-in"), path


@pytest.mark.parametrize("role", [Role.VIEWER, Role.MARKETER])
async def test_what_needs_more_is_refused_whoever_tries(floor: ConsoleFloor, role: Role) -> None:
    somebody = await floor.signed_in("eve", role)
    tried = 0
    for path, method, needs in routes_of(floor):
        if needs == "nobody" or role.may(Role(needs)):
            continue
        answer = await (somebody.get if method == "GET" else somebody.post)(
            filled(path), follow_redirects=False
        )
        assert answer.status_code == 403, (path, method)
        tried += 1
    assert tried > (40 if role is Role.VIEWER else 8)


async def test_no_form_is_taken_without_its_token_or_from_elsewhere(floor: ConsoleFloor) -> None:
    admin = await floor.signed_in("ada", Role.ADMIN)
    other = await floor.signed_in("bert", Role.ADMIN)
    of_another = floor.house.sessions.csrf(
        floor.house.sessions.digest_of(other.client.cookies["habitue_console"].strip('"')) or ""
    )
    wrong: list[tuple[dict[str, str], dict[str, str]]] = [
        ({"csrf": ""}, {}),
        ({"csrf": of_another}, {}),
        ({}, {"origin": "https://evil.example"}),
        ({}, {"sec-fetch-site": "same-site"}),
    ]
    paths = [path for path, method, _ in routes_of(floor) if method == "POST" and path not in OPEN]
    for number, path in enumerate([*paths, *paths[:3]]):  # each way at every fourth: the guard is the same
        form, headers = wrong[number % len(wrong)]
        answer = await admin.post(filled(path), form, headers=headers)
        assert answer.status_code == 403, (path, form, headers)
    assert (await admin.get("/live")).status_code == 200, "and nobody was signed out by it"


async def test_a_session_that_somebody_planted_is_worth_nothing(floor: ConsoleFloor) -> None:
    attacker = await floor.signed_in("eve")
    planted = attacker.client.cookies["habitue_console"]
    victim = floor.browser("192.0.2.9")
    victim.client.cookies["habitue_console"] = planted
    await floor.user("anna", Role.ADMIN)
    await victim.sign_in("anna")
    assert victim.client.cookies.get("habitue_console", path="/console") != planted
    assert (await attacker.get("/settings/users")).status_code in (303, 403)


@pytest.mark.parametrize(
    "back", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
async def test_preferences_lead_nowhere_else(floor: ConsoleFloor, back: str) -> None:
    answer = await floor.browser().post("/preferences", {"theme": "dark", "back": back})
    assert answer.headers["location"] == "/console"


async def test_a_foreign_host_in_the_request_is_in_no_link(floor: ConsoleFloor) -> None:
    admin = await floor.signed_in("ada", Role.ADMIN)
    for path in ("/", "/settings/users", "/rules"):
        page = await admin.get(path, headers={"host": "evil.example"})
        assert "evil.example" not in page.text
    made = await admin.post(
        "/settings/users", {"name": "carl", "role": "viewer"}, headers={"host": "evil.example"}
    )
    assert made.status_code == 403 or "evil.example" not in made.text
