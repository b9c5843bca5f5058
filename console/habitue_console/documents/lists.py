"""The list of one kind: searched, filtered, with what is at work and what contradicts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from habitue_console.documents.current import current
from habitue_console.documents.kind import Clash, DocumentKind, ListRow
from habitue_console.documents.suggestions import Suggested
from habitue_console.documents.words import STATES, translated
from habitue_console.drafts import when
from habitue_console.drafts.state import State, resting, state_of
from habitue_console.rendering import render
from habitue_console.words import Words, words
from habitue_recommender.rulebook.book import Rulebook
from habitue_recommender.rulebook.documents import Loaded

ON_A_PAGE = 50


class Lists(DocumentKind):
    """See the module."""

    async def overview(self, request: Request) -> Response:
        _ = words(request)
        asked = request.query_params
        query, state, slot = (asked.get(name, "")[:200] for name in ("q", "state", "slot"))
        loaded = await self.house.rulebook.load()
        rulebook = await current(self.house)
        clashes = self.clashes(rulebook)
        rows = [*self._rows(loaded, rulebook, clashes, await self.count(loaded), _)]
        rows = self.finished([*rows, *self.more_rows(loaded, rulebook, _)], rulebook, _)
        rows.sort(key=lambda row: ((row.name or row.id).casefold(), row.id))
        chosen = [row for row in rows if self._fits(row, query, state, slot, loaded)]
        pages = max(1, -(-len(chosen) // ON_A_PAGE))
        number = min(max(1, int(asked.get("page", "1"))), pages) if asked.get("page", "1").isdecimal() else 1
        shown = chosen[(number - 1) * ON_A_PAGE : number * ON_A_PAGE]
        suggested = Suggested(self._shelves, self.house.recommender.reader.catalog, rulebook)
        for row in shown:
            row.when_words = when.in_words(row.when, suggested.values, _)
        texts = self.texts(_)
        return render(
            request,
            "drafts/list.html",
            **texts,
            plural=self.plural,
            rows=shown,
            link=self.link,
            query=query,
            state=state,
            slot=slot,
            filtered=bool(query or state or slot),
            states=[(one.value, _(STATES[one])) for one in State] if self.switchable else [],
            slot_options=self.slot_options(rulebook) if self.kind in ("rule", "content") else [],
            contradictions=clashes,
            people=self.people,
            pages=pages,
            number=number,
            page_link=lambda to: str(request.url.include_query_params(page=to)),
            starts=self.starts(_),
            deleted=await self._deleted(loaded),
        )

    def _rows(
        self, loaded: Loaded, rulebook: Rulebook, clashes: list[Clash], counts: Mapping[str, int], _: Words
    ) -> Iterable[ListRow]:
        problems = {one.id: one.mistakes for one in rulebook.problems if one.kind == self.kind}
        now = datetime.fromtimestamp(self.house.clock() / 1_000, UTC)
        for document in loaded.records.get(self.kind, {}).values():
            body = document.body
            wrong = problems.get(document.id)
            state = state_of(body, now, self.house.zone, broken=wrong is not None)
            label = _(STATES[state])
            if state is State.ACTIVE and resting(body, now, self.house.zone):
                label = _("active, not at this hour")
            yield ListRow(
                document.id,
                self.name_of(body) or document.id,
                _text(body.get("note")),
                self.summary(body, _),
                self.condition_of(body),
                self.place(body, _),
                state.value,
                label,
                [translated(one, _) for one in wrong or ()],
                " ".join(one.text for one in clashes if document.id in one.documents),
                counts.get(document.id),
                document.at,
                document.author,
                document.version,
                body.get("enabled") is not False,
                self.switchable,
            )

    def _fits(self, row: ListRow, query: str, state: str, slot: str, loaded: Loaded) -> bool:
        if state and row.state != state:
            return False
        if slot:
            document = loaded.records.get(self.kind, {}).get(row.id)
            named = self.slots_touched(document.body) if document is not None else ()
            if slot not in named and (named or self.kind != "rule"):
                return False
        if not query:
            return True
        said = " ".join((row.id, row.name, row.note, row.when, row.where, *row.what)).casefold()
        return all(word in said for word in query.casefold().split())

    async def _deleted(self, loaded: Loaded) -> list[dict[str, Any]]:
        """What was deleted among the newest changes, so that it can be brought back."""
        there = loaded.records.get(self.kind, {})
        gone: dict[str, dict[str, Any]] = {}
        for change in await self.house.rulebook.changes(200):
            if change.kind == self.kind and change.deleted and change.id not in there:
                gone.setdefault(
                    change.id,
                    {"id": change.id, "name": change.id, "at": change.at, "author": change.author},
                )
        return list(gone.values())[:10]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
