"""A page laid out by what its visitor likes: the order of its sections. Pure.

A section is named by the shop: a category path ("Shoes", "Shoes/Trail") or a brand. The part of somebody's
taste that lies in it is its place; whatever they have shown no liking for keeps the shop's own order. Nothing
is drawn by lot and shares do not change by themselves, so a page that is loaded again does not jump.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from habitue_collector.events import MAX_TEXT_LENGTH
from habitue_collector.profile import Profile
from habitue_recommender.catalog.catalog import prefixes

MAX_SECTIONS = 100
LEAST = 0.02  # of somebody's taste: with less a section stays where the shop put it


def parse_sections(raw: Any) -> list[str]:
    """The names as a request says them, each once; what can be none is left out."""
    if isinstance(raw, str):
        raw = raw.split(",")
    if not isinstance(raw, list | tuple):
        return []
    names = (one for one in raw if isinstance(one, str) and 0 < len(one) <= MAX_TEXT_LENGTH)
    return list(dict.fromkeys(one for one in names if _storable(one)))[:MAX_SECTIONS]


def order_sections(sections: Sequence[str], profile: Profile | None) -> list[str]:
    """The sections, those that are liked most first; as they came where nothing is known of anybody."""
    if profile is None:
        return list(sections)
    liked = _likings(profile.affinity("category"), profile.affinity("brand"))
    if not liked:
        return list(sections)

    def place(name: str) -> float:
        share = liked.get(_plain(name), 0.0)
        return -share if share >= LEAST else 0.0

    return sorted(sections, key=place)  # stable: what is not liked stays in the shop's order


def _likings(categories: Mapping[str, float], brands: Mapping[str, float]) -> dict[str, float]:
    """What lies in each category, with all below it, and in each brand: shares of the whole taste."""
    liked: dict[str, float] = {}
    for path, share in categories.items():
        for prefix in prefixes(path):
            name = _plain(prefix)
            liked[name] = liked.get(name, 0.0) + share
    for brand, share in brands.items():
        name = _plain(brand)
        liked[name] = max(liked.get(name, 0.0), share)
    return liked


def _plain(name: str) -> str:
    """As names are compared: without the case, and without spaces around the parts of a path."""
    return "/".join(part.strip() for part in name.casefold().split("/") if part.strip())


def _storable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
