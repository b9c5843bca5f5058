"""What goes into a slot, and what never does."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.decisions import DAY, NOW, catalog_of, item, model_of, visitor

from habitue_collector.profile import Profile
from habitue_recommender.catalog.catalog import Catalog
from habitue_recommender.catalog.items import Item
from habitue_recommender.decide import decide
from habitue_recommender.live import NOTHING_LIVE, Live
from habitue_recommender.offers import Decision
from habitue_recommender.page import Page
from habitue_recommender.served import ServedModel
from habitue_recommender.settings import RecommenderSettings
from habitue_recommender.slots import DEFAULT_SLOTS, Slot, Source

HOME = Page("home")
SETTINGS = RecommenderSettings()


def offered(decision: Decision) -> list[str]:
    return [offer.item.item_id for offer in decision.offers]


def ask(
    *slots: Slot | str,
    page: Page = HOME,
    profile: Profile | None = None,
    catalog: Catalog,
    model: ServedModel | None = None,
    live: Live = NOTHING_LIVE,
    now: int = NOW,
    config: RecommenderSettings = SETTINGS,
    **more: Any,
) -> list[Decision]:
    more.setdefault("clock", stopped)
    return decide(slots, page, profile, catalog, model, live, now, config, **more)


def stopped() -> float:
    """A clock for tests: on a busy machine a real one would make slots late."""
    return 0.0


def slot(*sources: Source, **said: Any) -> Slot:
    return Slot("test", sources=sources, **({"size": 4} | said))


ABC = ("a", "b", "c", "d", "e", "f")


# ---- sources ---------------------------------------------------------------------------------------


def test_the_first_source_wins_and_the_next_fills_up() -> None:
    model = model_of(ABC, neighbours=["b"], factors=["c", "b", "d"], popular=["a", "e", "f"])
    wanted = slot(Source.SESSION_NEIGHBOURS, Source.FACTORS, Source.POPULAR)
    [decision] = ask(wanted, profile=visitor(views=["a"]), catalog=catalog_of(*ABC), model=model)
    assert offered(decision) == ["b", "c", "d", "a"]
    assert [offer.source for offer in decision.offers] == [
        Source.SESSION_NEIGHBOURS,
        Source.FACTORS,
        Source.FACTORS,
        Source.POPULAR,
    ]
    scores = [offer.score for offer in decision.offers]
    assert scores == sorted(scores, reverse=True)
    assert all(0.0 <= score <= 1.0 for score in scores)


def test_one_thing_in_the_hand_leaves_room_for_what_somebody_is_known_for() -> None:
    old = {f"o{number}": (1, 200 * DAY) for number in range(12)}
    shop = (*ABC, *"ghij", *old)
    model = model_of(shop, neighbours=["b", "c", "d", "e", "f"], factors=["g", "h", "i", "j"])
    wanted = slot(Source.SESSION_NEIGHBOURS, Source.FACTORS)

    def shown(**known: Any) -> list[str]:
        return offered(ask(wanted, profile=visitor(**known), catalog=catalog_of(*shop), model=model)[0])

    assert shown(views=["a"], bought=old) == ["b", "c", "g", "h"]
    assert shown(views=["a", "g", "h"], bought=old) == ["b", "c", "d", "e"]  # a visit that says enough
    assert shown(views=["a"]) == ["b", "c", "d", "e"]  # of whom nothing else is known
    model = model_of(shop, ranker=["b", "c", "d", "e"], neighbours=["b"], factors=["g", "h", "i", "j"])
    assert shown(views=["a"], bought=old) == ["b", "c", "d", "e"]  # it weighs one against the other itself


def test_a_source_is_not_computed_when_those_before_it_fill_the_slot() -> None:
    model = model_of(ABC, neighbours=ABC, factors=ABC)
    wanted = slot(Source.SESSION_NEIGHBOURS, Source.FACTORS)
    [decision] = ask(wanted, profile=visitor(views=["a"]), catalog=catalog_of(*ABC), model=model)
    assert set(decision.sources) == {"session_neighbours"}


def test_without_a_model_what_is_popular_now_answers_then_the_newest() -> None:
    live = Live(NOW, (("c", 9), ("e", 4)))
    [decision] = ask(DEFAULT_SLOTS["home-hero"], catalog=catalog_of(*ABC), live=live)
    assert offered(decision)[:2] == ["c", "e"]
    assert len(decision.offers) == 6
    assert decision.model == "none"


def test_a_model_that_fails_costs_its_source_only() -> None:
    model = model_of(ABC, neighbours=["b"], popular=["c"])
    model._members["neighbours"].fails = True  # type: ignore[attr-defined]
    wanted = slot(Source.SESSION_NEIGHBOURS, Source.POPULAR)
    [decision] = ask(wanted, profile=visitor(views=["a"]), catalog=catalog_of(*ABC), model=model)
    assert offered(decision)[0] == "c"
    assert model.failures == 1


def test_a_slot_past_its_deadline_is_answered_by_what_is_cheap() -> None:
    model = model_of(ABC, neighbours=["b"], factors=["c"], popular=["d", "e", "f"])
    wanted = slot(Source.SESSION_NEIGHBOURS, Source.FACTORS, Source.POPULAR, deadline_ms=10)
    times = iter([0.0, 0.005, 0.020])
    [decision] = ask(
        wanted,
        profile=visitor(views=["a"]),
        catalog=catalog_of(*ABC),
        model=model,
        clock=lambda: next(times, 1.0),
    )
    assert offered(decision) == ["b", "d", "e", "f"]
    assert decision.late


def test_a_slot_without_fallback_stays_empty_rather_than_lie() -> None:
    [decision] = ask(DEFAULT_SLOTS["home-recent"], profile=visitor(), catalog=catalog_of(*ABC))
    assert decision.offers == ()


def test_recently_viewed_shows_the_latest_first() -> None:
    profile = visitor(views=["b", "d"], earlier={"a": 3})
    [decision] = ask(DEFAULT_SLOTS["home-recent"], profile=profile, catalog=catalog_of(*ABC))
    assert offered(decision) == ["d", "b", "a"]


def test_what_was_looked_at_stands_where_nothing_else_can() -> None:
    """A row of recently viewed items would be empty for ever if another slot of the page might take them."""
    first, second = ask(
        slot(Source.POPULAR),
        DEFAULT_SLOTS["home-recent"],
        profile=visitor(views=["a", "b"]),
        catalog=catalog_of(*ABC),
        model=model_of(ABC, popular=ABC),
    )
    assert offered(second) == ["b", "a"]
    assert offered(first) == ["c", "d", "e", "f"]


def test_a_category_page_offers_what_stands_in_that_category() -> None:
    catalog = catalog_of(
        item("a", category="Shoes/Trail"), item("b", category="Shoes"), item("c", category="Shoestrings")
    )
    model = model_of(ABC, popular=["c", "a", "b"])
    [decision] = ask(
        DEFAULT_SLOTS["category-top"], page=Page("category", None, "Shoes"), catalog=catalog, model=model
    )
    assert offered(decision) == ["a", "b"]


def test_a_category_nobody_knows_is_answered_all_the_same() -> None:
    [decision] = ask(
        DEFAULT_SLOTS["category-top"], page=Page("category", None, "Nothing/Here"), catalog=catalog_of("a")
    )
    assert offered(decision) == ["a"]


def test_a_category_that_is_sold_out_borrows_from_the_others() -> None:
    catalog = catalog_of(item("a", category="Shoes", availability="out_of_stock"), "b")
    [decision] = ask(
        DEFAULT_SLOTS["category-top"], page=Page("category", None, "Shoes"), catalog=catalog, model=None
    )
    assert offered(decision) == ["b"]


def test_what_is_popular_comes_in_the_order_that_fits_the_visitor() -> None:
    catalog = catalog_of(item("a", category="Shoes"), item("b", category="Books"))
    model = model_of(ABC, popular=ABC)
    profile = visitor(likes={"Books": 1.0})
    assert offered(ask(slot(Source.POPULAR), catalog=catalog, model=model)[0]) == ["a", "b"]
    [mine] = ask(slot(Source.POPULAR), profile=profile, catalog=catalog, model=model)
    assert offered(mine) == ["b", "a"]


# ---- new items -------------------------------------------------------------------------------------


def test_an_item_put_a_moment_ago_is_offered_to_whom_it_fits() -> None:
    many = [f"i{number}" for number in range(40)]
    catalog = catalog_of(*(item(one, category="Shoes" if one < "i2" else "Books") for one in many))
    catalog.put(item("fresh", category="Shoes", first_seen=NOW - 1, updated_at=NOW - 1))
    model = model_of(many, neighbours=many, popular=many)
    hero = DEFAULT_SLOTS["home-hero"]
    [fits] = ask(hero, profile=visitor(views=["i0"], likes={"Shoes": 1.0}), catalog=catalog, model=model)
    assert offered(fits).count("fresh") == 1
    assert len(fits.offers) == 8  # no more than four of one category, and there are two
    [other] = ask(hero, profile=visitor(views=["i9"], likes={"Books": 1.0}), catalog=catalog, model=model)
    assert "fresh" not in offered(other)


def test_nothing_is_new_right_after_the_first_import() -> None:
    catalog = Catalog([item(one, first_seen=NOW - DAY) for one in ABC])
    assert not any(catalog.is_new(one, NOW) for one in catalog.items.values())
    [decision] = ask(slot(Source.NEW_ITEMS), catalog=catalog)
    assert {offer.reasons[0].code.value for offer in decision.offers} == {"assortment"}


# ---- eligibility -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("profile", "page", "catalog"),
    [
        (visitor(), HOME, catalog_of(item("x", availability="out_of_stock"), "y")),
        (visitor(), Page("product", "x"), catalog_of("x", "y")),
        (visitor(), Page("product", "v"), catalog_of(item("x", group_id="g"), item("v", group_id="g"), "y")),
        (visitor(carts=["x"]), HOME, catalog_of("x", "y")),
        (visitor(bought={"x": (1, DAY)}), HOME, catalog_of("x", "y")),
        (visitor(), HOME, catalog_of(item("x", verified=False, url="https://evil.example/x"), "y")),
        (visitor(), HOME, catalog_of(item("x", verified=False, url=""), "y")),
    ],
    ids=[
        "out of stock",
        "the viewed item",
        "a variant of the viewed item",
        "in the cart",
        "just bought",
        "learnt with a foreign URL",
        "learnt without URL",
    ],
)
def test_never_offered(profile: Profile, page: Page, catalog: Catalog) -> None:
    model = model_of(["x", "y", "v"], neighbours=["x"], factors=["x"], popular=["x", "y"], item_item=["x"])
    live = Live(NOW, (("x", 50), ("y", 2)))
    for wanted in DEFAULT_SLOTS.values():
        [decision] = ask(wanted, page=page, profile=profile, catalog=catalog, model=model, live=live)
        assert "x" not in offered(decision), wanted.id
        if wanted.fallback:
            assert offered(decision) == ["y"], wanted.id


def test_what_was_bought_long_ago_may_be_bought_again() -> None:
    profile = visitor(bought={"x": (3, 30 * DAY)})
    model = model_of(["x", "y"], factors=["x"])
    [decision] = ask(slot(Source.FACTORS), profile=profile, catalog=catalog_of("x", "y"), model=model)
    assert offered(decision)[0] == "x"
    assert decision.offers[0].reasons[0].text() == "Because you often buy this"


def test_a_learnt_item_is_offered_with_a_url_of_the_shop() -> None:
    config = RecommenderSettings(hosts=("shop.example",))
    catalog = catalog_of(item("x", verified=False, url="https://shop.example/x"))
    [decision] = ask(slot(Source.NEW_ITEMS), catalog=catalog, config=config)
    assert offered(decision) == ["x"]


def test_what_was_seen_often_rests_until_nothing_else_is_left() -> None:
    profile = visitor(seen={"a": (12, DAY), "b": (12, 30 * DAY), "c": (2, DAY)})
    model = model_of(ABC, popular=["a", "b", "c", "d", "e", "f"])
    catalog = catalog_of(*ABC)
    [decision] = ask(slot(Source.POPULAR), profile=profile, catalog=catalog, model=model)
    assert offered(decision) == ["b", "c", "d", "e"]
    [everything] = ask(slot(Source.POPULAR, size=6), profile=profile, catalog=catalog, model=model)
    assert offered(everything) == ["b", "c", "d", "e", "f", "a"]


# ---- consent and assignment ------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["no profile", "not now", "denied for good"])
def test_without_personalization_only_the_page_counts(way: str) -> None:
    denied = {"personalization": "denied"} if way == "denied for good" else None
    profile = visitor(views=["a"], carts=["b"], likes={"Books": 1.0}, consents=denied)
    model = model_of(ABC, neighbours=["c"], factors=["d"], item_item=["e"], popular=["b", "f"])
    wanted = slot(Source.SESSION_NEIGHBOURS, Source.FACTORS, Source.ITEM_ITEM, Source.POPULAR)
    [decision] = ask(
        wanted,
        page=Page("product", "a"),
        profile=None if way == "no profile" else profile,
        catalog=catalog_of(*ABC),
        model=model,
        personalize=way != "not now",
    )
    query = model._members["neighbours"].asked[-1]  # type: ignore[attr-defined]
    assert len(query.session) == len(query.history) == len(query.basket) == 0
    assert query.anchor == 0
    assert Source.FACTORS not in {offer.source for offer in decision.offers}
    assert decision.offers[0].source is Source.SESSION_NEIGHBOURS


def test_the_holdout_sees_what_anybody_would_see() -> None:
    model = model_of(ABC, neighbours=["a", "b"], popular=["f", "e", "d", "c"])
    held = slot(Source.SESSION_NEIGHBOURS, Source.POPULAR, holdout=1.0)
    [decision] = ask(held, profile=visitor(views=["c"]), catalog=catalog_of(*ABC), model=model)
    assert offered(decision) == ["f", "e", "d", "c"]
    assert (decision.holdout, decision.variant) == (True, "holdout")
    [nobody] = ask(held, catalog=catalog_of(*ABC), model=model)
    assert (nobody.holdout, nobody.variant) == (False, "default")


# ---- the page as a whole ---------------------------------------------------------------------------


def test_an_unknown_slot_spoils_nothing() -> None:
    decisions = ask("no-such", DEFAULT_SLOTS["home-hero"], catalog=catalog_of(*ABC))
    assert decisions[0].to_public() == {"offers": [], "reason": "unknown_slot"}
    assert len(decisions[1].offers) == 6


def test_variants_of_one_thing_stand_on_the_page_once() -> None:
    catalog = catalog_of(item("red", group_id="shirt"), item("blue", group_id="shirt"), "c", "d", "e")
    decisions = ask(
        slot(Source.POPULAR, size=2), Slot("other", sources=(Source.POPULAR,), size=2), catalog=catalog
    )
    groups = [offer.item.group for decision in decisions for offer in decision.offers]
    assert sorted(groups) == ["c", "d", "e", "shirt"]


def test_not_too_much_of_one_kind() -> None:
    catalog = catalog_of(
        *(item(f"s{n}", category="Shoes", brand="Acme") for n in range(5)),
        *(item(f"b{n}", category="Books", brand="Acme") for n in range(5)),
        *(item(f"n{n}") for n in range(3)),
    )
    ids = list(catalog.items)
    model = model_of(ids, popular=ids)
    [decision] = ask(
        slot(Source.POPULAR, size=12, max_per_category=2, max_per_brand=3), catalog=catalog, model=model
    )
    assert offered(decision) == ["s0", "s1", "b0", "n0", "n1", "n2"]


def test_a_slot_that_is_switched_off_says_so_and_one_that_nobody_knows_too() -> None:
    off = slot(Source.POPULAR, enabled=False)
    known, unknown = ask(off, "nobody-knows", catalog=catalog_of(*ABC))
    assert known.to_public() == {"offers": [], "reason": "slot_disabled"}
    assert unknown.to_public() == {"offers": [], "reason": "unknown_slot"}
    assert known.unknown
    assert unknown.unknown


def test_the_answer_on_the_wire_and_in_the_log() -> None:
    model = model_of(ABC, anchors={"neighbours": "a"}, neighbours=["b"])
    profile = visitor(views=["a"])
    [decision] = ask(
        slot(Source.SESSION_NEIGHBOURS, size=1), profile=profile, catalog=catalog_of(*ABC), model=model
    )
    public = decision.to_public()
    assert set(public) == {"decision_id", "offers", "model", "variant"}
    assert public["offers"] == [
        {
            "item_id": "b",
            "name": "The b",
            "price": 9.5,
            "currency": "EUR",
            "url": "/p/b",
            "image_url": "",
            "score": 1.0,
            "reasons": [{"code": "because_viewed", "text": "Because you looked at The a"}],
        }
    ]
    record = decision.to_record("anna")
    assert record["offers"] == [
        {
            "item_id": "b",
            "position": 0,
            "score": 1.0,
            "source": "session_neighbours",
            "reason_code": "because_viewed",
        }
    ]
    assert {"profile_id", "anonymous_id", "session_id", "slot", "page", "holdout"} <= set(record)


# ---- properties ------------------------------------------------------------------------------------

NAMES = [f"i{number}" for number in range(30)]
CATEGORIES = ["", "A", "A/B", "A/C", "D"]
names = st.sampled_from([*NAMES, "stranger"])
some = st.lists(names, max_size=12, unique=True)
known = st.lists(st.sampled_from(NAMES), max_size=30, unique=True)
catalogs = st.lists(
    st.builds(
        item,
        st.sampled_from(NAMES),
        group_id=st.sampled_from([None, None, "g1", "g2"]),
        availability=st.sampled_from(["in_stock", "in_stock", "out_of_stock", "preorder", "backorder"]),
        category=st.sampled_from(CATEGORIES),
        brand=st.sampled_from(["", "X", "Y"]),
        verified=st.sampled_from([True, True, False]),
        url=st.sampled_from(["", "/p", "https://shop.example/p", "https://evil.example/p"]),
        first_seen=st.sampled_from([NOW - 400 * DAY, NOW - 10 * DAY, NOW - 5]),
    ),
    max_size=30,
    unique_by=lambda one: one.item_id,
).map(Catalog)
models = st.none() | st.builds(
    model_of,
    st.just([*NAMES, "stranger"]),
    neighbours=some,
    item_item=some,
    factors=known,
    together=some,
    popular=known,
    week=some,
    anchors=st.fixed_dictionaries({"neighbours": names, "item_item": names, "factors": names}),
)
shares = st.dictionaries(st.sampled_from(CATEGORIES[1:]), st.floats(0.01, 1.0), max_size=3)
counts = st.tuples(st.integers(1, 20), st.integers(0, 40 * DAY))
profiles = st.none() | st.builds(
    visitor,
    views=some,
    carts=st.lists(names, max_size=3, unique=True),
    earlier=st.dictionaries(names, st.integers(0, 60), max_size=8),
    bought=st.dictionaries(names, counts, max_size=8),
    seen=st.dictionaries(names, counts, max_size=8),
    likes=shares,
    brands=st.dictionaries(st.sampled_from(["X", "Y"]), st.floats(0.01, 1.0), max_size=2),
    consents=st.sampled_from([None, {"personalization": "denied"}]),
)
made_slots = st.builds(
    Slot,
    st.sampled_from(["one", "two"]),
    sources=st.lists(st.sampled_from(list(Source)), min_size=1, max_size=5, unique=True).map(tuple),
    size=st.integers(1, 15),
    max_per_category=st.integers(0, 3),
    max_per_brand=st.integers(0, 3),
    same_category=st.booleans(),
    fallback=st.booleans(),
    new_share=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    holdout=st.sampled_from([0.0, 0.5, 1.0]),
)
slot_lists = st.lists(made_slots | st.sampled_from(list(DEFAULT_SLOTS.values())), min_size=1, max_size=4)
pages = st.builds(
    Page,
    st.sampled_from(["home", "product", "cart", "thanks", ""]),
    st.none() | names,
    st.none() | st.sampled_from([*CATEGORIES[1:], "Z"]),
)
live_lists = st.lists(st.tuples(names, st.integers(1, 9)), max_size=10, unique_by=lambda pair: pair[0])
lives = st.builds(
    lambda pairs: Live(NOW, tuple(pairs), {"A": tuple(pairs)}, {one: 2.5 for one, _ in pairs[:2]}), live_lists
)
CONFIG = RecommenderSettings(hosts=("shop.example",))


@settings(max_examples=60, deadline=None)
@given(slot_lists, pages, profiles, catalogs, models, lives)
def test_whatever_comes_the_promises_hold(
    slots: list[Slot],
    page: Page,
    profile: Profile | None,
    catalog: Catalog,
    model: ServedModel | None,
    live: Live,
) -> None:
    decisions = decide(slots, page, profile, catalog, model, live, NOW, CONFIG, clock=stopped)
    again = decide(slots, page, profile, catalog, model, live, NOW + 59_000, CONFIG, clock=stopped)
    assert [offered(one) for one in decisions] == [offered(one) for one in again]
    shown = [offer.item for decision in decisions for offer in decision.offers]
    assert max(Counter(one.group for one in shown).values(), default=1) == 1
    for one in shown:
        assert catalog.items[one.item_id] is one
        assert one.availability != "out_of_stock"
        assert one.item_id != page.item_id
        assert one.verified or one.url in ("/p", "https://shop.example/p")
    for slot, decision in zip(slots, decisions, strict=True):
        assert len(decision.offers) <= slot.size
        limits: list[tuple[int, list[str]]] = [
            (slot.max_per_category, [offer.item.category for offer in decision.offers]),
            (slot.max_per_brand, [offer.item.brand for offer in decision.offers]),
        ]
        for most, kinds in limits:
            assert not most or max(Counter(filter(None, kinds)).values(), default=0) <= most
        personal = profile is not None and not profile.consents and not decision.holdout
        for offer in decision.offers:
            assert 0.0 <= offer.score <= 1.0
            assert offer.reasons[0].text()
            if personal and profile is not None:
                assert offer.item.item_id not in profile.cart
                bought = profile.bought.get(offer.item.item_id)
                assert bought is None or NOW - bought.last > 7 * DAY - 3_600_000


@settings(max_examples=60, deadline=None)
@given(pages, profiles, catalogs, models, lives)
def test_a_slot_is_never_empty_while_something_may_be_offered(
    page: Page, profile: Profile | None, catalog: Catalog, model: ServedModel | None, live: Live
) -> None:
    def free(one: Item) -> bool:
        viewed = catalog.get(page.item_id) if page.item_id else None
        mine = set() if profile is None else {*profile.cart, *profile.bought}
        groups = {catalog.items[other].group for other in mine if other in catalog.items} | mine
        return (
            one.availability != "out_of_stock"
            and one.verified
            and one.group not in groups
            and one.item_id != page.item_id
            and (viewed is None or viewed.group != one.group)
        )

    hero = [DEFAULT_SLOTS["home-hero"]]
    [decision] = decide(hero, page, profile, catalog, model, live, NOW, CONFIG, clock=stopped)
    if any(free(one) for one in catalog.items.values()):
        assert decision.offers


def test_decision_ids_differ_and_the_list_does_not() -> None:
    catalog: Catalog = catalog_of(*ABC)
    first, second = (ask(DEFAULT_SLOTS["home-hero"], catalog=catalog, sequence=n)[0] for n in (1, 2))
    assert offered(first) == offered(second)
    assert first.decision_id != second.decision_id
