"""Who is behind the proxies? Forwarded headers, believed only from those we were told to trust. Pure.

The chain of `X-Forwarded-For` is read from the right: each trusted proxy vouches for the address left
of its own. What stands further left was written by the client, and may be anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network
MAX_CHAIN = 16  # more hops than that are nobody's installation
_NOWHERE = frozenset({b"XX", b"ZZ"})  # Cloudflare's and others' word for "unknown"


def trusted_networks(settings: Sequence[str]) -> tuple[Network, ...]:
    """The networks of `[server] trusted_proxies`."""
    return tuple(ip_network(text, strict=False) for text in settings)


def country_told(trusted: tuple[Network, ...], peer: str | None, told: bytes | None) -> str | None:
    """The two letters that a trusted proxy wrote; None from anybody else, and for what is no country."""
    if told is None or peer is None or not is_trusted(trusted, peer):
        return None
    code = told.strip().upper()
    return code.decode() if len(code) == 2 and code.isalpha() and code not in _NOWHERE else None


def seen_through(
    trusted: tuple[Network, ...],
    peer: str | None,
    scheme: str,
    forwarded_for: bytes | None,
    forwarded_proto: bytes | None,
) -> tuple[str | None, str]:
    """Address and scheme of the client itself; those of the connection unless a trusted proxy made it."""
    if peer is None or not is_trusted(trusted, peer):
        return peer, scheme
    if forwarded_proto is not None:
        # The nearest proxy's word: it has added its own to the right, or replaced what was there.
        told = forwarded_proto.rpartition(b",")[2].strip().lower()
        if told in (b"http", b"https"):
            scheme = told.decode()
    client = peer
    if forwarded_for is not None:
        for hop in reversed(forwarded_for.split(b",")[-MAX_CHAIN:]):
            address = _address(hop.strip().decode("latin-1"))
            if address is None:
                break  # garbage: the last one that a trusted proxy vouched for counts
            client = str(address)
            if not is_trusted(trusted, client):
                break
    return client, scheme


@lru_cache(4_096)
def is_trusted(trusted: tuple[Network, ...], text: str) -> bool:
    """Whether this address belongs to one of the proxies."""
    address = _address(text)
    return address is not None and any(address in network for network in trusted)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """An address, also as `1.2.3.4:5678` or `[::1]:5678`; IPv4 inside IPv6 as IPv4."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
