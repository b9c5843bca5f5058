"""Which addresses are the shop's own. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from habitue_collector.origins import OriginPattern


def patterns(hosts: Iterable[str]) -> tuple[OriginPattern, ...]:
    """Host names (`www.shop.example`, `*.shop.example`, `loopback`) as patterns; bad ones are left out."""
    parsed = []
    for host in hosts:
        try:
            parsed.append(OriginPattern.parse(host))
        except ValueError:
            continue
    return tuple(parsed)


@lru_cache(maxsize=20_000)
def on_hosts(url: str, hosts: tuple[OriginPattern, ...]) -> bool:
    """Whether a URL that `items.parse_url` took leads to the shop: a path, or a named host."""
    if not url:
        return False
    if "://" not in url:
        return True
    scheme, _, rest = url.partition("://")
    authority = rest.split("/", 1)[0].split("?", 1)[0].split("#", 1)[0]
    return any(host.matches(f"{scheme}://{authority}") for host in hosts)
