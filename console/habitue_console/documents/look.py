"""The preview: who looks, at which page, and what they would see before and after. Nothing is stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from habitue_collector.profile import Profile
from habitue_collector.visitor import VisitorCookie
from habitue_console.documents.current import current
from habitue_console.documents.figures import about_people
from habitue_console.drafts.draft import Draft
from habitue_console.house import House
from habitue_console.visitor_search import Search
from habitue_console.words import Words
from habitue_recommender.conditions import Asked, Condition, ConditionError, parse
from habitue_recommender.explain.made_up import Persona, ready
from habitue_recommender.explain.persona_store import PersonaStore
from habitue_recommender.explain.preview import SlotPreview, Who, preview
from habitue_recommender.page import Page
from habitue_recommender.rulebook.book import Rulebook
from habitue_recommender.rulebook.documents import Change
from habitue_recommender.segments.members import Members, is_person

PERSONA, SEGMENT, VISITOR, MATCHING = "persona:", "segment:", "visitor", "matching"
MOST_SLOTS = 6
_DRAWN = 2_000  # people looked through for one who fits
_SMALL = 5_000  # keys of a store in which everybody is looked through
_AT_ONCE = 500
_NOWHERE = Page()

Fits = Callable[[Profile], bool]


@dataclass(frozen=True, slots=True)
class Looked:
    """The questions of the preview panel, and the answer when it was asked for."""

    who: str
    visitor: str
    page: str
    item: str
    category: str
    people: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]  # groups of (value, label)
    name: str = ""  # of whom the answer is about
    profile_id: str = ""
    slots: tuple[SlotPreview, ...] | None = None
    problem: str = ""
    usual: str = ""  # who looks where nobody said who

    @property
    def changed(self) -> tuple[SlotPreview, ...]:
        return tuple(one for one in self.slots or () if one.changed)

    @property
    def unchanged(self) -> tuple[SlotPreview, ...]:
        return tuple(one for one in self.slots or () if not one.changed)


async def look_at(
    house: House, draft: Draft, change: Change, slots: Sequence[str], _: Words, *, answer: bool
) -> Looked:
    """The panel for a draft; with `answer` both sides, some 100 ms."""
    rulebook = await current(house)
    personas = await _personas(house)
    text = draft.value(draft.kind.when) if draft.kind.when else ""
    usual = MATCHING if _about(text) else f"{PERSONA}looker"
    said = draft.value("look.who")
    looked = Looked(
        # What was there by itself follows the condition; what somebody chose stays.
        usual if said in ("", draft.value("look.usual")) else said,
        draft.value("look.visitor").strip(),
        draft.value("look.page") or _likely_page(rulebook, slots),
        draft.value("look.item").strip(),
        draft.value("look.category").strip(),
        _people(rulebook, personas, bool(_about(text)), _),
        usual=usual,
    )
    if not answer:
        return looked
    if not house.recommender.is_ready:
        return replace(looked, problem=_("The catalog is still being read. Try again in a moment."))
    after = await house.rulebook.rulebook([change])
    who, name = await _who(house, looked, personas, rulebook, after, change, text, _)
    if name == "":
        return replace(looked, problem=_nobody(looked, _))
    page = Page(
        looked.page,
        looked.item or _some_item(house, who) if looked.page == "product" else None,
        looked.category or None if looked.page == "category" else None,
    )
    asked = list(slots)[:MOST_SLOTS]
    found = await house.in_thread(
        preview, rulebook, after, who, page, asked, recommender=house.recommender, now=house.clock()
    )
    profile_id = who.profile_id if isinstance(who, Profile) else ""
    return replace(
        looked, name=name, profile_id=profile_id, slots=found[:MOST_SLOTS], item=page.item_id or ""
    )


# ---- who ---------------------------------------------------------------------------------------------


async def _personas(house: House) -> dict[str, Persona]:
    popular = [item_id for item_id, _ in house.recommender.live.overall[:20]]
    made = ready(house.recommender.reader.catalog, popular)
    kept = [one.persona for one in await PersonaStore(house.redis).all()]
    return {one.id: one for one in (*kept, *made)}


def _people(
    rulebook: Rulebook, personas: dict[str, Persona], matches: bool, _: Words
) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    segments = tuple(
        (f"{SEGMENT}{one.id}", _("somebody of “%(segment)s”", segment=one.name or one.id))
        for one in rulebook.segments
    )
    real: tuple[tuple[str, str], ...] = ((VISITOR, _("the visitor named below")),)
    if matches:
        real = ((MATCHING, _("somebody for whom the condition holds")), *real)
    made = tuple((f"{PERSONA}{one.id}", _(one.name)) for one in personas.values())
    return ((_("Real visitors"), (*real, *segments)), (_("Made up"), made))


async def _who(
    house: House,
    looked: Looked,
    personas: dict[str, Persona],
    before: Rulebook,
    after: Rulebook,
    change: Change,
    text: str,
    _: Words,
) -> tuple[Who, str]:
    """Whose eyes it is seen with, and what to call them; "" when there is nobody."""
    if looked.who.startswith(PERSONA):
        persona = personas.get(looked.who[len(PERSONA) :])
        return persona, _(persona.name) if persona is not None else ""
    if looked.who == VISITOR:
        cookie = house.settings.cookie
        reader = VisitorCookie(house.signing, name=cookie.name, lifetime_days=cookie.lifetime_days)
        found = await Search(house.redis, reader).find(looked.visitor, house.clock())
        profile = found[0].profile if found else None
        return profile, _short(profile.profile_id) if profile is not None else ""
    now = house.clock()
    if looked.who.startswith(SEGMENT):
        wanted = looked.who[len(SEGMENT) :]

        def belongs(profile: Profile) -> bool:
            return wanted in after.segments_of(profile, now)

        profile = await _someone(house, belongs)
    else:
        profile = await _someone(house, _meets(text, after, house, now))
    return profile, _short(profile.profile_id) if profile is not None else ""


def _meets(text: str, rulebook: Rulebook, house: House, now: int) -> Fits:
    """Whether the parts of a condition that are about people hold of somebody."""
    about = _about(text)

    def fits(profile: Profile) -> bool:
        if about is None:
            return True
        asked = Asked(
            _NOWHERE, profile, now, zone=house.zone, segments=lambda: rulebook.segments_of(profile, now)
        )
        return about.test(asked, None)

    return fits


def _about(text: str) -> Condition | None:
    try:
        condition = parse(text)
    except ConditionError:
        return None
    return about_people(condition) if condition.reads_visitor else None


async def _someone(house: House, fits: Fits) -> Profile | None:
    """Somebody real who fits, of those drawn; who was here last is best."""
    members = Members(house.redis)
    if int(await house.redis.dbsize()) <= _SMALL:
        drawn, cursor = [], -1
        while cursor != 0:
            cursor, names = await members.profiles(max(cursor, 0), _AT_ONCE)
            drawn += names
    else:
        drawn, _share = await members.drawn(_DRAWN)
    best: Profile | None = None
    for start in range(0, len(drawn), _AT_ONCE):
        for held in await members.read(drawn[start : start + _AT_ONCE]):
            profile = held.profile
            if profile is None or not is_person(profile) or not fits(profile):
                continue
            if best is None or (profile.last_seen or 0) > (best.last_seen or 0):
                best = profile
        if best is not None and start >= _AT_ONCE:
            break
    return best


def _nobody(looked: Looked, _: Words) -> str:
    if looked.who == VISITOR:
        return _(
            "Nobody is known by that. An id, a user or order number, or the cookie's value finds somebody."
        )
    return _("Nobody like that was found. A made-up visitor can stand in.")


def _short(profile_id: str) -> str:
    return profile_id if len(profile_id) <= 24 else f"{profile_id[:20]}…"


# ---- where -------------------------------------------------------------------------------------------


def _likely_page(rulebook: Rulebook, slots: Sequence[str]) -> str:
    """The page on which the first of these slots belongs."""
    for one in slots:
        slot = rulebook.slots.get(one)
        if slot is not None and slot.page_types:
            return slot.page_types[0]
    return "home"


def _some_item(house: House, who: Who) -> str | None:
    """An item to look at where none was named: what they touched last, else what is newest."""
    if isinstance(who, Profile) and who.recent_items:
        return next(reversed(who.recent_items))
    newest = next(house.recommender.reader.catalog.newest(limit=1), None)
    return newest.item_id if newest is not None else None
