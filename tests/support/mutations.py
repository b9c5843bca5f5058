"""Requests that were good once: bytes changed, cut, doubled, put into each other; for long fuzzing.

Hypothesis makes a few hundred inputs a second; a hundred thousand a minute need something plainer.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

_SPLICES = (
    *(
        b"&",
        b"=",
        b"?",
        b"%",
        b"%00",
        b"%ff",
        b"%ED%A0%80",
        b"+",
        b"{",
        b"}",
        b"[",
        b"]",
        b'"',
        b"\\",
        b"\\ud800",
    ),
    *(
        b"null",
        b"true",
        b"1e999",
        b"-1",
        b"9" * 30,
        b"NaN",
        b"\x00",
        b"\xff\xfe",
        b"a" * 300,
        b"[[[[",
        b'{"a":',
    ),
    *(b"idgoal=0", b"rec=1", b'"e":"ue"', b'"data":', b"iglu:", b"refund:1", b"user:x", b","),
)


def mutations(
    seeds: Sequence[tuple[bytes, bytes]], count: int, seed: int = 0
) -> Iterator[tuple[bytes, bytes]]:
    """So many (query, body) pairs, the same for the same seed."""
    chance = random.Random(seed)
    for _ in range(count):
        query, body = chance.choice(seeds)
        other = chance.choice(seeds)
        if query:
            query = _changed(query, other[0], chance)
        if body:
            body = _changed(body, other[1], chance)
        yield query, body


def _changed(text: bytes, other: bytes, chance: random.Random) -> bytes:
    """One to four changes; one in eight stays as it is."""
    if chance.random() < 0.125:
        return text
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(text) + 1)
        to = min(len(text), at + chance.choice((1, 1, 2, 5, 20)))
        match chance.randrange(6):
            case 0:
                text = text[:at] + bytes((chance.randrange(256),)) + text[to:]
            case 1:
                text = text[:at] + text[to:]
            case 2:
                text = text[:at] + chance.choice(_SPLICES) + text[at:]
            case 3:
                text = text[:to] + text[at:to] * chance.randint(1, 3) + text[to:]
            case 4:
                cut = chance.randrange(len(other) + 1)
                text = text[:at] + other[cut : cut + chance.choice((1, 5, 40))] + text[at:]
            case 5:
                text = text[:at] + chance.choice(_SPLICES) + text[to:]
    return text
