"""Whether two hosts are one site, by the public suffix list."""

from __future__ import annotations

import pytest

from habitue_cli.same_site import are_same_site, site_of


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("www.shop.example", "h.shop.example", True),
        ("shop.example", "h.shop.example", True),
        ("www.shop.co.uk", "h.shop.co.uk", True),
        ("www.shop.co.uk", "h.other.co.uk", False),
        ("one.myshopify.com", "other.myshopify.com", False),  # everybody has a name there
        ("shop.github.io", "h.github.io", False),
        ("www.shop.test", "h.shop.test", True),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "localhost", False),
        ("10.0.0.1", "10.0.0.2", False),
        ("WWW.Shop.Example.", "h.shop.example", True),
    ],
)
def test_same_site(one: str, other: str, same: bool) -> None:
    assert are_same_site(one, other) is same


def test_a_suffix_alone_is_its_own_site() -> None:
    assert site_of("co.uk") == "co.uk"
    assert site_of("localhost") == "localhost"
