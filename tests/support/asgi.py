"""One request to an app in this process, with nothing in between that would mend what a test sends."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.types import ASGIApp

SECRET = {"authorization": "Bearer secret"}


async def ask(
    app: ASGIApp,
    method: str,
    path: str,
    body: Any = b"",
    headers: dict[str, str] | None = None,
    pieces: int = 1,
) -> tuple[int, Any, dict[str, str]]:
    """Status, the answer (parsed where it is JSON) and its headers; the body is sent in pieces."""
    packed = body if isinstance(body, bytes) else orjson.dumps(body)
    step = max(1, -(-len(packed) // pieces))
    chunks = [packed[at : at + step] for at in range(0, len(packed), step)] or [b""]
    messages = [
        {"type": "http.request", "body": chunk, "more_body": at < len(chunks) - 1}
        for at, chunk in enumerate(chunks)
    ]
    path, _, query = path.partition("?")
    said = SECRET | (headers or {})
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode("latin-1", "replace"),
        "headers": [(name.encode(), value.encode()) for name, value in said.items()],
    }
    answer: list[Any] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        answer.append(message)

    await app(scope, receive, send)
    content = b"".join(one.get("body", b"") for one in answer)
    told = {name.decode(): value.decode() for name, value in answer[0]["headers"]}
    return answer[0]["status"], orjson.loads(content) if content[:1] in (b"{", b"[") else content, told
