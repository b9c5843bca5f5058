"""What is alike by what the catalog says."""

from __future__ import annotations

import pytest
from support.decisions import NOW, catalog_of, item, model_of, visitor

from habitue_recommender.candidates import Candidates
from habitue_recommender.catalog.alike import family, grams, likeness
from habitue_recommender.catalog.catalog import Catalog
from habitue_recommender.live import NOTHING_LIVE
from habitue_recommender.page import Page
from habitue_recommender.settings import RecommenderSettings
from habitue_recommender.slots import Source
from habitue_recommender.visitor import Visitor

TEA = item("tea", name="Green Tea with Jasmine", category="Drinks/Tea", brand="Leaf", price=4.0)


def test_likeness_grows_with_name_category_brand_and_price() -> None:
    worse = [
        item("1", name="Green Teas with Jasmin", category="Drinks/Tea", brand="Leaf", price=4.2),
        item("2", name="Green Tea with Mint", category="Drinks/Tea", brand="Leaf", price=4.2),
        item("3", name="Green Tea with Mint", category="Drinks/Coffee", brand="Leaf", price=4.2),
        item("4", name="Green Tea with Mint", category="Drinks/Coffee", brand="Bean", price=40.0),
        item("5", name="Garden Chair", category="Garden/Chairs", brand="Oak", price=90.0),
    ]
    found = [likeness(TEA, one) for one in worse]
    assert found == sorted(found, reverse=True)
    assert len(set(found)) == len(found)
    assert likeness(TEA, TEA) == pytest.approx(1.0)
    assert all(0.0 <= value <= 1.0 for value in found)


def test_names_of_every_language_are_compared() -> None:
    assert len(grams("緑茶 ジャスミン") & grams("緑茶 ミント")) > 1
    assert grams("") == frozenset({"  "}) - {"  "}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Baked Beans, 15.5 oz", "Baked Beans, 28 oz", True),
        ("Trail Shirt XL", "Trail Shirt XXL", True),
        ("Cola 6 x 330 ml", "Cola 330ml", False),
        ("Milk 1,5 l", "Milk 1l", True),
        ("Phone 14", "Phone 15", False),
        ("Vitamin C", "Vitamin D", False),
        ("12 oz", "28 oz", False),
        ("Kleid Anna, Größe M", "Kleid Anna, Größe L", True),
        ("Košile Slim vel. 42", "Košile Slim vel. 44", True),
        ("Jajka wolne 6 szt.", "Jajka wolne 10 szt.", True),
        ("Camiseta talla S", "Camiseta talla XL", True),
        ("Молоко 1 л", "Молоко 0,5 л", True),
        ("Hats of all sizes", "Hats of all", False),
        ("Grande Tasse 42", "Grande Tasse 44", False),
    ],
)
def test_sizes_and_amounts_make_no_other_thing(one: str, other: str, same: bool) -> None:
    assert (family(one) == family(other)) is same


def gather(page: Page, catalog: Catalog, profile=None) -> Candidates:
    seen = Visitor.of(profile) if profile else Visitor()
    return Candidates(page, seen, catalog, model_of(["old"]), NOTHING_LIVE, NOW, RecommenderSettings())


def test_an_item_is_found_by_its_likeness_as_soon_as_the_catalog_knows_it() -> None:
    catalog = catalog_of(TEA, *(item(f"o{n}", name=f"Mug {n}", category="Drinks/Tea") for n in range(9)))
    page = Page("product", "tea")
    assert "new" not in [one.item_id for one in gather(page, catalog).pool(Source.SIMILAR).items]
    catalog.put(
        item("new", name="Green Tea with Rose", category="Drinks/Tea", first_seen=NOW, updated_at=NOW)
    )
    candidates = gather(page, catalog)
    assert candidates.pool(Source.SIMILAR).items[0].item_id == "new"
    assert (
        candidates.reason(Source.SIMILAR, catalog.items["new"]).text() == "Similar to Green Tea with Jasmine"
    )
    assert candidates.fresh().whole()[0][0].item_id == "new"


def test_without_a_page_it_is_what_was_touched_last_that_counts() -> None:
    catalog = catalog_of(
        TEA,
        item("rose", name="Green Tea with Rose", category="Drinks/Tea"),
        item("pan", name="Iron Pan", category="Kitchen"),
        item("pot", name="Iron Pot", category="Kitchen"),
    )
    candidates = gather(Page("home"), catalog, visitor(views=["tea", "pan"]))
    assert [one.item_id for one in candidates.pool(Source.SIMILAR).items][:2] == ["pot", "rose"]
    assert gather(Page("home"), catalog).pool(Source.SIMILAR).items == []


def test_variants_of_the_product_are_not_alike_but_the_same() -> None:
    catalog = catalog_of(item("s", group_id="g", name="Shirt"), item("m", group_id="g", name="Shirt"))
    assert gather(Page("product", "s"), catalog).pool(Source.SIMILAR).items == []
