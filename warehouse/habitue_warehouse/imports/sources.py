"""Where a feed comes from: a file, a URL, or bytes; packed with gzip or not; in chunks, of bounded size."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

CHUNK = 65_536
MAX_BYTES = 4 * 1024**3  # Google takes feeds of up to 4 GB
CONNECT_SECONDS = 30.0
TOTAL_SECONDS = 1_800.0

Source = str | Path | bytes | IO[bytes]


class FeedError(ValueError):
    """The feed as a whole cannot be read; the text says why."""


def chunks(
    source: Source, max_bytes: int = MAX_BYTES, total_seconds: float = TOTAL_SECONDS
) -> Iterator[bytes]:
    """The unpacked bytes. Raises FeedError: not there, too large, broken gzip, too slow."""
    pieces = _unpacked(_raw(source))
    until = time.monotonic() + total_seconds
    read = 0
    try:
        for piece in pieces:
            read += len(piece)
            if read > max_bytes:
                raise FeedError(f"the feed is larger than {max_bytes:,} bytes when unpacked")
            if time.monotonic() > until:
                raise FeedError(f"the feed did not arrive within {total_seconds:.0f} s")
            if piece:
                yield piece
    except zlib.error as error:
        raise FeedError(f"the feed is broken gzip: {error}") from error
    except urllib.error.HTTPError as error:
        raise FeedError(f"the feed cannot be read: its address answers {error.code}") from error
    except FileNotFoundError as error:
        raise FeedError(f"the feed cannot be read: there is no file {error.filename}") from error
    except (OSError, EOFError) as error:
        inner = getattr(error, "reason", error)  # of a URLError
        said = getattr(inner, "strerror", None) or inner
        raise FeedError(f"the feed cannot be read: {said}") from error


def _raw(source: Source) -> Iterator[bytes]:
    if isinstance(source, bytes):
        for start in range(0, len(source), CHUNK):
            yield source[start : start + CHUNK]
    elif isinstance(source, str) and "://" in source:
        yield from _from_url(source)
    elif isinstance(source, str | Path):
        with open(source, "rb") as file:
            while piece := file.read(CHUNK):
                yield piece
    else:
        while piece := source.read(CHUNK):
            yield piece


def _from_url(url: str) -> Iterator[bytes]:
    if urlsplit(url).scheme not in ("http", "https"):
        raise FeedError(f"feeds are fetched by http and https, not from {url!r}")
    request = urllib.request.Request(url, headers={"User-Agent": "Habitue", "Accept-Encoding": "gzip"})
    opener = urllib.request.build_opener(_OnlyWeb())
    with opener.open(request, timeout=CONNECT_SECONDS) as answer:
        while piece := answer.read1(CHUNK):
            yield piece


class _OnlyWeb(urllib.request.HTTPRedirectHandler):
    """Follows redirects to the web, not to ftp or files."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if urlsplit(newurl).scheme not in ("http", "https"):
            raise FeedError(f"the feed's address leads away from the web, to {newurl!r}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _unpacked(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Unpacks gzip by its first two bytes, whatever name or header it came with; several members too."""
    head = b""
    for piece in pieces:
        head += piece
        if len(head) >= 2:
            break
    if head[:2] != b"\x1f\x8b":
        yield head
        yield from pieces
        return
    inflate = zlib.decompressobj(wbits=31)
    waiting = head
    while True:
        while waiting:
            out = inflate.decompress(waiting, CHUNK)  # never more than a chunk: a bomb is met by the size cap
            yield out
            waiting = inflate.unconsumed_tail
            if inflate.eof:
                waiting = inflate.unused_data.lstrip(b"\0")
                inflate = zlib.decompressobj(wbits=31)
                if waiting[:1] != b"\x1f":  # bytes after the last member are nothing of ours
                    return
        more = next(pieces, None)
        if more is None:
            break
        waiting = more
    raise FeedError("the feed is broken gzip: it ends in the middle")
