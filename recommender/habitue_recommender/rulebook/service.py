"""What marketers do with their documents: checked, then stored; all mistakes at once, or nothing saved.

The API, the command line and the console all come through here. A document is parsed by its kind, and then
looked at beside all others: slots and segments that it names, segments that name each other in a circle, two
rules that want one place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import time_ns
from typing import Any

from habitue_recommender.rulebook.book import Rulebook
from habitue_recommender.rulebook.bundle import NO_ID, Place, body_of, place_of, read_bundle
from habitue_recommender.rulebook.bundle import BundleMistakes as BundleMistakes
from habitue_recommender.rulebook.check import Parsed, check, contradictions, parse
from habitue_recommender.rulebook.documents import (
    KINDS,
    RULE,
    SEGMENT,
    SLOT,
    Change,
    Document,
    Loaded,
    is_id,
)
from habitue_recommender.rulebook.mistakes import Mistake, Mistakes
from habitue_recommender.rulebook.store import RulebookStore
from habitue_recommender.settings import RecommenderSettings


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import changed, or would change: each place with what was done to it.

    `unchanged` counts what stood there already, word for word.
    """

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    unchanged: int = 0
    documents: tuple[Document, ...] = ()

    def to_public(self) -> dict[str, Any]:
        return {
            "added": list(self.added),
            "changed": list(self.changed),
            "deleted": list(self.deleted),
            "unchanged": self.unchanged,
        }


@dataclass(slots=True)
class _Known:
    """What was parsed of the store's documents, so that a save parses only what it changes."""

    version: int = -1
    loaded: Loaded = field(default_factory=Loaded)
    parsed: dict[Place, tuple[int, Parsed | None]] = field(default_factory=dict)


