"""What rules do to a decision, and what they never let happen."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.decisions import DAY, NOW, catalog_of, item, model_of, visitor

from habitue_collector import exposures
from habitue_collector.profile import Profile
from habitue_recommender.assignment import share_of
from habitue_recommender.catalog.catalog import Catalog
from habitue_recommender.catalog.items import Item
from habitue_recommender.conditions import Asked
from habitue_recommender.decide import consider, decide
from habitue_recommender.explain.trace import Step, Trace
from habitue_recommender.live import NOTHING_LIVE
from habitue_recommender.offers import Decision
from habitue_recommender.page import Page
from habitue_recommender.rulebook.book import Rulebook
from habitue_recommender.rulebook.rules import Rule
from habitue_recommender.served import ServedModel
from habitue_recommender.settings import RecommenderSettings
from habitue_recommender.slots import Slot, Source

HOME = Page("home")
SETTINGS = RecommenderSettings(timezone="Europe/Berlin")
ABC = ("a", "b", "c", "d", "e", "f")


def book(contents: dict[str, Any] | None = None, **rules: dict[str, Any]) -> Rulebook:
    """A rulebook of these rules; `when` of a rule is its condition's."""
    documents: dict[str, dict[str, Any]] = {"rule": {}, "content": contents or {}}
    for name, said in rules.items():
        when, where = said.pop("when", ""), {name: said.pop(name) for name in ("slots",) if name in said}
        known = {"enabled", "priority", "validity", "share"}
        body = {name: said.pop(name) for name in list(said) if name in known}
        documents["rule"][name.replace("_", "-")] = body | {
            "condition": {"when": when, **where},
            "consequence": said,
        }
    compiled = Rulebook.compile(documents, settings=SETTINGS, version=7)
    assert not compiled.problems, [one.to_public() for one in compiled.problems]
    return compiled


def ask(
    rulebook: Rulebook | None,
    *slots: Slot,
    page: Page = HOME,
    profile: Profile | None = None,
    catalog: Catalog | None = None,
    model: ServedModel | None = None,
    now: int = NOW,
    **more: Any,
) -> list[Decision]:
    return decide(
        slots or (Slot("test", sources=(Source.POPULAR,), size=4),),
        page,
        profile,
        catalog or catalog_of(*ABC),
        model or model_of(ABC, popular=ABC),
        NOTHING_LIVE,
        now,
        SETTINGS,
        rulebook=rulebook,
        clock=lambda: 0.0,
        **more,
    )


def ids(decision: Decision) -> list[str]:
    return [offer.item.item_id for offer in decision.offers]


def pin(item_id: str, position: int) -> dict[str, Any]:
    return {"pin": [{"item_id": item_id, "position": position}]}


# ---- who beats whom --------------------------------------------------------------------------------


def test_of_two_pins_for_one_place_the_greater_priority_has_it_and_the_other_moves_on() -> None:
    [decision] = ask(book(a=pin("e", 1), b={**pin("f", 1), "priority": 1}))
    assert ids(decision) == ["f", "e", "a", "b"]


def test_an_excluded_item_is_not_pinned_and_neither_is_one_out_of_stock() -> None:
    catalog = catalog_of(item("a", availability="out_of_stock"), "b", "c", "d", "e", "f")
    rulebook = book(a=pin("a", 1), b=pin("b", 2), c={"when": "item.item_id == 'b'", "exclude": True})
    [decision] = ask(rulebook, catalog=catalog)
    assert ids(decision) == ["c", "d", "e", "f"]
    assert decision.rules == ("c",)


def test_a_pin_reserves_its_item_for_its_slot() -> None:
    one, two = (Slot(name, sources=(Source.POPULAR,), size=3) for name in ("one", "two"))
    first, second = ask(book(a={**pin("a", 3), "slots": ["two"]}), one, two)
    assert ids(first) == ["b", "c", "d"]
    assert ids(second) == ["e", "f", "a"]


