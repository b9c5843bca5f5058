import math
from pathlib import Path

import pytest
from support.shoppers import sessions_file

from habitue_recommender.models import MODELS
from habitue_recommender.training.evaluate import InvalidEvaluation, evaluate
from habitue_recommender.training.interactions import InvalidData
from habitue_recommender.training.train import InvalidTraining

DATA = Path(__file__).parents[4] / "shared" / "data" / "sessions"


@pytest.fixture
def judge(tmp_path):
    """`judge(train, test)`: walks as texts, an item per letter."""

    def run(train: tuple[str, ...], test: tuple[str, ...], **options):
        return evaluate(
            sessions_file(tmp_path, *train, name="train.csv"),
            sessions_file(tmp_path, *test, name="test.csv"),
            **options,
        )

    return run


def test_every_prefix_is_a_query(judge) -> None:
    assert judge(("abcd",), ("abcd", "ab", "a"))["queries"] == 4


def test_the_right_item_in_second_place_is_a_hit_of_half_a_rank(judge) -> None:
    # After a: everybody went to b, so b stands above c. In `new`, a itself is not in the list.
    figures = judge(("ab", "ab", "ac"), ("ac",), protocol="new")
    assert figures["hit_rate@20"] == 1.0
    assert figures["mrr@20"] == 0.5
    assert figures["ndcg@20"] == pytest.approx(1 / math.log2(3))


def test_past_place_k_it_is_no_hit(judge) -> None:
    figures = judge(("ab", "ab", "ac"), ("ac",), protocol="new", k=1)
    assert (figures["hit_rate@1"], figures["mrr@1"]) == (0.0, 0.0)


def test_new_asks_only_for_steps_to_another_item(judge) -> None:
    assert judge(("ab",), ("aab",), protocol="new")["queries"] == 1
    assert judge(("ab",), ("aab",), protocol="all")["queries"] == 2
    assert judge(("ab",), ("zzzb",), protocol="new")["queries"] == 1  # z is in no training session


def test_an_unknown_item_is_skipped_in_the_prefix_and_missed_as_the_next_one(judge) -> None:
    figures = judge(("ab", "ab"), ("azb",), protocol="new")
    assert figures["queries"] == 2
    assert figures["hit_rate@20"] == 0.5


def test_min_prefix_skips_the_first_steps(judge) -> None:
    assert judge(("abc",), ("abc",), min_prefix=2)["queries"] == 1


def test_coverage_is_the_share_of_items_that_were_in_any_list(judge) -> None:
    assert judge(("ab", "cd"), ("ab",), protocol="new", model="ranker")["coverage@20"] == 0.25


@pytest.mark.parametrize("model", [*MODELS, "default"])
def test_every_model_can_be_judged_and_names_all_figures(judge, model) -> None:
    figures = judge(("abc", "abd", "bcd"), ("abd",), model=model)
    assert list(figures) == [
        *("hit_rate@20", "mrr@20", "ndcg@20", "coverage@20", "queries", "fit_seconds"),
        *("p50_ms", "p90_ms", "p99_ms", "index_mb", "peak_mb"),
    ]
    assert all(math.isfinite(value) and value >= 0 for value in figures.values())


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("train", [(), ("a",), ("ab",)])
@pytest.mark.parametrize("test", [(), ("a",), ("ab", "xyz")])
def test_files_of_no_or_three_rows_have_figures_too(judge, model, train, test) -> None:
    assert judge(train, test, model=model)["queries"] == sum(len(walk) - 1 for walk in test)


def test_a_session_of_ten_thousand_events_is_read_to_its_end(judge) -> None:
    assert judge(("abc",), ("abc" * 3_000,), model="item_item")["queries"] == 8_999


def test_what_a_visitor_did_before_is_asked_too(tmp_path) -> None:
    # Nothing leads from q to x but anna's own past with a.
    train = sessions_file(tmp_path, "ax", "ax", "a", visitors="mna", name="train.csv")
    known = evaluate(train, sessions_file(tmp_path, "qx", visitors="a"), model="item_item")
    stranger = evaluate(train, sessions_file(tmp_path, "qx", visitors="z"), model="item_item")
    assert (known["hit_rate@20"], stranger["hit_rate@20"]) == (1.0, 0.0)


def test_what_makes_no_sense_is_a_sentence(judge, tmp_path) -> None:
    with pytest.raises(InvalidEvaluation, match="protocol is all or new"):
        judge(("ab",), ("ab",), protocol="some")
    with pytest.raises(InvalidEvaluation, match="begin at 1"):
        judge(("ab",), ("ab",), k=0)
    with pytest.raises(InvalidTraining, match="no model 'oracle'"):
        judge(("ab",), ("ab",), model="oracle")
    with pytest.raises(InvalidData, match="no such file"):
        evaluate(tmp_path / "nowhere.csv", tmp_path / "nowhere.csv")


def read(name: str, **options):
    folder = DATA / name
    if not folder.is_dir():
        pytest.skip(f"the sessions to measure against are not here: {folder}")
    return evaluate(folder / "train.parquet", folder / "test.parquet", **options)


def test_on_a_real_webshop_neighbours_reach_what_was_published() -> None:
    figures = read("serenade", protocol="new", model="neighbours")
    assert figures["hit_rate@20"] >= 0.66  # VMIS-kNN
    assert figures["mrr@20"] >= 0.343
    assert figures["p50_ms"] <= 0.6


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "model", "hit_rate", "mrr"),
    [
        ("diginetica", "neighbours", 0.518, 0.183),
        ("diginetica", "item_item", 0.505, 0.182),
        ("rsc15", "neighbours", 0.681, 0.356),
    ],
)
def test_on_the_large_files_too(name, model, hit_rate, mrr) -> None:
    figures = read(name, model=model)
    assert figures["hit_rate@20"] >= hit_rate
    assert figures["mrr@20"] >= mrr
    assert figures["p50_ms"] <= 0.6
    assert figures["p99_ms"] <= 2.5


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "protocol", "hit_rate", "mrr"),
    [
        ("diginetica", "all", 0.555, 0.205),
        ("rsc15", "all", 0.71, 0.39),
        ("serenade", "new", 0.71, 0.39),
    ],
)
def test_the_default_stands_well_above_every_single_model(name, protocol, hit_rate, mrr) -> None:
    figures = read(name, protocol=protocol)
    assert figures["hit_rate@20"] >= hit_rate
    assert figures["mrr@20"] >= mrr
    assert figures["p50_ms"] <= 1.5
    assert figures["p99_ms"] <= 5
    assert figures["fit_seconds"] <= 180
    assert figures["peak_mb"] <= 4_000


def test_the_default_reads_a_real_webshop_as_its_candidates_do() -> None:
    figures = read("serenade", protocol="new", model="blend")
    assert figures["hit_rate@20"] >= 0.699  # the experiment's blend
    assert figures["p50_ms"] <= 1.5
