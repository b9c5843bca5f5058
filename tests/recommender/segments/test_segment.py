"""Segments: named sets of visitors, in the order in which they depend on each other."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from time import thread_time
from typing import Any

import pytest
from support.condition_worlds import BERLIN, DAY, NOW, REGULAR, asked

from habitue_collector.profile import Profile
from habitue_recommender.rulebook.mistakes import Mistake, Mistakes
from habitue_recommender.segments.segment import Segment, Segments, parse_segment

REGULAR_ONE = Profile("user:anna", REGULAR)


def segment(segment_id: str, when: str) -> Segment:
    return parse_segment({"id": segment_id, "when": when})


def named(*others: str) -> str:
    return " || ".join(f'"{one}" in visitor.segments' for one in others)


def segments_of(**whens: str) -> tuple[Segments, dict[str, Mistakes]]:
    return Segments.of({one: segment(one, when) for one, when in whens.items()})


def mistakes_in(raw: Any) -> dict[str, Mistake]:
    with pytest.raises(Mistakes) as caught:
        parse_segment(raw)
    return {mistake.field: mistake for mistake in caught.value}


def test_a_segment_is_who_its_condition_holds_for() -> None:
    found, circles = segments_of(
        regular="visitor.orders.count >= 3", rich="visitor.orders.value > 1000", all="true", none="false"
    )
    assert circles == {}
    assert found.of_profile(REGULAR_ONE, NOW) == {"regular", "all"}
    assert found.of_profile(None, NOW) == {"all"}
    assert [one.id for one in found] == ["all", "none", "regular", "rich"]
    assert "rich" in found
    assert len(found) == 4


def test_segments_build_on_segments_whatever_their_names() -> None:
    found, circles = segments_of(
        a=f"({named('b')}) && visitor.known",
        b=named("z", "y"),
        y="visitor.visits > 100",
        z="visitor.orders.count > 0",
        other='!("a" in visitor.segments)',
    )
    assert circles == {}
    assert found.of_profile(REGULAR_ONE, NOW) == {"a", "b", "z"}
    assert found.of_profile(Profile("x", {}), NOW) == {"other"}


def test_a_segment_that_nobody_knows_has_no_members() -> None:
    found, circles = segments_of(a=named("gone"), b='!("gone" in visitor.segments)')
    assert circles == {}
    assert found.of_profile(REGULAR_ONE, NOW) == {"b"}


def test_a_circle_is_a_mistake_and_costs_nobody_else() -> None:
    found, circles = segments_of(
        x=named("y"), y=named("z"), z=f"visitor.known && {named('x')}", asks=named("y"), good="visitor.known"
    )
    assert [one.id for one in found] == ["good"]
    assert circles.keys() == {"x", "y", "z", "asks"}
    (mistake,) = circles["z"]
    assert mistake.message == "The segment names itself: z → x → y → z."
    when = f"visitor.known && {named('x')}"
    assert mistake.position is not None
    assert mistake.length is not None
    assert when[mistake.position : mistake.position + mistake.length] == '"x"'
    assert str(circles["asks"]) == "when: “y” belongs to a circle of segments."


def test_who_names_itself_is_told_at_once() -> None:
    mistakes = mistakes_in({"id": "a", "when": f"visitor.known || {named('a')}"})
    assert mistakes["when"].message == "The segment names itself: a → a."
    assert mistakes["when"].position == 17


@pytest.mark.parametrize(
    ("when", "marked"),
    [
        ("visitor.known && item.price < 5", "item.price"),
        ('page.type == "home" || visitor.known', "page.type"),
        ('slot == "home-hero"', "slot"),
        ("item.in_cart", "item.in_cart"),
        ('visitor.known && "a" in page.item.category', "page.item.category"),
    ],
)
def test_a_segment_is_about_visitors_and_time_only(when: str, marked: str) -> None:
    mistake = mistakes_in({"id": "a", "when": when})["when"]
    assert mistake.position is not None
    assert mistake.length is not None
    assert when[mistake.position : mistake.position + mistake.length] == marked
    assert marked in mistake.message


def test_all_mistakes_of_a_document_are_told_at_once() -> None:
    mistakes = mistakes_in({"id": "Über uns", "name": 3, "when": "visitor.knwn", "wen": "x"})
    assert mistakes.keys() == {"id", "name", "when", "wen"}
    assert mistakes["when"].suggestion == "visitor.known"
    assert mistakes["when"].length == len("visitor.knwn")


@pytest.mark.parametrize("when", [None, "", "   "])
def test_an_empty_segment_is_a_mistake(when: str | None) -> None:
    assert mistakes_in({"id": "a", "when": when}).keys() == {"when"}


@pytest.mark.parametrize("raw", [None, 3, [], "x", {"id": 3, "when": {}}, {"when": "\ud800"}])
def test_what_is_no_document_is_refused_in_words(raw: Any) -> None:
    assert all(mistake.message for mistake in mistakes_in(raw).values())


def test_time_makes_people_enter_and_leave_also_through_others() -> None:
    found, _ = segments_of(
        away="visitor.days_since_last_seen > 30",
        lost='visitor.orders.count > 0 && "away" in visitor.segments',
        known="visitor.known",
    )
    assert [one.id for one in found if found.reads_time(one.id)] == ["away", "lost"]
    assert found.of_profile(REGULAR_ONE, NOW) == {"known"}
    assert found.of_profile(REGULAR_ONE, NOW + 31 * DAY) == {"known", "away", "lost"}


def test_hours_are_those_of_the_shop() -> None:
    found, _ = segments_of(morning="time.hour == 9")
    assert found.of_profile(None, NOW, BERLIN) == {"morning"}
    assert found.of_profile(None, NOW) == set()


def test_a_request_can_say_more_than_the_profile() -> None:
    found, _ = segments_of(german='visitor.country == "DE"')
    request = asked(REGULAR_ONE, country="DE")
    assert found.of_asked(request) == {"german"}
    assert found.of_profile(REGULAR_ONE, NOW) == set()
    assert request.value("visitor.segments") == {"german"}


def test_every_order_of_names_gives_the_same_members() -> None:
    rng = Random(5)
    names = [f"s{number}" for number in range(30)]
    for _ in range(20):
        rng.shuffle(names)
        whens = {names[0]: "visitor.known"} | {
            later: f'"{earlier}" in visitor.segments' for earlier, later in pairwise(names)
        }
        found, circles = segments_of(**whens)
        assert circles == {}
        assert found.of_profile(REGULAR_ONE, NOW) == set(names)
        assert list(found.by_id) == names


@pytest.mark.parametrize("closed", [False, True])
def test_a_thousand_segments_in_a_row_or_a_circle_are_put_in_order_quickly(closed: bool) -> None:
    condition = segment("s0", "visitor.known")
    chain = {"s0": condition} | {f"s{n}": segment(f"s{n}", named(f"s{n - 1}")) for n in range(1, 1_000)}
    if closed:
        chain["s0"] = segment("s0", named("s999"))
    started = thread_time()
    found, circles = Segments.of(chain)
    assert thread_time() - started < 1.0
    assert len(found) == (0 if closed else 1_000)
    assert len(circles) == (1_000 if closed else 0)
