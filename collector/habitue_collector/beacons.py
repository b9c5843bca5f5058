"""The endpoints that take events: plain handlers, served below Starlette and in it."""

from __future__ import annotations

from functools import partial

from habitue_collector.consent import DENIED
from habitue_collector.ingest import RETRY_AFTER, Ingest
from habitue_collector.pipeline import Opened
from habitue_collector.request import Handler, Request, Respond, is_secure, problem
from habitue_collector.request_body import RequestError
from habitue_collector.results import batch_answer, results_of
from habitue_collector.submission import Submission
from habitue_collector.transfers import Mover

UNAVAILABLE = problem(
    503, "overloaded", "This could not be stored just now. Please send it again a little later."
)
# Segment's call types as the last word of a path, long and short.
CALLS = ("track", "identify", "page", "screen", "group", "alias", "t", "i", "p", "s", "g", "a")


def _answer_batch(opened: Opened, submission: Submission | None) -> None:
    if submission is None or submission.error is not None:
        opened.respond(503, UNAVAILABLE, [*opened.headers, RETRY_AFTER])
    else:
        opened.respond(200, batch_answer(opened, submission), opened.headers)


def _answer_call(respond: Respond, opened: Opened, submission: Submission | None) -> None:
    if submission is None or submission.error is not None:
        respond(503, UNAVAILABLE, [*opened.headers, RETRY_AFTER])
    else:
        respond(200, b'{"success":true,"results":%b}' % results_of(opened, submission), opened.headers)


class Beacons:
    """Handlers for `/h/v1/*` and the Segment HTTP API; `spawn` runs the rare ones that must wait."""

    def __init__(self, ingest: Ingest, mover: Mover, base_path: str = "/h") -> None:
        self.ingest = ingest
        self.mover = mover
        self.base_path = base_path

    def handlers(self) -> dict[str, Handler]:
        """Path → handler, for POST."""
        routes: dict[str, Handler] = {
            f"{self.base_path}/v1/batch": self.batch,
            f"{self.base_path}/v1/reset": self.reset,
        }
        routes.update({f"/v1/{call}": self.call(call) for call in CALLS})
        for path in ("/v1/batch", "/v1/import", "/v1/b"):
            routes[path] = self.call(None)
        return routes

    def batch(self, request: Request, respond: Respond) -> None:
        """`POST /h/v1/batch`: a browser's events; the cookie says who it is."""
        try:
            opened = self.ingest.open(request, by_cookie=True)
        except RequestError as error:
            respond(error.status, error.body, error.headers)
            return

        opened.respond = respond
        self.ingest.take(opened, _answer_batch)

    def call(self, call: str | None) -> Handler:
        """The handler of a call of the native wire; None: of a batch of them."""

        def handler(request: Request, respond: Respond) -> None:
            try:
                opened = self.ingest.open(request, by_cookie=False, call=call)
            except RequestError as error:
                respond(error.status, error.body, error.headers)
                return

            self.ingest.take(opened, partial(_answer_call, respond))

        return handler

    def reset(self, request: Request, respond: Respond) -> None:
        """`POST /h/v1/reset`: logout. The device's pointer goes, a new device profile begins."""
        try:
            opened = self.ingest.open(request, by_cookie=True)
        except RequestError as error:
            respond(error.status, error.body, error.headers)
            return
        ingest = self.ingest
        now = opened.received_at
        visitor = ingest.cookie.find(request.headers.get(b"cookie"), now)
        headers = [pair for pair in opened.headers if pair[0] != b"set-cookie"]
        if visitor is None:
            respond(200, b'{"results":[]}', headers)
            return
        # Whoever has our cookie agreed once. A request that says nothing of consent is still a logout:
        # else the next person at this device would go on in the first one's profile.
        kept = opened.consent
        denied = kept is not None and kept.analytics is DENIED.analytics
        new = ingest.cookie.mint()
        secure = is_secure(request)

        async def move() -> None:
            try:
                begun = await self.mover.logout(visitor.anonymous_id, new, now)
            except Exception:
                respond(503, UNAVAILABLE, [*headers, RETRY_AFTER])
                raise
            headers.append(
                ingest.cookie.clear_cookie(secure) if denied else ingest.cookie.set_cookie(begun, now, secure)
            )
            respond(200, b'{"results":[]}', headers)

        if ingest.committer.is_ready:
            ingest.committer.spawn(move())
        else:
            respond(503, UNAVAILABLE, [*headers, RETRY_AFTER])
