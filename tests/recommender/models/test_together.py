import numpy as np
from support.shoppers import sessions

from habitue_recommender.models import Fitting, Query, Together
from habitue_recommender.models.together import TogetherSettings


def companions(data, *, cart: str = "", anchor: str = "", session: str = "", **settings) -> str:
    model = Together.fit(data, TogetherSettings(**settings), Fitting())
    index = data.vocabulary.indices
    ranked = model.score(
        Query(basket=index(cart), session=index(session), anchor=int(index(anchor)[0]) if anchor else -1)
    )
    return "".join(data.vocabulary.item_id(item) for item in ranked.items)


def test_what_lies_in_the_same_baskets_goes_with_it(tmp_path) -> None:
    data = sessions(tmp_path, "ab", "ab", "ac", "ac", "ab", event="purchase")
    assert companions(data, anchor="a") == "bc"


def test_a_pair_seen_once_is_chance(tmp_path) -> None:
    data = sessions(tmp_path, "ab", "ab", "ac", event="purchase")
    assert companions(data, anchor="a") == "b"
    assert companions(data, anchor="a", support=1) == "bc"


def test_what_is_in_every_basket_is_no_companion_of_anything(tmp_path) -> None:
    # m (milk) is bought always; t goes with p alone.
    data = sessions(tmp_path, "ptm", "ptm", "ptm", *["qm"] * 30, event="purchase")
    assert companions(data, anchor="p") == "tm"


def test_what_is_in_the_cart_already_is_not_offered(tmp_path) -> None:
    data = sessions(tmp_path, "abc", "abc", "abc", event="purchase")
    assert companions(data, cart="ab") == "c"


def test_views_alone_are_no_purchases(tmp_path) -> None:
    assert companions(sessions(tmp_path, "ab", "ab", "ab"), anchor="a") == ""


def test_without_cart_and_product_the_newest_items_are_asked_for(tmp_path) -> None:
    data = sessions(tmp_path, "ab", "ab", "cd", "cd", event="purchase")
    assert companions(data, session="ca", recent=1) == "b"


def test_the_reason_is_what_it_was_bought_with(tmp_path) -> None:
    data = sessions(tmp_path, "ab", "ab", "cd", "cd", event="purchase")
    model = Together.fit(data, TogetherSettings(), Fitting())
    a, b, c, d = (int(item) for item in data.vocabulary.indices("abcd"))
    query = Query(basket=np.array([a, c], dtype=np.int32))
    assert (model.because(query, b), model.because(query, d)) == (a, c)
