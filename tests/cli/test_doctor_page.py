"""`habitue doctor --page`: a page of a shop, looked at as a stranger would, against a real server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from support.archives import Archive
from support.serving import Serving

from habitue_cli import checkup, page_fetch
from habitue_cli.main import main
from habitue_cli.page_fetch import NotFetched, fetch
from habitue_collector.debug import DebugTokens
from habitue_collector.secret_keys import signing_keys
from habitue_collector.settings import Data, Settings

SECRET = "a-secret-key-of-this-test-alone"
KEYS = [
    {"key": "shop-key", "kind": "browser", "name": "shop", "origins": ["loopback"]},
    {"key": "elsewhere", "kind": "browser", "name": "elsewhere", "origins": ["https://www.other.example"]},
    {"key": SECRET, "kind": "server", "name": "backend"},
]
STUB = """<script>window.habitue = window.habitue || function () {
(habitue.q = habitue.q || []).push(arguments) }</script>"""
PRODUCT = """<script type="application/ld+json">{"@type":"Product","name":"Trail Shoe","sku":"SKU-001",
"offers":{"price":"89,90 €"},}</script>"""


class Shop:
    """Pages by path: status, headers, body."""

    def __init__(self) -> None:
        pages: dict[str, tuple[int, dict[str, str], bytes]] = {}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, headers, body = pages.get(self.path, (404, {}, b"nothing here"))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._pages = pages
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def show(self, body: str, *, path: str = "/p/1", status: int = 200, **headers: str) -> str:
        self._pages[path] = (
            status,
            {name.replace("_", "-"): value for name, value in headers.items()},
            body.encode(),
        )
        return self.url + path

    def __enter__(self) -> Shop:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop() as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    environ = {"HABITUE_KEYS": json.dumps(KEYS), "HABITUE_WORKERS": "1"}
    with Serving(tmp_path_factory.mktemp("house") / "data", environ=environ) as running:
        yield running


def doctor(
    server: Serving, page: str, capsys: pytest.CaptureFixture[str], *more: str
) -> tuple[int, dict[str, Any]]:
    environ = {"HABITUE_KEYS": json.dumps(KEYS)}
    code = main(["doctor", "--data", str(server.data), "--page", page, "--json", *more], environ)
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, said


def of(said: dict[str, Any], check: str) -> list[tuple[bool | None, str, str]]:
    return [(one["good"], one["sentence"], one["mend"]) for one in said["findings"] if one["check"] == check]


def tag(server: Serving, key: str = "shop-key", more: str = "") -> str:
    return f'<script async src="{server.address}/h/s.js" data-key="{key}" {more}></script>'


def test_a_page_that_is_connected(server: Serving, shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    page = shop.show(
        f"""<head>{STUB}{tag(server)}<script>gtag('consent', 'default', {{}});
        dataLayer.push({{event: 'view_item', ecommerce: {{}}}})</script>{PRODUCT}</head>
        <script src="{server.address}/shop/static/shop.js" defer></script>
        <div data-habitue-slot="home-hero"></div>"""
    )
    code, said = doctor(server, page, capsys)
    assert [one for one in said["findings"] if one["good"] is False] == []
    assert not [sentence for _, sentence, _ in of(said, "tag") if "times" in sentence], "it stands there once"
    assert code == 0
    assert said["good"] is True
    assert said["captured"] == {
        "item_id": "SKU-001",
        "name": "Trail Shoe",
        "price": 89.9,
        "currency": "EUR",
        "url": page,
    }
    for check in ("page", "tag", "key", "site", "stub", "csp", "consent", "server", "markup", "datalayer"):
        assert [good for good, _, _ in of(said, check)].count(True) >= 1, check
    assert "SKU-001 · Trail Shoe · 89.9 EUR" in of(said, "markup")[0][1]
    link, _, token = said["debug_url"].partition("#habitue_debug=")
    assert link == page
    assert DebugTokens(signing_keys(server.data)).read(token).host == "127.0.0.1"


def test_a_page_without_the_tag_is_told_what_to_paste(
    server: Serving, shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    page = shop.show("<html><head></head></html>")
    code, said = doctor(server, page, capsys, "--server", server.address)
    assert code == 1
    ((good, sentence, mend),) = of(said, "tag")
    assert (good, sentence) == (False, "the tag is not in the page's source")
    assert f'<script async src="{server.address}/h/s.js" data-key="shop-key"></script>' in mend
    assert said["debug_url"] is None


def test_a_script_may_bring_it(server: Serving, shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    for script in ("load('GTM-ABC1234')", "insert('https://h.shop.example/h/s.js')", "insert('shop-key')"):
        _, said = doctor(server, shop.show(f"<script>{script}</script>"), capsys)
        ((good, sentence, _),) = of(said, "tag")
        assert good is None
        assert "only a browser shows" in sentence
        assert said["debug_url"], "in a browser it would be shown there"


@pytest.mark.parametrize(
    ("key", "check", "words"),
    [
        (SECRET, "key", "SECRET"),
        ("elsewhere", "key", "may not be used by pages of http://127.0.0.1"),
        ("unknown", "server", "not known here"),
        ("", "key", "no key"),
    ],
)
def test_a_wrong_key(
    server: Serving, shop: Shop, capsys: pytest.CaptureFixture[str], key: str, check: str, words: str
) -> None:
    code, said = doctor(server, shop.show(tag(server, key)), capsys)
    assert code == 1
    assert any(good is False and words in sentence and mend for good, sentence, mend in of(said, check)), said


def test_another_site_keeps_no_cookie(
    server: Serving, shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    page = shop.show(tag(server)).replace("127.0.0.1", "localhost")
    code, said = doctor(server, page, capsys)
    assert code == 1
    assert "another site" in of(said, "site")[0][1]


@pytest.mark.parametrize(
    ("policy", "attributes", "mend"),
    [
        ("script-src 'self'; connect-src {server}", "", "add {server} to script-src"),
        ("script-src 'nonce-N'; connect-src {server}", "", "the page's nonce"),
        ("script-src 'nonce-N'; connect-src 'self'", "nonce=N", "add {server} to connect-src"),
        ("default-src 'self'; script-src 'nonce-N'", "nonce=N", "connect-src 'self' {server}"),
        ("script-src {server}; trusted-types shop", "", "add habitue to trusted-types"),
    ],
)
def test_a_policy_that_blocks_it(
    server: Serving,
    shop: Shop,
    capsys: pytest.CaptureFixture[str],
    policy: str,
    attributes: str,
    mend: str,
) -> None:
    policy, mend = policy.format(server=server.address), mend.format(server=server.address)
    page = shop.show(tag(server, more=attributes), Content_Security_Policy=policy)
    code, said = doctor(server, page, capsys)
    assert code == 1
    assert any(good is False and mend in told for good, _, told in of(said, "csp")), of(said, "csp")
    report_only = shop.show(tag(server, more=attributes), Content_Security_Policy_Report_Only=policy)
    _, said = doctor(server, report_only, capsys)
    assert [good for good, _, _ in of(said, "csp")] == [None]


def test_a_policy_in_the_page_itself_that_lets_it_work(
    server: Serving, shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    meta = f"script-src 'nonce-N' 'strict-dynamic'; connect-src {server.address}"
    page = shop.show(
        f'<meta http-equiv="content-security-policy" content="{meta}">{tag(server, more="nonce=N")}'
    )
    code, said = doctor(server, page, capsys)
    assert code == 0
    assert of(said, "csp")[0][0] is True


def test_slots_are_asked_for(server: Serving, shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    page = shop.show(
        f'{tag(server)}<div data-habitue-slot="home-hero"></div><div data-habitue-slot="mystery"></div>'
    )
    code, said = doctor(server, page, capsys)
    assert code == 1
    hero, mystery = of(said, "slots")
    assert "home-hero" in hero[1]
    assert mystery[0] is False
    assert "[slots.mystery]" in mystery[2]


def test_a_server_that_does_not_answer(
    server: Serving, shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    page = shop.show('<script async src="http://127.0.0.1:9/h/s.js" data-key="shop-key"></script>')
    code, said = doctor(server, page, capsys)
    assert code == 1
    assert "does not answer" in of(said, "server")[0][1]
    assert said["debug_url"] is None


def test_a_link_of_another_house_is_not_given(
    server: Serving, shop: Shop, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    environ = {"HABITUE_KEYS": json.dumps(KEYS)}
    page = shop.show(tag(server))
    assert main(["doctor", "--data", str(tmp_path), "--page", page, "--json"], environ) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["debug_url"] is None
    assert any("other keys" in sentence for _, sentence, _ in of(said, "server"))


def test_in_words_for_people(server: Serving, shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    environ = {"HABITUE_KEYS": json.dumps(KEYS)}
    assert main(["doctor", "--data", str(server.data), "--page", shop.show(tag(server))], environ) == 0
    told = capsys.readouterr().out
    assert told.startswith("ok      ")
    assert "   → connect the consent tool" in told
    assert "#habitue_debug=" in told


def test_a_page_that_is_not_there(server: Serving, shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = doctor(server, f"{shop.url}/missing", capsys)
    assert code == 1
    assert "answers 404" in of(said, "page")[0][1]
    assert main(["doctor", "--data", str(server.data), "--page", "ftp://shop.example/"], {}) == 1
    assert "is no web address" in capsys.readouterr().err


# ---- only counted --------------------------------------------------------------------------------------


def test_a_key_most_of_whose_events_were_only_counted_is_warned_of(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive")
    archive.views("s", "A", "B", source="shop", kept="counted").views("s", "C", source="shop")
    archive.views("s", "A", "B", source="app").views("s", "C", source="app", kept="counted")
    archive.write()
    settings = Settings(data=Data(folder=tmp_path))
    (finding,) = checkup.counted(settings, date(2026, 1, 2))
    assert finding.good is None
    assert finding.sentence.startswith("2 of 3 events of the key 'shop' in the last 7 days were only counted")
    assert "consent" in finding.mend
    assert list(checkup.counted(settings, date(2026, 3, 1))) == [], "that was long ago"
    assert list(checkup.counted(Settings(data=Data(folder=tmp_path / "none")), date(2026, 1, 2))) == []


# ---- fetching ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    ["10.0.0.5", "192.168.1.1", "169.254.169.254", "fd00::1", "::ffff:10.0.0.1", "0.0.0.0", "224.0.0.1"],
)
def test_a_name_that_leads_inside_a_network_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    found = [(2, 1, 6, "", (address, 80))]
    monkeypatch.setattr(page_fetch.socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(NotFetched, match="inside a network"):
        fetch("http://innocent.example/")


def test_a_name_with_one_bad_address_among_good_ones_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(2, 1, 6, "", (address, 80)) for address in ("93.184.216.34", "127.0.0.1")]
    monkeypatch.setattr(page_fetch.socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(NotFetched, match="inside a network"):
        fetch("http://innocent.example/")


def test_a_redirect_does_not_lead_inside(shop: Shop) -> None:
    page = shop.show("", status=302, Location="http://10.0.0.5/admin")
    with pytest.raises(NotFetched, match="inside a network"):  # nobody typed that address
        fetch(page)


def test_redirects_are_followed_and_end(shop: Shop) -> None:
    shop.show("there", path="/there")
    answer = fetch(shop.show("", status=301, Location="/there"))
    assert (answer.text, answer.url, len(answer.redirects)) == ("there", f"{shop.url}/there", 1)
    with pytest.raises(NotFetched, match="on and on"):
        fetch(shop.show("", path="/loop", status=302, Location="/loop"))


def test_a_page_is_not_read_for_ever(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_fetch, "MAX_BYTES", 1_000)
    with pytest.raises(NotFetched, match="larger than"):
        fetch(shop.show("x" * 2_000))
