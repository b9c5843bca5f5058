import numpy as np
import pytest
from support.shoppers import sessions

from habitue_recommender.models import Fitting, ItemItem, Query
from habitue_recommender.models.item_item import ItemItemSettings


def similar(data, item: str, **settings) -> str:
    model = ItemItem.fit(data, ItemItemSettings(**settings), Fitting())
    ranked = model.score(Query(session=data.vocabulary.indices(item)))
    return "".join(data.vocabulary.item_id(index) for index in ranked.items).replace(item, "")


@pytest.mark.parametrize("weighting", ["tfidf", "bm25"])
def test_items_of_the_same_sessions_are_similar(tmp_path, weighting) -> None:
    assert similar(sessions(tmp_path, "ab", "ab", "ac", "cd", "cd"), "a", weighting=weighting) == "bc"


def test_a_session_of_many_items_says_less_about_each(tmp_path) -> None:
    assert similar(sessions(tmp_path, "ab", "acdefghij"), "a")[0] == "b"


def test_only_the_most_similar_are_kept(tmp_path) -> None:
    data = sessions(tmp_path, "ab", "ab", "ac", "ad")
    assert len(ItemItem.fit(data, ItemItemSettings(keep=2), Fitting()).similar) <= 2 * data.item_count


def test_a_history_counts_where_the_session_is_silent_and_less_where_it_speaks(tmp_path) -> None:
    data = sessions(tmp_path, "ax", "by")
    model = ItemItem.fit(data, ItemItemSettings(), Fitting())
    a, b, x, y = (int(item) for item in data.vocabulary.indices("abxy"))
    past = Query(history=np.array([a], dtype=np.int32))
    assert x in model.score(past).items
    assert model.because(past, x) == a
    both = Query(session=np.array([b], dtype=np.int32), history=np.array([a], dtype=np.int32))
    ranked = model.score(both).items.tolist()
    assert ranked.index(y) < ranked.index(x)
