"""Fetches a page as a stranger would, and never by accident something inside the network.

Names are resolved first and the connection goes to the very address that was looked at, redirects
included, so no name can point elsewhere in between.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
import zlib
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urljoin, urlsplit

from habitue_collector.origins import is_loopback

from .errors import CommandError, cause

MAX_BYTES = 5_000_000
MAX_REDIRECTS = 5
SOCKET_SECONDS = 10.0
WHOLE_SECONDS = 25.0
USER_AGENT = "habitue-doctor/1 (checks the installation of a tag; run by the shop)"


class NotFetched(CommandError):
    """The page could not be had; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A page: its last address, what it answered. Header names are in lower case, as often as they came."""

    url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    text: str
    redirects: tuple[str, ...]
    seconds: float

    def all(self, name: str) -> list[str]:
        return [value for known, value in self.headers if known == name]


def fetch(
    url: str,
    *,
    allow_private: bool = False,
    method: str = "GET",
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> Fetched:
    """The answer at `url`, redirects followed. Raises NotFetched.

    Addresses inside a network are refused, unless `allow_private`; this machine, or an address written
    out as numbers, is what somebody who types it means.
    """
    began = time.monotonic()
    passed: list[str] = []
    at_home = allow_private or is_explicit(url)
    while True:
        address, host, port, secure = _target(url, at_home)
        answer = _ask(url, address, host, port, secure, method, body, headers or {}, began)
        place = dict(answer.headers).get("location")
        if answer.status not in (301, 302, 303, 307, 308) or place is None:
            return Fetched(
                url, answer.status, answer.headers, answer.text, tuple(passed), time.monotonic() - began
            )
        passed.append(url)
        if len(passed) > MAX_REDIRECTS:
            raise NotFetched(f"{passed[0]} leads on and on: more than {MAX_REDIRECTS} redirects")
        before, url = url, urljoin(url, place)
        # Nobody typed this one: it may stay on the machine that was meant, and lead nowhere else inside.
        at_home = allow_private or (at_home and _host(url) == _host(before))


def is_explicit(url: str) -> bool:
    """Whether the address itself says that it is this machine, or one written out as numbers."""
    host = _host(url)
    if is_loopback(host):
        return True
    try:
        ip_address(host)
    except ValueError:
        return _resolves_here(host)
    return True


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _resolves_here(host: str) -> bool:
    """`shop.test` in this machine's hosts file."""
    try:
        found = _resolve(host, 80)
    except NotFetched:
        return False
    return all(address.is_loopback for address in found)


def _target(url: str, at_home: bool) -> tuple[str, str, int, bool]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise NotFetched(f"{url} is no web address") from None
    if parts.scheme not in ("http", "https") or not host:
        raise NotFetched(f"{url} is no web address: write https://www.shop.example/…")
    secure = parts.scheme == "https"
    port = port or (443 if secure else 80)
    found = _resolve(host, port)
    private = [address for address in found if not address.is_global or address.is_multicast]
    if private and not at_home:
        raise NotFetched(
            f"{host} is {private[0]}, an address inside a network, and is not asked;"
            " if that is meant, say --allow-private"
        )
    return str(found[0]), host, port, secure


def _resolve(host: str, port: int) -> list[IPv4Address | IPv6Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NotFetched(f"{host} is not known: {cause(error)}") from None
    addresses = [ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    return [(getattr(address, "ipv4_mapped", None) or address) for address in addresses]


@dataclass(slots=True)
class _Answer:
    status: int
    headers: tuple[tuple[str, str], ...]
    text: str


def _ask(
    url: str,
    address: str,
    host: str,
    port: int,
    secure: bool,
    method: str,
    body: bytes | None,
    headers: dict[str, str],
    began: float,
) -> _Answer:
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = http.client.HTTPConnection(host, port, timeout=SOCKET_SECONDS)
    try:
        plain = socket.create_connection((address, port), SOCKET_SECONDS)
        connection.sock = (
            ssl.create_default_context().wrap_socket(plain, server_hostname=host) if secure else plain
        )
        usual = {
            "User-Agent": USER_AGENT,
            "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
            "Accept-Encoding": "gzip",
            "Host": parts.netloc.rpartition("@")[2],
        }
        connection.request(method, path, body, {**usual, **headers})
        response = connection.getresponse()
        raw = _read(response, url, began)
        said = tuple((name.lower(), value) for name, value in response.getheaders())
        return _Answer(response.status, said, _text(raw, dict(said)))
    except ssl.SSLCertVerificationError as error:
        raise NotFetched(f"{host} has no good certificate: {error.verify_message}") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NotFetched(f"{url} does not answer: {cause(error)}") from None
    finally:
        connection.close()


def _read(response: http.client.HTTPResponse, url: str, began: float) -> bytes:
    body = bytearray()
    while chunk := response.read(65_536):
        body += chunk
        if len(body) > MAX_BYTES:
            raise NotFetched(f"{url} is larger than {MAX_BYTES:,} bytes")
        if time.monotonic() - began > WHOLE_SECONDS:
            raise NotFetched(f"{url} takes longer than {WHOLE_SECONDS:.0f} seconds")
    return bytes(body)


def _text(raw: bytes, headers: dict[str, str]) -> str:
    if raw[:2] == b"\x1f\x8b":
        unpacker = zlib.decompressobj(wbits=31)
        try:
            raw = unpacker.decompress(raw, MAX_BYTES)
        except zlib.error:
            raise NotFetched("the answer begins like gzip and is none") from None
    charset = headers.get("content-type", "").lower().partition("charset=")[2].strip(" \"'").partition(";")[0]
    try:
        return raw.decode(charset or "utf-8", "replace")
    except LookupError:
        return raw.decode("utf-8", "replace")