def test_a_boost_and_a_bury_of_the_same_factor_leave_things_as_they_were() -> None:
    plain, both = ask(None)[0], ask(book(a={"boost": 3, "when": "item.item_id == 'd'"},
                                         b={"bury": 3, "when": "item.item_id == 'd'"}))[0]  # fmt: skip
    assert ids(plain) == ids(both)


def test_a_big_boost_passes_what_earlier_sources_bring() -> None:
    model = model_of(ABC, popular=["f", "e"], factors=["a", "b", "c", "d"])
    slot = Slot("test", sources=(Source.FACTORS, Source.POPULAR), size=4)
    person = visitor(views=["z"], earlier={"a": 3})
    [decision] = ask(book(a={"boost": 20, "when": "item.item_id == 'f'"}), slot, profile=person, model=model)
    assert ids(decision) == ["f", "a", "b", "c"]
    assert decision.offers[0].score == 1.0


def test_the_holdout_keeps_what_takes_away_and_misses_what_brings_forward() -> None:
    rulebook = book(
        {"hi": {"kind": "banner", "title": "Hi", "slots": ["test"]}},
        a=pin("f", 1),
        b={"boost": 9, "when": "item.item_id == 'e'"},
        c={"exclude": True, "when": "item.item_id == 'a' && visitor.visits < 5"},
    )
    slot = Slot("test", sources=(Source.POPULAR,), size=4, holdout=1.0)
    [decision] = ask(rulebook, slot, profile=visitor())
    assert decision.holdout
    assert ids(decision) == ["b", "c", "d", "e"]
    assert decision.rules == ("c",)


def test_who_does_not_want_to_be_recognised_is_nobody_to_rules_too() -> None:
    rulebook = book(a={**pin("f", 1), "when": "visitor.visits > 1"}, b={**pin("e", 2), "share": 0.99})
    person = visitor(consents={"personalization": "denied"})
    person.state["visits"] = 9
    [decision] = ask(rulebook, profile=person)
    assert ids(decision) == ["a", "b", "c", "d"]


def test_a_share_is_of_visitors_and_stays_the_same() -> None:
    rulebook = book(a={**pin("f", 1), "share": 0.3})
    people = [visitor(f"v{number}") for number in range(300)]
    pinned = {one.profile_id for one in people if ids(ask(rulebook, profile=one)[0])[0] == "f"}
    assert pinned == {
        one.profile_id for one in people if share_of(SETTINGS.salt, "rule:a", one.profile_id) < 0.3
    }
    assert 60 < len(pinned) < 120


def test_a_filter_that_the_sources_have_too_little_of_is_filled_from_the_catalog() -> None:
    catalog = catalog_of(*(item(f"i{number}", brand="X" if number >= 90 else "Y") for number in range(99)))
    popular = [f"i{number}" for number in range(91)]
    model = model_of([f"i{number}" for number in range(99)], popular=popular)
    slot = Slot("test", sources=(Source.POPULAR,), size=6, fallback=False)
    [decision] = ask(
        book(a={"filter": True, "when": "item.brand == 'X'"}), slot, catalog=catalog, model=model
    )
    assert ids(decision)[0] == "i90"
    assert len(decision.offers) == 6
    assert {offer.item.brand for offer in decision.offers} == {"X"}


def test_what_rules_leave_empty_says_so() -> None:
    [decision] = ask(book(a={"exclude": True}))
    public = decision.to_public()
    assert (public["offers"], public["reason"]) == ([], "all_excluded")
    assert public["decision_id"]


def test_the_log_names_the_rules_that_did_something() -> None:
    rulebook = book(
        a=pin("e", 1),
        b={"exclude": True, "when": "item.item_id == 'a'"},
        c={"exclude": True, "when": "item.item_id == 'nothing'"},
        d={**pin("f", 1), "when": "visitor.visits > 100"},
    )
    record = ask(rulebook, profile=visitor())[0].to_record()
    assert record["rules"] == ["a", "b"]
    assert record["rulebook"] == 7


def test_an_empty_rulebook_changes_nothing() -> None:
    assert ask(book())[0].offers == ask(None)[0].offers


