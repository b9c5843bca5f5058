"""Documents as JSON files: out, and back in as a whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import orjson
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from habitue_console.documents.json_mistakes import json_mistake
from habitue_console.documents.kind import DocumentKind
from habitue_console.documents.words import translated
from habitue_console.drafts.place import json_place
from habitue_console.rendering import redirect, render
from habitue_console.words import words
from habitue_recommender.rulebook.documents import MAX_BODY_BYTES
from habitue_recommender.rulebook.mistakes import Mistake, Mistakes
from habitue_recommender.rulebook.service import BundleMistakes
from habitue_recommender.rulebook.store import Conflict, TooLarge

MAX_IMPORT_BYTES = 4 * 1_048_576


class Files(DocumentKind):
    """See the module."""

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
            return self._import_page(
                request, text, note, place=json_place(text, error, json_mistake(error.msg, _)), status=422
            )
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
            change_note=note,
            place=place,
            mistakes=mistakes,
            trial=trial,
            translated=lambda one: translated(one, _),
        )


def _file(body: Any, name: str) -> Response:
    return Response(
        orjson.dumps(body, option=orjson.OPT_INDENT_2),
        media_type="application/json",
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )
