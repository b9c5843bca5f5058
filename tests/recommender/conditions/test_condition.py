"""Conditions: what they say of a visitor, a page and an item, and that nothing makes them fail."""

from __future__ import annotations

from time import thread_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import condition_writing as writing
from support.condition_worlds import BARE, HAT, ITEMS, NOW, REGULAR, SHOE, all_asked, asked, regular

from habitue_collector.profile import OrderSummary, Profile
from habitue_recommender.catalog.items import Item
from habitue_recommender.conditions import FIELDS, Asked, ConditionError, Source, closures, matching, parse
from habitue_recommender.conditions.grammar import MAX_DEPTH, MAX_LIST, MAX_NODES
from habitue_recommender.conditions.write import write
from habitue_recommender.page import Page

REQUESTS = all_asked()


def holds(text: str, item: Item | None = SHOE, of: Asked | None = None) -> bool:
    return parse(text).test(of if of is not None else REQUESTS[2], item)


# ---- what it means -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        'visitor.orders.count >= 3 && item.price < 50.0 && "shoes" in item.category',
        'item.item_id == "shoe" && item.group_id == "shoes-1" && item.name == "Trail Shoe"',
        'item.url == "/p/shoe" && item.image_url.endsWith(".jpg") && item.currency == "EUR"',
        'item.availability == "in_stock" && item.in_stock && item.new',
        "item.margin == 0.4 && item.stock == 12 && item.margin * 100 >= item.stock",
        'item.attributes["color"] == "red" && item.attributes.color != "blue"',
        '"sale" in item.attributes.tags && "7" in item.attributes.tags && !("x" in item.attributes.tags)',
        "item.attributes.sale && item.attributes.sale == true && !(item.attributes.sale == false)",
        'item.attributes.size == "42" && item.attributes.size == 42 && item.attributes.size in ["42"]',
        '"color" in item.attributes && !("colour" in item.attributes)',
        "item.viewed && !item.bought && !item.in_cart && item.shown == 4",
        'page.type == "product" && page.item_id == "shoe" && "shoes" in page.category',
        'page.item.brand == "Acme" && page.item.price == item.price && page.item.viewed',
        'slot == "home-hero" && slot.startsWith("home")',
        "visitor.known && !visitor.new && visitor.returning && visitor.visits == 7",
        '"vip" in visitor.segments && !("other" in visitor.segments)',
        'visitor.traits["plan"] == "gold" && visitor.traits.points >= 100 && "a" in visitor.traits.tags',
        'visitor.user_id == "anna" && visitor.device == "mobile"',
        'visitor.country == "DE" && visitor.language == "de"',
        'visitor.referrer == "google.com" && visitor.campaign == "winter" && visitor.landing == "/sale"',
        "visitor.page_views == 4 && visitor.cart.value == 55.5 && visitor.cart.count == 3",
        '"hat" in visitor.cart.items && size(visitor.cart.items) == 2',
        "visitor.orders.value == 210.5 && visitor.orders.value / visitor.orders.count > 70",
        "visitor.orders.days_since_last == 40 && visitor.orders.days_since_first == 90",
        "visitor.days_since_last_seen == 0 && visitor.days_since_first_seen == 100",
        'visitor.affinity.category["Shoes"] > 0.6 && visitor.affinity.category["shoes/trail"] < 0.5',
        'visitor.affinity.brand["acme"] == 1 && visitor.affinity.brand["Other"] == 0',
        '"shoes" in visitor.affinity.category && !("Acme" in visitor.affinity.category)',
        'item.item_id in visitor.viewed && "sock" in visitor.bought && page.item_id in visitor.viewed',
        'time.hour == 9 && time.minute == 20 && time.weekday == "thu" && time.weekday in ["thu", "fri"]',
        'time.date == "2026-12-24" && time.date < "2027-01-01" && time.month == 12 && time.day == 24',
        'lower(item.brand) == "acme" && item.name.contains("Shoe") && item.name.startsWith("Trail")',
        "size(item.brand) == 4 && size(item.category) == 3 && size(item.attributes.tags) == 2",
        'item.brand in ["Acme", "Other"] && item.price in [49.9, 5] && !(item.brand in [])',
        '"SHOES" in item.category && "shoes/trail" in item.category && !("shoe" in item.category)',
        '!("men/trail" in item.category) && !("" in item.category) && !("/" in item.category)',
        "-item.price < 0 && item.price - -1 > 50 && 2 + 3 * 4 == 14 && (2 + 3) * 4 == 20 && 8 / 4 / 2 == 1",
        "true || item.price > 1 && false",
        "5 < item.price && 'a' != \"b\"",
    ],
)
def test_what_holds_for_a_regular_visitor_who_looks_at_a_shoe(text: str) -> None:
    assert holds(text)


