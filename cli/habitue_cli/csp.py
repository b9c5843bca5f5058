"""Content-Security-Policy, as far as a tag has to know it. https://www.w3.org/TR/CSP3/ Pure."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256, sha384, sha512
from urllib.parse import SplitResult, urlsplit

_FALLBACKS = {
    "script-src-elem": ("script-src-elem", "script-src", "default-src"),
    "connect-src": ("connect-src", "default-src"),
    "img-src": ("img-src", "default-src"),
}
_PORTS = {"http": 80, "https": 443}
_HASHES = {"sha256": sha256, "sha384": sha384, "sha512": sha512}


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy: sources by directive, in the order given."""

    directives: dict[str, tuple[str, ...]]

    def sources(self, directive: str) -> tuple[str, tuple[str, ...]] | None:
        """The directive that decides, and its sources; None when nothing is restricted."""
        for name in _FALLBACKS.get(directive, (directive,)):
            if name in self.directives:
                return name, self.directives[name]
        return None

    def allows_script(self, url: str, page: str, nonce: str | None) -> bool:
        decides = self.sources("script-src-elem")
        if decides is None:
            return True
        sources = decides[1]
        if nonce and f"'nonce-{nonce}'" in sources:
            return True
        if "'strict-dynamic'" in sources:  # names of hosts count for nothing then
            return False
        return _matches_any(sources, url, page)

    def allows_inline(self, text: str, nonce: str | None) -> bool:
        decides = self.sources("script-src-elem")
        if decides is None:
            return True
        sources = decides[1]
        if nonce and f"'nonce-{nonce}'" in sources:
            return True
        for name, make in _HASHES.items():
            digest = b64encode(make(text.encode()).digest()).decode()
            if f"'{name}-{digest}'" in sources:
                return True
        strict = any(
            source == "'strict-dynamic'" or source.startswith(("'nonce-", "'sha")) for source in sources
        )
        return "'unsafe-inline'" in sources and not strict

    def allows(self, directive: str, url: str, page: str) -> bool:
        decides = self.sources(directive)
        return decides is None or _matches_any(decides[1], url, page)

    def allows_trusted_types(self, name: str) -> bool:
        """Whether a policy of this name may be made, where the page asks for such policies."""
        if "'script'" not in self.directives.get("require-trusted-types-for", ()):
            return "trusted-types" not in self.directives or self._names(name)
        return "trusted-types" not in self.directives or self._names(name)

    def _names(self, name: str) -> bool:
        named = self.directives["trusted-types"]
        return name in named or "*" in named


def parse(headers: Iterable[str]) -> list[Policy]:
    """The policies of these header lines or meta elements; each has to be kept."""
    policies = []
    for line in headers:
        for text in line.split(","):
            directives: dict[str, tuple[str, ...]] = {}
            for part in text.split(";"):
                name, *sources = part.split() or [""]
                if name:
                    directives.setdefault(name.lower(), tuple(sources))
            if directives:
                policies.append(Policy(directives))
    return policies


def _matches_any(sources: tuple[str, ...], url: str, page: str) -> bool:
    try:
        target, own = urlsplit(url), urlsplit(page)
    except ValueError:
        return False
    return any(_matches(source, target, own) for source in sources)


def _matches(source: str, target: SplitResult, page: SplitResult) -> bool:
    source = source.lower() if not source.startswith("'nonce-") else source
    if source == "'self'":
        source = f"{page.scheme}://{page.netloc}"
    if source.startswith("'"):
        return False
    if source == "*":
        return target.scheme in ("http", "https", page.scheme)
    if source.endswith(":") and "/" not in source:
        return _scheme_is(source[:-1], target.scheme)
    scheme, mark, rest = source.partition("://")
    if not mark:
        scheme, rest = page.scheme, source
    if not _scheme_is(scheme, target.scheme):
        return False
    authority, slash, path = rest.partition("/")
    host, _, port = authority.partition(":")
    name = target.hostname or ""
    if host.startswith("*."):
        if not name.endswith(host[1:]):
            return False
    elif host not in ("*", name):
        return False
    usual = _PORTS.get(target.scheme)
    asked = target.port or usual
    # Without a port the scheme's own is meant.
    if port != "*" and asked != (int(port) if port.isdigit() else usual):
        return False
    whole = slash + path
    if not slash or whole == "/":
        return True
    return target.path.startswith(whole) if whole.endswith("/") else target.path == whole


def _scheme_is(allowed: str, scheme: str) -> bool:
    return scheme == allowed or (allowed == "http" and scheme == "https")
