"""One web worker: beacons and decisions on the socket that the supervisor holds."""

from __future__ import annotations

import argparse
import socket
from collections.abc import Mapping

import uvicorn

from .. import log, source, web
from ..lifeline import BEAT_SECONDS, Lifeline

DRAIN_SECONDS = 10
CONNECTIONS_WAITING = 2_048


def add_arguments(parser: argparse.ArgumentParser) -> None:
    source.add_arguments(parser)
    parser.add_argument("--number", type=int, default=1)
    parser.add_argument(
        "--socket", type=int, metavar="FD", help="a listening socket; else [server] host and port"
    )
    parser.add_argument("--lifeline", type=int, metavar="FD")


def run(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    name = f"worker-{arguments.number}"
    log.speak(name)
    lifeline = Lifeline.from_descriptor(arguments.lifeline)
    settings = source.load(arguments, environ)
    app, protocol = web.create(settings, worker=name)

    async def beat() -> None:  # from the event loop: a worker that is stuck falls silent
        if lifeline is not None:
            lifeline.beat()

    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=settings.server.host,
            port=settings.server.port,
            http=protocol,
            loop="uvloop",
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            proxy_headers=False,  # trusted proxies are the collector's own business
            backlog=CONNECTIONS_WAITING,
            timeout_keep_alive=75,  # longer than the 60 s for which nginx keeps its upstream connections
            timeout_graceful_shutdown=DRAIN_SECONDS,
            callback_notify=beat,
            timeout_notify=int(BEAT_SECONDS),
        )
    )
    sockets = None if arguments.socket is None else [socket.socket(fileno=arguments.socket)]
    server.run(sockets=sockets)
    return 0
