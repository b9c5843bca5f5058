"""The recommender's doors for backends: the catalog, and offers by the secret key.

The browser's doors (`context`, `slots`) belong to the app that takes their events in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson
from redis.asyncio import Redis
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from habitue_collector.consent import DENIED, GRANTED, Consent, from_record
from habitue_collector.events import MAX_ID_LENGTH, USER_PREFIX
from habitue_collector.profile import Profile
from habitue_recommender.catalog.store import CatalogWriter, Result, delete_item, find_item
from habitue_recommender.recommender import Recommender
from habitue_recommender.refusal import Refused, parsed, refusing, unpacked
from habitue_warehouse.imports.history import Import, note_request

MAX_LINE_BYTES = 65_536
MAX_CATALOG_BYTES = 512 * 1024 * 1024  # of one PUT, unpacked: about a million items
MAX_ARRAY_BYTES = 32 * 1024 * 1024  # a JSON array must be read as a whole
MAX_QUESTION_BYTES = 65_536
_CHUNK_LINES = 500


@dataclass(slots=True)
class Doors:
    """What the routes need of the house.

    `authorize` lets a secret key pass and raises what the app answers otherwise. `read_profile` reads
    afresh, follows a device's pointer, and lets the recommender absorb the catalog's changes on the same
    way. `visitor_of` reads a cookie value. `note` takes decisions to the log.
    """

    recommender: Recommender
    redis: Redis
    authorize: Callable[[Request], None]
    read_profile: Callable[[str], Awaitable[Profile | None]]
    visitor_of: Callable[[str], str | None]
    note: Callable[[list[dict[str, Any]]], None]
    clock: Callable[[], int]


def routes(doors: Doors) -> list[Route]:
    """`/v1/catalog` and `/v1/recommend`."""
    own = _Endpoints(doors)
    return [
        Route("/v1/catalog", refusing(own.put_catalog), methods=["PUT"]),
        Route("/v1/catalog/{item_id:path}", refusing(own.catalog_item), methods=["GET", "DELETE"]),
        Route("/v1/recommend", refusing(own.recommend), methods=["GET", "POST"]),
    ]


class _Endpoints:
    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    async def put_catalog(self, request: Request) -> Response:
        """JSON lines or one JSON array (or object), gzipped or not; one result per item, in order.

        Lines are taken as they come, so a large feed needs no memory; what stands before a fault is kept.
        """
        doors = self._doors
        doors.authorize(request)
        results: list[Result] = []
        began, whole = doors.clock(), False
        try:
            async with CatalogWriter(doors.redis, now=began) as writer:
                async for raws in _items(unpacked(request.stream(), MAX_CATALOG_BYTES)):
                    results += await writer.add(raws)
            whole = True
        finally:
            if results:
                await note_request(doors.redis, _imported(results, began, doors.clock(), whole))
        await doors.recommender.settle_catalog(doors.redis)
        return _json({"results": results})

    async def catalog_item(self, request: Request) -> Response:
        """One item as the catalog has it, or out of the catalog with it."""
        doors = self._doors
        doors.authorize(request)
        item_id = request.path_params["item_id"]
        unknown = Refused(404, "unknown_item", "The catalog has no such item.")
        if not item_id or len(item_id) > MAX_ID_LENGTH:
            raise unknown
        if request.method == "DELETE":
            if not await delete_item(doors.redis, item_id, now=doors.clock()):
                raise unknown
            await doors.recommender.settle_catalog(doors.redis)
            return _json({"deleted": item_id})
        item = await find_item(doors.redis, item_id)
        if item is None:
            raise unknown
        return _json(item.to_public())

    async def recommend(self, request: Request) -> Response:
        """Offers for whom a backend names: `{slots, user_id | anonymous_id, page}`, or the visitor's cookie.

        With `sections` also the order of the page's sections for them; then `slots` may be left out.

        The header `X-Habitue-Visitor: <cookie value>` stands for the ids. Without anybody, or for somebody
        who is not known yet, offers follow the page.
        """
        doors = self._doors
        doors.authorize(request)
        question = await _question(request)
        slots, sections = question.get("slots"), question.get("sections")
        if isinstance(slots, str):
            slots = slots.split(",")
        if slots is None and sections is not None:
            slots = []
        elif not isinstance(slots, list) or not slots:
            raise Refused(
                400, "missing_slots", 'slots is a list of slot ids, as in {"slots": ["home-hero"]}.'
            )
        profile_id = self._who(request, question)
        # Somebody has to be read even when nobody is asked for: the catalog's changes come with it.
        profile = await doors.read_profile(profile_id) if profile_id else None
        if profile_id is None:
            await doors.recommender.refresh_catalog(doors.redis)
        consent = _consent(profile)
        answered = doors.recommender.answer(slots, question.get("page"), profile, consent, doors.clock())
        doors.note(doors.recommender.decision_records())
        answer: dict[str, Any] = {"slots": answered}
        if sections is not None:
            answer["sections"] = doors.recommender.sections(sections, profile, consent)
        return _json(answer)

    def _who(self, request: Request, question: dict[str, Any]) -> str | None:
        handed = request.headers.get("x-habitue-visitor")
        if handed is not None:
            return self._doors.visitor_of(handed)
        found: str | None = None  # the user before the device; what cannot be either is refused all the same
        for name, prefix in (("user_id", USER_PREFIX), ("anonymous_id", "")):
            said = question.get(name)
            if isinstance(said, int) and not isinstance(said, bool):
                said = str(said)
            if said is None or said == "":
                continue
            if not isinstance(said, str) or len(said) > MAX_ID_LENGTH or not _storable(said):
                raise Refused(400, "invalid_identity", f"{name} is text of up to {MAX_ID_LENGTH} characters.")
            if not prefix and said.startswith(USER_PREFIX):
                raise Refused(
                    400, "invalid_identity", f"an anonymous_id does not begin with {USER_PREFIX!r}."
                )
            found = found or prefix + said
        return found


def _consent(profile: Profile | None) -> Consent:
    """What the profile remembers; a profile that says nothing was kept because the key assumed consent."""
    if profile is None:
        return DENIED
    return from_record(profile.consents) or GRANTED


# ---- reading -------------------------------------------------------------------------------------


async def _question(request: Request) -> dict[str, Any]:
    if request.method == "GET":
        query = dict(request.query_params)
        page = {name: query[name] for name in ("type", "item_id", "category") if name in query}
        return {**query, "page": page}
    body = b""
    async for chunk in unpacked(request.stream(), MAX_QUESTION_BYTES):
        body += chunk
    question = parsed(body, "The body is not JSON.")
    if not isinstance(question, dict):
        raise Refused(400, "invalid_body", "The body is a JSON object.")
    return question


async def _items(chunks: AsyncIterator[bytes]) -> AsyncIterator[list[Any]]:
    """Items in groups: lines of JSON as they come, or one array. A line that is no JSON is a bad item."""
    buffer = b""
    whole: bool | None = None
    async for chunk in chunks:
        buffer += chunk
        if whole is None:
            whole = _is_whole(buffer)
        if whole is None:
            continue
        if whole:
            if len(buffer) > MAX_ARRAY_BYTES:
                raise Refused(413, "body_too_large", "An array this long must be sent as JSON lines.")
            continue
        *lines, buffer = buffer.split(b"\n")
        if max(map(len, (*lines, buffer))) > MAX_LINE_BYTES:
            raise Refused(413, "body_too_large", f"A line has more than {MAX_LINE_BYTES} bytes.")
        for start_at in range(0, len(lines), _CHUNK_LINES):
            yield [_line(line) for line in lines[start_at : start_at + _CHUNK_LINES] if line.strip()]
    if whole:
        items = parsed(buffer, "The body is neither a JSON array nor JSON lines.")
        items = items if isinstance(items, list) else [items]
        for start_at in range(0, len(items), _CHUNK_LINES):
            yield items[start_at : start_at + _CHUNK_LINES]
    elif buffer.strip():
        try:
            yield [orjson.loads(buffer)]
        except orjson.JSONDecodeError:
            yield [None]


def _is_whole(start: bytes) -> bool | None:
    """Whether a body is one array, or one object over several lines; None when it is too early to say."""
    start = start.lstrip()
    if start.startswith(b"["):
        return True
    line, newline, _ = start.partition(b"\n")
    if newline or line.rstrip() not in (b"", b"{"):
        return line.strip() == b"{"
    return None


def _line(line: bytes) -> Any:
    """What a line says; None, which no item is, when it is not JSON."""
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return None


def _storable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


# ---- answering -----------------------------------------------------------------------------------


def _imported(results: list[Result], began: int, ended: int, whole: bool) -> Import:
    """A request's items as one line of the imports."""
    refused = Counter(str(one.get("reason")) for one in results if one["status"] != "accepted")
    taken = len(results) - refused.total()
    failed = "" if whole else "the request broke off"
    return Import("items", "PUT /v1/catalog", "api", began, ended, taken, dict(refused), failed=failed)


def _json(content: object) -> Response:
    return Response(orjson.dumps(content), 200, {"cache-control": "no-store"}, "application/json")
