"""How long what is kept: shown to everybody, chosen by admins after they read what it deletes.

A choice lies over the settings (`collector/retention.py`), counts within seconds and needs no restart. Before
it is saved the page says in words and figures what it does, for what is deleted does not come back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from habitue_collector.retention import LIMITS, Retention, RetentionConflict, RetentionStore
from habitue_collector.settings import Lifetimes, variable
from habitue_recommender.rulebook.mistakes import Mistake
from habitue_warehouse.partitions import partitions
from habitue_warehouse.schema import DAY_MS, DECISIONS, EVENTS, PROFILES, day_of

from ..forms import read_form, text
from ..guard import require
from ..house import House
from ..rendering import redirect, render
from ..settings_tabs import tabs
from ..words import N_, Words, words

_MEBIBYTE = 1_048_576


@dataclass(frozen=True, slots=True)
class Kept:
    """One class of data. `unit` is days, hours or seconds; `default` what the settings say."""

    name: str
    label: str
    value: int
    default: int
    unit: str
    variable: str
    least: int = 0
    most: int = 0

    @property
    def editable(self) -> bool:
        return self.most > 0


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
TABLES = {EVENTS: N_("Events"), DECISIONS: N_("Decisions"), "moves": N_("Moves"), PROFILES: N_("Profiles")}
_ARCHIVED = {"event_days": EVENTS, "decision_days": DECISIONS, "snapshot_days": PROFILES}


def routes(house: House) -> list[BaseRoute]:
    store = RetentionStore(house.redis)

    async def page(
        request: Request,
        chosen: Retention,
        *,
        status: int = 200,
        typed: Mapping[str, str] | None = None,
        mistakes: list[Mistake] | None = None,
        consequences: list[str] | None = None,
    ) -> Response:
        return render(
            request,
            "settings/retention.html",
            status=status,
            tabs_shown=tabs(request),
            kept=kept(house.settings.lifetimes, chosen),
            typed=typed or {},
            mistakes=mistakes or [],
            consequences=consequences,
            chosen=chosen,
            history=await store.history(10),
            stored=await house.in_thread(stored, house.archive),
            tables=TABLES,
        )

    @require("viewer")
    async def retention(request: Request) -> Response:
        return await page(request, await store.read())

    @require("admin")
    async def choose(request: Request) -> Response:
        _ = words(request)
        form = await read_form(request)
        before = await store.read()
        if text(form, "action") == "back":
            values: dict[str, int] = {}
            typed: dict[str, str] = {}
        else:
            typed = {name: text(form, name, 20) for name in LIMITS}
            values, mistakes = _read(typed, _)
            if mistakes:
                return await page(request, before, status=422, typed=typed, mistakes=mistakes)
        said = text(form, "version", 20)
        if said != str(before.version):
            wrong = [Mistake("", _("Somebody else changed it meanwhile: this is what counts now."))]
            return await page(request, before, status=409, mistakes=wrong)
        lifetimes = house.settings.lifetimes
        now = before.over(lifetimes)
        after = replace(before, values=values).over(lifetimes)
        if now == after:
            return redirect(request, "/settings/retention", _("Nothing was changed."), "quiet")
        if not text(form, "confirmed"):
            told = await house.in_thread(consequences, house.archive, now, after, house.clock(), _)
            typed = typed or {name: str(getattr(after, name)) for name in LIMITS}
            return await page(request, before, typed=typed, consequences=told)
        chosen = {name: value for name, value in values.items() if value != getattr(lifetimes, name)}
        me = request.state.me.name
        try:
            made = await store.save(chosen, author=me, at=house.clock(), expected=before.version)
        except RetentionConflict:
            wrong = [Mistake("", _("Somebody else changed it meanwhile: this is what counts now."))]
            return await page(request, await store.read(), status=409, mistakes=wrong)
        changed = {
            name: f"{getattr(now, name)} → {getattr(after, name)}"
            for name in LIMITS
            if getattr(now, name) != getattr(after, name)
        }
        await house.audit.note(
            me, "retention.changed", f"{made.version}", address=request.state.address, **changed
        )
        return redirect(request, "/settings/retention", _("Saved. It counts from now on, in every process."))

    return [
        Route("/settings/retention", retention),
        Route("/settings/retention", choose, methods=["POST"]),
    ]


def kept(lifetimes: Lifetimes, chosen: Retention) -> list[Kept]:
    """The lifetimes, as they count now."""
    now = chosen.over(lifetimes)
    return [
        Kept(
            name,
            label,
            getattr(now, name),
            getattr(lifetimes, name),
            name.rsplit("_", 1)[1],
            variable("lifetimes", name),
            *LIMITS.get(name, (0, 0)),
        )
        for name, label in _LABELS.items()
    ]


def _read(typed: Mapping[str, str], _: Words) -> tuple[dict[str, int], list[Mistake]]:
    values, mistakes = {}, []
    for name, said in typed.items():
        least, most = LIMITS[name]
        if said.isascii() and said.isdecimal() and len(said) < 8 and least <= int(said) <= most:
            values[name] = int(said)
        else:
            told = _("Write a whole number from %(least)s to %(most)s.", least=least, most=most)
            mistakes.append(Mistake(name, told))
    return values, mistakes


def consequences(archive: Path, now: Lifetimes, after: Lifetimes, clock: int, _: Words) -> list[str]:
    """What a change deletes, in sentences; the people by the newest snapshot of their profiles."""
    told: list[str] = []
    for name, table in _ARCHIVED.items():
        days, before = getattr(after, name), getattr(now, name)
        if days == before:
            continue
        oldest = day_of(max(0, clock - days * DAY_MS), 0)
        gone = sorted(part.date for part in partitions(archive, table) if part.date < oldest)
        label = _(_LABELS[name])
        if gone:
            told.append(
                _.ngettext(
                    "%(label)s: %(num)s day is deleted within the hour, from %(first)s to %(last)s.",
                    "%(label)s: %(num)s days are deleted within the hour, from %(first)s to %(last)s.",
                    len(gone), label=label, first=gone[0], last=gone[-1],
                )
            )  # fmt: skip
        elif days < before:
            told.append(_("%(label)s: nothing there is that old yet; nothing is deleted now.", label=label))
        else:
            told.append(
                _("%(label)s: kept longer from now on; what is gone does not come back.", label=label)
            )
    for name, users in (("anonymous_profile_days", False), ("user_profile_days", True)):
        days, before = getattr(after, name), getattr(now, name)
        if days == before:
            continue
        label = _(_LABELS[name])
        people = _forgotten(archive, users, clock - days * DAY_MS) if days < before else 0
        if people:
            told.append(
                _.ngettext(
                    "%(label)s: about %(num)s person is forgotten within minutes.",
                    "%(label)s: about %(num)s people are forgotten within minutes.",
                    people, label=label,
                )
            )  # fmt: skip
        elif days < before:
            told.append(
                _("%(label)s: nobody known is away for that long; nobody is forgotten now.", label=label)
            )
        else:
            told.append(_("%(label)s: whoever is still known stays known for longer.", label=label))
    if now.bot_profile_hours != after.bot_profile_hours:
        bots = _LABELS["bot_profile_hours"]
        told.append(_("%(label)s: counts within minutes.", label=_(bots)))
    return told


def _forgotten(archive: Path, users: bool, before: int) -> int:
    """How many profiles of the newest snapshot had their last event before that moment (ms)."""
    newest = max(partitions(archive, PROFILES), key=lambda one: one.date, default=None)
    files = sorted(str(file) for file in newest.folder.glob("*.parquet")) if newest is not None else []
    if not files:
        return 0
    sign = "" if users else "NOT "
    try:
        with duckdb.connect() as connection:
            [(count,)] = connection.execute(
                "SELECT count(*) FROM read_parquet(?) WHERE last_seen < ?"
                f" AND {sign}starts_with(profile_id, 'user:')",
                [files, before],
            ).fetchall()
    except (duckdb.Error, OSError):
        return 0
    return int(count)


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
