"""What is due again, and what the next order holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from habitue_recommender.models import Fitting, Query, Repurchase
from habitue_recommender.models.repurchase import RepurchaseSettings
from habitue_recommender.training.interactions import Interactions, from_orders

DAY = 86_400
DAY_MS = DAY * 1000
SMALL = RepurchaseSettings(trees=20, leaves=7, rows_per_leaf=5, least_questions=30, window_days=60.0)


def market(folder: Path, people: int = 40, weeks: int = 30) -> Interactions:
    """Milk is bought every week, soap every fifth, by turns; a sofa once in the first order."""
    chance = np.random.default_rng(1)
    lines = ["order_id,user_id,item_id,timestamp,category"]
    for person in range(people):
        for week in range(weeks):
            things = ["milk"]
            things += ["soap"] if (week + person) % 5 == 0 else []
            things += ["sofa"] if week == 0 else []
            things += [f"other{chance.integers(60)}" for _ in range(2)]
            moment = 1_700_000_000 + week * 7 * DAY + int(chance.integers(DAY))
            for one in dict.fromkeys(things):
                lines.append(f"{person}-{week},u{person},{one},{moment},Home/{one.rstrip('0123456789')}")
    file = folder / "orders.csv"
    file.write_text("\n".join(lines))
    return from_orders(file)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Repurchase, Interactions]:
    data = market(tmp_path_factory.mktemp("market"))
    return Repurchase.fit(data, SMALL, Fitting(threads=1)), data


def query(data: Interactions, orders: int = 30, n: int = 20, **bought: tuple[int, float]) -> Query:
    """Items with (count, days since)."""
    return Query(
        bought=np.array([data.vocabulary.index(one) for one in bought], dtype=np.int32),
        bought_counts=np.array([count for count, _ in bought.values()], dtype=np.float32),
        bought_ages=np.array([days * DAY_MS for _, days in bought.values()], dtype=np.float32),
        orders=orders,
        first_order_age=orders * 7.0 * DAY_MS,
        n=n,
    )


def names(data: Interactions, items: np.ndarray) -> list[str]:
    return [data.vocabulary.item_id(one) for one in items.tolist()]


def test_trees_that_learnt_beat_the_decayed_count(shop) -> None:
    model, _ = shop
    assert model.figures["ndcg@20"] >= model.figures["ndcg@20 of the decayed count"] > 0.3
    assert len(model.tree_starts) > 1


def test_soap_is_due_after_five_weeks_and_not_after_one(shop) -> None:
    model, data = shop
    assert "soap" in names(data, model.score(query(data, soap=(6, 35), sofa=(1, 200))).items)
    assert "soap" not in names(data, model.score(query(data, soap=(6, 7), sofa=(1, 200))).items)


def test_what_nobody_buys_twice_is_never_due(shop) -> None:
    model, data = shop
    assert names(data, model.score(query(data, sofa=(1, 200), milk=(29, 7))).items) == ["milk"]


def test_the_next_order_begins_with_what_is_always_in_it_and_holds_what_sells(shop) -> None:
    model, data = shop
    found = names(data, model.next_basket(query(data, milk=(29, 7), soap=(6, 7), sofa=(1, 200))).items)
    assert found[0] == "milk"
    assert "soap" not in found[:3]  # it is not due
    assert any(one.startswith("other") for one in found)
    assert names(data, model.next_basket(Query(n=3)).items)  # of whom nothing is known


def test_the_chance_of_an_item_is_between_none_and_all(shop) -> None:
    model, data = shop
    scores = model.next_basket(query(data, milk=(29, 7), soap=(6, 35))).scores
    assert ((scores > 0) & (scores < 1)).all()


def test_equal_training_makes_equal_trees_and_they_are_kept_on_disk(shop, tmp_path: Path) -> None:
    model, data = shop
    again = Repurchase.fit(data, SMALL, Fitting(threads=1))
    assert again.leaves.tolist() == model.leaves.tolist()
    model.save(tmp_path / "m")
    asked = query(data, milk=(29, 7), soap=(6, 35))
    assert Repurchase.load(tmp_path / "m").score(asked).scores.tolist() == model.score(asked).scores.tolist()


def test_a_shop_too_small_to_learn_from_counts(tmp_path: Path) -> None:
    data = market(tmp_path, people=2, weeks=6)
    model = Repurchase.fit(data, RepurchaseSettings(), Fitting(threads=1))
    assert len(model.tree_starts) == 1
    assert names(data, model.next_basket(query(data, milk=(5, 7), soap=(1, 7))).items)[0] == "milk"
    model.save(tmp_path / "m")
    assert len(Repurchase.load(tmp_path / "m").score(query(data, milk=(5, 7))).items) == 1


def test_what_the_model_does_not_know_is_passed_over(shop) -> None:
    model, _ = shop
    odd = Query(bought=np.array([-1, 10_000], dtype=np.int32))
    assert len(model.score(odd).items) == 0
    assert len(model.score(Query(n=0)).items) == 0
