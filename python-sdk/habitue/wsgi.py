"""The mount for WSGI shops: Flask has its extension, Django its app; this serves any other.

It answers what stands below its path by the Habitue server, and tells
the SDK's calls whose request they serve.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

from habitue.client import Client
from habitue.first_party import FirstParty, first_party
from habitue.processes import here, notice_forks
from habitue.proxy import (
    AWAY,
    BUSY,
    OWN_FILES,
    PIECE,
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
from habitue.transport import HTTPTransport, Streamed, TransportError
from habitue.visit import Consent, Mode, UserId, Visit, enter, leave

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
App = Callable[[Environ, StartResponse], Iterable[bytes]]

SMALL = 262_144  # bytes of a body that are read before the server is spoken to
MAX_IN_FLIGHT = 4  # each of them holds one of the host's threads


def mount(
    app: App,
    path: str = "/h",
    *,
    client: Client | None = None,
    url: str = HOST,
    secret_key: str = "",
    write_key: str = "",
    consent: Mode | Callable[[Environ], Consent | None] = "required",
    user: Callable[[Environ], UserId] | None = None,
    **options: Any,
) -> Mounted:
    """`app` with Habitue on its own host, below `path`.

    `client`: the shop's own; else one is made for the server at `url` with the `secret_key`. `write_key`: the
    shop's browser key, for the tag that templates print. `consent`: `required` or `assumed` as for the tag,
    or a function of the WSGI environ that says `{"analytics": …, "personalization": …}` (None: the visitor
    was not asked). `user`: who is logged in, from the environ; called when it is needed. `options`: see
    `FirstParty`.
    """
    options.setdefault("max_in_flight", MAX_IN_FLIGHT)
    speaker = client if client is not None else Client(secret_key, url)
    site, asked = first_party(speaker, path, write_key, consent, options)
    return Mounted(app, speaker, site, asked, user)


class Mounted:
    """A WSGI app around another."""

    def __init__(
        self,
        app: App,
        client: Client,
        site: FirstParty,
        consent: Callable[[Environ], Consent | None] | None = None,
        user: Callable[[Environ], UserId] | None = None,
    ) -> None:
        self.app = app
        self.site = site
        self._client = client
        self._consent = consent
        self._user = user
        self._proxy = Proxy(client.host, site)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if self.site.owns(environ.get("PATH_INFO", "")):
            status, headers, pieces = self._proxy.answer(Asked(environ))
            start_response(status_line(status), headers)
            return pieces
        visit = self.visit(environ)
        token = enter(visit)

        def starting(status: str, headers: Pairs, *more: Any) -> Any:
            return start_response(status, self.settled(visit, headers), *more)

        try:
            return self.app(environ, starting)
        finally:
            leave(token)

    def visit(self, environ: Environ) -> Visit:
        consent, user = self._consent, self._user
        try:
            said = consent(environ) if consent is not None else None
        except Exception:  # the shop's own function
            said = {"analytics": "pending", "personalization": "pending"}
        asked = Asked(environ)
        return self.site.visit(
            asked.header,
            cookie_in(environ.get("HTTP_COOKIE", ""), self.site.cookie),
            url=asked.url,
            prefix=environ.get("SCRIPT_NAME", ""),
            scheme=asked.scheme,
            address=asked.address,
            user=(lambda: user(environ)) if user is not None else None,
            consent=said,
        )

    def settled(self, visit: Visit, headers: Pairs) -> Pairs:
        """The answer is about to leave: with the visitor's cookie, and no cache may take it for
        everybody's."""
        try:
            said = {name.lower(): value for name, value in headers}
            caching = said.get("cache-control")
            if self.site.needs_settling(visit, caching):
                self._client.settle(visit)
            return list(headers) + self.site.added_headers(visit, caching, said.get("vary"))
        except Exception:
            return headers


def cookie_in(header: str, name: str) -> str | None:
    """The value of a cookie among all that the browser sent."""
    for part in header.split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value.strip('"')
    return None


