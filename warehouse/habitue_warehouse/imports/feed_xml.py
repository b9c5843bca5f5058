"""A Merchant feed in XML (RSS 2.0 or Atom), read as a stream. No entity is ever expanded.

Expat reads elements as they come, so memory holds one item. A broken item does not end the feed: reading
goes on at the next `<item` or `<entry`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from xml.parsers import expat

from habitue_warehouse.imports.merchant import Problem, ProblemReason, Value
from habitue_warehouse.imports.sources import FeedError

MAX_TEXT = 65_536  # of one element; what is longer is cut
MAX_FIELDS = 500
MAX_DEPTH = 32
_START = re.compile(rb"<(?:item|entry)(?=[\s>])")
_LONGEST_START = 7
_GOOGLE = ("http://base.google.com/ns/1.0", "http://base.google.com/cns/1.0")
_SKIPPED = frozenset(
    [
        "guid",
        "pubDate",
        "author",
        "comments",
        "enclosure",
        "source",
        "updated",
        "published",
        "rights",
        "contributor",
        "content",
    ]
)
_RENAMED = {"summary": "description"}

Attributes = dict[str, Value]


def read_xml(pieces: Iterator[bytes]) -> Iterator[tuple[int, Attributes] | Problem]:
    """Line and attributes of each item, Google's names without prefix; a repeated attribute is a list."""
    reader = _Reader()
    for piece in pieces:
        yield from reader.feed(piece)
    yield from reader.feed(b"", last=True)
    if not reader.found and not reader.recovered:
        yield Problem(ProblemReason.MALFORMED, reader.line, "no <item> and no <entry> in it")


class _Reader:
    """One feed: a parser, and a new one after each error."""

    def __init__(self) -> None:
        self.found = 0
        self.recovered = False
        self.line = 1
        self._encoding: str | None = None
        self._prefixes = {"", "g"}
        self._ready: list[tuple[int, Attributes]] = []
        self._seeking = False
        self._tail = b""
        self._base = 1  # the line that the parser's first one is in the feed
        self._item: Attributes | None = None
        self._stack: list[tuple[str, list[str], dict[str, Any], bool]] = []
        self._preferred: set[str] = set()
        self._start_parser()

    def feed(self, piece: bytes, last: bool = False) -> Iterator[tuple[int, Attributes] | Problem]:
        data = piece
        while True:
            if self._seeking:
                data = self._tail + data
                found = _START.search(data)
                if found is None:
                    self._tail = b"" if last else data[-_LONGEST_START:]
                    self.line += data.count(b"\n") - self._tail.count(b"\n")
                    return
                self._seeking, self._tail = False, b""
                self.line += data.count(b"\n", 0, found.start())
                self._base = self.line
                data = data[found.start() :]
                self._start_parser()
                self._parse(b"<r>", False)
            problem, rest = self._try(data, last)
            yield from self._ready
            self._ready.clear()
            if problem is not None:
                yield problem
            if rest is None:
                return
            data = rest

    def _try(self, data: bytes, last: bool) -> tuple[Problem | None, bytes | None]:
        """Parses; after an error what went wrong, and the bytes to go on with."""
        before = self._offset
        try:
            self._parse(data, last)
            self._offset += len(data)
            return None, None
        except expat.ExpatError as error:
            self.line = self._base + max(1, error.lineno) - 1
            in_item, first = self._item is not None, not self.recovered
            problem = None
            # A parser that began in the middle always ends at `</channel>`: that is no problem.
            if in_item or first:
                detail = expat.ErrorString(error.code) or "not well-formed"
                problem = Problem(ProblemReason.MALFORMED, self.line, detail, self._item_id())
            self.recovered = self._seeking = True
            self._item = None
            if last and not data:
                self._seeking = False
                return problem, None
            at = self._parser.ErrorByteIndex - self._prefix_length - before
            # Never at the very start again: the item that failed must not be tried twice.
            return problem, data[max(1, min(at, len(data))) :] if data else b""

    def _parse(self, data: bytes, last: bool) -> None:
        try:
            self._parser.Parse(data, last)
        except expat.ExpatError:
            raise
        except (ValueError, LookupError) as error:
            if isinstance(error, FeedError):
                raise
            raise FeedError(f"the feed's encoding cannot be read: {error}") from error

    def _start_parser(self) -> None:
        parser = expat.ParserCreate(self._encoding)
        parser.buffer_text = True
        parser.ordered_attributes = False
        parser.StartElementHandler = self._open
        parser.EndElementHandler = self._close
        parser.CharacterDataHandler = self._text
        parser.EntityDeclHandler = _refuse_entities
        parser.XmlDeclHandler = self._declaration
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        self._parser = parser
        self._prefix_length = len(b"<r>") if self.recovered else 0
        self._offset = 0
        self._depth = 0
        self._item = None
        self._item_depth = 0
        self._item_line = 1
        self._preferred = set()
        self._stack = []

    def _declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        # Only what any parser can be told at its start; UTF-16 is found by its first bytes.
        if encoding and not encoding.lower().startswith("utf-16"):
            self._encoding = encoding

    def _open(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        for key, value in attributes.items():
            if key.startswith("xmlns:") and value in _GOOGLE:
                self._prefixes.add(key[6:])
        prefix, _, local = name.rpartition(":")
        if self._item is None:
            if local in ("item", "entry"):
                self._item = {}
                self._item_depth = self._depth
                self._item_line = self._base + self._parser.CurrentLineNumber - 1
                self._preferred.clear()
                self._stack.clear()
            return
        if len(self._stack) >= MAX_DEPTH:
            return
        ours = prefix in self._prefixes
        self._stack.append((local if ours else "", [], {}, bool(prefix)))
        href = attributes.get("href")
        if local == "link" and href and attributes.get("rel", "alternate") == "alternate":
            self._stack[-1][1].append(href)

    def _text(self, text: str) -> None:
        if self._item is not None and self._stack:
            texts = self._stack[-1][1]
            if len(texts) < 1_000:
                texts.append(text[:MAX_TEXT])

    def _close(self, name: str) -> None:
        self._depth -= 1
        if self._item is None:
            return
        if self._depth < self._item_depth:
            self.found += 1
            self._ready.append((self._item_line, self._item))
            self._item = None
            return
        if self._depth - self._item_depth + 1 > len(self._stack):
            return  # past the depth that is looked at
        local, texts, children, prefixed = self._stack.pop()
        if not local or (local in _SKIPPED and not prefixed):
            return
        value: Value = children or "".join(texts).strip()[:MAX_TEXT]
        if value == "":
            return
        local = _RENAMED.get(local, local)
        if self._stack:
            _add(self._stack[-1][2], local, value)
        elif len(self._item) < MAX_FIELDS:
            self._put(local, value, prefixed)

    def _put(self, local: str, value: Value, prefixed: bool) -> None:
        """`g:id` counts before `id`: in Atom the plain one names the entry, not the product."""
        assert self._item is not None
        if prefixed and local not in self._preferred:
            self._preferred.add(local)
            self._item[local] = value
        elif prefixed or local not in self._preferred:
            _add(self._item, local, value)

    def _item_id(self) -> str | None:
        value = (self._item or {}).get("id")
        return value[:255] if isinstance(value, str) else None


def _add(target: dict[str, Any], name: str, value: Value) -> None:
    known = target.get(name)
    if known is None:
        target[name] = value
    elif isinstance(known, list):
        if len(known) < MAX_FIELDS:
            known.append(value)
    else:
        target[name] = [known, value]


def _refuse_entities(*_: Any) -> None:
    raise FeedError("the feed declares XML entities; none is taken, they are how feeds attack their readers")
