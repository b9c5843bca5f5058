"""The profile: what is known of one visitor, small enough to be read and written with every beacon.

Its state is kept in the form in which it is stored (named members, defaults left out), so that
writing it is one `orjson.dumps` and reading it one `orjson.loads`. The views below give it types.
Every member is listed with purpose and lifetime in `docs/privacy.md`.
"""

from __future__ import annotations

from binascii import b2a_base64
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson

from habitue_collector import affinity, exposures, touches
from habitue_collector.events import USER_PREFIX, Kind

VERSION_LENGTH = 16  # bytes in front of the JSON; never repeated, so an old reader cannot mistake a new write
DIMENSIONS = ("category", "brand", "price_band")

# How much of a visitor is kept: the profile stays small whatever somebody sends.
MAX_RECENT_ITEMS = 30
MAX_BOUGHT = 100
MAX_CART = 50
MAX_TRAITS = 50
MAX_TRAIT_BYTES = 512  # of one that is no plain text
MAX_SUBSCRIPTIONS = 20
MAX_AFFINITIES = {"category": 12, "brand": 6, "price_band": 5}
MAX_DEVICES = 20
MAX_TRANSFERS = 64
MAX_ORDERS_LISTED = 32
MAX_OPEN_ORDERS = 8  # whose items come line by line
MAX_ORDER_LINES = 50
MAX_SEEN = 4_096  # events of one day that can be told apart from repeats
SEEN_HOURS = 24
HOUR = 3_600_000

State = dict[str, Any]

# What belongs to running transfers and busy workers, not to the visitor: a rebuilt profile need not have it.
OPERATIONAL = frozenset({"open_transfer", "hurried"})


@dataclass(slots=True, frozen=True)
class Session:
    """The visit that is going on, or the last one. `items` oldest touch first, the latest last."""

    session_id: str
    started: int
    last: int
    events: int
    page_views: int
    items: list[str]
    landing: str | None = None
    referrer: str | None = None
    campaign: str | None = None
    device: str = ""  # mobile, tablet or desktop; "" when nothing told
    country: str = ""  # two letters (ISO 3166-1), by the word of a trusted proxy alone
    language: str = ""  # of the browser, without its region: "de"


@dataclass(slots=True, frozen=True)
class RecentItem:
    """An item that was touched: the strongest thing done to it, when last, how often."""

    kind: Kind
    last: int
    count: int


@dataclass(slots=True, frozen=True)
class Bought:
    count: float
    last: int


@dataclass(slots=True, frozen=True)
class CartLine:
    quantity: float
    price: float | None


@dataclass(slots=True, frozen=True)
class Exposure:
    """How often an offer of this item was in view, and when last."""

    count: int
    last: int


@dataclass(slots=True, frozen=True)
class OrderSummary:
    """All orders counted: `value` in the first currency, `by_currency` exact; refunds taken off."""

    count: int
    value: float
    first: int | None
    last: int | None
    by_currency: dict[str, float]


