"""One real `habitue serve` for all doors, and the three example shops before it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import httpx
import pytest
from support.serving import Serving
from support.shops import (
    CHROME,
    ENVIRON,
    configured,
    example,
    profile,
    put_catalog,
    served_by_asgi,
    served_by_wsgi,
)

SHOPS = ("django", "flask", "fastapi")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the server; what the shops sell is in its catalog."""
    folder = tmp_path_factory.mktemp("doors")
    with Serving(folder / "data", environ=ENVIRON) as serving:
        before = dict(os.environ)
        os.environ.update(configured(serving.address, folder))
        try:
            for name in SHOPS:
                put_catalog(serving.address, example(name).catalog())
            yield serving.address
        finally:
            os.environ.clear()
            os.environ.update(before)


@dataclass
class Shop:
    """A shop with an address. `browser()` is a new visitor."""

    name: str
    url: str
    server: str
    module: ModuleType
    client: Any  # of the SDK

    def browser(self, *, consents: bool = True, **headers: str) -> httpx.Client:
        browser = httpx.Client(
            base_url=self.url,
            headers={"user-agent": CHROME, "accept-language": "de-DE,de;q=0.9", **headers},
            follow_redirects=True,
            timeout=10,
        )
        if consents:
            browser.cookies.set("shop_consent", "granted", domain="127.0.0.1")
        return browser

    def post(self, browser: httpx.Client, path: str, **form: str) -> httpx.Response:
        """A form of the shop, with Django's token where there is one."""
        token = browser.cookies.get("csrftoken")
        return browser.post(path, data={**form, **({"csrfmiddlewaretoken": token} if token else {})})

    def flush(self) -> None:
        """Everything that was told has arrived."""
        worker = self.client._worker
        assert worker.flush(10)
        assert self.client.stats.lost == {}

    def profile(self, name: str) -> dict[str, Any] | None:
        self.flush()
        return profile(self.server, name)


def visitor(browser: httpx.Client) -> str | None:
    """The anonymous_id in the browser's cookie."""
    value = browser.cookies.get("habitue")
    return value.rsplit(".", 2)[0] if value else None


PATIENT = 10.0  # s; how long pages wait here: whether they wait too long is asked elsewhere


@pytest.fixture(scope="session", params=SHOPS)
def shop(request: pytest.FixtureRequest, server: str) -> Iterator[Shop]:
    module = example(request.param)
    if request.param == "flask":
        app = module.create_shop()
        app.extensions["habitue"].deadline = PATIENT
        with served_by_wsgi(app) as url:
            yield Shop("flask", url, server, module, app.extensions["habitue"])
    elif request.param == "fastapi":
        module.app.state.habitue.deadline = PATIENT
        with served_by_asgi(module.app) as url:
            yield Shop("fastapi", url, server, module, module.app.state.habitue)
    else:
        from habitue.django import get_client

        get_client().deadline = PATIENT
        with served_by_wsgi(django_shop(module)) as url:
            yield Shop("django", url, server, module, get_client())


def django_shop(module: ModuleType) -> Any:
    """The WSGI app of the Django shop, with its tables."""
    from django.core.management import call_command
    from django.core.wsgi import get_wsgi_application

    call_command("migrate", verbosity=0)
    return get_wsgi_application()