@pytest.mark.parametrize(
    ("missing", "holds_for_nothing"),
    [
        ("item.price", ["== 3", "< 3", ">= 0", "in [3]"]),
        ("item.margin", ["== 0", "< 3", "> -1", "in [0]"]),
        ("item.brand", ['== "x"', '.contains("x")', '< "x"', 'in ["x"]', "== visitor.campaign"]),
        ('item.attributes["x"]', ["== 3", '== "x"', "== true", "< 3", "== visitor.traits.x", "in [1]"]),
        ("visitor.orders.days_since_last", ["== 0", "< 30", ">= 0", "+ 1 > 0"]),
        ("visitor.campaign", ['== "x"', '.startsWith("x")', "== visitor.landing"]),
    ],
)
def test_a_missing_value_makes_comparisons_false_and_their_opposites_true(
    missing: str, holds_for_nothing: list[str]
) -> None:
    nobody = asked()
    for rest in holds_for_nothing:
        comparison = f"{missing}{'' if rest.startswith('.') else ' '}{rest}"
        assert not holds(comparison, BARE, nobody), comparison
        assert not holds(comparison, None, nobody), comparison
        assert holds(f"!({comparison})", BARE, nobody)
        if rest.startswith("=="):
            assert holds(comparison.replace("==", "!="), BARE, nobody)
    assert holds(f"{missing} == null && !({missing} != null)", BARE, nobody)


def test_an_empty_text_is_a_missing_one() -> None:
    assert holds('item.brand == "" && item.brand == null && item.attributes.x == ""', BARE)
    assert holds('item.brand != "" && item.attributes.color != null', SHOE)


def test_without_an_item_all_of_it_is_missing() -> None:
    nothing = "item.in_stock || item.new || item.price >= 0 || item.in_cart || item.viewed"
    assert not holds(nothing, None)
    assert not holds('"" in item.category || item.availability == "in_stock"', None)


def test_dividing_by_nothing_is_missing() -> None:
    nobody = asked()
    assert not holds("visitor.orders.value / visitor.orders.count >= 0", of=nobody)
    assert not holds("1 / 0 == 1 || item.price > 1 / 0", of=nobody)
    assert holds("1 / 0 != 1 && item.price != 1 / 0", of=nobody)


def test_a_visitor_of_whom_nothing_is_known_is_new() -> None:
    assert holds("visitor.new && !visitor.returning && !visitor.known && visitor.visits == 0", of=asked())
    first = asked(Profile("someone", {"visits": 1}))
    assert holds("visitor.new && !visitor.returning", of=first)


def test_the_request_itself_says_more_of_device_and_country_than_the_session() -> None:
    class Session:
        device, country, language = "tablet", "fr", "fr-CA"

    class Of(Profile):
        session = Session()  # type: ignore[assignment]  # as it will be, with three members more

    french = 'visitor.device == "tablet" && visitor.country == "FR" && visitor.language == "fr"'
    assert holds(french, of=asked(Of("x", {})))
    assert holds('visitor.country == "DE" && visitor.device == "tablet"', of=asked(Of("x", {}), country="DE"))
    assert holds('visitor.country == "" && visitor.device == null', of=asked(regular()))


