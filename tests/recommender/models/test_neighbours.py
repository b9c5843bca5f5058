import numpy as np
from support.shoppers import sessions

from habitue_recommender.models import Fitting, Neighbours, Query
from habitue_recommender.models.neighbours import NeighboursSettings


def after(data, walk: str, n: int = 20, **settings) -> str:
    """What is offered to somebody who walked like this."""
    model = Neighbours.fit(data, NeighboursSettings(**settings), Fitting())
    ranked = model.score(Query(session=data.vocabulary.indices(walk), n=n)).items
    return "".join(
        data.vocabulary.item_id(item) for item in ranked if data.vocabulary.item_id(item) not in walk
    )


def test_the_session_that_shares_more_decides(tmp_path) -> None:
    assert after(sessions(tmp_path, "abx", "azy", "qqr"), "ab")[0] == "x"


def test_what_nobody_saw_with_it_is_not_offered(tmp_path) -> None:
    assert "r" not in after(sessions(tmp_path, "abx", "qr"), "ab")


def test_the_newest_item_counts_more_than_the_older_ones(tmp_path) -> None:
    data = sessions(tmp_path, "ax", "by")
    assert after(data, "ab") == "yx"
    assert after(data, "ba") == "xy"


def test_what_stood_nearer_to_the_shared_item_comes_first(tmp_path) -> None:
    assert after(sessions(tmp_path, "anmz"), "a") == "nmz"


def test_what_came_after_goes_before_what_came_earlier(tmp_path) -> None:
    assert after(sessions(tmp_path, "xay"), "a") == "yx"


def test_of_two_equal_sessions_the_younger_one_is_followed(tmp_path) -> None:
    assert after(sessions(tmp_path, "ax", "ay"), "a") == "yx"
    assert after(sessions(tmp_path, "ay", "ax"), "a") == "xy"


def test_only_the_most_recent_sessions_are_sampled(tmp_path) -> None:
    assert after(sessions(tmp_path, "ax", "ay", "az"), "a", sample=2) == "zy"


def test_only_the_nearest_of_the_sample_vote(tmp_path) -> None:
    data = sessions(tmp_path, "abx", "ay", "az")
    assert after(data, "ba", nearest=1) == "x"


def test_an_item_in_every_session_says_less_than_a_rare_one(tmp_path) -> None:
    data = sessions(tmp_path, "ax", "by", "aq", "ar", "as", "at", "au", "av")
    assert after(data, "ba", idf_power=0.0)[0] != "y"
    assert after(data, "ba", idf_power=1.0)[0] == "y"


def test_an_item_put_into_the_cart_says_more_than_a_view(tmp_path) -> None:
    data = sessions(tmp_path, "ax", "by")
    model = Neighbours.fit(data, NeighboursSettings(position_decay=10.0), Fitting())
    a, b, x, y = data.vocabulary.indices("abxy")
    session = np.array([a, b], dtype=np.int32)
    viewed = model.score(Query(session=session)).items.tolist()
    added = model.score(Query(session=session, session_kinds=np.array([2, 0], dtype=np.uint8))).items.tolist()
    assert viewed.index(y) < viewed.index(x)
    assert added.index(x) < added.index(y)


def test_the_reason_is_the_item_that_was_seen_with_it(tmp_path) -> None:
    data = sessions(tmp_path, "ax", "by", "ax")
    model = Neighbours.fit(data, NeighboursSettings(), Fitting())
    a, b, x, y = (int(item) for item in data.vocabulary.indices("abxy"))
    query = Query(session=np.array([a, b], dtype=np.int32))
    assert (model.because(query, x), model.because(query, y)) == (a, b)
