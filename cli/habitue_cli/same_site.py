"""Whether two hosts are one site: browsers keep our cookie only then. https://html.spec.whatwg.org/#same-site"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address
from typing import Any

from habitue_collector.origins import is_loopback


def site_of(host: str) -> str:
    """The registrable domain (`shop.co.uk` of `www.shop.co.uk`), or the host itself where there is none."""
    name = host.lower().rstrip(".")
    if is_loopback(name) or _is_address(name):
        return name
    found: str | None = _suffixes().privatesuffix(name)
    return found or name


def are_same_site(one: str, other: str) -> bool:
    return site_of(one) == site_of(other)


def _is_address(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


@lru_cache(1)
def _suffixes() -> Any:
    """The public suffix list that came with the library; nothing is fetched. Reading it takes 0.1 s."""
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()
