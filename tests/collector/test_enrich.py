"""What headers and addresses tell, and what of them is never kept."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from habitue_collector.enrich import agent, enrich, item_url, read_url
from habitue_collector.wires.context import reduce

CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
)
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1"
)
ANDROID = (
    "Mozilla/5.0 (Linux; Android 14; {}) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/141.0.0.0{} Safari/537.36"
)


@pytest.mark.parametrize(
    ("user_agent", "browser", "system", "device"),
    [
        (CHROME, "Chrome", "Linux", "desktop"),
        (IPHONE, "Mobile Safari", "iOS", "mobile"),
        (ANDROID.format("Pixel 8", " Mobile"), "Chrome Mobile", "Android", "mobile"),
        (ANDROID.format("SM-X710", ""), "Chrome", "Android", "tablet"),
        (IPHONE.replace("iPhone;", "iPad;").replace("CPU iPhone", "CPU"), "Mobile Safari", "iOS", "tablet"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox",
            "Windows",
            "desktop",
        ),
    ],
)
def test_people_come_with_a_device(user_agent: str, browser: str, system: str, device: str) -> None:
    context: dict[str, Any] = {}
    assert not enrich(context, user_agent)
    assert (context["browser"], context["os"], context["device"]) == (browser, system, device)


@pytest.mark.parametrize(
    "user_agent",
    [
        "",
        " ",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
        CHROME.replace("Chrome", "HeadlessChrome"),
        "curl/8.5.0",
        "python-requests/2.32.3",
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    ],
)
def test_bots_are_flagged(user_agent: str) -> None:
    context: dict[str, Any] = {}
    assert enrich(context, user_agent)
    assert context["device"] == "bot"


def test_a_server_that_speaks_for_a_visitor_is_no_bot() -> None:
    nothing: dict[str, Any] = {}
    assert not enrich(nothing, None)
    assert nothing == {}
    assert not enrich({}, "analytics-python/2.4.0")
    for library in ("analytics-node/3.0.13", "python-requests/2.32.3"):
        stated: dict[str, Any] = {"user_agent": IPHONE}
        assert not enrich(stated, library)
        assert stated["device"] == "mobile"
        assert "user_agent" not in stated


@pytest.mark.parametrize(
    ("told", "system", "device"),
    [
        ({"device": {"type": "android", "model": "Pixel 7"}, "os": {"name": "Android"}}, "Android", "mobile"),
        ({"device": {"model": "SM-G998B"}, "os": {"name": "Android"}}, "Android", "mobile"),
        ({"device": {"type": "ios", "model": "iPhone14,2"}}, "iOS", "mobile"),
        ({"device": {"type": "ios", "model": "iPad13,4"}}, "iOS", "tablet"),
    ],
)
def test_a_shops_app_is_no_bot_whatever_sends_for_it(told: Any, system: str, device: str) -> None:
    """React Native on Android sends with okhttp, Flutter with Dart's client."""
    for client in ("okhttp/4.12.0", "Dart/3.2 (dart:io)", "Shop/1 CFNetwork/1410.0.3 Darwin/22.6.0"):
        context = reduce(told)
        assert not enrich(context, client)
        assert (context["os"], context["device"]) == (system, device)
    assert enrich(reduce(told), CHROME.replace("Chrome", "HeadlessChrome"))
    for nothing in ({"device": "x"}, {"device": {"type": 5}, "os": []}, {"device": {"type": "toaster"}}):
        assert enrich(reduce(nothing), "okhttp/4.12.0")


def test_a_headless_browser_cannot_talk_itself_out() -> None:
    context: dict[str, Any] = {"user_agent": CHROME}
    assert enrich(context, CHROME.replace("Chrome", "HeadlessChrome"))
    assert context["device"] == "bot"


