"""A slot's form shows the slot as it is; its document says only what is other than the shop's own. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from habitue_recommender.slots import Slot

_PLAIN = Slot("plain")


def whole(slot: Slot) -> dict[str, Any]:
    """All of a slot as a body."""
    body: dict[str, Any] = {}
    for one in fields(slot):
        value = getattr(slot, one.name)
        if one.name == "id":
            continue
        if one.name == "variants":
            body["variants"] = {variant.name: variant.share for variant in value}
        elif isinstance(value, tuple):
            body[one.name] = [str(word) for word in value]
        else:
            body[one.name] = value
    return body


def only_changes(body: Mapping[str, Any], base: Slot | None) -> dict[str, Any]:
    """The body without what the shop's own slot (or a slot of which nothing is said) has anyway."""
    held = whole(base if base is not None else _PLAIN)
    return {name: value for name, value in body.items() if name not in held or not _same(value, held[name])}


def _same(value: Any, held: Any) -> bool:
    """Shares are shown rounded: a twelfth that nobody touched is still a twelfth."""
    if isinstance(held, float) and isinstance(value, int | float):
        return abs(value - held) < 1e-5
    return bool(value == held)
