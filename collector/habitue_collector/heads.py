"""Heads that have been seen before: of a browser's head only three lines change from beacon to beacon.

`cut` takes `Content-Length`, `Referer` and `Cookie` out of a head; what is left is the same for everybody
with the same browser and language, and so a dict knows it. A head is remembered (`Head.learn`) only after
the HTTP parser has read it and found exactly the lines that stand there; only then does a later one with
the same rest go past the parser. Whatever is spelled, ordered or sent in any other way goes through it.

Why that is sound: what is cut out are whole lines between two others, their values are plain text, and
the rest holds no second one of them, no Transfer-Encoding, and no line that continues another.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from .request import Handler, header_map

MAX_KNOWN = 1_024  # heads; a shop's visitors have a few hundred browsers and languages
MAX_KNOWN_BYTES = 4_096  # of one
MAX_DIGITS = 8  # of a length

_LENGTH: Final = b"\r\nContent-Length: "
_REFERER: Final = b"\r\nReferer: "
_COOKIE: Final = b"\r\nCookie: "
_AFTER_LENGTH: Final = len(_LENGTH)
_AFTER_REFERER: Final = len(_REFERER)
_AFTER_COOKIE: Final = len(_COOKIE)
# A referrer is an address, which has no spaces; a cookie header may have some within.
_ADDRESS: Final = bytes(range(0x21, 0x7F))
_TEXT: Final = bytes(range(0x20, 0x7F))
# Whoever says one of these, or one of the three once more, is the parser's business each time.
_UNUSUAL: Final = frozenset(
    (
        *(b"content-length", b"referer", b"cookie"),
        *(b"transfer-encoding", b"trailer", b"te", b"expect", b"upgrade", b"http2-settings"),
    )
)


class Cut(NamedTuple):
    """A head in two: the three lines' values, and the `rest`. `end` is where its last line ends."""

    rest: bytes
    end: int
    length: bytes  # one to eight digits
    referer: bytes | None
    cookie: bytes | None


def cut(data: bytes) -> Cut | None:
    """The head at the beginning of `data`, if it is whole and looks as a browser's does."""
    end = data.find(b"\r\n\r\n")
    length_at = data.find(_LENGTH, 0, end)
    if end < 0 or length_at < 0:
        return None
    length_end = data.find(b"\r\n", length_at + _AFTER_LENGTH)
    length = data[length_at + _AFTER_LENGTH : length_end]
    if not length.isdigit() or len(length) > MAX_DIGITS:
        return None
    referer_at = data.find(_REFERER, length_end, end)
    cookie_at = data.rfind(_COOKIE, length_end, end)
    if 0 < referer_at < cookie_at:  # Chrome's order
        referer_end = data.find(b"\r\n", referer_at + _AFTER_REFERER)
        cookie_end = data.find(b"\r\n", cookie_at + _AFTER_COOKIE)
        referer = data[referer_at + _AFTER_REFERER : referer_end]
        cookie = data[cookie_at + _AFTER_COOKIE : cookie_end]
        if referer.translate(None, _ADDRESS) or not _is_text(cookie):
            return None
        rest = b"%b%b%b%b" % (
            data[:length_at],
            data[length_end:referer_at],
            data[referer_end:cookie_at],
            data[cookie_end:end],
        )
        return Cut(rest, end, length, referer, cookie)
    return _cut_any_order(data, end, (length_at, length_end), length)


def _is_text(value: bytes) -> bool:
    """Printable ASCII that begins and ends with more than a space."""
    return not value.translate(None, _TEXT) and value[:1] > b" " and value[-1:] != b" "


def _cut_any_order(data: bytes, end: int, length_span: tuple[int, int], length: bytes) -> Cut | None:
    spans = [length_span]
    values: list[bytes | None] = []
    for line in (_REFERER, _COOKIE):
        at = data.find(line, 0, end)
        if at < 0:
            values.append(None)
            continue
        until = data.find(b"\r\n", at + len(line))
        value = data[at + len(line) : until]
        if not _is_text(value):
            return None
        spans.append((at, until))
        values.append(value)
    spans.sort()
    pieces, last = [], 0
    for at, until in spans:
        pieces.append(data[last:at])
        last = until
    pieces.append(data[last:end])
    return Cut(b"".join(pieces), end, length, values[0], values[1])


class Head:
    """What is known of a head without its three lines."""

    __slots__ = ("forwarded", "handler", "headers", "path", "query")

    def __init__(self, path: str, query: bytes, handler: Handler, headers: dict[bytes, bytes]) -> None:
        self.path = path
        self.query = query
        self.handler = handler
        self.headers = headers  # lower-case names; copied, never changed
        self.forwarded = b"x-forwarded-for" in headers or b"x-forwarded-proto" in headers


def agrees(found: Cut, url: bytes, pairs: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes] | None:
    """The headers of the rest, if the parser read out of this head exactly what stands there; else None.

    `pairs` are all header lines with lower-case names, in any order.
    """
    first, *lines = found.rest.split(b"\r\n")
    if len(found.rest) > MAX_KNOWN_BYTES or first != b"POST %b HTTP/1.1" % url:
        return None
    rest: list[tuple[bytes, bytes]] = []
    for line in lines:
        name, _, value = line.partition(b": ")
        name = name.lower()
        if not name or name in _UNUSUAL or line.translate(None, _TEXT) or name[:1] == b" ":
            return None
        rest.append((name, value))
    read = [*rest, (b"content-length", found.length)]
    if found.referer is not None:
        read.append((b"referer", found.referer))
    if found.cookie is not None:
        read.append((b"cookie", found.cookie))
    return header_map(rest) if sorted(read) == sorted(pairs) else None
