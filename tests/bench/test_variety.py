"""The figures of variety, where the right answer can be seen, and once over a small shop."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import variety
from bench.model_scale import Shape
from habitue_recommender.catalog.items import Item
from habitue_recommender.slots import DEFAULT_SLOTS


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [("A/B", "A/B", 0.0), ("A/B", "A/C", 0.5), ("A/B", "C/B", 1.0), ("A", "A/B", 0.5)],
)
def test_offers_are_as_far_apart_as_their_categories(one: str, other: str, distance: float) -> None:
    assert variety._distance(Item("1", category=one), Item("2", category=other)) == distance


def test_without_means_that_nothing_mixes_a_slot() -> None:
    for name, slot in variety.plain(DEFAULT_SLOTS).items():
        assert (slot.diversity, slot.rotation, slot.novelty, slot.new_share) == (0, 0, 0, 0)
        assert slot.sources == DEFAULT_SLOTS[name].sources


def test_what_was_shown_and_ignored_comes_back_less_often_than_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(variety, "SHAPE", Shape(1_000, 10_000))
    monkeypatch.setattr(variety, "MODELS", ("neighbours", "item_item", "factors", "popular"))
    shop = variety.shop(tmp_path)
    catalog = len(shop.catalog.items)
    slots = {"home-hero": DEFAULT_SLOTS["home-hero"]}
    mixed = variety.run(shop, slots, 5, 4)["home-hero"].row(catalog)
    plain = variety.run(shop, variety.plain(slots), 5, 4)["home-hero"].row(catalog)
    assert mixed[3] < plain[3], "repeated"
    assert mixed[2] > plain[2], "coverage"
