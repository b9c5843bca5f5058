"""The only file that touches the network: HTTP/1.1 with kept connections and deadlines that hold.

A socket's timeout starts anew with every byte; a deadline does not. So each read waits only for what
is left of it.
"""

from __future__ import annotations

import codecs
import http.client
import io
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

MAX_ANSWER_BYTES = 8_388_608
MAX_IDLE_CONNECTIONS = 8
LONGEST_RETRY_AFTER = 600.0
NAME_SECONDS = 60.0
IDLE_SECONDS = 20.0  # servers and proxies close idle connections after 30 to 75 s


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Response:
    """`headers` have lower-case names."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class TransportError(Exception):
    """No whole answer came; `reason` is `deadline` or `unreachable`."""

    def __init__(self, reason: str, detail: object = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Transport(Protocol):
    """Sends a request and brings the answer, whatever it says. Called from several threads."""

    def send(self, request: Request, seconds: float) -> Response:
        """Answer within `seconds` or raise TransportError."""
        ...

    def close(self) -> None:
        """Let go of connections; sending again afterwards is allowed."""

    def after_fork(self) -> None:
        """In a new child process: forget what belongs to the parent."""


class HTTPTransport:
    """http.client with connections kept between requests."""

    def __init__(self, host: str, context: ssl.SSLContext | None = None) -> None:
        """`host` as in `https://shop.example:8443/habitue`; raises ValueError when it is no such address."""
        split = urlsplit(host)
        if split.scheme not in ("http", "https") or not split.hostname:
            raise ValueError(f"no http(s) address: {host!r}")
        self._name = split.hostname
        self._port = split.port
        self._prefix = split.path.rstrip("/")
        self._ssl = (context or ssl.create_default_context()) if split.scheme == "https" else None
        self.context = self._ssl
        self._names = Names(self._name, self._port or (443 if self._ssl else 80))
        self._lock = threading.Lock()
        self._idle: list[tuple[_Connection, float]] = []

    def send(self, request: Request, seconds: float) -> Response:
        until = time.monotonic() + seconds
        connection, fresh = self._take(), False
        while True:
            if connection is None:
                connection, fresh = self._new(), True
            try:
                response, reusable = connection.exchange(request, self._prefix, until)
            except TimeoutError as error:
                connection.close()
                raise TransportError("deadline", error) from None
            except (OSError, http.client.HTTPException, ValueError) as error:
                connection.close()
                # The server may close a kept connection just when we write to it. Requests are idempotent.
                if fresh or isinstance(error, ssl.SSLCertVerificationError):
                    raise TransportError("unreachable", error) from None
                connection = None
                continue
            except BaseException:  # the host was interrupted: whatever the connection still holds is lost
                connection.close()
                raise
            if reusable:
                self.give_back(connection)
            else:
                connection.close()
            return response

    def stream(
        self,
        method: str,
        target: str,
        headers: Sequence[tuple[str, str]],
        body: bytes | Iterable[bytes],
        *,
        length: int | None = None,
        seconds: float,
    ) -> Streamed:
        """A request and its answer in pieces, for a proxy; raises TransportError.

        `body` as pieces needs their `length` in bytes, or is sent chunked. `seconds` is the patience until
        the answer begins, and for each further piece. What `body` raises comes through.
        """
        whole = isinstance(body, bytes)
        connection, fresh = (self._take() if whole else None), False
        while True:
            if connection is None:
                connection, fresh = self._new(), True
            try:
                answer = connection.begin(
                    method, self._prefix + target, headers, body, length, time.monotonic() + seconds
                )
                return Streamed(self, connection, answer, seconds)
            except TimeoutError as error:
                connection.close()
                raise TransportError("deadline", error) from None
            except (OSError, http.client.HTTPException, ValueError) as error:
                connection.close()
                if fresh or isinstance(error, ssl.SSLCertVerificationError):
                    raise TransportError("unreachable", error) from None
                connection = None
            except BaseException:
                connection.close()
                raise

    def _new(self) -> _Connection:
        return _Connection(self._name, self._port, self._ssl, self._names)

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection, _ in idle:
            connection.close()

    def __del__(self) -> None:
        with suppress(Exception):  # half made, or the interpreter is ending
            self.close()

    def after_fork(self) -> None:
        """Parent and child must not write into the same connection."""
        self._lock = threading.Lock()
        self._idle = []
        self._names.after_fork()

    def _take(self) -> _Connection | None:
        oldest = time.monotonic() - IDLE_SECONDS
        stale: list[_Connection] = []
        taken = None
        with self._lock:
            while self._idle:
                connection, since = self._idle.pop()
                if since >= oldest:
                    taken = connection
                    break
                stale.append(connection)
        for connection in stale:
            connection.close()
        return taken

    def give_back(self, connection: _Connection) -> None:
        with self._lock:
            if len(self._idle) < MAX_IDLE_CONNECTIONS:
                self._idle.append((connection, time.monotonic()))
                return
        connection.close()


class _Connection:
    """One connection whose every step ends at a moment of the monotonic clock."""

    def __init__(self, name: str, port: int | None, context: ssl.SSLContext | None, names: Names) -> None:
        # Their own connect() would give the whole time to each address of the name.
        self._http = (
            http.client.HTTPSConnection(name, port) if context else http.client.HTTPConnection(name, port)
        )
        self._context = context
        self._names = names

    def wait_until(self, until: float) -> None:
        """Nothing on this connection takes longer than that (of the monotonic clock)."""
        if self._http.sock is None:
            self._http.sock = _Patient(_connect(self._http.host, self._names, self._context, until))
        patient: Any = self._http.sock
        patient.until = until

    def begin(
        self,
        method: str,
        target: str,
        headers: Sequence[tuple[str, str]],
        body: bytes | Iterable[bytes],
        length: int | None,
        until: float,
    ) -> http.client.HTTPResponse:
        """Send a request; the answer's head."""
        self.wait_until(until)
        sender = self._http
        patient: Any = sender.sock
        patient.hold()
        sender.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in headers:
            sender.putheader(name, value)
        if isinstance(body, bytes):
            if body or method not in ("GET", "HEAD", "OPTIONS"):
                sender.putheader("content-length", str(len(body)))
            sender.endheaders(body or None)
            patient.let_go()
        else:
            sender.putheader(
                *(("transfer-encoding", "chunked") if length is None else ("content-length", str(length)))
            )
            sender.endheaders()
            patient.let_go()
            for piece in body:
                if piece:
                    sender.send(b"%x\r\n%b\r\n" % (len(piece), piece) if length is None else piece)
            if length is None:
                sender.send(b"0\r\n\r\n")
        return sender.getresponse()

    def exchange(self, request: Request, prefix: str, until: float) -> tuple[Response, bool]:
        """The answer, and whether the connection may be used again."""
        self.wait_until(until)
        patient: Any = self._http.sock
        patient.hold()
        self._http.request(request.method, prefix + request.path, request.body, dict(request.headers))
        patient.let_go()
        answer = self._http.getresponse()
        body = answer.read(MAX_ANSWER_BYTES + 1)
        if len(body) > MAX_ANSWER_BYTES:
            raise http.client.HTTPException("the answer is too long")
        headers = {name.lower(): value for name, value in answer.getheaders()}
        if (length := headers.get("content-length", "")).isdigit() and len(body) < int(length):
            raise http.client.IncompleteRead(body)
        reusable = not answer.will_close and answer.isclosed()
        return Response(answer.status, body, headers), reusable

    def close(self) -> None:
        with suppress(OSError):
            self._http.close()


