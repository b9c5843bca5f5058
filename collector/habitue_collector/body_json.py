"""A request's JSON, also where one value in it is none: a batch is not lost because of one event.

What clients write that the standard (RFC 8259) or our parser leaves out, and what it becomes here: half of an
emoji that somebody cut a title in (`"\\ud83d"`, as every JSON.stringify writes it): U+FFFD; Python's `NaN`,
`Infinity` and numbers beyond what a float holds: null, as JavaScript writes them; a byte order mark: nothing.
Such a body is read at a tenth of the usual speed, and so only up to `PATIENCE_BYTES`: no stranger's one
request keeps all others waiting.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final

import orjson

# What Segment's libraries put into one request at most (500 KB), and a little.
PATIENCE_BYTES: Final = 524_288

# Everything else, pairs of surrogates included, is passed over in one go: what is left is half of a pair.
_HALF: Final = re.compile(
    rb"((?:[^\\]++|\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?!u[dD][89a-fA-F][0-9a-fA-F]{2}).))++)"
    rb"|\\u[dD][89a-fA-F][0-9a-fA-F]{2}",
    re.S,
)


def read_json(body: bytes) -> Any:
    """The parsed body. Raises orjson.JSONDecodeError."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        return read_as_meant(body, error)


def read_as_meant(body: bytes, error: orjson.JSONDecodeError) -> Any:
    """What orjson could not read, and why: read with patience, or the error is raised."""
    if len(body) > PATIENCE_BYTES:
        raise error
    try:
        text = _HALF.sub(_whole, body).decode("utf-8-sig")
        return json.loads(text, parse_constant=_nothing, parse_float=_finite, parse_int=_whole_number)
    except (ValueError, RecursionError):
        raise error from None


def _whole(part: re.Match[bytes]) -> bytes:
    return part[1] or b"\\ufffd"


def _nothing(constant: str) -> None:
    return None


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def _whole_number(digits: str) -> float | None:
    return int(digits) if len(digits) < 19 else _finite(digits)
