"""What every model owes to whoever asks it, tested once for all of them."""

import sys

import numpy as np
import pytest
from support.shoppers import checkerboard, sessions

from habitue_recommender.models import MODELS, Fitting, Model, Query
from habitue_recommender.models.base import CorruptModel

ALL = sorted(MODELS)
IN_SESSION = [name for name in ALL if name != "popular"]


def fitted(name: str, data) -> Model:
    return MODELS[name].fit(data, MODELS[name].settings_type()(), Fitting())


@pytest.fixture(params=ALL)
def model(request, tmp_path) -> Model:
    # Bought, so that there are baskets too: every model has something to learn from.
    walks = ["abc", "abd", "abe", "bcd", "cde", "abcde", "ace", "bda"]
    return fitted(request.param, sessions(tmp_path, *walks, event="purchase"))


def ints(*indices: int) -> np.ndarray:
    return np.array(indices, dtype=np.int32)


QUERIES = {
    "session": Query(session=ints(0, 1)),
    "repeats": Query(session=ints(1, 1, 0, 1), session_kinds=np.array([0, 2, 0, 3], dtype=np.uint8)),
    "history": Query(
        history=ints(0, 2), history_counts=np.float32([3, 1]), history_ages=np.float32([0, 9e9])
    ),
    "product page": Query(session=ints(2), anchor=1),
    "cart": Query(basket=ints(0, 1)),
    "category page": Query(category="Shoes/Trail"),
    "everything": Query(session=ints(0), history=ints(1), basket=ints(2), anchor=3, category="Shoes"),
    "unknown items": Query(
        session=ints(-1, 0, 99, -1), history=ints(-1, 77), basket=ints(-1, 55), anchor=1_000
    ),
}


@pytest.mark.parametrize("kind", QUERIES)
def test_a_list_is_sorted_has_no_item_twice_and_knows_only_known_items(model, kind) -> None:
    items, scores = model.score(QUERIES[kind])
    assert (items.dtype, scores.dtype, len(items)) == (np.int32, np.float32, len(scores))
    assert scores.tolist() == sorted(scores.tolist(), reverse=True)
    assert len(set(items.tolist())) == len(items)
    assert all(0 <= item < model.items for item in items.tolist())
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("n", [0, 1, 3, 1_000])
def test_a_list_is_never_longer_than_asked_for_and_a_short_one_is_the_head_of_a_long_one(model, n) -> None:
    query = Query(session=ints(0, 1), basket=ints(0), n=n)
    short = model.score(query).items.tolist()
    query.n = 1_000
    assert short == model.score(query).items.tolist()[:n]


def test_the_same_question_twice_gets_the_same_answer(model) -> None:
    for query in QUERIES.values():
        one, two = model.score(query), model.score(query)
        assert one.items.tolist() == two.items.tolist()
        assert one.scores.tolist() == two.scores.tolist()


@pytest.mark.parametrize("name", IN_SESSION)
def test_who_did_nothing_gets_nothing(name, tmp_path) -> None:
    assert len(fitted(name, sessions(tmp_path, "abc", "abd", event="purchase")).score(Query()).items) == 0


@pytest.mark.parametrize("name", IN_SESSION)
def test_a_visitor_of_unknown_items_only_gets_nothing(name, tmp_path) -> None:
    model = fitted(name, sessions(tmp_path, "abc", "abd", event="purchase"))
    query = Query(session=ints(-1, 50), history=ints(-1), basket=ints(-1), anchor=50)
    assert len(model.score(query).items) == 0
    assert model.because(query, 0) is None


def test_what_is_saved_answers_as_before(model, tmp_path) -> None:
    model.save(tmp_path / "model")
    loaded = type(model).load(tmp_path / "model")
    assert loaded.settings == model.settings
    for query in QUERIES.values():
        assert loaded.score(query).items.tolist() == model.score(query).items.tolist()
        assert loaded.score(query).scores.tolist() == model.score(query).scores.tolist()
        for item in range(model.items):
            assert loaded.because(query, item) == model.because(query, item)


def test_the_reason_is_an_item_of_the_visitor_and_another_one_than_the_offer(model) -> None:
    for query in QUERIES.values():
        own = {*query.session.tolist(), *query.history.tolist(), *query.basket.tolist(), query.anchor}
        for item in model.score(query).items.tolist():
            reason = model.because(query, item)
            assert reason is None or (reason in own and reason != item)


@pytest.mark.parametrize("item", [-1, 5, 2**31 - 1])
def test_there_is_no_reason_for_an_item_that_does_not_exist(model, item) -> None:
    assert model.because(Query(session=ints(0, 1), basket=ints(0)), item) is None


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("walks", [(), ("a",), ("ab",), ("a", "b"), ("aaaa",), ("ab", "ab", "ab")])
def test_a_shop_of_a_few_events_can_be_learnt_from(name, walks, tmp_path) -> None:
    model = fitted(name, sessions(tmp_path, *walks, event="purchase"))
    model.warm()
    model.save(tmp_path / "model")
    loaded = type(model).load(tmp_path / "model")
    for query in QUERIES.values():
        assert loaded.score(query).items.tolist() == model.score(query).items.tolist()


@pytest.mark.parametrize("name", ALL)
def test_the_same_data_make_the_same_model(name, tmp_path) -> None:
    one, two = (fitted(name, checkerboard(tmp_path)) for _ in range(2))
    for array, again in zip(one._arrays().values(), two._arrays().values(), strict=True):
        assert array.tolist() == again.tolist()


def test_a_model_with_a_file_missing_cut_short_or_pickled_is_refused(model, tmp_path) -> None:
    model.save(tmp_path)
    name = next(iter(model._arrays()))
    whole = (tmp_path / f"{name}.npy").read_bytes()
    for damaged in (None, b"", whole[:20], whole[:-1] if model._arrays()[name].nbytes else b"x"):
        (tmp_path / f"{name}.npy").unlink(missing_ok=True)
        if damaged is not None:
            (tmp_path / f"{name}.npy").write_bytes(damaged)
        with pytest.raises(CorruptModel):
            type(model).load(tmp_path)
    np.save(tmp_path / f"{name}.npy", np.array([{"code": sys.exit}]), allow_pickle=True)
    with pytest.raises(CorruptModel):
        type(model).load(tmp_path)


@pytest.mark.parametrize("name", ["neighbours", "item_item", "factors"])
def test_on_a_checkerboard_everybody_is_offered_their_own_colour(name, tmp_path) -> None:
    data = checkerboard(tmp_path)
    model = fitted(name, data)
    for colour in (0, 1):
        own = data.vocabulary.indices("abcdefghijklmnopqrst"[colour::2])
        seen, hidden = own[:-1], own[-1]
        ranked = model.score(Query(session=seen, n=len(own))).items.tolist()
        assert hidden in ranked
        assert set(ranked) <= set(own.tolist())
        assert model.because(Query(session=seen), int(hidden)) in seen


def test_threads_have_scratch_arrays_of_their_own(model) -> None:
    from concurrent.futures import ThreadPoolExecutor

    query = QUERIES["everything"]
    expected = model.score(query).scores.tolist()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: model.score(query).scores.tolist(), range(200)))
    assert all(answer == expected for answer in answers)