def test_time_is_the_shops_own() -> None:
    midnight = NOW - 9 * 3_600_000 - 20 * 60_000  # in Berlin; one hour before, in UTC
    assert holds('time.hour == 0 && time.date == "2026-12-24"', of=asked(now=midnight))
    utc = Asked(Page(), None, midnight)
    assert holds('time.hour == 23 && time.date == "2026-12-23"', of=utc)


def test_new_is_what_the_catalog_says_is_new() -> None:
    assert holds("item.new", SHOE, asked())
    assert not holds("item.new", SHOE, asked(new_since=NOW))
    assert not holds("item.new", HAT, asked())


# ---- one request, many slots ---------------------------------------------------------------------


def test_slots_of_a_request_share_what_was_computed() -> None:
    told: list[int] = []

    def segments() -> frozenset[str]:
        told.append(1)
        return frozenset({"vip"})

    request = asked(regular(), segments=segments)
    condition = parse('"vip" in visitor.segments && slot == "home-hero"')
    answers = [condition.test(request.for_slot(slot), None) for slot in ("home-hero", "home-popular")]
    assert answers == [True, False]
    assert told == [1]


def test_what_a_condition_reads_is_known() -> None:
    condition = parse('"vip" in visitor.segments && item.attributes["color"] == "red" && time.hour < 12')
    assert condition.fields == {"visitor.segments", "item.attributes", "time.hour"}
    assert condition.fields <= FIELDS.keys()
    assert condition.segments == {"vip"}
    assert (condition.reads_item, condition.reads_visitor, condition.reads_time) == (True, True, True)
    assert not condition.reads_page
    assert parse("item.in_cart").sources == {Source.ITEM, Source.VISITOR}
    assert parse("visitor.days_since_last_seen > 3").reads_time
    assert parse("page.item.price > 3").sources == {Source.PAGE}
    assert condition.place_of("vip") == (0, 5)
    assert condition.place_of("other") == (None, None)


def test_a_condition_is_split_by_what_it_reads() -> None:
    split = parse(
        'visitor.visits > 3 && item.price < 50 && (item.in_cart || slot == "x") && item.brand == "Acme"'
    ).split()
    assert split.request is not None
    assert split.item is not None
    assert split.mixed is not None
    assert split.request(REQUESTS[2], None)
    assert [split.item(REQUESTS[0], item) for item in ITEMS] == [True, False, False, False]
    assert [split.mixed(REQUESTS[2], item) for item in ITEMS] == [False, True, False, False]
    whole = parse("item.price < visitor.cart.value || time.hour > 3").split()
    assert (whole.request, whole.item) == (None, None)
    assert parse("item.price < 5").split().mixed is None


def test_matching_finds_the_items_of_a_catalog() -> None:
    test = parse('item.price <= 20 && item.category != "//"').split().item
    assert test is not None
    assert matching(test, ITEMS) == {"hat"}


def mistake_in(text: str) -> ConditionError | None:
    try:
        parse(text)
    except ConditionError as error:
        return error
    return None


# ---- nothing makes it fail -----------------------------------------------------------------------


def check_everywhere(text: str) -> None:
    """It answers in every world, the same when bound to a request and when split."""
    condition = parse(text)
    split = condition.split()
    for request in REQUESTS:
        bound = condition.bind(request)
        narrow = split.narrow(request) if split.narrow is not None else None
        for item in (*ITEMS, None):
            answer = condition.test(request, item)
            assert type(answer) is bool
            if item is None:
                continue
            assert bound(request, item) is answer
            parts = [test(request, item) for test in (split.request, split.item, split.mixed) if test]
            assert all(parts) is answer
            if narrow is not None and split.mixed is not None:
                assert narrow(request, item) is split.mixed(request, item)


@given(writing.texts)
@settings(max_examples=40, deadline=None)
def test_every_right_condition_answers_everywhere_alike(text: str) -> None:
    check_everywhere(text)
    tree = parse(text).tree
    again = write(tree)
    assert parse(again).tree == tree


