"""The only file that touches the network: HTTP/1.1 with kept connections and deadlines that hold.

A socket's timeout starts anew with every byte; a deadline does not. So each read waits only for what
is left of it.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

MAX_ANSWER_BYTES = 8_388_608
MAX_IDLE_CONNECTIONS = 8
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
        self._lock = threading.Lock()
        self._idle: list[tuple[_Connection, float]] = []

    def send(self, request: Request, seconds: float) -> Response:
        until = time.monotonic() + seconds
        connection, fresh = self._take(), False
        while True:
            if connection is None:
                connection, fresh = _Connection(self._name, self._port, self._ssl), True
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
                self._give_back(connection)
            else:
                connection.close()
            return response

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection, _ in idle:
            connection.close()

    def after_fork(self) -> None:
        """Parent and child must not write into the same connection."""
        self._lock = threading.Lock()
        self._idle = []

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

    def _give_back(self, connection: _Connection) -> None:
        with self._lock:
            if len(self._idle) < MAX_IDLE_CONNECTIONS:
                self._idle.append((connection, time.monotonic()))
                return
        connection.close()


class _Connection:
    """One connection whose every step ends at a moment of the monotonic clock."""

    def __init__(self, name: str, port: int | None, context: ssl.SSLContext | None) -> None:
        # Their own connect() would give the whole time to each address of the name.
        self._http = (
            http.client.HTTPSConnection(name, port) if context else http.client.HTTPConnection(name, port)
        )
        self._context = context

    def exchange(self, request: Request, prefix: str, until: float) -> tuple[Response, bool]:
        """The answer, and whether the connection may be used again."""
        if self._http.sock is None:
            self._http.sock = _Patient(_connect(self._http.host, self._http.port, self._context, until))
        patient: Any = self._http.sock
        patient.until = until
        self._http.request(request.method, prefix + request.path, request.body, dict(request.headers))
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


def _connect(name: str, port: int, context: ssl.SSLContext | None, until: float) -> socket.socket:
    """A connection to the first address that answers. Resolving the name is the system's pace."""
    failure: OSError = OSError("the name has no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(name, port, type=socket.SOCK_STREAM):
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

    def sendall(self, data: bytes) -> None:
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
