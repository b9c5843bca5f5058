"""What conditions say of items is asked once, and again of what changed."""

from __future__ import annotations

from habitue_recommender.catalog.catalog import JOURNAL, Catalog
from habitue_recommender.catalog.items import Item
from habitue_recommender.conditions import Asked, Test, parse
from habitue_recommender.rulebook.item_sets import LISTED, ItemSets


class Counted:
    """A condition on items that counts how often it was asked."""

    def __init__(self, text: str) -> None:
        self.asked = 0
        test = parse(text).split().item
        assert test is not None
        self._test = test

    def __call__(self, asked: Asked, item: Item | None) -> bool:
        self.asked += 1
        return self._test(asked, item)


def item(number: int, price: float = 1.0, updated_at: int = 1) -> Item:
    return Item(f"i{number}", price=price, first_seen=number, updated_at=updated_at)


def sets(**tests: Test) -> tuple[ItemSets, dict[str, int]]:
    found = ItemSets()
    return found, found.add(tests)


def test_an_item_is_asked_about_once() -> None:
    cheap = Counted("item.price < 5")
    found, bits = sets(cheap=cheap)
    catalog = Catalog([item(1), item(2, price=9)])
    found.follow(catalog)
    for _ in range(3):
        assert [bool(found.bits(one) & bits["cheap"]) for one in catalog.items.values()] == [True, False]
    assert cheap.asked == 2


def test_one_that_changes_is_asked_about_again_and_the_others_are_not() -> None:
    cheap = Counted("item.price < 5")
    found, bits = sets(cheap=cheap)
    catalog = Catalog(item(number) for number in range(10))
    for _ in found.warming(catalog):
        pass
    assert cheap.asked == 10
    catalog.put(item(3, price=9, updated_at=2))
    found.follow(catalog)
    assert not found.bits(catalog.items["i3"]) & bits["cheap"]
    assert all(found.bits(catalog.items[f"i{number}"]) & bits["cheap"] for number in (2, 4))
    assert cheap.asked == 11


def test_a_new_condition_asks_its_own_question_only() -> None:
    cheap, dear = Counted("item.price < 5"), Counted("item.price > 5")
    found, bits = sets(cheap=cheap)
    catalog = Catalog([item(1), item(2, price=9)])
    for _ in found.warming(catalog):
        pass
    more = found.add({"cheap": cheap, "dear": dear})
    assert more["cheap"] == bits["cheap"]
    assert found.bits(catalog.items["i2"]) & more["dear"]
    assert (cheap.asked, dear.asked) == (2, 1)


def test_a_catalog_that_was_loaded_anew_is_asked_about_where_it_changed() -> None:
    cheap = Counted("item.price < 5")
    found, bits = sets(cheap=cheap)
    for _ in found.warming(Catalog(item(number) for number in range(5))):
        pass
    again = Catalog([*(item(number) for number in range(4)), item(4, price=9, updated_at=2)])
    for _ in found.warming(again):
        pass
    assert not found.bits(again.items["i4"]) & bits["cheap"]
    assert found.bits(again.items["i3"]) & bits["cheap"]
    assert cheap.asked == 6


def test_the_list_of_a_condition_follows_the_catalog() -> None:
    cheap = Counted("item.price < 5")
    found, bits = sets(cheap=cheap)
    catalog = Catalog([item(1), item(2, price=9), item(3)])
    found.follow(catalog)

    def listed() -> list[str]:
        found.follow(catalog)
        return [one.item_id for one in found.matching(bits["cheap"])]

    assert listed() == ["i3", "i1"]
    catalog.put(item(2, updated_at=2))
    catalog.remove("i3", 2)
    assert listed() == ["i2", "i1"]
    catalog.put(item(9, updated_at=2))
    asked = cheap.asked
    assert listed() == ["i9", "i2", "i1"]
    assert cheap.asked <= asked + 1


def test_a_long_list_keeps_the_newest_and_is_filled_again() -> None:
    found, bits = sets(cheap=Counted("item.price < 5"))
    catalog = Catalog(item(number) for number in range(3 * LISTED))
    found.follow(catalog)
    assert len(found.matching(bits["cheap"])) == 2 * LISTED
    for number in range(3 * LISTED - 1, LISTED, -1):
        catalog.remove(f"i{number}", 2)
    found.follow(catalog)
    assert [one.item_id for one in found.matching(bits["cheap"])][:2] == [f"i{LISTED}", f"i{LISTED - 1}"]


def test_a_decision_looks_at_a_part_of_a_large_catalog_and_whoever_has_time_at_all_of_it() -> None:
    rare = Counted("item.price < 5")
    found, bits = sets(rare=rare)
    many = 30_000
    # The newest first; every thousandth is cheap.
    catalog = Catalog(item(number, price=9 if number % 1_000 else 1) for number in range(many))
    found.follow(catalog)
    first = [one.item_id for one in found.matching(bits["rare"])]
    assert 9 <= len(first) <= 11
    assert rare.asked <= 10_200
    for _ in range(3):
        found.matching(bits["rare"])
    assert len(found.matching(bits["rare"])) == 30
    warm, bits = sets(rare=Counted("item.price < 5"))
    steps = sum(1 for _ in warm.warming(catalog, [bits["rare"]]))
    assert steps > many / 2_000
    assert [one.item_id for one in warm.matching(bits["rare"])] == [
        one.item_id for one in found.matching(bits["rare"])
    ]


def test_more_changes_than_are_remembered_are_a_catalog_of_its_own() -> None:
    found, bits = sets(cheap=Counted("item.price < 5"))
    catalog = Catalog(item(number) for number in range(JOURNAL + 10))
    for _ in found.warming(catalog, [bits["cheap"]]):
        pass
    for number in range(JOURNAL + 10):
        catalog.put(item(number, price=9, updated_at=2))
    found.follow(catalog)
    assert found.matching(bits["cheap"]) == []
    assert not found.bits(catalog.items["i0"]) & bits["cheap"]
