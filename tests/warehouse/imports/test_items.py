"""Feeds: every good line becomes an item, every bad one a counted problem, and no input anything worse."""

from __future__ import annotations

import gzip
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from habitue_warehouse.imports.items import FeedError, Problem, import_items, parse_feed
from habitue_warehouse.imports.merchant import InvalidItem, availability, item_from_record, money, path_of

NOW = 1_772_400_000_000

RSS = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel>
<title>Shop</title><link>https://shop.test/</link>
<item>
  <g:id>TV_123456</g:id><g:title>Google Chromecast with Google TV</g:title>
  <description><![CDATA[<b>Streams</b> & more]]></description>
  <link>https://shop.test/tv?a=1&amp;b=2</link><g:image_link>https://shop.test/tv.jpg</g:image_link>
  <g:additional_image_link>https://shop.test/1.jpg</g:additional_image_link>
  <g:additional_image_link>https://shop.test/2.jpg</g:additional_image_link>
  <g:availability>in stock</g:availability><g:price>49.99 USD</g:price><g:sale_price>39,99 USD</g:sale_price>
  <g:product_type>Home &gt; TV/Video &gt; Streaming</g:product_type>
  <g:google_product_category>223</g:google_product_category>
  <g:brand>Google</g:brand><g:gtin>811571013579</g:gtin><g:item_group_id>TV</g:item_group_id>
  <g:adult>no</g:adult><g:cost_of_goods_sold>20.00 USD</g:cost_of_goods_sold>
  <g:shipping><g:country>US</g:country><g:price>6.49 USD</g:price></g:shipping>
