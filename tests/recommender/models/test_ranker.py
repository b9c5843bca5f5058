from dataclasses import replace

import numpy as np
import pytest
from support.shop_floor import shop_floor

from habitue_recommender import artifact
from habitue_recommender.models import Fitting, Query, Ranker, embeddings, ranker_training
from habitue_recommender.models import facts as facts_module
from habitue_recommender.models.base import CorruptModel, Workspace
from habitue_recommender.models.ranker import SOURCES, Asker, RankerSettings, blended, feature_names
from habitue_recommender.models.ranker_training import Lessons, after, before, first_of_newest
from habitue_recommender.models.sequences import Sequences, SequencesSettings
from habitue_recommender.training.questions import questions
from habitue_recommender.training.train import TrainingConfig, train_on

SMALL = RankerSettings(trees=20, leaves=7, rows_per_leaf=50, least_questions=200, candidates=30)


def ints(*indices: int) -> np.ndarray:
    return np.array(indices, dtype=np.int32)


@pytest.fixture(scope="module")
def data():
    return shop_floor()


@pytest.fixture(scope="module")
def model(data) -> Ranker:
    return Ranker.fit(data, SMALL, Fitting())


def judged(model, known, asked) -> tuple[float, float]:
    ranks = []
    for question in questions(known, asked, 20):
        place = np.flatnonzero(model.score(question.query).items == question.next_item)
        ranks.append(1.0 / (1 + place[0]) if len(place) else 0.0)
    return float(np.count_nonzero(ranks) / len(ranks)), float(np.mean(ranks))


def test_trees_that_learnt_stand_above_the_blend_on_sessions_nobody_has_seen(model) -> None:
    tomorrow = shop_floor(sessions=300, seed=1)
    blend = replace(model, trees=None)
    hits, rank = judged(model, tomorrow, tomorrow)
    blend_hits, blend_rank = judged(blend, tomorrow, tomorrow)
    assert model.trees is not None
    assert rank > blend_rank * 1.05
    assert hits >= blend_hits * 0.98


def test_the_gate_s_figures_are_kept(model) -> None:
    figures = model.figures
    assert figures["trees_mrr"] > figures["blend_mrr"] > 0
    assert figures["judged"] > 100


def test_a_small_shop_s_trees_are_judged_by_a_larger_part() -> None:
    assert [ranker_training.judges(many) for many in (30_000, 29_988, 4_000, 2_000, 1_000)] == [
        *(6_000, 5_998, 1_000, 800, 400)
    ]


def test_so_much_of_the_blend_goes_with_the_trees_as_helps_on_questions_they_did_not_see() -> None:
    features = np.zeros((4, len(feature_names())), dtype=np.float32)
    features[:, feature_names().index("blend")] = [0.1, 0.4, 0.3, 0.2]
    lessons = Lessons(features, ints(2, 2), ints(1, 0), 2)

    class Said:
        def __init__(self, *values: float) -> None:
            self.values = values

        def score(self, _: np.ndarray) -> np.ndarray:
            return np.array(self.values)

    know_nothing, know_better = Said(0.5, 0.4, 0.0, 0.1), Said(0.0, 9.0, 9.0, 0.0)
    weight, quality = ranker_training._weighed(know_nothing, lessons)
    assert weight > 0
    assert quality == (1.0, 1.0)
    assert ranker_training._weighed(know_better, lessons)[1] == (1.0, 1.0)
    features[:, feature_names().index("blend")] = [0.9, 0.1, 0.1, 0.9]
    assert ranker_training._weighed(Said(0.0, 0.6, 0.6, 0.0), lessons) == (0.0, (1.0, 1.0))
    features[:, feature_names().index("blend")] = [0.1, 0.9, 0.1, 0.9]
    once = Said(0.1, 0.0, 0.1, 0.0)
    assert ranker_training._weighed(once, lessons)[0] == 0.0, "right in one of two, as the trees are: chance"
    assert blended(np.zeros(2), np.array([0.0, 0.2], dtype=np.float32), 1.0).argmax() == 1, (
        "nothing is no error"
    )