@given(writing.relations)
@settings(max_examples=40, deadline=None)
def test_what_is_written_out_for_speed_answers_as_the_rest_does(text: str) -> None:
    quick = parse(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(closures, "quick_test", lambda left, operator, value: None)
        plain = parse(text)
    for request in REQUESTS:
        for item in (*ITEMS, None):
            assert plain.test(request, item) is quick.test(request, item)


SIGNS = [
    *('"', "'", "(", ")", "[", "]", "&&", "||", "!", "==", "=", "<", ">=", " in ", ".", ",", "\\", "-", "/"),
    *(" and ", "not ", "“", "null", "true", "1e9", "5", "size(", "lower(", ".contains(", "\n", "é", "\x00"),
    *('"a"', "item.price", "item.attributes", "visitor.segments", "item.", "['a']", '["x"]', "!=", " "),
]


@given(
    st.one_of(
        st.text(max_size=80),
        st.lists(st.sampled_from(SIGNS), max_size=25).map("".join),
        st.tuples(writing.texts, st.integers(0, 60), st.sampled_from(SIGNS)).map(
            lambda one: one[0][: one[1]] + one[2] + one[0][one[1] + 1 :]
        ),
    )
)
@settings(max_examples=40, deadline=None)
def test_any_text_is_a_condition_or_a_mistake_at_its_place(text: str) -> None:
    started = thread_time()
    mistake = mistake_in(text)
    if mistake is None:
        check_everywhere(text)
    else:
        assert 0 <= mistake.position <= len(text)
        assert mistake.length >= 0
        assert mistake.position + mistake.length <= len(text) + 1  # what is missing stands behind the end
        assert mistake.message
        assert mistake.to_public()["position"] == mistake.position
    assert thread_time() - started < 1.0


@pytest.mark.parametrize("other", [None, 3, b"item.price > 3", ["x"], {}])
def test_what_is_no_text_is_no_condition(other: object) -> None:
    with pytest.raises(ConditionError):
        parse(other)  # type: ignore[arg-type]  # as it may come from JSON


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("item.price > 1 || " * 120 + "item.price > 1", "too_long"),
        (" || ".join(["item.new"] * 200), "too_long"),
        ("||".join(["slot==''"] * 70), "too_many_parts"),
        ("(" * (MAX_DEPTH + 1) + "item.new" + ")" * (MAX_DEPTH + 1), "too_deep"),
        ("!" * 500 + "item.new", "too_deep"),
        ("-" * 500 + "item.price > 1", "too_deep"),
        ("1" + "+1" * 100 + " > 0", "too_deep"),
        ("item.name" + '.contains("a")' * 60, "too_deep"),
        (f"item.price in [{','.join(['1'] * (MAX_LIST + 1))}]", "list_too_long"),
        ("item.price > 1e999", "number_too_large"),
        ("item.price > " + "9" * 1900, "number_too_large"),
    ],
)
def test_what_is_too_large_is_refused(text: str, code: str) -> None:
    with pytest.raises(ConditionError) as caught:
        parse(text)
    assert caught.value.code == code


def test_as_much_as_allowed_is_answered_quickly() -> None:
    largest = [
        "||".join(["slot==''"] * (MAX_NODES // 3 - 1)),
        "!" * (MAX_DEPTH - 1) + "item.new",
        f"item.price in [{','.join(['7'] * MAX_LIST)}]",
        " || ".join(f'item.name.contains("{"ab" * 30}{number}")' for number in range(20)),
    ]
    long = Item("long", name="ab" * 500, attributes={"x": "a" * 8_000})
    for text in largest:
        condition = parse(text)
        started = thread_time()
        condition.test(REQUESTS[0], long)
        assert thread_time() - started < 0.01


def test_a_list_of_a_profile_is_read_once_a_request() -> None:
    reads: list[str] = []

    class Counting(Profile):
        @property
        def orders(self) -> OrderSummary:
            reads.append("orders")
            return super().orders

    request = asked(Counting("x", REGULAR))
    condition = parse("visitor.orders.count > 1 && visitor.orders.count < 9")
    assert all(condition.test(request.for_slot(str(slot)), SHOE) for slot in range(5))
    assert reads == ["orders"]
