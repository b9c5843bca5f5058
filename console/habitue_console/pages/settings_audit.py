"""Who changed what: the console's own log, newest first."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ..guard import require
from ..house import House
from ..rendering import render
from ..settings_tabs import tabs
from ..words import N_

PER_PAGE = 50
_STREAM_ID = re.compile(r"[0-9]{1,16}-[0-9]{1,10}")

# An action is "noun.verb"; what is not named here stands as it is.
NOUNS = {
    "rule": N_("Rule"),
    "segment": N_("Segment"),
    "slot": N_("Slot"),
    "content": N_("Content"),
    "user": N_("User"),
    "key": N_("Key"),
    "model": N_("Model"),
    "visitor": N_("Visitor"),
    "retention": N_("Retention"),
    "persona": N_("A made-up visitor"),
}
VERBS = {
    "saved": N_("saved"),
    "deleted": N_("deleted"),
    "undone": N_("change taken back"),
    "restored": N_("older version brought back"),
    "imported": N_("imported"),
    "exported": N_("exported"),
    "enabled": N_("switched on"),
    "disabled": N_("switched off"),
    "created": N_("made"),
    "changed": N_("changed"),
    "revoked": N_("revoked"),
    "rolled_back": N_("made live again"),
    "held": N_("held"),
    "let_go": N_("let go"),
    "seen": N_("looked at"),
    "erased": N_("erased"),
    "signed_in": N_("signed in"),
    "signed_out": N_("signed out everywhere"),
    "password": N_("password chosen"),
    "invited": N_("link made"),
    "role": N_("role changed"),
    "blocked": N_("blocked"),
    "unblocked": N_("unblocked"),
    "removed": N_("removed"),
}


def routes(house: House) -> list[BaseRoute]:
    @require("marketer")
    async def changes(request: Request) -> Response:
        before = request.query_params.get("before", "")
        before = before if _STREAM_ID.fullmatch(before) else ""
        found = await house.audit.newest(PER_PAGE + 1, before)
        return render(
            request,
            "settings/changes.html",
            tabs_shown=tabs(request),
            changes=found[:PER_PAGE],
            nouns=NOUNS,
            verbs=VERBS,
            older=found[PER_PAGE - 1].id if len(found) > PER_PAGE else "",
            first=before == "",
        )

    return [Route("/settings/changes", changes)]
