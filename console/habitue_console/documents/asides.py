"""What a form asks beside its saving: counts while one types, items, completions, the effect."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from habitue_console.documents.current import current
from habitue_console.documents.items import find_items
from habitue_console.documents.kind import DocumentKind, says_the_same
from habitue_console.documents.suggestions import Suggested
from habitue_console.documents.words import translated
from habitue_console.drafts import when
from habitue_console.drafts.place import marked
from habitue_console.rendering import render
from habitue_console.words import words


class Asides(DocumentKind):
    """See the module."""

    async def check(self, request: Request) -> Response:
        """While somebody types: what is wrong with the condition, and how many people it is about."""
        draft, _step = await self._read(request)
        _ = words(request)
        mistakes = await self._mistakes(self.body(draft.tidy(), "x"))
        told = [one for one in mistakes if one.field == self.draft_kind.when and draft.value(one.field)]
        return render(
            request,
            "drafts/checked.html",
            draft=draft.with_mistakes(told),
            figures=await self._figures(draft),
            marked=marked,
            translated=lambda one: translated(one, _),
            people_help=self.texts(_)["people_help"],
        )

    async def effect(self, request: Request) -> Response:
        """Whom and which slots the change would touch, and how much of yesterday would have been other."""
        draft, _step = await self._read(request)
        draft = draft.tidy()
        path_id = request.query_params.get("id", "")
        body = self.body(draft, path_id or await self._new_id(draft))
        wrong = [*when.incomplete(draft), *await self._mistakes(body)]
        saved = await self.house.rulebook.find(self.kind, path_id) if path_id else None
        same = saved is not None and says_the_same(saved.body, body)
        effect = None if same else await self._effect(request, draft.with_mistakes(wrong), body)
        action = request.url.path + (f"?{urlencode({'id': path_id})}" if path_id else "")
        values: dict[str, Any] = {
            "effect": effect,
            "same": same,
            "wrong": bool(wrong),
            "effect_action": action,
        }
        return render(request, "drafts/effect.html", **values)

    async def items(self, request: Request) -> Response:
        """Items for the field in which somebody types."""
        draft, _step = await self._read(request)
        path = draft.value("field")
        catalog = self.house.recommender.reader.catalog
        found = await self.house.in_thread(find_items, catalog, path, draft.value(path))
        return render(request, "drafts/found.html", found=found, plural=self.plural, path=path)

    async def complete(self, request: Request) -> Response:
        """What could stand at the end of an expression's word: JSON for the editor."""
        asked = request.query_params
        text = asked.get("text", "")[:4_000]
        at = int(asked["at"]) if asked.get("at", "").isdecimal() and len(asked["at"]) < 6 else len(text)
        rulebook = await current(self.house)
        suggested = Suggested(self._shelves, self.house.recommender.reader.catalog, rulebook)
        return JSONResponse(suggested.completions(text, at, self.groups, words(request)))