def test_a_rule_about_a_segment_reads_who_is_in_it() -> None:
    documents = {
        "segment": {"often": {"when": "visitor.visits >= 3"}},
        "rule": {"a": {"condition": {"when": '"often" in visitor.segments'}, "consequence": pin("f", 1)}},
    }
    rulebook = Rulebook.compile(documents, settings=SETTINGS)
    regular = visitor()
    regular.state["visits"] = 3
    assert ids(ask(rulebook, profile=regular)[0])[0] == "f"
    assert ids(ask(rulebook, profile=visitor())[0])[0] == "a"


# ---- contents --------------------------------------------------------------------------------------


def test_of_two_contents_for_one_place_the_next_has_its_turn_when_the_first_was_seen_enough() -> None:
    contents = {
        "first": {
            **{"kind": "banner", "title": "First", "slots": ["test"], "priority": 1},
            "cap": {"impressions": 2, "days": 7},
        },
        "second": {"kind": "message", "text": "Second", "slots": ["test"]},
    }
    assert ids(ask(book(contents))[0]) == ["content:first", "a", "b", "c"]
    tired = visitor(seen={"content:first": (2, 1_000)})
    assert ids(ask(book(contents), profile=tired)[0]) == ["content:second", "a", "b", "c"]


def test_a_content_and_a_pin_for_one_place_stand_beside_each_other() -> None:
    contents = {"hi": {"kind": "banner", "title": "Hi", "slots": ["test"], "position": 2}}
    [decision] = ask(book(contents, a=pin("f", 2)))
    assert ids(decision) == ["a", "content:hi", "f", "b"]


def test_a_content_stands_once_on_a_page() -> None:
    contents = {"hi": {"kind": "banner", "title": "Hi", "slots": ["one", "two"]}}
    one, two = (Slot(name, sources=(Source.POPULAR,), size=2) for name in ("one", "two"))
    assert [ids(decision)[0] for decision in ask(book(contents), one, two)] == ["content:hi", "b"]


def test_a_slot_without_sources_shows_contents_alone() -> None:
    contents = {"hi": {"kind": "message", "title": "Hi", "slots": ["test"]}}
    [decision] = ask(book(contents), Slot("test", size=1, fallback=False))
    assert ids(decision) == ["content:hi"]


# ---- schedules -------------------------------------------------------------------------------------


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin")).timestamp() * 1_000)


@pytest.mark.parametrize(
    ("validity", "inside", "outside"),
    [
        ({"hours": ["08:00", "20:00"]}, "2026-07-01T08:00", "2026-07-01T07:59"),
        ({"hours": ["08:00", "20:00"]}, "2026-12-01T19:59", "2026-12-01T20:00"),
        ({"weekdays": ["sat"]}, "2026-11-21T00:00", "2026-11-22T00:00"),
        ({"weekdays": ["fri"], "hours": ["22:00", "06:00"]}, "2026-11-21T05:59", "2026-11-20T05:59"),
        ({"from": "2026-11-22T10:00:00+01:00"}, "2026-11-22T10:00", "2026-11-22T09:59"),
        ({"until": "2026-11-22T10:00:00Z"}, "2026-11-22T10:59", "2026-11-22T11:00"),
    ],
)
def test_a_schedule_is_of_the_shops_clock(validity: dict[str, Any], inside: str, outside: str) -> None:
    rulebook = book(a={**pin("f", 1), "validity": validity})
    assert ids(ask(rulebook, now=at(inside))[0])[0] == "f"
    assert ids(ask(rulebook, now=at(outside))[0])[0] == "a"


# ---- whoever watches -------------------------------------------------------------------------------


