"""Heads that have been seen before: of a browser's head only three lines change from beacon to beacon.

`cut` takes `Content-Length`, `Referer` and `Cookie` out of a head (`cut_lines` also what proxies add). What
is left is the same for everybody with the same browser and language, and so a dict knows it. It is
remembered only after the HTTP parser has read a head and found exactly the lines that stand there (`agrees`);
only then does a later one with the same rest go past the parser. Whatever is spelled otherwise does not.

Why that is sound: what is cut out are whole lines between two others, their values are plain text, and
the rest holds no second one of them, no Transfer-Encoding, and no line that continues another.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from .request import Handler, header_map

MAX_KNOWN = 1_024  # heads; a shop's visitors have a few hundred browsers and languages
MAX_KNOWN_BYTES = 4_096  # of one
MAX_MISSES = 8  # in a row on one connection: then its heads seem too different to be worth a look
MISSES_FORGOTTEN = 128  # and after so many it is tried again

Cut = tuple[bytes, bytes, dict[bytes, bytes]]
"""The rest of a head (its lines but those that change), the body behind it, and these lines' values by their
lower-case names. No named tuple: making one costs 0.3 µs."""

_LENGTH: Final = b"\r\nContent-Length: "
_REFERER: Final = b"\r\nReferer: "
_COOKIE: Final = b"\r\nCookie: "
_USUAL: Final = 4_096
_DIGITS: Final = tuple([b"%d" % number for number in range(_USUAL)])


def _only(first: int) -> bytes:
    """A table that leaves the ASCII characters from `first` on as they are, and no other byte."""
    return bytes([byte if first <= byte < 0x7F else byte == 0 for byte in range(256)])


# What they leave as it is, is it. A referrer is an address, which has no spaces; cookies have some between.
_ADDRESS: Final = _only(0x21)
_TEXT: Final = _only(0x20)
# Lines that are another with each request or visitor: the browser's, and what proxies add.
_CHANGING: Final = {
    name: name.lower()
    for name in (
        *(b"Content-Length", b"Referer", b"Cookie"),
        *(b"X-Forwarded-For", b"X-Real-IP", b"X-Real-Ip", b"CF-Connecting-IP", b"Cf-Connecting-Ip"),
        *(b"X-Request-ID", b"X-Request-Id", b"CF-Ray", b"Cf-Ray", b"X-Amzn-Trace-Id", b"Traceparent"),
    )
}
# What must not be in the rest: one of these once more, and what is the parser's business each time.
_NOT_KEPT: Final = frozenset(
    (
        *_CHANGING.values(),
        *(b"transfer-encoding", b"trailer", b"te", b"expect", b"upgrade", b"http2-settings"),
    )
)


def cut(data: bytes) -> Cut | None:
    """`data`, if it is one whole request with a body of the length it says, as browsers send it."""
    head, is_head, body = data.partition(b"\r\n\r\n")
    before, _, after = head.partition(_LENGTH)
    length, _, after = after.partition(b"\r\n")
    size = len(body)
    if length != (_DIGITS[size] if size < _USUAL else b"%d" % size) or not is_head:
        return None
    # The order of Chrome; `partition` costs half of what `find` does.
    between, is_referer, then = after.partition(_REFERER)
    if is_referer:
        referer, _, then = then.partition(b"\r\n")
        last, is_cookie, cookie = then.rpartition(_COOKIE)
        if is_cookie and referer.translate(_ADDRESS) == referer and _is_text(cookie):
            values = {b"content-length": length, b"referer": referer, b"cookie": cookie}
            return b"\r\n".join((before, between, last)), body, values
    return cut_lines(data)


def cut_lines(data: bytes) -> Cut | None:
    """As `cut`, line by line: in any order, and without what proxies add."""
    head, is_head, body = data.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    rest = [first]
    values: dict[bytes, bytes] = {}
    for line in lines:
        name, _, value = line.partition(b": ")
        changing = _CHANGING.get(name)
        if changing is None or changing in values:
            rest.append(line)
        elif _is_text(value):
            values[changing] = value
        else:
            return None
    if not is_head or values.get(b"content-length") != b"%d" % len(body):
        return None
    return b"\r\n".join(rest), body, values


def _is_text(value: bytes) -> bool:
    """Printable ASCII that neither begins nor ends with a space."""
    return value.translate(_TEXT) == value == value.strip()


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
    constant, _, values = found
    first, *lines = constant.split(b"\r\n")
    if len(constant) > MAX_KNOWN_BYTES or first != b"POST %b HTTP/1.1" % url:
        return None
    rest: list[tuple[bytes, bytes]] = []
    for line in lines:
        name, _, value = line.partition(b": ")
        name = name.lower()
        if not name or name in _NOT_KEPT or line[:1] == b" " or line.translate(_TEXT) != line:
            return None
        rest.append((name, value))
    return header_map(rest) if sorted([*rest, *values.items()]) == sorted(pairs) else None
