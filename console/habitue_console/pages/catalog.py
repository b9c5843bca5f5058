"""Catalog: is the feed well, what do items lack, and everything that is known of one of them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import duckdb
import numpy as np
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from habitue_recommender.catalog.items import Item
from habitue_recommender.models.base import Query
from habitue_warehouse.imports.history import imports
from habitue_warehouse.rollup_reader import Hours, RollupReader
from habitue_warehouse.rollup_tables import HOUR_MS
from habitue_warehouse.schema import DAY_MS

from .. import shown
from ..charts import Chart, Series, bars, day_label
from ..feed_health import LACKS, SORTS, STATES, FeedHealth, feed_health, search
from ..guard import require
from ..house import House
from ..item_rules import touching
from ..kept import Kept
from ..rendering import render
from ..words import N_, Words, words

A_PAGE = 50
DAYS = 7  # of the list's figures
CHART_DAYS = 60
IMPORTS_SHOWN = 5
_UNKNOWN = 2_000  # items most viewed that are looked up in the catalog
_ALSO = 8
_MAX_TEXT = 200

# Members of the artifact that know what goes with an item.
PEOPLE_ALSO = {
    "neighbours": N_("Looked at in the same visits"),
    "item_item": N_("Liked by the same people"),
    "together": N_("Bought together"),
}


def routes(house: House) -> list[BaseRoute]:
    reader = RollupReader(house.archive)

    def items() -> list[Item]:
        return [] if house.recommender is None else list(house.recommender.reader.catalog.items.values())

    health_of: Kept[FeedHealth] = Kept(
        10.0, lambda: house.in_thread(lambda: feed_health(items())), house.clock
    )
    unknown_of: Kept[list[dict[str, Any]]] = Kept(60.0, lambda: house.in_thread(unknown), house.clock)

    def unknown() -> list[dict[str, Any]]:
        """What people look at and the catalog does not know."""
        now = house.clock()
        viewed = _rows(
            reader,
            "SELECT item_id, sum(views)::BIGINT AS views, sum(quantity) AS quantity FROM items"
            f" GROUP BY item_id ORDER BY views DESC LIMIT {_UNKNOWN}",
            _lately(now),
        )
        known = house.recommender.reader.catalog.items if house.recommender is not None else {}
        return [one for one in viewed if one["item_id"] not in known]

    @require("viewer")
    async def page(request: Request) -> Response:
        asked = _asked(request)
        number = asked.pop("page")
        found, listed = await house.in_thread(lambda: search(items(), **asked, first=number * A_PAGE))
        pages = max(1, -(-found // A_PAGE))
        number = min(number, pages)
        here = listed[(number - 1) * A_PAGE : number * A_PAGE]
        figures = await house.in_thread(_figures, reader, [item.item_id for item in here], house.clock())

        def at(place: int) -> str:
            told = {name: value for name, value in _told(asked).items() if value}
            return "?" + urlencode({**told, "page": place})

        return render(
            request,
            "catalog/page.html",
            health=await health_of.get(),
            imports=await imports(house.redis, "items", IMPORTS_SHOWN),
            unknown=await unknown_of.get(),
            asked=asked,
            is_search=any((asked["text"], asked["only"], asked["category"])),
            found=found,
            items=here,
            figures=figures,
            number=number,
            pages=pages,
            newer=at(number - 1) if number > 1 else "",
            older=at(number + 1) if number < pages else "",
            LACKS=LACKS,
            STATES=STATES,
            SORTS=SORTS,
            days=DAYS,
        )

    @require("viewer")
    async def one(request: Request) -> Response:
        item_id = str(request.query_params.get("id", ""))[: _MAX_TEXT * 2]
        catalog = house.recommender.reader.catalog if house.recommender is not None else None
        item = catalog.get(item_id) if catalog is not None else None
        days = await house.in_thread(_history, reader, item_id, house.clock())
        if item is None and not any(day["views"] or day["quantity"] for day in days):
            raise HTTPException(404)
        also = await house.in_thread(people_also, house, item_id)
        rulebook = getattr(house.recommender, "rulebook", None)
        touches = touching(rulebook.rules.values(), item) if rulebook is not None and item is not None else []
        return render(
            request,
            "catalog/item.html",
            item_id=item_id,
            item=item,
            fields=item.to_public() if item is not None else {},
            chart=_chart(house, days, words(request)),
            sums={
                name: sum(day[name] or 0 for day in days)
                for name in ("views", "carts", "quantity", "revenue")
            },
            chart_days=CHART_DAYS,
            also=also,
            digest=house.recommender.digest if house.recommender is not None else "",
            touches=touches,
        )

    return [Route("/catalog", page), Route("/catalog/item", one)]


def people_also(house: House, item_id: str) -> list[tuple[str, list[tuple[str, Item | None, float]]]]:
    """Per member of the live model: what it puts beside this item, with scores as shares of the best."""
    recommender = house.recommender
    model = recommender.model if recommender is not None else None
    if model is None or (index := model.index(item_id)) < 0:
        return []
    lists = []
    for member, label in PEOPLE_ALSO.items():
        if not model.has(member):
            continue
        asked = np.asarray([index], dtype=np.int32)
        query = (
            Query(session=asked, n=_ALSO + 1) if member == "neighbours" else Query(anchor=index, n=_ALSO + 1)
        )
        ids, scores = model.score_named(member, query)
        others = [(other, score) for other, score in zip(ids, scores, strict=True) if other != item_id][
            :_ALSO
        ]
        best = max((score for _, score in others), default=0.0)
        listed = [
            (other, recommender.reader.catalog.get(other), score / best if best > 0 else 0.0)
            for other, score in others
        ]
        if listed:
            lists.append((label, listed))
    return lists


def _asked(request: Request) -> dict[str, Any]:
    said = request.query_params
    number = said.get("page", "1")
    return {
        "text": said.get("q", "")[:_MAX_TEXT].strip(),
        "only": said.get("only", "") if said.get("only", "") in {**LACKS, **STATES} else "",
        "category": said.get("category", "")[:_MAX_TEXT],
        "sort": said.get("sort", "") if said.get("sort", "") in SORTS else "changed",
        "page": max(1, int(number)) if number.isascii() and number.isdigit() and len(number) < 7 else 1,
    }


def _told(asked: dict[str, Any]) -> dict[str, str]:
    return {"q": asked["text"], "only": asked["only"], "category": asked["category"], "sort": asked["sort"]}


def _lately(now: int) -> Hours:
    return Hours(now // DAY_MS * DAY_MS - (DAYS - 1) * DAY_MS, now + HOUR_MS)


def _rows(reader: RollupReader, sql: str, within: Hours, **parameters: Any) -> list[dict[str, Any]]:
    try:
        return reader.rows(sql, within, **parameters)
    except (duckdb.Error, OSError):
        return []


def _figures(reader: RollupReader, item_ids: list[str], now: int) -> dict[str, dict[str, Any]]:
    if not item_ids:
        return {}
    rows = _rows(
        reader,
        "SELECT item_id, sum(views)::BIGINT AS views, sum(quantity) AS quantity FROM items"
        " WHERE list_contains($ids, item_id) GROUP BY item_id",
        _lately(now),
        ids=item_ids,
    )
    return {row["item_id"]: row for row in rows}


def _history(reader: RollupReader, item_id: str, now: int) -> list[dict[str, Any]]:
    """One row for each of the last days, oldest first; days without anything are zero."""
    today = now // DAY_MS * DAY_MS
    first = today - (CHART_DAYS - 1) * DAY_MS
    rows = _rows(
        reader,
        "SELECT hour, sum(views)::BIGINT AS views, sum(carts)::BIGINT AS carts, sum(quantity) AS quantity,"
        " sum(revenue) AS revenue FROM items WHERE item_id = $id GROUP BY hour",
        Hours(first, now + HOUR_MS),
        id=item_id,
    )
    known = {row["hour"] // DAY_MS: row for row in rows}
    blank = {"views": 0, "carts": 0, "quantity": 0.0, "revenue": 0.0}
    return [
        {**blank, **known.get(day // DAY_MS, {}), "hour": day} for day in range(first, today + DAY_MS, DAY_MS)
    ]


def _chart(house: House, days: list[dict[str, Any]], _: Words) -> list[Chart]:
    filters = shown.filters(_.language)
    labels = [day_label(day["hour"], _.language) for day in days]
    return [
        bars(
            id, title, labels, [Series(title, [day[name] for day in days])], first=_("Day"),
            write=filters["number"],
        )
        for id, title, name in (("views", _("Views"), "views"), ("sold", _("Sold"), "quantity"))
    ]  # fmt: skip
