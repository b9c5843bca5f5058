"""How long what is kept, where that is said, and what lies in the archive now."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from habitue_collector.settings import Settings, variable

from ..guard import require
from ..house import House
from ..rendering import render
from ..settings_tabs import tabs
from ..words import N_

_MEBIBYTE = 1_048_576


@dataclass(frozen=True, slots=True)
class Kept:
    """One class of data. `unit` is days, hours or seconds."""

    label: str
    value: int
    unit: str
    setting: str
    variable: str


@dataclass(frozen=True, slots=True)
class Stored:
    """What one table of the archive holds."""

    table: str
    days: int
    first: str
    last: str
    megabytes: float


_LABELS = {
    "anonymous_profile_days": N_("Profile of a visitor without login, after the last event"),
    "user_profile_days": N_("Profile of a user who logged in, after the last event"),
    "bot_profile_hours": N_("Profile of a bot"),
    "event_days": N_("Events in the archive"),
    "decision_days": N_("Decisions in the archive"),
    "snapshot_days": N_("Daily snapshots of the profiles"),
    "trim_lag_seconds": N_("Events in the Redis log, once they are archived"),
}


def routes(house: House) -> list[BaseRoute]:
    @require("viewer")
    async def retention(request: Request) -> Response:
        return render(
            request,
            "settings/retention.html",
            tabs_shown=tabs(request),
            kept=kept(house.settings),
            stored=await house.in_thread(stored, house.archive),
        )

    return [Route("/settings/retention", retention)]


def kept(settings: Settings) -> list[Kept]:
    """The lifetimes, as they are set."""
    return [
        Kept(
            label,
            getattr(settings.lifetimes, name),
            name.rsplit("_", 1)[1],
            name,
            variable("lifetimes", name),
        )
        for name, label in _LABELS.items()
    ]


def stored(archive: Path) -> list[Stored]:
    """What is there, by folder. One stat a file: some 10 ms for three years of days."""
    found = []
    for table in sorted(path for path in archive.glob("[a-z]*") if path.is_dir()):
        days = sorted(day for day in table.glob("date=*") if day.is_dir())
        size = sum(file.stat().st_size for day in days for file in day.glob("*.parquet"))
        if days:
            first, last = (day.name.removeprefix("date=") for day in (days[0], days[-1]))
            found.append(Stored(table.name, len(days), first, last, size / _MEBIBYTE))
    return found
