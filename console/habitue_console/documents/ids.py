"""Ids made of names. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from habitue_recommender.rulebook.documents import is_id


def slug(name: str) -> str:
    """A name as an id: `Schöne Füße 2` becomes `schoene-fuesse-2`."""
    for letter, plain in _LETTERS.items():
        name = name.replace(letter, plain)
    flat = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()
    made = "-".join("".join(one if one.isalnum() else " " for one in flat).split())[:60].strip("-")
    return made if is_id(made) else ""


_LETTERS = {
    **{"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ł": "l", "ø": "o"},
    **{"Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "Ł": "L", "Ø": "O"},
}


def numbered(base: str) -> Iterable[str]:
    yield base
    number = 2
    while True:
        yield f"{base[:58]}-{number}"
        number += 1
