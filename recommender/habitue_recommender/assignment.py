"""Who is in which arm: a salted hash of the visitor, so it needs no memory and never changes. Pure.

The holdout's hash does not name the slot: who is held out of one slot is held out of every slot with the
same share, so there are people who were never personalised at all. Variants are drawn per slot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

DEFAULT_VARIANT = "default"
HOLDOUT_VARIANT = "holdout"
_WHOLE = 1 << 64


@dataclass(frozen=True, slots=True)
class Variant:
    """One arm of an experiment on a slot: its name and its share (0–1) of those not held out."""

    name: str
    share: float


@dataclass(frozen=True, slots=True)
class Assignment:
    variant: str = DEFAULT_VARIANT
    holdout: bool = False


def assign(
    salt: bytes, slot_id: str, visitor_id: str | None, holdout: float = 0.0, variants: Sequence[Variant] = ()
) -> Assignment:
    """The arm of one visitor in one slot; without an id everybody is in the default arm."""
    if visitor_id is None:
        return Assignment()
    if holdout > 0.0 and share_of(salt, "holdout", visitor_id) < holdout:
        return Assignment(HOLDOUT_VARIANT, True)
    if variants:
        place = share_of(salt, f"slot:{slot_id}", visitor_id)
        for variant in variants:
            if place < variant.share:
                return Assignment(variant.name)
            place -= variant.share
    return Assignment()


def share_of(salt: bytes, purpose: str, visitor_id: str) -> float:
    """Where a visitor falls between 0 and 1, evenly and independently for each purpose."""
    text = f"{purpose}\0{visitor_id}".encode("utf-8", "replace")
    return int.from_bytes(blake2b(text, digest_size=8, key=salt[:64]).digest(), "big") / _WHOLE
