"""A shop's catalog as a feed: Google Merchant XML or text, or JSON lines in our own shape.

`parse_feed` reads it as a stream and yields items and problems as they come; a bad line costs nothing but
itself. `import_items` hands the items on in batches and counts.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from habitue_warehouse.imports.feed_text import read_json_lines, read_table
from habitue_warehouse.imports.feed_xml import read_xml
from habitue_warehouse.imports.merchant import (
    CatalogItem,
    InvalidItem,
    Problem,
    item_from_attributes,
    item_from_record,
)
from habitue_warehouse.imports.sources import MAX_BYTES, FeedError, Source, chunks

__all__ = ["FeedError", "FeedReport", "Problem", "import_items", "parse_feed"]

BATCH = 500
SAMPLES = 5


@dataclass(slots=True)
class FeedReport:
    """What an import did: items stored, and lines left out by reason, the first few as samples."""

    items: int = 0
    problems: Counter[str] = field(default_factory=Counter)
    samples: dict[str, list[Problem]] = field(default_factory=dict)

    def note(self, problem: Problem) -> None:
        self.problems[problem.reason] += 1
        shown = self.samples.setdefault(problem.reason, [])
        if len(shown) < SAMPLES:
            shown.append(problem)


def parse_feed(
    source: Source, *, now: int | None = None, max_bytes: int = MAX_BYTES
) -> Iterator[CatalogItem | Problem]:
    """Items (as in `PUT /v1/catalog`) and problems, in the feed's order.

    `source` is a path, an http(s) address, bytes or an open file; gzip is unpacked. Memory holds one item.
    Raises FeedError when there is nothing that could be read as a feed.
    """
    at = time.time_ns() // 1_000_000 if now is None else now
    pieces = chunks(source, max_bytes)
    head = b""
    for piece in pieces:
        head += piece
        if len(head) >= 1_024:
            break
    start = _plain(head).lstrip()
    if not start:
        raise FeedError("the feed is empty")
    whole = chain([head], pieces)
    if start.startswith("<"):
        for found in read_xml(whole):
            yield found if isinstance(found, Problem) else _merchant_item(found[0], found[1], at)
    elif start.startswith("{"):
        for line in read_json_lines(whole):
            yield line if isinstance(line, Problem) else _own_item(line[0], line[1])
    elif start.startswith("["):
        raise FeedError("this is one JSON array; items are read as JSON lines, one object on each line")
    else:
        for row in read_table(whole):
            yield row if isinstance(row, Problem) else _merchant_item(row[0], row[1], at)


def import_items(
    source: Source,
    store: Callable[[list[CatalogItem]], object],
    *,
    now: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> FeedReport:
    """Hands a feed's items to `store`, 500 at a time. Raises FeedError, and what `store` raises."""
    report = FeedReport()
    batch: list[CatalogItem] = []

    def flush() -> None:
        if batch:
            store(list(batch))
            report.items += len(batch)
            batch.clear()
            if progress is not None:
                progress(report.items)

    for found in parse_feed(source, now=now):
        if isinstance(found, Problem):
            report.note(found)
            continue
        batch.append(found)
        if len(batch) >= BATCH:
            flush()
    flush()
    return report


def _merchant_item(line: int, attributes: object, now: int) -> CatalogItem | Problem:
    try:
        return item_from_attributes(attributes, now)  # type: ignore[arg-type]  # both readers yield dicts
    except InvalidItem as error:
        return error.at(line)


def _own_item(line: int, record: object) -> CatalogItem | Problem:
    try:
        return item_from_record(record)
    except InvalidItem as error:
        return error.at(line)


def _plain(head: bytes) -> str:
    """The beginning as text, to see what it is."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return head.decode("utf-16", "replace").lstrip("\ufeff")
    return head.decode("utf-8", "replace").lstrip("\ufeff")
