"""Where the offers will stand: what the asking page says of itself. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from habitue_collector.events import MAX_ID_LENGTH, MAX_TEXT_LENGTH


@dataclass(frozen=True, slots=True)
class Page:
    """`type` is one of home, category, product, cart, search, thanks or a word of the shop's own."""

    type: str = ""
    item_id: str | None = None
    category: str | None = None

    @classmethod
    def parse(cls, raw: Any) -> Page:
        """From `page` on the wire; what cannot be meant is left out: a page is a hint, not an order."""
        if not isinstance(raw, Mapping):
            return cls()
        category = _text(raw.get("category"), MAX_TEXT_LENGTH)
        if category is not None:
            category = "/".join(part.strip() for part in category.split("/") if part.strip()) or None
        item_id = raw.get("item_id")
        if isinstance(item_id, int) and not isinstance(item_id, bool) and abs(item_id) < 1e18:
            item_id = str(item_id)
        return cls(_text(raw.get("type"), 64) or "", _text(item_id, MAX_ID_LENGTH), category)

    def to_public(self) -> dict[str, str | None]:
        return {"type": self.type, "item_id": self.item_id, "category": self.category}


def _text(value: Any, limit: int) -> str | None:
    if not isinstance(value, str) or not value or len(value) > limit:
        return None
    try:
        value.encode()
    except UnicodeEncodeError:
        return None
    return value
