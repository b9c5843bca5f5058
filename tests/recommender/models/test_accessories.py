"""What follows what was bought."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from habitue_recommender.models import Accessories, Fitting, Query
from habitue_recommender.models.accessories import AccessoriesSettings
from habitue_recommender.training.interactions import Interactions, from_orders

DAY = 86_400
DAY_MS = DAY * 1000


def orders(folder: Path, *people: str) -> Interactions:
    """`"p cl"`: one person, an order of p, five days later one of c and l."""
    lines = ["order_id,user_id,item_id,timestamp,category"]
    for who, words in enumerate(people):
        for nth, word in enumerate(words.split()):
            lines += [
                f"{who}-{nth},u{who},{item},{1_700_000_000 + nth * 5 * DAY},Shop/{item}" for item in word
            ]
    file = folder / "orders.csv"
    file.write_text("\n".join(lines))
    return from_orders(file)


@pytest.fixture
def shop(tmp_path: Path) -> tuple[Accessories, Interactions]:
    """Everybody who buys a phone (p) buys a case (c) after it; x and y are bought by anybody, any time."""
    data = orders(tmp_path, *["p c x", "p c y", "x p c", "p yc", "y p c"], *["x y", "y x", "x", "y"] * 4)
    return Accessories.fit(data, AccessoriesSettings(least=0.0), Fitting()), data


def asked(data: Interactions, **bought: float) -> Query:
    """Items with the days since they were bought."""
    return Query(
        bought=np.array([data.vocabulary.index(one) for one in bought], dtype=np.int32),
        bought_counts=np.ones(len(bought), dtype=np.float32),
        bought_ages=np.array([days * DAY_MS for days in bought.values()], dtype=np.float32),
    )


def listed(shop: tuple[Accessories, Interactions], **bought: float) -> list[str]:
    model, data = shop
    return [data.vocabulary.item_id(one) for one in model.score(asked(data, **bought)).items.tolist()]


def test_a_case_follows_a_phone_and_no_phone_follows_a_case(shop) -> None:
    assert listed(shop, p=10)[0] == "c"
    assert "p" not in listed(shop, c=10)
    model, data = shop
    assert model.because(asked(data, p=10), data.vocabulary.index("c")) == data.vocabulary.index("p")


def test_what_somebody_has_is_not_offered(shop) -> None:
    assert "c" not in listed(shop, p=10, c=3)


def test_what_was_bought_long_ago_calls_for_less(shop) -> None:
    model, data = shop
    new, old = (model.score(asked(data, p=days)).scores[0] for days in (5, 300))
    assert new > old > 0


def test_who_never_answers_is_told_less_than_who_always_does(tmp_path: Path) -> None:
    pairs = ["p c", "q d", "r e"]
    data = orders(tmp_path, *pairs * 6, *["x", "y"] * 20)
    model = Accessories.fit(data, AccessoriesSettings(least=0.0), Fitting())
    eager = model.score(asked(data, p=50, c=40, q=30, d=20, r=10)).scores[0]
    deaf = model.score(asked(data, p=50, q=30, r=10))
    of_r = deaf.scores[deaf.items.tolist().index(data.vocabulary.index("e"))]
    assert eager > of_r > 0


def test_nothing_follows_from_nothing(tmp_path: Path, shop) -> None:
    assert listed(shop) == []
    empty = Accessories.fit(orders(tmp_path, "a"), AccessoriesSettings(), Fitting())
    empty.save(tmp_path / "m")
    assert len(Accessories.load(tmp_path / "m").score(Query(bought=np.zeros(1, np.int32))).items) == 0
