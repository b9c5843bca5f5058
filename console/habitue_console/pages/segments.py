"""Segments: named sets of visitors, with how many people are in each and who."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from habitue_console.documents.current import current
from habitue_console.documents.pages import DocumentPages
from habitue_console.drafts.draft import SEGMENT, Draft
from habitue_console.guard import require
from habitue_console.house import House
from habitue_console.rendering import redirect
from habitue_console.words import Words, words
from habitue_recommender.conditions import ConditionError, parse
from habitue_recommender.rulebook.documents import CONTENT, RULE, Document, Loaded
from habitue_recommender.segments.counts import SegmentFigures
from habitue_recommender.segments.segment import Segment
from habitue_recommender.webhooks.messages import secret_of

_SHOWN = 10


def routes(house: House) -> list[BaseRoute]:
    pages = SegmentPages(house)
    return [
        Route("/segments/{id}/members.csv", require("marketer")(pages.members)),
        Route("/segments/{id}/try-webhook", require("marketer")(pages.try_webhook), methods=["POST"]),
        *pages.routes(),
    ]


class SegmentPages(DocumentPages):
    kind, plural, draft_kind = "segment", "segments", SEGMENT
    switchable = False
    people = True
    groups = ("visitor", "time")

    def texts(self, _: Words) -> dict[str, Any]:
        return {
            "plural_title": _("Segments"),
            "new_label": _("New segment"),
            "intro": _("Named sets of visitors, up to date with every event, from the first visit on."),
            "empty": _("There are no segments yet. Begin with one of these."),
            "what_label": _("Who"),
            "empty_when": _("Say who is in it."),
            "people_help": _("How many people are in it stands here as you write."),
        }

    def blank(self, start: str, segment: str = "") -> dict[str, Any]:
        whens = {
            "regulars": "visitor.orders.count >= 3",
            "cart": "visitor.cart.count > 0",
            "away": "visitor.days_since_last_seen >= 60",
        }
        return {"name": "", "when": whens.get(start, "")}

    def starts(self, _: Words) -> list[tuple[str, str]]:
        return [
            ("?start=regulars", _("Regular customers")),
            ("?start=cart", _("Something in the cart")),
            ("?start=away", _("Away for 60 days")),
            ("", _("An empty one")),
        ]

    async def count(self, loaded: Loaded) -> Mapping[str, int]:
        counts = await (await self._figures_now()).counts()
        return {name: count.people for name, count in counts.items()}

    def used_by(self, loaded: Loaded, document_id: str) -> list[tuple[str, str, str]]:
        found: list[tuple[str, str, str]] = []
        for kind, plural in ((RULE, "rules"), (CONTENT, "contents"), ("segment", "segments")):
            for one in loaded.records.get(kind, {}).values():
                condition = one.body.get("condition") if kind == RULE else one.body
                text = condition.get("when") if isinstance(condition, Mapping) else None
                if one.id != document_id and document_id in _named(text):
                    name = one.body.get("name")
                    found.append(
                        (f"/{plural}/{one.id}", name if isinstance(name, str) and name else one.id, kind)
                    )
        return found

    async def more(self, request: Request, draft: Draft, document: Document | None) -> dict[str, Any]:
        if document is None:
            return {}
        figures = await self._figures_now()
        segment = (await current(self.house)).segments.by_id.get(document.id)
        return {
            "more_template": "segments/more.html",
            "members": await figures.members(document.id, _SHOWN),
            "count": await figures.count(document.id),
            "webhooks": await figures.webhooks(segment) if segment is not None else [],
            "secrets": self._secrets(request, segment),
            "now": self.house.clock(),
            "zone": self.house.zone,
        }

    def _secrets(self, request: Request, segment: Segment | None) -> dict[str, str]:
        """What each address verifies with: for who may see keys."""
        if segment is None or not request.state.me.may("admin"):
            return {}
        return {address: secret_of(address, self.house.signing[-1]) for address in segment.webhooks}

    async def _figures_now(self) -> SegmentFigures:
        return SegmentFigures(self.house.redis, await current(self.house), clock=self.house.clock)

    async def try_webhook(self, request: Request) -> Response:
        """A message without anybody in it, so that the other side can be seen to listen."""
        _ = words(request)
        document_id = request.path_params["id"]
        address = str((await request.form()).get("address", ""))
        segment = (await current(self.house)).segments.by_id.get(document_id)
        if segment is None or address not in segment.webhooks:
            raise HTTPException(404)
        await (await self._figures_now()).try_webhook(segment, address)
        return redirect(
            request, self.link(document_id), _("A message is on its way; how it went stands below.")
        )

    async def members(self, request: Request) -> Response:
        """Everybody in it, as CSV."""
        document_id = request.path_params["id"]
        if document_id not in (await current(self.house)).segments:
            raise HTTPException(404)
        await self.house.audit.note(
            self._author(request), "segment.exported", document_id, address=request.state.address
        )
        figures = await self._figures_now()
        return StreamingResponse(
            figures.export(document_id),
            media_type="text/csv",
            headers={"content-disposition": f'attachment; filename="{document_id}.csv"'},
        )


def _named(text: Any) -> frozenset[str]:
    try:
        return parse(text).segments if isinstance(text, str) and text.strip() else frozenset()
    except ConditionError:
        return frozenset()
