"""The form of a document: one POST for every button, and the conflict of two who save at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from habitue_console.documents.current import current
from habitue_console.documents.items import Found, find_items, known
from habitue_console.documents.kind import (
    NOTHING_YET,
    DocumentKind,
    is_htmx,
    page_options,
    root_of,
    says_the_same,
    weekday_options,
)
from habitue_console.documents.look import Looked, look_at
from habitue_console.documents.suggestions import Suggested
from habitue_console.documents.words import STATES, label_of, translated
from habitue_console.drafts import when
from habitue_console.drafts.difference import differences
from habitue_console.drafts.draft import Draft
from habitue_console.drafts.place import marked, mended
from habitue_console.drafts.state import state_of
from habitue_console.rendering import redirect, render
from habitue_console.words import Words, words
from habitue_recommender.explain.preview import SlotPreview
from habitue_recommender.rulebook.book import Rulebook
from habitue_recommender.rulebook.documents import Change, Document
from habitue_recommender.rulebook.mistakes import Mistake, Mistakes
from habitue_recommender.rulebook.store import Conflict, TooLarge

_TRIED = frozenset({"save", "preview", "effect"})  # steps after which everything that is wrong is told


class Forms(DocumentKind):
    """See the module."""

    async def new(self, request: Request) -> Response:
        if request.method == "POST":
            return await self.write(request)
        start = request.query_params.get("start", "")
        copied = request.query_params.get("copy", "")
        body = self.blank(start, request.query_params.get("segment", ""))
        if copied:
            document = await self.house.rulebook.find(self.kind, copied)
            body = dict(document.body) if document is not None else body
            _ = words(request)
            if "name" in body:
                body["name"] = _("%(name)s (copy)", name=body["name"])
        return await self._form(request, self.draft_of("", body), None, start=start)

    async def show(self, request: Request) -> Response:
        document = await self._find(request.path_params["id"])
        return await self._form(request, self.draft_of(document.id, document.body), document)

    async def write(self, request: Request) -> Response:
        """A step of the form. See the module."""
        draft, step = await self._read(request)
        document_id = request.path_params.get("id", "")
        document = await self.house.rulebook.find(self.kind, document_id) if document_id else None
        draft, found, step = await self._stepped(draft, step)
        if step in _TRIED or step == "look":
            draft = draft.tidy()
        chosen = document_id or await self._new_id(draft)
        body = self.body(draft, chosen)
        mistakes = [*self.own_mistakes(draft, document), *await self._told(draft, body)]
        if step == "save" and not mistakes:
            return await self._save(request, draft, document, chosen, body)
        if step not in _TRIED:
            mistakes = [one for one in mistakes if _is_worth_telling(one, draft)]
        return await self._form(
            request, draft.with_mistakes(mistakes), document, found=found, step=step, chosen=chosen
        )

    async def _told(self, draft: Draft, body: Mapping[str, Any]) -> list[Mistake]:
        """What is wrong with a body, said of the rows while it is those that somebody writes."""
        gaps, path = when.incomplete(draft), self.draft_kind.when
        if draft.value(when.VIEW) != when.FORM_VIEW:
            return await self._mistakes(body)
        # What a row lacks is wrong with the expression too; and an example of one helps nobody with rows.
        return gaps + [
            replace(one, suggestion="") if one.field == path and one.position is None else one
            for one in await self._mistakes(body)
            if one.field != path or not gaps
        ]

    async def _stepped(self, draft: Draft, step: str) -> tuple[Draft, Found | None, str]:
        what, _, where = step.partition(":")
        if what == "view":
            return when.opened(draft, where), None, "look"
        if what == "group":
            return when.with_group(draft), None, step
        if what == "mend":
            return await self._mended(draft, where), None, "look"
        if what == "find":
            catalog = self.house.recommender.reader.catalog
            return draft, await self.house.in_thread(find_items, catalog, where, draft.value(where)), step
        if what == "choose":
            return draft.step(step), None, "look"
        return when.synced(draft.step(step)), None, step

    async def _mended(self, draft: Draft, which: str) -> Draft:
        """With what was meant in the place of one of the expression's mistakes."""
        path = draft.kind.when
        wrong = draft.with_mistakes(await self._mistakes(self.body(draft, "x"))).wrong(path)
        if not which.isdecimal() or int(which) >= len(wrong):
            return draft
        text = mended(draft.value(path), wrong[int(which)])
        return replace(draft, typed={**draft.typed, path: [text]})

    async def _save(
        self, request: Request, draft: Draft, document: Document | None, chosen: str, body: Mapping[str, Any]
    ) -> Response:
        _ = words(request)
        version = draft.value("version")
        expected = int(version) if version.isdecimal() and len(version) < 10 else 0
        try:
            saved = await self.house.rulebook.save(
                self.kind,
                body,
                author=self._author(request),
                note=draft.value("change_note").strip(),
                expected=expected,
            )
        except Mistakes as found:
            return await self._form(request, draft.with_mistakes(found), document, step="save", chosen=chosen)
        except Conflict as conflict:
            return self._conflict(request, draft, chosen, body, conflict.current)
        except TooLarge as error:
            wrong = [Mistake("", str(error))]
            return await self._form(request, draft.with_mistakes(wrong), document, step="save", chosen=chosen)
        await self._note(request, "saved", saved)
        said = _("Saved. The shop follows within a second; “Undo the last change” takes it back.")
        return redirect(request, self.link(saved.id), said)

    def _conflict(
        self,
        request: Request,
        draft: Draft,
        document_id: str,
        body: Mapping[str, Any],
        current: Document | None,
    ) -> Response:
        _ = words(request)
        theirs = current.body if current is not None and not current.deleted else {}
        htmx = is_htmx(request)
        there = current is not None and not current.deleted
        return render(
            request,
            "drafts/conflict.html",
            block="conflict" if htmx else None,
            status=200 if htmx else 409,
            plural=self.plural,
            draft=draft,
            current=current,
            action=root_of(request)
            + (self.link(document_id) if there or request.path_params.get("id") else f"/{self.plural}/new"),
            apart=differences({**theirs, "id": document_id}, body),
            label_of=lambda path: label_of(path, _),
            link=self.link,
        )

    async def _form(
        self,
        request: Request,
        draft: Draft,
        document: Document | None,
        *,
        found: Found | None = None,
        step: str = "",
        start: str = "",
        chosen: str = "",
    ) -> Response:
        _ = words(request)
        texts = self.texts(_)
        rulebook = await current(self.house)
        catalog = self.house.recommender.reader.catalog
        body = self.body(draft, chosen or (document.id if document is not None else "x"))
        path_id = str(request.path_params.get("id", ""))
        name = self.name_of(document.body) if document is not None else ""
        looked = await self._look(request, draft, body, step == "preview") if self.previews else None
        tried = step in _TRIED
        htmx = is_htmx(request)
        expected = draft.value("version") or (document.version if document is not None else 0)
        same = document is not None and says_the_same(document.body, body)
        values = {
            **texts,
            "kind": self.kind,
            "plural": self.plural,
            "heading": name or (self.name_of(body) or path_id if path_id else texts["new_label"]),
            "document": document,
            "id": path_id,
            "fixed_id": bool(path_id),
            "expected": expected,
            "draft": draft,
            "action": root_of(request) + (self.link(path_id) if path_id else f"/{self.plural}/new"),
            "effect_action": f"{root_of(request)}/{self.plural}/effect"
            + (f"?{urlencode({'id': path_id})}" if path_id else ""),
            "effect": await self._effect(request, draft, body) if step == "effect" and not same else None,
            "same": step == "effect" and same,
            "wrong": step == "effect" and bool(draft.mistakes),
            "changes_of": _change_of,
            "more_template": "",
            "editable": request.state.me.may("marketer"),
            "switchable": self.switchable,
            "fields_template": f"{self.plural}/fields.html",
            "builder": self.builder(draft, rulebook, _) if self.draft_kind.when else None,
            "figures": await self._figures(draft) if self.draft_kind.when else None,
            "has_figures": bool(self.draft_kind.when),
            "looked": looked,
            "tried": tried,
            "start": start or draft.value("start"),
            "found": found,
            "known_items": known(catalog, (value for values in draft.typed.values() for value in values[:1])),
            "slot_options": self.slot_options(rulebook),
            "page_options": page_options(_),
            "weekday_options": weekday_options(_),
            "used_by": self.used_by(await self.house.rulebook.load(), document.id)
            if document is not None
            else [],
            "link": self.link,
            "marked": marked,
            "translated": lambda one: translated(one, _),
            "label_of": lambda path: label_of(path, _),
            "state_label": self._state_label(document, rulebook, _) if document is not None else None,
            **await self.more(request, draft, document),
        }
        return render(
            request,
            "drafts/edit.html",
            block="editor" if htmx else None,
            status=422 if tried and draft.mistakes else 200,
            **values,
        )

    def _state_label(self, document: Document, rulebook: Rulebook, _: Words) -> tuple[str, str]:
        broken = any(one.kind == self.kind and one.id == document.id for one in rulebook.problems)
        now = datetime.fromtimestamp(self.house.clock() / 1_000, UTC)
        state = state_of(document.body, now, self.house.zone, broken=broken)
        return state.value, _(STATES[state])

    def builder(self, draft: Draft, rulebook: Rulebook, _: Words) -> when.Builder:
        suggested = Suggested(self._shelves, self.house.recommender.reader.catalog, rulebook)
        return when.builder(draft, suggested.values, _, groups=self.groups)

    async def _look(
        self, request: Request, draft: Draft, body: Mapping[str, Any], asked: bool
    ) -> Looked | None:
        """The preview: its questions, and the answer when it was asked for and the draft can be."""
        change = Change(self.kind, str(body.get("id", "")), body)
        return await look_at(
            self.house,
            draft,
            change,
            self.slots_touched(body),
            words(request),
            answer=asked and not draft.mistakes,
        )


def _is_worth_telling(mistake: Mistake, draft: Draft) -> bool:
    """Whether somebody who is still writing wants to hear of it: it is about something that was typed."""
    if mistake.field.startswith(when.ROWS):
        return mistake.message not in (when.MISSING_VALUE, when.MISSING_KEY)
    if mistake.message == NOTHING_YET:
        return False
    return bool(mistake.field) and draft.says(mistake.field)


def _change_of(slot: SlotPreview, item_id: str) -> str:
    """`new`, `up` or `down` of an item that is shown after; "" of one that stays."""
    change = next((one.change for one in slot.moved if one.item_id == item_id), "")
    return "" if change == "same" else change
