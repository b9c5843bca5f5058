"""Who may do what in the console: three roles, each may what the one before may (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """viewer reads; marketer changes rules, segments, slots and contents; admin also users, keys, models."""

    VIEWER = "viewer"
    MARKETER = "marketer"
    ADMIN = "admin"

    def may(self, needed: Role) -> bool:
        """Whether this role is at least `needed`."""
        return _ORDER[self] >= _ORDER[needed]


_ORDER = {role: place for place, role in enumerate(Role)}


@dataclass(frozen=True, slots=True)
class Me:
    """Who asks. `session` is None for a script with a secret key: it has no cookie to be ridden on."""

    name: str
    role: Role
    session: str | None = None
    language: str = ""

    def may(self, needed: Role | str) -> bool:
        """`{% if me.may("marketer") %}` in a template."""
        return self.role.may(Role(needed))
