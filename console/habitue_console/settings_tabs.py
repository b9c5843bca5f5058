"""The parts of the settings that somebody's role may open."""

from __future__ import annotations

from starlette.requests import Request

from .roles import Me
from .words import words


def tabs(request: Request) -> list[tuple[str, str]]:
    """(path, label) in their order; who has no session has no account."""
    _ = words(request)
    me: Me = request.state.me
    found = [
        ("/settings", _("Keys and origins")),
        ("/settings/consent", _("Consent")),
        ("/settings/retention", _("Retention")),
    ]
    if me.may("admin"):
        found.append(("/settings/users", _("Users")))
    if me.may("marketer"):
        found.append(("/settings/changes", _("Changes")))
    if me.session is not None:
        found.append(("/settings/you", _("You")))
    return found