def test_a_watched_decision_is_the_same_and_tells_what_each_rule_did() -> None:
    rulebook = book(
        a=pin("e", 2),
        b={"exclude": True, "when": "item.item_id == 'a'"},
        c={"boost": 2, "when": "item.item_id == 'd'"},
        d={"cap": {"impressions": 1, "days": 7}, "when": "item.item_id == 'c'"},
    )
    person = visitor(seen={"c": (1, 1_000)})
    trace = Trace()
    slot = Slot("test", sources=(Source.POPULAR,), size=4)
    [(watched, _)] = consider(
        [slot],
        HOME,
        person,
        catalog_of(*ABC),
        model_of(ABC, popular=ABC),
        NOTHING_LIVE,
        NOW,
        SETTINGS,
        rulebook=rulebook,
        trace=trace,
        clock=lambda: 0.0,
    )
    assert ids(watched) == ids(ask(rulebook, profile=person)[0])
    told = {
        (note.item_id, note.data["rule"], note.data.get("effect")) for note in trace.of("test", Step.RULE)
    }
    assert told == {("e", "a", "pin"), ("a", "b", "exclude"), ("d", "c", "boost")}
    assert {note.item_id for note in trace.of("test", Step.CAP)} == {"c"}
    assert [note.item_id for note in trace.of("test", Step.CHOSEN)] == ids(watched)


# ---- properties ------------------------------------------------------------------------------------

NAMES = [f"i{number}" for number in range(24)]
BRANDS, CATEGORIES = ["", "X", "Y", "Z"], ["", "A", "A/B", "A/C", "D"]
PAST, SOON = "2026-05-01T00:00:00+02:00", "2026-12-01T00:00:00+01:00"  # NOW is a day in May 2026
names = st.sampled_from([*NAMES, "stranger"])
made_items = st.builds(
    item,
    names,
    group_id=st.sampled_from([None, None, None, "g"]),
    availability=st.sampled_from(["in_stock", "in_stock", "in_stock", "out_of_stock"]),
    category=st.sampled_from(CATEGORIES),
    brand=st.sampled_from(BRANDS),
    price=st.sampled_from([None, 5.0, 10.0, 50.0]),
)
catalogs = st.lists(made_items, min_size=4, max_size=24, unique_by=lambda one: one.item_id).map(Catalog)
some = st.lists(names, max_size=20, unique=True)
models = st.builds(model_of, st.just([*NAMES, "stranger"]), popular=some, factors=some, neighbours=some)
people = st.none() | st.builds(
    visitor,
    st.sampled_from(["v1", "v2", "v3"]),
    views=st.lists(names, max_size=3, unique=True),
    carts=st.lists(names, max_size=2, unique=True),
    seen=st.dictionaries(names, st.tuples(st.integers(1, 9), st.integers(0, 9 * DAY)), max_size=6),
)
pages = st.builds(Page, st.sampled_from(["home", "product"]), st.none() | names)
expressions = st.sampled_from(
    [
        *("item.brand == 'X'", "item.price < 20", "'A' in item.category", "item.price >= 10"),
        *("item.brand != page.item.brand", "item.viewed || item.brand == 'Y'", "item.shown > 2"),
        *("visitor.page_views < 99 && item.brand == 'Z'", "page.type == 'home' && item.price > 5"),
        *("slot == 'one' && 'D' in item.category", "visitor.known && item.brand == 'X'"),
    ]
)
limits = st.dictionaries(st.sampled_from(["brand", "category"]), st.integers(1, 3), min_size=1)
about_items = st.one_of(
    st.fixed_dictionaries({"boost": st.sampled_from([1.2, 3, 50])}),
    st.fixed_dictionaries({"bury": st.sampled_from([1.2, 3, 50])}),
    st.just({"exclude": True}),
    st.just({"filter": True}),
    st.just({"include": True}),
    st.fixed_dictionaries({"limit": limits}),
    st.fixed_dictionaries(
        {"cap": st.fixed_dictionaries({"impressions": st.integers(1, 5), "days": st.integers(1, 7)})}
    ),
    st.just({"in_cart": "never"}),
    st.fixed_dictionaries(
        {"same": st.lists(st.sampled_from(["category", "brand", "price_band"]), min_size=1, unique=True)}
    ),
    st.just({"different": ["brand"]}),
)
pins = st.lists(
    st.fixed_dictionaries({"item_id": names, "position": st.integers(1, 6)}),
    min_size=1,
    max_size=3,
    unique_by=(lambda one: one["item_id"], lambda one: one["position"]),
)
without_items = st.one_of(
    st.fixed_dictionaries({"pin": pins}),
    st.fixed_dictionaries({"include": st.lists(names, min_size=1, max_size=4, unique=True)}),
    st.fixed_dictionaries({"fallback": st.lists(names, min_size=1, max_size=4, unique=True)}),
    st.fixed_dictionaries({"limit": limits}),
)
validities = st.sampled_from(
    [{}, {}, {}, {"until": PAST}, {"from": SOON}, {"weekdays": ["mon"]}, {"hours": ["00:00", "24:00"]}]
)
made_rules = st.builds(
    lambda when, does, validity, share, slots, priority: {
        "condition": {"when": when, "slots": slots},
        "consequence": does,
        "validity": validity,
        "share": share,
        "priority": priority,
    },
    *(expressions, about_items, validities),
    *(st.sampled_from([1.0, 1.0, 0.5]), st.sampled_from([[], [], ["one"]]), st.integers(0, 2)),
) | st.builds(
    lambda does, slots: {"consequence": does, "condition": {"slots": slots}},
    without_items,
    st.sampled_from([[], ["two"]]),
)
made_slots = st.tuples(
    *(
        st.builds(
            Slot,
            st.just(name),
            sources=st.lists(
                st.sampled_from([Source.POPULAR, Source.FACTORS, Source.SESSION_NEIGHBOURS]),
                min_size=1,
                unique=True,
            ).map(tuple),
            size=st.integers(1, 8),
            fallback=st.booleans(),
            diversity=st.sampled_from([0.0, 0.3]),
            max_per_brand=st.sampled_from([0, 0, 3]),
            holdout=st.sampled_from([0.0, 0.0, 1.0]),
        )
        for name in ("one", "two")
    )
)


