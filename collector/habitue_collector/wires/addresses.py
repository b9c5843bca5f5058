"""Addresses in a page's markup, compared as people would: one page has many spellings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl, unquote, urljoin, urlsplit

from habitue_collector.signals import TRACKING_PREFIXES

MAX_LENGTH = 2_048


@dataclass(slots=True, frozen=True)
class Address:
    """Host without `www.`, path without its last slash, query without campaigns. `text` is as it was."""

    text: str
    host: str | None
    path: str
    query: frozenset[tuple[str, str]]

    @classmethod
    def read(cls, value: object) -> Address | None:
        """None for what is no web address or path; a fragment (`…/shoe/#product`) counts for nothing."""
        return _read(value) if isinstance(value, str) and 0 < len(value) <= MAX_LENGTH else None

    @property
    def last(self) -> str:
        return self.path.rsplit("/", 1)[-1]

    def is_page(self, page: Address) -> bool:
        """The same page, whatever its query says of a variant; a path without words needs the same query."""
        if not self._same_host(page) or self.path != page.path:
            return False
        return (
            not self.query
            or not page.query
            or self.query == page.query
            or self.path not in ("", "/index.php")
        )

    def is_exactly(self, page: Address) -> bool:
        """The same page and the same variant: what this address asks for, that one asks for too."""
        return (
            self._same_host(page) and self.path == page.path and bool(self.query) and self.query <= page.query
        )

    def _same_host(self, page: Address) -> bool:
        return self.host is None or page.host is None or self.host == page.host


@lru_cache(4_096)
def _read(value: str) -> Address | None:
    try:
        parts = urlsplit(value.strip())
        host = parts.hostname
        pairs = parse_qsl(parts.query, max_num_fields=50, errors="replace")
    except ValueError:
        return None
    if parts.scheme not in ("http", "https", "") or (parts.scheme and not host):
        return None
    if not parts.scheme and not host and not value.startswith("/"):
        return None
    query = frozenset(pair for pair in pairs if not pair[0].startswith(TRACKING_PREFIXES))
    return Address(
        value.strip(),
        host.removeprefix("www.") if host else None,
        unquote(parts.path).rstrip("/") or "/",
        query,
    )


def absolute(value: object, base: str | None) -> str | None:
    """An address of a page's markup as a whole one, if the page's own is known."""
    if not isinstance(value, str) or not 0 < len(value) <= MAX_LENGTH:
        return None
    value = value.strip()
    try:
        if base is not None:
            return urljoin(base, value)
        return f"https:{value}" if value.startswith("//") else value
    except ValueError:
        return None
