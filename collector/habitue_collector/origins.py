"""Which origins a browser key answers: exact ones, wildcards, and the word `loopback` (pure).

`https://www.shop.test` is that origin alone (the scheme's own port). `https://*.shop.test` is every host
below shop.test, not shop.test itself. Without a scheme (`*.test`, `shop.test`) any scheme and port will do.
`loopback` is this machine: localhost and the names below it, 127.0.0.0/8 and ::1, any port.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

LOOPBACK = "loopback"
_DEFAULT_PORTS = {"http": 80, "https": 443}


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine."""
    name = host.strip("[]").lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def _split(url: str) -> tuple[SplitResult, str, int | None] | None:
    """An origin's parts, host in lower case, or None when it is none."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not host or parts.path or parts.query or parts.fragment or parts.username is not None:
        return None
    return parts, host.lower(), port


@dataclass(frozen=True, slots=True)
class OriginPattern:
    """One line of a key's `origins`. Without `scheme` any scheme and port match."""

    text: str
    scheme: str | None
    host: str
    port: int | None

    @classmethod
    def parse(cls, text: str) -> OriginPattern:
        """Raises ValueError with a sentence when the text is no origin."""
        if text == LOOPBACK:
            return cls(text, None, LOOPBACK, None)
        split = _split(text if "://" in text else f"//{text}")
        if split is None:
            raise ValueError(f"{text!r} is not an origin: write https://www.shop.example, without a path")
        parts, host, port = split
        scheme = parts.scheme or None
        if scheme and scheme not in _DEFAULT_PORTS:
            raise ValueError(f"{text!r}: only http and https pages send beacons")
        if "*" in host.removeprefix("*.") or host in ("*", "*."):
            raise ValueError(
                f"{text!r}: a wildcard stands for whole names on the left, as in https://*.shop.example"
            )
        return cls(text, scheme, host, port or _DEFAULT_PORTS.get(scheme or ""))

    def matches(self, origin: str) -> bool:
        """Whether the value of an Origin header (or of a Referer's origin) is meant."""
        split = _split(origin)
        if split is None:
            return False
        parts, host, port = split
        if parts.scheme not in _DEFAULT_PORTS:
            return False
        if self.host == LOOPBACK:
            return is_loopback(host)
        if self.port is not None and (port or _DEFAULT_PORTS[parts.scheme]) != self.port:
            return False
        if self.scheme is not None and parts.scheme != self.scheme:
            return False
        if self.host.startswith("*."):
            return host.endswith(self.host[1:]) and len(host) > len(self.host) - 1
        return host == self.host
