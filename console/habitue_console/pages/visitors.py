"""Visitors: find one, see what is known of them, what they did, what they would see here now and why."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from habitue_collector.profile import DIMENSIONS, Profile
from habitue_collector.visitor import VisitorCookie
from habitue_recommender.explain.explanation import explain
from habitue_recommender.explain.made_up import Persona
from habitue_recommender.explain.persona_store import PersonaStore
from habitue_recommender.explain.preview import slots_of
from habitue_recommender.page import Page
from habitue_recommender.reasons import Reason, ReasonCode
from habitue_recommender.segments.counts import SegmentFigures
from habitue_recommender.slots import MAX_SLOTS_PER_REQUEST
from habitue_warehouse.schema import DECISIONS, EVENTS, MOVES

from ..deeds import EVENT_WORDS, deed
from ..guard import require
from ..house import House
from ..rendering import redirect, render
from ..roles import Role
from ..timeline import TABLES, Archived, link_of, place_of, tail, together
from ..visitor_rights import erase, exported
from ..visitor_search import By, Found, Search
from ..words import N_, Words, words
from . import personas

RECENT = 30
MEMBERS = 50
_LOOK = 600_000  # one look, however many parts of the page are asked for in it
_MOST_LOOKS = 10_000
PAGE_TYPES = {
    "home": N_("Home"),
    "category": N_("Category"),
    "product": N_("Product"),
    "cart": N_("Cart"),
    "search": N_("Search"),
    "thanks": N_("Thank you"),
}
ONLY = {"": N_("Everything"), EVENTS: N_("Events"), DECISIONS: N_("Offers"), MOVES: N_("Logins and segments")}
BY = {
    By.VISITOR: N_("by visitor id"),
    By.USER: N_("by user id"),
    By.COOKIE: N_("by cookie"),
    By.ORDER: N_("by order"),
}
TASTES = {"category": N_("Categories"), "brand": N_("Brands"), "price_band": N_("Prices")}


def routes(house: House) -> list[BaseRoute]:
    pages = _Pages(house)
    return [
        Route("/visitors", pages.found),
        Route("/visitors/of", pages.visitor),
        Route("/visitors/timeline", pages.timeline),
        Route("/visitors/why", pages.why),
        Route("/visitors/export", pages.export, methods=["POST"]),
        Route("/visitors/erase", pages.erase, methods=["POST"]),
        *personas.routes(house),
    ]


class _Pages:
    """The page's endpoints over one house."""

    def __init__(self, house: House) -> None:
        cookie = house.settings.cookie
        self._house = house
        self._search = Search(
            house.redis, VisitorCookie(house.signing, name=cookie.name, lifetime_days=cookie.lifetime_days)
        )
        self._archived = Archived(house.archive)
        self._personas = PersonaStore(house.redis)
        self._looks: dict[tuple[str, str], int] = {}  # who looked at whom: when that was noted (ms)
        house.opening.append(lambda: house.in_thread(self._archived.recent, RECENT))
        self.found = require("viewer")(self._found)
        self.visitor = require("viewer")(self._visitor)
        self.timeline = require("viewer")(self._timeline)
        self.why = require("viewer")(self._why)
        self.export = require("admin")(self._export)
        self.erase = require("admin")(self._erase)

    # ---- finding ---------------------------------------------------------------------------------

    async def _found(self, request: Request) -> Response:
        house = self._house
        text = request.query_params.get("q", "")[:600]
        segment = request.query_params.get("segment", "")[:64]
        is_part = request.headers.get("hx-request") == "true"
        at_once = is_part or "now" in request.query_params
        people: list[Found] | None
        if text.strip():
            found = await self._search.find(text, house.clock())
            if len(found) == 1:
                return redirect(request, f"/visitors/of?{urlencode({'id': found[0].profile_id})}")
            people = found
        elif segment and not at_once:
            people = None  # a rare segment's members are looked for among everybody: the page does not wait
        elif segment:
            members = await self._members(segment)
            people = _once(await self._search.read(members))
        else:
            recent = await self._search.recent(RECENT)
            if len(recent) < RECENT:
                known = dict(recent)
                older = await house.in_thread(self._archived.recent, RECENT)
                recent += [pair for pair in older if pair[0] not in known][: RECENT - len(recent)]
            people = _once(await self._search.read([who for who, _ in recent]))
        rulebook = _rulebook(house)
        now = house.clock()
        return render(
            request,
            "visitors/list.html",
            block="people" if is_part else None,
            q=text,
            segment=segment,
            segments=_segment_names(rulebook),
            people=[
                {
                    "id": one.profile_id,
                    "by": BY.get(one.by) if one.by else None,
                    "name": _name(one.profile_id, one.profile),
                    "last": one.last_seen,
                    "profile": one.profile,
                    "segments": _segments_of(rulebook, one.profile, now),
                }
                for one in people
            ]
            if people is not None
            else None,
        )

    async def _members(self, segment_id: str) -> list[str]:
        figures = SegmentFigures(self._house.redis, _rulebook(self._house))
        return await figures.members(segment_id, MEMBERS)

    # ---- one visitor -----------------------------------------------------------------------------

    async def _visitor(self, request: Request) -> Response:
        house = self._house
        profile = await self._profile(request)
        me = request.state.me
        _ = words(request)
        now = house.clock()
        rulebook = _rulebook(house)
        name_of = self._name_of()
        return render(
            request,
            "visitors/profile.html",
            id=profile.profile_id,
            name=_name(profile.profile_id, profile),
            profile=profile,
            shown=profile.to_public(),
            tastes=_tastes(profile, _),
            name_of=name_of,
            touched=[(one, EVENT_WORDS.get(item.kind.value, item.kind.value), item)
                     for one, item in reversed(profile.recent_items.items())],
            segments=_segments_of(rulebook, profile, now),
            segment_names=_segment_names(rulebook),
            # Traits are what people said of themselves: only for who works with them.
            sees_traits=me.role.may(Role.MARKETER),
            page_types=_page_types(request),
            wanted=_wanted(request, profile),
            only=ONLY,
        )  # fmt: skip

    async def _timeline(self, request: Request) -> Response:
        house = self._house
        profile = await self._profile(request)
        _ = words(request)
        only = request.query_params.get("only", "")
        tables = (only,) if only in TABLES else TABLES
        before = place_of(request.query_params.get("before", ""))
        newest = await tail(house.redis, profile.profile_id, tables, before)
        archived = await house.in_thread(
            self._archived.page,
            profile.profile_id,
            tables,
            before,
            since=profile.first_seen,
        )
        past = together(newest, archived)
        name_of = self._name_of()
        reason_of = _reasons(_)
        return render(
            request,
            "visitors/timeline.html",
            id=profile.profile_id,
            name=_name(profile.profile_id, profile),
            deeds=[deed(entry, _, name_of, reason_of) for entry in past.entries],
            only=only,
            choices=ONLY,
            older=link_of(past.older),
            first=before is None,
            whole=request.headers.get("hx-request") != "true",
        )

    async def _why(self, request: Request) -> Response:
        house = self._house
        rulebook = _rulebook(house)
        if rulebook is None or not house.recommender.is_ready:
            wanted = _wanted(request, None)
            return render(
                request,
                "visitors/why.html",
                explanations=None,
                about="",
                who="",
                wanted=wanted,
                page_types=_page_types(request),
            )
        profile = await self._asked_for(request)
        wanted = _wanted(request, profile)
        page = Page.parse(
            {
                "type": wanted["page_type"],
                "item_id": wanted["item_id"] or None,
                "category": wanted["category"],
            }
        )
        slots = [one for one in slots_of(rulebook, page.type) if not wanted["slot"] or one == wanted["slot"]]
        explanations = await house.in_thread(
            explain,
            slots[:MAX_SLOTS_PER_REQUEST],
            page,
            profile,
            recommender=house.recommender,
            rulebook=rulebook,
            now=house.clock(),
        )
        about = wanted["about"]
        return render(
            request,
            "visitors/why.html",
            explanations=explanations,
            about=about,
            about_name=self._name_of()(about) if about else "",
            who=await self._who(request, profile),
            wanted=wanted,
            page_types=_page_types(request),
        )

    # ---- what a visitor may ask for --------------------------------------------------------------

    async def _export(self, request: Request) -> Response:
        house = self._house
        form = await request.form()
        profile = await self._read(str(form.get("id", "")))
        await self._note(request, "visitor.exported", profile.profile_id)
        newest = await tail(house.redis, profile.profile_id)
        lines = exported(profile, newest, self._archived)
        return StreamingResponse(
            _streamed(house, lines),
            media_type="application/x-ndjson",
            headers={
                "content-disposition": 'attachment; filename="visitor.ndjson"',
                "cache-control": "no-store",
            },
        )

    async def _erase(self, request: Request) -> Response:
        house = self._house
        _ = words(request)
        form = await request.form()
        profile_id = str(form.get("id", ""))
        profile = await self._read(profile_id)
        if str(form.get("confirm", "")).strip() != profile.profile_id:
            return redirect(
                request,
                f"/visitors/of?{urlencode({'id': profile_id})}",
                _("Nothing was erased: type the id exactly as it stands there."),
                "warn",
            )
        erased = await erase(house.redis, profile.profile_id, house.clock())
        await self._note(request, "visitor.erased", profile.profile_id, ids=erased)
        return redirect(
            request,
            "/visitors",
            _("Erased. Log and archive are rewritten in the background, within minutes."),
        )

    # ---- what all of them need -------------------------------------------------------------------

    async def _profile(self, request: Request) -> Profile:
        """Whom a page is about. That somebody looked is in the audit log, once for some minutes."""
        profile = await self._read(request.query_params.get("id", ""))
        look, now = (request.state.me.name, profile.profile_id), self._house.clock()
        if now - self._looks.get(look, 0) > _LOOK:
            if len(self._looks) >= _MOST_LOOKS:
                self._looks.clear()
            self._looks[look] = now
            await self._note(request, "visitor.seen", profile.profile_id)
        return profile

    async def _note(self, request: Request, action: str, profile_id: str, **detail: Any) -> None:
        address = getattr(request.state, "address", "")
        await self._house.audit.note(request.state.me.name, action, profile_id, address=address, **detail)

    async def _read(self, profile_id: str) -> Profile:
        [found] = await self._search.read([profile_id]) if profile_id else [None]
        if found is None or found.profile is None:
            raise HTTPException(404)
        return found.profile

    async def _asked_for(self, request: Request) -> Profile | None:
        """A real visitor, a persona, or (neither named) somebody of whom nothing is known."""
        persona_id = request.query_params.get("persona", "")
        if persona_id:
            persona = await self._persona(persona_id)
            return persona.profile(self._house.recommender.reader.catalog, self._house.clock())
        return await self._profile(request) if request.query_params.get("id") else None

    async def _who(self, request: Request, profile: Profile | None) -> str:
        persona_id = request.query_params.get("persona", "")
        if not persona_id:
            return _name(profile.profile_id, profile) if profile is not None else ""
        return words(request).translations.gettext((await self._persona(persona_id)).name)

    async def _persona(self, persona_id: str) -> Persona:
        kept = await self._personas.get(persona_id)
        if kept is not None:
            return kept.persona
        for one in personas.ready_ones(self._house):
            if one.id == persona_id:
                return one
        raise HTTPException(404)

    def _name_of(self) -> Callable[[str], str]:
        recommender = self._house.recommender
        catalog = recommender.reader.catalog if recommender is not None else None

        def name(item_id: str) -> str:
            item = catalog.get(item_id) if catalog is not None else None
            return item.name if item is not None else ""

        return name


