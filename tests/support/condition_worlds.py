"""Visitors, pages and items on which conditions are tried: usual ones, empty ones and strange ones."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from habitue_collector.profile import Profile
from habitue_recommender.catalog.items import Item
from habitue_recommender.conditions import Asked
from habitue_recommender.page import Page

DAY = 86_400_000
NOW = 1_798_100_400_000  # Thursday 2026-12-24, 09:20 in Berlin
BERLIN = ZoneInfo("Europe/Berlin")

REGULAR: dict[str, Any] = {
    "visits": 7,
    "first_seen": NOW - 100 * DAY,
    "session": {
        "id": "s1",
        "started": NOW - 600_000,
        "last": NOW - 60_000,
        "events": 9,
        "pages": 4,
        "landing": "/sale",
        "referrer": "google.com",
        "campaign": "winter",
    },
    "recent_items": {"shoe": NOW // 1000 - 3600, "hat": NOW // 1000 - 60},
    "bought": {"sock": {"last": NOW // 1000 - 40 * 86_400, "count": 2}},
    "cart": {"hat": {"quantity": 2, "price": 20.0}, "belt": {"price": 15.5}},
    "orders": {"count": 3, "first": NOW - 90 * DAY, "last": NOW - 40 * DAY, "by_currency": {"EUR": 210.5}},
    "exposures": {"shoe": {"last": NOW // 1000, "count": 4}},
    "traits": {"plan": {"value": "gold"}, "points": {"value": "120"}, "tags": {"value": ["a", "b"]}},
    "affinities": {
        "category": {"Shoes/Trail": 10.0, "Shoes/Road": 10.0, "Hats": 9.0},
        "brand": {"Acme": 3.0},
    },
}

SHOE = Item(
    "shoe",
    "shoes-1",
    "Trail Shoe",
    "/p/shoe",
    "/i/shoe.jpg",
    49.9,
    "EUR",
    "in_stock",
    "Men/Shoes/Trail",
    "Acme",
    {"margin": "0.4", "stock": 12, "color": "red", "tags": ["sale", 7], "sale": True, "size": 42},
    first_seen=NOW - DAY,
)
HAT = Item("hat", price=20.0, category="Hats", brand="Hatter", attributes={"margin": 0.1, "sale": "false"})
BARE = Item("bare", availability="out_of_stock")
STRANGE = Item(
    "strange",
    name="“<b>”\n\x00",
    price=0.0,
    category="//",
    attributes={
        **{"margin": "nan", "stock": {"a": 1}, "color": None, "tags": {"sale": [1]}, "sale": 1},
        **{"size": 10**18, "": "", 'x"y': "1e999"},
    },
)
ITEMS: tuple[Item, ...] = (SHOE, HAT, BARE, STRANGE)


def regular(profile_id: str = "user:anna") -> Profile:
    return Profile(profile_id, REGULAR)


def asked(profile: Profile | None = None, page: Page | None = None, **more: Any) -> Asked:
    """A request of nobody, from the home page, at noon before Christmas, unless it is said otherwise."""
    more = {"zone": BERLIN, **more}
    return Asked(page or Page("home"), profile, more.pop("now", NOW), **more)


def all_asked() -> list[Asked]:
    return [
        asked(),
        asked(Profile("new", {}), Page()),
        asked(
            regular(),
            Page("product", "shoe", "Men/Shoes"),
            viewed=SHOE,
            slot="home-hero",
            segments=frozenset({"vip", "shoes"}),
            country="de",
            language="de-AT",
            device="mobile",
        ),
        asked(regular("someone"), Page("category", None, "Hats/"), now=10**30, viewed=BARE),
    ]
