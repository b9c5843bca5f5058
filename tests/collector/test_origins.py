"""An origin pattern answers exactly the pages that it was written for."""

from __future__ import annotations

import pytest

from habitue_collector.origins import OriginPattern


@pytest.mark.parametrize(
    ("pattern", "origin", "answer"),
    [
        ("https://shop.example", "https://shop.example", True),
        ("https://shop.example", "https://shop.example:443", True),
        ("https://shop.example", "https://SHOP.example", True),
        ("https://shop.example", "http://shop.example", False),
        ("https://shop.example", "https://shop.example:8443", False),
        ("https://shop.example", "https://www.shop.example", False),
        ("https://shop.example", "https://shop.example.evil.example", False),
        ("https://shop.example:8443", "https://shop.example:8443", True),
        ("https://*.shop.example", "https://www.shop.example", True),
        ("https://*.shop.example", "https://a.b.shop.example", True),
        ("https://*.shop.example", "https://shop.example", False),
        ("https://*.shop.example", "https://evilshop.example", False),
        ("https://*.shop.example", "https://.shop.example", False),
        ("*.test", "http://shop.test:8080", True),
        ("shop.example", "http://shop.example:99", True),
        ("loopback", "http://localhost:1", True),
        ("loopback", "http://127.0.0.1.evil.example", False),
        ("loopback", "http://127.1.2.3", True),
        ("loopback", "https://[::1]:8000", True),
        ("https://shop.example", "null", False),
        ("https://shop.example", "", False),
        ("https://shop.example", "https://user@shop.example", False),
        ("https://shop.example", "https://shop.example/", False),
        ("https://shop.example", "https://shop.example:99999", False),
        ("https://shop.example", "https://[", False),
        ("*.test", "ftp://shop.test", False),
    ],
)
def test_matching(pattern: str, origin: str, answer: bool) -> None:
    assert OriginPattern.parse(pattern).matches(origin) is answer


@pytest.mark.parametrize(
    "text", ["", "*", "https://*", "https://a.*.b", "ftp://a", "https://a/b", "https://a:x", "https://a?b"]
)
def test_what_is_no_origin_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="'"):
        OriginPattern.parse(text)
