"""The examples of docs/doors/ run as they stand, before a real server; only keys and address are put in."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from support.shops import CHROME, SECRET_KEY, WRITE_KEY, served_by_wsgi

from .conftest import PATIENT

DOORS = Path(__file__).parents[2] / "docs/doors"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(name: str, server: str) -> list[str]:
    """The Python blocks of a page, with the keys and the address of the server that runs."""
    text = (DOORS / f"{name}.md").read_text("utf-8")
    text = text.replace("YOUR-SERVER-KEY", SECRET_KEY).replace("YOUR-BROWSER-KEY", WRITE_KEY)
    return BLOCK.findall(text.replace("http://127.0.0.1:8000", server))


def run(source: str, **names: Any) -> dict[str, Any]:
    module = ModuleType("of_the_docs")  # frameworks look into the module of a function
    sys.modules[module.__name__] = module
    vars(module).update(names)
    exec(compile(source, "docs", "exec", dont_inherit=True), vars(module))
    return vars(module)


def browser(**settings: Any) -> dict[str, Any]:
    return {"headers": {"user-agent": CHROME}, "cookies": {"consent": "yes"}, "timeout": 20, **settings}


def check(page: httpx.Response) -> None:
    assert page.status_code == 200
    assert f'data-key="{WRITE_KEY}"' in page.text
    assert page.text.count("data-habitue-offer=") > 3
    assert page.headers["set-cookie"].startswith("habitue=") or "habitue=" in str(page.headers)


def test_flask(server: str) -> None:
    first, second = blocks("flask", server)
    made = run(first)
    made["habitue"].client.deadline = PATIENT
    with served_by_wsgi(made["app"]) as url, httpx.Client(base_url=url, **browser()) as visitor:
        check(visitor.get("/p/tea-01"))
        assert visitor.post("/login", data={"user_id": "ann"}).status_code == 302
        assert '"identify","ann"' in visitor.get("/p/tea-01").text
        assert visitor.post("/checkout").status_code == 302
        device = visitor.cookies["habitue"]
        assert visitor.post("/logout").status_code == 302
        assert visitor.cookies["habitue"] != device
        assert b"habitue" in visitor.get("/h/s.js").content
    client = made["habitue"].client
    assert client.flush(20)
    assert client.stats.lost == {}
    assert client.profile(user_id="ann", deadline=PATIENT)["orders"]["count"] == 1
    client.close()

    def plain(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/html")])
        return [b"plain"]

    wrapped = run(second, application=plain)
    with served_by_wsgi(wrapped["application"]) as url:
        assert httpx.get(url).text == "plain"
        assert httpx.get(f"{url}/h/s.js").status_code == 200
    wrapped["client"].close()


def test_fastapi_and_litestar(server: str) -> None:
    first, second = blocks("fastapi", server)
    made = run(first)
    made["client"].deadline = PATIENT

    async def visit(app: Any) -> None:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1", **browser()
        ) as visitor:
            check(await visitor.get("/p/plant-01"))
            assert (await visitor.post("/login/bea")).status_code == 303
            assert '"identify","bea"' in (await visitor.get("/p/plant-01")).text
            assert (await visitor.post("/checkout")).status_code == 303
            device = visitor.cookies["habitue"]
            assert (await visitor.post("/logout")).status_code == 303
            assert visitor.cookies["habitue"] != device
            assert b"habitue" in (await visitor.get("/h/s.js")).content
        assert await made["client"].flush(20)
        assert made["client"].stats.lost == {}
        # The order has the number of the Flask page's: it was counted there, once for ever.
        known = await made["client"].profile(user_id="bea", deadline=PATIENT)
        assert "plant-01" in [seen["item_id"] for seen in known["recent_items"]]
        await made["client"].close()
        await closed(made["app"])

    asyncio.run(visit(made["app"]))
    litestar = pytest.importorskip("litestar")
    other = run(second)
    assert isinstance(other["app"], litestar.Litestar)

    async def hello() -> None:
        transport = httpx.ASGITransport(other["app"])
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as visitor:
            assert (await visitor.get("/hello")).json() == {"known": False}
            headers = {"cookie": "habitue=x.y.z"}
            assert (await visitor.get("/hello", headers=headers)).json() == {"known": True}
            assert (await visitor.get("/h/s.js")).status_code == 200
        await other["app"].asgi_handler._proxy._transport.close()

    asyncio.run(hello())


async def closed(app: Any) -> None:
    """Let go of the mount's connections before their loop ends."""
    layer = app.middleware_stack
    while layer is not None:
        proxy = getattr(layer, "_proxy", None)
        if proxy is not None and proxy._transport is not None:
            await proxy._transport.close()
        layer = getattr(layer, "app", None)


def test_django(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings are those of the page; Django itself is the example shop's, it can be had only once."""
    from support.shops import example

    example("django")
    from django.shortcuts import redirect, render
    from django.template import Context, Engine
    from django.test import Client as Browser
    from django.test import override_settings
    from django.urls import path

    settings, views = blocks("django", server)
    monkeypatch.setenv("HABITUE_SECRET_KEY", SECRET_KEY)
    import os

    said = run(settings, INSTALLED_APPS=[], MIDDLEWARE=["django.middleware.common.CommonMiddleware"], os=os)
    assert said["INSTALLED_APPS"] == ["habitue.django"]
    html = re.search(r"```html\n(.*?)```", (DOORS / "django.md").read_text("utf-8"), re.DOTALL)
    assert html is not None
    library = {"habitue": "habitue.django.templatetags.habitue"}
    template = Engine(libraries=library).from_string(html[1])
    made = run(views, render=render, redirect=redirect)

    def rendered(request: Any, name: str, context: Any) -> Any:
        from django.http import HttpResponse

        return HttpResponse(template.render(Context(context)))

    made["render"] = rendered
    urls: Any = ModuleType("urls_of_the_docs")
    urls.urlpatterns = [
        path("p/<sku>", made["product"]),
        path("checkout", made["checkout"]),
        path("agree", made["agree"]),
    ]
    habitue = {**said["HABITUE"], "DEADLINE": PATIENT}
    with override_settings(HABITUE=habitue, MIDDLEWARE=said["MIDDLEWARE"], ROOT_URLCONF=urls):
        from habitue.django import get_client

        visitor = Browser(headers={"user-agent": CHROME, "host": "127.0.0.1"})
        page = visitor.get("/p/book-01")
        assert f'data-key="{WRITE_KEY}"' in page.text
        assert page.text.count("data-habitue-offer=") > 3
        assert "habitue" not in visitor.cookies  # nobody has agreed
        visitor.get("/agree")
        assert visitor.cookies["habitue"]["httponly"]
        visitor.get("/p/book-02")
        visitor.get("/checkout")
        script = visitor.get("/h/s.js")
        assert script.status_code == 200
        client = get_client()
        assert client.flush(20)
        assert client.stats.lost == {}
        known = client.profile(visitor=visitor.cookies["habitue"].value, deadline=PATIENT)
        assert known is not None
        assert "book-02" in [seen["item_id"] for seen in known["recent_items"]]
        client.close()