class Streamed:
    """An answer whose body comes in pieces: iterate `pieces`, then `close`."""

    def __init__(
        self,
        transport: HTTPTransport,
        connection: _Connection,
        answer: http.client.HTTPResponse,
        seconds: float,
    ) -> None:
        self.status = answer.status
        self.headers = answer.getheaders()
        self._transport = transport
        self._connection: _Connection | None = connection
        self._answer = answer
        self.patience = seconds

    def pieces(self) -> Iterator[bytes]:
        """Raises TransportError when the body breaks off."""
        connection, answer = self._connection, self._answer
        if connection is None:
            return
        reusable = not answer.will_close
        left = answer.length  # None where the body is chunked or ends with the connection
        try:
            while not answer.isclosed():
                connection.wait_until(time.monotonic() + self.patience)
                piece = answer.read1(65_536)
                if not piece:
                    break
                left = None if left is None else left - len(piece)
                yield piece
            if left:
                raise http.client.IncompleteRead(b"", left)
        except TimeoutError as error:
            raise TransportError("deadline", error) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise TransportError("unreachable", error) from None
        if left == 0:  # http.client's read1 leaves an answer open whose last byte it has handed out
            answer.close()
        if reusable and answer.isclosed():
            self._connection = None
            self._transport.give_back(connection)

    def close(self) -> None:
        """Give the connection up if the body was not read to its end."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


Address = tuple[Any, ...]

# `getaddrinfo` would import this in our thread. A host that forks in that moment (gunicorn --preload) has
# children in which the import's lock is held for ever, by a thread that they do not have.
codecs.lookup("idna")


class Names:
    """A name's addresses, remembered for a minute; asking the system never takes longer than allowed."""

    def __init__(self, name: str, port: int) -> None:
        self._name = name
        self._port = port
        self._known: list[Address] = _literal(name, port)
        self._known_until = float("inf") if self._known else 0.0
        self._failure: OSError | None = None
        self.after_fork()

    def after_fork(self) -> None:
        self._changed = threading.Condition()
        self._asking = False

    def addresses(self, until: float) -> list[Address]:
        """As `socket.getaddrinfo` has them. What is known but old is good while news is being asked for."""
        with self._changed:
            if time.monotonic() < self._known_until:
                return self._known
            if not self._asking:
                self._asking = True
                self._failure = None
                threading.Thread(target=self._ask, name="habitue-names", daemon=True).start()
            if self._known:
                return self._known
            while self._asking and not self._known:
                self._changed.wait(_left(until))
            if not self._known:
                raise self._failure or OSError("the name has no address")
            return self._known

    def _ask(self) -> None:
        found: list[Address] = []
        failure: OSError | None = None
        try:
            found = list(socket.getaddrinfo(self._name, self._port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            failure = error if isinstance(error, OSError) else OSError(str(error))
        with self._changed:
            if found:
                self._known, self._known_until = found, time.monotonic() + NAME_SECONDS
            self._failure = failure
            self._asking = False
            self._changed.notify_all()


def _literal(name: str, port: int) -> list[Address]:
    """An address that is written as one: nothing to ask the system, whose locks a fork may cut off."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, name)
        except (OSError, ValueError):
            continue
        return [(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (name, port))]
    return []


def _connect(name: str, names: Names, context: ssl.SSLContext | None, until: float) -> socket.socket:
    """A connection to the first address that answers."""
    failure: OSError = OSError("the name has no address")
    for family, kind, protocol, _, address in names.addresses(until):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(_left(until))
            sock.connect(address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context is None:
                return sock
            sock.settimeout(_left(until))
            return context.wrap_socket(sock, server_hostname=name)
        except TimeoutError:
            sock.close()
            raise
        except OSError as error:
            sock.close()
            failure = error
        except BaseException:
            sock.close()
            raise
    raise failure


class _Patient:
    """A socket for http.client that waits until a moment, not for a time per read."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._users = 1  # http.client closes the connection while an answer is still to be read from it
        self.until = 0.0
        self._held: list[bytes] | None = None

    def hold(self) -> None:
        """http.client sends a head and its body apart, and wakes the server twice."""
        self._held = []

    def let_go(self) -> None:
        held, self._held = self._held, None
        if held:
            self.sendall(b"".join(held))

    def sendall(self, data: bytes) -> None:
        if self._held is not None:
            self._held.append(data)
            return
        self._sock.settimeout(_left(self.until))
        self._sock.sendall(data)

    def makefile(self, mode: str, *_: object) -> io.BufferedReader:
        self._users += 1
        return io.BufferedReader(_Reader(self))

    def read_into(self, buffer: memoryview) -> int:
        self._sock.settimeout(_left(self.until))
        return self._sock.recv_into(buffer)

    def close(self) -> None:
        self._users -= 1
        if self._users == 0:
            self._sock.close()


class _Reader(io.RawIOBase):
    def __init__(self, patient: _Patient) -> None:
        self._patient = patient

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._patient.read_into(memoryview(buffer))

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._patient.close()


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("deadline")
    return left


def retry_after(headers: Mapping[str, str], now: float) -> float:
    """Seconds from a Retry-After header: a number, or a date (RFC 9110 §10.2.3)."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return 0.0
    try:
        seconds = float(value) if value.isdigit() else parsedate_to_datetime(value).timestamp() - now
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)
