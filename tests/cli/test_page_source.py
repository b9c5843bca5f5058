"""A page's source, read without running anything."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from habitue_cli.page_source import read_page
from habitue_collector.wires import markup


def test_scripts_slots_and_policies() -> None:
    page = read_page(
        """<html><head><meta http-equiv="Content-Security-Policy" content="script-src 'self'">
        <link rel="alternate canonical" href="/p/1"><script>var a = "</b>"</script>
        <script async src="/h/s.js?a=1&amp;b=2" data-key=K nonce=N></script></head>
        <body class="single postid-57"><div data-habitue-slot="home-hero" data-item=A></div>
        <form class="cart" method=post></form><form action="/en/cart/add"></form>
        <script type=module>b</script>"""
    )
    assert page.policies == ["script-src 'self'"]
    assert page.canonical == "/p/1"
    inline, tag, module = page.scripts
    assert inline.text == 'var a = "</b>"'
    assert (tag.src, tag.attributes["data-key"], tag.attributes["nonce"], tag.in_head) == (
        *("/h/s.js?a=1&b=2", "K", "N"),
        True,
    )
    assert module.in_head is False
    assert [slot["data-habitue-slot"] for slot in page.slots] == ["home-hero"]
    assert page.platform_id == "57"
    assert page.forms == ["WooCommerce", "Shopify"]


def test_microdata_with_an_offer_inside() -> None:
    html = """<main itemscope itemtype="https://schema.org/Product">
    <h1 itemprop="name"> Trail <b>Shoe</b></h1>
    <meta itemprop="sku" content="SKU-001"><img itemprop="image" src="/i/1.jpg"><p>no property
    <div itemprop="offers" itemscope itemtype="https://schema.org/Offer">
    <span itemprop="price" content="89.90">89,90 €</span>
    <link itemprop="availability" href="https://schema.org/InStock"><time itemprop="x">now</time></div>
    <div itemprop="brand" itemscope itemtype="https://schema.org/Brand"><b itemprop="name">Fjell</b></div>
    </main>
    <div itemscope itemtype="https://schema.org/Person"><span itemprop="name">Ann</span></div>"""
    (scope,) = read_page(html).microdata
    assert scope["name"] == ["Trail Shoe"]
    assert scope["brand"] == [{"name": ["Fjell"]}]
    item = markup.read({"microdata": [scope]}, "https://shop.example/p/1").item
    assert (item.item_id, item.name, item.brand, item.price, item.availability) == (
        *("SKU-001", "Trail Shoe", "Fjell", 89.9),
        "in_stock",
    )
    assert item.image_url == "https://shop.example/i/1.jpg"


def test_the_markup_is_as_the_tag_would_send_it() -> None:
    html = """<meta property="og:type" content="product"><meta property="product:price:amount" content="1,5">
    <script type="application/ld+json">{"@type":"Product","sku":"A",}</script>"""
    said: dict[str, Any] = read_page(html).markup()
    assert said["jsonld"] == ['{"@type":"Product","sku":"A",}']
    assert said["opengraph"] == {"og:type": "product", "product:price:amount": "1,5"}


@pytest.mark.parametrize(
    "piece", ["<div>", "<div itemscope itemprop=a>", "</div>", "<", "<!--", "<script>", "&amp;"]
)
def test_a_long_page_takes_no_long_time(piece: str) -> None:
    read_page(piece * 20_000)


@given(st.text(alphabet="<>/!-= \"'adivscriptemop&;\n", max_size=300))
@settings(max_examples=60)
def test_any_text_is_a_page(text: str) -> None:
    read_page(text).markup()
