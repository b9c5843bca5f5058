"""The demo's first minutes: catalog and a year of history into the house, then a first model."""

from __future__ import annotations

from habitue_collector.settings import Settings


def prepare(settings: Settings) -> None:
    """Idempotent: what an earlier start has prepared is left as it is."""
