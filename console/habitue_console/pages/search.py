"""The search in the bar: pages, rules, segments, contents, slots, visitors and items by one field.

With scripts it answers while somebody types (`block="found"`), without them as a page of its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from habitue_collector.visitor import VisitorCookie

from ..documents.items import find_items
from ..documents.kind import RESERVED
from ..finder import LONGEST, MOST, Group, Hit, best
from ..guard import require
from ..house import House
from ..rendering import NAVIGATION, redirect, render
from ..settings_tabs import tabs
from ..visitor_search import Found, Search
from ..words import N_, Words, words

DOCUMENTS = (
    ("rule", "rules", N_("Rules")),
    ("segment", "segments", N_("Segments")),
    ("content", "contents", N_("Contents")),
    ("slot", "slots", N_("Slots")),
)
SHORTEST_FOR_ITEMS = 2  # a single letter is in every name


def routes(house: House) -> list[BaseRoute]:
    cookie = house.settings.cookie
    people = Search(
        house.redis, VisitorCookie(house.signing, name=cookie.name, lifetime_days=cookie.lifetime_days)
    )

    @require("viewer")
    async def search(request: Request) -> Response:
        query = request.query_params.get("q", "")[:LONGEST].strip()
        is_part = request.headers.get("hx-request") == "true"
        groups = [group for group in await _groups(house, people, request, query) if group.hits]
        hits = [hit for group in groups for hit in group.hits]
        if len(hits) == 1 and not is_part:
            return redirect(request, hits[0].path)
        return render(
            request,
            "search/page.html",
            block="found" if is_part else None,
            q=query,
            groups=groups,
            part=is_part,
        )

    return [Route("/search", search)]


async def _groups(house: House, people: Search, request: Request, query: str) -> list[Group]:
    if not query:
        return []
    _ = words(request)
    found = [
        _group("next", _("Pages"), _pages(request, _), query),
        *[one async for one in _documents(house, query, _)],
    ]
    visitors = [_visitor(one) for one in await people.find(query, house.clock())]
    found.append(Group("visitors", _("Visitors"), visitors))
    recommender = house.recommender
    if recommender is not None and len(query) >= SHORTEST_FOR_ITEMS:
        seen = await house.in_thread(find_items, recommender.reader.catalog, "", query)
        items = [
            Hit(
                f"/catalog/item?{urlencode({'id': item.item_id})}",
                item.name or item.item_id,
                " · ".join(part for part in (item.brand, item.item_id) if part),
                picture=item.image_url,
            )
            for item in seen.items[:MOST]
        ]
        more = f"/catalog?{urlencode({'q': query})}" if seen.more or len(seen.items) > MOST else ""
        found.append(Group("catalog", _("Items"), items, more))
    return found


def _group(icon: str, label: str, hits: Iterator[Hit], query: str, more: str = "") -> Group:
    chosen, left_out = best(hits, query)
    return Group(icon, label, chosen, more if left_out else "")


async def _documents(house: House, query: str, _: Words) -> AsyncIterator[Group]:
    if house.rulebook is None:
        return
    loaded = await house.rulebook.load()
    for kind, plural, label in DOCUMENTS:
        hits = (
            Hit(
                f"/{plural}/{document.id}" + ("/edit" if document.id in RESERVED else ""),
                str(document.body.get("name") or document.body.get("title") or document.id),
                document.id,
                str(document.body.get("note") or ""),
            )
            for document in loaded.records.get(kind, {}).values()
        )
        yield _group(plural, _(label), hits, query, f"/{plural}?{urlencode({'q': query})}")


def _pages(request: Request, _: Words) -> Iterator[Hit]:
    """Every page by its name in the reader's language, and what can be begun there."""
    english = dict(NAVIGATION)
    for name, label in NAVIGATION:
        if name in request.app.state.pages:
            yield Hit("/" if name == "today" else f"/{name}", _(label), also=english[name])
    for path, label in tabs(request):
        yield Hit(path, label, _("Settings"))
    for path, label, above in (
        ("/events/refused", N_("Refused"), N_("Events")),
        ("/events/schema", N_("What arrives"), N_("Events")),
        ("/live", N_("Pulse"), N_("Today")),
        ("/visitors/personas", N_("Made-up visitors"), N_("Visitors")),
    ):
        yield Hit(path, _(label), _(above), also=label)
    if request.state.me.may("marketer"):
        for path, label in (
            ("/rules/new", N_("New rule")),
            ("/segments/new", N_("New segment")),
            ("/contents/new", N_("New content")),
            ("/slots/new", N_("New slot")),
        ):
            yield Hit(path, _(label), also=label)


def _visitor(one: Found) -> Hit:
    profile_id = one.profile_id
    name = profile_id.partition(":")[2] if profile_id.startswith("user:") else profile_id[:12]
    return Hit(f"/visitors/of?{urlencode({'id': profile_id})}", name, profile_id)
