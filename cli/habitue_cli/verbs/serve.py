"""Runs collector, recommender and console until stopped, and restarts what dies.

Without [redis] url a private Redis is started in the data directory. SIGTERM and Ctrl-C take everything
down in order; nothing that was acknowledged is lost, however it ends.

examples:
  habitue serve
  habitue serve --config /etc/habitue.toml
  HABITUE_PORT=9000 HABITUE_REDIS_URL=redis://10.0.0.5/0 habitue serve
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Mapping

from habitue_collector.secret_keys import assignment_salt, signing_keys
from habitue_collector.settings import SettingsError, doubts

from .. import log, source
from ..errors import CommandError
from ..supervisor import Supervisor

logger = logging.getLogger("habitue.supervisor")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    source.add_arguments(parser)


def run(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    log.speak("supervisor")
    settings = source.load(arguments, environ)
    if settings.demo:
        raise CommandError(
            f"{settings.data.folder} holds the demo's data: run `habitue demo`,"
            " or name another folder with --data"
        )
    if refusals := settings.refusals():
        raise SettingsError(refusals)
    for doubt in doubts(environ):
        logger.warning(doubt)
    if not settings.keys:
        logger.warning("there are no keys yet, so every beacon is refused; `habitue keys create` makes one")
    signing_keys(settings.data.folder)  # once, before workers ask for them
    assignment_salt(settings.data.folder)
    return Supervisor(settings, source.arguments_for_children(arguments, settings), environ).run()
