"""A visitor of the demo as the wire sees one: a cookie, and requests in the words of the tag."""

from __future__ import annotations

import secrets
from types import TracebackType
from typing import Any

import httpx
from support.house import BROWSER


class Guest:
    """`guest.asks("home-hero")` is the answer of `context`; `connections` are used in turn."""

    def __init__(self, address: str, connections: int = 1) -> None:
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
        self.connections = [
            httpx.Client(base_url=address, timeout=60, limits=limits, headers={"user-agent": BROWSER})
            for _ in range(connections)
        ]
        self.forget()

    def forget(self) -> None:
        """Becomes somebody new."""
        self.cookie: str | None = None
        self._nonce = secrets.token_hex(16)

    def __enter__(self) -> Guest:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for connection in self.connections:
            connection.close()

    def post(
        self, path: str, body: dict[str, Any], connection: int = 0, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        head = {"content-type": "text/plain", **(headers or {})}
        if self.cookie is not None:
            head["cookie"] = f"habitue={self.cookie}"
        client = self.connections[connection % len(self.connections)]
        client.cookies.clear()
        answer = client.post(path, json=body, headers=head)
        if (given := answer.cookies.get("habitue")) is not None:
            self.cookie = given
        return answer

    def envelope(self, *events: dict[str, Any]) -> dict[str, Any]:
        nonce = {"nonce": self._nonce} if self.cookie is None else {}
        return {"writeKey": "demo", "batch": list(events), **nonce}

    def sends(self, *events: dict[str, Any], connection: int = 0) -> list[dict[str, Any]]:
        """A batch; its results."""
        answer = self.post("/h/v1/batch", self.envelope(*events), connection)
        assert answer.status_code == 200, answer.text
        results: list[dict[str, Any]] = answer.json()["results"]
        return results

    def asks(
        self,
        *slots: str,
        events: tuple[dict[str, Any], ...] = (),
        page: dict[str, str] | None = None,
        connection: int = 0,
    ) -> dict[str, Any]:
        """Events in, offers out; the whole answer."""
        body = self.envelope(*events) | {"slots": list(slots), "page": page or {"type": "home"}}
        answer = self.post("/h/v1/context", body, connection)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        assert [one["status"] for one in told["results"]] == ["accepted"] * len(events)
        return told

    def offers(self, slot: str, **more: Any) -> list[dict[str, Any]]:
        """The offers of one slot."""
        offers: list[dict[str, Any]] = self.asks(slot, **more)["slots"][slot]["offers"]
        return offers
