"""Made-up visitors: a few lines of what somebody did, folded as a real visitor's events are. Pure.

A `Persona` is what a marketer tries rules on: its profile comes from the fold itself, so what it would see is
what such a person will see.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from habitue_collector.events import MAX_ID_LENGTH, USER_PREFIX, Event, Item, Kind
from habitue_collector.fold import Facts, fold
from habitue_collector.profile import Profile
from habitue_recommender.catalog.catalog import Catalog
from habitue_recommender.catalog.items import Item as CatalogItem
from habitue_recommender.rulebook.mistakes import Mistake, Mistakes

MINUTE = 60_000
DAY_MINUTES = 24 * 60
MAX_ACTS = 50
MAX_NAME = 100
MOST_MINUTES = 5 * 365 * DAY_MINUTES
KINDS = (
    Kind.PAGE_VIEW,
    Kind.PRODUCT_VIEW,
    Kind.LIST_VIEW,
    Kind.SEARCH,
    Kind.ADD_TO_CART,
    Kind.WISHLIST_ADD,
    Kind.PURCHASE,
    Kind.OFFER_IMPRESSION,
    Kind.IDENTIFY,
)
"""What a persona can do: all that changes a decision."""
_WITH_ITEM = frozenset(
    {Kind.PRODUCT_VIEW, Kind.ADD_TO_CART, Kind.WISHLIST_ADD, Kind.PURCHASE, Kind.OFFER_IMPRESSION}
)
DEVICES = ("", "mobile", "tablet", "desktop")


@dataclass(frozen=True, slots=True)
class Act:
    """One thing a persona did, `ago_minutes` before the question.

    `trait` and `value` belong to identify; `campaign` and `referrer` say how the visit began.
    """

    kind: Kind
    ago_minutes: int = 1
    item_id: str = ""
    category: str = ""
    quantity: int = 1
    campaign: str = ""
    referrer: str = ""
    trait: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Persona:
    """Somebody made up: `acts` in any order, and with what they come. `logged_in` knows their user id."""

    id: str
    name: str
    note: str = ""
    acts: tuple[Act, ...] = ()
    device: str = ""
    country: str = ""
    language: str = ""
    logged_in: bool = False

    @property
    def profile_id(self) -> str:
        # Salted shares and holdouts see a visitor like any other; the name cannot be a cookie's.
        return f"{USER_PREFIX if self.logged_in else ''}persona:{self.id}"

    def profile(self, catalog: Catalog, now: int) -> Profile:
        """The profile that these acts make, as of `now` (ms)."""
        profile = Profile(self.profile_id)
        server = Facts(server=True)
        for number, act in enumerate(sorted(self.acts, key=lambda act: -act.ago_minutes)):
            at = now - act.ago_minutes * MINUTE
            profile = fold(profile, self._event(number, act, at, catalog), at, server)
        return profile

    def _event(self, number: int, act: Act, at: int, catalog: Catalog) -> Event:
        context: dict[str, Any] = {"page": {"path": "/"}}
        for name, value in (("device", self.device), ("country", self.country), ("locale", self.language)):
            if value:
                context[name] = value
        if act.campaign:
            context["campaign"] = {"name": act.campaign}
        if act.referrer:
            context["referrer"] = {"kind": "site", "host": act.referrer}
        event = Event(
            f"{self.id}-{number}",
            act.kind,
            act.kind.value,
            at,
            at,
            anonymous_id=f"persona:{self.id}",
            user_id=self.profile_id[len(USER_PREFIX) :] if self.logged_in else None,
            source="console",
            context=context,
        )
        if act.item_id:
            event.items = [_item(catalog.get(act.item_id), act)]
        if act.kind is Kind.PURCHASE:
            event.order_id = f"{self.id}-order-{number}"
            event.value = (event.items[0].price or 0.0) * act.quantity if event.items else None
            known = catalog.get(act.item_id)
            event.currency = known.currency if known is not None else None
        elif act.kind is Kind.LIST_VIEW and act.category:
            event.properties = {"category": act.category}
        elif act.kind is Kind.SEARCH:
            event.search_term = act.value or None
        elif act.kind is Kind.IDENTIFY and act.trait:
            event.properties = {"traits": {act.trait: act.value}}
        return event

    def to_public(self) -> dict[str, Any]:
        """The document that `parse` reads."""
        return {
            "id": self.id,
            "name": self.name,
            "note": self.note,
            "device": self.device,
            "country": self.country,
            "language": self.language,
            "logged_in": self.logged_in,
            "acts": [
                {"kind": act.kind.value}
                | {
                    name: value
                    for name in _ACT_FIELDS
                    if (value := getattr(act, name)) != getattr(_PLAIN_ACT, name)
                }
                for act in self.acts
            ],
        }

    @classmethod
    def parse(cls, raw: Any) -> Persona:
        """From a form or a file. Raises Mistakes, all at once."""
        if not isinstance(raw, Mapping):
            raise Mistakes([Mistake("", "a persona is a JSON object")])
        mistakes: list[Mistake] = []
        words = {
            name: _word(raw, name, most, mistakes)
            for name, most in (
                ("id", 64),
                ("name", MAX_NAME),
                ("note", 500),
                ("country", 2),
                ("language", 35),
            )
        }
        if not words["name"].strip():
            mistakes.append(Mistake("name", "a persona needs a name"))
        device = raw.get("device", "")
        if device not in DEVICES:
            mistakes.append(Mistake("device", f"one of {', '.join(DEVICES[1:])}"))
        acts = raw.get("acts", [])
        if not isinstance(acts, list) or len(acts) > MAX_ACTS:
            mistakes.append(Mistake("acts", f"a list of up to {MAX_ACTS} things that were done"))
            acts = []
        done = [_act(one, f"acts.{place}", mistakes) for place, one in enumerate(acts)]
        if mistakes:
            raise Mistakes(mistakes)
        return cls(
            words["id"] or "own",
            words["name"].strip(),
            words["note"],
            tuple(act for act in done if act is not None),
            device,
            words["country"].upper(),
            words["language"],
            raw.get("logged_in") is True,
        )


_PLAIN_ACT = Act(Kind.PAGE_VIEW)
_ACT_FIELDS = ("ago_minutes", "item_id", "category", "quantity", "campaign", "referrer", "trait", "value")


def _act(raw: Any, field: str, mistakes: list[Mistake]) -> Act | None:
    if not isinstance(raw, Mapping):
        mistakes.append(Mistake(field, "one thing that was done is a JSON object"))
        return None
    before = len(mistakes)
    kind = str(raw.get("kind", ""))
    if kind not in {one.value for one in KINDS}:
        mistakes.append(Mistake(f"{field}.kind", f"one of {', '.join(KINDS)}"))
    words = {
        name: _word(raw, name, MAX_ID_LENGTH, mistakes, f"{field}.")
        for name in ("item_id", "category", "campaign", "referrer", "trait", "value")
    }
    numbers = {
        name: _number(raw, name, least, most, mistakes, f"{field}.")
        for name, least, most in (("ago_minutes", 0, MOST_MINUTES), ("quantity", 1, 1_000))
    }
    if len(mistakes) == before and Kind(kind) in _WITH_ITEM and not words["item_id"]:
        mistakes.append(Mistake(f"{field}.item_id", "which item?"))
    if len(mistakes) > before:
        return None
    return Act(Kind(kind), **words, **numbers)  # type: ignore[arg-type]  # the names are Act's own


def _word(raw: Mapping[str, Any], name: str, most: int, mistakes: list[Mistake], where: str = "") -> str:
    value = raw.get(name, "")
    if not isinstance(value, str) or len(value) > most:
        mistakes.append(Mistake(where + name, f"text of up to {most} characters"))
        return ""
    return value


def _number(
    raw: Mapping[str, Any], name: str, least: int, most: int, mistakes: list[Mistake], where: str
) -> int:
    value = raw.get(name, 1)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        mistakes.append(Mistake(where + name, f"a whole number from {least} to {most}"))
        return least
    return value


def _item(known: CatalogItem | None, act: Act) -> Item:
    if known is None:
        return Item(act.item_id, quantity=act.quantity)
    return Item(
        act.item_id,
        known.name,
        known.brand or None,
        known.category or None,
        price=known.price,
        quantity=act.quantity,
    )


# ---- ready ones ----------------------------------------------------------------------------------------


def ready(catalog: Catalog, preferred: Iterable[str] = ()) -> tuple[Persona, ...]:
    """Personas for any shop, made of its own items; `preferred` ones (say, popular) come first."""
    items = _some(catalog, preferred)

    def did(kind: Kind, place: int, ago: int, **more: Any) -> tuple[Act, ...]:
        return (Act(kind, ago, items[place % len(items)], **more),) if items else ()

    return (
        Persona("new", "Here for the first time", "Nothing is known yet", (Act(Kind.PAGE_VIEW),)),
        Persona(
            "campaign",
            "First visit from a campaign",
            "Came a minute ago by “spring-sale”, on a phone",
            (Act(Kind.PAGE_VIEW, 1, campaign="spring-sale", referrer="news.example"),),
            device="mobile",
        ),
        Persona(
            "looker",
            "Looks around right now",
            "Third visit, four items looked at in this one",
            (
                Act(Kind.PAGE_VIEW, 9 * DAY_MINUTES),
                Act(Kind.PAGE_VIEW, 4 * DAY_MINUTES),
                *(act for place in range(4) for act in did(Kind.PRODUCT_VIEW, place, 12 - 3 * place)),
            ),
            device="desktop",
        ),
        Persona(
            "regular",
            "Regular customer",
            "Four orders in three months, logged in, looked at something yesterday",
            (
                *(
                    act
                    for order in range(4)
                    for act in did(Kind.PURCHASE, order, (90 - 20 * order) * DAY_MINUTES)
                ),
                *did(Kind.PRODUCT_VIEW, 4, DAY_MINUTES),
                *did(Kind.PRODUCT_VIEW, 5, DAY_MINUTES - 5),
                Act(Kind.PAGE_VIEW, 2),
            ),
            logged_in=True,
        ),
        Persona(
            "full-cart",
            "Someone with a full cart",
            "Five items in the cart, not ordered yet",
            (
                Act(Kind.PAGE_VIEW, 25),
                *(
                    act
                    for place in range(5)
                    for act in did(Kind.ADD_TO_CART, place, 20 - 3 * place, quantity=1 + place % 2)
                ),
            ),
        ),
        Persona(
            "away",
            "Away for 60 days",
            "Bought once, was gone for two months, has just come back",
            (
                *did(Kind.PRODUCT_VIEW, 0, 62 * DAY_MINUTES),
                *did(Kind.PURCHASE, 1, 62 * DAY_MINUTES - 20),
                *did(Kind.PRODUCT_VIEW, 2, 60 * DAY_MINUTES),
                Act(Kind.PAGE_VIEW, 1),
            ),
            logged_in=True,
        ),
    )


def _some(catalog: Catalog, preferred: Iterable[str], wanted: int = 6) -> list[str]:
    """A handful of items that can be offered."""
    found = [one for one in preferred if (item := catalog.get(one)) is not None and item.plain][:wanted]
    if len(found) < wanted:
        found += [
            item.item_id for item in catalog.newest(limit=500) if item.plain and item.item_id not in found
        ]
    return found[:wanted]
