"""Forwarded headers are believed from trusted proxies alone, from the right, as far as they vouch."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from habitue_collector.proxies import country_told, seen_through, trusted_networks

TRUSTED = trusted_networks(["10.0.0.0/8", "127.0.0.1", "fd00::/8"])


@pytest.mark.parametrize(
    ("peer", "chain", "client"),
    [
        ("10.0.0.1", b"203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", b"6.6.6.6, 203.0.113.9", "203.0.113.9"),  # the client wrote the first one itself
        ("10.0.0.1", b"6.6.6.6, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.1", b"10.0.0.3, 10.0.0.2", "10.0.0.3"),  # everybody is one of ours
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", b"", "10.0.0.1"),
        ("10.0.0.1", b"unknown", "10.0.0.1"),
        ("10.0.0.1", b"203.0.113.9, garbage, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", b"203.0.113.9:51234", "203.0.113.9"),
        ("10.0.0.1", b"[2001:db8::1]:443", "2001:db8::1"),
        ("10.0.0.1", b"2001:db8::1", "2001:db8::1"),
        ("::ffff:10.0.0.1", b"203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", b"::ffff:203.0.113.9", "203.0.113.9"),
        ("203.0.113.50", b"127.0.0.1", "203.0.113.50"),  # not ours: may say what it likes
        ("nonsense", b"127.0.0.1", "nonsense"),
        (None, b"127.0.0.1", None),
    ],
)
def test_the_client_is_the_first_from_the_right_that_is_no_proxy_of_ours(
    peer: str | None, chain: bytes | None, client: str | None
) -> None:
    assert seen_through(TRUSTED, peer, "http", chain, None) == (client, "http")


@pytest.mark.parametrize(
    ("peer", "proto", "scheme"),
    [
        ("10.0.0.1", b"https", "https"),
        ("10.0.0.1", b"HTTPS", "https"),
        ("10.0.0.1", b"https, http", "http"),  # the nearest proxy's word
        ("10.0.0.1", b"javascript", "http"),
        ("10.0.0.1", b"", "http"),
        ("203.0.113.50", b"https", "http"),
    ],
)
def test_the_scheme_is_the_trusted_proxys_word(peer: str, proto: bytes, scheme: str) -> None:
    assert seen_through(TRUSTED, peer, "http", None, proto)[1] == scheme


def test_nobody_is_trusted_unless_said() -> None:
    assert seen_through((), "127.0.0.1", "http", b"6.6.6.6", b"https") == ("127.0.0.1", "http")


@pytest.mark.parametrize(
    ("peer", "told", "country"),
    [
        ("10.0.0.1", b"AT", "AT"),
        ("10.0.0.1", b" at ", "AT"),
        ("10.0.0.1", b"XX", None),  # the proxy does not know
        ("10.0.0.1", b"T1", None),  # Tor
        ("10.0.0.1", b"AUT", None),
        ("10.0.0.1", b"\xc3\xa4", None),
        ("10.0.0.1", None, None),
        ("203.0.113.50", b"AT", None),  # the visitor's own word
        (None, b"AT", None),
    ],
)
def test_the_country_is_a_trusted_proxys_word(
    peer: str | None, told: bytes | None, country: str | None
) -> None:
    assert country_told(TRUSTED, peer, told) == country


@given(st.binary(max_size=300), st.binary(max_size=20))
def test_any_header_is_survived(chain: bytes, proto: bytes) -> None:
    client, scheme = seen_through(TRUSTED, "10.0.0.1", "http", chain, proto)
    assert client is not None
    assert scheme in ("http", "https")


def test_a_chain_without_end_is_not_walked() -> None:
    client, _ = seen_through(TRUSTED, "10.0.0.1", "http", b"6.6.6.6" + b", 10.0.0.2" * 100_000, None)
    assert client == "10.0.0.2"
