"""What every answer of the console carries, and which requests may change something (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

HEADERS = {
    "content-security-policy": (
        # Pictures of products come from wherever the shop keeps them; everything else is ours.
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https: http:;"
        " connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self';"
        " frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
    # Not `no-referrer`: browsers would then send `Origin: null` with our own forms.
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex, nofollow",
}
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def is_from_our_pages(headers: Mapping[str, str], hosts: Iterable[str] = ()) -> bool:
    """Whether a request that changes something was sent by a page of this console, or by no page at all.

    Browsers say where a request comes from and pages cannot change it: `Sec-Fetch-Site` and `Origin`. `hosts`
    are names under which we are known too (public_url, behind a proxy that gives us another Host).
    """
    site = headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    if origin is None:
        return True
    try:
        netloc = urlsplit(origin).netloc.lower()
    except ValueError:
        return False
    return bool(netloc) and netloc in {headers.get("host", "").lower(), *hosts}


def is_our_path(path: str) -> bool:
    """Whether `next=…` may lead there: a path of this server, nothing that a browser takes for a host."""
    return (
        path.startswith("/")
        and not path.startswith(("//", "/\\"))
        and path.isprintable()
        and "\\" not in path
        and len(path) < 2_000
    )
