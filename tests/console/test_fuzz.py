"""Whatever comes in, the console has an answer that is not its own failure."""

from __future__ import annotations

import random
from urllib.parse import quote

import pytest
from starlette.routing import Route
from support.console import ConsoleFloor

from habitue_console.app import ALWAYS, PAGES, _routes
from habitue_console.roles import Role

pytestmark = pytest.mark.asyncio

NASTY = [
    "", "\x00", "%", "%s %(x)s {{7*7}} {% raw", "<script>", "../../etc/passwd", "ü" * 300, "\ud800", "-1",
    "1e999", "9" * 400, "[]", '{"a":', "null", "' OR 1=1 --", "\r\nx: y", "🦊", "a" * 20_000, "NaN",
    "2026-13-45", "$1", "\\",
]  # fmt: skip
FIELDS = [
    "name",
    "id",
    "action",
    "role",
    "kind",
    "origins",
    "when",
    "q",
    "before",
    "version",
    "csrf",
    "next",
    "page",
]
_FILE = b'--x\r\nContent-Disposition: form-data; name="name"; filename="a"\r\n\r\nfile\r\n--x--'
BODIES = [
    (b"", "application/x-www-form-urlencoded"),
    (b"%", "application/x-www-form-urlencoded"),
    (b"a=1&" * 3_000, "application/x-www-form-urlencoded"),
    (b"\xff\xfe\x00", "multipart/form-data; boundary=x"),
    (_FILE, "multipart/form-data; boundary=x"),
    (b"--x\r\n", "multipart/form-data"),
    (b"{", "application/json"),
]  # fmt: skip


async def test_no_input_makes_the_console_fail(demo_floor: ConsoleFloor) -> None:
    """Every page with every kind of nonsense: in the path, in the query, in a form, as a body."""
    draw = random.Random(5)
    browser = demo_floor.browser()
    await demo_floor.user("anna", Role.ADMIN)
    routes = [
        route
        for name in (*PAGES, *ALWAYS)
        for route in _routes(name, demo_floor.house) or []
        if isinstance(route, Route)
    ]
    failed = []
    for route in routes:
        for _ in range(2):
            path = route.path
            for name in route.param_convertors:
                nasty = quote(draw.choice(NASTY).encode("utf-8", "replace"), safe="") or "x"
                path = path.replace(f"{{{name}}}", nasty).replace(f"{{{name}:path}}", nasty)
            query = {draw.choice(FIELDS): draw.choice(NASTY).encode("utf-8", "replace") for _ in range(2)}
            method = draw.choice(sorted(route.methods or {"GET"}))
            if method == "POST" and draw.random() < 0.5:
                body, kind = draw.choice(BODIES)
                answer = await browser._ask("POST", path, content=body, headers={"content-type": kind})
            elif method == "POST":
                form = {field: draw.choice(NASTY).encode("utf-8", "replace") for field in FIELDS}
                answer = await browser.post(path, form)
            else:
                answer = await browser._ask(method, path, params=query)
            if answer.status_code >= 500:
                failed.append((method, path, answer.status_code))
    assert failed == []


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Basic ???"},
        {"authorization": "Bearer \xff"},
        {"cookie": "habitue_console=\xff; habitue_console_said=x; habitue_console_theme=<b>"},
        {"accept-language": "\xff;q=,,,"},
        {"host": ""},
        {"hx-request": "true", "hx-current-url": "javascript:alert(1)"},
    ],
)
async def test_no_header_makes_the_console_fail(floor: ConsoleFloor, headers: dict[str, str]) -> None:
    raw = {name: value.encode("latin-1") for name, value in headers.items()}
    for path in ("/live", "/sign-in", "/welcome/x"):
        answer = await floor.browser("192.0.2.7")._ask("GET", path, headers=raw)
        assert answer.status_code < 500
