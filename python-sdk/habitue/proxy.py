"""What passes between a browser and the server through the shop's host. Pure.

A mount reaches one host and, on it, one folder: whatever a path says, it names something in there. The shop's
own cookies and passwords stay in the shop.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from hashlib import sha256
from http import HTTPStatus
from importlib.resources import files

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")
MAX_PATH = 2_048
MAX_QUERY = 16_384
MAX_CHAIN = 16  # hops; the server reads no more
PIECE = 65_536

Pairs = list[tuple[str, str]]
_PATH = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*", re.ASCII)
_QUERY = re.compile(r"[\x21\x22\x24-\x7e]*", re.ASCII)  # no spaces, no controls, no fragment
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})|%(2[fF]|5[cC]|[01][0-9A-Fa-f]|7[fF]|00)")
_DOTS = re.compile(r"/(\.|%2[eE]){1,2}(?=/|$)")
_HOP_BY_HOP = frozenset(
    (
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te"),
        *("trailer", "transfer-encoding", "upgrade", "http2-settings"),
    )
)
# What the mount says itself, or nobody may say through it.
_OURS = frozenset(
    (
        *("content-length", "expect", "authorization", "cookie", "forwarded", "x-habitue-visitor"),
        *(
            "x-forwarded-for",
            "x-forwarded-proto",
            "x-forwarded-host",
            "x-forwarded-port",
            "x-forwarded-prefix",
        ),
        *("x-real-ip", "true-client-ip", "x-client-ip", "cf-connecting-ip", "x-write-key"),
    )
)
_NOT_BACK = frozenset(("date", "server"))  # the shop's server says them


class Refused(Exception):
    """The mount answers this itself: a status, a code and a sentence."""

    def __init__(self, status: int, code: str, message: str, retry_after: int = 0) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.retry_after = retry_after

    @property
    def body(self) -> bytes:
        """problem+json, as the server's own."""
        problem = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "code": self.code,
            "message": str(self),
        }
        return json.dumps(problem).encode()

    @property
    def headers(self) -> Pairs:
        headers = [
            ("content-type", "application/problem+json"),
            ("content-length", str(len(self.body))),
            ("cache-control", "no-store"),
        ]
        return [*headers, ("retry-after", str(self.retry_after))] if self.retry_after else headers


NOT_FOUND = ("not_found", "There is nothing at this address.")
TOO_LARGE = ("body_too_large", "The body is larger than this server takes.")
SLOW = ("body_timeout", "The body did not arrive in time.")
BUSY = ("overloaded", "The server is busy. Please send this again a little later.")
AWAY = ("unavailable", "The server does not answer just now. Please send this again a little later.")


def target(raw_path: str, query: str, method: str, mount: str, base_path: str) -> str:
    """The request target on the server; raises Refused.

    `raw_path` as it came over the wire, percent-encoded, without the shop's own prefix.
    """
    rest = raw_path[len(mount) :] or "/"
    if (
        len(rest) > MAX_PATH
        or not _PATH.fullmatch(rest)
        or "//" in rest
        or _ESCAPE.search(rest)
        or _DOTS.search(rest)
    ):
        raise Refused(404, *NOT_FOUND)
    if len(query) > MAX_QUERY or not _QUERY.fullmatch(query):
        raise Refused(400, "bad_request", "The query is too long, or none.")
    if method not in METHODS:
        raise Refused(405, "method_not_allowed", "This address does not take that method.")
    return f"{base_path}{rest}?{query}" if query else f"{base_path}{rest}"


def declared_length(text: str | None, limit: int) -> int | None:
    """Bytes from a Content-Length header; raises Refused."""
    if text is None or text == "":
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise Refused(400, "bad_request", "Content-Length is a number.")
    if int(text) > limit:
        raise Refused(413, *TOO_LARGE)
    return int(text)


def request_headers(
    pairs: Iterable[tuple[str, str]],
    *,
    cookie: str,
    address: str | None,
    scheme: str,
    keep_host: bool,
    host: str,
) -> Pairs:
    """The headers of a browser's request as the server gets them. Names come in any case, values in latin-1.

    `address` is the other end of the shop's connection. It is appended to `X-Forwarded-For`: the server reads
    that chain from the right, and no further than to the first address that it was not told to trust.
    """
    passed: Pairs = []
    chain: list[str] = []
    asked_host = None
    pairs = [(name.lower(), value) for name, value in pairs]
    dropped = _named_by_connection(pairs)
    for name, value in pairs:
        if name == "x-forwarded-for":
            chain.append(value)
        elif name == "host":
            asked_host = value
        elif name == "cookie":
            own = _own_cookies(value, cookie)
            if own:
                passed.append((name, own))
        elif name not in _OURS and name not in _HOP_BY_HOP and name not in dropped:
            passed.append((name, value))
    passed.append(("host", asked_host if keep_host and asked_host else host))
    if asked_host:
        passed.append(("x-forwarded-host", asked_host))
    passed.append(("x-forwarded-proto", scheme))
    through = appended(",".join(chain) or None, address)
    if through:
        passed.append(("x-forwarded-for", through))
    return passed


def appended(chain: str | None, address: str | None) -> str:
    """`X-Forwarded-For` with one hop more; of a chain that is too long its right end."""
    hops = [hop.strip() for hop in (chain or "").split(",") if hop.strip()]
    if address:
        hops.append(address)
    return ", ".join(hop[:64] for hop in hops[-MAX_CHAIN:] if hop.isascii() and hop.isprintable())


def response_headers(pairs: Iterable[tuple[str, str]], *, cookie: str, secure: bool) -> Pairs:
    """The headers of the server's answer as the browser gets them. Names come in any case."""
    pairs = [(name.lower(), value) for name, value in pairs]
    dropped = _named_by_connection(pairs)
    passed: Pairs = []
    for name, value in pairs:
        if name in _HOP_BY_HOP or name in _NOT_BACK or name in dropped:
            continue
        if (
            name == "set-cookie"
            and secure
            and value.startswith(f"{cookie}=")
            and "; secure" not in value.lower()
        ):
            value += "; Secure"
        passed.append((name, value))
    return passed


def _named_by_connection(pairs: Iterable[tuple[str, str]]) -> set[str]:
    return {
        word.strip().lower() for name, value in pairs if name == "connection" for word in value.split(",")
    }


def _own_cookies(header: str, name: str) -> str:
    return "; ".join(
        part for part in map(str.strip, header.split(";")) if part.partition("=")[0].startswith(name)
    )


# ---- files of our own ------------------------------------------------------------------------------


class OwnFile:
    """A small file that the mount serves itself."""

    def __init__(self, name: str, media_type: str) -> None:
        self.body = files("habitue").joinpath("static", name).read_bytes()
        self.etag = f'"{sha256(self.body).hexdigest()[:16]}"'
        self._type = media_type

    def answer(self, if_none_match: str | None) -> tuple[int, Pairs, bytes]:
        headers = [
            ("etag", self.etag),
            ("cache-control", "public, max-age=600, stale-while-revalidate=86400"),
            ("x-content-type-options", "nosniff"),
        ]
        if if_none_match is not None and if_none_match.removeprefix("W/") == self.etag:
            return 304, headers, b""
        headers += [("content-type", self._type), ("content-length", str(len(self.body)))]
        return 200, headers, self.body


OWN_FILES = {
    "/sdk/offers.css": OwnFile("offers.css", "text/css; charset=utf-8"),
    "/sdk/offers.js": OwnFile("offers.js", "text/javascript; charset=utf-8"),
}