def test_one_source_leads_where_it_is_surely_better_than_the_blend(model) -> None:
    features = np.zeros((300, len(feature_names())), dtype=np.float32)
    features[:, feature_names().index("blend")] = [0.9, 0.1] * 150
    features[:, feature_names().index("repeats score")] = [0.0, 1.0] * 150
    lessons = Lessons(features, np.full(150, 2, dtype=np.int32), np.ones(150, dtype=np.int32), 150)
    assert ranker_training._led(lessons) == {"lead": SOURCES.index("repeats")}
    by_chance = replace(lessons, right=np.tile(ints(0, 1), 75))
    assert ranker_training._led(by_chance) == {}
    assert ranker_training._led(lessons.part(0, 50)) == {}, "too few to say"
    popular = replace(model, trees=None, learnt={"lead": float(len(SOURCES))}).score(
        Query(session=ints(1, 2))
    )
    assert (np.diff(model.parts.facts[popular.items, 0]) <= 0).all(), "what many want first"
    led = replace(model, trees=None, learnt={"lead": float(SOURCES.index("repeats"))})
    plain = replace(model, trees=None, learnt={})
    query = Query(session=ints(1, 2, 3), n=10)
    assert led.score(query).items[:3].tolist() == [3, 2, 1]
    assert set(led.score(Query(session=ints(1, 2, 3), n=30)).items) == set(
        plain.score(replace(query, n=30)).items
    )
    assert (np.diff(led.score(query).scores) < 0).all()


def test_the_same_data_make_the_same_trees(data, model) -> None:
    again = Ranker.fit(data, SMALL, Fitting())
    for name, array in model._arrays().items():
        assert again._arrays()[name].tolist() == array.tolist()


def test_trees_that_are_worse_than_the_blend_are_thrown_away(data, monkeypatch) -> None:
    honest = ranker_training.boost

    def upside_down(*arguments):
        trees = honest(*arguments)
        return replace(trees, leaves=-trees.leaves)

    monkeypatch.setattr(ranker_training, "boost", upside_down)
    fooled = Ranker.fit(data, SMALL, Fitting())
    assert fooled.trees is None
    assert fooled.figures["trees_mrr"] < fooled.figures["blend_mrr"]
    assert len(fooled.score(Query(session=ints(1, 2))).items) > 0


@pytest.mark.parametrize("settings", [replace(SMALL, least_questions=10**6), replace(SMALL, trees=0)])
def test_a_shop_with_too_few_sessions_is_answered_by_the_blend(data, settings) -> None:
    small = Ranker.fit(data, settings, Fitting())
    assert small.trees is None
    assert small.parts.embeddings is None  # which only trees look at
    assert len(small.score(Query(session=ints(1, 2))).items) > 0


def test_without_lightgbm_the_blend_answers(data, monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "lightgbm", None)
    assert Ranker.fit(data, SMALL, Fitting()).trees is None


def test_compiled_trees_add_up_to_what_lightgbm_says(data) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    chance = np.random.default_rng(3)
    table = chance.standard_normal((4_000, 12)).astype(np.float32)
    table[chance.random(table.shape) < 0.3] = 0.0
    wanted = table[:, 0] * table[:, 3] + np.abs(table[:, 5]) + chance.standard_normal(4_000)
    options = {"num_leaves": 31, "verbose": -1, "num_threads": 1, "use_missing": False}
    booster = lightgbm.train(options, lightgbm.Dataset(table, wanted), 30)
    trees = ranker_training.Trees.parse(booster.model_to_string())
    assert trees.score(table).tolist() == booster.predict(table, raw_score=True).tolist()


def test_trees_of_one_leaf_are_trees_too() -> None:
    lightgbm = pytest.importorskip("lightgbm")
    table = np.ones((50, 2), dtype=np.float32)
    options = {"verbose": -1, "num_threads": 1}
    booster = lightgbm.train(options, lightgbm.Dataset(table, np.full(50, 3.0)), 2)
    trees = ranker_training.Trees.parse(booster.model_to_string())
    assert trees.score(table).tolist() == booster.predict(table, raw_score=True).tolist()


