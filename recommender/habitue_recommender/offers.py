"""Offers and decisions: what one slot shows to one visitor, on the wire and in the log. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from habitue_recommender.items import Item
from habitue_recommender.page import Page
from habitue_recommender.reasons import Reason
from habitue_recommender.slots import UNKNOWN_SLOT, Source


@dataclass(slots=True)
class Ranked:
    """A candidate on its way to a place: `score` is 0 to 1 over all sources of the slot."""

    item: Item
    score: float
    source: Source


@dataclass(frozen=True, slots=True)
class Offer:
    """One item in one place, and why."""

    item: Item
    score: float
    source: Source
    reasons: tuple[Reason, ...]

    def to_public(self, locale: str = "en") -> dict[str, Any]:
        item = self.item
        return {
            "item_id": item.item_id,
            "name": item.name,
            "price": item.price,
            "currency": item.currency,
            "url": item.url,
            "image_url": item.image_url,
            "score": self.score,
            "reasons": [reason.to_public(locale) for reason in self.reasons],
        }


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer for one slot. `sources` counts the candidates that each asked source had."""

    decision_id: str
    slot: str
    timestamp: int
    page: Page
    model: str
    variant: str
    holdout: bool
    offers: tuple[Offer, ...]
    profile_id: str | None = None
    session_id: str | None = None
    late: bool = False  # past its deadline: sources were left out
    sources: dict[str, int] = field(default_factory=dict)
    drops: dict[str, int] = field(default_factory=dict)  # of the whole request, by reason
    unknown: bool = False
    sequence: int = 0

    def to_public(self, locale: str = "en") -> dict[str, Any]:
        """The slot's answer on the wire."""
        if self.unknown:
            return {"offers": [], "reason": UNKNOWN_SLOT}
        return {
            "decision_id": self.decision_id,
            "offers": [offer.to_public(locale) for offer in self.offers],
            "model": self.model,
            "variant": self.variant,
        }

    def to_record(self, anonymous_id: str | None = None) -> dict[str, Any]:
        """The stored form, in the log and the archive."""
        record: dict[str, Any] = {
            "decision_id": self.decision_id,
            "timestamp": self.timestamp,
            "slot": self.slot,
            "page": self.page.to_public(),
            "model": self.model,
            "variant": self.variant,
            "holdout": self.holdout,
            "offers": [
                {
                    "item_id": offer.item.item_id,
                    "position": position,
                    "score": offer.score,
                    "source": offer.source.value,
                    "reason_code": offer.reasons[0].code.value,
                }
                for position, offer in enumerate(self.offers)
            ],
        }
        for name, value in (
            ("profile_id", self.profile_id),
            ("anonymous_id", anonymous_id),
            ("session_id", self.session_id),
        ):
            if value:
                record[name] = value
        if self.late:
            record["late"] = True
        return record