@dataclass
class Held:
    """A rule as this test understands it: what it means here, by the whole condition of each item."""

    rule: Rule
    asked: Asked

    def means(self, one: Item) -> bool:
        return self.rule.condition is None or self.rule.condition.test(self.asked, one)


def in_force(
    rulebook: Rulebook, slot: Slot, page: Page, person: Profile | None, catalog: Catalog
) -> list[Held]:
    viewed = catalog.get(page.item_id) if page.item_id else None
    asked = Asked(page, person, NOW, slot=slot.id, viewed=viewed, zone=ZoneInfo("Europe/Berlin"))
    local = datetime.fromtimestamp(NOW / 1_000, ZoneInfo("Europe/Berlin"))
    held = []
    for rule in rulebook.rules.values():
        when = rule.validity
        if (when.since is not None and when.since > NOW) or (when.until is not None and when.until <= NOW):
            continue
        if when.weekdays and local.weekday() not in when.weekdays:
            continue
        if rule.slots and slot.id not in rule.slots:
            continue
        if rule.share < 1 and (
            person is None or share_of(b"", f"rule:{rule.id}", person.profile_id) >= rule.share
        ):
            continue
        request = rule.condition.split().request if rule.condition is not None else None
        if request is None or request(asked, None):
            held.append(Held(rule, asked))
    return held


def check(
    slots: tuple[Slot, ...],
    page: Page,
    person: Profile | None,
    catalog: Catalog,
    model: ServedModel,
    rules: list[dict[str, Any]],
) -> None:
    documents = {"rule": {f"r{number}": rule for number, rule in enumerate(rules)}}
    rulebook = Rulebook.compile(documents, settings=SETTINGS)
    decisions = ask(rulebook, *slots, page=page, profile=person, catalog=catalog, model=model)
    again = ask(rulebook, *slots, page=page, profile=person, catalog=catalog, model=model)
    assert [ids(one) for one in decisions] == [ids(one) for one in again]
    groups = Counter(offer.item.group for one in decisions for offer in one.offers)
    assert max(groups.values(), default=1) == 1
    for slot, decision in zip(slots, decisions, strict=True):
        offers = [offer.item for offer in decision.offers]
        assert len(offers) <= slot.size
        held = in_force(rulebook, slot, page, person, catalog)
        never_violated(decision, offers, held, page, person, catalog)
        pinned(decision, slot, held)
        assert set(decision.rules) <= {one.rule.id for one in held}


