"""What two hundred rules cost a decision: two slots of 500 candidates, with rules and without, in turns."""

from __future__ import annotations

import gc
import math
import random
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from habitue_collector.profile import Profile
from habitue_recommender.catalog.catalog import Catalog
from habitue_recommender.catalog.items import Item
from habitue_recommender.decide import decide
from habitue_recommender.live import NOTHING_LIVE
from habitue_recommender.models.base import Query, Ranked
from habitue_recommender.offers import Decision
from habitue_recommender.page import Page
from habitue_recommender.rulebook.book import Rulebook
from habitue_recommender.served import ServedModel
from habitue_recommender.settings import RecommenderSettings
from habitue_recommender.slots import Slot, Source
from habitue_recommender.vocabulary import Vocabulary

NOW = 1_780_000_000_000
DAY = 86_400_000
ITEMS, CANDIDATES, VISITORS = 40_000, 500, 50
VISITOR_RULES, ITEM_RULES, MIXED_RULES = 60, 120, 20
SLOTS = (
    Slot("first", sources=(Source.SESSION_NEIGHBOURS, Source.POPULAR), max_per_category=4),
    Slot("second", sources=(Source.SESSION_NEIGHBOURS, Source.POPULAR), max_per_category=3),
)
"""Both ask one model first, so they share its 500 candidates."""
OWN_SLOTS = (
    Slot("first", sources=(Source.SESSION_NEIGHBOURS, Source.POPULAR), max_per_category=4),
    Slot("second", sources=(Source.FACTORS, Source.POPULAR), max_per_category=3),
)
"""Each has 500 candidates of its own."""


@dataclass(slots=True)
class Cost:
    """Milliseconds of CPU for one request of two slots, without rules and with them: medians."""

    without: float
    ruled: float
    touched: int  # rules that changed something, of all that were asked

    @property
    def more(self) -> float:
        return self.ruled - self.without

    @property
    def ratio(self) -> float:
        return self.ruled / self.without


@dataclass
class _Lists:
    """A model that answers with `CANDIDATES` items, other ones for each visitor."""

    start: int
    items: int
    asked: int = field(default=0)

    def score(self, query: Query) -> Ranked:
        first = (int(query.session[-1]) * 7_919 if len(query.session) else 0) + self.start
        items = (first + 61 * np.arange(query.n)) % self.items
        return Ranked(items.astype(np.int32), np.linspace(1.0, 0.05, query.n, dtype=np.float32))

    def because(self, query: Query, item: int) -> int | None:
        return int(query.session[-1]) if len(query.session) else None

    def because_all(self, query: Query, items: Sequence[int]) -> list[int | None]:
        return [self.because(query, item) for item in items]


@dataclass
class _Artifact:
    vocabulary: Vocabulary
    models: Mapping[str, Any]
    digest: str = "bench"
    manifest: Mapping[str, Any] = field(default_factory=dict)


class Scene:
    """A shop with its visitors, and what decides for them."""

    def __init__(self, items: int = ITEMS, visitors: int = VISITORS) -> None:
        chance = random.Random(1)
        self.ids = [f"sku-{number}" for number in range(items)]
        self.catalog = Catalog(_item(one, number) for number, one in enumerate(self.ids))
        names = ("neighbours", "factors", "popular")
        models = {name: _Lists(start, items) for start, name in enumerate(names)}
        self.model = ServedModel(_Artifact(Vocabulary.of(self.ids), models))
        self.settings = RecommenderSettings(candidates=CANDIDATES)
        self.visitors = [_visitor(f"v{number}", chance, self.ids) for number in range(visitors)]
        documents = {"rule": dict(documents_of(self.ids))}
        self.rulebook = Rulebook.compile(documents, settings=self.settings, version=1)
        if self.rulebook.problems:
            raise RuntimeError(str(self.rulebook.problems[0].mistakes))
        for _ in self.rulebook.warming(self.catalog):
            pass

    def decide(
        self, profile: Profile, rulebook: Rulebook | None, slots: Sequence[Slot] = SLOTS
    ) -> list[Decision]:
        return decide(
            slots,
            Page("home"),
            profile,
            self.catalog,
            self.model,
            NOTHING_LIVE,
            NOW,
            self.settings,
            rulebook=rulebook,
            clock=lambda: 0.0,
        )

    def check(self, decisions: Sequence[Decision], ruled: bool) -> None:
        """Answers are whole, and where there are rules they are kept."""
        for decision in decisions:
            offers = decision.offers
            if len(offers) != 12 or bool(decision.rules) != ruled:
                raise RuntimeError(f"{len(offers)} offers, rules {decision.rules}")
            if ruled and any(_is_excluded(offer.item) for offer in offers):
                raise RuntimeError("an excluded item was offered")