def status_line(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Unknown"


class Asked:
    """A request as the proxy needs it, from a WSGI environ (Django's requests carry one too)."""

    def __init__(self, environ: Environ, scheme: str | None = None) -> None:
        self._environ = environ
        self.scheme: str = scheme or environ.get("wsgi.url_scheme", "http")
        self.method: str = environ.get("REQUEST_METHOD", "GET")
        self.path: str = environ.get("PATH_INFO", "")
        self.query: str = environ.get("QUERY_STRING", "")
        self.address: str | None = environ.get("REMOTE_ADDR") or None
        self.length: str | None = environ.get("CONTENT_LENGTH") or None
        # Without a length a server says whether its stream ends; else reading it might wait for ever.
        self.has_body = self.length is not None or bool(environ.get("wsgi.input_terminated"))

    @property
    def raw_path(self) -> str:
        """WSGI gives paths unescaped; what the escapes hid is escaped again, so no slash comes out of one."""
        return quote(self.path.encode("latin-1"), safe="/~!$&'()*+,;=:@")

    @property
    def url(self) -> str:
        path = quote((self._environ.get("SCRIPT_NAME", "") + self.path).encode("latin-1", "replace"))
        query = f"?{self.query}" if self.query else ""
        return f"{self.scheme}://{self._environ.get('HTTP_HOST', '')}{path}{query}"

    def header(self, name: str) -> str | None:
        return self._environ.get("HTTP_" + name.upper().replace("-", "_"))

    def headers(self) -> Iterator[tuple[str, str]]:
        for name, value in self._environ.items():
            if name.startswith("HTTP_"):
                yield name[5:].replace("_", "-").lower(), value
        if self._environ.get("CONTENT_TYPE"):
            yield "content-type", self._environ["CONTENT_TYPE"]

    def read(self, size: int) -> bytes:
        return bytes(self._environ["wsgi.input"].read(size))


class Proxy:
    """Answers requests below the mount by the server's answers."""

    def __init__(self, host: str, site: FirstParty) -> None:
        self.site = site
        self._origin = host
        self._host = urlsplit(host).netloc
        self.after_fork()
        notice_forks(self)

    def after_fork(self) -> None:
        """Connections are the parent's, and who held a place there never gives it back here."""
        self._transport: HTTPTransport | None = None
        self._places = threading.BoundedSemaphore(self.site.max_in_flight)
        self.site.breaker.after_fork()

    def answer(self, asked: Asked) -> tuple[int, Pairs, Pieces]:
        """Status, headers, body. Never raises into the host, whatever the browser or the server do."""
        own = OWN_FILES.get(asked.path[len(self.site.mount) :])
        if own is not None and asked.method in ("GET", "HEAD"):
            status, headers, body = own.answer(asked.header("if-none-match"))
            return status, headers, Pieces.of(b"" if asked.method == "HEAD" else body)
        try:
            return self._pass(asked)
        except Refused as refused:
            return refused.status, refused.headers, Pieces.of(refused.body)
        except TransportError:
            away = Refused(503, *AWAY, retry_after=2)
            return away.status, away.headers, Pieces.of(away.body)

    def _pass(self, asked: Asked) -> tuple[int, Pairs, Pieces]:
        here()
        site = self.site
        where = target(asked.raw_path, asked.query, asked.method, site.mount, site.base_path)
        length = declared_length(asked.length, site.max_body_bytes)
        headers = request_headers(
            asked.headers(),
            cookie=site.cookie,
            address=asked.address,
            scheme=asked.scheme,
            keep_host=site.keep_host,
            host=self._host,
        )
        if not self._places.acquire(blocking=False):
            raise Refused(503, *BUSY, retry_after=2)
        done = _Once(self._places.release)
        try:
            if not site.breaker.allows():
                raise Refused(503, *BUSY, retry_after=2)
            if self._transport is None:
                self._transport = HTTPTransport(self._origin)
            body: bytes | Iterator[bytes] = b""
            if asked.has_body:
                body = _body(asked, length, site)
            try:
                answer = self._transport.stream(
                    asked.method,
                    where,
                    headers,
                    body,
                    length=length,
                    seconds=site.patience if isinstance(body, bytes) else site.body_patience,
                )
            except TransportError:
                site.breaker.failed()
                raise
            site.breaker.succeeded()
        except BaseException:
            done()
            raise
        answer.patience = site.piece_patience
        back = response_headers(answer.headers, cookie=site.cookie, secure=asked.scheme == "https")
        return answer.status, back, Pieces(answer.pieces(), answer, done)


class Pieces:
    """A body for a WSGI server: iterated, then closed."""

    def __init__(
        self, pieces: Iterator[bytes], answer: Streamed | None = None, done: Callable[[], None] | None = None
    ) -> None:
        self._pieces = pieces
        self._answer = answer
        self._done = done

    @classmethod
    def of(cls, body: bytes) -> Pieces:
        return cls(iter((body,) if body else ()))

    def __iter__(self) -> Iterator[bytes]:
        yield from self._pieces
        self.close()

    def close(self) -> None:
        if self._answer is not None:
            self._answer.close()
            self._answer = None
        if self._done is not None:
            self._done()
            self._done = None


class _Once:
    """Calls a function the first time."""

    def __init__(self, function: Callable[[], object]) -> None:
        self._function: Callable[[], object] | None = function

    def __call__(self) -> None:
        function, self._function = self._function, None
        if function is not None:
            function()


def _body(asked: Asked, length: int | None, site: FirstParty) -> bytes | Iterator[bytes]:
    """The whole body when it is short, else its pieces; raises Refused."""
    until = time.monotonic() + site.body_patience

    def pieces(size: int) -> Iterator[bytes]:
        while length is None or size < length:
            wanted = PIECE if length is None else min(PIECE, length - size)
            try:
                piece = asked.read(wanted)
            except OSError:
                raise Refused(400, "bad_request", "The body broke off.") from None
            if not piece:
                if length is not None:
                    raise Refused(400, "bad_request", "The body broke off.")
                return
            size += len(piece)
            if size > site.max_body_bytes:
                raise Refused(413, *TOO_LARGE)
            if time.monotonic() > until:
                raise Refused(408, *SLOW)
            yield piece

    stream = pieces(0)
    begun = b""
    for piece in stream:
        begun += piece
        if len(begun) > SMALL:
            return _chained(begun, stream)
    return begun


def _chained(begun: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield begun
    yield from rest
