"""What the background process does: archiver, training, transfers, erasure; one task after the other."""

from __future__ import annotations

import logging
import threading

from habitue_collector.settings import Settings

logger = logging.getLogger("habitue.background")


def run(settings: Settings, stop: threading.Event) -> None:
    """Until `stop` is set."""
    stop.wait()