def never_violated(
    decision: Decision,
    offers: list[Item],
    held: list[Held],
    page: Page,
    person: Profile | None,
    catalog: Catalog,
) -> None:
    viewed = catalog.get(page.item_id) if page.item_id else None
    cart = {catalog.items[one].group for one in (person.cart if person else {}) if one in catalog.items}
    for one in offers:
        assert one.buyable
        assert one.item_id != page.item_id
        assert decision.holdout or one.group not in cart
        for rule in held:
            does, means = rule.rule.consequence, rule.means(one)
            assert not (does.exclude and means), f"{one.item_id} is excluded by {rule.rule.id}"
            assert not (does.filter and not means), f"{one.item_id} is filtered by {rule.rule.id}"
            assert not (does.in_cart_never and means and one.group in cart)
            if does.cap is not None and means and person is not None:
                seen = person.exposures.get(one.item_id)
                assert (
                    seen is None
                    or seen.count < does.cap.impressions
                    or seen.last <= NOW - does.cap.days * DAY + 3_600_000
                )
            if viewed is not None and means and viewed.brand:
                assert "brand" not in does.same or one.brand == viewed.brand
                assert "brand" not in does.different or one.brand != viewed.brand
            if viewed is not None and means and viewed.category and "category" in does.same:
                assert one.category == viewed.category or one.category.startswith(viewed.category + "/")
    for rule in held:
        does = rule.rule.consequence
        meant = [one for one in offers if rule.means(one)]
        if does.per_brand:
            assert max(Counter(one.brand for one in meant if one.brand).values(), default=0) <= does.per_brand
        if does.per_category:
            counts = Counter(one.category for one in meant if one.category)
            assert max(counts.values(), default=0) <= does.per_category


def pinned(decision: Decision, slot: Slot, held: list[Held]) -> None:
    """What is pinned and shown stands at its place, or behind it where another pin was first."""
    wanted: dict[str, int] = {}
    for one in held:
        for place in one.rule.consequence.pins:
            wanted[place.item_id] = min(place.position, wanted.get(place.item_id, place.position))
    order = [offer.item.item_id for offer in decision.offers]
    sources = [offer.source.value for offer in decision.offers]
    for position, (item_id, source) in enumerate(zip(order, sources, strict=True), 1):
        if source != "pinned":
            continue
        assert not decision.holdout
        before = sources[: position - 1]
        if position < wanted[item_id]:  # there was not enough to put before it
            assert "pinned" in sources[position:] or position == len(order) or len(order) < slot.size
        else:
            taken = before[wanted[item_id] - 1 :]
            assert set(taken) <= {"pinned"}, "something that is not pinned stands in a pin's place"


scenes = st.tuples(made_slots, pages, people, catalogs, models, st.lists(made_rules, min_size=1, max_size=7))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(scenes)
def test_whatever_rules_and_catalogs_come_no_rule_is_violated(scene: Any) -> None:
    check(*scene)


