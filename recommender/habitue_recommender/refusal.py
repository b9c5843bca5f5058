"""Requests that cannot be taken, and bodies read within their limits: for every door of the recommender."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import orjson
from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import Response

from habitue_collector.request import problem

_GZIP = b"\x1f\x8b"


class Refused(Exception):
    """The whole request cannot be taken: a status, a code and a sentence."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


async def unpacked(stream: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    """The body's chunks, gunzipped when it begins like gzip; never more than `limit` bytes in all."""
    unpacker: Any = None
    head: bytes | None = b""
    size = 0
    too_large = Refused(413, "body_too_large", f"The body has more than {limit} bytes.")
    async for chunk in stream:
        if head is not None:
            head += chunk
            if len(head) < 2:
                continue
            chunk, head = head, None
            if chunk.startswith(_GZIP):
                unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
        if unpacker is None:
            size += len(chunk)
            if size > limit:
                raise too_large
            yield chunk
            continue
        while chunk:
            try:
                piece = unpacker.decompress(chunk, 1 << 20)  # a bomb comes out in pieces, and is counted
            except zlib.error:
                raise Refused(400, "invalid_gzip", "The body begins like gzip and is not.") from None
            size += len(piece)
            if size > limit:
                raise too_large
            yield piece
            chunk = unpacker.unconsumed_tail
    if head:
        yield head


def parsed(body: bytes, message: str) -> Any:
    """The JSON of a body; refused with the message when it is none."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refused(400, "invalid_json", message) from None


def refusing(
    endpoint: Callable[[Request], Awaitable[Response]],
) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint, with what it refuses as problem+json."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Refused as error:
            body = problem(error.status, error.code, str(error))
            return Response(body, error.status, media_type="application/problem+json")
        except (ConnectionError, RedisError):  # redis-py's own ConnectionError is a RedisError
            body = problem(
                503, "unavailable", "Redis does not answer. Please send this again a little later."
            )
            return Response(body, 503, {"retry-after": "1"}, media_type="application/problem+json")

    return answer
