"""The pages that rules, segments, contents and slots share: list, form, history, conflict, import and export.

Each kind is a subclass in its own file, which says what is its own. A form is one POST: the button that was
pressed is its `step`; every step but saving answers with the form again, for htmx with the editor alone.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import orjson
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from habitue_console.documents.current import current
from habitue_console.documents.effect import Told, effect_of
from habitue_console.documents.figures import Figures, figures_of
from habitue_console.documents.items import Found, find_items, known
from habitue_console.documents.look import Looked, look_at
from habitue_console.documents.suggestions import Shelves, Suggested
from habitue_console.documents.words import STATES, label_of, translated
from habitue_console.drafts import when
from habitue_console.drafts.difference import differences
from habitue_console.drafts.draft import Draft, DraftKind
from habitue_console.drafts.place import json_place, marked, mended
from habitue_console.drafts.state import State, resting, state_of
from habitue_console.guard import MAX_FIELDS, require
from habitue_console.house import House
from habitue_console.rendering import redirect, render
from habitue_console.words import Words, words
from habitue_recommender.documents import MAX_BODY_BYTES, Change, Document, Loaded, is_id
from habitue_recommender.mistakes import Mistake, Mistakes
from habitue_recommender.preview import SlotPreview
from habitue_recommender.rulebook import Rulebook
from habitue_recommender.rulebook_service import BundleMistakes
from habitue_recommender.rulebook_store import Conflict, NothingToUndo, TooLarge, UnknownDocument

ON_A_PAGE = 50
MAX_IMPORT_BYTES = 4 * 1_048_576
_TRIED = frozenset({"save", "preview", "effect"})  # steps after which everything that is wrong is told
NAME_MISSING = "Give it a name: lists and colleagues know it by that."
RESERVED = frozenset({"new", "export", "import", "check", "items", "complete", "effect"})  # ids are paths too


@dataclass(slots=True)
class ListRow:
    """One document in a list."""

    id: str
    name: str
    note: str = ""
    what: Sequence[str] = ()
    when: str = ""
    where: str = ""
    state: str = State.ACTIVE
    state_label: str = ""
    problems: list[str] = field(default_factory=list)
    clash: str = ""
    people: int | None = None
    at: int = 0
    author: str = ""
    version: int = 0
    enabled: bool = True
    switchable: bool = False


@dataclass(frozen=True, slots=True)
class Clash:
    """A contradiction between documents, in words."""

    text: str
    documents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Version:
    """One version in a history, with what it changed."""

    document: Document
    changes: tuple[Any, ...] = ()
    first: bool = False


class DocumentPages:
    """See the module."""

    kind: str
    plural: str
    draft_kind: DraftKind
    switchable = True
    previews = True
    people = False  # whether the list has a column of counts
    groups: tuple[str, ...] = ("visitor", "item", "page", "slot", "time")

    def __init__(self, house: House) -> None:
        self.house = house
        self._shelves = Shelves()

    # ---- what each kind says of itself ---------------------------------------------------------------

    def texts(self, _: Words) -> dict[str, Any]:
        """Its words: plural_title, new_label, intro, empty, what_label, empty_when, people_help."""
        raise NotImplementedError

    def blank(self, start: str, segment: str = "") -> dict[str, Any]:
        """The body with which a new document begins; `segment`: one for the people in it."""
        return {"enabled": True}

    def starts(self, _: Words) -> list[tuple[str, str]]:
        """Ways to begin when there is none yet: what follows `/new`, and its label."""
        return [("", self.texts(_)["new_label"])]

    def summary(self, body: Mapping[str, Any], _: Words) -> list[str]:
        """What a document does, in a few words."""
        return []

    def place(self, body: Mapping[str, Any], _: Words) -> str:
        """Where it does it."""
        return ""

    def condition_of(self, body: Mapping[str, Any]) -> str:
        value = body.get("when")
        return value if isinstance(value, str) else ""

    def body(self, draft: Draft, document_id: str) -> dict[str, Any]:
        """The body that the form makes."""
        return {"id": document_id, **draft.document(self.house.zone)}

    def draft_of(self, document_id: str, body: Mapping[str, Any]) -> Draft:
        draft = Draft.of(self.draft_kind, body, self.house.zone)
        return when.opened(draft) if self.draft_kind.when else draft

    def own_mistakes(self, draft: Draft, document: Document | None) -> list[Mistake]:
        """What a person should not leave out, although the API may."""
        return [] if draft.value("name").strip() else [Mistake("name", NAME_MISSING)]

    def slots_touched(self, body: Mapping[str, Any]) -> tuple[str, ...]:
        """The slots that a preview shows; none for all of the page."""
        return ()

    def more_rows(self, loaded: Loaded, rulebook: Rulebook, _: Words) -> list[ListRow]:
        """Rows of the list that are no documents."""
        return []

    def finished(self, rows: list[ListRow], rulebook: Rulebook, _: Words) -> list[ListRow]:
        """The rows of the list with what only the compiled documents say."""
        return rows

    def clashes(self, rulebook: Rulebook) -> list[Clash]:
        return []

    async def count(self, loaded: Loaded) -> Mapping[str, int]:
        """People by document, for the list."""
        return {}

    def used_by(self, loaded: Loaded, document_id: str) -> list[tuple[str, str, str]]:
        """Who names it: (path, name, kind)."""
        return []

    async def more(self, request: Request, draft: Draft, document: Document | None) -> dict[str, Any]:
        """More values for the form's template."""
        return {}

    # ---- routes ------------------------------------------------------------------------------------

    def routes(self) -> list[BaseRoute]:
        base = f"/{self.plural}"
        reads: list[tuple[str, Callable[..., Any]]] = [
            ("", self.overview),
            ("/export", self.export_all),
            ("/{id}/export", self.export_one),
            ("/{id}/history", self.history),
        ]
        writes: list[tuple[str, Callable[..., Any]]] = [
            ("/items", self.items),
            ("/check", self.check),
            ("/effect", self.effect),
            *((f"/{{id}}/{name}", self.act) for name in ("enable", "disable", "undo", "restore", "delete")),
        ]
        both: list[tuple[str, Callable[..., Any]]] = [("/import", self.import_file), ("/new", self.new)]
        viewer, marketer = require("viewer"), require("marketer")
        edit, save = viewer(self.show), marketer(self.write)
        return [
            *(Route(base + path, viewer(endpoint)) for path, endpoint in reads[:2]),
            Route(f"{base}/complete", viewer(self.complete)),
            *(Route(base + path, marketer(endpoint), methods=["GET", "POST"]) for path, endpoint in both),
            *(Route(base + path, marketer(endpoint), methods=["POST"]) for path, endpoint in writes[:3]),
            *(Route(base + path, viewer(endpoint)) for path, endpoint in reads[2:]),
            *(Route(base + path, marketer(endpoint), methods=["POST"]) for path, endpoint in writes[3:]),
            Route(base + "/{id}/edit", edit),
            Route(base + "/{id}/edit", save, methods=["POST"]),
            Route(base + "/{id}", edit),
            Route(base + "/{id}", save, methods=["POST"]),
        ]

    def link(self, document_id: str) -> str:
        """The path of a document's form; some ids are words of the paths themselves."""
        return f"/{self.plural}/{document_id}" + ("/edit" if document_id in RESERVED else "")

    # ---- the list ----------------------------------------------------------------------------------

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
        texts = self.texts(_)
        return render(
            request,
            "drafts/list.html",
            **texts,
            plural=self.plural,
            rows=chosen[(number - 1) * ON_A_PAGE : number * ON_A_PAGE],
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

    def name_of(self, body: Mapping[str, Any]) -> str:
        return _text(body.get("name"))

    def slot_options(self, rulebook: Rulebook) -> list[tuple[str, str]]:
        return [
            (slot.id, f"{slot.title} ({slot.id})" if slot.title else slot.id)
            for slot in rulebook.slots.values()
        ]

    # ---- the form ----------------------------------------------------------------------------------

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

    async def _find(self, document_id: str) -> Document:
        document: Document | None = await self.house.rulebook.find(self.kind, document_id)
        if document is None:
            raise HTTPException(404)
        return document

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
        mistakes = [*self.own_mistakes(draft, document), *when.incomplete(draft), *await self._mistakes(body)]
        if step == "save" and not mistakes:
            return await self._save(request, draft, document, chosen, body)
        if step not in _TRIED:
            mistakes = [one for one in mistakes if _is_worth_telling(one, draft)]
        return await self._form(
            request, draft.with_mistakes(mistakes), document, found=found, step=step, chosen=chosen
        )

    async def _read(self, request: Request) -> tuple[Draft, str]:
        """The form and the last button that was pressed."""
        form = await request.form(max_fields=MAX_FIELDS)
        draft = Draft.read(self.draft_kind, form.multi_items())
        steps = draft.values("step")
        typed = {name: values for name, values in draft.typed.items() if name not in ("step", "csrf")}
        return when.synced(replace(draft, typed=typed)), steps[-1] if steps else "save"

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

    async def _mistakes(self, body: Mapping[str, Any]) -> list[Mistake]:
        try:
            await self.house.rulebook.check(self.kind, body)
        except Mistakes as found:
            return list(found)
        return []

    async def _new_id(self, draft: Draft) -> str:
        """What was typed as the id, else one made of the name that nobody has yet."""
        said = draft.value("id").strip()
        if said:
            return said
        loaded = await self.house.rulebook.load()
        taken = {*loaded.records.get(self.kind, {}), *RESERVED}
        base = slug(draft.value("name") or draft.value("title")) or self.kind
        return next(one for one in _numbered(base) if one not in taken)

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
        htmx = _is_htmx(request)
        there = current is not None and not current.deleted
        return render(
            request,
            "drafts/conflict.html",
            block="conflict" if htmx else None,
            status=200 if htmx else 409,
            plural=self.plural,
            draft=draft,
            current=current,
            action=_root(request)
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
        htmx = _is_htmx(request)
        expected = draft.value("version") or (document.version if document is not None else 0)
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
            "action": _root(request) + (self.link(path_id) if path_id else f"/{self.plural}/new"),
            "effect_action": f"{_root(request)}/{self.plural}/effect"
            + (f"?{urlencode({'id': path_id})}" if path_id else ""),
            "effect": await self._effect(request, draft, body) if step == "effect" else None,
            "wrong": step == "effect" and bool(draft.mistakes),
            "changes_of": _change_of,
            "plain": _.translations.gettext,
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
            "warnings": self._warnings(draft, rulebook, document),
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

    def _warnings(self, draft: Draft, rulebook: Rulebook, document: Document | None) -> list[str]:
        return []

    # ---- what it would do --------------------------------------------------------------------------

    async def _figures(self, draft: Draft) -> Figures | None:
        return await figures_of(self.house, draft.value(self.draft_kind.when), when.incomplete(draft))

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
        effect = await self._effect(request, draft.with_mistakes(wrong), body)
        action = request.url.path + (f"?{urlencode({'id': path_id})}" if path_id else "")
        return render(request, "drafts/effect.html", effect=effect, wrong=bool(wrong), effect_action=action)

    async def _effect(self, request: Request, draft: Draft, body: Mapping[str, Any]) -> Told | None:
        if draft.mistakes:
            return None
        change = Change(self.kind, str(body["id"]), body)
        return await effect_of(self.house, [change], words(request))

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

    # ---- single acts -------------------------------------------------------------------------------

    async def act(self, request: Request) -> Response:
        """enable, disable, undo, restore, delete: one click each."""
        _ = words(request)
        document_id = request.path_params["id"]
        what = request.url.path.rsplit("/", 1)[-1]
        form = await request.form()
        version = str(form.get("version", ""))
        expected = int(version) if version.isdecimal() and len(version) < 10 else None
        author, service = self._author(request), self.house.rulebook
        back = f"/{self.plural}" if form.get("back") == "list" else self.link(document_id)
        try:
            if what in ("enable", "disable"):
                document = await self._find(document_id)
                body = {**document.body, "enabled": what == "enable"}
                note = _("switched on") if what == "enable" else _("switched off")
                saved = await service.save(self.kind, body, author=author, note=note, expected=expected)
                said = _("Switched on.") if what == "enable" else _("Switched off.")
            elif what == "undo":
                saved = await service.undo(self.kind, document_id, author=author, expected=expected)
                said = _("Undone.")
            elif what == "restore":
                wanted = str(form.get("to", ""))
                if not wanted.isdecimal() or len(wanted) > 9:
                    raise HTTPException(400)
                saved = await service.restore(self.kind, document_id, int(wanted), author, expected=expected)
                said = _("Version %(version)s is back.", version=wanted)
            else:
                saved = await service.delete(self.kind, document_id, author=author, expected=expected)
                said = _("Deleted. Its history stays: it can be brought back.")
        except Conflict:
            return redirect(
                request,
                back,
                _("Somebody else changed it in the meantime; nothing was done. Look again."),
                "bad",
            )
        except NothingToUndo:
            return redirect(request, back, _("There is nothing to undo."), "warn")
        except UnknownDocument:
            raise HTTPException(404) from None
        except Mistakes as mistakes:
            told = " ".join(translated(one, _) for one in mistakes)
            return redirect(request, back, _("That does not fit any more: %(why)s", why=told), "bad")
        await self._note(request, {"undo": "undone", "restore": "restored"}.get(what, f"{what}d"), saved)
        if saved.deleted:
            back = f"/{self.plural}"
        elif form.get("back") == "history":
            back = f"/{self.plural}/{document_id}/history"
        return redirect(request, back, said)

    async def history(self, request: Request) -> Response:
        _ = words(request)
        document_id = request.path_params["id"]
        versions: list[Document] = await self.house.rulebook.history(self.kind, document_id)
        if not versions:
            raise HTTPException(404)
        told = []
        for newer, older in zip(versions, [*versions[1:], None], strict=True):
            held = older.body if older is not None and not older.deleted else {}
            changes = () if older is None or newer.deleted else tuple(differences(held, newer.body))
            told.append(Version(newer, changes, first=older is None and newer.version == 1))
        newest = next((one for one in versions if not one.deleted), versions[0])
        name = self.name_of(newest.body) or document_id
        return render(
            request,
            "drafts/history.html",
            **self.texts(_),
            plural=self.plural,
            heading=_("History of %(name)s", name=name),
            id=document_id,
            name=name,
            gone=versions[0].deleted,
            versions=told,
            link=self.link,
            label_of=lambda path: label_of(path, _),
        )

    # ---- files -------------------------------------------------------------------------------------

    async def export_all(self, request: Request) -> Response:
        bundle = await self.house.rulebook.export()
        return _file({self.plural: bundle[self.plural]}, f"{self.plural}.json")

    async def export_one(self, request: Request) -> Response:
        document = await self._find(request.path_params["id"])
        return _file({self.plural: [dict(document.body)]}, f"{document.id}.json")

    async def import_file(self, request: Request) -> Response:
        _ = words(request)
        if request.method == "GET":
            return self._import_page(request)
        form = await request.form()
        text, file = str(form.get("text", "")), form.get("file")
        if isinstance(file, UploadFile) and file.filename:
            content = await file.read(MAX_IMPORT_BYTES + 1)
            if len(content) > MAX_IMPORT_BYTES:
                raise HTTPException(413)
            text = content.decode("utf-8-sig", "replace")
        note = str(form.get("change_note", ""))[:500]
        try:
            bundle = self._bundle(json.loads(text))
        except json.JSONDecodeError as error:
            return self._import_page(request, text, note, place=json_place(text, error), status=422)
        except (ValueError, RecursionError):
            wrong = [("", Mistake("", _("This is not a list of documents as Export gives it.")))]
            return self._import_page(request, text, note, mistakes=wrong, status=422)
        dry = form.get("step") == "try"
        try:
            done = await self.house.rulebook.import_all(
                bundle, author=self._author(request), note=note or _("imported"), dry_run=dry
            )
        except BundleMistakes as found:
            mistakes = [(place, one) for place, some in found.documents.items() for one in some]
            return self._import_page(request, text, note, mistakes=mistakes, status=422)
        except Mistakes as found:
            mistakes = [("", one) for one in found]
            return self._import_page(request, text, note, mistakes=mistakes, status=422)
        except (Conflict, TooLarge) as error:
            return self._import_page(
                request, text, note, mistakes=[("", Mistake("", str(error)))], status=409
            )
        if dry:
            trial = [
                (_("new"), list(done.added)),
                (_("changed"), list(done.changed)),
                (_("unchanged"), [str(done.unchanged)] if done.unchanged else []),
            ]
            return self._import_page(request, text, note, trial=[one for one in trial if one[1]])
        for saved in done.documents:
            await self._note(request, "imported", saved)
        count = len(done.added) + len(done.changed)
        return redirect(
            request,
            f"/{self.plural}",
            _.ngettext("%(num)s document imported.", "%(num)s documents imported.", count),
        )

    def _bundle(self, raw: Any) -> Any:
        """One document and a list of them are understood as well."""
        if isinstance(raw, list):
            return {self.plural: raw}
        if isinstance(raw, dict) and "id" in raw and self.plural not in raw:
            return {self.plural: [raw]}
        if not isinstance(raw, dict):
            raise ValueError("no documents")
        return raw

    def _import_page(
        self,
        request: Request,
        text: str = "",
        note: str = "",
        *,
        place: Any = None,
        mistakes: Sequence[tuple[str, Mistake]] = (),
        trial: Sequence[tuple[str, Sequence[str]]] = (),
        status: int = 200,
    ) -> Response:
        _ = words(request)
        return render(
            request,
            "drafts/import.html",
            status=status,
            **self.texts(_),
            plural=self.plural,
            text=text if len(text) <= MAX_BODY_BYTES * 4 else "",
            note=note,
            place=place,
            mistakes=mistakes,
            trial=trial,
            translated=lambda one: translated(one, _),
        )

    # ---- inside ------------------------------------------------------------------------------------

    def _author(self, request: Request) -> str:
        return str(request.state.me.name)

    async def _note(self, request: Request, what: str, document: Document) -> None:
        await self.house.audit.note(
            self._author(request),
            f"{self.kind}.{what}",
            document.id,
            address=request.state.address,
            version=document.version,
        )


def page_options(_: Words) -> list[tuple[str, str]]:
    """The types of pages that there are, as people call them."""
    return [
        ("home", _("Home page")),
        ("category", _("Category page")),
        ("product", _("Product page")),
        ("cart", _("Cart")),
        ("search", _("Search")),
        ("thanks", _("After the order")),
    ]


def weekday_options(_: Words) -> list[tuple[str, str]]:
    return [
        ("mon", _("Mon")),
        ("tue", _("Tue")),
        ("wed", _("Wed")),
        ("thu", _("Thu")),
        ("fri", _("Fri")),
        ("sat", _("Sat")),
        ("sun", _("Sun")),
    ]


def slug(name: str) -> str:
    """A name as an id: `Schöne Füße 2` becomes `schoene-fuesse-2`."""
    for letter, plain in _LETTERS.items():
        name = name.replace(letter, plain)
    flat = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()
    made = "-".join("".join(one if one.isalnum() else " " for one in flat).split())[:60].strip("-")
    return made if is_id(made) else ""


_LETTERS = {
    **{"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ł": "l", "ø": "o"},
    **{"Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "Ł": "L", "Ø": "O"},
}


def _numbered(base: str) -> Iterable[str]:
    yield base
    number = 2
    while True:
        yield f"{base[:58]}-{number}"
        number += 1


def _is_worth_telling(mistake: Mistake, draft: Draft) -> bool:
    """Whether somebody who is still writing wants to hear of it: it is about something that was typed."""
    if mistake.field.startswith(when.ROWS):
        return False
    return bool(mistake.field) and draft.says(mistake.field)


def _is_htmx(request: Request) -> bool:
    return request.headers.get("hx-request") == "true" and request.headers.get("hx-boosted") != "true"


def _root(request: Request) -> str:
    return str(request.scope.get("root_path", "")).rstrip("/")


def _change_of(slot: SlotPreview, item_id: str) -> str:
    """`new`, `up` or `down` of an item that is shown after; "" of one that stays."""
    change = next((one.change for one in slot.moved if one.item_id == item_id), "")
    return "" if change == "same" else change


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _file(body: Any, name: str) -> Response:
    return Response(
        orjson.dumps(body, option=orjson.OPT_INDENT_2),
        media_type="application/json",
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )
