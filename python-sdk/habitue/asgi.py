"""The mount for ASGI shops: Starlette, FastAPI, Litestar, or any other app.

It answers what stands below its path by the Habitue server, and tells
the SDK's calls whose request they serve.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from habitue.async_client import AsyncClient
from habitue.async_transport import AsyncHTTPTransport, AsyncStreamed
from habitue.client import Client
from habitue.first_party import FirstParty, first_party
from habitue.processes import notice_forks
from habitue.proxy import (
    AWAY,
    BUSY,
    OWN_FILES,
    SLOW,
    TOO_LARGE,
    Pairs,
    Refused,
    declared_length,
    request_headers,
    response_headers,
    target,
)
from habitue.reporter import HOST
from habitue.transport import TransportError
from habitue.visit import Consent, Mode, UserId, Visit, enter, leave

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]
AnyApp = TypeVar("AnyApp", bound=Callable[..., Any])

SMALL = 65_536  # bytes of a body that are read before the server is spoken to


def mount(
    app: AnyApp,
    path: str = "/h",
    *,
    client: Client | AsyncClient | None = None,
    url: str = HOST,
    secret_key: str = "",
    write_key: str = "",
    consent: Mode | Callable[[Scope], Consent | None] = "required",
    user: Callable[[Scope], UserId] | None = None,
    **options: Any,
) -> AnyApp:
    """`app` with Habitue on its own host, below `path`.

    Starlette, FastAPI and Litestar apps are changed in place; any other callable comes back wrapped: use what
    is returned. `client`: the shop's own; else one is made for the server at `url` with the `secret_key`.
    `write_key`: the shop's browser key, for the tag that templates print. `consent`: `required` or `assumed`
    as for the tag, or a function of the ASGI scope that says `{"analytics": …, "personalization": …}` (None:
    the visitor was not asked). `user`: who is logged in, from the scope; called when it is needed, so
    sessions are there. `options`: see `FirstParty`.
    """
    speaker = client if client is not None else AsyncClient(secret_key, url)
    site, asked = first_party(speaker, path, write_key, consent, options)

    def wrapped(inner: App) -> Mounted:
        return Mounted(inner, speaker, site, asked, user)

    changeable: Any = app
    if hasattr(changeable, "add_middleware"):
        changeable.add_middleware(wrapped)
        return app
    if hasattr(changeable, "asgi_handler"):  # Litestar has built its stack already
        changeable.asgi_handler = wrapped(changeable.asgi_handler)
        return app
    return wrapped(changeable)  # type: ignore[return-value]  # a callable for a callable


class Mounted:
    """An ASGI app around another."""

    def __init__(
        self,
        app: App,
        client: Client | AsyncClient,
        site: FirstParty,
        consent: Callable[[Scope], Consent | None] | None = None,
        user: Callable[[Scope], UserId] | None = None,
    ) -> None:
        self.app = app
        self.site = site
        self._client = client
        self._consent = consent
        self._user = user
        self._proxy = Proxy(client.host, site)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path, prefix = scope["path"], scope.get("root_path", "")
        if prefix and path.startswith(prefix):
            path = path[len(prefix) :]
        if self.site.owns(path):
            await self._proxy.answer(scope, receive, send, path, prefix)
            return
        visit = self._visit(scope, prefix)
        token = enter(visit)

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                await self._settle(visit, message)
            await send(message)

        try:
            await self.app(scope, receive, sending)
        finally:
            leave(token)

    def _visit(self, scope: Scope, prefix: str) -> Visit:
        headers = {name: value.decode("latin-1") for name, value in reversed(scope["headers"])}
        consent, user = self._consent, self._user
        try:
            said = consent(scope) if consent is not None else None
        except Exception:  # the shop's own function
            said = {"analytics": "pending", "personalization": "pending"}
        scheme = scope.get("scheme", "http")
        query = scope.get("query_string", b"").decode("latin-1")
        url = f"{scheme}://{headers.get(b'host', '')}{quote(scope['path'])}{'?' + query if query else ''}"
        cookies = [value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie"]
        return self.site.visit(
            lambda name: headers.get(name.encode()),
            cookie_in("; ".join(cookies), self.site.cookie),
            url=url,
            prefix=prefix,
            scheme=scheme,
            address=_address(scope),
            user=(lambda: user(scope)) if user is not None else None,
            consent=said,
        )

    async def _settle(self, visit: Visit, message: Message) -> None:
        """The answer is about to leave: with the visitor's cookie, and no cache may take it for
        everybody's."""
        try:
            headers = list(message.get("headers", ()))
            said = {name.lower(): value.decode("latin-1") for name, value in headers}
            caching = said.get(b"cache-control")
            if self.site.needs_settling(visit, caching):
                if isinstance(self._client, AsyncClient):
                    await self._client.settle(visit)
                else:
                    await asyncio.to_thread(self._client.settle, visit)
            added = self.site.added_headers(visit, caching, said.get(b"vary"))
            message["headers"] = headers + [(name.encode(), value.encode("latin-1")) for name, value in added]
        except Exception:
            return


def cookie_in(header: str, name: str) -> str | None:
    """The value of a cookie among all that the browser sent."""
    for part in header.split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value.strip('"')
    return None


