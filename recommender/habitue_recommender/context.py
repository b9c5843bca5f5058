"""Events in, offers out, one round trip: the endpoints that a page asks.

What the visitor did a moment ago is folded and acknowledged before the decision is made, so it counts
in the answer. Without consent the offers follow the page alone, and nobody is remembered.
"""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from starlette.requests import Request as StarletteRequest
from starlette.responses import Response
from starlette.routing import Route

from habitue_collector.beacons import UNAVAILABLE
from habitue_collector.ingest import RETRY_AFTER, Ingest
from habitue_collector.pipeline import Opened
from habitue_collector.request import Handler, Headers, Request, Respond, from_scope
from habitue_collector.request_body import RequestError
from habitue_collector.results import results_of
from habitue_collector.store import keys
from habitue_collector.submission import Submission
from habitue_recommender.recommender import Recommender


class ContextEndpoints:
    """`POST {base}/v1/context` as a plain handler on both paths, `GET {base}/v1/slots/{slot}` as a route."""

    def __init__(self, ingest: Ingest, recommender: Recommender, base_path: str = "/h") -> None:
        self.ingest = ingest
        self.recommender = recommender
        self.base_path = base_path
        self.decisions = 0

    def handlers(self) -> dict[str, Handler]:
        return {f"{self.base_path}/v1/context": self.context}

    def routes(self) -> list[Route]:
        return [Route(f"{self.base_path}/v1/slots/{{slot}}", self.slot, methods=["GET"])]

    def context(self, request: Request, respond: Respond) -> None:
        """A batch's events, offers for `slots` on `page`, and the order of its `sections`."""
        try:
            opened = self.ingest.open(request, by_cookie=True)
        except RequestError as error:
            respond(error.status, error.body, error.headers)
            return
        self._answer(opened, respond)

    def _answer(self, opened: Opened, respond: Respond) -> None:
        def done(opened: Opened, submission: Submission | None) -> None:
            if submission is None or submission.error is not None:
                respond(503, UNAVAILABLE, [*opened.headers, RETRY_AFTER])
                return
            slots = self.offers(opened, submission)
            body = b'{"results":%b,"slots":%b' % (results_of(opened, submission), slots)
            sections = self.sections(opened, submission)
            body += b"}" if sections is None else b',"sections":%b}' % orjson.dumps(sections)
            respond(200, body, opened.headers)

        self.ingest.take(opened, done, wants_profile=True)

    def offers(self, opened: Opened, submission: Submission) -> bytes:
        """The JSON of the answer for each slot asked for; the decisions go to the log with the next flush."""
        body = opened.body
        wanted = body.get("slots")
        if not wanted:
            return b"{}"
        if type(wanted) is str:  # as in an address: one, or several between commas
            wanted = [name.strip() for name in wanted.split(",")]
        consent = self.ingest.consent_of(opened, submission)
        answered, count = self.recommender.packed_answer(
            wanted,
            body.get("page"),
            submission.profile,
            consent,
            opened.received_at,
            opened.visitor_id if consent.keeps_profile else None,
        )
        self.decisions += count
        note_decisions(self.ingest, self.recommender)
        return answered

    def sections(self, opened: Opened, submission: Submission) -> list[str] | None:
        """The page's sections in the visitor's order; None where nobody asked."""
        asked = opened.body.get("sections")
        if asked is None:
            return None
        consent = self.ingest.consent_of(opened, submission)
        return self.recommender.sections(asked, submission.profile, consent)

    async def slot(self, request: StarletteRequest) -> Response:
        """Offers for one slot; the page in the query: `?key=…&type=product&item_id=…&category=…`."""
        query = dict(request.query_params)
        page = {name: query[name] for name in ("type", "item_id", "category") if name in query}
        slot = request.path_params["slot"]
        beacon = from_scope(request.scope, orjson.dumps({"slots": [slot], "page": page, "batch": []}))
        answer: asyncio.Future[tuple[int, bytes, Headers]] = asyncio.get_running_loop().create_future()

        def respond(status: int, body: bytes, headers: Headers) -> None:
            if not answer.done():
                answer.set_result((status, body, headers))

        self.context(beacon, respond)
        status, body, headers = await answer
        if status == 200:
            unknown = {"offers": [], "reason": "unknown_slot"}
            body = orjson.dumps(orjson.loads(body)["slots"].get(slot, unknown))
        media_type = "application/json" if status < 400 else "application/problem+json"
        response = Response(body, status, {"cache-control": "no-store"}, media_type)  # it is one person's
        for name, value in headers:
            response.headers.append(name.decode(), value.decode("latin-1"))
        return response


def note_decisions(ingest: Ingest, recommender: Recommender) -> None:
    """What was decided goes to the log of the visitor's bucket, awaited by nobody."""
    append_records(ingest, recommender.decision_records())


def append_records(ingest: Ingest, records: list[dict[str, Any]]) -> None:
    for record in records:
        place = record.get("profile_id") or record.get("anonymous_id") or record["decision_id"]
        ingest.committer.note(keys.bucket_of(place), b"decision", orjson.dumps(record))
