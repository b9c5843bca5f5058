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

ACTIONS = {
    "user.signed_in": N_("signed in"),
    "user.password": N_("chose a password"),
    "user.invited": N_("made a link for"),
    "user.role": N_("changed the role of"),
    "user.disabled": N_("blocked the account of"),
    "user.enabled": N_("unblocked the account of"),
    "user.removed": N_("removed"),
    "user.signed_out": N_("signed out everywhere"),
    "key.created": N_("made the key"),
    "key.changed": N_("changed the key"),
    "key.revoked": N_("revoked the key"),
    "rule.saved": N_("saved the rule"),
    "rule.deleted": N_("deleted the rule"),
    "rule.undone": N_("took back a change of the rule"),
    "segment.saved": N_("saved the segment"),
    "segment.deleted": N_("deleted the segment"),
    "segment.undone": N_("took back a change of the segment"),
    "segment.exported": N_("exported the segment"),
    "slot.saved": N_("saved the slot"),
    "slot.deleted": N_("deleted the slot"),
    "slot.undone": N_("took back a change of the slot"),
    "content.saved": N_("saved the content"),
    "content.deleted": N_("deleted the content"),
    "content.undone": N_("took back a change of the content"),
    "model.rolled_back": N_("went back to the model"),
    "visitor.erased": N_("erased the visitor"),
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
            actions=ACTIONS,
            older=found[PER_PAGE - 1].id if len(found) > PER_PAGE else "",
            first=before == "",
        )

    return [Route("/settings/changes", changes)]
