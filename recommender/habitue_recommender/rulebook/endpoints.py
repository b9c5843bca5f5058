"""The marketers' documents by HTTP, for who keeps them in git: `/v1/rules`, `segments`, `slots`, `contents`.

Everything needs the secret key. Who changes something says so in the query: `?author=anna&note=why`; which
version was edited stands in `If-Match` or in `?expected=`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from habitue_collector.request import problem
from habitue_recommender.refusal import Refused, refusing, unpacked
from habitue_recommender.rulebook.bundle import BundleMistakes
from habitue_recommender.rulebook.documents import KINDS, MAX_BODY_BYTES, SLOT, Document, is_id
from habitue_recommender.rulebook.mistakes import Mistake, Mistakes
from habitue_recommender.rulebook.service import RulebookService
from habitue_recommender.rulebook.store import Conflict, NothingToUndo, TooLarge, UnknownDocument
from habitue_recommender.slot_settings import parse_slot
from habitue_recommender.slots import public_slot

MAX_BUNDLE_BYTES = 32 * 1024 * 1024
_API = "api"  # the author of who does not say
Answer = Callable[[str, Request], Awaitable[Response]]


@dataclass(slots=True)
class RulebookDoors:
    """What the routes need: `authorize` raises for who has no secret key, `settle` waits until this process
    works with what was just saved.
    """

    service: RulebookService
    authorize: Callable[[Request], None]
    settle: Callable[[], Awaitable[None]]


def rulebook_routes(doors: RulebookDoors) -> list[Route]:
    """The routes of every kind."""
    own = _Endpoints(doors)
    routes: list[Route] = []
    for kind, plural in KINDS.items():
        path = f"/v1/{plural}"
        document = f"{path}/{{document_id}}"
        for where, answer, methods in (
            (path, own.documents, ["GET"]),
            (f"{path}/import", own.take_in, ["POST"]),
            (f"{document}/history", own.history, ["GET"]),
            (f"{document}/undo", own.undo, ["POST"]),
            (f"{document}/restore", own.restore, ["POST"]),
            (document, own.document, ["GET", "PUT", "DELETE"]),
        ):
            routes.append(Route(where, _answered(partial(answer, kind)), methods=methods))
    return routes


class _Endpoints:
    def __init__(self, doors: RulebookDoors) -> None:
        self._doors = doors
        self._service = doors.service

    async def documents(self, kind: str, request: Request) -> Response:
        """All documents of a kind; of slots also those that are only configured."""
        self._doors.authorize(request)
        held = (await self._service.load()).records.get(kind, {})
        if kind == SLOT:
            slots = sorted({*held, *self._service.settings.slots})
            told = [self._slot(slot_id, held.get(slot_id)) for slot_id in slots]
        else:
            told = [held[document_id].to_public() for document_id in sorted(held)]
        return _json({KINDS[kind]: told})

    async def document(self, kind: str, request: Request) -> Response:
        """One document as it is; PUT makes or changes it, DELETE takes it out."""
        self._doors.authorize(request)
        document_id = request.path_params["document_id"]
        if request.method == "PUT":
            return await self._put(kind, document_id, request)
        _known_id(kind, document_id)
        if request.method == "DELETE":
            author, note, expected = _said(request)
            gone = await self._service.delete(kind, document_id, author=author, note=note, expected=expected)
            await self._doors.settle()
            return _json({"deleted": document_id, "version": gone.version})
        held = await self._service.find(kind, document_id)
        if kind == SLOT and (held is not None or document_id in self._service.settings.slots):
            return _json(self._slot(document_id, held), held)
        if held is None:
            raise UnknownDocument(f"There is no {kind} {document_id}.")
        return _json(held.to_public(), held)

    async def _put(self, kind: str, document_id: str, request: Request) -> Response:
        author, note, expected = _said(request)
        raw = await _body(request, MAX_BODY_BYTES + 4_096)
        if isinstance(raw, dict):
            said = raw.setdefault("id", document_id)
            if said != document_id:
                message = "The document has another id than its address."
                raise Mistakes([Mistake("id", message, suggestion=document_id if is_id(document_id) else "")])
        saved = await self._service.save(kind, raw, author=author, note=note, expected=expected)
        await self._doors.settle()
        return _json(saved.to_public(), saved)

    def _slot(self, slot_id: str, held: Document | None) -> dict[str, Any]:
        """The document of a slot, and the slot as it works: over habitue.toml, over the defaults."""
        public = {"id": slot_id, "version": 0} if held is None else held.to_public()
        slot = self._service.settings.slots.get(slot_id)
        if held is not None:
            with suppress(Mistakes):  # what is broken is left out, and the slot is as without it
                slot = parse_slot(held.body, slot)
        return public | ({"effective": public_slot(slot)} if slot is not None else {})

    async def take_in(self, kind: str, request: Request) -> Response:
        """Documents of one kind, or of all, as a whole or not at all; `dry_run` says what it would do."""
        self._doors.authorize(request)
        author, note, _ = _said(request)
        raw = await _body(request, MAX_BUNDLE_BYTES)
        if isinstance(raw, list):
            raw = {KINDS[kind]: raw}
        if not isinstance(raw, dict):
            raise Refused(400, "invalid_body", "The body is a JSON object, or a list of documents.")
        expected, flags = raw.pop("expected", None), {}
        for name in ("delete_missing", "dry_run"):
            flags[name] = raw.pop(name, False)
            if not isinstance(flags[name], bool):
                raise Refused(400, "invalid_body", f"{name} is true or false.")
        if unknown := [name for name in raw if name not in KINDS.values()]:
            raise Refused(400, "invalid_body", f"{unknown[0][:80]!r} is none of {', '.join(KINDS.values())}.")
        imported = await self._service.import_all(
            raw, author=author, note=note, expected=_versions(expected), **flags
        )
        await self._doors.settle()
        return _json(imported.to_public())

    async def history(self, kind: str, request: Request) -> Response:
        """All versions that are kept, newest first."""
        self._doors.authorize(request)
        document_id = request.path_params["document_id"]
        _known_id(kind, document_id)
        found = await self._service.history(kind, document_id)
        if not found:
            raise UnknownDocument(f"There is no {kind} {document_id}.")
        return _json({"history": [one.to_public() for one in found]})

    async def undo(self, kind: str, request: Request) -> Response:
        """Back to the state before; of a new document: gone."""
        self._doors.authorize(request)
        document_id = request.path_params["document_id"]
        _known_id(kind, document_id)
        author, _, expected = _said(request)
        now = await self._service.undo(kind, document_id, author=author, expected=expected)
        await self._doors.settle()
        return _json(now.to_public(), now)

    async def restore(self, kind: str, request: Request) -> Response:
        """The state of one version: `?version=3`."""
        self._doors.authorize(request)
        document_id = request.path_params["document_id"]
        _known_id(kind, document_id)
        author, _, expected = _said(request)
        version = _whole(request.query_params.get("version"), "version")
        if version is None:
            raise Refused(400, "invalid_version", "Which version? As in ?version=3.")
        now = await self._service.restore(kind, document_id, version, author, expected=expected)
        await self._doors.settle()
        return _json(now.to_public(), now)


class BrokenJson(ValueError):  # the word of the house, not ...Error
    """A body that breaks off, or goes on where it should not: line and column from 1, position from 0."""

    def __init__(self, found: str, line: int, column: int, position: int) -> None:
        super().__init__(f"The body is not JSON: {found.strip()} (line {line}, column {column}).")
        self.found, self.line, self.column, self.position = found.strip(), line, column, position


# ---- reading -------------------------------------------------------------------------------------------


async def _body(request: Request, limit: int) -> Any:
    body = b""
    async for chunk in unpacked(request.stream(), limit):
        body += chunk
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BrokenJson(error.msg, error.lineno, error.colno, error.pos) from None


def _said(request: Request) -> tuple[str, str, int | None]:
    """Who changes it, why, and which version was edited."""
    query = request.query_params
    expected = _whole(query.get("expected"), "expected")
    matched = request.headers.get("if-match")
    if expected is None and matched is not None and matched.strip() != "*":
        expected = _whole(matched.strip().removeprefix("W/").strip('"'), "If-Match")
    return _text(query.get("author")) or _API, _text(query.get("note")), expected


def _whole(text: str | None, name: str) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise Refused(400, "invalid_version", f"{name} is the number of a version, as in {name}=3.")
    return int(text)


def _text(said: str | None) -> str:
    """Without what cannot be stored."""
    return (said or "").encode("utf-8", "ignore").decode().strip()


def _versions(expected: object) -> Mapping[str, int] | None:
    if expected is None:
        return None
    fits = isinstance(expected, dict) and all(
        isinstance(one, int) and not isinstance(one, bool) and 0 <= one < 1 << 53 for one in expected.values()
    )
    if not fits:
        raise Refused(400, "invalid_version", 'expected holds versions by place, as in {"rules/sale": 3}.')
    return expected  # type: ignore[return-value]  # looked at above


def _known_id(kind: str, document_id: str) -> None:
    if not is_id(document_id):
        raise UnknownDocument(f"There is no such {kind}.")


# ---- answering -----------------------------------------------------------------------------------------


def _json(content: object, document: Document | None = None) -> Response:
    headers = {"etag": f'"{document.version}"'} if document is not None else None
    return Response(orjson.dumps(content), headers=headers, media_type="application/json")


def _answered(answer: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            return await answer(request)
        except Mistakes as mistakes:
            return _problem(422, "mistakes", f"Nothing was saved: {mistakes}", mistakes=mistakes.to_public())
        except BundleMistakes as mistakes:
            return _problem(422, "mistakes", f"Nothing was saved: {mistakes}", mistakes=mistakes.to_public())
        except BrokenJson as broken:
            place = {"line": broken.line, "column": broken.column, "position": broken.position}
            return _problem(400, "invalid_json", str(broken), found=broken.found, **place)
        except Conflict as conflict:
            current = conflict.current.to_public() if conflict.current is not None else None
            message = f"{conflict} Nothing was saved."
            return _problem(
                409, "conflict", message, document=f"{KINDS[conflict.kind]}/{conflict.id}", current=current
            )
        except UnknownDocument as unknown:
            return _problem(404, "unknown_document", str(unknown))
        except NothingToUndo as nothing:
            return _problem(409, "nothing_to_undo", str(nothing))
        except TooLarge as large:
            return _problem(413, "too_large", str(large))

    return refusing(endpoint)


def _problem(status: int, code: str, message: str, **more: object) -> Response:
    said = orjson.loads(problem(status, code, message[:2_000]))
    return Response(orjson.dumps(said | more), status, media_type="application/problem+json")
