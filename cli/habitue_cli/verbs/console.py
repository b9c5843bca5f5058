"""The console: the marketers' pages, in a process of their own behind a unix socket."""

from __future__ import annotations

import argparse
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import uvicorn

from habitue_console.proxy import SOCKET

from .. import console_house, log, source
from ..lifeline import BEAT_SECONDS, Lifeline

BACKLOG = 128
DRAIN_SECONDS = 3  # a live tail would hold it for ever


def add_arguments(parser: argparse.ArgumentParser) -> None:
    source.add_arguments(parser)
    parser.add_argument("--lifeline", type=int, metavar="FD")


def run(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    log.speak("console")
    lifeline = Lifeline.from_descriptor(arguments.lifeline)
    settings = source.load(arguments, environ)
    path = settings.data.folder.resolve() / SOCKET
    app = console_house.create(settings)

    async def beat() -> None:
        if lifeline is not None:
            lifeline.beat()

    with _listening(path) as listener:
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                http="httptools",
                loop="asyncio",
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,  # the worker has looked at them: handed.py
                timeout_graceful_shutdown=DRAIN_SECONDS,
                callback_notify=beat,
                timeout_notify=int(BEAT_SECONDS),
            )
        )
        server.run(sockets=[listener])
    with suppress(OSError):
        path.unlink()
    return 0


def _listening(path: Path) -> socket.socket:
    """A unix socket that only this user may open, also between its making and its mode."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        path.unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    listener.listen(BACKLOG)
    return listener
