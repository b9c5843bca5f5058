"""Offers and decisions: what one slot shows to one visitor, on the wire and in the log. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import orjson

from habitue_recommender.catalog.items import Item
from habitue_recommender.page import Page
from habitue_recommender.reasons import Reason
from habitue_recommender.rulebook.contents import Content
from habitue_recommender.slots import UNKNOWN_SLOT, Source


class Origin(StrEnum):
    """What brought an offer that no source brought."""

    PINNED = "pinned"
    RULE = "rule"  # included, or what a rule falls back on
    CONTENT = "content"


EMPTIED = "all_excluded"  # why a slot is empty: the shop's rules left nothing of what there was


@dataclass(slots=True)
class Ranked:
    """A candidate on its way to a place: `score` is 0 to 1 over all sources of the slot.

    `floor` is where its source's part of the scale begins. A rule that lifts lifts what is above that, so
    a score can pass 1 on the way; the offer's ends there.
    """

    item: Item
    score: float
    source: Source | Origin
    floor: float = 0.0
    promoted: bool = False


@dataclass(slots=True)
class Run:
    """Candidates one after the other on their way to places, best first.

    Hundreds are looked at for a dozen places, so each becomes a `Ranked` only when it is taken. Those that a
    rule has put in order are one already, and stand in `whole`.
    """

    items: list[Item]
    scores: list[float]
    source: Source | Origin
    floor: float = 0.0
    whole: list[Ranked] | None = None

    @classmethod
    def of(cls, whole: list[Ranked]) -> Run:
        return cls([one.item for one in whole], [one.score for one in whole], Origin.RULE, 0.0, whole)

    def ranked(self, at: int, score: float) -> Ranked:
        """The candidate at a place of the run, with what it is worth by now."""
        if self.whole is None:
            return Ranked(self.items[at], score, self.source, self.floor)
        one = self.whole[at]
        one.score = score
        return one

    def only(self, kept: list[int]) -> Run:
        """Those at these places."""
        if len(kept) == len(self.items):
            return self
        whole = None if self.whole is None else [self.whole[at] for at in kept]
        items, scores = [self.items[at] for at in kept], [self.scores[at] for at in kept]
        return Run(items, scores, self.source, self.floor, whole)


@dataclass(frozen=True, slots=True)
class Offer:
    """One item in one place, and why; or a content, which looks like an item and says a little more."""

    item: Item
    score: float
    source: Source | Origin
    reasons: tuple[Reason, ...]
    content: Content | None = None

    def to_public(self, locale: str = "en") -> dict[str, Any]:
        public = self.item.to_offer() | {
            "score": self.score,
            "reasons": [reason.to_public(locale) for reason in self.reasons],
        }
        return public if self.content is None else public | self.content.to_public()

    def pack(self, locale: str = "en") -> bytes:
        """`to_public` as JSON, of pieces that are known."""
        if self.content is not None:
            return orjson.dumps(self.to_public(locale))
        said = b",".join([reason.pack(locale) for reason in self.reasons])
        return b'%b,"score":%b,"reasons":[%b]}' % (self.item.packed, orjson.dumps(self.score), said)


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer for one slot. `sources` counts the candidates that each asked source had.

    `reason` says why it is empty, where that is known. `rules` are the ids of those that changed something,
    and `rulebook` is the version of the whole they belong to.
    """

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
    reason: str = ""
    sequence: int = 0
    rules: tuple[str, ...] = ()
    rulebook: int = 0

    @property
    def unknown(self) -> bool:
        """Nothing was decided: nobody knows the slot, or it is switched off."""
        return not self.decision_id

    def to_public(self, locale: str = "en") -> dict[str, Any]:
        """The slot's answer on the wire."""
        if self.unknown:
            return {"offers": [], "reason": self.reason or UNKNOWN_SLOT}
        public: dict[str, Any] = {
            "decision_id": self.decision_id,
            "offers": [offer.to_public(locale) for offer in self.offers],
            "model": self.model,
            "variant": self.variant,
        }
        if self.reason:
            public["reason"] = self.reason
        return public

    def pack(self, locale: str = "en", **more: str) -> bytes:
        """`to_public`, and what else is said of the slot, as JSON."""
        if self.unknown:
            return orjson.dumps(self.to_public(locale) | more)
        rest: dict[str, str] = {"model": self.model, "variant": self.variant}
        if self.reason:
            rest["reason"] = self.reason
        return b'{"decision_id":"%b","offers":[%b],%b' % (
            self.decision_id.encode(),
            b",".join([offer.pack(locale) for offer in self.offers]),
            orjson.dumps(rest | more)[1:],
        )

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
        if self.rules:
            record["rules"] = list(self.rules)
        if self.rulebook:
            record["rulebook"] = self.rulebook
        return record
