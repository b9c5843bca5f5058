"""What a visitor says they are not interested in: taken out of the profile. Pure.

It comes as an event named `Interests Corrected`, so that a replay forgets the same.
"""

from __future__ import annotations

from typing import Any

from habitue_collector.profile import State

CORRECTED = "Interests Corrected"
_DIMENSIONS = {"categories": "category", "brands": "brand", "price_bands": "price_band"}
LISTS = (*_DIMENSIONS, "item_ids")  # what can be named in the event's properties


def forget(state: State, said: dict[str, Any]) -> None:
    """`said` has lists of names (`LISTS`), or `everything: true`. A category goes with all below it."""
    if said.get("everything") is True:
        state.pop("affinities", None)
        state.pop("recent_items", None)
        return
    affinities: State = state.get("affinities", {})
    for member, dimension in _DIMENSIONS.items():
        gone = _texts(said.get(member))
        scores = affinities.get(dimension, {})
        for name in [one for one in scores if _is_within(one, gone, dimension == "category")]:
            del scores[name]
        if not scores:
            affinities.pop(dimension, None)
    recent: State = state.get("recent_items", {})
    for item_id in _texts(said.get("item_ids")):
        recent.pop(item_id, None)
    for name, left in (("affinities", affinities), ("recent_items", recent)):
        if not left:
            state.pop(name, None)


def _texts(value: object) -> set[str]:
    return {one for one in value if isinstance(one, str)} if isinstance(value, list) else set()


def _is_within(name: str, gone: set[str], is_path: bool) -> bool:
    return name in gone or (is_path and any(name.startswith(f"{path}/") for path in gone))
