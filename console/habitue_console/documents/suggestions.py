"""What a condition can name in this shop: brands, categories, attributes, segments, slots."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from habitue_console.words import Words
from habitue_recommender.catalog.catalog import Catalog
from habitue_recommender.conditions.complete import complete
from habitue_recommender.rulebook.book import Rulebook

MOST = 300  # of one list
_LOOKED_AT = 20_000  # items, for brands and names of attributes
_SHOWN = 12
COUNTRIES = (
    *("AT", "BE", "CH", "CZ", "DE", "DK", "ES", "FI", "FR", "GB", "HU", "IE"),
    *("IT", "LU", "NL", "NO", "PL", "PT", "RO", "SE", "SK", "UA", "US"),
)
LANGUAGES = (
    *("cs", "da", "de", "en", "es", "fi", "fr", "hu", "it"),
    *("nl", "no", "pl", "pt", "ro", "sk", "sv", "uk"),
)


class Shelves:
    """What the catalog holds, counted again only when something changed shelf: 20 ms of 20,000 items."""

    def __init__(self) -> None:
        self._seen: tuple[int, int] = (-1, -1)
        self._lists: dict[str, list[str]] = {}

    def lists(self, catalog: Catalog) -> Mapping[str, list[str]]:
        seen = (id(catalog), catalog.shelved)
        if seen != self._seen:
            brands: Counter[str] = Counter()
            attributes: Counter[str] = Counter()
            for item in islice(catalog.newest(), _LOOKED_AT):
                attributes.update(item.attributes)
                if item.brand:
                    brands[item.brand] += 1
            self._lists = {
                "brands": sorted(name for name, _ in brands.most_common(MOST)),
                "attributes": [name for name, _ in attributes.most_common(MOST)],
                "categories": catalog.categories()[:MOST],
            }
            self._seen = seen
        return self._lists


class Suggested:
    """Values by the name that a field's `suggests` gives."""

    def __init__(self, shelves: Shelves, catalog: Catalog, rulebook: Rulebook) -> None:
        self._lists = shelves.lists(catalog)
        self._rulebook = rulebook

    def values(self, of: str) -> Sequence[tuple[str, str]]:
        """Each value with a label, or "" where it is its own."""
        if of == "segments":
            return [(one.id, one.name) for one in self._rulebook.segments][:MOST]
        if of == "slots":
            return [(slot.id, slot.title) for slot in self._rulebook.slots.values()][:MOST]
        if of == "countries":
            return [(code, "") for code in COUNTRIES]
        if of == "languages":
            return [(code, "") for code in LANGUAGES]
        return [(name, "") for name in self._lists.get(of, ())]

    def completions(self, text: str, at: int, groups: Sequence[str], _: Words) -> dict[str, Any]:
        """What could stand at the caret, for the editor: each with the place that it takes."""
        values = {
            of: [value for value, _label in self.values(of)]
            for of in ("segments", "slots", "countries", "languages", *self._lists)
        }
        names = dict(self.values("segments"))
        found = [
            one
            for one in complete(text, at, values)
            if one.kind != "field" or one.text.partition(".")[0] in groups
        ]
        return {
            "options": [
                {
                    "text": one.text,
                    "start": one.start,
                    "end": one.end,
                    "hint": _(one.label) if one.label else names.get(one.text.strip('"'), ""),
                }
                for one in found[:_SHOWN]
            ]
        }
