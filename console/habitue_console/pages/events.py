"""Events: what arrives just now, what was refused and what to do about it, and the schema of it all."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from habitue_collector.events import Kind, RejectReason

from .. import shown
from ..arriving import Arriving, Sender, arriving, refused_by_hour, senders
from ..charts import Series, hour_label, lines
from ..deeds import EVENT_WORDS
from ..event_tail import LETTERS, Seen, find_refused, find_tail
from ..guard import require
from ..house import House
from ..kept import Kept
from ..rendering import render
from ..words import N_, Words, words
from .live import REASONS

REFRESH_SECONDS = 3
CHART_HOURS = 48
_CHART_REASONS = 5


def routes(house: House) -> list[BaseRoute]:
    described: Kept[tuple[list[Arriving], list[Sender]]] = Kept(
        30.0, lambda: house.in_thread(_describe, house), house.clock
    )

    async def newest(asked: dict[str, Any]) -> list[tuple[str, Seen]]:
        found = await find_tail(house.redis, kind=asked["kind"], source=asked["source"])
        return [(f"{datetime.fromtimestamp(one.at / 1_000, house.zone):%H:%M:%S}", one) for one in found]

    @require("viewer")
    async def page(request: Request) -> Response:
        asked = _asked(request)
        _ = words(request)
        named = [(kind.value, _(EVENT_WORDS[kind]) if kind in EVENT_WORDS else kind.value) for kind in Kind]
        return render(
            request,
            "events/tail.html",
            **asked,
            events=await newest(asked),
            kinds=sorted(named, key=lambda pair: pair[1].casefold()),
            sources=_sources(house),
            seconds=REFRESH_SECONDS,
        )

    @require("viewer")
    async def rows(request: Request) -> Response:
        asked = _asked(request)
        return render(request, "events/rows.html", events=await newest(asked))

    @require("viewer")
    async def refused(request: Request) -> Response:
        _ = words(request)
        found, held = await find_refused(house.redis)
        hours, counts = await house.in_thread(refused_by_hour, house.archive, house.clock(), CHART_HOURS)
        return render(
            request,
            "events/refused.html",
            found=found,
            held=held,
            looked_at=min(held, LETTERS),
            counts={reason: sum(of_reason[-24:]) for reason, of_reason in counts.items()},
            chart=_chart(house, hours, counts, _),
            reasons={reason.value: text for reason, text in REASONS.items()},
            remedies=REMEDIES,
        )

    @require("viewer")
    async def schema(request: Request) -> Response:
        names, sent = await described.get()
        return render(request, "events/schema.html", names=names, senders=sent, labels=FIELD_LABELS)

    return [
        Route("/events", page),
        Route("/events/rows", rows),
        Route("/events/refused", refused),
        Route("/events/schema", schema),
    ]


def _describe(house: House) -> tuple[list[Arriving], list[Sender]]:
    now = house.clock()
    return arriving(house.archive, now), senders(house.archive, now)


def _asked(request: Request) -> dict[str, Any]:
    said = request.query_params
    kind = said.get("kind", "")
    asked = {
        "kind": kind if kind in {one.value for one in Kind} else "",
        "source": said.get("source", "")[:200],
    }
    told = {name: value for name, value in asked.items() if value}
    return {**asked, "paused": said.get("paused") == "1", "told": urlencode(told)}


def _sources(house: House) -> list[str]:
    return sorted({key.name or key.kind for key in house.settings.keys})


def _chart(house: House, hours: list[int], counts: dict[str, list[int]], _: Words) -> Any:
    series = [
        Series(_(_SENTENCES.get(reason, reason)), of_reason)
        for reason, of_reason in list(counts.items())[:_CHART_REASONS]
    ]
    rest = [sum(values) for values in zip(*list(counts.values())[_CHART_REASONS:], strict=True)]
    if rest:
        series.append(Series(_("other reasons"), rest))
    labels = [hour_label(hour, house.zone) for hour in hours]
    number = shown.filters(_.language)["number"]
    title = _("Refused by hour, the last two days")
    return lines("refused", title, labels, series, first=_("Hour"), write=number, area=len(series) == 1)


_SENTENCES = {reason.value: text for reason, text in REASONS.items()}

FIELD_LABELS = {
    "items": N_("items"),
    "order_id": N_("order number"),
    "value": N_("value"),
    "currency": N_("currency"),
    "search_term": N_("search term"),
    "user_id": N_("user"),
}

# What somebody who connects a shop does about each.
REMEDIES = {
    RejectReason.INVALID_EVENT.value: N_(
        "An event is a JSON object; a field has a type that cannot be meant."
        " Compare the shape below with docs/events.md."
    ),
    RejectReason.UNKNOWN_TYPE.value: N_(
        "The call's “type” must be track, page, screen, identify, group or alias."
    ),
    RejectReason.MISSING_NAME.value: N_("A track call needs its event's name in “event”."),
    RejectReason.NO_IDENTITY.value: N_(
        "Send an anonymousId or a userId. From a browser this means that cookies are blocked, or that the tag"
        " talks to another site than the shop's: run habitue doctor --page."
    ),
    RejectReason.INVALID_IDENTITY.value: N_(
        "An id is text of at most 255 characters and does not begin with “user:”."
    ),
    RejectReason.EVENT_TOO_LARGE.value: N_(
        "An event has at most 32 kB. Usually a whole page or basket is sent as one property: leave it out."
    ),
    RejectReason.TOO_MANY_EVENTS.value: N_("A batch has at most 2,500 events: send several."),
    RejectReason.TOO_MANY_ITEMS.value: N_("An event names at most 500 items."),
    RejectReason.INVALID_TIMESTAMP.value: N_(
        "Write times as ISO 8601 (2026-03-01T12:00:00Z) or leave them out."
    ),
    RejectReason.TIMESTAMP_TOO_OLD.value: N_(
        "The sender kept events for longer than its repeats can be recognised."
        " Import history with habitue import orders instead."
    ),
    RejectReason.TIMESTAMP_TOO_NEW.value: N_("The sender's clock is more than a day ahead of ours."),
    RejectReason.INVALID_VALUE.value: N_(
        "Prices, quantities and values are finite numbers: 12.5, not “12,50 €”."
    ),
    RejectReason.MISSING_ORDER_ID.value: N_(
        "An order needs its number in “order_id”, so that it is counted once whoever reports it."
    ),
    RejectReason.NO_PRODUCT.value: N_(
        "The page's markup describes no product. Add schema.org/Product, or send Product Viewed yourself."
    ),
    RejectReason.AMBIGUOUS_PRODUCT.value: N_(
        "The page's markup describes several products and not which one it is about:"
        " give the main one the page's address as its url."
    ),
}
