"""What a shop's tests put in place of the network: see what was sent, say what is answered."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from habitue.offers import OfferLike
from habitue.transport import Request, Response, TransportError


class RecordingTransport:
    """Keeps every request and answers like a server that accepts everything.

    >>> transport = RecordingTransport(offers={"home-hero": [{"item_id": "SKU-001"}]})
    >>> client = Client("secret", transport=transport)
    >>> client.track("Product Viewed", {"product_id": "SKU-001"}, user_id="42")
    >>> client.flush()
    True
    >>> transport.events[0]["event"]
    'Product Viewed'

    `failing` is a TransportError reason or an HTTP status with which every request fails until it is
    set to None again.
    """

    def __init__(
        self,
        offers: Mapping[str, Iterable[OfferLike]] | None = None,
        profiles: Mapping[str, Mapping[str, Any]] | None = None,
        liked: Iterable[str] = (),
    ) -> None:
        """`offers` by slot; `profiles` by anonymous_id, `user:<user_id>`, or `me` for the visitor; `liked`:
        the sections that come first, in this order."""
        self.liked = list(liked)
        self.requests: list[Request] = []
        self.offers: dict[str, list[OfferLike]] = {
            slot: list(given) for slot, given in (offers or {}).items()
        }
        self.profiles: dict[str, Mapping[str, Any]] = dict(profiles or {})
        self.failing: str | int | None = None
        self.closed = False
        self._lock = threading.Lock()
        self._answered: list[bytes] = []

    @property
    def events(self) -> list[dict[str, Any]]:
        """Every event that a client sent and was told of, in order."""
        with self._lock:
            bodies = list(self._answered)
        return [event for body in bodies for event in json.loads(body)["batch"]]

    def send(self, request: Request, seconds: float) -> Response:
        with self._lock:
            self.requests.append(request)
            failing = self.failing
        if isinstance(failing, int):
            return Response(failing, b'{"code":"failing","message":"as asked"}')
        if failing is not None:
            raise TransportError(failing)
        question = json.loads(request.body) if request.body else {}
        door = request.path.rpartition("/v1/")[2]
        if door in ("batch", "context", "reset"):
            with self._lock:
                self._answered.append(request.body)
            results = [{"index": index, "status": "accepted"} for index in range(len(question["batch"]))]
            answer: dict[str, Any] = {"results": results}
            if door == "context":
                answer |= self._asked(question)
            return _answer(answer, self._cookie(request, question, door))
        if door == "recommend":
            return _answer(self._asked(question))
        if door.startswith("profiles/"):
            name = unquote(door.removeprefix("profiles/"))
            if name not in self.profiles:
                return Response(404, b'{"code":"unknown_profile","message":"There is no such profile."}')
            if request.method == "DELETE":
                del self.profiles[name]
                return _answer({"erased": [name]})
            return _answer(self.profiles[name])
        return Response(404, b'{"code":"not_found","message":"no such path"}')

    def close(self) -> None:
        self.closed = True

    def after_fork(self) -> None:
        self._lock = threading.Lock()

    def _cookie(self, request: Request, question: Mapping[str, Any], door: str) -> dict[str, str]:
        """A visitor without a cookie gets one, as from the server; the ids are made of the nonce."""
        visitor = request.headers.get("x-habitue-visitor")
        if door == "reset":
            return {
                "set-cookie": f"habitue=next-of-{visitor}; Max-Age=34128000; Path=/; HttpOnly; SameSite=Lax"
            }
        consent = question.get("context", {}).get("consent", {}).get("analytics", "granted")
        if consent == "denied" and visitor:
            return {"set-cookie": "habitue=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax"}
        if visitor or consent != "granted" or "nonce" not in question:
            return {}
        return {
            "set-cookie": f"habitue=of-{question['nonce']}; Max-Age=34128000; Path=/; HttpOnly; SameSite=Lax"
        }

    def _asked(self, question: Mapping[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = {"slots": {slot: self._slot(slot) for slot in question.get("slots", ())}}
        if "sections" in question:
            liked = [name for name in self.liked if name in question["sections"]]
            answer["sections"] = [*liked, *(name for name in question["sections"] if name not in liked)]
        return answer

    def _slot(self, slot: str) -> dict[str, Any]:
        if slot not in self.offers:
            return {"offers": [], "reason": "unknown_slot"}
        return {
            "decision_id": f"recorded-{slot}",
            "offers": self.offers[slot],
            "model": None,
            "variant": None,
        }


def _answer(answer: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    return Response(200, json.dumps(answer).encode(), {"content-type": "application/json", **(headers or {})})
