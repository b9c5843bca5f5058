"""One click each: switch, undo, restore, delete; and the history with what changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from habitue_console.documents.kind import DocumentKind
from habitue_console.documents.words import label_of, translated
from habitue_console.drafts.difference import differences
from habitue_console.rendering import redirect, render
from habitue_console.words import words
from habitue_recommender.rulebook.documents import Document
from habitue_recommender.rulebook.mistakes import Mistakes
from habitue_recommender.rulebook.store import Conflict, NothingToUndo, UnknownDocument


@dataclass(frozen=True, slots=True)
class Version:
    """One version in a history, with what it changed."""

    document: Document
    changes: tuple[Any, ...] = ()
    first: bool = False


class Versions(DocumentKind):
    """See the module."""

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
