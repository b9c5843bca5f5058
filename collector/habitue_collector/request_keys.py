"""Where a client may have put its write key: header, body, query, or the first event."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

from habitue_collector.request import Request
from habitue_collector.request_body import query_pairs


def names_one_key(request: Request) -> bool:
    """Whether the body's is the only place for a key: of several, the strongest counts."""
    head = request.headers
    return not request.query and b"authorization" not in head and b"x-write-key" not in head


def header_candidates(head: dict[bytes, bytes]) -> list[str]:
    candidates: list[str] = []
    authorization = head.get(b"authorization")
    if authorization is not None:
        scheme, _, value = authorization.partition(b" ")
        scheme = scheme.lower()
        if scheme == b"bearer":
            candidates.append(value.strip().decode("latin-1"))
        elif scheme == b"basic":
            try:
                user = b64decode(value.strip() + b"==").partition(b":")[0]
                candidates.append(user.decode("utf-8", "replace"))
            except ValueError:
                candidates.append("")
    for name in (b"x-write-key", b"x-auth-token"):
        if name in head:
            candidates.append(head[name].decode("latin-1"))
    return candidates


def key_candidates(request: Request, head: dict[bytes, bytes], body: dict[str, Any]) -> list[str]:
    candidates = header_candidates(head)
    for member in ("writeKey", "write_key", "api_key", "aid", "idsite"):
        said = body.get(member)
        if type(said) is str or (member == "idsite" and type(said) is int):
            candidates.append(str(said))
    if request.query:
        for parameter, text in query_pairs(request.query):
            if parameter in ("writeKey", "key", "k", "api_key", "token", "aid", "idsite"):
                candidates.append(text)
    if not candidates:
        batch = body.get("batch")
        if type(batch) is list and batch and type(batch[0]) is dict:
            said = batch[0].get("writeKey")
            if type(said) is str:
                candidates.append(said)
    return candidates
