"""How varied, how new and how worn the default slots' lists are, with what mixes them and without.

    python -m bench.variety [--visitors 150] [--visits 6]

A made-up shop (as in `model_scale`, 4,000 items), its models trained, and people who come again every second
day: home page, a category, three products, sometimes cart and order. What they do is drawn beforehand and the
same in both runs; what they were shown counts as seen. `without` sets diversity, novelty, rotation and
`new_share` of every slot to 0. Prints a table for docs/recommender.md:

- diversity: mean distance of two offers of a list, 1 - the share of the category path that they have in
  common (intra-list diversity: Ziegler et al. 2005);
- novelty: mean self-information of an offer, -log2 of the share of visits with the item, in bits (Vargas and
  Castells 2011);
- coverage: share of the catalog that was offered to anybody;
- repeated: share of a visit's offers that stood in the same slot at the same person's visit before.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path

import numpy as np

from habitue_collector.events import Event, Kind
from habitue_collector.events import Item as EventItem
from habitue_collector.fold import Facts, fold
from habitue_collector.profile import Profile
from habitue_recommender.artifact import exclusive, load
from habitue_recommender.catalog.catalog import Catalog
from habitue_recommender.catalog.items import Item
from habitue_recommender.decide import decide
from habitue_recommender.live import NOTHING_LIVE
from habitue_recommender.offers import Decision
from habitue_recommender.page import Page
from habitue_recommender.served import ServedModel
from habitue_recommender.settings import RecommenderSettings
from habitue_recommender.slots import DEFAULT_SLOTS, Slot
from habitue_recommender.training.interactions import Interactions
from habitue_recommender.training.sessions import Baskets
from habitue_recommender.training.train import TrainingConfig, train_on

from .model_scale import END, SHELF, Shape, interactions

MODELS = ("neighbours", "item_item", "factors", "together", "popular", "accessories")
SHAPE = Shape(4_000, 150_000)
DAY, MINUTE = 86_400_000, 60_000
NEW = 0.02  # share of the catalog that came in the last week
_SERVER = Facts(server=True)


@dataclass(slots=True)
class Figures:
    """Of one slot."""

    distances: list[float] = field(default_factory=list)  # a list each
    surprises: list[float] = field(default_factory=list)  # an offer each, bits
    offered: set[str] = field(default_factory=set)
    offers: int = 0
    again: int = 0
    followed: int = 0  # offers of visits that had one before

    def row(self, catalog: int) -> tuple[float, float, float, float]:
        """(diversity, novelty, coverage, repeated)."""
        return (
            float(np.mean(self.distances)) if self.distances else 0.0,
            float(np.mean(self.surprises)) if self.surprises else 0.0,
            len(self.offered) / max(1, catalog),
            self.again / max(1, self.followed),
        )


@dataclass(frozen=True, slots=True)
class Shop:
    catalog: Catalog
    model: ServedModel
    share: Mapping[str, float]  # of the visits that have the item


@dataclass(frozen=True, slots=True)
class Visit:
    """What somebody does, whatever they are shown."""

    category: str
    views: tuple[str, ...]
    adds: bool
    buys: bool


def shop(folder: Path) -> Shop:
    """The shop, its models trained into `folder`."""
    data = _with_baskets(interactions(SHAPE, seed=3))
    with exclusive(folder):
        digest = train_on(data, folder, TrainingConfig(MODELS, threads=1))
    trails = data.trails.matrix(data.item_count)
    counts = np.asarray(trails.sum(axis=0)).ravel()
    ids = list(data.vocabulary)
    random = np.random.default_rng(4)
    fresh = random.random(len(ids)) < NEW
    items = [
        Item(
            item_id,
            name=f"Thing {number:04d}",
            url=f"/p/{item_id}",
            price=5.0 + number % 90,
            currency="EUR",
            category=data.categories[number],
            brand=f"Brand {number % 40}",
            first_seen=END - (3 if fresh[number] else 300) * DAY,
            updated_at=END - DAY,
        )
        for number, item_id in enumerate(ids)
    ]
    share = {ids[number]: float(counts[number] + 0.5) / trails.shape[0] for number in range(len(ids))}
    return Shop(Catalog(items), ServedModel(load(folder / digest)), share)


def _with_baskets(data: Interactions) -> Interactions:
    """Orders of several lines: who buys takes what else was looked at."""
    sessions = data.sessions
    buying = [s for s in range(len(sessions)) if sessions.kinds[sessions.starts[s + 1] - 1] == 3]
    lines = [np.unique(sessions.items[sessions.starts[s] : sessions.starts[s + 1]])[:5] for s in buying]
    starts = np.zeros(len(buying) + 1, dtype=np.int64)
    np.cumsum([len(line) for line in lines], out=starts[1:])
    place = np.array(buying)
    return replace(
        data,
        baskets=Baskets(
            starts,
            np.concatenate(lines).astype(np.int32),
            sessions.ends[place],
            sessions.visitors[place],
            np.ones(len(buying), dtype=np.bool_),
        ),
    )


def visits(of: Shop, count: int, random: np.random.Generator) -> list[Visit]:
    """Somebody's visits: three shelves that they come back to."""
    items = list(of.catalog.items.values())
    shelves = max(1, len(items) // SHELF)
    own = random.integers(0, shelves, 3)
    found = []
    for _ in range(count):
        shelf = int(random.choice(own))
        on_shelf = items[shelf * SHELF : (shelf + 1) * SHELF]
        views = [on_shelf[int(random.random() ** 3 * len(on_shelf))] for _ in range(3)]
        adds = bool(random.random() < 0.4)
        buys = adds and bool(random.random() < 0.5)
        found.append(Visit(views[0].category, tuple(one.item_id for one in views), adds, buys))
    return found


def run(of: Shop, slots: Mapping[str, Slot], people: int, count: int) -> dict[str, Figures]:
    """Everybody's visits; what each slot's lists were like."""
    figures: dict[str, Figures] = defaultdict(Figures)
    settings = RecommenderSettings()
    for person in range(people):
        random = np.random.default_rng(1_000 + person)
        who = _Person(f"visitor-{person:04d}", of)
        before: dict[str, set[str]] = {}
        for number, visit in enumerate(visits(of, count, random)):
            now = END + 2 * DAY * number + person * MINUTE
            shown: dict[str, set[str]] = defaultdict(set)

            def ask(page: Page, at: int, shown: dict[str, set[str]] = shown, who: _Person = who) -> None:
                wanted = [slot for slot in slots.values() if page.type in slot.page_types]
                for decision in decide(
                    wanted, page, who.profile, of.catalog, of.model, NOTHING_LIVE, at, settings
                ):
                    _note(figures[decision.slot], decision, of)
                    for offer in decision.offers:
                        shown[decision.slot].add(offer.item.item_id)
                        who.does(Kind.OFFER_IMPRESSION, at, offer.item.item_id)

            who.does(Kind.PAGE_VIEW, now)
            ask(Page("home"), now)
            ask(Page("category", category=visit.category), now + MINUTE)
            for place, item_id in enumerate(visit.views):
                who.does(Kind.PRODUCT_VIEW, now + (2 + place) * MINUTE, item_id)
                ask(Page("product", item_id=item_id), now + (2 + place) * MINUTE)
            ask(Page("search"), now + 6 * MINUTE)
            if visit.adds:
                who.does(Kind.ADD_TO_CART, now + 7 * MINUTE, visit.views[-1])
                ask(Page("cart"), now + 7 * MINUTE)
            if visit.buys:
                who.does(Kind.PURCHASE, now + 8 * MINUTE, visit.views[-1])
                ask(Page("thanks"), now + 8 * MINUTE)
            for slot_id, items in shown.items():
                if slot_id in before:
                    figures[slot_id].followed += len(items)
                    figures[slot_id].again += len(items & before[slot_id])
            before = {**before, **shown}
    return figures


class _Person:
    def __init__(self, name: str, of: Shop) -> None:
        self.profile = Profile(name)
        self._of = of
        self._events = 0

    def does(self, kind: Kind, at: int, item_id: str = "") -> None:
        self._events += 1
        name = f"{self.profile.profile_id}-{self._events}"
        event = Event(name, kind, kind.value, at, at, anonymous_id=self.profile.profile_id, source="bench")
        known = self._of.catalog.get(item_id)
        if known is not None:
            event.items = [
                EventItem(item_id, known.name, known.brand, known.category, price=known.price, quantity=1)
            ]
        if kind is Kind.PURCHASE and known is not None:
            event.order_id, event.value, event.currency = name, known.price, "EUR"
        self.profile = fold(self.profile, event, at, _SERVER)


def _note(figures: Figures, decision: Decision, of: Shop) -> None:
    items = [offer.item for offer in decision.offers]
    figures.offers += len(items)
    figures.offered.update(item.item_id for item in items)
    figures.surprises.extend(-float(np.log2(of.share[item.item_id])) for item in items)
    if len(items) > 1:
        pairs = [_distance(one, other) for one, other in combinations(items, 2)]
        figures.distances.append(sum(pairs) / len(pairs))


def _distance(one: Item, other: Item) -> float:
    mine, theirs = one.category.split("/"), other.category.split("/")
    shared = 0
    for left, right in zip(mine, theirs, strict=False):
        if left != right:
            break
        shared += 1
    return 1.0 - shared / max(len(mine), len(theirs))


def plain(slots: Mapping[str, Slot]) -> dict[str, Slot]:
    """The same slots without anything that mixes them."""
    return {
        name: replace(slot, diversity=0.0, novelty=0.0, rotation=0.0, new_share=0.0)
        for name, slot in slots.items()
    }


def table(mixed: Mapping[str, Figures], simple: Mapping[str, Figures], catalog: int) -> list[str]:
    """Each cell: with · without."""
    lines = [
        "| slot | diversity | novelty, bits | coverage | repeated | offers |",
        "|---|---|---|---|---|---|",
    ]
    for name in DEFAULT_SLOTS:
        if not mixed[name].offers:
            continue
        ours, theirs = mixed[name].row(catalog), simple[name].row(catalog)
        cells = [
            f"{a:.{digits}f} · {b:.{digits}f}"
            for a, b, digits in zip(ours, theirs, (2, 1, 3, 2), strict=True)
        ]
        lines.append(f"| `{name}` | {' | '.join(cells)} | {mixed[name].offers:,} |")
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.variety", description=__doc__)
    parser.add_argument("--visitors", type=int, default=150)
    parser.add_argument("--visits", type=int, default=6)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="habitue-variety-") as folder:
        of = shop(Path(folder))
        mixed, simple = (
            run(of, slots, arguments.visitors, arguments.visits)
            for slots in (DEFAULT_SLOTS, plain(DEFAULT_SLOTS))
        )
    print("\n".join(table(mixed, simple, len(of.catalog.items))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
