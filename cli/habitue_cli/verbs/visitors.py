"""Simulated shoppers, made from real baskets that the history does not know; they shop through HTTP.

As many as asked for are in the shop at a time; who leaves is followed by another, until the demo is stopped.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
from collections.abc import Mapping

from .. import log, source
from ..checkout import demo_shop
from ..lifeline import Lifeline
from ..run_folder import RunFolder

logger = logging.getLogger("habitue.visitors")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    source.add_arguments(parser)
    parser.add_argument("--count", type=int, default=3)
    parser.add_argument("--lifeline", type=int, metavar="FD")


def run(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    log.speak("visitors")
    lifeline = Lifeline.from_descriptor(arguments.lifeline)
    if lifeline is not None:
        lifeline.beat_from_a_thread(lambda: True)
    demo_shop()
    from habitue_shop.visitors import simulate

    settings = source.load(arguments, environ)
    address = RunFolder(settings.data.folder).read_address() or f"http://127.0.0.1:{settings.server.port}"
    try:
        asyncio.run(simulate(address, None, at_once=arguments.count))
    except Exception as error:  # guests: what goes wrong with them must not close the shop
        logger.warning("the visitors went home: %s (%s)", error, type(error).__name__)
    return 0
