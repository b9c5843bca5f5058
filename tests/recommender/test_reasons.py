"""The words beside an offer: plain, and true."""

from __future__ import annotations

from typing import Any

import pytest
from support.decisions import DAY, NOW, catalog_of, item, model_of, visitor

from habitue_collector.profile import Profile
from habitue_recommender.decide import decide
from habitue_recommender.live import NOTHING_LIVE, Live
from habitue_recommender.page import Page
from habitue_recommender.reasons import LOCALES, Reason, ReasonCode, category_name
from habitue_recommender.settings import RecommenderSettings
from habitue_recommender.slots import Slot, Source

HOME = Page("home")
TEA = item("tea", name="Green Tea", category="Drinks/Tea")
CUP = item("cup", name="Blue Cup", category="Kitchen/Cups")
PAN = item("pan", name="Iron Pan", category="Kitchen/Pans")
CATALOG = catalog_of(TEA, CUP, PAN)
IDS = ["tea", "cup", "pan", "gone"]


def why(
    source: Source,
    offered: str,
    *,
    profile: Profile | None = None,
    page: Page = HOME,
    anchor: str | None = None,
    live: Live = NOTHING_LIVE,
    until: int = NOW,
    week: tuple[str, ...] = (),
) -> tuple[str, str]:
    """Code and sentence of one item of one source."""
    names = {
        Source.SESSION_NEIGHBOURS: "neighbours",
        Source.POPULAR: "popular",
        Source.ITEM_ITEM: "item_item",
        Source.FACTORS: "factors",
        Source.TOGETHER: "together",
    }
    member: dict[str, Any] = {names[source]: [offered]} if source in names else {}
    anchors = {names[source]: anchor} if anchor else None
    model = model_of(IDS, anchors=anchors, until=until, week=week, **member)
    slot = Slot("s", sources=(source,), size=1, fallback=False)
    [decision] = decide(
        [slot], page, profile, CATALOG, model, live, NOW, RecommenderSettings(), clock=lambda: 0.0
    )
    [offer] = decision.offers
    assert offer.item.item_id == offered
    said = offer.to_public()["reasons"][0]
    return said["code"], said["text"]


NEIGHBOURS, FACTORS, TOGETHER, ITEM_ITEM = (
    Source.SESSION_NEIGHBOURS,
    Source.FACTORS,
    Source.TOGETHER,
    Source.ITEM_ITEM,
)


def test_looked_at() -> None:
    said = why(NEIGHBOURS, "cup", profile=visitor(views=["tea"]), anchor="tea")
    assert said == ("because_viewed", "Because you looked at Green Tea")


def test_in_the_cart() -> None:
    said = why(NEIGHBOURS, "cup", profile=visitor(carts=["tea"]), anchor="tea")
    assert said == ("because_in_cart", "Because you put Green Tea in your cart")


def test_bought_once_and_bought_often() -> None:
    for count, code, text in (
        (1, "because_bought", "Because you bought Green Tea"),
        (4, "because_often_bought", "Because you often buy Green Tea"),
    ):
        profile = visitor(bought={"tea": (count, 90 * DAY)})
        assert why(FACTORS, "cup", profile=profile, anchor="tea") == (code, text)


def test_buy_again() -> None:
    profile = visitor(bought={"tea": (4, 90 * DAY)})
    assert why(FACTORS, "tea", profile=profile, anchor="tea") == ("buy_again", "Because you often buy this")


def test_bought_together() -> None:
    said = why(TOGETHER, "cup", page=Page("product", "tea"), anchor="tea")
    assert said == ("bought_together", "Often bought with Green Tea")


def test_on_a_product_page_nothing_is_said_of_the_visitor() -> None:
    for profile in (None, visitor(views=["tea"])):
        said = why(ITEM_ITEM, "cup", page=Page("product", "tea"), anchor="tea", profile=profile)
        assert said == ("goes_with", "Others who chose Green Tea also chose this")


def test_of_a_stranger_nobody_says_that_they_looked_at_something() -> None:
    said = why(NEIGHBOURS, "cup", page=Page("product", "tea"), anchor="tea")
    assert said[0] == "goes_with"


@pytest.mark.parametrize("anchor", [None, "gone"])
def test_without_an_item_that_can_be_named_the_reason_is_general(anchor: str | None) -> None:
    assert why(NEIGHBOURS, "cup", profile=visitor(views=["tea"]), anchor=anchor)[0] == "similar_visits"
    assert why(FACTORS, "cup", profile=visitor(earlier={"tea": 3}), anchor=anchor)[0] == "taste"


def test_seen_before() -> None:
    assert why(Source.RECENTLY_VIEWED, "tea", profile=visitor(views=["tea"])) == (
        "recently_viewed",
        "You looked at this recently",
    )
    assert why(NEIGHBOURS, "tea", profile=visitor(views=["tea"]), anchor="tea")[0] == "recently_viewed"


def test_popular_right_now() -> None:
    live = Live(NOW, (("cup", 5), ("tea", 4)), {"Kitchen": (("cup", 5),)}, {"tea": 3.0})
    assert why(Source.POPULAR_NOW, "cup", live=live) == ("popular_now", "Popular right now")
    kitchen = Page("category", None, "Kitchen/Cups")
    assert why(Source.POPULAR_NOW, "cup", live=live, page=kitchen) == (
        "popular_now_in",
        "Popular right now in Kitchen",
    )
    only_tea = Live(NOW, (("tea", 4),), {}, {"tea": 3.0})
    assert why(Source.POPULAR_NOW, "tea", live=only_tea)[0] == "trending"


def test_popular_this_week_is_only_said_of_this_week() -> None:
    kitchen = Page("category", None, "Kitchen")
    assert why(Source.POPULAR, "cup", week=("cup",)) == ("popular_this_week", "Popular this week")
    assert why(Source.POPULAR, "cup", week=("cup",), page=kitchen) == (
        "popular_this_week_in",
        "Popular this week in Kitchen",
    )
    assert why(Source.POPULAR, "cup", page=kitchen) == ("popular_in", "Popular in Kitchen")
    assert why(Source.POPULAR, "cup", week=("cup",), until=NOW - 9 * DAY) == (
        "popular",
        "Popular with our customers",
    )
    assert why(Source.POPULAR, "tea", page=kitchen)[0] == "popular"  # it is not of that category


def test_what_is_not_new_is_not_called_new() -> None:
    slot = Slot("s", sources=(Source.NEW_ITEMS,), size=4)
    catalog = catalog_of(
        *(item(f"i{n}") for n in range(3)), item("n", category="A/Lamps", first_seen=NOW - DAY)
    )
    [decision] = decide([slot], HOME, None, catalog, None, NOTHING_LIVE, NOW, RecommenderSettings())
    texts = {offer.item.item_id: offer.reasons[0].text() for offer in decision.offers}
    assert texts == {
        "n": "New in Lamps",
        "i0": "From our range",
        "i1": "From our range",
        "i2": "From our range",
    }


def test_a_name_with_braces_or_markup_is_a_name() -> None:
    reason = Reason(ReasonCode.VIEWED, "x", "{category} <b>{0}</b>")
    assert reason.text() == "Because you looked at {category} <b>{0}</b>"


def test_every_code_has_a_sentence_and_unknown_languages_get_english() -> None:
    for code in ReasonCode:
        for locale in (*LOCALES, "en-GB", "xx", ""):
            text = Reason(code, "a", "Tea", "Drinks").text(locale)
            assert text
            assert "{" not in text


def test_a_category_is_called_by_its_last_part() -> None:
    assert category_name("Home/Kitchen/Cups") == "Cups"
