"""The collector's endpoints that are not beacons: the tag, the pixel, profiles, health, metrics."""

from __future__ import annotations

import asyncio
import gzip
import hmac
from collections.abc import Awaitable, Callable
from hashlib import sha256
from importlib.resources import files

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from habitue_collector.beacons import UNAVAILABLE, Beacons
from habitue_collector.debug import DebugDoor, DebugTokens
from habitue_collector.errors import Problem as Problem  # who refuses and who answers both find it here
from habitue_collector.errors import answer_problem as answer_problem
from habitue_collector.events import MAX_ID_LENGTH, USER_PREFIX
from habitue_collector.ingest import Ingest
from habitue_collector.me import VisitorDoor
from habitue_collector.me_page import VisitorPage
from habitue_collector.pipeline import Opened
from habitue_collector.profiles import Profiles
from habitue_collector.request import from_scope, header_map
from habitue_collector.request_body import RequestError, query_pairs
from habitue_collector.submission import Submission
from habitue_collector.transfers import Mover
from habitue_collector.wires.pixel import decode_pixel

GIF = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
Endpoint = Callable[[Request], Awaitable[Response]]


def answer_json(content: object, status: int = 200) -> Response:
    """A JSON answer that nobody keeps: it speaks of one person, or of this moment."""
    return Response(orjson.dumps(content), status, {"cache-control": "no-store"}, "application/json")


def authorize(ingest: Ingest, request: Request) -> None:
    """Let a secret key pass (Bearer, Basic or X-Write-Key). Raises Problem 401 or 403."""
    try:
        ingest.find_secret_key(from_scope(request.scope, b""))
    except RequestError as error:
        raise Problem(error.status, error.code, str(error)) from None


