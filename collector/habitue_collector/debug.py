"""The debug view's door: `POST /h/v1/debug` says whether a token opens it, and what an event would come to.

`habitue doctor --page URL` signs tokens, for one host and one hour. Nothing that comes in here is stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from habitue_collector.consent import DENIED, effective
from habitue_collector.events import MAX_EVENT_BYTES, InvalidEvent
from habitue_collector.ingest import Ingest
from habitue_collector.request import NO_HEADERS, Headers, from_scope
from habitue_collector.request_body import RequestError, read_body
from habitue_collector.wires.segment import Envelope, decode, parse_envelope

SALT: Final = "habitue.debug"
LIFETIME_SECONDS: Final = 3_600
MAX_TOKEN_LENGTH: Final = 512
MAX_EVENTS: Final = 25
MAX_BYTES: Final = MAX_EVENTS * MAX_EVENT_BYTES


class InvalidToken(ValueError):
    """The view stays closed: a code and a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(slots=True, frozen=True)
class Grant:
    """What a token opens: the pages of `host`, until `expires_at` (milliseconds)."""

    host: str
    expires_at: int


class DebugTokens:
    """Signs and reads tokens. `secrets`: newest last; the newest signs, all verify."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._serializer = URLSafeTimedSerializer(
            list(secrets), salt=SALT, signer_kwargs={"key_derivation": "hmac", "digest_method": sha256}
        )

    def sign(self, host: str) -> str:
        """A token for the pages of this host, good for an hour from now."""
        signed = self._serializer.dumps(host.lower())
        return signed if isinstance(signed, str) else signed.decode("ascii")

    def read(self, token: object) -> Grant:
        """What the token opens. Raises InvalidToken."""
        forged = InvalidToken("invalid_token", "This token is not ours, or it was cut on its way.")
        if not isinstance(token, str) or not 0 < len(token) <= MAX_TOKEN_LENGTH or not token.isascii():
            raise forged
        try:
            host, signed_at = self._serializer.loads(token, max_age=LIFETIME_SECONDS, return_timestamp=True)
        except SignatureExpired:
            raise InvalidToken(
                "expired_token",
                "This token was good for an hour. `habitue doctor --page URL` prints a new one.",
            ) from None
        except BadSignature:
            raise forged from None
        if not isinstance(host, str):
            raise forged
        return Grant(host, int((signed_at.timestamp() + LIFETIME_SECONDS) * 1000))


class DebugDoor:
    """The endpoint. It tells nothing of anybody: only what the house thinks of key, page and events."""

    def __init__(self, ingest: Ingest, tokens: DebugTokens) -> None:
        self._ingest = ingest
        self._tokens = tokens

    async def __call__(self, request: Request) -> Response:
        """`{writeKey, token, context?, batch?}` → `{valid, expires_at, now, key, consent, site, results}`."""
        ingest = self._ingest
        headers: Headers = NO_HEADERS
        try:
            beacon = from_scope(request.scope, await _read(request))
            body = read_body(beacon)
            key = ingest.find_key(beacon, body)
            headers = ingest.cors(beacon, key)
            grant = self._tokens.read(body.get("token"))
            origin = beacon.headers.get(b"origin")
            if origin is not None and _host(origin.decode("latin-1")) != grant.host:
                raise InvalidToken("other_host", f"This token is for the pages of {grant.host}.")
            if (events := body.get("batch", [])) and (type(events) is not list or len(events) > MAX_EVENTS):
                raise RequestError(400, "invalid_batch", f"batch is a list of at most {MAX_EVENTS} events.")
        except RequestError as error:
            if not headers:
                headers = self._readable(request)
            return _answer(error.status, error.body, headers)
        except InvalidToken as error:
            return _answer(403, RequestError(403, error.code, str(error)).body, headers)
        now = ingest.clock()
        envelope = parse_envelope(body, now, None, True)
        gpc = beacon.headers.get(b"sec-gpc") == b"1"
        consent = DENIED if gpc else effective(envelope.said, None, key.consent_assumed, gpc)
        answer = {
            "valid": True,
            "expires_at": grant.expires_at,
            "now": now,
            "key": {"name": key.name, "consent": "assumed" if key.consent_assumed else "required"},
            "consent": consent.to_record(),
            "site": beacon.headers.get(b"sec-fetch-site", b"").decode("latin-1") or None,
            "results": [understood(raw, index, envelope, now) for index, raw in enumerate(events or [])],
        }
        return _answer(200, orjson.dumps(answer), headers)

    def _readable(self, request: Request) -> Headers:
        """A refusal that the page may read, where any key allows its origin."""
        origin = request.headers.get("origin", "").encode("latin-1")
        if not origin or not self._ingest.any_key_allows(origin):
            return NO_HEADERS
        return [(b"access-control-allow-origin", origin), (b"vary", b"Origin")]


def understood(raw: Any, index: int, envelope: Envelope, now: int) -> dict[str, Any]:
    """What this event would come to: kind, items and order as they would be stored, or why it is refused."""
    try:
        if len(orjson.dumps(raw)) > MAX_EVENT_BYTES:
            return {"index": index, "status": "rejected", "reason": "event_too_large"}
        event = decode(raw, envelope, now)
    except InvalidEvent as refusal:
        return {
            "index": index,
            "status": "rejected",
            "reason": refusal.reason.value,
            "message": refusal.detail,
        }
    except orjson.JSONEncodeError:
        return {"index": index, "status": "rejected", "reason": "event_too_large"}
    record = event.to_record()
    told = ("kind", "name", "items", "order_id", "value", "currency", "search_term")
    return {"index": index, "status": "accepted", **{name: record[name] for name in told if name in record}}


async def _read(request: Request) -> bytes:
    """The body, as far as one may be long. Raises RequestError."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BYTES:
                raise RequestError(413, "body_too_large", f"More than {MAX_BYTES} bytes.")
    except ClientDisconnect:
        raise RequestError(400, "bad_request", "The body did not arrive.") from None
    return bytes(body)


def _host(origin: str) -> str | None:
    try:
        return urlsplit(origin).hostname
    except ValueError:
        return None


def _answer(status: int, body: bytes, headers: Headers) -> Response:
    media_type = "application/json" if status < 400 else "application/problem+json"
    response = Response(body, status, {"cache-control": "no-store"}, media_type)
    for name, value in headers:
        response.headers.append(name.decode(), value.decode("latin-1"))
    return response