def measure(scene: Scene, rounds: int = 8, slots: Sequence[Slot] = SLOTS) -> Cost:
    """The same visitors with and without rules in turns; the quickest round of each visitor counts.

    Other work on the machine only ever makes a round slower, so the quickest one tells the cost.
    """
    least: dict[bool, list[float]] = {ruled: [math.inf] * len(scene.visitors) for ruled in (False, True)}
    touched: set[str] = set()
    collecting = gc.isenabled()
    gc.disable()
    try:
        for _ in range(rounds):
            for number, profile in enumerate(scene.visitors):
                for ruled, took in least.items():
                    began = time.thread_time_ns()
                    decisions = scene.decide(profile, scene.rulebook if ruled else None, slots)
                    took[number] = min(took[number], (time.thread_time_ns() - began) / 1e6)
                    scene.check(decisions, ruled)
                    touched.update(*(decision.rules for decision in decisions))
    finally:
        if collecting:
            gc.enable()
    return Cost(statistics.median(least[False]), statistics.median(least[True]), len(touched))


def documents_of(ids: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """200 rules: what they ask of the visitor or page, of the item, or of both at once.

    Of those that ask for both, every second one also names items of its own, as most rules of people do.
    """
    visitors = (
        "visitor.visits >= {n} && visitor.device != 'tablet'",
        "visitor.orders.count > {n} || visitor.cart.value >= {n}",
        "page.type == 'home' && visitor.country != 'X{n}'",
        "visitor.campaign != 'c{n}' && visitor.page_views < 900",
    )
    acts: tuple[dict[str, Any], ...] = (
        {"cap": {"impressions": 5, "days": 7}},
        {"limit": {"brand": 4}},
        {"in_cart": "never"},
        {"fallback": ["source:popular"]},
    )
    for number in range(VISITOR_RULES):
        consequence = dict(acts[number % len(acts)])
        if number % 15 == 0:
            consequence["pin"] = [{"item_id": ids[number * 17 + 1], "position": 1 + number // 15 * 3}]
        when = visitors[number % len(visitors)].format(n=number // 4 % 3)
        yield f"visitor-{number}", _rule(when, consequence)
    items = (
        ("item.brand == 'Brand {n}'", {"boost": 1.2}),
        ("item.price > {n} && item.margin > 0.4", {"boost": 1.1}),
        ("'Shelf {n}' in item.category", {"bury": 1.5}),
        ("item.attributes['season'] == 's{n}'", {"bury": 1.2}),
        ("item.stock < 2 && item.brand == 'Brand {n}'", {"exclude": True}),
        ("item.name.contains('{n}9')", {"boost": 1.05}),
    )
    for number in range(ITEM_RULES):
        when, consequence = items[number % len(items)]
        yield f"item-{number}", _rule(when.format(n=number), consequence)
    mixed = (
        ("item.price <= visitor.cart.value * {n}", {"boost": 1.1}),
        ("item.margin > 0.5 && (item.brand == visitor.traits['brand'] || item.price > {n})", {"boost": 1.2}),
        ("item.viewed || item.price < {n}", {"bury": 1.1}),
        ("item.stock > 5 && item.price > visitor.orders.value + 500 - {n}", {"exclude": True}),
    )
    for number in range(MIXED_RULES):
        when, consequence = mixed[number % len(mixed)]
        yield f"mixed-{number}", _rule(when.format(n=number + 1), consequence)


def _rule(when: str, consequence: Mapping[str, Any]) -> dict[str, Any]:
    return {"condition": {"when": when}, "consequence": dict(consequence)}


def _is_excluded(item: Item) -> bool:
    number = int(item.brand.removeprefix("Brand "))
    return item.attributes["stock"] < 2 and number < ITEM_RULES and number % 6 == 4


def _item(item_id: str, number: int) -> Item:
    return Item(
        item_id,
        name=f"Item {number}",
        price=5.0 + number % 200,
        currency="EUR",
        category=f"Department {number % 20}/Shelf {number % 300}",
        brand=f"Brand {number % 400}",
        attributes={"margin": number % 10 / 10, "stock": number % 23, "season": f"s{number % 50}"},
        first_seen=NOW - 400 * DAY,
        updated_at=NOW - 400 * DAY,
    )


def _visitor(profile_id: str, chance: random.Random, ids: Sequence[str]) -> Profile:
    second = NOW // 1_000
    recent = {one: {"last": second - 3_600, "kind": "product_view"} for one in chance.sample(ids, 10)}
    recent |= {one: {"last": second - 60, "kind": "product_view"} for one in chance.sample(ids, 5)}
    state: dict[str, Any] = {
        "recent_items": recent,
        "session": {"id": "s", "started": NOW - 600_000, "last": NOW, "events": 5},
        "cart": {one: {"quantity": 1, "price": 9.0} for one in chance.sample(ids, 2)},
        "bought": {one: {"count": 1, "last": second - 9_000_000} for one in chance.sample(ids, 20)},
        "exposures": {one: {"count": 6, "last": second - 9_000} for one in chance.sample(ids, 30)},
        "orders": {"count": 3, "by_currency": {"EUR": 120.0}, "first": NOW - 90 * DAY, "last": NOW - 9 * DAY},
        "traits": {"brand": {"value": "Brand 7"}},
        "visits": 4,
    }
    return Profile(profile_id, state)
