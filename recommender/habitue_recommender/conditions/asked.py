"""What one request knows: its page, its visitor and its time, as conditions read them. Pure.

A value is computed when the first condition reads it, and kept for the rest of the request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC as _UTC
from datetime import datetime, tzinfo
from typing import Any

from habitue_collector.events import USER_PREFIX
from habitue_collector.profile import Profile, Session
from habitue_recommender.catalog.catalog import DAY, NEW_FOR
from habitue_recommender.catalog.items import Item
from habitue_recommender.conditions.fields import WEEKDAYS
from habitue_recommender.page import Page

NO_ITEM = Item("", availability="")
"""Stands where no item is: each of its fields is missing."""

Segments = frozenset[str] | Callable[[], frozenset[str]]
_NO_SEGMENTS: frozenset[str] = frozenset()


class Asked:
    """One request, or one slot of it.

    `segments` are the visitor's, or what tells them when first asked. `viewed` is the item of the page.
    `device`, `country` and `language` are the request's own; without them the session's count.
    `new_since` is when an item must have been seen first to be called new (`Candidates.new_since`).
    """

    __slots__ = ("known", "slot")

    def __init__(
        self,
        page: Page,
        profile: Profile | None,
        now: int,
        *,
        slot: str = "",
        zone: tzinfo = _UTC,
        segments: Segments = _NO_SEGMENTS,
        viewed: Item | None = None,
        device: str = "",
        country: str = "",
        language: str = "",
        new_since: int | None = None,
    ) -> None:
        self.slot = slot
        self.known = Known(
            page,
            profile,
            now,
            zone,
            segments,
            viewed or NO_ITEM,
            {"device": device, "country": country, "language": language},
            now - NEW_FOR if new_since is None else new_since,
        )

    def for_slot(self, slot_id: str) -> Asked:
        """The same request, asking for another slot: what was computed is shared."""
        other = Asked.__new__(Asked)
        other.slot = slot_id
        other.known = self.known
        return other

    @property
    def page(self) -> Page:
        return self.known.page

    @property
    def profile(self) -> Profile | None:
        return self.known.profile

    @property
    def now(self) -> int:
        return self.known.now

    def value(self, name: str) -> Any:
        """The value of a field of page, visitor or time, as conditions see it; None is missing."""
        return self.slot if name == "slot" else self.known[name]


class Known(dict[str, Any]):
    """Name of a field → its value; computed when first asked for."""

    __slots__ = (
        "new_since",
        "now",
        "own",
        "page",
        "profile",
        "segments",
        "session",
        "viewed",
        "zone",
    )

    def __init__(
        self,
        page: Page,
        profile: Profile | None,
        now: int,
        zone: tzinfo,
        segments: Segments,
        viewed: Item,
        own: Mapping[str, str],
        new_since: int,
    ) -> None:
        super().__init__()
        self.page = page
        self.profile = profile
        self.now = now
        self.zone = zone
        self.segments = segments
        self.viewed = viewed
        self.own = own
        self.new_since = new_since
        self.session: Session | None = None

    def __missing__(self, name: str) -> Any:
        value = self[name] = VALUES[name](self)
        return value


# ---- page ----------------------------------------------------------------------------------------


def _page(name: str) -> Callable[[Known], Any]:
    return lambda known: getattr(known.page, name) or ""


# ---- visitor -------------------------------------------------------------------------------------


def _of_profile(read: Callable[[Profile], Any], otherwise: Any) -> Callable[[Known], Any]:
    return lambda known: otherwise if known.profile is None else read(known.profile)


def _session(known: Known) -> Session | None:
    return known.profile.session if known.profile is not None else None


def _of_session(name: str, otherwise: Any = "") -> Callable[[Known], Any]:
    def read(known: Known) -> Any:
        session = known["session"]
        # A member that the session does not have yet is one that it does not know.
        return (getattr(session, name, None) or otherwise) if session is not None else otherwise

    return read


def _of_request(name: str, form: Callable[[str], str]) -> Callable[[Known], str]:
    inherited = _of_session(name)
    return lambda known: form(str(known.own[name] or inherited(known)))


def _language(tag: str) -> str:
    return tag.replace("_", "-").partition("-")[0].lower()


def _user_id(profile: Profile) -> str:
    return profile.profile_id[len(USER_PREFIX) :] if profile.is_user else ""


def _segments(known: Known) -> frozenset[str]:
    segments = known.segments
    return segments() if callable(segments) else segments


def _cart_value(profile: Profile) -> float:
    return sum((line.price or 0.0) * line.quantity for line in profile.cart.values())


def _days_since(moment: Callable[[Profile], int | None]) -> Callable[[Known], int | None]:
    def days(known: Known) -> int | None:
        since = moment(known.profile) if known.profile is not None else None
        return None if since is None else max(0, known.now - since) // DAY

    return days


def _affinity(dimension: str) -> Callable[[Known], Mapping[str, float]]:
    return _of_profile(lambda profile: profile.affinity(dimension), {})


# ---- time ----------------------------------------------------------------------------------------


def _local(known: Known) -> datetime:
    try:
        return datetime.fromtimestamp(known.now / 1000, known.zone)
    except (OverflowError, OSError, ValueError):  # a clock that stands outside the years 1 to 9999
        return datetime(1970, 1, 1, tzinfo=_UTC)


def _time(read: Callable[[datetime], Any]) -> Callable[[Known], Any]:
    return lambda known: read(known["local"])


_NOBODY: frozenset[str] = frozenset()

VALUES: Mapping[str, Callable[[Known], Any]] = {
    "page.type": _page("type"),
    "page.item_id": _page("item_id"),
    "page.category": _page("category"),
    "visitor.known": _of_profile(lambda profile: profile.is_user, False),
    "visitor.new": _of_profile(lambda profile: profile.visits <= 1, True),
    "visitor.returning": _of_profile(lambda profile: profile.visits > 1, False),
    "visitor.visits": _of_profile(lambda profile: profile.visits, 0),
    "visitor.segments": _segments,
    "visitor.traits": _of_profile(lambda profile: profile.traits, {}),
    "visitor.user_id": _of_profile(_user_id, ""),
    "visitor.device": _of_request("device", str.lower),
    "visitor.country": _of_request("country", str.upper),
    "visitor.language": _of_request("language", _language),
    "visitor.referrer": _of_session("referrer"),
    "visitor.campaign": _of_session("campaign"),
    "visitor.landing": _of_session("landing"),
    "visitor.page_views": _of_session("page_views", 0),
    "visitor.cart.value": _of_profile(_cart_value, 0),
    "visitor.cart.count": _of_profile(lambda profile: sum(one.quantity for one in profile.cart.values()), 0),
    "visitor.cart.items": _of_profile(lambda profile: frozenset(profile.cart), _NOBODY),
    "visitor.orders.count": _of_profile(lambda profile: profile.orders.count, 0),
    "visitor.orders.value": _of_profile(lambda profile: profile.orders.value, 0),
    "visitor.orders.days_since_last": _days_since(lambda profile: profile.orders.last),
    "visitor.orders.days_since_first": _days_since(lambda profile: profile.orders.first),
    "visitor.days_since_last_seen": _days_since(lambda profile: profile.last_seen),
    "visitor.days_since_first_seen": _days_since(lambda profile: profile.first_seen),
    "visitor.affinity.category": _affinity("category"),
    "visitor.affinity.brand": _affinity("brand"),
    "visitor.viewed": _of_profile(lambda profile: frozenset(profile.recent_items), _NOBODY),
    "visitor.bought": _of_profile(lambda profile: frozenset(profile.bought), _NOBODY),
    "time.hour": _time(lambda local: local.hour),
    "time.minute": _time(lambda local: local.minute),
    "time.weekday": _time(lambda local: WEEKDAYS[local.weekday()]),
    "time.date": _time(lambda local: local.strftime("%Y-%m-%d")),
    "time.month": _time(lambda local: local.month),
    "time.day": _time(lambda local: local.day),
    # What fields are computed from, and has no name of its own in the language.
    "session": _session,
    "local": _local,
    "exposures": _of_profile(lambda profile: profile.exposures, {}),
    "earlier_exposures": _of_profile(lambda profile: profile.earlier_exposures, {}),
}
