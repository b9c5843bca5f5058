"""The pages that rules, segments, contents and slots share: list, form, history, conflict, files.

Each kind is a subclass in its own file, which says what is its own. A form is one POST: the button that was
pressed is its `step`; every step but saving answers with the form again, for htmx with the editor alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.routing import BaseRoute, Route

from habitue_console.documents.asides import Asides
from habitue_console.documents.files import Files
from habitue_console.documents.forms import Forms
from habitue_console.documents.lists import Lists
from habitue_console.documents.versions import Versions
from habitue_console.guard import require


class DocumentPages(Lists, Forms, Asides, Versions, Files):
    """See the module."""

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
