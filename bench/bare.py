"""The lower bounds: the beacon path with nothing behind it, and with only Redis behind it.

`python -m bench.bare PORT [redis URL]`. With a URL each beacon is one GET and one EVALSHA, group-committed:
the next group leaves as soon as the last one has returned, without a timer.
"""

from __future__ import annotations

import sys
from hashlib import sha1
from itertools import cycle

import uvicorn
from starlette.applications import Starlette

from habitue_collector.beacon import beacon_protocol
from habitue_collector.request import Request, Respond
from habitue_collector.store.link import Link
from habitue_collector.store.resp import get, pack, template

ACCEPTED = b'{"results":[{"index":0,"status":"accepted"}]}'
SCRIPT = b"""\
redis.call('SET', KEYS[1], ARGV[1])
redis.call('XADD', KEYS[2], 'MAXLEN', '~', 10000, '*', 'event', ARGV[2])"""
RETRY = ((b"retry-after", b"1"),)


def at_once(_: Request, respond: Respond) -> None:
    respond(200, ACCEPTED, ())


class Committer:
    """GET for all, then the script for all, then the answers."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.queue: list[tuple[bytes, bytes, bytes, Respond]] = []
        self.busy = False
        self.keys = cycle([(b"{b%d}:p:%d" % (n & 255, n), b"{b%d}:log" % (n & 255)) for n in range(1000)])
        self.script = template(b"EVALSHA", sha1(SCRIPT).hexdigest().encode(), b"2", more=4)

    def __call__(self, request: Request, respond: Respond) -> None:
        profile, log = next(self.keys)
        self.queue.append((profile, log, request.body, respond))
        if not self.busy:
            self.busy = True
            self.read()

    def read(self) -> None:
        group, self.queue = self.queue, []
        self.link.send(
            b"".join([get(profile) for profile, _, _, _ in group]),
            len(group),
            lambda replies: self.write(group, replies),
        )

    def write(
        self, group: list[tuple[bytes, bytes, bytes, Respond]], replies: list[object] | Exception
    ) -> None:
        if isinstance(replies, Exception):
            return self.answer(group, replies)
        script = self.script
        self.link.send(
            b"".join([script(profile, log, b"x" * 800, body) for profile, log, body, _ in group]),
            len(group),
            lambda replies: self.answer(group, replies),
        )

    def answer(
        self, group: list[tuple[bytes, bytes, bytes, Respond]], replies: list[object] | Exception
    ) -> None:
        good = not isinstance(replies, Exception) and not any(
            isinstance(reply, Exception) for reply in replies
        )
        if self.queue:
            self.read()
        else:
            self.busy = False
        for _, _, _, respond in group:
            if good:
                respond(200, ACCEPTED, ())
            else:
                respond(503, b"{}", RETRY)


class Server(uvicorn.Server):
    """Connects before it listens."""

    url: str | None = None

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        handler = at_once if self.url is None else Committer(await Link.connect(self.url))
        if isinstance(handler, Committer):
            await handler.link.ask(pack(b"SCRIPT", b"LOAD", SCRIPT))
        self.config.http_protocol_class = beacon_protocol({"/h/v1/batch": handler})
        await super().startup()


def main() -> None:
    config = uvicorn.Config(
        Starlette(), port=int(sys.argv[1]), loop="uvloop", ws="none", access_log=False, log_level="warning"
    )
    server = Server(config)
    server.url = sys.argv[2] if len(sys.argv) > 2 else None
    server.run()


if __name__ == "__main__":
    main()