def _once(found: list[Found | None]) -> list[Found]:
    """Each person once, where several of their devices were found."""
    people = {one.profile_id: one for one in reversed(found) if one is not None}
    return list(people.values())[::-1]


def _rulebook(house: House) -> Any:
    return house.recommender.rulebook if house.recommender is not None else None


def _segment_names(rulebook: Any) -> dict[str, str]:
    return {one.id: one.name or one.id for one in rulebook.segments} if rulebook is not None else {}


def _segments_of(rulebook: Any, profile: Profile | None, now: int) -> list[str]:
    if rulebook is None or profile is None:
        return []
    return sorted(rulebook.segments_of(profile, now))


def _name(profile_id: str, profile: Profile | None) -> str:
    """What a person would call them: the shop's own id when they are logged in, else the start of ours."""
    if profile is not None and profile.is_user:
        return profile_id.partition(":")[2]
    return profile_id if len(profile_id) <= 12 else f"{profile_id[:10]}…"


def _tastes(profile: Profile, _: Words) -> list[tuple[str, list[tuple[str, str, float]]]]:
    """Dimensions with what weighs most in each (name, what it is below of, share)."""
    found = []
    for dimension in DIMENSIONS:
        shares = sorted(profile.affinity(dimension).items(), key=lambda pair: -pair[1])[:6]
        if shares:
            named = [(*_taste(dimension, name), share) for name, share in shares]
            found.append((_(TASTES[dimension]), named))
    return found


