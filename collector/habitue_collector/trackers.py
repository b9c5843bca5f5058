"""The doors for the trackers that shops already have: paths, keys and answers as each client expects them.

What comes in is decoded by its wire into calls of the native one, and takes the same way: one answer per
event, acknowledged when Redis has it. Every answer is a 200, but for a wrong key, a body that nobody can
read, and 503.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import orjson
from starlette.requests import Request as StarletteRequest
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

from habitue_collector import segment_snippet
from habitue_collector.beacons import CALLS, UNAVAILABLE, Beacons
from habitue_collector.endpoints import GIF, Problem
from habitue_collector.ingest import (
    RETRY_AFTER,
    Ingest,
)
from habitue_collector.pipeline import Opened
from habitue_collector.request import Handler, Headers, Request, Respond, Tally, from_scope, problem
from habitue_collector.request_body import RequestError, gunzip
from habitue_collector.results import results_of
from habitue_collector.slow_path import starlette_endpoint
from habitue_collector.submission import Submission
from habitue_collector.wires import jitsu, matomo, rudder, snowplow
from habitue_collector.wires.calls import Calls, Malformed, refused

Decode = Callable[[Request, int], Calls]
Answer = Callable[[Calls, Opened, bytes], tuple[bytes, Headers]]

SNOWPLOW_PATHS = ("/com.snowplowanalytics.snowplow/tp2", "/com.snowplowanalytics.iglu/v1")
MATOMO_PATHS = ("/matomo.php", "/piwik.php", "/js/tracker.php")
NOT_THERE = problem(404, "not_found", "There is nothing at this address.")
RESERVED = (
    "v1",
    "api",
    "analytics.js",
    "beacon",
    "pixel",
    "console",
    "shop",
    "sourceConfig",
)  # no custom path begins so
_HOST = re.compile(r"([A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9a-fA-F:]{2,39}\])(:[0-9]{1,5})?")
_IMAGE: Headers = ((b"content-type", b"image/gif"), (b"cache-control", b"no-store"))


class Trackers:
    """Handlers (POST) and routes (GET) of the Segment family's other paths, Matomo and Snowplow."""

    def __init__(self, ingest: Ingest, beacons: Beacons, tally: Tally | None = None) -> None:
        self.ingest = ingest
        self.beacons = beacons
        self.tally = tally

    def handlers(self) -> dict[str, Handler]:
        """Path → handler, for POST."""
        native = self.beacons.call
        routes: dict[str, Handler] = {"/beacon/v1/batch": native(None), "/v1/m": self.own_metrics}
        for call in CALLS[:6]:
            routes[f"/api/s/{call}"] = routes[f"/api/s/s2s/{call}"] = self._jitsu(native(call))
        for path in ("/api/s/batch", "/api/s/s2s/batch"):
            routes[path] = self._jitsu(native(None))
        for path in ("/api/v1/event", "/api/v1/s2s/event"):
            routes[path] = self._handler(jitsu.decode, _results)
        for path in MATOMO_PATHS:
            routes[path] = self._handler(matomo.decode, _matomo)
        for path in SNOWPLOW_PATHS:
            routes[path] = self._handler(snowplow.decode, _results)
        return routes

    def routes(self) -> list[Route]:
        def get(path: str, handler: Handler, *more: str) -> Route:
            return Route(
                path,
                starlette_endpoint(handler, tally=self.tally, readable=self.ingest.readable),
                methods=["GET", *more],
            )

        matomo_door = self._handler(matomo.decode, _matomo)
        pixel = self._handler(rudder.decode_pixel, _image)
        return [
            *(get(path, matomo_door, "POST") for path in MATOMO_PATHS),
            get("/i", self._handler(snowplow.decode, _image)),
            *(get(f"/{path}/{call}", pixel) for path in ("pixel/v1", "v1/pixel") for call in CALLS[:6]),
            Route("/sourceConfig", self.source_config, methods=["GET"]),
            Route("/sourceConfig/", self.source_config, methods=["GET"]),
            Route("/v1/projects/{key}/settings", self.settings, methods=["GET"]),
            Route(segment_snippet.PATH, self.snippet, methods=["GET"]),
            CustomPath(
                "/{vendor}/{version}",
                starlette_endpoint(self._custom_path(), tally=self.tally, readable=self.ingest.readable),
                frozenset((*RESERVED, *self.beacons.base_path.split("/"))),
            ),
        ]

    def _handler(self, decode: Decode, answer: Answer) -> Handler:
        def handler(request: Request, respond: Respond) -> None:
            try:
                calls, opened = self._open(request, decode)
            except RequestError as error:
                respond(error.status, error.body, error.headers)
                return

            def done(opened: Opened, submission: Submission | None) -> None:
                if submission is None or submission.error is not None:
                    respond(503, UNAVAILABLE, [*opened.headers, RETRY_AFTER])
                    return
                body, headers = answer(calls, opened, results_of(opened, submission))
                respond(200, body, [*opened.headers, *headers])

            self.ingest.take(opened, done)

        return handler

    def _jitsu(self, take: Handler) -> Handler:
        """Its client takes only keys that look like `key:secret`; the second half may be anything."""

        def handler(request: Request, respond: Respond) -> None:
            named = request.headers.get(b"x-write-key", b"").decode("latin-1")
            if ":" in named and self.ingest.settings.find_key(named) is None:
                request.headers[b"x-write-key"] = named.partition(":")[0].encode("latin-1")
            take(request, respond)

        return handler

    def _open(self, request: Request, decode: Decode) -> tuple[Calls, Opened]:
        """Decode a request and open it with the key that it names. Raises RequestError."""
        ingest = self.ingest
        try:
            if request.body[:2] == b"\x1f\x8b":
                request.body = gunzip(request.body)
            calls = decode(request, ingest.clock())
        except Malformed as error:
            refusal = RequestError(400, error.code, str(error))
            ingest.refuse(refusal, request)
            raise refusal from None
        except RequestError as refusal:
            ingest.refuse(refusal, request)
            raise
        find = ingest.settings.find_key
        named = [key for key in dict.fromkeys((calls.token, *calls.keys)) if key is not None]
        known = [found for key in named if (found := find(key)) is not None]
        best = next((key for key in known if key.secret), known[0] if known else None)
        said = best.key if best is not None else named[0] if named else None
        envelope = orjson.dumps({"writeKey": said.encode("utf-8", "replace").decode()} if said else {})
        opened = ingest.open(
            Request(request.path, request.query, request.headers, envelope, request.peer, request.scheme),
            by_cookie=False,
        )
        if best is not None and calls.count > 1:
            for index, key in enumerate(calls.keys):
                if key is not None and find(key) is None:
                    calls.events[index] = refused("the key that it names is not known here")
        opened.raw_events = calls.events
        opened.size = len(request.body) + len(request.query)
        return calls, opened

    def _custom_path(self) -> Handler:
        """Whatever is no Snowplow payload has come to the wrong address."""
        take = self._handler(snowplow.decode, _results)

        def handler(request: Request, respond: Respond) -> None:
            try:
                if request.body[:2] == b"\x1f\x8b":
                    request.body = gunzip(request.body)
                snowplow.payload(request.body)
            except (Malformed, RequestError):
                respond(404, NOT_THERE, ())
            else:
                take(request, respond)

        return handler

    def own_metrics(self, request: Request, respond: Respond) -> None:
        """`POST /v1/m`: what Segment's client measures of itself; it names no key, and nobody keeps it."""
        origin = request.headers.get(b"origin")
        headers: list[tuple[bytes, bytes]] = []
        if origin is not None and self.ingest.any_key_allows(origin):
            headers = [(b"access-control-allow-origin", origin), (b"vary", b"Origin")]
            headers.append((b"access-control-allow-credentials", b"true"))
        respond(200, b'{"success":true}', headers)

    async def source_config(self, request: StarletteRequest) -> Response:
        """`GET /sourceConfig/?writeKey=…` or with Basic."""
        return self._document(request, {}, lambda key: rudder.source_config(key))

    async def settings(self, request: StarletteRequest) -> Response:
        """`GET /v1/projects/KEY/settings`."""
        host, protocol = self._public_host(request)
        named = {"writeKey": request.path_params["key"]}
        return self._document(request, named, lambda key: rudder.segment_settings(key, host, protocol))

    async def snippet(self, request: StarletteRequest) -> Response:
        """`GET /analytics.js/v1/KEY/analytics.min.js`: the tag, for pages with Segment's snippet."""
        asked = from_scope(request.scope, b"")
        try:
            key = self.ingest.settings.find_key(request.path_params["key"])
            if key is None:
                raise RequestError(401, "invalid_write_key", "This write key is not known here.")
            if key.secret:
                raise RequestError(
                    403, "browser_key_needed", "A server key stands in no page: use a write key."
                )
        except RequestError as error:
            self.ingest.refuse(error, asked)
            return Response(error.body, error.status, media_type="application/problem+json")
        content = segment_snippet.script(key, self.beacons.base_path)
        return Response(content, headers=segment_snippet.HEADERS, media_type="text/javascript")

    def _document(
        self, request: StarletteRequest, named: dict[str, Any], make: Callable[[str], dict[str, Any]]
    ) -> Response:
        asked = from_scope(request.scope, b"")
        try:
            key = self.ingest.find_key(asked, named)
            headers = self.ingest.cors(asked, key)
        except RequestError as error:
            self.ingest.refuse(error, asked)
            response = Response(error.body, error.status, media_type="application/problem+json")
            response.raw_headers.extend(error.headers)
            return response
        said = named.get("writeKey") or request.query_params.get("writeKey")
        if not said:
            said = "" if key.secret else key.key  # a secret one stands in no document
        response = Response(orjson.dumps(make(said)), media_type="application/json")
        response.raw_headers.extend([*headers, (b"cache-control", b"private, max-age=300")])
        return response

    def _public_host(self, request: StarletteRequest) -> tuple[str, str]:
        """Where pages reach us: as the settings say, else as this request did, if that is a host at all."""
        server = self.ingest.settings.server
        if server.public_url:
            scheme, _, host = server.public_url.rpartition("://")
            return host.rstrip("/"), scheme or "https"
        host = request.headers.get("host", "")
        if _HOST.fullmatch(host) is None:
            raise Problem(400, "invalid_host", "The Host header is none.")
        asked = from_scope(request.scope, b"")
        if self.ingest._proxies:
            self.ingest._see_through(asked)
        return host, "https" if asked.scheme == "https" else "http"


