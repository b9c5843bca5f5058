"""A page's markup → the one product it shows; contract/events/markup.json has the readable cases."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from habitue_collector.events import Event, InvalidEvent, Item, Kind, RejectReason
from habitue_collector.wires import markup, sightings
from habitue_collector.wires.broken_json import MAX_LENGTH, read_json
from habitue_collector.wires.segment import Envelope, decode

NOW = 1_795_284_930_000
PAGE = "https://shop.example/p/trail-shoe"
WOOCOMMERCE = Path(__file__).parents[3] / "shared" / "data" / "pages" / "c-woocommerce-jsonld.html"


def product(**members: Any) -> dict[str, Any]:
    return {"@context": "https://schema.org", "@type": "Product", "name": "Trail Shoe", **members}


def shown(*blocks: Any, url: str = PAGE, **more: Any) -> Item:
    return markup.read({"jsonld": list(blocks), "canonical": url, **more}, url).item


def refused(*blocks: Any, url: str = PAGE, **more: Any) -> RejectReason:
    with pytest.raises(InvalidEvent) as raised:
        shown(*blocks, url=url, **more)
    return raised.value.reason


def seen(event: str, properties: dict[str, Any], source: str = "markup", url: str = PAGE) -> Event:
    context = {"source": source, "page": {"url": url}}
    raw = {"type": "track", "event": event, "properties": properties, "context": context}
    return decode(raw, Envelope(), NOW)


# ---- which one -------------------------------------------------------------------------------------


def test_a_real_woocommerce_page_is_read() -> None:
    if not WOOCOMMERCE.exists():
        pytest.skip("the shop pages are not on this machine")
    html = WOOCOMMERCE.read_text("utf-8")
    block = re.search(r'<script type="application/ld\+json">(.*?)</script>', html, re.DOTALL)
    assert block is not None
    said = {
        "jsonld": [json.loads(block[1])],
        "canonical": "https://shop.example/produkt/trail-shoe/",
        "platform_id": "57",
    }
    viewed = markup.read(said, "http://shop.test/c-woocommerce-jsonld.html")
    expected = json.loads((WOOCOMMERCE.parent / "expected.json").read_text("utf-8"))
    wanted = expected["c-woocommerce-jsonld"]["product"]
    item = viewed.item
    got = {
        "id": item.item_id,
        "name": item.name,
        "price": item.price,
        "list_price": item.list_price,
        "currency": viewed.currency,
        "category": item.category,
        "platform_id": item.platform_id,
    }
    assert got == wanted


def test_the_page_s_own_address_wins_over_a_canonical_that_a_single_page_shop_forgot() -> None:
    old, new = product(sku="A", url="/p/old"), product(name="New", sku="B", url="/p/new")
    said = {"jsonld": [old, new], "canonical": "https://shop.example/p/old"}
    assert markup.read(said, "https://shop.example/p/new?utm_source=x").item.item_id == "B"


def test_a_page_reached_by_another_path_is_still_the_product_s() -> None:
    block = product(sku="A", url="https://shop.example/products/fjell")
    assert shown(block, url="https://shop.example/collections/shoes/products/fjell").item_id == "A"


def test_two_variants_told_apart_by_their_query() -> None:
    red = product(sku="A-R", url=f"{PAGE}?color=red")
    blue = product(sku="A-B", url=f"{PAGE}?color=blue")
    assert shown(red, blue, url=f"{PAGE}?color=blue").item_id == "A-B"
    assert shown(red, blue, url=f"{PAGE}?color=green").item_id == "A-R"


def test_variants_of_one_name_are_one_product_the_first_to_be_had() -> None:
    out = product(name="Trail Shoe - 41", sku="A-41", offers={"price": 5, "availability": "OutOfStock"})
    has = product(name="Trail Shoe - 42", sku="A-42", offers={"price": 5, "availability": "InStock"})
    assert shown(out, has).item_id == "A-42"
    other = product(name="Trail Sock", sku="S", offers={"price": 5})
    assert refused(out, has, other) is RejectReason.AMBIGUOUS_PRODUCT


def test_a_group_and_its_variants_side_by_side_are_one_product() -> None:
    group = {
        "@type": "ProductGroup",
        "@id": "#g",
        "name": "Coat",
        "hasVariant": [{"@id": "#s"}, {"@id": "#l"}],
    }
    small = product(**{"@id": "#s", "name": "Small coat", "sku": "S", "offers": {"price": 1}})
    large = product(**{"@id": "#l", "name": "Big coat", "sku": "L", "offers": {"price": 2}})
    assert shown({"@graph": [group, small, large]}).item_id == "S"
    for variant in (small, large):
        variant["isVariantOf"] = {"@id": "#g"}
    del group["hasVariant"]
    assert shown(group, small, large).item_id == "S"


def test_a_review_tool_s_second_description_with_its_own_number_does_no_harm() -> None:
    stars = product(sku="8123456789012", aggregateRating={"@type": "AggregateRating"})
    assert shown(stars, product(sku="A", offers={"price": 5})).item_id == "A"


def test_a_shop_that_praises_itself_as_a_product_is_none() -> None:
    assert refused(product(name="Fjell", aggregateRating={}), url="https://shop.example/c/shoes") is (
        RejectReason.NO_PRODUCT
    )


def test_members_that_stand_elsewhere_in_the_graph() -> None:
    graph = [
        product(sku="A", offers={"@id": "#o"}, brand={"@id": "#b"}, image={"@id": "#i"}),
        {"@type": "Offer", "@id": "#o", "price": "5", "priceCurrency": "EUR"},
        {"@type": "Brand", "@id": "#b", "name": "Fjell"},
        {"@type": "ImageObject", "@id": "#i", "url": "https://shop.example/i.jpg"},
    ]
    item = shown({"@graph": graph})
    assert (item.price, item.brand, item.image_url) == (5.0, "Fjell", "https://shop.example/i.jpg")


def test_names_in_other_letters_and_whole_addresses() -> None:
    block = {
        "@type": "schema:Product",
        "schema:name": "Trail Shoe",
        "http://schema.org/sku": "A",
        "Offers": {"@type": "Offer", "Price": "5", "Availability": "https://schema.org/InStock"},
    }
    item = shown(block)
    assert (item.item_id, item.name, item.price, item.availability) == ("A", "Trail Shoe", 5.0, "in_stock")


def test_related_products_beside_a_product_without_markup_are_not_viewed() -> None:
    one = product(name="Wool Sock", sku="S", url="https://shop.example/p/wool-sock")
    assert refused(one) is RejectReason.NO_PRODUCT
    assert refused({"@type": "ItemList", "itemListElement": [one]}) is RejectReason.NO_PRODUCT
    assert refused(microdata=[{"name": ["A"], "sku": ["1"]}, {"name": ["B"], "sku": ["2"]}]) is (
        RejectReason.AMBIGUOUS_PRODUCT
    )


def test_opengraph_s_title_names_one_of_several_that_stand_equal() -> None:
    both = product(sku="A"), product(name="Sock", sku="B")
    for title in ("Trail Shoe | Shop", "Buy trail shoe online"):
        opengraph = {"og:type": "product", "og:title": title}
        assert shown(*both, opengraph=opengraph).item_id == "A"
    assert refused(*both, opengraph={"og:type": "product", "og:title": "Socks"}) is (
        RejectReason.AMBIGUOUS_PRODUCT
    )


def test_the_one_product_that_is_no_other_page_s_is_this_page_s() -> None:
    others = [product(name=f"Sock {n}", sku=f"S{n}", url=f"https://shop.example/p/sock-{n}") for n in (1, 2)]
    assert shown(product(sku="A"), *others).item_id == "A"
    assert refused(product(sku="A"), product(name="B", sku="B"), *others) is RejectReason.AMBIGUOUS_PRODUCT


def test_a_scope_inside_another_is_a_related_product() -> None:
    related = {"name": ["Wool Sock"], "sku": ["S"]}
    shoe = {"name": ["Trail Shoe"], "sku": ["A"], "isRelatedTo": [related]}
    assert shown(microdata=[shoe, related]).item_id == "A"


def test_a_number_that_a_script_did_not_find_is_none() -> None:
    assert shown(product(sku="A"), platform_id="undefined").platform_id is None


def test_json_ld_s_one_product_wins_over_many_cards_in_microdata() -> None:
    cards = [{"name": [f"Card {number}"], "sku": [str(number)]} for number in range(8)]
    assert shown(product(sku="A"), microdata=cards).item_id == "A"


def test_microdata_of_the_same_product_fills_what_json_ld_leaves_out() -> None:
    scope = {"name": ["Trail Shoe"], "brand": ["Fjell"], "offers": [{"price": ["5,50 €"]}]}
    item = shown(product(sku="A"), microdata=[scope])
    assert (item.item_id, item.brand, item.price) == ("A", "Fjell", 5.5)


def test_a_main_entity_inside_a_page_wins() -> None:
    page = {"@type": ["WebPage", "ItemPage"], "mainEntity": product(sku="A")}
    assert shown(product(name="Other", sku="B"), page).item_id == "A"


def test_opengraph_of_a_category_page_is_no_product() -> None:
    assert refused(opengraph={"og:type": "website", "og:title": "Shoes"}) is RejectReason.NO_PRODUCT


# ---- what it is ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("members", "item_id"),
    [
        ({"sku": "S", "productID": "P", "mpn": "M"}, "S"),
        ({"sku": " ", "productID": "sku:P", "mpn": "M"}, "P"),
        ({"mpn": "M", "gtin13": "4006381333931"}, "M"),
        ({"gtin13": 4006381333931}, "4006381333931"),
        ({"sku": ["S1", "S2"]}, "S1"),
        ({"sku": {"@value": "S"}}, "S"),
        ({"offers": {"sku": "O"}}, "O"),
        ({"identifier": {"name": "SKU", "value": "I"}, "offers": {"price": 5}}, "I"),
        ({"url": PAGE}, "/p/trail-shoe"),
    ],
)
def test_the_item_s_id(members: dict[str, Any], item_id: str) -> None:
    assert shown(product(**members)).item_id == item_id


@pytest.mark.parametrize(
    ("offers", "price", "list_price"),
    [
        ({"price": "12,50 €"}, 12.5, None),
        ({"price": 0}, 0.0, None),
        ({"price": -1}, None, None),
        ({"price": "call us"}, None, None),
        ([], None, None),
        ("12.50", None, None),
        ({"@type": "AggregateOffer", "lowPrice": "5", "highPrice": "9"}, 5.0, None),
        ({"offers": [{"price": 7, "availability": "OutOfStock"}, {"price": 8}]}, 8.0, None),
        ({"0": {"price": 7, "availability": "OutOfStock"}, "2": {"price": 8}}, 8.0, None),  # PHP's list
        ({"priceSpecification": {"price": 5, "minPrice": 1}}, 5.0, None),
        ({"price": 5, "priceSpecification": {"priceType": "StrikethroughPrice", "price": 9}}, 5.0, 9.0),
        (
            {"price": 5, "priceSpecification": {"priceType": "https://schema.org/ListPrice", "price": 4}},
            5.0,
            None,
        ),
        (
            {"priceSpecification": [{"price": 3, "eligibleQuantity": {"minValue": 10}}, {"price": 4}]},
            4.0,
            None,
        ),
        (
            {"priceSpecification": [{"price": 3, "validForMemberTier": {"name": "gold"}}, {"price": 4}]},
            4.0,
            None,
        ),
    ],
)
def test_the_price(offers: Any, price: float | None, list_price: float | None) -> None:
    item = shown(product(sku="A", offers=offers))
    assert (item.price, item.list_price) == (price, list_price)


@pytest.mark.parametrize(
    ("said", "availability"),
    [
        ("https://schema.org/InStock", "in_stock"),
        ("http://schema.org/SoldOut", "out_of_stock"),
        ("preorder", "preorder"),
        ("in stock", "in_stock"),
        ("MadeToOrder", "backorder"),
        ("who knows", None),
        (5, None),
    ],
)
def test_the_availability(said: Any, availability: str | None) -> None:
    assert shown(product(sku="A", offers={"price": 1, "availability": said})).availability == availability


def crumbs(*names: Any) -> dict[str, Any]:
    entries = [{"@type": "ListItem", "position": at, "name": name} for at, name in enumerate(names, 1)]
    return {"@type": "BreadcrumbList", "itemListElement": entries}


@pytest.mark.parametrize(
    ("lists", "category"),
    [
        ([crumbs("Home", "Shoes", "Trail", "Trail Shoe")], "Shoes/Trail"),
        ([crumbs("Shoes &amp; Boots", "T/Shirts", "Trail Shoe")], "Shoes & Boots/T-Shirts"),
        ([crumbs("Home", "Sale", "Other"), crumbs("Home", "Shoes", "Trail Shoe")], "Sale"),
        ([crumbs("Home", "Trail Shoe")], None),
        ([crumbs()], None),
        ([{"@type": "BreadcrumbList", "itemListElement": "Shoes"}], None),
        (
            [
                {
                    "@type": "BreadcrumbList",
                    "itemListElement": [
                        {"position": "2", "item": {"@id": "/c/shoes", "name": "Shoes"}},
                        {"position": "1", "item": {"@id": "https://shop.example/", "name": "Fjell"}},
                        {"position": "3", "item": PAGE, "name": "The shoe"},
                    ],
                }
            ],
            "Shoes",
        ),
    ],
)
def test_the_category(lists: list[Any], category: str | None) -> None:
    assert shown(product(sku="A"), *lists).category == category


def test_breadcrumbs_that_end_with_the_group_or_at_the_product_s_own_address() -> None:
    def trail(name: str, address: str) -> dict[str, Any]:
        entries = [{"name": "Boots", "item": "https://shop.example/boots"}, {"name": name, "item": address}]
        return {"@type": "BreadcrumbList", "itemListElement": entries}

    group = product(hasVariant=[product(name="Trail Shoe 42", sku="A-42")], sku="A")
    assert shown(group, trail("Trail Shoe", "https://old.example/shoe")).category == "Boots"
    staged = product(sku="A", name="Trail Shoe - The Shop", url="https://live.example/shoe")
    assert shown(staged, trail("Trail Shoe", "https://live.example/shoe")).category == "Boots"


def test_the_product_s_own_category_serves_without_breadcrumbs() -> None:
    assert shown(product(sku="A", category="Apparel &gt; Shoes")).category == "Apparel/Shoes"
    assert shown(product(sku="A", category=187)).category is None


@pytest.mark.parametrize(
    "block",
    [
        product(sku="A", offers={"price": "5.00", "priceCurrency": "€"}),
        product(sku="A", offers={"price": "5.00", "priceCurrency": "Euro"}),
        product(sku="A", offers=[{"price": "5.00"}], priceCurrency="EUR"),
        product(sku="A", price="5.00", priceCurrency="EUR"),
        {"@type": "Offer", "price": 5, "priceCurrency": "EUR", "itemOffered": product(sku="A")},
    ],
)
def test_price_and_currency_beside_the_offer_around_the_product_or_as_a_sign(block: dict[str, Any]) -> None:
    viewed = markup.read({"jsonld": [block], "canonical": PAGE}, PAGE)
    assert (viewed.item.price, viewed.currency) == (5.0, "EUR")


def test_microdata_without_a_scope_for_its_offer() -> None:
    scope = {"sku": ["A"], "offers": ["12,90 € incl."], "price": ["12,90 €"]}
    viewed = markup.read({"microdata": [scope], "canonical": PAGE}, PAGE)
    assert (viewed.item.price, viewed.currency) == (12.9, "EUR")


def test_names_are_text_for_people() -> None:
    assert shown(product(name="  Tom &amp;amp; <b>Jerry</b>\n 3 < 4 ", sku="A")).name == "Tom & Jerry 3 < 4"


def test_a_group_that_is_pointed_to_without_its_variants() -> None:
    item = shown(product(sku="A", inProductGroupWithID="G"))
    assert (item.item_id, item.group_id) == ("A", "G")


# ---- JSON as themes print it -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a":1,}', {"a": 1}),
        ("[1,,2,]", [1, 2]),
        ('{"a": , "b":}', {"a": None, "b": None}),
        ('{"a":"x\ny\tz"}', {"a": "x y z"}),
        ('{"a":"3/4" hose","b":1}', {"a": '3/4" hose', "b": 1}),
        ('{"a":"24", 27" screen","b":1}', {"a": '24", 27" screen', "b": 1}),
        (r'{"a":"it\'s"}', {"a": "it's"}),
        ('/* x */{"a":1 // y\n}', {"a": 1}),
        ('{"a":"https://x/y"};', {"a": "https://x/y"}),
        ('//<![CDATA[\n{"a":1}\n//]]>', {"a": 1}),
        ('<!-- {"a":1} -->', {"a": 1}),
        ("{&quot;a&quot;:&quot;b&quot;}", {"a": "b"}),
        ('{"a":1}{"b":2}', [{"a": 1}, {"b": 2}]),
        ('{"a":{"b":[1,"c', {"a": {"b": [1, "c"]}}),
        ('{a:1,"b":NaN}', {"a": 1, "b": None}),
        ('{"a":1\n"b":2}', {"a": 1, "b": 2}),
        ("""{'a': 'x "y" don\\'t', b: 'it\'s', c: 1}""", {"a": 'x "y" don\'t', "b": "it's", "c": 1}),
        ('{a: "x", b: "27", black: matt", c: [1,2]}', {"a": "x", "b": '27", black: matt', "c": [1, 2]}),
        ('{"a": 89,90, "b": 1.189,90 }', {"a": 89.9, "b": 1189.9}),  # PHP's, under a German locale
        ('{"a": [1,20], "b": 1,}', {"a": [1, 20], "b": 1}),
        ("\ufeff{}", {}),
        ("}", []),
        ("", []),
    ],
)
def test_broken_json_is_mended(text: str, value: Any) -> None:
    assert read_json(text) == value


@given(st.text(alphabet="{}[]\"',:\\/*\n a1&<!->", max_size=200))
@settings(max_examples=25)
def test_whatever_a_theme_prints_is_read_or_not(text: str) -> None:
    read_json(text)


@pytest.mark.parametrize(
    "piece", ['"', "'", "1,2,", "{", "[", '{"a":', "<!--", "/*", '"a" ', "\\", ",", "&quot;", "a"]
)
def test_a_long_text_takes_no_long_time(piece: str) -> None:
    began = time.process_time()
    read_json(piece * (2 * MAX_LENGTH // len(piece)))
    assert time.process_time() - began < 2


# ---- whatever comes in -------------------------------------------------------------------------------

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(
        ["Product", "ProductGroup", "BreadcrumbList", PAGE, "#1", "12,50 €", "https://[", "A > B", "//"]
    ),
)
NAMES = st.sampled_from(
    [
        *(
            "@type",
            "@id",
            "@graph",
            "name",
            "sku",
            "url",
            "offers",
            "price",
            "priceSpecification",
            "priceType",
        ),
        *("itemListElement", "item", "position", "hasVariant", "isVariantOf", "mainEntity", "image", "brand"),
        *("category", "availability", "mainEntityOfPage", "productGroupID"),
    ]
)
TREES = st.recursive(
    SCALARS,
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(NAMES, inside, max_size=5),
    max_leaves=25,
)


@given(
    st.dictionaries(st.sampled_from(["jsonld", "microdata", "opengraph", "canonical", "platform_id"]), TREES),
    st.sampled_from([None, PAGE, "https://[", "", "/x"]),
)
@settings(max_examples=25)
def test_any_markup_is_a_product_or_a_reason(said: dict[str, Any], url: str | None) -> None:
    reason: RejectReason | None = None
    try:
        assert markup.read(said, url).item.item_id
    except InvalidEvent as refusal:
        reason = refusal.reason
    assert reason in (None, RejectReason.NO_PRODUCT, RejectReason.AMBIGUOUS_PRODUCT)


@given(
    st.sampled_from(["view_item", "add_to_cart", "purchase", "anything"]),
    st.dictionaries(
        st.sampled_from(["markup", "items", "detail", "add", "purchase", "impressions", "value", "products"]),
        TREES,
    ),
    st.sampled_from(["markup", "form", "cart_call", "datalayer"]),
)
@settings(max_examples=25)
def test_any_sighting_is_an_event_or_a_reason(name: str, properties: dict[str, Any], source: str) -> None:
    before = repr(properties)
    try:
        event = seen(name, properties, source)
    except InvalidEvent:
        pass
    else:
        assert Event.from_record(event.to_record()) == event
    assert repr(properties) == before, "what the sender said is not ours to change"


def test_a_tree_of_any_depth_and_width_takes_no_long_time() -> None:
    deep: Any = product(sku="A")
    for _ in range(900):
        deep = {"@graph": [deep]}
    wide = [product(sku=str(number), name=f"n{number}") for number in range(3_000)]
    began = time.process_time()
    assert refused(deep) is RejectReason.NO_PRODUCT
    assert refused(*wide) is RejectReason.AMBIGUOUS_PRODUCT
    assert refused({"@graph": wide}) is RejectReason.AMBIGUOUS_PRODUCT
    assert time.process_time() - began < 2


# ---- sightings ---------------------------------------------------------------------------------------


def test_where_it_was_seen_is_kept() -> None:
    assert seen("view_item", {"items": [{"item_id": "A"}]}, "datalayer").context["source"] == "datalayer"


def test_a_form_s_number_of_another_product_is_not_the_page_s() -> None:
    said = {"jsonld": [product(sku="A", url=PAGE)], "canonical": PAGE, "platform_id": "57"}
    event = seen("add_to_cart", {"items": [{"item_id": "61"}], "markup": said}, "form")
    assert [(item.item_id, item.platform_id) for item in event.items] == [("61", None)]


def test_a_form_beside_ambiguous_markup_is_still_an_add_to_cart() -> None:
    said = {"jsonld": [product(sku="A"), product(name="Sock", sku="B")], "platform_id": "57"}
    event = seen("add_to_cart", {"items": [{"item_id": "57", "sku": "A"}], "markup": said}, "form")
    assert [(item.item_id, item.platform_id) for item in event.items] == [("A", "57")]


def test_a_shop_s_own_event_with_words_of_universal_analytics_stays_what_it_is() -> None:
    raw = {"type": "track", "event": "Plan Chosen", "properties": {"add": {"products": [{"id": "A"}]}}}
    event = decode(raw, Envelope(), NOW)
    assert event.kind is Kind.CUSTOM
    assert event.items == []


@pytest.mark.parametrize(
    ("properties", "currency"),
    [
        ({"currency": "€"}, "EUR"),
        ({"currency": "zł"}, "PLN"),
        ({"currency": "$", "value": "5 US$"}, "USD"),
        ({"currency": "$"}, None),
        ({"currencyCode": "eur"}, "EUR"),
        ({"currency": "", "currencyCode": "EUR"}, "EUR"),
    ],
)
def test_the_currency_of_a_data_layer(properties: dict[str, Any], currency: str | None) -> None:
    assert seen("view_item", {"items": [{"item_id": "A"}], **properties}, "datalayer").currency == currency


@pytest.mark.parametrize("value", ["", "undefined", "NaN", "n/a"])
def test_an_order_whose_value_cannot_be_read_is_worth_its_lines(value: str) -> None:
    items = [{"item_id": "A", "price": "10.00", "quantity": 2}]
    order = {"transaction_id": "1", "value": value, "items": items}
    assert seen("purchase", order, "datalayer").value == 20.0


def test_an_order_called_undefined_is_none() -> None:
    with pytest.raises(InvalidEvent) as raised:
        seen("purchase", {"transaction_id": "undefined", "value": 5}, "datalayer")
    assert raised.value.reason is RejectReason.MISSING_ORDER_ID


def test_a_product_that_a_script_did_not_find_is_none() -> None:
    items = [{"item_id": "undefined", "id": "A"}, {"item_id": " null "}, {"product_id": "NaN", "sku": "B"}]
    event = seen("view_item_list", {"items": items}, "datalayer")
    assert [item.item_id for item in event.items] == ["A", "B"]


def test_impressions_that_php_sent_as_an_object() -> None:
    event = seen("shown", {"impressions": {"0": {"id": 1}, "2": {"id": 3}}}, "datalayer")
    assert (event.kind, [item.item_id for item in event.items]) == (Kind.LIST_VIEW, ["1", "3"])


def test_ga4_as_it_was_first_documented() -> None:
    order = {"transaction_id": "1", "value": 9, "currency": "EUR", "items": [{"item_id": "A"}]}
    event = seen("purchase", {"purchase": order}, "datalayer")
    assert (event.kind, event.order_id, event.value, event.currency) == (Kind.PURCHASE, "1", 9.0, "EUR")
    assert [item.item_id for item in event.items] == ["A"]


def test_ga4_s_shape_wins_where_a_shop_pushes_both() -> None:
    properties = {"items": [{"item_id": "A"}], "detail": {"products": [{"id": "B"}]}}
    assert sightings.read(Kind.PRODUCT_VIEW, properties, "datalayer", None)[1]["items"] == [{"item_id": "A"}]
