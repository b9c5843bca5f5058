"""The drawn product tiles."""

from __future__ import annotations

from xml.etree import ElementTree

from habitue_shop.aisles import DEPARTMENTS
from habitue_shop.drawings import DRAWINGS
from habitue_shop.journey import Product, products
from habitue_shop.tiles import department_tile, tile


def one_of_each() -> dict[str, Product]:
    return {product.drawing: product for product in products()}


def test_every_drawing_that_the_catalog_asks_for_exists_and_none_is_idle() -> None:
    assert set(one_of_each()) == set(DRAWINGS)


def test_every_tile_is_valid_svg_without_anything_that_runs_or_loads() -> None:
    for product in one_of_each().values():
        svg = tile(product)
        root = ElementTree.fromstring(svg)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert "{" not in svg.replace("{fill:", "").replace("@media(prefers-color-scheme:dark){", "")
        assert "href" not in svg
        assert "script" not in svg
        assert len(svg) < 3_000


def test_the_same_product_has_the_same_tile_and_brands_look_different() -> None:
    juices = [product for product in products() if product.drawing == "juice"][:60]
    assert [tile(product) for product in juices] == [tile(product) for product in juices]
    assert len({tile(product) for product in juices}) > 10


def test_a_green_pepper_is_green() -> None:
    pepper = next(product for product in products() if product.name == "Green Bell Peppers")
    assert "#5f9a4d" in tile(pepper)


def test_every_department_has_a_sign() -> None:
    for department in DEPARTMENTS:
        ElementTree.fromstring(department_tile(department))