def test_every_column_has_a_name_and_every_name_a_column(model) -> None:
    asker = Asker(model.parts, SMALL)
    query = Query(session=ints(3, 4, 3, 5), history=ints(7), n=20)
    items, blend, scores, found = asker.candidates(query, 30)
    columns = asker.features(query, items, blend, scores, found, asker.table(len(items)))
    assert columns == len(feature_names()) == len(set(feature_names()))


def test_what_the_features_say_of_a_session_is_so(model) -> None:
    asker = Asker(model.parts, SMALL)
    query = Query(session=ints(3, 4, 3), session_ages=np.float32([9_000, 5_000, 0]), n=20)
    items, blend, scores, found = asker.candidates(query, 30)
    table = asker.table(len(items))
    asker.features(query, items, blend, scores, found, table)
    named = dict(zip(feature_names(), table.T, strict=True))
    three, four = items.tolist().index(3), items.tolist().index(4)
    assert (named["times here"][three], named["times here"][four]) == (2, 1)
    assert (named["is last"][three], named["is last"][four]) == (1, 0)
    assert named["latest here"][four] == 0.5
    assert named["age here"][four] == pytest.approx(np.log1p(5.0))
    assert named["direction of last"][three] == pytest.approx(1.0, abs=1e-3)
    assert named["after last"].argmax() == four  # along the shelf


def test_sessions_looked_for_once_weigh_as_if_looked_for_one_by_one(model) -> None:
    asker, space = Asker(model.parts, SMALL), Workspace(model.items)
    for question in list(questions(shop_floor(200, seed=5), shop_floor(200, seed=5), 20))[::7]:
        items, _, scores, _ = asker.candidates(question.query, 10_000)
        for column, (_, source) in enumerate(asker.sources):
            count = source.scatter(question.query, space)
            alone = {int(item): float(space.scores[item]) for item in space.touched[:count]}
            space.scores[:] = 0.0
            together = {int(i): float(v) for i, v in zip(items, scores[:, column], strict=True) if v > 0}
            assert together == pytest.approx(alone, rel=1e-6)


def test_a_reason_names_an_item_of_the_visitor_that_its_strongest_source_saw(model) -> None:
    query = Query(session=ints(31, 32, 33), n=20)
    offered = [item for item in model.score(query).items.tolist() if item not in (31, 32, 33)]
    assert offered
    for item in offered[:5]:
        reason = model.because(query, item)
        assert reason in (31, 32, 33)
        sources = dict(Asker(model.parts, SMALL).sources)
        assert any(source.because(query, item) == reason for source in sources.values())


def test_history_alone_brings_candidates_and_a_reason(model) -> None:
    query = Query(history=ints(41), history_counts=np.float32([2]), history_ages=np.float32([1e6]), n=10)
    offered = model.score(query).items.tolist()
    assert offered
    assert {model.because(query, item) for item in offered if item != 41} <= {41, None}


def test_more_than_the_trees_order_is_filled_from_the_blend(model) -> None:
    long = model.score(Query(session=ints(3, 50, 90), n=100))
    assert len(long.items) > SMALL.candidates
    assert long.scores.tolist() == sorted(long.scores.tolist(), reverse=True)
    assert (long.scores >= 0).all()


def test_what_trees_learn_from_comes_after_everything_that_their_sources_know(data) -> None:
    cut = first_of_newest(data, 0.2, 10**6)
    earlier, later = before(data, cut), after(data, cut)
    assert len(earlier.sessions) + len(later.sessions) == len(data.sessions)
    assert earlier.sessions.ends.max() <= later.sessions.ends.min()
    fewer = first_of_newest(data, 0.2, 100)
    assert cut < fewer < len(data.sessions)
    assert np.minimum(data.sessions.lengths[fewer:] - 1, 50).sum() <= 100


