"""A request's body as JSON, its query as pairs, and the refusal of a request as a whole."""

from __future__ import annotations

import zlib
from typing import Any
from urllib.parse import parse_qsl

import orjson

from habitue_collector.body_json import read_as_meant
from habitue_collector.events import MAX_BODY_BYTES
from habitue_collector.request import Headers, Request, problem

GZIP_MAGIC = b"\x1f\x8b"


class RequestError(Exception):
    """The whole request is refused: a status, a code and a sentence."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers: Headers = []

    @property
    def body(self) -> bytes:
        return problem(self.status, self.code, str(self))


def read_body(request: Request, call: str | None = None) -> dict[str, Any]:
    """The request's JSON object; of gzip (by its first bytes) the body is unpacked. Raises RequestError.

    A list is a batch, but where the path names the one `call` that the body is.
    """
    body = request.body
    if body.startswith(GZIP_MAGIC):
        body = request.body = gunzip(body)
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        parsed = _read_as_meant(request, body, error)
    if type(parsed) is dict:
        return parsed
    if type(parsed) is list and call is None:
        return {"batch": parsed}
    raise RequestError(400, "invalid_body", "The body must be a JSON object.")


def _read_as_meant(request: Request, body: bytes, error: orjson.JSONDecodeError) -> Any:
    try:
        return read_as_meant(body, error)
    except orjson.JSONDecodeError:
        if b"gzip" in request.headers.get(b"content-encoding", b"").lower():
            raise RequestError(
                400, "invalid_gzip", "The body is neither gzip, as its header says, nor JSON."
            ) from None
        raise RequestError(400, "invalid_json", f"The body is not JSON: {error}.") from None


def gunzip(body: bytes) -> bytes:
    """Unpack, but never more than MAX_BODY_BYTES. Raises RequestError."""
    unpacker = zlib.decompressobj(wbits=31)
    try:
        unpacked = unpacker.decompress(body, MAX_BODY_BYTES + 1)
    except zlib.error:
        raise RequestError(400, "invalid_gzip", "The body begins like gzip and is none.") from None
    if len(unpacked) > MAX_BODY_BYTES:
        raise RequestError(413, "body_too_large", f"More than {MAX_BODY_BYTES} bytes after unpacking.")
    if not unpacker.eof:
        raise RequestError(400, "invalid_gzip", "The gzip body ends too early.")
    return unpacked


def query_pairs(query: bytes) -> list[tuple[str, str]]:
    """The parameters of a query string; one with more than 200 has none."""
    try:
        return parse_qsl(query.decode("latin-1"), max_num_fields=200)
    except ValueError:
        return []
