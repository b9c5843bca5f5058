"""What a slot is answered with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypedDict, cast


class Reason(TypedDict):
    """Why an offer is made: as data and in plain words."""

    code: str
    text: str


class _Said(TypedDict, total=False):
    """What only some offers say: those of a content (`kind`: banner, message or coupon)."""

    kind: str
    text: str
    code: str


class Offer(_Said):
    """One offer. A price is a number in `currency`; a content has none.

    `item_id` to `reasons` are always there; what a shop's own fallback leaves out is empty, its name the id.
    """

    item_id: str
    name: str
    price: float | None
    currency: str | None
    url: str
    image_url: str
    score: float
    reasons: list[Reason]


OfferLike = Mapping[str, object]  # an `Offer`, or some members of one: a shop's own, as a fallback


def complete(offer: OfferLike) -> Offer:
    """With every member that an offer always has."""
    whole = {
        "item_id": "",
        "name": offer.get("item_id", ""),
        "price": None,
        "currency": None,
        "url": "",
        "image_url": "",
        "score": 0.0,
        "reasons": [],
        **offer,
    }
    return cast(Offer, whole)


class Offers(list[Offer]):
    """The offers of one slot, in their order; a list with the decision that made it.

    `decision_id` goes back with impressions and clicks. When the server's answer could not be had,
    the list is the caller's fallback and `missed` says why: `deadline`, `unreachable`, `http_<status>`,
    `circuit_open`, `invalid_answer`, `unknown_slot`, `invalid_argument`, `disabled`, `internal_error`.
    `sections` are those that were asked about, in the visitor's order, or as they were given.
    """

    def __init__(
        self,
        offers: Iterable[OfferLike] = (),
        *,
        decision_id: str | None = None,
        model: str | None = None,
        variant: str | None = None,
        missed: str | None = None,
        sections: Sequence[str] = (),
    ) -> None:
        super().__init__(map(complete, offers))
        self.decision_id = decision_id
        self.model = model
        self.variant = variant
        self.missed = missed
        self.sections = list(sections)


class NoOffers(Exception):
    """The answer holds no offers for the slot; `reason` is one of `Offers.missed`."""

    def __init__(self, reason: str, detail: object = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


def offers_in(answer: Any, slot: str, sections: Sequence[str] = ()) -> Offers:
    """The slot's offers in an answer of `/v1/recommend`; raises NoOffers."""
    slots = answer.get("slots") if isinstance(answer, dict) else None
    answered = slots.get(slot) if isinstance(slots, dict) else None
    if not isinstance(answered, dict) or not isinstance(answered.get("offers"), list):
        raise NoOffers("invalid_answer")
    if answered.get("reason") == "unknown_slot":
        raise NoOffers("unknown_slot", slot)
    return Offers(
        (offer for offer in answered["offers"] if isinstance(offer, dict)),
        decision_id=_text(answered.get("decision_id")),
        model=_text(answered.get("model")),
        variant=_text(answered.get("variant")),
        sections=sections_in(answer, sections) or sections,
    )


def sections_in(answer: Any, sections: Sequence[str]) -> list[str] | None:
    """Every given section once, in the answer's order; None for an answer that does not speak of them."""
    ordered = answer.get("sections") if isinstance(answer, dict) else None
    if not isinstance(ordered, list):
        return None
    given = dict.fromkeys(sections)
    known = dict.fromkeys(one for one in ordered if isinstance(one, str) and one in given)
    return [*known, *(one for one in given if one not in known)]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