@pytest.mark.long
@pytest.mark.timeout(7_200)  # ten minutes of a core; more of one that is shared
@settings(max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(scenes)
def test_in_ten_thousand_shops_no_rule_is_violated(scene: Any) -> None:
    check(*scene)


def lifted_stay_in_front(
    catalog: Catalog, model: ServedModel, when: str, factor: float, effect: str, size: int
) -> None:
    """Only what is boosted overtakes, only what is buried is overtaken."""
    slot = Slot("test", sources=(Source.POPULAR, Source.FACTORS), size=size, fallback=False)
    person = visitor(views=["stranger"])
    rulebook = book(a={effect: factor, "when": when})
    [plain] = ask(None, slot, profile=person, catalog=catalog, model=model)
    [ruled] = ask(rulebook, slot, profile=person, catalog=catalog, model=model)
    condition = rulebook.rules["a"].condition
    assert condition is not None
    asked = Asked(HOME, person, NOW, slot="test")
    before, after = ids(plain), ids(ruled)
    place = {one: number for number, one in enumerate(before)}
    lifted = {one: condition.test(asked, catalog.items[one]) for one in {*before, *after}}
    last = len(before)
    # Everything that now stands behind another that it stood before; what is gone stands behind all.
    overtaken = [
        (one, other)
        for number, one in enumerate(after)
        for other in (*after[number + 1 :], *(set(before) - set(after)))
        if place.get(other, last) < place.get(one, last)
    ]
    for one, other in overtaken:
        assert lifted[one] if effect == "boost" else lifted[other]


# What two sources bring is known by its place in the first: one list, so that nothing else moves.
ranked = st.permutations(NAMES).flatmap(
    lambda order: st.integers(4, 24).map(lambda n: model_of(NAMES, popular=order[:n], factors=order[n:]))
)
lifts = st.tuples(
    # Each a thing of its own: of two alike the second stands behind all others.
    st.lists(
        st.tuples(st.sampled_from(BRANDS), st.sampled_from([None, 5.0, 50.0])), min_size=8, max_size=24
    ).map(
        lambda kinds: Catalog(
            item(f"i{number}", name="", brand=brand, price=price)
            for number, (brand, price) in enumerate(kinds)
        )
    ),
    ranked,
    st.sampled_from(
        ["item.brand == 'X'", "item.price < 20", "item.brand == visitor.traits['x'] || item.price > 5"]
    ),
    st.sampled_from([1.1, 2.0, 30.0]),
    st.sampled_from(["boost", "bury"]),
    st.integers(1, 10),
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lifts)
def test_what_is_boosted_only_rises_and_what_is_buried_only_falls(scene: Any) -> None:
    lifted_stay_in_front(*scene)


@pytest.mark.long
@pytest.mark.timeout(7_200)  # ten minutes of a core; more of one that is shared
@settings(max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lifts)
def test_in_ten_thousand_shops_a_boost_never_lowers_and_a_bury_never_lifts(scene: Any) -> None:
    lifted_stay_in_front(*scene)


# ---- caps of who sees hundreds of offers -----------------------------------------------------------


def test_a_cap_holds_for_who_has_seen_hundreds_of_offers_since() -> None:
    names = [f"i{number}" for number in range(120)]
    catalog, model = catalog_of(*names), model_of(names, popular=names)
    person = visitor()
    for name in names[:100]:
        for _ in range(3):
            exposures.touch(person.state, name, NOW // 1_000 - 5 * DAY // 1_000)
    contents = {
        "hi": {
            **{"kind": "banner", "title": "Hi", "slots": ["test"]},
            "cap": {"impressions": 3, "days": 30},
        }
    }
    exposures.touch(person.state, "content:hi", NOW // 1_000)
    person.state["exposures"]["content:hi"] = {"last": NOW // 1_000 - 9_000, "count": 3}
    for number in range(40):
        exposures.touch(person.state, f"other-{number}", NOW // 1_000)
    slot = Slot("test", sources=(Source.POPULAR,), size=10)
    capped = book(contents, a={"cap": {"impressions": 3, "days": 30}})
    [decision] = ask(capped, slot, profile=person, catalog=catalog, model=model)
    assert ids(decision) == names[100:110]
    assert decision.drops["capped"] == 100
    [narrow] = ask(
        book(a={"cap": {"impressions": 3, "days": 30}, "when": "item.item_id == 'i1' || item.shown > 9"}),
        slot,
        profile=person,
        catalog=catalog,
        model=model,
    )
    assert ids(narrow) == ["i0", *names[2:11]]
    for short in ({"impressions": 4, "days": 30}, {"impressions": 3, "days": 3}):
        [free] = ask(book(a={"cap": short}), slot, profile=person, catalog=catalog, model=model)
        assert ids(free) == names[:10]
    [asked] = ask(
        book(a={"exclude": True, "when": "item.shown >= 3"}),
        slot,
        profile=person,
        catalog=catalog,
        model=model,
    )
    assert ids(asked) == names[100:110]