def test_what_the_sources_know_is_older_than_a_lesson_by_one_window_at_most() -> None:
    assert ranker_training.windows(600, 1_000, 0.1) == [(600, 700), (700, 800), (800, 900), (900, 1_000)]
    assert ranker_training.windows(970, 1_000, 0.1) == [(970, 1_000)]
    assert ranker_training.windows(750, 1_000, 0.1) == [(750, 833), (833, 916), (916, 1_000)]
    assert ranker_training.windows(2, 3, 0.1) == [(2, 3)]


def test_lessons_of_several_windows_are_those_of_each_one_after_the_other() -> None:
    table = np.arange(5 * len(feature_names()), dtype=np.float32).reshape(5, -1)
    lessons = Lessons(table, ints(2, 1, 2), ints(1, -1, 0), 3)
    joined = ranker_training._joined([lessons.part(0, 2), lessons.part(2, 3)])
    assert joined.features.tolist() == table.tolist()
    assert (joined.sizes.tolist(), joined.right.tolist(), joined.asked) == ([2, 1, 2], [1, -1, 0], 3)


def test_in_an_artifact_the_ranker_reads_the_arrays_that_stand_beside_it(data, tmp_path) -> None:
    names = ("neighbours", "item_item", "sequences", "ranker")
    settings = {"ranker": {"trees": 5, "rows_per_leaf": 50, "least_questions": 200, "candidates": 30}}
    digest = train_on(data, tmp_path, TrainingConfig(names, settings, threads=1))
    loaded = artifact.load(tmp_path / digest)
    assert sorted(path.name for path in (tmp_path / digest / "ranker").iterdir() if path.is_dir()) == [
        "embeddings"
    ]
    query = Query(session=ints(3, 4), n=20)
    ranker = loaded.models["ranker"]
    alone = Ranker.fit(data, RankerSettings(**settings["ranker"]), Fitting())
    assert ranker.score(query).items.tolist() == alone.score(query).items.tolist()
    assert ranker.score(query).scores.tolist() == alone.score(query).scores.tolist()
    assert loaded.manifest["figures"]["ranker"]["trees_mrr"] > 0


def test_trees_that_look_at_other_features_are_refused(model, tmp_path) -> None:
    model.save(tmp_path)
    told = (tmp_path / "model.json").read_text()
    (tmp_path / "model.json").write_text(told.replace("blend place", "horoscope"))
    with pytest.raises(CorruptModel, match="other features"):
        Ranker.load(tmp_path)


def test_a_saved_ranker_answers_as_before(model, tmp_path) -> None:
    model.save(tmp_path)
    loaded = Ranker.load(tmp_path)
    for query in (Query(session=ints(3, 4)), Query(session=ints(9), history=ints(55)), Query(anchor=8)):
        assert loaded.score(query).items.tolist() == model.score(query).items.tolist()
        assert loaded.score(query).scores.tolist() == model.score(query).scores.tolist()


def test_sources_are_named_in_the_order_of_their_columns(model) -> None:
    names = [name for name, _ in Asker(model.parts, SMALL).sources]
    assert [*names, "history"] == list(SOURCES)


def test_a_huge_shop_is_read_in_pieces_and_the_facts_are_the_same(data, monkeypatch) -> None:
    whole = facts_module.facts(data)
    monkeypatch.setattr(facts_module, "_AT_ONCE", 100)
    assert np.abs(facts_module.facts(data) - whole).max() < 1e-5


def test_of_too_many_pairs_each_item_keeps_its_strongest(data, monkeypatch) -> None:
    known = Sequences.fit(data, SequencesSettings(), Fitting())
    monkeypatch.setattr(embeddings, "_ROWS", 7)
    every = embeddings._strongest(known, 3)
    assert len(every[0]) == len(known.others), "few enough: all of them"
    monkeypatch.setattr(embeddings, "_MOST_PAIRS", 1)
    values, others, starts = embeddings._strongest(known, 3)
    strength = known.forward + known.backward
    assert len(starts) == known.items + 1
    assert starts[-1] == len(values) == len(others) > 0
    for item in range(known.items):
        row = slice(known.starts[item], known.starts[item + 1])
        best = np.sort(np.argsort(-strength[row], kind="stable")[:3])
        assert others[starts[item] : starts[item + 1]].tolist() == known.others[row][best].tolist()