class Endpoints:
    """The routes; `readiness` returns what is still missing, as sentences."""

    def __init__(
        self,
        ingest: Ingest,
        beacons: Beacons,
        mover: Mover,
        readiness: Callable[[], list[str]],
        metrics: Callable[[], Awaitable[bytes]],
        openapi: Callable[[], object],
    ) -> None:
        self.ingest = ingest
        self.beacons = beacons
        self.mover = mover
        self.profiles = Profiles(ingest.committer)
        self.me = VisitorDoor(ingest, self.profiles, beacons.base_path)
        self.debug = DebugDoor(ingest, DebugTokens(ingest.cookie.secrets))
        self._readiness = readiness
        self._metrics = metrics
        self._openapi = openapi

    def routes(self) -> list[Route]:
        base = self.beacons.base_path
        return [
            *tag_routes(base),
            Route(f"{base}/p.gif", self.pixel, methods=["GET"]),
            Route(f"{base}/v1/debug", self._debug, methods=["POST"]),
            *self.me.routes(),
            *VisitorPage(self.me).routes(),
            Route("/v1/profiles/{profile_id:path}", self.profile, methods=["GET", "DELETE"]),
            Route("/v1/transfers/{user_id}/{transfer_id}/undo", self.undo, methods=["POST"]),
            Route("/healthz", self.healthz, methods=["GET"]),
            Route("/readyz", self.readyz, methods=["GET"]),
            Route("/metrics", self.metrics, methods=["GET"]),
            Route("/openapi.json", self.openapi, methods=["GET"]),
        ]

    async def pixel(self, request: Request) -> Response:
        """One event by an image; always an image back, what became of the event is in a header."""
        query = dict(query_pairs(request.scope["query_string"]))
        head = header_map(request.scope["headers"])
        referer = head.get(b"referer", b"").decode("latin-1") or None
        raw = decode_pixel(query, referer)
        beacon = from_scope(request.scope, orjson.dumps({"batch": [raw], "context": raw.get("context", {})}))
        future: asyncio.Future[tuple[Opened, Submission | None]] = asyncio.get_running_loop().create_future()
        try:
            opened = self.ingest.open(beacon, by_cookie=True)
        except RequestError as error:
            return _gif(error.code)

        def done(opened: Opened, submission: Submission | None) -> None:
            if not future.done():
                future.set_result((opened, submission))

        self.ingest.take(opened, done)
        opened, submission = await future
        if submission is None or submission.error is not None:
            return Response(UNAVAILABLE, 503, {"retry-after": "1"}, media_type="application/problem+json")
        result = submission.intakes[0].result if submission.intakes else opened.results[0]
        response = _gif((result or {}).get("reason") or "accepted")
        for name, value in opened.headers:
            response.headers.append(name.decode(), value.decode("latin-1"))
        return response

    async def _debug(self, request: Request) -> Response:
        return await self.debug(request)

    async def profile(self, request: Request) -> Response:
        """`GET`, `DELETE /v1/profiles/{anonymous_id}`, `/v1/profiles/user:{user_id}`, `/v1/profiles/me`."""
        authorize(self.ingest, request)
        profile_id = request.path_params["profile_id"]
        if profile_id == "me":
            handed = request.headers.get("x-habitue-visitor", "").encode("latin-1")
            visitor = self.ingest.cookie.read(handed, self.ingest.clock())
            if visitor is None:
                raise Problem(404, "unknown_visitor", "X-Habitue-Visitor carries no valid cookie value.")
            profile_id = visitor.anonymous_id
        if len(profile_id) > MAX_ID_LENGTH + len(USER_PREFIX):
            raise Problem(404, "unknown_profile", "There is no such profile.")
        if request.method == "DELETE":
            erased = await self.profiles.erase(profile_id, self.ingest.clock())
            return answer_json({"erased": erased})
        profile = await self.profiles.read(profile_id)
        if profile is None:
            raise Problem(404, "unknown_profile", "There is no such profile.")
        return answer_json(profile.to_public())

    async def undo(self, request: Request) -> Response:
        """`POST /v1/transfers/{user_id}/{transfer_id}/undo`: take a login's move back, within 30 days."""
        authorize(self.ingest, request)
        user_id, transfer_id = request.path_params["user_id"], request.path_params["transfer_id"]
        if not await self.mover.undo(user_id, transfer_id, self.ingest.clock()):
            raise Problem(404, "unknown_transfer", "There is no such transfer, or it is older than 30 days.")
        return answer_json({"undone": transfer_id})

    async def healthz(self, request: Request) -> Response:
        return answer_json({"status": "ok"})

    async def readyz(self, request: Request) -> Response:
        missing = self._readiness()
        if missing:
            return answer_problem(503, "not_ready", "; ".join(missing), {"retry-after": "1"})
        return answer_json({"status": "ready"})

    async def metrics(self, request: Request) -> Response:
        return Response(await self._metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def openapi(self, request: Request) -> Response:
        return answer_json(self._openapi())


def tag_routes(base_path: str) -> list[Route]:
    """The built tag's files, read once, sent packed (Brotli by the build, else gzip), revalidated by ETag."""
    folder = files("habitue_collector").joinpath("static", "tag")
    routes = []
    for file in folder.iterdir():
        if file.name.endswith(".js"):
            script = _script(file.read_bytes(), folder.joinpath(f"{file.name}.br").read_bytes())
            routes.append(Route(f"{base_path}/{file.name}", script, methods=["GET"]))
    return routes


def _script(content: bytes, brotli: bytes) -> Endpoint:
    packed = {"br": brotli, "gzip": gzip.compress(content, 9, mtime=0), "": content}
    etag = f'"{sha256(content).hexdigest()[:16]}"'
    headers = {
        "etag": etag,
        "cache-control": "public, max-age=600, stale-while-revalidate=86400",
        "access-control-allow-origin": "*",  # the integrity attribute needs it
        "cross-origin-resource-policy": "cross-origin",
        "vary": "Accept-Encoding",
        "x-content-type-options": "nosniff",
    }

    async def endpoint(request: Request) -> Response:
        known = request.headers.get("if-none-match", "")
        if hmac.compare_digest(known.removeprefix("W/").encode(), etag.encode()):
            return Response(status_code=304, headers=headers)
        coding = _coding(request.headers.get("accept-encoding", ""))
        said = {**headers, "content-encoding": coding} if coding else headers
        return Response(packed[coding], headers=said, media_type="text/javascript")

    return endpoint


def _coding(accepted: str) -> str:
    """The smallest coding accepted, "" for none (RFC 9110, 12.5.3); browsers say `br` over https only."""
    codings = {}
    for one in accepted.lower().split(","):
        name, _, weight = one.partition(";")
        codings[name.strip()] = weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return next((coding for coding in ("br", "gzip") if codings.get(coding, codings.get("*", False))), "")


def _gif(outcome: str) -> Response:
    return Response(GIF, headers={"cache-control": "no-store", "x-habitue": outcome}, media_type="image/gif")
