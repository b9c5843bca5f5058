"""Which addresses on the network may be called by what a marketer typed: public ones, and no others. Pure.

An address inside another (IPv4 in IPv6, 6to4, Teredo, NAT64) counts as the one inside: that is where the
packets end.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
_COMPATIBLE = IPv6Network("::/96")  # IPv4-compatible, long deprecated


def is_public(text: str) -> bool:
    """Whether it is one of the open Internet: not private, loopback, link-local, reserved or a group."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    inside = _inside(address)
    if inside is not None:
        return _is_global(inside)
    return _is_global(address)


def _is_global(address: IPv4Address | IPv6Address) -> bool:
    if address.is_multicast or address.is_reserved or address.is_unspecified or address.is_loopback:
        return False
    if address.is_link_local or address.is_private or not address.is_global:
        return False
    return not (isinstance(address, IPv6Address) and (address.is_site_local or address.scope_id is not None))


def _inside(address: IPv4Address | IPv6Address) -> IPv4Address | None:
    if isinstance(address, IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if any(address in network for network in _NAT64) or address in _COMPATIBLE:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None
