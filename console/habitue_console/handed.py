"""The inner end of the proxy: who really asks, as the web worker says it.

Only behind the unix socket in the data folder, which this user alone can open: every request there is a
worker's.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

PREFIX = b"x-habitue-console-"
PEER = PREFIX + b"peer"
SCHEME = PREFIX + b"scheme"


class Handed:
    """Puts the worker's word into the scope, and the console below `root`."""

    def __init__(self, app: ASGIApp, root: str = "/console") -> None:
        self._app = app
        self._root = root

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            told = {name: value for name, value in scope["headers"] if name.startswith(PREFIX)}
            peer = told.get(PEER, b"").decode("latin-1")
            scheme = told.get(SCHEME, b"http").decode("latin-1")
            scope = {
                **scope,
                "root_path": self._root,
                "client": (peer, 0) if peer else None,
                "scheme": scheme if scheme in ("http", "https") else "http",
                "headers": [pair for pair in scope["headers"] if not pair[0].startswith(PREFIX)],
            }
        await self._app(scope, receive, send)
