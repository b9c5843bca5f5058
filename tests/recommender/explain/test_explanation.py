"""An explanation tells the decision that is answered, each step in plain words."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from support.decisions import DAY, NOW, catalog_of, item, model_of, visitor
from support.floors import SETTINGS, book, recommender_of, rule

from habitue_collector.profile import Profile
from habitue_recommender.decide import decide
from habitue_recommender.explain import sayings
from habitue_recommender.explain.explanation import Explanation, explain
from habitue_recommender.explain.sayings import Saying
from habitue_recommender.live import NOTHING_LIVE
from habitue_recommender.page import Page
from habitue_recommender.rulebook.book import Rulebook

IDS = [f"i{number}" for number in range(24)]
CATALOG = catalog_of(
    *(
        item(
            one,
            category="Shoes/Trail" if number % 2 else "Tents",
            brand=f"B{number % 4}",
            availability="out_of_stock" if number == 3 else "in_stock",
        )
        for number, one in enumerate(IDS)
    )
)
RECOMMENDER = recommender_of(CATALOG, model_of(IDS, neighbours=IDS[2:12], popular=IDS))
HOME = Page("home")


def told(
    rulebook: Rulebook,
    slot: str = "home-hero",
    profile: Profile | None = None,
    page: Page = HOME,
    **more: Any,
) -> Explanation:
    [one] = explain([slot], page, profile, recommender=RECOMMENDER, rulebook=rulebook, now=NOW, **more)
    return one


def lines(explanation: Explanation, step: str) -> list[str]:
    [part] = [part for part in explanation.parts if part.step == step]
    return [f"{line.item_id or ''} {line.said.text()}".strip() for line in part.lines]


def about(explanation: Explanation, item_id: str) -> str:
    return "; ".join(said.text() for said in explanation.about(item_id))


def test_it_is_the_decision_that_would_be_answered() -> None:
    rulebook = book({"up": rule({"boost": 3}, 'item.brand == "B2"')})
    anna = visitor(views=["i1", "i5"])
    slots = [rulebook.slots["home-hero"], rulebook.slots["home-popular"]]
    answered = decide(
        slots, HOME, anna, CATALOG, RECOMMENDER.model, NOTHING_LIVE, NOW, SETTINGS, rulebook=rulebook
    )
    explained = explain(
        [slot.id for slot in slots], HOME, anna, recommender=RECOMMENDER, rulebook=rulebook, now=NOW
    )
    assert [one.decision.offers for one in explained] == [one.offers for one in answered]


def test_it_says_where_candidates_come_from_and_what_was_not_needed() -> None:
    found = lines(told(book(), profile=visitor(views=["i1"])), "candidates")
    assert "9 from: visits like this one" in found
    assert "Nothing from: long-term taste" in found
    alone = lines(
        told(book(slots={"home-popular": {"max_per_category": 0, "rotation": 0}}), "home-popular"),
        "candidates",
    )
    assert "Nothing from: popular right now" in alone
    assert "Not needed: new items" in alone


def test_it_says_why_something_cannot_be_offered() -> None:
    anna = visitor(views=["i1"], carts=["i4"], bought={"i6": (1, DAY)}, seen={"i8": (20, 1_000)})
    explained = told(book(), profile=anna)
    found = lines(explained, "dropped")
    assert "i3 out of stock" in found
    assert "i4 already in the cart" in found
    assert "i6 bought a short while ago" in found
    assert "i8 shown often enough: it rests" in found
    assert "1 of them: out of stock" in found
    assert about(explained, "i3") == "out of stock"
    assert about(explained, "nothing") == "The catalog has no such item"


def test_it_says_which_rule_did_what() -> None:
    rulebook = book(
        {
            "pin": rule({"pin": [{"item_id": "i20", "position": 2}]}, name="Autumn {sale}"),
            "up": rule({"boost": 4}, 'item.brand == "B2"', name="More of B2"),
            "out": rule({"exclude": True}, 'item.brand == "B1"', name="No B1"),
            "few": rule({"limit": {"category": 2}}, name="Few tents"),
        }
    )
    explained = told(rulebook, profile=visitor(views=["i23"]))
    found = "\n".join(lines(explained, "rule"))
    assert "i20 “Autumn {sale}” puts it at place 2" in found
    assert "“More of B2” lifts it: times 4" in found
    assert "i5 “No B1” takes it out" in found
    assert "“Few tents” allows no more of this category" in found
    assert explained.places[1].offer.item.item_id == "i20"
    assert "“Autumn {sale}” puts it at place 2" in [said.text() for said in explained.places[1].story]
    assert "“No B1” takes it out" in about(explained, "i5")


def test_each_place_tells_its_way() -> None:
    explained = told(book(), profile=visitor(views=["i1"]))
    first = explained.places[0]
    told_first = [said.text() for said in first.story]
    assert told_first[0].startswith("No. ")
    assert "visits like this one" in told_first[0]
    assert told_first[-1] == f"Place 1: {first.because.text()}"
    assert first.because.text() == "Chosen by visitors who looked at the same things"


def test_who_is_not_personalised_is_told() -> None:
    none = told(book())
    assert lines(none, "who")[0].startswith("Nothing is known")
    denied = told(book(), profile=visitor(views=["i1"], consents={"personalization": "denied"}))
    assert lines(denied, "who")[0].startswith("This visitor does not want")
    held = told(book(slots={"home-hero": {"holdout": 1.0}}), profile=visitor(views=["i1"]))
    assert "holdout of 100 %" in lines(held, "who")[0]
    known = told(book(segments={"lookers": "size(visitor.viewed) > 0"}), profile=visitor(views=["i1"]))
    assert lines(known, "who") == ["Offers follow what is known of this visitor", "In the segments lookers"]


def test_what_lost_and_what_never_came_is_told_apart() -> None:
    explained = told(book(), "home-popular", page=HOME)
    shown = {place.offer.item.item_id for place in explained.places}
    never = told(book(), "home-recent", profile=visitor(views=["i1"]))
    assert "No source brought it" in about(never, "i9")
    hidden = [one for one in IDS if one not in shown and one != "i3"]
    assert all(about(explained, one) for one in hidden)


def test_an_unknown_slot_and_one_that_is_off_say_so() -> None:
    assert about(told(book(), "nowhere"), "i1") == "There is no slot of this name"
    off = told(book(slots={"home-hero": {"enabled": False}}))
    assert [line.said.text() for line in off.parts[0].lines] == ["This slot is switched off"]
    assert off.places == ()


def test_in_another_language_the_sentences_are_asked_for_with_their_gaps() -> None:
    asked: list[str] = []

    def translate(sentence: str) -> str:
        asked.append(sentence)
        return f"<{sentence}>"

    public = told(book(), profile=visitor(views=["i1"])).to_public(translate)
    assert "Place {position}: {reason}" in asked
    assert "visits like this one" in asked
    assert public["parts"][0]["title"] == "<Who is asked for>"


def test_no_sentence_holds_a_bare_per_cent_sign() -> None:
    """gettext would take it for a gap of its own."""
    words = [value for value in vars(sayings).values() if isinstance(value, str) and value.endswith("}")]
    tables = (sayings.SOURCES, sayings.DROPS, sayings.EFFECTS, sayings.PASSED)
    words += [sentence for table in tables for sentence in table.values()]
    words += [value for name, value in vars(sayings).items() if name.isupper() and isinstance(value, str)]
    assert len(words) > 60
    assert [word for word in words if "%" in word] == []


@given(st.text(max_size=40))
@settings(max_examples=50, deadline=None)
def test_a_name_with_gaps_in_it_is_a_name(name: str) -> None:
    assert Saying("a {rule} b", {"rule": name}).text() == f"a {name} b"
