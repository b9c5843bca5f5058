"""Catalog, history and first model of the demo; started once by `habitue demo`."""

from __future__ import annotations

import argparse
import gc
from collections.abc import Mapping

from .. import demo_data, log, source
from ..lifeline import Lifeline

# A year of orders makes millions of objects and no cycles: Python's own thresholds cost a sixth of the time.
GC_THRESHOLDS = (50_000, 20, 50)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    source.add_arguments(parser)
    parser.add_argument("--lifeline", type=int, metavar="FD")


def run(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    log.speak("prepare")
    Lifeline.from_descriptor(arguments.lifeline)
    gc.set_threshold(*GC_THRESHOLDS)
    demo_data.prepare(source.load(arguments, environ))
    return 0
