"""What is Django's own: ASGI, templates, policies, settings."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from support.shops import SECRET_KEY, WRITE_KEY, example

from habitue import Client
from habitue.testing import RecordingTransport

from .conftest import PATIENT


@pytest.fixture(autouse=True)
def configured(server: str) -> None:
    example("django")


@pytest.fixture
def transport() -> RecordingTransport:
    return RecordingTransport(
        offers={
            "pdp": [
                {
                    "item_id": "a<b",
                    "name": "<script>alert(1)</script>",
                    "price": 1234.5,
                    "currency": "EUR",
                    "url": "javascript:alert(1)",
                    "image_url": "/a.svg?x=1&y=2",
                    "reasons": [{"code": "new", "text": 'Because "you" & me'}],
                }
            ]
        }
    )


@pytest.fixture
def client(transport: RecordingTransport) -> Iterator[Client]:
    client = Client("secret", transport=transport, linger=0.0)
    yield client
    client.close(1)


def rendered(source: str, **names: Any) -> str:
    from django.template import Context, Engine

    library = {"habitue": "habitue.django.templatetags.habitue"}
    html: str = Engine(libraries=library).from_string("{% load habitue %}" + source).render(Context(names))
    return html


class TestTemplates:
    @pytest.fixture(autouse=True)
    def settings(self, client: Client) -> Iterator[None]:
        from django.test import override_settings

        with override_settings(HABITUE={"CLIENT": client, "WRITE_KEY": 'k"ey', "CONSENT": "assumed"}):
            yield

    def test_offers_are_text_and_links_are_links(self) -> None:
        html = rendered('{% habitue_slot "pdp" item=sku %}', sku='"><b')
        assert "<script>alert" not in html
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
        assert "javascript:" not in html
        assert 'data-habitue-offer="a&lt;b"' in html
        assert 'src="/a.svg?x=1&amp;y=2"' in html
        assert "Because &quot;you&quot; &amp; me" in html
        assert 'data-item="&quot;&gt;&lt;b"' in html
        assert "1,234.50 EUR" in html or "1234.50 EUR" in html

    def test_a_slot_without_offers_is_left_to_the_tag(self, transport: RecordingTransport) -> None:
        transport.failing = "unreachable"
        assert rendered('{% habitue_slot "pdp" item="7" %}') == (
            '<div data-habitue-slot="pdp" data-item="7"></div>'
        )

    def test_the_fallback_is_shown(self, transport: RecordingTransport) -> None:
        transport.failing = 503
        html = rendered('{% habitue_slot "pdp" fallback=best %}', best=[{"item_id": "best", "name": "Best"}])
        assert 'data-habitue-offer="best"' in html
        assert "data-habitue-decision" not in html

    def test_the_nonce_of_the_policy_is_found(self) -> None:
        class Request:
            csp_nonce = "r4nd0m"

        tag = rendered("{% habitue_tag %}", request=Request())
        assert tag.count('nonce="r4nd0m"') == 2
        assert 'data-key="k&quot;ey"' in tag
        assert 'data-consent="assumed"' in tag
        assert 'nonce="own"' in rendered('{% habitue_slot "pdp" nonce="own" %}')

    def test_the_offers_alone(self) -> None:
        html = rendered('{% habitue_offers "pdp" as offers %}{{ offers.0.price }} {{ offers.decision_id }}')
        assert html == "1234.5 recorded-pdp"

    def test_who_is_logged_in_cannot_write_into_the_script(self, client: Client) -> None:
        from habitue import Visit, visiting
        from habitue.django.conf import get_site

        with visiting(Visit(cookie="c", user_id="</script><script>alert(1)", site=get_site()[0])):
            tag = rendered("{% habitue_tag %}")
        assert "</script><script>alert" not in tag
        assert "\\u003c/script\\u003e" in tag


class TestAsgi:
    def test_pages_and_what_is_below_the_mount(self, server: str) -> None:
        from django.http import HttpResponse
        from django.test import AsyncClient as Browser
        from django.test import override_settings
        from django.urls import path

        from habitue import current_visit
        from habitue.django import client, get_client

        async def page(request: Any) -> HttpResponse:
            client.track("Product Viewed", {"product_id": "async"})
            visit = current_visit()
            return HttpResponse(str(visit.cookie if visit else "nobody"))

        urls: Any = ModuleType("urls_of_asgi")
        urls.urlpatterns = [path("page", page)]
        settings = {
            "URL": server,
            "SECRET_KEY": SECRET_KEY,
            "WRITE_KEY": WRITE_KEY,
            "CONSENT": "assumed",
            "DEADLINE": PATIENT,
        }
        middleware = ["habitue.django.HabitueMiddleware", "django.middleware.common.CommonMiddleware"]

        async def visit() -> None:
            browser = Browser()
            answer = await browser.get("/page")
            assert answer.status_code == 200
            assert answer.content == b"None"
            cookie = answer.cookies["habitue"]
            assert cookie["httponly"]
            assert (await browser.get("/page")).content.decode() == cookie.value
            script = await browser.get("/h/s.js")
            assert script.status_code == 200
            assert "javascript" in script["content-type"]
            body = json.dumps({"writeKey": WRITE_KEY, "batch": [], "slots": ["home-hero"]})
            beacon = await browser.post("/h/v1/context", body, content_type="text/plain")
            assert beacon.json()["slots"]["home-hero"]["offers"]
            assert (await browser.get("/h/../metrics")).status_code == 404

        hosts = ["testserver"]
        with override_settings(
            HABITUE=settings, ROOT_URLCONF=urls, MIDDLEWARE=middleware, ALLOWED_HOSTS=hosts
        ):
            asyncio.run(visit())
            from django.test import Client as SyncBrowser

            assert SyncBrowser(headers={"host": "evil.example"}).get("/h/s.js").status_code == 400
            told = get_client()
            assert told.flush(20)
            assert told.stats.lost == {}
            assert told.stats.delivered == 2
            told.close()


class TestSettings:
    @pytest.mark.parametrize(
        "settings",
        [
            None,
            {},
            {"SECRET_KEY": "s", "WRITE_KEY": ""},
            {"SECRET_KEY": "s", "WRITE_KEY": "w", "TYPO": 1},
            {"SECRET_KEY": "s", "WRITE_KEY": "w", "CONSENT": "perhaps"},
            {"SECRET_KEY": "s", "WRITE_KEY": "w", "OPTIONS": {"nonsense": 1}},
        ],
    )
    def test_what_is_missing_is_said_at_the_start(self, settings: Any) -> None:
        from django.core.exceptions import ImproperlyConfigured
        from django.test import override_settings

        from habitue.django import HabitueMiddleware

        with override_settings(HABITUE=settings), pytest.raises(ImproperlyConfigured, match="HABITUE"):
            HabitueMiddleware(lambda request: None)
