"""One person in two roles: a private customer and a buyer for a company, each with tastes of its own. Pure.

The role that acts now lives in the profile itself; the others wait under `personas`. An event whose
`context.persona` names another role switches, before it is folded.
"""

from __future__ import annotations

from typing import Any

from habitue_collector.profile import State

DEFAULT = "default"
MAX_PERSONAS = 4
MAX_NAME = 32
# What each role has for itself; orders, traits and consents are the person's.
OWN = ("session", "recent_items", "affinities", "cart", "bought", "exposures", "worn")


def switch(state: State, name: object) -> bool:
    """Let the person act in the role `name`; False when it does already, or it cannot be a name."""
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME:
        return False
    current = state.get("persona", DEFAULT)
    if name == current:
        return False
    waiting: dict[str, Any] = state.setdefault("personas", {})
    if name not in waiting and len(waiting) >= MAX_PERSONAS - 1:
        return False
    waiting[current] = {member: state.pop(member) for member in OWN if member in state}
    state.update(waiting.pop(name, {}))
    state["persona"] = name
    return True


def merge(state: State, moved: State) -> None:
    """Roles that a transfer brings along wait beside ours; of two with one name the known one stays."""
    for name, own in moved.get("personas", {}).items():
        waiting = state.setdefault("personas", {})
        if name != state.get("persona", DEFAULT) and name not in waiting and len(waiting) < MAX_PERSONAS - 1:
            waiting[name] = own
