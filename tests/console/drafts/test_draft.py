"""What the buttons of a form do, and where mistakes are shown."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from habitue_console.drafts.draft import RULE, Draft
from habitue_recommender.rulebook.mistakes import Mistake

UTC = ZoneInfo("UTC")


def pins(draft: Draft) -> list[dict[str, object]]:
    return draft.tidy().document(UTC)["consequence"].get("pin", [])  # type: ignore[no-any-return]


def three() -> Draft:
    return Draft.read(
        RULE,
        [
            (f"consequence.pin.{n}.{name}", value)
            for n in range(3)
            for name, value in (("item_id", f"i{n}"), ("position", str(n + 1)))
        ],
    )


def test_an_empty_row_is_passed_over_and_the_others_keep_the_documents_numbers():
    draft = Draft.read(
        RULE,
        [
            ("consequence.pin.0.item_id", ""),
            ("consequence.pin.0.position", "1"),
            ("consequence.pin.4.item_id", "sku-1"),
            ("consequence.pin.4.position", "2"),
        ],
    )
    assert pins(draft) == [{"item_id": "sku-1", "position": 2}]
    assert draft.tidy().rows("consequence.pin") == [0]


def test_an_item_pinned_without_a_position_takes_the_next_free_one():
    draft = Draft.read(
        RULE,
        [
            ("consequence.pin.0.item_id", "a"),
            ("consequence.pin.1.item_id", "b"),
            ("consequence.pin.1.position", "1"),
        ],
    )
    assert [pin["position"] for pin in pins(draft)] == [2, 1]


def test_a_row_goes_and_the_later_ones_move_up():
    assert [pin["item_id"] for pin in pins(three().step("drop:consequence.pin.1"))] == ["i0", "i2"]


def test_a_row_moves_and_past_an_end_nothing_changes():
    assert [pin["item_id"] for pin in pins(three().step("up:consequence.pin.2"))] == ["i0", "i2", "i1"]
    assert pins(three().step("up:consequence.pin.0")) == pins(three())
    assert pins(three().step("down:consequence.pin.2")) == pins(three())


def test_a_row_more_is_empty_and_an_item_is_chosen_into_it():
    draft = three().step("add:consequence.fallback").step("choose:consequence.fallback.0=sku-7")
    assert draft.document(UTC)["consequence"]["fallback"] == ["sku-7"]


def test_steps_that_nobody_offers_change_nothing():
    for step in (
        "",
        "add:name",
        "drop:",
        "drop:consequence.pin.x",
        "drop:consequence.pin.99",
        "choose:evil=1",
        "save",
    ):
        assert pins(three().step(step)) == pins(three())


def test_a_mistake_is_shown_at_its_place_and_opens_the_part_it_is_in():
    draft = three().with_mistakes([Mistake("consequence.pin.0.position", "must be 1 or more")])
    assert [one.message for one in draft.wrong("consequence.pin.0.position")] == ["must be 1 or more"]
    assert draft.wrong("consequence.pin") == []
    assert draft.wrong_below("consequence.pin")
    assert not draft.wrong_below("consequence.pi")


def test_what_is_past_all_bounds_is_passed_over():
    draft = Draft.read(RULE, [("name", "x" * 1_000_000), *((f"f{n}", "") for n in range(10_000))])
    assert len(draft.value("name")) == 20_000
    assert len(draft.typed) <= 2_000