class RulebookService:
    """See the module. `settings` holds the slots as they are without documents."""

    def __init__(
        self,
        store: RulebookStore,
        settings: RecommenderSettings,
        clock: Callable[[], int] = lambda: time_ns() // 1_000_000,
    ) -> None:
        self.store = store
        self.settings = settings
        self._clock = clock
        self._known = _Known()
        self._loading = asyncio.Lock()

    # ---- reading -----------------------------------------------------------------------------------

    async def load(self) -> Loaded:
        """All documents as they are now; read anew only when there was a change."""
        return (await self._read()).loaded

    async def rulebook(self, changes: Sequence[Change] = ()) -> Rulebook:
        """The rulebook as it is, or as it would be with these changes: for a preview."""
        loaded = await self.load()
        documents = with_changes(loaded, changes)
        return await asyncio.to_thread(
            Rulebook.compile, documents, settings=self.settings, version=loaded.version
        )

    async def find(self, kind: str, document_id: str) -> Document | None:
        return await self.store.find(kind, document_id)

    async def history(self, kind: str, document_id: str) -> list[Document]:
        return await self.store.history(kind, document_id)

    async def changes(self, limit: int = 50) -> list[Document]:
        return await self.store.changes(limit)

    async def export(self) -> dict[str, list[Mapping[str, Any]]]:
        """Every body by the plural of its kind, in the order of their ids: what `import_all` takes."""
        loaded = await self.load()
        return {
            plural: [dict(one.body) for _, one in sorted(loaded.records.get(kind, {}).items())]
            for kind, plural in KINDS.items()
        }

    # ---- checking ----------------------------------------------------------------------------------

    async def check(self, kind: str, raw: object, *, expected: int | None = None) -> Change:
        """The change that saving this would be. Raises Mistakes with everything that is wrong with it."""
        body = body_of(raw)
        document_id = body.get("id")
        if not isinstance(document_id, str) or not is_id(document_id):
            # Everything else that is wrong with it is told beside it.
            try:
                parse(kind, body, self.settings)
            except Mistakes as mistakes:
                if any(one.field == "id" for one in mistakes):
                    raise
                raise Mistakes([Mistake("id", NO_ID), *mistakes]) from None
            raise Mistakes([Mistake("id", NO_ID)])
        change = Change(kind, document_id, body, expected)
        await self._check_one(change)
        return change

    # ---- changing ----------------------------------------------------------------------------------

    async def save(
        self, kind: str, raw: object, *, author: str, note: str = "", expected: int | None = None
    ) -> Document:
        """A new version of the document, or its first. Raises Mistakes, Conflict, TooLarge."""
        change = replace(await self.check(kind, raw, expected=expected), note=note)
        return (await self.store.apply([change], author=author))[0]

    async def delete(
        self, kind: str, document_id: str, *, author: str, note: str = "", expected: int | None = None
    ) -> Document:
        """Take it out. Raises Mistakes when others need it, Conflict, UnknownDocument."""
        change = Change(kind, document_id, None, expected, note)
        if await self.store.find(kind, document_id) is not None:
            await self._check_one(change)
        return (await self.store.apply([change], author=author))[0]

    async def undo(
        self, kind: str, document_id: str, *, author: str, expected: int | None = None
    ) -> Document:
        """The state before, again. Raises Mistakes when that no longer fits, and what the store raises."""
        change = await self.store.undoing(kind, document_id, expected)
        await self._check_one(change, saves=False)
        return (await self.store.apply([change], author=author))[0]

    async def restore(
        self, kind: str, document_id: str, version: int, author: str, *, expected: int | None = None
    ) -> Document:
        """The state of a kept version, again. Raises as `undo` does."""
        change = await self.store.restoring(kind, document_id, version, expected)
        await self._check_one(change, saves=False)
        return (await self.store.apply([change], author=author))[0]

    async def import_all(
        self,
        bundle: object,
        *,
        author: str,
        note: str = "",
        expected: Mapping[str, int] | None = None,
        delete_missing: bool = False,
        dry_run: bool = False,
    ) -> Imported:
        """All documents of a bundle (`{"rules": […], "segments": […], …}`), or none of them.

        `expected` are versions by place ("rules/sale") that must still be there; with `delete_missing` what
        the bundle does not name is taken out, of the kinds that it has. With `dry_run` nothing is stored.
        Raises BundleMistakes, Conflict, TooLarge.
        """
        loaded = await self.load()
        wanted = read_bundle(bundle)
        changes: list[Change] = []
        added: list[str] = []
        changed: list[str] = []
        deleted: list[str] = []
        unchanged = 0
        for (kind, document_id), body in wanted.items():
            held = loaded.records.get(kind, {}).get(document_id)
            place = place_of(kind, document_id)
            version = held.version if held is not None else 0
            if held is not None and held.body == body:
                unchanged += 1
                continue
            (changed if held is not None else added).append(place)
            must_be = expected.get(place, 0) if expected is not None else version
            changes.append(Change(kind, document_id, body, must_be, note))
        if delete_missing and isinstance(bundle, Mapping):
            for kind, plural in KINDS.items():
                for document_id, held in loaded.records.get(kind, {}).items() if plural in bundle else ():
                    if (kind, document_id) not in wanted:
                        place = place_of(kind, document_id)
                        must_be = expected.get(place, 0) if expected is not None else held.version
                        deleted.append(place)
                        changes.append(Change(kind, document_id, None, must_be, note))
        found = await self._check(changes)
        if found:
            raise BundleMistakes({place_of(*place): mistakes for place, mistakes in found.items()})
        documents: list[Document] = []
        if not dry_run:
            documents = await self.store.apply(changes, author=author)
        return Imported(tuple(added), tuple(changed), tuple(deleted), unchanged, tuple(documents))

    # ---- inside ------------------------------------------------------------------------------------

    async def _read(self) -> _Known:
        async with self._loading:
            known = self._known
            if await self.store.version() != known.version:
                loaded = await self.store.load()
                parsed = await asyncio.to_thread(self._parse, loaded, known.parsed)
                known = self._known = _Known(loaded.version, loaded, parsed)
            return known

    def _parse(
        self, loaded: Loaded, known: Mapping[Place, tuple[int, Parsed | None]]
    ) -> dict[Place, tuple[int, Parsed | None]]:
        """Every document parsed, from memory where it is the same; None for what is broken by now."""
        parsed: dict[Place, tuple[int, Parsed | None]] = {}
        for kind, records in loaded.records.items():
            for document in records.values():
                place = (kind, document.id)
                before = known.get(place)
                if before is not None and before[0] == document.version:
                    parsed[place] = before
                    continue
                one: Parsed | None = None
                try:
                    one = parse(kind, document.body, self.settings)
                except Mistakes:
                    one = None
                parsed[place] = (document.version, one)
        return parsed

    async def _check(self, changes: Sequence[Change], *, saves: bool = True) -> dict[Place, Mistakes]:
        """What would be wrong with the whole after these changes, by the changed document.

        `saves`: somebody writes this now, so that an end in the past is a mistake; an undo may bring it back.
        """
        known = await self._read()
        now = self._clock() if saves else None
        whole = {place: one for place, (_, one) in known.parsed.items() if one is not None}

        def look() -> dict[Place, list[Mistake]]:
            found: dict[Place, list[Mistake]] = {}
            for change in changes:
                place = (change.kind, change.id)
                whole.pop(place, None)
                if change.body is None:
                    continue
                try:
                    whole[place] = parse(change.kind, change.body, self.settings, now)
                except Mistakes as mistakes:
                    found[place] = list(mistakes)
            # Who names a document that is there, only with mistakes, is not told that it is not there.
            changed = {(one.kind, one.id) for one in changes}
            broken = {place for place, (_, one) in known.parsed.items() if one is None} - changed
            hurt = {place for place in {*found, *broken} if place[0] in (SEGMENT, SLOT)}
            changed -= found.keys()
            misfits = check(whole, changed, self.settings, hurt)
            rules = [document_id for kind, document_id in changed & whole.keys() if kind == RULE]
            if rules:
                documents = with_changes(known.loaded, changes)
                for place, more in contradictions(documents, rules, self.settings).items():
                    misfits.setdefault(place, []).extend(more)
            return found | misfits

        found = await asyncio.to_thread(look)
        return {place: Mistakes(mistakes) for place, mistakes in found.items()}

    async def _check_one(self, change: Change, *, saves: bool = True) -> None:
        for mistakes in (await self._check([change], saves=saves)).values():
            raise mistakes


def with_changes(loaded: Loaded, changes: Sequence[Change]) -> dict[str, dict[str, Mapping[str, Any]]]:
    """The documents as they would be after these changes."""
    documents = loaded.documents
    for change in changes:
        if change.body is None:
            documents[change.kind].pop(change.id, None)
        else:
            documents[change.kind][change.id] = change.body
    return documents
