"""The visitor's own door: what is known of me, forget this, not any more, take it along, erase it.

`/h/v1/me` follows the cookie alone: no id in the body or the address means anything, and no key is asked
for. Only pages of the shop may use it; what another page's script asks for is refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from habitue_collector.beacons import UNAVAILABLE
from habitue_collector.errors import Problem, answer_problem
from habitue_collector.ingest import Ingest
from habitue_collector.interests import CORRECTED, LISTS
from habitue_collector.pipeline import Opened
from habitue_collector.profile import Profile
from habitue_collector.profiles import Profiles
from habitue_collector.proxies import seen_through, trusted_networks
from habitue_collector.request import from_scope
from habitue_collector.request_body import RequestError
from habitue_collector.settings import WriteKey
from habitue_collector.submission import Submission

Endpoint = Callable[[Request], Awaitable[Response]]
History = Callable[[list[str]], Awaitable[list[dict[str, Any]]]]
"""What the archive has of these profiles, oldest first; the collector alone has none."""
NameOf = Callable[[str], str]
"""An item's name by its id; the collector alone knows the id."""

MAX_BYTES = 16_384
PURPOSES = ("analytics", "personalization")
_HIDDEN = ("profile_id", "devices")  # the cookie is out of reach of scripts: so is the id in it
_OF_INTEREST = ("affinities", "recent_items")