class CustomPath(Route):
    """A Snowplow collector's custom post path (`/com.acme/track`): any two words that are nobody else's.

    `comes_last`: the app puts it behind all other routes.
    """

    comes_last = True

    def __init__(self, path: str, endpoint: Callable[..., Any], reserved: frozenset[str]) -> None:
        super().__init__(path, endpoint, methods=["POST"])
        self._reserved = reserved

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child = super().matches(scope)
        if match is Match.FULL and child["path_params"]["vendor"] not in self._reserved:
            return match, child
        return Match.NONE, {}


def _results(calls: Calls, opened: Opened, results: bytes) -> tuple[bytes, Headers]:
    return b'{"success":true,"results":%b}' % results, ()


def _image(calls: Calls, opened: Opened, results: bytes) -> tuple[bytes, Headers]:
    outcome = next(((one or {}).get("reason") for one in opened.results), None) or "accepted"
    return GIF, (*_IMAGE, (b"x-habitue", outcome.encode()))


def _matomo(calls: Calls, opened: Opened, results: bytes) -> tuple[bytes, Headers]:
    """An image, or (a batch, `send_image=0`) what Matomo says of a batch."""
    judged = zip(calls.lines, opened.results, strict=False)
    invalid = sorted({line for line, one in judged if (one or {}).get("status") == "rejected"})
    if calls.wants_image:
        return _image(calls, opened, results)
    said = {
        "status": "success",
        "tracked": calls.count - len(invalid),
        "invalid": len(invalid),
        "invalid_indices": invalid,
        "results": orjson.Fragment(results),
    }
    return orjson.dumps(said), ()
