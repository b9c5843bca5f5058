"""What each kind of document says of itself, and what all of its pages need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from habitue_console.documents.effect import Told, effect_of
from habitue_console.documents.figures import Figures, figures_of
from habitue_console.documents.ids import numbered, slug
from habitue_console.documents.suggestions import Shelves
from habitue_console.drafts import when
from habitue_console.drafts.draft import Draft, DraftKind
from habitue_console.drafts.state import State
from habitue_console.guard import MAX_FIELDS
from habitue_console.house import House
from habitue_console.words import Words, words
from habitue_recommender.rulebook.book import Rulebook
from habitue_recommender.rulebook.documents import Change, Document, Loaded
from habitue_recommender.rulebook.mistakes import Mistake, Mistakes

NAME_MISSING = "Give it a name: lists and colleagues know it by that."
NOTHING_YET = "Say what the rule does: open one of these and fill it in."
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
    when_words: str = ""  # `when` as the form would read, of the rows that are shown; "" where it cannot


@dataclass(frozen=True, slots=True)
class Clash:
    """A contradiction between documents, in words."""

    text: str
    documents: tuple[str, ...]


class DocumentKind:
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

    # ---- what all of its pages need ----------------------------------------------------------------

    def link(self, document_id: str) -> str:
        """The path of a document's form; some ids are words of the paths themselves."""
        return f"/{self.plural}/{document_id}" + ("/edit" if document_id in RESERVED else "")

    def name_of(self, body: Mapping[str, Any]) -> str:
        return _text(body.get("name"))

    def slot_names(self, ids: Iterable[str]) -> list[str]:
        """What marketers call these slots."""
        slots = getattr(self.house.recommender.rulebook, "slots", {})
        return [(slots[one].title if one in slots else "") or one for one in ids]

    def slot_options(self, rulebook: Rulebook) -> list[tuple[str, str]]:
        return [
            (slot.id, f"{slot.title} ({slot.id})" if slot.title else slot.id)
            for slot in rulebook.slots.values()
        ]

    async def _find(self, document_id: str) -> Document:
        document: Document | None = await self.house.rulebook.find(self.kind, document_id)
        if document is None:
            raise HTTPException(404)
        return document

    async def _read(self, request: Request) -> tuple[Draft, str]:
        """The form and the last button that was pressed."""
        form = await request.form(max_fields=MAX_FIELDS)
        draft = Draft.read(self.draft_kind, form.multi_items())
        steps = draft.values("step")
        typed = {name: values for name, values in draft.typed.items() if name not in ("step", "csrf")}
        return when.synced(replace(draft, typed=typed)), steps[-1] if steps else "save"

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
        return next(one for one in numbered(base) if one not in taken)

    async def _effect(self, request: Request, draft: Draft, body: Mapping[str, Any]) -> Told | None:
        if draft.mistakes:
            return None
        change = Change(self.kind, str(body["id"]), body)
        return await effect_of(self.house, [change], words(request))

    async def _figures(self, draft: Draft) -> Figures | None:
        return await figures_of(self.house, draft.value(self.draft_kind.when), when.incomplete(draft))

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


def says_the_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two bodies differ in nothing; what nobody switched off is on."""
    return {"enabled": True, **one} == {"enabled": True, **other}


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


def root_of(request: Request) -> str:
    return str(request.scope.get("root_path", "")).rstrip("/")


def is_htmx(request: Request) -> bool:
    return request.headers.get("hx-request") == "true" and request.headers.get("hx-boosted") != "true"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
