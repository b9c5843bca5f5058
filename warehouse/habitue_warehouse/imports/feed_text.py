"""A feed as text: tab-separated (Google's), comma or semicolon, or JSON lines in our own shape."""

from __future__ import annotations

import codecs
from collections import deque
from collections.abc import Iterator

import orjson

from habitue_warehouse.imports.merchant import Problem, ProblemReason
from habitue_warehouse.imports.sources import FeedError

MAX_LINE = 1_048_576
MAX_QUOTED_LINES = 50  # how far a quoted value may run on before its quote is taken for an inch sign


def read_table(pieces: Iterator[bytes]) -> Iterator[tuple[int, dict[str, str]] | Problem]:
    """Line and attributes of each row; the first line names them. Raises FeedError without such a line."""
    lines = _Ahead(_lines(pieces))
    header: list[str] = []
    delimiter = "\t"
    while not header:
        line = lines.next()
        if line is None:
            raise FeedError("the feed is empty")
        if not line[1].strip():
            continue
        delimiter = next((sign for sign in "\t;|," if sign in line[1]), "\t")
        header = [_name(field) for field in _split(line[1], delimiter) or line[1].split(delimiter)]
    if "id" not in header:
        raise FeedError(
            "the first line of the feed must name its columns, `id` and `title` among them; it reads "
            + ", ".join(header)[:200]
        )
    while (line := lines.next()) is not None:
        number, text = line
        if not text.strip():
            continue
        if len(text) > MAX_LINE:
            yield Problem(ProblemReason.MALFORMED, number, "the line is longer than 1 MB")
            continue
        fields = _whole(text, delimiter, lines)
        while len(fields) > len(header) and not fields[-1].strip():
            fields.pop()
        if len(fields) > len(header):
            yield Problem(
                ProblemReason.MALFORMED,
                number,
                f"{len(fields)} columns where the first line has {len(header)}",
            )
            continue
        yield (
            number,
            {name: value for name, value in zip(header, fields, strict=False) if name and value.strip()},
        )


def read_json_lines(pieces: Iterator[bytes]) -> Iterator[tuple[int, object] | Problem]:
    """Line and value of each line."""
    for number, text in _lines(pieces):
        if not text.strip():
            continue
        try:
            yield number, orjson.loads(text)
        except ValueError as error:
            yield Problem(ProblemReason.MALFORMED, number, f"not JSON: {error}"[:200])


def _whole(text: str, delimiter: str, lines: _Ahead) -> list[str]:
    """The fields of a line, or of several when a quoted value runs on."""
    fields = _split(text, delimiter)
    if fields is not None:
        return fields
    joined = text
    for ahead in range(MAX_QUOTED_LINES):
        more = lines.peek(ahead)
        if more is None or len(joined) > MAX_LINE:
            break
        if '"' not in more[1]:
            joined += "\n" + more[1]
            continue
        joined += "\n" + more[1]
        fields = _split(joined, delimiter)
        if fields is not None:
            lines.drop(ahead + 1)
            return fields
    return text.split(delimiter)


def _split(text: str, delimiter: str) -> list[str] | None:
    """The fields of a line, unquoted; None when it ends inside a quoted one."""
    if '"' not in text:
        return text.split(delimiter)
    fields: list[str] = []
    at = 0
    while True:
        if text[at : at + 1] != '"':
            end = text.find(delimiter, at)
            if end < 0:
                fields.append(text[at:])
                return fields
            fields.append(text[at:end])
            at = end + 1
            continue
        close = at + 1
        while True:
            close = text.find('"', close)
            if close < 0:
                return None
            if text[close + 1 : close + 2] != '"':
                break
            close += 2
        after = text[close + 1 : close + 2]
        if after and after != delimiter:
            # A quote within a value that began with one: `"Best" shoes`. Nothing was quoted.
            end = text.find(delimiter, at)
            fields.append(text[at:] if end < 0 else text[at:end])
            if end < 0:
                return fields
            at = end + 1
            continue
        fields.append(text[at + 1 : close].replace('""', '"'))
        if not after:
            return fields
        at = close + 2


class _Ahead:
    """Lines that can be looked at before they are taken."""

    def __init__(self, lines: Iterator[tuple[int, str]]) -> None:
        self._lines = lines
        self._held: deque[tuple[int, str]] = deque()

    def next(self) -> tuple[int, str] | None:
        return self._held.popleft() if self._held else next(self._lines, None)

    def peek(self, ahead: int) -> tuple[int, str] | None:
        while len(self._held) <= ahead:
            line = next(self._lines, None)
            if line is None:
                return None
            self._held.append(line)
        return self._held[ahead]

    def drop(self, count: int) -> None:
        for _ in range(count):
            self._held.popleft()


def _lines(pieces: Iterator[bytes]) -> Iterator[tuple[int, str]]:
    """Numbered lines as text: UTF-16 by its mark, else UTF-8, and Windows-1252 where it is none.

    A line longer than 1 MB comes cut, so that a file without line ends fills no memory.
    """
    number, held = 1, b""
    skipping = False
    for piece in _utf8(pieces):
        held += piece
        *whole, held = held.split(b"\n")
        for line in whole:
            if not skipping:
                yield number, _decode(line)
            skipping = False
            number += 1
        if len(held) > MAX_LINE + 4:
            if not skipping:
                yield number, _decode(held)
            skipping, held = True, b""
    if held and not skipping:
        yield number, _decode(held)


def _utf8(pieces: Iterator[bytes]) -> Iterator[bytes]:
    first = next(pieces, b"")
    while 0 < len(first) < 3:
        more = next(pieces, None)
        if more is None:
            break
        first += more
    if first[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        decoder = codecs.getincrementaldecoder("utf-16")("replace")
        yield decoder.decode(first).encode("utf-8", "replace")
        for piece in pieces:
            yield decoder.decode(piece).encode("utf-8", "replace")
        return
    yield first.removeprefix(codecs.BOM_UTF8)
    yield from pieces


def _decode(line: bytes) -> str:
    line = line.removesuffix(b"\r")
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("cp1252", "replace")


def _name(header: str) -> str:
    return "_".join(header.strip().strip('"').lower().removeprefix("g:").split())