class Proxy:
    """Answers requests below the mount by the server's answers."""

    def __init__(self, host: str, site: FirstParty) -> None:
        self.site = site
        self._host = urlsplit(host).netloc
        self._origin = host
        self.after_fork()
        notice_forks(self)

    def after_fork(self) -> None:
        """Connections and who waits on them are the parent's."""
        self._transport: AsyncHTTPTransport | None = None
        self._in_flight = 0
        self.site.breaker.after_fork()

    async def answer(self, scope: Scope, receive: Receive, send: Send, path: str, prefix: str) -> None:
        """Never raises into the host, whatever the browser or the server do."""
        started = False

        async def begin(status: int, headers: Pairs) -> None:
            nonlocal started
            started = True
            encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
            await send({"type": "http.response.start", "status": status, "headers": encoded})

        try:
            method = scope["method"]
            own = OWN_FILES.get(path[len(self.site.mount) :])
            if own is not None and method in ("GET", "HEAD"):
                known = _header(scope, b"if-none-match")
                status, headers, body = own.answer(known)
                await begin(status, headers)
                await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})
                return
            await self._pass(scope, receive, send, begin, path, prefix)
        except Refused as refused:
            if not started:
                await begin(refused.status, refused.headers)
                await send({"type": "http.response.body", "body": refused.body})
        except Gone:
            pass
        except TransportError:
            if started:
                raise  # half an answer: the host's server has to cut the connection, or it would look whole
            away = Refused(503, *AWAY, retry_after=2)
            await begin(away.status, away.headers)
            await send({"type": "http.response.body", "body": away.body})

    async def _pass(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        begin: Callable[[int, Pairs], Awaitable[None]],
        path: str,
        prefix: str,
    ) -> None:
        site = self.site
        raw_path = scope.get("raw_path")
        if raw_path:
            raw = raw_path.partition(b"?")[0].decode("latin-1")
            encoded_prefix = quote(prefix)
            if prefix and raw.startswith(encoded_prefix):
                raw = raw[len(encoded_prefix) :]
        else:
            raw = quote(path)
        if not raw.startswith(site.mount):  # the mount's own name written in escapes
            raise Refused(404, "not_found", "There is nothing at this address.")
        method = scope["method"]
        query = scope.get("query_string", b"").decode("latin-1")
        where = target(raw, query, method, site.mount, site.base_path)
        length = declared_length(_header(scope, b"content-length"), site.max_body_bytes)
        headers = request_headers(
            ((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]),
            cookie=site.cookie,
            address=_address(scope),
            scheme=scope.get("scheme", "http"),
            keep_host=site.keep_host,
            host=self._host,
        )
        if self._in_flight >= site.max_in_flight or not site.breaker.allows():
            raise Refused(503, *BUSY, retry_after=2)
        if self._transport is None:
            self._transport = AsyncHTTPTransport(self._origin)
        self._in_flight += 1
        try:
            body = Body(receive, site)
            small = await body.small()
            try:
                answer = await self._transport.stream(
                    method.encode(),
                    where.encode("ascii"),
                    [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers],
                    body.pieces() if small is None else small,
                    length=length,
                    seconds=site.patience if small is not None else site.body_patience,
                )
            except TransportError:
                site.breaker.failed()
                raise
            site.breaker.succeeded()
            await self._send_back(answer, scope, receive, send, begin)
        finally:
            self._in_flight -= 1

    async def _send_back(
        self,
        answer: AsyncStreamed,
        scope: Scope,
        receive: Receive,
        send: Send,
        begin: Callable[[int, Pairs], Awaitable[None]],
    ) -> None:
        answer.patience = self.site.piece_patience
        watching: asyncio.Task[None] | None = None
        try:
            secure = scope.get("scheme") == "https"
            pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers]
            headers = response_headers(pairs, cookie=self.site.cookie, secure=secure)
            if _is_short(pairs, SMALL):  # what breaks off is then no answer at all
                body = b"".join([piece async for piece in answer.pieces()])
                await begin(answer.status, headers)
                await send({"type": "http.response.body", "body": body})
                return
            await begin(answer.status, headers)
            async for piece in answer.pieces():
                if watching is None and not _is_short(pairs, 1 << 20):
                    watching = asyncio.create_task(_gone(receive))  # who left would be sent to for ever
                elif watching is not None and watching.done():
                    raise Gone
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            answer.close()
            if watching is not None:
                watching.cancel()


class Gone(Exception):
    """The browser left."""


class Body:
    """A request's body: the beginning is read first, so that a slow sender holds no connection to the
    server."""

    def __init__(self, receive: Receive, site: FirstParty) -> None:
        self._receive = receive
        self._site = site
        self._size = 0
        self._begun: list[bytes] = []

    async def small(self) -> bytes | None:
        """The whole of it, or None when it is long: then `pieces` has it. Raises Refused, Gone."""
        try:
            async with asyncio.timeout(self._site.body_patience):
                while True:
                    piece, more = await self._next()
                    self._begun.append(piece)
                    if not more:
                        return b"".join(self._begun)
                    if self._size > SMALL:
                        return None
        except TimeoutError:
            raise Refused(408, *SLOW) from None

    async def pieces(self) -> AsyncIterator[bytes]:
        yield b"".join(self._begun)
        more = True
        while more:
            piece, more = await self._next()
            yield piece

    async def _next(self) -> tuple[bytes, bool]:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise Gone
        piece = message.get("body", b"")
        self._size += len(piece)
        if self._size > self._site.max_body_bytes:
            raise Refused(413, *TOO_LARGE)
        return piece, message.get("more_body", False)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _is_short(pairs: Pairs, limit: int) -> bool:
    return any(
        name.lower() == "content-length" and value.isdigit() and int(value) < limit for name, value in pairs
    )


def _address(scope: Scope) -> str | None:
    client = scope.get("client")
    return str(client[0]) if client and client[0] else None


def _header(scope: Scope, wanted: bytes) -> str | None:
    for name, value in scope["headers"]:
        if name == wanted:
            return str(value.decode("latin-1"))
    return None
