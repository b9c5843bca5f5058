"""A server behind a real socket that says exactly the bytes it is told to, or nothing."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Behaviour = Callable[[socket.socket, "RawServer"], None]


@dataclass
class RawServer:
    """`heads` and `bodies` are what came, in order; `behave` is what each request meets."""

    behave: Behaviour
    url: str = ""
    heads: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    connections: int = 0
    released: threading.Event = field(default_factory=threading.Event)

    def headers(self, number: int = -1) -> list[tuple[str, str]]:
        lines = self.heads[number].split("\r\n")[1:]
        return [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]

    def header(self, name: str, number: int = -1) -> list[str]:
        return [value for known, value in self.headers(number) if known == name]


def answers(head: str, body: bytes = b"") -> Behaviour:
    """Lines of a head without its length, and a body."""

    def behave(connection: socket.socket, server: RawServer) -> None:
        whole = f"HTTP/1.1 {head}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body
        connection.sendall(whole)

    return behave


def hangs(connection: socket.socket, server: RawServer) -> None:
    server.released.wait(30)
    connection.close()


def hangs_up(connection: socket.socket, server: RawServer) -> None:
    connection.close()


@contextmanager
def raw_server(behave: Behaviour) -> Iterator[RawServer]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = RawServer(behave, f"http://127.0.0.1:{listener.getsockname()[1]}")

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while True:
                head = _until(connection, b"\r\n\r\n")
                if head is None:
                    return
                server.heads.append(head[0].decode("latin-1"))
                server.bodies.append(_body(connection, head[0].decode("latin-1").lower(), head[1]))
                server.behave(connection, server)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                server.connections += 1
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def _until(connection: socket.socket, end: bytes, begun: bytes = b"") -> tuple[bytes, bytes] | None:
    while end not in begun:
        piece = connection.recv(65_536)
        if not piece:
            return None
        begun += piece
    before, _, after = begun.partition(end)
    return before, after


def _body(connection: socket.socket, head: str, begun: bytes) -> bytes:
    if "transfer-encoding: chunked" in head:
        body = b""
        while True:
            line = _until(connection, b"\r\n", begun)
            assert line is not None
            size, begun = int(line[0], 16), line[1]
            while len(begun) < size + 2:
                begun += connection.recv(65_536)
            body, begun = body + begun[:size], begun[size + 2 :]
            if size == 0:
                return body
    length = 0
    for line_text in head.split("\r\n"):
        if line_text.startswith("content-length:"):
            length = int(line_text.partition(":")[2])
    while len(begun) < length:
        piece = connection.recv(65_536)
        if not piece:
            break
        begun += piece
    return begun