</item>
<item><g:id>2</g:id><g:title>Second</g:title><g:price>cheap</g:price></item>
<item><g:id>3</g:id><g:title>Third</g:title><g:price>3 EUR</g:price>
<g:availability>out_of_stock</g:availability></item>
</channel></rss>"""

ATOM = """<?xml version="1.0"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:p="http://base.google.com/ns/1.0">
<title>Shop</title><link rel="self" href="https://shop.test/"/>
<entry><id>tag:shop.test,2026:1</id><p:id>1</p:id><title>First</title>
<link rel="edit" href="https://shop.test/edit"/><link href="https://shop.test/1"/><summary>Nice</summary>
<p:price>EUR 1.299,00</p:price></entry>
</feed>"""


def items(source: Any) -> list[dict[str, Any]]:
    return [found for found in parse_feed(source, now=NOW) if not isinstance(found, Problem)]


def problems(source: Any) -> list[Problem]:
    return [found for found in parse_feed(source, now=NOW) if isinstance(found, Problem)]


def test_rss_becomes_items_of_the_catalog() -> None:
    assert items(RSS.encode())[0] == {
        "item_id": "TV_123456",
        "group_id": "TV",
        "name": "Google Chromecast with Google TV",
        "url": "https://shop.test/tv?a=1&b=2",
        "image_url": "https://shop.test/tv.jpg",
        "price": 39.99,
        "currency": "USD",
        "availability": "in_stock",
        "category": "Home/TV-Video/Streaming",
        "brand": "Google",
        "attributes": {
            "description": "<b>Streams</b> & more",
            "additional_image_link": ["https://shop.test/1.jpg", "https://shop.test/2.jpg"],
            "google_product_category": "223",
            "gtin": "811571013579",
            "adult": False,
            "cost_of_goods_sold": 20.0,
            "shipping": {"country": "US", "price": "6.49 USD"},
            "list_price": 49.99,
        },
    }


def test_a_bad_item_is_named_and_its_neighbours_are_kept() -> None:
    assert [item["item_id"] for item in items(RSS.encode())] == ["TV_123456", "3"]
    (problem,) = problems(RSS.encode())
    assert (problem.reason, problem.item_id, problem.line) == ("invalid_price", "2", 17)


def test_atom_names_the_product_by_googles_id() -> None:
    (item,) = items(ATOM.encode())
    assert (item["item_id"], item["name"], item["url"]) == ("1", "First", "https://shop.test/1")
    assert (item["price"], item["currency"], item["attributes"]) == (1299.0, "EUR", {"description": "Nice"})


def test_broken_xml_costs_only_the_item_it_is_in() -> None:
    feed = RSS.replace("<g:title>Second</g:title>", "<g:title>Second & broken</g:title>")
    assert [item["item_id"] for item in items(feed.encode())] == ["TV_123456", "3"]
    (problem,) = problems(feed.encode())
    assert (problem.reason, problem.item_id, problem.line) == ("malformed", "2", 17)


def test_lines_are_right_after_an_error_too() -> None:
    good, bad = (
        "<item><id>{0}</id>\n<title>x</title></item>\n",
        "<item><id>{0}</id>\n<title>&nope;</title></item>\n",
    )
    feed = "<rss>\n" + "".join((bad if number % 3 else good).format(number) for number in range(9)) + "</rss>"
    assert [item["item_id"] for item in items(feed.encode())] == ["0", "3", "6"]
    assert [problem.line for problem in problems(feed.encode())] == [5, 7, 11, 13, 17, 19]


def test_a_feed_that_breaks_off_says_so() -> None:
    cut = RSS[: RSS.index("<g:id>3") + 20].encode()
    assert [item["item_id"] for item in items(cut)] == ["TV_123456"]
    assert [problem.reason for problem in problems(cut)] == ["invalid_price", "malformed"]


def test_every_size_of_pieces_gives_the_same() -> None:
    class Drip:
        def __init__(self, data: bytes, size: int) -> None:
            self.data, self.size = data, size

        def read(self, _: int) -> bytes:
            piece, self.data = self.data[: self.size], self.data[self.size :]
            return piece

    feed = RSS.replace("Second", "Second & broken").encode()
    whole = list(parse_feed(feed, now=NOW))
    for size in (1, 2, 3, 7, 64, 1_000):
        assert list(parse_feed(Drip(feed, size), now=NOW)) == whole  # type: ignore[arg-type]  # enough of a file


def test_entities_are_refused() -> None:
    laughs = (
        '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><rss><item>&b;</item></rss>'
    )
    outside = '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><item><id>&x;</id></item></rss>'
    for attack in (laughs, outside):
        with pytest.raises(FeedError, match="entities"):
            list(parse_feed(attack.encode()))


def test_tab_separated_text() -> None:
    feed = (
        "\ufeffid\ttitle\tprice\tavailability\timage link\tg:brand\tsize\r\n"
        'a\t27" screen\t12.90 EUR\tIn Stock\thttps://x.test/a.jpg\tAcme\tL\r\n'
        'b\t"Runs ""fast""\tand\nfar"\t5 EUR\tpreorder\t\t\t\r\n'
        'c\t"Never closed\t5 EUR\tin_stock\t\t\t\r\n'
        "\t no id\t5 EUR\tin_stock\t\t\t\r\n"
        "d\ttoo\tmany\tcolumns\there\tare\tin\tthis\r\n"
        "e\tLast\t€ 1.5\tout of stock\r\n"
    )
    found = items(feed.encode())
    assert [(item["item_id"], item["name"], item["price"]) for item in found] == [
        ("a", '27" screen', 12.9), ("b", 'Runs "fast"\tand\nfar', 5.0), ("c", '"Never closed', 5.0),
        ("e", "Last", 1.5),
    ]  # fmt: skip
    assert found[0]["image_url"] == "https://x.test/a.jpg"
    assert (found[0]["brand"], found[0]["attributes"]) == ("Acme", {"size": "L"})
    assert found[3]["availability"] == "out_of_stock"
    assert [(problem.reason, problem.line) for problem in problems(feed.encode())] == [
        ("missing_id", 6), ("malformed", 7),
    ]  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_text_in_the_encodings_that_shops_use(encoding: str) -> None:
    assert items("id\ttitle\nä\tGröße\n".encode(encoding))[0]["name"] == "Größe"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
def test_xml_in_the_encodings_that_shops_use(encoding: str) -> None:
    feed = (
        f'<?xml version="1.0" encoding="{encoding}"?><rss><item><id>ä</id><title>Größe</title></item></rss>'
    )
    assert items(feed.encode(encoding))[0]["name"] == "Größe"


def test_json_lines_in_our_own_shape() -> None:
    feed = (
        b'{"item_id": "a", "name": "A", "price": 5, "availability": "backorder", "attributes": {"x": 1},'
        b' "color": "red"}\n'
        b'{"item_id": "b", "name": "B", "price": "5"}\n{not json\n[]\n\n'
        b'{"item_id": "c", "name": "C", "url": "javascript:1"}\n'
    )
    assert items(feed) == [
        {
            "item_id": "a",
            "name": "A",
            "price": 5,
            "availability": "backorder",
            "attributes": {"color": "red", "x": 1},
        }
    ]
    assert [problem.reason for problem in problems(feed)] == [
        "invalid_price", "malformed", "malformed", "invalid_url",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("12.90 EUR", 12.9, "EUR"), ("EUR 12,90", 12.9, "EUR"), ("1.299,00 EUR", 1299.0, "EUR"),
        ("1,299.00 usd", 1299.0, "USD"), ("1,299 USD", 1299.0, "USD"), ("€5", 5.0, "EUR"), ("5", 5.0, None),
        ("1'299.50 CHF", 1299.5, "CHF"), ("1 299,50 PLN", 1299.5, "PLN"), ("0.00 USD", 0.0, "USD"),
        ("1.234.567 EUR", 1234567.0, "EUR"), ("12.345 USD", 12.345, "USD"),
    ],
)  # fmt: skip
def test_money(text: str, amount: float, currency: str | None) -> None:
    assert money(text) == (amount, currency)


@pytest.mark.parametrize(
    "text", ["", "free", "-5 EUR", "1e9 EUR", "5 EUROS AND MORE", "EUR", "nan", "9" * 40]
)
def test_what_is_no_money(text: str) -> None:
    with pytest.raises(ValueError, match="price"):
        money(text)


def test_a_sale_counts_while_it_goes_on() -> None:
    columns = "id\ttitle\tprice\tsale_price\tsale_price_effective_date\n"
    line = "a\tA\t10 EUR\t8 EUR\t{}\n"
    on, over = "2026-03-01T00:00+0100/2026-03-05T00:00+0100", "2026-02-01T00:00+0100/2026-02-05T00:00+0100"
    feed = (columns + line.format(on) + line.format(over)).encode()
    assert [item["price"] for item in items(feed)] == [8.0, 10.0]


def test_availability_and_categories_as_they_are_written() -> None:
    words = [
        "in stock",
        "in_stock",
        "In Stock",
        "https://schema.org/InStock",
        "http://schema.org/OutOfStock",
        "maybe",
    ]
    assert [availability(word) for word in words] == ["in_stock"] * 4 + ["out_of_stock", None]
    assert path_of(" Home &  Garden > Pots/Pans >  ") == "Home & Garden/Pots-Pans"
    assert path_of("Shoes/Trail") == "Shoes/Trail"


def test_import_hands_batches_on_and_counts(tmp_path: Path) -> None:
    path = tmp_path / "feed.tsv.gz"
    lines = "".join(
        f"{number}\tItem {number}\t{'x' if number % 100 == 0 else '5 EUR'}\n" for number in range(1_200)
    )
    path.write_bytes(gzip.compress(("id\ttitle\tprice\n" + lines).encode()))
    batches: list[int] = []
    report = import_items(path, lambda batch: batches.append(len(batch)))
    assert (report.items, batches, dict(report.problems)) == (1_188, [500, 500, 188], {"invalid_price": 12})
    assert len(report.samples["invalid_price"]) == 5


def test_a_gzip_bomb_stops_at_the_cap() -> None:
    bomb = gzip.compress(b"id\ttitle\n" + b"a\tb\n" * 2_000_000)
    with pytest.raises(FeedError, match="larger than"):
        list(parse_feed(bomb, max_bytes=200_000))


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (b"", "empty"), (b"  \n ", "empty"), (b"[1]", "JSON lines"),
        (b"name\tprice\n", "must name its columns"),
        (gzip.compress(b"id\ttitle\n" * 99)[:-20], "gzip"), ("ftp://x.test/feed", "http and https"),
        ("/nowhere/feed.xml", "cannot be read"), ("http://127.0.0.1:1/feed", "cannot be read"),
    ],
)  # fmt: skip
def test_what_is_no_feed_at_all_says_why(source: Any, says: str) -> None:
    with pytest.raises(FeedError, match=says):
        list(parse_feed(source))


@pytest.fixture
def web() -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/away":
                self.send_response(302)
                self.send_header("Location", "ftp://x.test/feed")
                self.end_headers()
                return
            self.send_response(200)
            self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            self.wfile.write(gzip.compress(RSS.encode()))

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_feed_from_the_web(web: str) -> None:
    assert len(items(f"{web}/feed.xml")) == 2
    with pytest.raises(FeedError):
        items(f"{web}/away")


HOSTILE = st.one_of(
    st.binary(max_size=400),
    st.binary(max_size=300).map(lambda data: b"<rss><item>" + data + b"</item><item><id>1</id></item></rss>"),
    st.binary(max_size=300).map(lambda data: b"id\ttitle\tprice\n" + data),
    st.binary(max_size=300).map(lambda data: b'{"item_id": "a"}\n' + data),
    st.binary(max_size=300).map(lambda data: b"\x1f\x8b\x08" + data),
    st.binary(max_size=300).map(lambda data: gzip.compress(data)),
    st.text(max_size=200).map(
        lambda text: ('<?xml version="1.0" encoding="' + text + '"?><a/>').encode("utf-8", "replace")
    ),
    st.lists(
        st.sampled_from(
            [b"<item>", b"</item>", b"<g:id>", b"</g:id>", b"<entry", b">",
             b"&", b"<![CDATA[", b"]]>", b"<!--",
             b"x",
             b'<link href="', b'"/>', b"<?xml ?>", b"<!DOCTYPE a [", b"\xff", b"\x00", b"<rss>", b"\n"]
        ),
        max_size=40,
    ).map(b"".join),
)  # fmt: skip


@given(HOSTILE)
@settings(max_examples=150, deadline=None)
def test_any_bytes_give_items_problems_or_a_feed_error(data: bytes) -> None:
    check_any_bytes(data)


@pytest.mark.long
@given(HOSTILE)
@settings(max_examples=20_000, deadline=None)
def test_any_bytes_give_items_problems_or_a_feed_error_at_length(data: bytes) -> None:
    check_any_bytes(data)


def check_any_bytes(data: bytes) -> None:
    try:
        found = list(parse_feed(data, now=NOW, max_bytes=100_000))
    except FeedError:
        return
    for one in found:
        if not isinstance(one, Problem):
            assert one["item_id"]
            assert one["name"]
            orjson.dumps(one)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
MEMBERS = st.sampled_from(
    ["item_id", "name", "price", "availability", "url", "attributes", "group_id", "category"]
)


@given(st.dictionaries(MEMBERS, JSON) | JSON)
@settings(max_examples=100, deadline=None)
def test_any_json_gives_an_item_or_a_reason(record: object) -> None:
    try:
        item = item_from_record(record)
    except InvalidItem:
        return
    assert item["item_id"]
    assert item["name"]