def _taste(dimension: str, name: str) -> tuple[str, str]:
    """A category's last part with the way to it; of prices a range with a proper dash."""
    if dimension == "category":
        above, _, last = name.rpartition("/")
        return last, above.replace("/", " › ")
    return (name.replace("-", "–") if dimension == "price_band" else name), ""


def _page_types(request: Request) -> dict[str, str]:
    _ = words(request)
    return {key: _(label) for key, label in PAGE_TYPES.items()}


def _wanted(request: Request, profile: Profile | None) -> dict[str, str]:
    """Which page is asked about; where nothing is said, one that this visitor would come to."""
    said = request.query_params
    page_type = said.get("page_type", "home")
    if page_type not in PAGE_TYPES:
        page_type = "home"
    item_id, category = said.get("item_id", ""), said.get("category", "")
    if profile is not None and page_type == "product" and not item_id:
        item_id = next(reversed(profile.recent_items), "")
    if profile is not None and page_type == "category" and not category:
        shares = profile.affinity("category")
        category = max(shares, key=lambda one: shares[one]) if shares else ""
    return {
        "page_type": page_type,
        "item_id": item_id if page_type == "product" else "",
        "category": category if page_type == "category" else "",
        "slot": said.get("slot", ""),
        "about": said.get("about", "").strip(),
        "id": said.get("id", ""),
        "persona": said.get("persona", ""),
    }


def _reasons(_: Words) -> Callable[[str], str]:
    def text(code: str) -> str:
        try:
            known = ReasonCode(code)
        except ValueError:
            return code.replace("_", " ")
        # Asked with its gaps in their own places, a reason gives the sentence that the translators know.
        sentence = _.translations.gettext(Reason(known, anchor="{anchor}", category="{category}").text())
        return sentence.replace("{anchor}", "…").replace("{category}", "…")

    return text


async def _streamed(house: House, lines: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Lines made in a thread, some at a time."""

    def some() -> bytes:
        return b"".join(islice(lines, 500))

    while piece := await house.in_thread(some):
        yield piece