class VisitorDoor:
    """The routes under `{base}/v1/me`; `me_page.py` shows them to people."""

    def __init__(self, ingest: Ingest, profiles: Profiles, base_path: str) -> None:
        self.ingest = ingest
        self.profiles = profiles
        self.base_path = base_path
        self.history: History | None = None  # told by the house, where there is an archive
        self.name_of: NameOf = str  # told by the house, where there is a catalog
        self._exporting = asyncio.Semaphore(1)

    def routes(self) -> list[Route]:
        base = f"{self.base_path}/v1/me"
        return [
            Route(base, self._readable(self.me), methods=["GET", "DELETE"]),
            Route(f"{base}/export", self._readable(self.export), methods=["GET"]),
            Route(f"{base}/consent", self._readable(self.consent), methods=["GET", "POST"]),
            Route(f"{base}/interests", self._readable(self.interests), methods=["GET", "POST"]),
        ]

    def _readable(self, endpoint: Endpoint) -> Endpoint:
        """Refusals that the shop's pages may read too."""

        async def answered(request: Request) -> Response:
            try:
                return await endpoint(request)
            except Problem as error:
                if error.code == "origin_not_allowed":
                    raise
                headers = {**self._headers(request), **error.headers}
                return answer_problem(error.status, error.code, str(error), headers)

        return answered

    async def me(self, request: Request) -> Response:
        """`GET`: what is known of whoever has this cookie. `DELETE`: all of it goes, for good; of somebody
        who is logged in the person's, on all their devices.
        """
        if request.method != "DELETE":
            return self._answer(request, shown(await self.profile(request)))
        await self.erase(request)
        response = self._answer(request, {"erased": True})
        response.headers.append(*self.farewell(request))
        return response

    async def export(self, request: Request) -> Response:
        """`GET`: the profile and everything that happened, to take along."""
        profile = await self.profile(request)
        if self._exporting.locked():
            raise Problem(503, "overloaded", "Somebody else is packing just now. Please ask again.")
        async with self._exporting:
            events = await self._events([profile.profile_id, *profile.state.get("devices", ())])
        now = self.ingest.clock()
        response = self._answer(request, {"exported_at": now, "profile": shown(profile), "events": events})
        response.headers["content-disposition"] = 'attachment; filename="what-is-known-of-me.json"'
        return response

    async def consent(self, request: Request) -> Response:
        """`GET`: what was agreed to. `POST {"analytics": "granted"|"denied", "personalization": …}`."""
        if request.method == "GET":
            return self._answer(request, {"consents": (await self.profile(request)).consents})
        said = await _json(request)
        wanted = {purpose: said[purpose] for purpose in PURPOSES if purpose in said}
        opened = await self.agree(request, wanted)
        answer = self._answer(request, {"consents": opened.consent.to_record() if opened.consent else {}})
        keep_cookies(answer, opened)
        return answer

    async def interests(self, request: Request) -> Response:
        """`GET`: what is thought to be liked. `POST {"forget": {"categories": […], …}}` takes it out."""
        if request.method == "POST":
            await self.forget(request, (await _json(request)).get("forget"))
        public = shown(await self.profile(request))
        return self._answer(request, {name: public[name] for name in _OF_INTEREST})

    # ---- what is done, for the page too ----------------------------------------------------------

    def visitor(self, request: Request) -> str:
        """The device's id. Raises Problem 403 for foreign pages, 404 without a good cookie."""
        self._only_ours(request)
        header = request.headers.get("cookie", "").encode("latin-1")
        visitor = self.ingest.cookie.find(header, self.ingest.clock())
        if visitor is None:
            raise Problem(404, "unknown_visitor", "This browser is not known here.")
        return visitor.anonymous_id

    async def profile(self, request: Request) -> Profile:
        """Whose this browser is. Raises Problem."""
        profile = await self.profiles.read(self.visitor(request))
        if profile is None:
            raise Problem(404, "unknown_visitor", "Nothing is known of this browser.")
        return profile

    async def erase(self, request: Request) -> None:
        await self.profiles.erase(self.visitor(request), self.ingest.clock())

    def farewell(self, request: Request) -> tuple[str, str]:
        """The header that takes the cookie away."""
        head = request.headers
        _, scheme = seen_through(
            trusted_networks(self.ingest.settings.server.trusted_proxies),
            request.client.host if request.client else None,
            request.url.scheme,
            _bytes(head.get("x-forwarded-for")),
            _bytes(head.get("x-forwarded-proto")),
        )
        name, value = self.ingest.cookie.clear_cookie(scheme == "https")
        return name.decode(), value.decode("latin-1")

    async def agree(self, request: Request, wanted: dict[str, Any]) -> Opened:
        """Keep what was agreed to or denied, by the way that the tag's word takes. Raises Problem."""
        if not wanted or any(state not in ("granted", "denied") for state in wanted.values()):
            raise Problem(400, "invalid_consent", "analytics and personalization are granted or denied.")
        self.visitor(request)
        return (await self._send(request, wanted, []))[0]

    async def forget(self, request: Request, said: object) -> None:
        """Take interests out. Raises Problem."""
        named = said if isinstance(said, dict) else {}
        lists = {name: named[name] for name in LISTS if isinstance(named.get(name), list)}
        if named.get("everything") is True:
            lists["everything"] = True
        if not lists:
            raise Problem(
                400, "invalid_interests", f"forget names lists of {', '.join(LISTS)}, or everything: true."
            )
        consents = (await self.profile(request)).consents
        event = {"type": "track", "event": CORRECTED, "properties": lists}
        _, submission = await self._send(request, consents, [event])
        result = submission.intakes[0].result if submission.intakes else None
        if result is None or "kept" in result:
            raise Problem(409, "not_kept", "Nothing is kept of this browser any more: erase what was.")

    # ---- how -------------------------------------------------------------------------------------

    def _only_ours(self, request: Request) -> None:
        """Pages of the shop, and nobody's script elsewhere: cookies come along with whatever is asked."""
        origin = request.headers.get("origin")
        if origin is not None:
            same = origin.partition("://")[2] == request.headers.get("host")
            if not same and not self.ingest.any_key_allows(origin.encode("latin-1")):
                raise Problem(403, "origin_not_allowed", "Pages of this origin may not ask this.")
        elif request.method not in ("GET", "HEAD") and request.headers.get("sec-fetch-site") == "cross-site":
            raise Problem(403, "origin_not_allowed", "Other sites may not ask this.")

    def _headers(self, request: Request) -> dict[str, str]:
        headers = {"cache-control": "no-store", "vary": "Cookie, Origin"}
        if origin := request.headers.get("origin"):
            headers["access-control-allow-origin"] = origin
            headers["access-control-allow-credentials"] = "true"
        return headers

    def _answer(self, request: Request, content: object) -> Response:
        return Response(orjson.dumps(content, default=str), 200, self._headers(request), "application/json")

    def _key(self, request: Request) -> WriteKey:
        """The key in whose name a visitor's own word is kept: a browser's, one that assumes consent first."""
        origin = request.headers.get("origin")
        own = origin is None or origin.partition("://")[2] == request.headers.get("host")
        fitting = [
            key
            for key in self.ingest.settings.keys
            if not key.secret and (own or key.allows_origin(origin or ""))
        ]
        if not fitting:
            raise Problem(409, "no_browser_key", "There is no browser key here yet, so nothing is kept.")
        return max(fitting, key=lambda key: key.consent_assumed)

    async def _send(
        self, request: Request, consents: dict[str, Any], events: list[dict[str, Any]]
    ) -> tuple[Opened, Submission]:
        body = {"writeKey": self._key(request).key, "context": {"consent": consents}, "batch": events}
        beacon = from_scope(request.scope, orjson.dumps(body))
        beacon.query = b""
        for name in (b"authorization", b"x-write-key"):
            beacon.headers.pop(name, None)
        answered: asyncio.Future[Submission | None] = asyncio.get_running_loop().create_future()

        def done(opened: Opened, submission: Submission | None) -> None:
            if not answered.done():
                answered.set_result(submission)

        try:
            opened = self.ingest.open(beacon, by_cookie=True)
        except RequestError as error:
            raise Problem(error.status, error.code, str(error)) from None
        self.ingest.take(opened, done)
        submission = await answered
        if submission is None or submission.error is not None:
            raise Problem(503, "overloaded", str(orjson.loads(UNAVAILABLE)["message"]))
        return opened, submission

    async def _events(self, profile_ids: list[str]) -> list[dict[str, Any]]:
        """From the archive and from the log, each once, oldest first."""
        archived = [] if self.history is None else await self.history(profile_ids)
        logged = [record for one in profile_ids for record in await self.profiles.log_of(one)]
        known = {record.get("event_id") for record in archived}
        records = [*archived, *(record for record in logged if record.get("event_id") not in known)]
        for record in records:
            for name in ("profile_id", "anonymous_id"):
                record.pop(name, None)
        return sorted(records, key=lambda record: record.get("timestamp") or 0)


def shown(profile: Profile) -> dict[str, Any]:
    """A profile as its owner sees it."""
    return {name: value for name, value in profile.to_public().items() if name not in _HIDDEN}


def keep_cookies(response: Response, opened: Opened) -> None:
    """The cookie that goes, or comes, with what was said."""
    for name, value in opened.headers:
        if name == b"set-cookie":
            response.headers.append("set-cookie", value.decode("latin-1"))


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode("latin-1")


async def read(request: Request) -> bytes:
    """A short body. Raises Problem."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BYTES:
                raise Problem(413, "body_too_large", f"More than {MAX_BYTES} bytes.")
    except ClientDisconnect:
        raise Problem(400, "bad_request", "The body did not arrive.") from None
    return bytes(body)


async def _json(request: Request) -> dict[str, Any]:
    try:
        parsed = orjson.loads(await read(request))
    except orjson.JSONDecodeError as error:
        raise Problem(400, "invalid_json", f"The body is not JSON: {error}.") from None
    if not isinstance(parsed, dict):
        raise Problem(400, "invalid_body", "The body must be a JSON object.")
    return parsed
