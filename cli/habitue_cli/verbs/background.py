"""The background process: everything that must not run on the event loops that answer visitors."""

from __future__ import annotations

import argparse
import signal
import threading
from collections.abc import Mapping

from .. import housework, log, source
from ..lifeline import Lifeline


def add_arguments(parser: argparse.ArgumentParser) -> None:
    source.add_arguments(parser)
    parser.add_argument("--lifeline", type=int, metavar="FD")


def run(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    log.speak("background")
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda number, frame: stop.set())
    signal.signal(signal.SIGINT, lambda number, frame: stop.set())
    lifeline = Lifeline.from_descriptor(arguments.lifeline)
    if lifeline is not None:
        lifeline.beat_from_a_thread(lambda: True)
    settings = source.load(arguments, environ)
    housework.run(settings, stop, source.arguments_for_children(arguments, settings))
    return 0
