import numpy as np
from support.shoppers import checkerboard

from habitue_recommender.models import Factors, Fitting, Query, kernels
from habitue_recommender.models.factors import FactorsSettings


def test_people_stand_in_the_matrix_when_there_are_enough_of_them(tmp_path) -> None:
    data = checkerboard(tmp_path, visitors=True)
    many = Factors.fit(data, FactorsSettings(enough_people=10), Fitting())
    few = Factors.fit(data, FactorsSettings(enough_people=1_000), Fitting())
    assert (many.alpha, few.alpha) == (FactorsSettings().alpha, FactorsSettings().session_alpha)


def test_a_history_finds_the_taste_as_a_session_does(tmp_path) -> None:
    data = checkerboard(tmp_path, visitors=True)
    model = Factors.fit(data, FactorsSettings(enough_people=10, factors=8), Fitting())
    even = data.vocabulary.indices("acegikmoqs")
    ranked = model.score(Query(history=even[:5], history_counts=np.ones(5, np.float32), n=10)).items
    assert set(ranked.tolist()) <= set(even.tolist())


def test_only_the_most_popular_items_are_reached(tmp_path) -> None:
    data = checkerboard(tmp_path)
    model = Factors.fit(data, FactorsSettings(reach=4), Fitting())
    assert len(model.score(Query(session=np.array([0], dtype=np.int32), n=20)).items) <= 4


def test_the_solver_agrees_with_the_library() -> None:
    random = np.random.default_rng(1)
    rows = random.standard_normal((7, 5), dtype=np.float32)
    gram = (np.eye(5) + rows.T @ rows).astype(np.float32)
    confidences = random.random(7, dtype=np.float32)
    right = random.standard_normal(5)
    found = kernels.solved(gram, rows, confidences, right)
    assert np.allclose(
        found, np.linalg.solve(gram + rows.T @ (rows * confidences[:, None]), right), rtol=1e-4
    )
