"""What a decision reads of a profile, taken out once per request. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from habitue_collector.profile import Bought, Exposure, OrderSummary, Profile, RecentItem
from habitue_recommender.catalog.catalog import prefixes

HOUR = 3_600_000
PAUSE = HOUR // 2  # that ends a visit
_NO_ORDERS = OrderSummary(0, 0.0, None, None, {})


NEAR, BRAND = 0.7, 0.3  # what category and brand have of an affinity


class Nearness(dict[str, float]):
    """How near each category path is to what somebody likes, 0 to 1; computed when first asked for."""

    def __init__(self, shares: dict[str, float]) -> None:
        super().__init__()
        self._by_prefix: dict[str, float] = {}
        self.departments = {path.split("/", 1)[0] for path in shares}  # nothing outside them is near
        for path, share in shares.items():
            for prefix in prefixes(path):
                self._by_prefix[prefix] = self._by_prefix.get(prefix, 0.0) + share

    def __missing__(self, category: str) -> float:
        paths = prefixes(category)
        total = 0.0
        for path in paths:
            share = self._by_prefix.get(path, 0.0)
            if not share:
                break  # nothing below it either
            total += share
        near = self[category] = total / len(paths) if total else 0.0
        return near


@dataclass(slots=True)
class Visitor:
    """One person as far as offers may follow them; the empty one is somebody of whom nothing may be used.

    `at` is the time of their last event: ages are counted from there, so that the same question without a
    new event has the same answer a minute later.
    """

    profile_id: str = ""
    at: int = 0
    session: list[str] = field(default_factory=list)  # oldest touch first
    started: int = 0  # the second in which this visit began: touches are kept by theirs
    recent: dict[str, RecentItem] = field(default_factory=dict)  # oldest first
    bought: dict[str, Bought] = field(default_factory=dict)
    cart: frozenset[str] = frozenset()
    exposures: dict[str, Exposure] = field(default_factory=dict)
    worn: str = ""  # what was in view before those, packed: see the collector's `exposures`
    categories: dict[str, float] = field(default_factory=dict)  # path → share
    brands: dict[str, float] = field(default_factory=dict)
    orders: OrderSummary = _NO_ORDERS
    campaign: str | None = None  # that brought this visit
    referrer: str | None = None
    visits: int = 0  # this one included
    device: str = ""  # of this visit: mobile, tablet or desktop
    near: Nearness = field(init=False)

    def __post_init__(self) -> None:
        self.near = Nearness(self.categories)

    @classmethod
    def of(cls, profile: Profile) -> Visitor:
        session = profile.session
        return cls(
            profile.profile_id,
            profile.last_seen or (session.last if session else 0),
            session.items if session else [],
            session.started // 1000 * 1000 if session else 0,
            profile.recent_items,
            profile.bought,
            frozenset(profile.cart),
            profile.exposures,
            profile.state.get("worn", ""),
            profile.affinity("category"),
            profile.affinity("brand"),
            profile.orders,
            session.campaign if session else None,
            session.referrer if session else None,
            profile.visits,
            session.device if session else "",
        )

    def just_bought(self) -> list[str]:
        """What was bought within an hour before the last event, for the page after an order."""
        return [item_id for item_id, bought in self.bought.items() if self.at - bought.last < HOUR]

    def last_visit(self) -> dict[str, RecentItem]:
        """What was touched in the visit before this one, oldest first; the last of them ended it."""
        earlier = [(one, seen) for one, seen in self.recent.items() if seen.last < self.started]
        earlier.sort(key=lambda pair: pair[1].last)
        first = len(earlier) - 1
        while first > 0 and earlier[first][1].last - earlier[first - 1][1].last <= PAUSE:
            first -= 1
        return dict(earlier[max(first, 0) :])

    def familiar(self) -> frozenset[str]:
        """What they were shown, touched or bought, as far as the profile goes."""
        return frozenset((*self.exposures, *self.recent, *self.bought))

    @property
    def has_affinity(self) -> bool:
        return bool(self.categories or self.brands)

    def affinity(self, category: str, brand: str) -> float:
        """How much an item of this category and brand is their kind: 0 to 1.

        A path counts by how much of it they share: who looks at `Shoes/Trail` also leans to `Shoes/Road`.
        """
        return NEAR * self.near[category] + BRAND * self.brands.get(brand, 0.0)