class Profile:
    """One visitor's folded state under a profile id (`anonymous_id`, or `user:` and the user_id)."""

    __slots__ = ("profile_id", "state")

    def __init__(self, profile_id: str, state: State | None = None) -> None:
        self.profile_id = profile_id
        self.state: State = {} if state is None else state

    # ---- stored form -------------------------------------------------------------------------

    def pack(self, version: bytes) -> bytes:
        """The bytes kept in Redis: the version, then JSON."""
        return version + orjson.dumps(self.state)

    def to_record(self) -> State:
        """The state without what belongs to running transfers: equal, live or replayed."""
        return {name: value for name, value in self.state.items() if name not in OPERATIONAL}

    # ---- identity ----------------------------------------------------------------------------

    @property
    def is_user(self) -> bool:
        return self.profile_id.startswith(USER_PREFIX)

    @property
    def pointer(self) -> str | None:
        """The user_id that this device has proven to be; None when nobody is logged in."""
        return self.state.get("pointer")

    @property
    def is_left(self) -> bool:
        """Its browser logged out and goes on under another id; nothing of a visitor is here."""
        return "successor" in self.state and "seen" not in self.state

    @property
    def hurried(self) -> bool:
        """Whether the worker that wrote its last event was busy: answers are cheap until the next one."""
        return "hurried" in self.state

    @property
    def is_empty(self) -> bool:
        return not self.state

    # ---- typed views -------------------------------------------------------------------------

    @property
    def session(self) -> Session | None:
        raw = self.state.get("session")
        if raw is None:
            return None
        return Session(
            raw["id"],
            raw["started"],
            raw["last"],
            raw["events"],
            raw.get("pages", 0),
            self._touched_since(raw["started"] // 1000),
            raw.get("landing"),
            raw.get("referrer"),
            raw.get("campaign"),
            raw.get("device", ""),
            raw.get("country", ""),
            raw.get("language", ""),
        )

    def _touched_since(self, seconds: int) -> list[str]:
        """The session's items are the recent ones since it began: they need no second list."""
        recent = self.state.get("recent_items", {})
        return [item_id for item_id, entry in recent.items() if touches.last(entry) >= seconds]

    @property
    def recent_items(self) -> dict[str, RecentItem]:
        return {
            item_id: RecentItem(Kind(touches.kind(raw)), touches.last(raw) * 1000, touches.count(raw))
            for item_id, raw in self.state.get("recent_items", {}).items()
        }

    @property
    def bought(self) -> dict[str, Bought]:
        return {
            item_id: Bought(touches.count(raw), touches.last(raw) * 1000)
            for item_id, raw in self.state.get("bought", {}).items()
        }

    @property
    def cart(self) -> dict[str, CartLine]:
        return {
            item_id: CartLine(raw.get("quantity", 1), raw.get("price"))
            for item_id, raw in self.state.get("cart", {}).items()
        }

    @property
    def exposures(self) -> dict[str, Exposure]:
        return {
            item_id: Exposure(touches.count(raw), touches.last(raw) * 1000)
            for item_id, raw in self.state.get("exposures", {}).items()
        }

    @property
    def earlier_exposures(self) -> dict[str, Exposure]:
        """Offers that were in view before those of `exposures`, by `exposures.mark` of their id."""
        worn = self.state.get("worn")
        if worn is None:
            return {}
        return {key: Exposure(one.times, one.last * 1000) for key, one in exposures.unpack(worn).items()}

    @property
    def orders(self) -> OrderSummary:
        raw = self.state.get("orders", {})
        by_currency: dict[str, float] = raw.get("by_currency", {})
        value = next(iter(by_currency.values()), 0.0)
        return OrderSummary(raw.get("count", 0), value, raw.get("first"), raw.get("last"), by_currency)

    @property
    def traits(self) -> dict[str, Any]:
        return {name: raw["value"] for name, raw in self.state.get("traits", {}).items()}

    @property
    def consents(self) -> dict[str, str]:
        return {purpose: raw["state"] for purpose, raw in self.state.get("consents", {}).items()}

    @property
    def visits(self) -> int:
        return int(self.state.get("visits", 0))

    @property
    def first_seen(self) -> int | None:
        return self.state.get("first_seen")

    @property
    def last_seen(self) -> int | None:
        """Usually the session's last event; kept apart only when something came after it."""
        session = self.state.get("session")
        later: int | None = self.state.get("last_seen")
        if session is None:
            return later
        last: int = session["last"]
        return last if later is None else max(last, later)

    @property
    def scores(self) -> dict[str, float]:
        return dict(self.state.get("scores", {}))

    def affinity(self, dimension: str, now: int | None = None) -> dict[str, float]:
        """Shares of one dimension (category, brand, price_band): 0 to 1, summing to 1.

        All weights of a profile decay at one rate, so shares do not depend on `now`.
        """
        return affinity.shares(self.state.get("affinities", {}).get(dimension, {}))

    # ---- what the API shows ------------------------------------------------------------------

    def to_public(self) -> dict[str, Any]:
        """The profile as `/v1/profiles/…` and the visitor see it: plain words, times in milliseconds."""
        session, orders = self.session, self.orders
        return {
            "profile_id": self.profile_id,
            "user_id": self.profile_id[len(USER_PREFIX) :] if self.is_user else None,
            "claimed_user_id": self.state.get("claimed_user_id"),
            "first_seen": self.first_seen,
            "last_seen": self.last_seen,
            "visits": self.visits,
            "session": None
            if session is None
            else {name: getattr(session, name) for name in Session.__dataclass_fields__},
            "recent_items": [
                {"item_id": item_id, "kind": item.kind.value, "last": item.last, "count": item.count}
                for item_id, item in reversed(self.recent_items.items())
            ],
            "bought": [
                {"item_id": item_id, "count": item.count, "last": item.last}
                for item_id, item in sorted(self.bought.items(), key=lambda pair: -pair[1].last)
            ],
            "affinities": {
                dimension: {name: round(share, 4) for name, share in self.affinity(dimension).items()}
                for dimension in DIMENSIONS
            },
            "cart": [
                {"item_id": item_id, "quantity": line.quantity, "price": line.price}
                for item_id, line in self.cart.items()
            ],
            "orders": {
                "count": orders.count,
                "value": orders.value,
                "first": orders.first,
                "last": orders.last,
                "by_currency": orders.by_currency,
            },
            "traits": self.traits,
            "consents": self.consents,
            "exposures": [
                {"item_id": item_id, "count": seen.count, "last": seen.last}
                for item_id, seen in self.exposures.items()
            ],
            "persona": self.state.get("persona", "default"),
            "personas": sorted({"default", *self.state.get("personas", {})}),
            "scores": self.scores,
            "subscriptions": self.state.get("subscriptions", {}),
            "devices": self.state.get("devices", []),
            "bot": self.state.get("bot", False),
        }


def unpack(profile_id: str, packed: bytes) -> tuple[bytes, Profile]:
    """Read what `Profile.pack` wrote: the version, and the profile."""
    return packed[:VERSION_LENGTH], Profile(profile_id, orjson.loads(packed[VERSION_LENGTH:]))


_DIGEST = blake2b(digest_size=8)


def digest(text: str) -> str:
    """Eight bytes that stand for an id, as eleven characters of base64."""
    state = _DIGEST.copy()  # half of what making a new one costs
    state.update(text.encode("utf-8", "replace"))
    return b2a_base64(state.digest())[:11].decode("ascii")
