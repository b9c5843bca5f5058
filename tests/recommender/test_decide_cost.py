"""What a decision costs: two slots of twelve, 500 candidates a source, a catalog of 40,000."""

from __future__ import annotations

import random
from time import process_time_ns

from support.decisions import DAY, NOW, item, model_of, visitor

from habitue_recommender.catalog.catalog import Catalog
from habitue_recommender.decide import decide
from habitue_recommender.live import Live
from habitue_recommender.page import Page
from habitue_recommender.settings import RecommenderSettings
from habitue_recommender.slots import DEFAULT_SLOTS

ITEMS = 40_000


def test_two_slots_of_twelve_cost_about_a_millisecond() -> None:
    chance = random.Random(1)
    ids = [f"sku-{n}" for n in range(ITEMS)]
    catalog = Catalog(
        item(
            one,
            category=f"Dept {n % 20}/Aisle {n % 300}/Type {n % 1500}",
            brand=f"Brand {n % 900}",
            availability="out_of_stock" if n % 17 == 0 else "in_stock",
        )
        for n, one in enumerate(ids)
    )
    members = ("neighbours", "item_item", "factors", "popular")
    model = model_of(
        ids,
        anchors=dict.fromkeys(members, ids[1]),
        **{name: chance.sample(ids, 500) for name in members},
    )
    live = Live(NOW, tuple((one, 300 - n) for n, one in enumerate(chance.sample(ids, 200))))
    people = [
        visitor(
            f"v{n}",
            views=chance.sample(ids, 8),
            carts=chance.sample(ids, 2),
            earlier=dict.fromkeys(chance.sample(ids, 15), 3),
            bought=dict.fromkeys(chance.sample(ids, 40), (2, 40 * DAY)),
            seen=dict.fromkeys(chance.sample(ids, 30), (2, DAY)),
            likes={f"Dept {dept}/Aisle {dept}": 0.2 for dept in range(5)},
            brands={"Brand 1": 0.5, "Brand 2": 0.5},
        )
        for n in range(100)
    ]
    slots = [DEFAULT_SLOTS["home-hero"], DEFAULT_SLOTS["home-popular"]]
    settings = RecommenderSettings()
    took = []
    for person in people * 3:
        start = process_time_ns()
        decisions = decide(slots, Page("home"), person, catalog, model, live, NOW, settings)
        took.append((process_time_ns() - start) / 1e6)
        assert [len(one.offers) for one in decisions] == [12, 12]
    took = sorted(took[len(people) :])
    p50, p99 = took[len(took) // 2], took[int(len(took) * 0.99)]
    print(f"decide, 2 × 12 of 500: p50 {p50:.2f} ms, p99 {p99:.2f}, least {took[0]:.2f} ms of CPU")
    assert p50 < 4  # aim: 1 ms; a machine with other work on its cores takes twice that
