"""What a decision notes of itself while somebody watches: the raw steps that `explain` puts into words. Pure.

Nobody watches an ordinary decision: `trace` is None there, and each place that notes asks for that first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Step(StrEnum):
    """Where in the decision something was noted, and what `data` holds there.

    Whatever is known of an item is noted under its id; of a whole source, rule or slot under None. A slot id
    of "" stands for the request: what was dropped there no slot of it can show.
    """

    CANDIDATES = "candidates"  # None: {"source", "count"}; an item: {"source", "score", "place"}
    DROPPED = "dropped"  # an item: {"reason": a `Drop`, "source"?}
    SCORE = "score"  # an item, as it goes into the rules: {"score", "source"}
    # Item or None: {"rule": its id, "effect": "pin", …, "factor", "position", "before", "after"}
    RULE = "rule"
    CAP = "cap"  # an item: {"rule"?, "count", "impressions", "days"}
    DIVERSITY = "diversity"  # an item not taken: {"why": a `Passed`} or taken for less: {"before", "after"}
    CHOSEN = "chosen"  # an item: {"position", "score", "source"}


class Passed(StrEnum):
    """Why a candidate that reached the choosing did not get a place."""

    ON_PAGE = "on_page"  # another slot of the page shows it, or a variant of it
    IN_SLOT = "in_slot"  # a variant of it stands here
    CATEGORY_FULL = "category_full"
    BRAND_FULL = "brand_full"
    DOUBLE = "double"  # of the same family: only fills what is left


@dataclass(frozen=True, slots=True)
class Note:
    slot: str
    step: str
    item_id: str | None
    data: dict[str, Any]


class Trace:
    """Notes in the order they were made."""

    __slots__ = ("notes",)

    def __init__(self) -> None:
        self.notes: list[Note] = []

    def note(self, slot_id: str, step: str, item_id: str | None, data: dict[str, Any]) -> None:
        self.notes.append(Note(slot_id, step, item_id, data))

    def of(self, slot_id: str, step: str | None = None) -> Iterator[Note]:
        """What was noted of one slot, or of the whole request."""
        return (one for one in self.notes if one.slot in (slot_id, "") and (step is None or one.step == step))
