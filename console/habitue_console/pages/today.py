"""Today: who is here now, how the day goes, what sells, what the offers do, and whether the house is well."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import duckdb
import redis
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from habitue_recommender import artifact
from habitue_warehouse.rollup_reader import Hours, RollupReader
from habitue_warehouse.rollup_tables import HOUR_MS

from .. import health, shown
from ..charts import Chart, Series, bars, lines, sparkline
from ..guard import require
from ..house import House
from ..kept import Kept
from ..rendering import render
from ..trade import Day, Measure, Trade
from ..words import Words, words

_log = logging.getLogger("habitue.console")

TRADE_SECONDS = 15.0  # several people who look at the same page ask the rollups once
HEALTH_SECONDS = 10.0
_KEY_DAYS = 3


def routes(house: House) -> list[BaseRoute]:
    shop = house.settings.shop
    trade = Trade(house.archive, house.zone, shop.currency, shop.currency_table)
    day_of = Kept(TRADE_SECONDS, lambda: house.in_thread(trade.day, house.clock()), house.clock)
    findings_of = Kept(HEALTH_SECONDS, lambda: _findings(house), house.clock)
    house.opening += (day_of.get, findings_of.get)

    @require("viewer")
    async def page(request: Request) -> Response:
        live, day, findings = await asyncio.gather(_live(house), day_of.get(), findings_of.get())
        return render(
            request,
            "today/page.html",
            **_shown_live(live, words(request)),
            **_shown_day(house, day, words(request)),
            findings=_written(findings, words(request)),
        )

    @require("viewer")
    async def now(request: Request) -> Response:
        return render(request, "today/now.html", **_shown_live(await _live(house), words(request)))

    @require("viewer")
    async def trading(request: Request) -> Response:
        day, findings = await asyncio.gather(day_of.get(), findings_of.get())
        return render(
            request,
            "today/trade.html",
            **_shown_day(house, day, words(request)),
            findings=_written(findings, words(request)),
        )

    return [Route("/", page), Route("/today/now", now), Route("/today/trade", trading)]


async def _live(house: House) -> dict[str, Any]:
    try:
        figures = await house.figures()
    except (redis.RedisError, OSError):
        figures = {}
    presence = figures.get("presence", {})
    minutes = presence.get("minutes") or []
    return {
        "visitors": presence.get("visitors_now"),
        "minutes": minutes,
        # The minute that goes on is not full yet: the one before says how it is.
        "events_a_minute": minutes[-2][1] if len(minutes) > 1 else None,
        "workers": sum(name.startswith("worker-") for name in figures),
        "waiting": sum(int(one.get("queued_events") or 0) for one in figures.values()),
    }


def _shown_live(live: dict[str, Any], _: Words) -> dict[str, Any]:
    # The minute that goes on would let the line fall.
    counts = [count for _, count in live["minutes"][:-1]]
    return {"live": live, "pulse": sparkline(counts, width=600, height=80)}


def _shown_day(house: House, day: Day, _: Words) -> dict[str, Any]:
    filters = shown.filters(_.language)
    number, money = filters["number"], filters["money"]
    currency = house.settings.shop.currency

    def against(id: str, title: str, measure: Measure, write: Any, draw: Any) -> Chart:
        # A line would fall at the hour that goes on; a bar only is not full yet.
        hours = measure.hours[:-1] if draw is lines and len(measure.hours) > 1 else measure.hours
        series = [Series(_("today"), _padded(hours, len(day.labels)))]
        if day.weeks:
            series.append(Series(_("usual on this weekday"), measure.usual, faint=True))
        chart: Chart = draw(id, title, day.labels, series, first=_("Hour"), write=write)
        return chart

    catalog = house.recommender.reader.catalog if house.recommender is not None else None
    slots = [(one, sparkline(one.days)) for one in day.slots]
    return {
        "day": day,
        "revenue_chart": against(
            "revenue", _("Revenue by hour"), day.revenue, lambda value: money(value, currency, 0), bars
        ),
        "visits_chart": against("visits", _("Visits by hour"), day.visits, number, lines),
        "sold": [(one, catalog.get(one.item_id) if catalog is not None else None) for one in day.sold],
        "slots": slots,
        "slot_titles": _slot_titles(house),
    }


def _padded(values: tuple[float, ...], length: int) -> list[float | None]:
    return [*values, *([None] * (length - len(values)))]


def _written(findings: list[health.Finding], _: Words) -> list[tuple[health.Finding, dict[str, Any]]]:
    number = shown.filters(_.language)["number"]

    def write(value: Any) -> Any:
        return (
            number(value, 1 if isinstance(value, float) else 0) if isinstance(value, int | float) else value
        )

    return [(one, {name: write(value) for name, value in one.values.items()}) for one in findings]


async def _findings(house: House) -> list[health.Finding]:
    try:
        figures, info = await asyncio.gather(house.figures(), house.redis.info())
    except (redis.RedisError, OSError):
        figures, info = {}, None
    now = house.clock()
    refused, accepted, keys = await house.in_thread(_arrived, house, now)
    model = await house.in_thread(_live_model, house)
    reader = house.recommender.reader if house.recommender is not None else None
    catalog = reader.catalog if reader is not None and reader.loaded else None
    return health.look(
        now=now,
        workers=house.settings.server.workers,
        figures=figures,
        redis=info,
        model=model,
        refused=refused,
        accepted=accepted,
        keys=keys,
        items=len(catalog) if catalog is not None else None,
        unverified=catalog.unverified if catalog is not None else 0,
    )


def _arrived(house: House, now: int) -> tuple[int, int, list[health.KeyTraffic]]:
    """Events refused and taken in the last 24 hours, and what each key sent in the last days."""
    reader = RollupReader(house.archive)
    try:
        (refused,) = reader.rows(
            "SELECT coalesce(sum(events), 0)::BIGINT AS n FROM rejects", Hours.last(24, now)
        )
        rows = reader.rows(
            f"SELECT source, sum(events)::BIGINT AS events,"
            f" coalesce(sum(events) FILTER (kept = 'counted'), 0)::BIGINT AS counted,"
            f" coalesce(sum(events) FILTER (hour >= {now - 24 * HOUR_MS}), 0)::BIGINT AS lately"
            " FROM traffic WHERE NOT bot GROUP BY source ORDER BY source",
            Hours.last(_KEY_DAYS * 24, now),
        )
    except (duckdb.Error, OSError):
        _log.exception("the rollups cannot be read")
        return 0, 0, []
    keys = [health.KeyTraffic(row["source"], row["events"], row["counted"]) for row in rows]
    return int(refused["n"]), sum(row["lately"] for row in rows), keys


def _slot_titles(house: House) -> dict[str, str]:
    """What marketers call the slots."""
    rulebook = getattr(house.recommender, "rulebook", None)
    return {slot.id: slot.title for slot in rulebook.slots.values()} if rulebook is not None else {}


def _live_model(house: House) -> dict[str, Any] | None:
    try:
        return next((dict(one.manifest) for one in artifact.artifacts(house.models) if one.live), None)
    except (artifact.ArtifactError, OSError):
        return None
