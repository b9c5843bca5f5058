"""Slots: the places on the shop's pages, where their offers come from and how they are mixed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from habitue_console.documents.kind import ListRow, page_options
from habitue_console.documents.pages import DocumentPages
from habitue_console.drafts.draft import SLOT, Draft
from habitue_console.drafts.slots import only_changes, whole
from habitue_console.drafts.state import State
from habitue_console.house import House
from habitue_console.words import N_, Words
from habitue_recommender.rulebook.book import Rulebook
from habitue_recommender.rulebook.documents import Document, Loaded
from habitue_recommender.rulebook.mistakes import Mistake
from habitue_recommender.slots import Slot, Source

SOURCES: Mapping[Source, str] = {
    Source.SESSION_NEIGHBOURS: N_("What others with such a visit chose"),
    Source.ITEM_ITEM: N_("What goes with the item"),
    Source.FACTORS: N_("Long-term taste"),
    Source.TOGETHER: N_("Bought together"),
    Source.BUY_AGAIN: N_("Time to buy again"),
    Source.ACCESSORIES: N_("Bought after what they have"),
    Source.SIMILAR: N_("Alike by name, brand and price"),
    Source.RECENTLY_VIEWED: N_("Recently viewed"),
    Source.IMPULSE: N_("Interest that broke off last time"),
    Source.NEW_SINCE_VISIT: N_("New since the last visit"),
    Source.PRICE_DROPS: N_("Cheaper than when they looked"),
    Source.POPULAR_NOW: N_("Popular right now"),
    Source.POPULAR: N_("Popular"),
    Source.NEW_ITEMS: N_("New items"),
}


def routes(house: House) -> list[BaseRoute]:
    return SlotPages(house).routes()


class SlotPages(DocumentPages):
    kind, plural, draft_kind = "slot", "slots", SLOT

    def texts(self, _: Words) -> dict[str, Any]:
        return {
            "plural_title": _("Slots"),
            "new_label": _("New slot"),
            "intro": _("The places on the shop's pages: where their offers come from, how many, how mixed."),
            "empty": _("There are no slots."),
            "what_label": _("What stands there"),
            "empty_when": "",
            "people_help": "",
        }

    def blank(self, start: str, segment: str = "") -> dict[str, Any]:
        return whole(Slot("new", sources=(Source.POPULAR_NOW, Source.POPULAR)))

    def name_of(self, body: Mapping[str, Any]) -> str:
        value = body.get("title")
        return value if isinstance(value, str) else ""

    def base(self, slot_id: str) -> Slot | None:
        """The slot as it is without any document."""
        found: Slot | None = self.house.recommender.settings.slots.get(slot_id)
        return found

    def body(self, draft: Draft, document_id: str) -> dict[str, Any]:
        body = draft.document(self.house.zone)
        return {"id": document_id, **only_changes(body, self.base(document_id))}

    def draft_of(self, document_id: str, body: Mapping[str, Any]) -> Draft:
        base = self.base(document_id) or Slot(document_id)
        return super().draft_of(document_id, {**whole(base), **body})

    async def show(self, request: Request) -> Response:
        """A slot that nobody has written about is there as well."""
        slot_id = request.path_params["id"]
        document = await self.house.rulebook.find(self.kind, slot_id)
        if document is None and self.base(slot_id) is None:
            raise HTTPException(404)
        body = document.body if document is not None else {}
        return await self._form(request, self.draft_of(slot_id, body), document, chosen=slot_id)

    def own_mistakes(self, draft: Draft, document: Document | None) -> list[Mistake]:
        return []

    def slots_touched(self, body: Mapping[str, Any]) -> tuple[str, ...]:
        return (str(body.get("id", "")),)

    def more_rows(self, loaded: Loaded, rulebook: Rulebook, _: Words) -> list[ListRow]:
        written = loaded.records.get(self.kind, {})
        return [
            ListRow(slot.id, slot.title or slot.id, state_label=_("active"), state=State.ACTIVE.value)
            for slot in self.house.recommender.settings.slots.values()
            if slot.id not in written
        ]

    def described(self, slot: Slot, _: Words) -> tuple[list[str], str]:
        """What stands in a slot, and on which pages."""
        pages = dict(page_options(_))
        first = [_(SOURCES[source]) for source in slot.sources[:3]]
        more = len(slot.sources) - len(first)
        if more > 0:
            first.append(_.ngettext("%(num)s more source", "%(num)s more sources", more))
        told = [_.ngettext("%(num)s offer", "%(num)s offers", slot.size), *first]
        return told, ", ".join(pages.get(one, one) for one in slot.page_types)

    async def more(self, request: Request, draft: Draft, document: Document | None) -> dict[str, Any]:
        _ = request.state.words
        return {"source_options": [(source.value, _(label)) for source, label in SOURCES.items()]}

    def finished(self, rows: list[ListRow], rulebook: Rulebook, _: Words) -> list[ListRow]:
        for row in rows:
            slot = rulebook.slots.get(row.id)
            if slot is not None:
                row.name = slot.title or slot.id
                row.what, row.where = self.described(slot, _)
        return rows