@pytest.mark.parametrize(
    ("url", "referrer", "kind", "host"),
    [
        ("https://shop.test/", None, "direct", None),
        ("https://shop.test/", "https://www.google.com/", "search", "www.google.com"),
        ("https://shop.test/", "https://www.google.co.uk/", "search", "www.google.co.uk"),
        ("https://shop.test/", "https://google.evil.test/", "link", "google.evil.test"),
        ("https://shop.test/", "https://mail.google.com/", "email", "mail.google.com"),
        ("https://shop.test/", "https://gemini.google.com/", "ai", "gemini.google.com"),
        ("https://shop.test/", "https://chatgpt.com/", "ai", "chatgpt.com"),
        ("https://shop.test/", "https://l.facebook.com/", "social", "l.facebook.com"),
        ("https://shop.test/", "https://t.co/", "social", "t.co"),
        ("https://shop.test/", "android-app://com.google.android.gm/", "email", "com.google.android.gm"),
        ("https://shop.test/", "https://webmail.firm.test/", "email", "webmail.firm.test"),
        ("https://shop.test/", "https://blog.test/shoes", "link", "blog.test"),
        ("https://shop.test/", "https://localhost/", "link", "localhost"),
        ("https://www.shop.test/a", "https://shop.test/b", "internal", "shop.test"),
        ("https://shop.test/?utm_medium=email", None, "email", None),
        ("https://shop.test/?utm_medium=cpc", "https://www.google.com/", "ad", "www.google.com"),
        ("https://shop.test/?gclid=1", "https://www.google.com/", "ad", "www.google.com"),
        ("https://shop.test/?fbclid=1", "https://l.facebook.com/", "social", "l.facebook.com"),
        ("https://shop.test/?utm_source=flyer", None, "link", None),
        ("https://shop.test/", "http://[broken", "direct", None),
    ],
)
def test_where_somebody_came_from(url: str, referrer: str | None, kind: str, host: str | None) -> None:
    context: dict[str, Any] = {"page": {"url": url, "referrer": referrer}}
    enrich(context)
    assert context["referrer"] == ({"kind": kind, "host": host} if host else {"kind": kind})
    assert "referrer" not in context["page"]


def test_a_campaign_is_read_from_the_address() -> None:
    context: dict[str, Any] = {
        "page": {
            "url": "https://shop.test/?utm_source=news&utm_medium=email&utm_campaign=May&utm_term=x&utm_content=top"
        },
        "campaign": {"id": "7", "source": "older"},
    }
    enrich(context)
    assert context["campaign"] == {
        "id": "7",
        "source": "news",
        "medium": "email",
        "name": "May",
        "term": "x",
        "content": "top",
    }


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("https://shop.test/a?size=42", "https://shop.test/a?size=42"),
        ("https://shop.test:8443/a?q=Gr%C3%B6%C3%9Fe+42", "https://shop.test:8443/a?q=Gr%C3%B6%C3%9Fe+42"),
        ("https://shop.test/a?size=42&email=ada%40example.com", "https://shop.test/a?size=42"),
        ("https://shop.test/a?to=ada@example.com", "https://shop.test/a"),
        (
            "https://shop.test/reset?Access-Token=abc&utm_source=n&gclid=g",
            "https://shop.test/reset?utm_source=n&gclid=g",
        ),
        ("https://ada:secret@shop.test/", "https://shop.test/"),
        ("https://shop.test/u/ada@example.com/x", "https://shop.test/u/-/x"),
        ("https://shop.test/@ada/x", "https://shop.test/@ada/x"),
        ("https://shop.test/#access_token=abc", "https://shop.test/"),
        ("https://shop.test/#/product/1?token=x", "https://shop.test/#/product/1"),
        ("https://shop.test/?" + "&".join(f"a{n}=1" for n in range(100)), "https://shop.test/"),
        ("/home?x=1", "/home?x=1"),
        ("javascript:alert(1)", None),
        ("file:///home/ada/shop.html", None),
        ("//shop.test/x", None),
        ("http://[broken", None),
        ("", None),
    ],
)
def test_addresses_lose_what_looks_like_personal_data(sent: str, kept: str | None) -> None:
    assert read_url(sent).url == kept


def test_an_items_address_carries_nobodys_campaign() -> None:
    assert item_url("https://shop.test/p/1?utm_source=x&gclid=y&size=42") == "https://shop.test/p/1?size=42"
    assert item_url("https://shop.test/p/1?utm_source=x") == "https://shop.test/p/1"
    assert item_url("/p/1") == "/p/1"
    assert item_url("javascript:alert(1)") is None


def test_the_language_is_the_first_one_accepted() -> None:
    for header, locale in (("de-DE,de;q=0.9", "de-DE"), ("*", None), ("", None), ("x" * 500, "x" * 64)):
        context: dict[str, Any] = {}
        enrich(context, accept_language=header)
        assert context.get("locale") == locale
    stated: dict[str, Any] = {"locale": "pl"}
    enrich(stated, accept_language="de")
    assert stated["locale"] == "pl"


def test_a_beacon_without_a_page_has_the_referer_headers_page() -> None:
    context: dict[str, Any] = {}
    enrich(context, referer="https://shop.test/p/1?token=x")
    assert context == {"page": {"url": "https://shop.test/p/1", "host": "shop.test", "path": "/p/1"}}


@given(st.text(max_size=600), st.text(max_size=300), st.text(max_size=300))
def test_nothing_in_a_header_or_an_address_breaks_it(user_agent: str, url: str, referrer: str) -> None:
    enrich({"page": {"url": url, "referrer": referrer}}, user_agent, referrer, user_agent)
    enrich({"page": {"url": "https://shop.test/" + url, "referrer": "https://" + referrer}})


def test_caches_are_bounded() -> None:
    for cached in (agent, read_url, item_url):
        assert cached.cache_parameters()["maxsize"] is not None
