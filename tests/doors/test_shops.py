"""The same journey through the Django, the Flask and the FastAPI shop, before a real server."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from hmac import digest

import httpx
import pytest
from support.shops import SECRET_KEY, WRITE_KEY

from .conftest import Shop, visitor

COOKIE = re.compile(r"^habitue=[A-Za-z0-9_-]{22}\.[^;]+; Max-Age=34128000; Path=/; HttpOnly; SameSite=Lax$")


def cookies(answer: httpx.Response) -> list[str]:
    return [cookie for cookie in answer.headers.get_list("set-cookie") if cookie.startswith("habitue=")]


def first(shop: Shop) -> str:
    return str(next(iter(shop.module.ITEMS)))


# One of the three shops is asked everything; the others walk the journey, and the long tests ask the rest.
one_for_all = pytest.mark.parametrize(
    "shop",
    ["django", *(pytest.param(name, marks=pytest.mark.long) for name in ("flask", "fastapi"))],
    indirect=True,
)


@one_for_all
class TestTheFirstPage:
    def test_the_server_mints_when_the_page_uses_the_visitor(self, shop: Shop) -> None:
        with shop.browser() as browser:
            answer = browser.get(f"/p/{first(shop)}")
            (cookie,) = cookies(answer)
            assert COOKIE.match(cookie) or sorted(cookie.split("; ")[1:]) == sorted(
                ["HttpOnly", "Max-Age=34128000", "Path=/", "SameSite=Lax"]
            )
            assert "cookie" in answer.headers["vary"].lower()
            assert answer.headers["cache-control"] == "private"
            known = shop.profile(str(visitor(browser)))
            assert known is not None
            assert [item["item_id"] for item in known["recent_items"]] == [first(shop)]

    def test_the_tag_then_finds_that_cookie_and_it_stays_one_visitor(self, shop: Shop) -> None:
        with shop.browser() as browser:
            browser.get(f"/p/{first(shop)}")
            before = visitor(browser)
            answer = beacon(browser, "Product Viewed", product_id="from-the-tag")
            assert cookies(answer) == []
            assert visitor(browser) == before
            known = shop.profile(str(before))
            assert known is not None
            assert {item["item_id"] for item in known["recent_items"]} == {first(shop), "from-the-tag"}

    def test_where_the_page_did_nothing_the_tag_mints_through_the_shops_host(self, shop: Shop) -> None:
        with shop.browser() as browser:
            assert cookies(browser.get(f"/tile/{first(shop)}.svg")) == []
            (cookie,) = cookies(beacon(browser, "Product Viewed", product_id="x"))
            assert "domain" not in cookie.lower()

    def test_without_consent_nobody_mints_and_nothing_is_kept(self, shop: Shop) -> None:
        with shop.browser(consents=False) as browser:
            answer = browser.get(f"/p/{first(shop)}")
            assert cookies(answer) == []
            assert 'data-habitue-rendered="' in answer.text  # what anybody would see
            shop.flush()
            assert browser.cookies.get("habitue") is None

    def test_global_privacy_control_is_a_denial(self, shop: Shop) -> None:
        with shop.browser(**{"sec-gpc": "1"}) as browser:
            assert cookies(browser.get(f"/p/{first(shop)}")) == []


class TestTheJourney:
    def test_a_visitor_looks_logs_in_and_buys(self, shop: Shop) -> None:
        item = first(shop)
        name = f"ann-{shop.name}"
        with shop.browser() as browser:
            page = browser.get(f"/p/{item}")
            assert page.text.count("data-habitue-offer=") >= 5
            assert shop.post(browser, f"/cart/{item}").status_code == 200
            device = str(visitor(browser))
            shop.post(browser, "/login", name=name)
            thanks = shop.post(browser, "/checkout")
            order = re.search(r'id="order">([^<]+)<', thanks.text)
            assert order is not None
            user_id = who(shop, thanks.text)
            known = shop.profile(f"user:{user_id}")
            assert known is not None
            assert known["orders"]["count"] == 1
            assert known["orders"]["by_currency"]["EUR"] == shop.module.ITEMS[item]["price"]
            assert [bought["item_id"] for bought in known["bought"]] == [item]
            assert item in [seen["item_id"] for seen in known["recent_items"]]  # from before the login
            assert visitor(browser) == device

    def test_the_page_of_who_is_logged_in_proves_it_to_the_tag(self, shop: Shop) -> None:
        with shop.browser() as browser:
            browser.get("/")
            shop.post(browser, "/login", name="bea")
            page = browser.get("/").text
            call = re.search(r"habitue\(\"identify\",(\"[^\"]+\"),({.*?}),({.*?})\)", page)
            assert call is not None
            user_id, proof = json.loads(call[1]), json.loads(call[3])["user_hash"]
            assert proof == digest(SECRET_KEY.encode(), user_id.encode(), sha256).hex()

    def test_after_the_logout_the_device_is_somebody_else(self, shop: Shop) -> None:
        with shop.browser() as browser:
            browser.get(f"/p/{first(shop)}")
            before = visitor(browser)
            shop.post(browser, "/login", name="cid")
            assert visitor(browser) == before
            shop.flush()
            shop.post(browser, "/logout")
            assert visitor(browser) not in (None, before)
            assert '"identify"' not in browser.get("/").text

    def test_consent_in_a_form_counts_at_once_and_can_be_withdrawn(self, shop: Shop) -> None:
        with shop.browser(consents=False) as browser:
            browser.get("/")
            assert visitor(browser) is None
            shop.post(browser, "/consent", answer="yes")
            device = visitor(browser)
            assert device is not None
            assert (shop.profile(device) or {})["consents"]["analytics"] == "granted"
            shop.post(browser, "/consent", answer="no")
            assert visitor(browser) is None
            assert (shop.profile(device) or {})["consents"]["analytics"] == "denied"

    def test_what_was_looked_at_counts_in_the_offers_of_the_next_page(self, shop: Shop) -> None:
        items = list(shop.module.ITEMS)
        with shop.browser() as browser:
            browser.get(f"/p/{items[3]}")
            shop.flush()
            page = browser.get(f"/p/{items[0]}").text
            assert re.search(r'data-habitue-decision="[^"]+"', page)
            assert f'data-habitue-offer="{items[0]}"' not in page  # never what is on the page itself


@one_for_all
class TestTheMount:
    def test_the_tag_comes_from_the_shops_own_host(self, shop: Shop) -> None:
        with shop.browser() as browser:
            page = browser.get("/").text
            assert f'src="/h/s.js" data-key="{WRITE_KEY}" data-consent="required"' in page
            script = browser.get("/h/s.js")
            direct = httpx.get(f"{shop.server}/h/s.js")
            assert script.content == direct.content
            assert script.headers["content-encoding"] == "gzip"
            again = browser.get("/h/s.js", headers={"if-none-match": script.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")

    def test_its_own_files_are_there(self, shop: Shop) -> None:
        with shop.browser() as browser:
            for name, kind in (("offers.css", "text/css"), ("offers.js", "text/javascript")):
                answer = browser.get(f"/h/sdk/{name}")
                assert answer.headers["content-type"].startswith(kind)
                assert answer.content
                etag = {"if-none-match": answer.headers["etag"]}
                assert browser.get(f"/h/sdk/{name}", headers=etag).status_code == 304

    def test_offers_are_asked_for_in_the_same_request_as_events(self, shop: Shop) -> None:
        with shop.browser() as browser:
            body = {"writeKey": WRITE_KEY, "batch": [], "slots": ["home-hero"], "context": consented()}
            answer = browser.post("/h/v1/context", json=body).json()
            assert answer["slots"]["home-hero"]["offers"]

    def test_errors_of_the_server_pass_as_they_are(self, shop: Shop) -> None:
        with shop.browser() as browser:
            answer = browser.post("/h/v1/batch", json={"writeKey": "wrong", "batch": []})
            assert answer.status_code == 401
            assert answer.json()["code"] == "invalid_write_key"
            assert browser.post("/h/v1/batch", content=b"\x1f\x8bnot gzip").status_code == 400

    def test_bodies_have_a_limit(self, shop: Shop) -> None:
        with shop.browser() as browser:
            answer = browser.post("/h/v1/batch", content=b"x" * 4_194_305)
            assert answer.status_code == 413
            assert answer.json()["code"] == "body_too_large"

    def test_paths_reach_nothing_beside_the_base_path(self, shop: Shop) -> None:
        for path in (
            "/h/../metrics",
            "/h/%2e%2e/metrics",
            "/h/v1/..%2f..%2fmetrics",
            "/h//metrics",
            "/h/..;/metrics",
            "/h/%00",
            "/h/a\\..\\..\\metrics",
        ):
            answer = raw_get(shop.url, path)
            assert b"habitue_beacons" not in answer
            assert answer.split(b" ", 2)[1] in (b"404", b"400"), (path, answer[:200])
        with shop.browser() as browser:
            assert browser.get("/healthz").status_code == 404
            assert browser.get("/h").status_code in (404, 405)


def consented() -> dict[str, dict[str, str]]:
    return {"consent": {"analytics": "granted", "personalization": "granted"}}


def beacon(browser: httpx.Client, event: str, **properties: str) -> httpx.Response:
    """As the tag sends it."""
    message = f"{event}-{id(properties)}-{len(browser.cookies)}"
    body = {
        "writeKey": WRITE_KEY,
        "nonce": f"nonce-of-one-page-load-{id(browser)}",
        "context": consented(),
        "batch": [{"type": "track", "event": event, "messageId": message, "properties": properties}],
    }
    answer = browser.post("/h/v1/batch", content=json.dumps(body), headers={"content-type": "text/plain"})
    assert answer.json()["results"][0]["status"] == "accepted", answer.text
    return answer


def who(shop: Shop, page: str) -> str:
    """The user's id as the page tells the tag."""
    call = re.search(r"habitue\(\"identify\",\"([^\"]+)\"", page)
    assert call is not None
    return call[1]


def raw_get(url: str, path: str) -> bytes:
    """A request that no client library would send."""
    import socket

    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 10) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
    return answer
