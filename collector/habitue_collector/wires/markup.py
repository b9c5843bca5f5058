"""What a page's own markup says of the product it shows: JSON-LD, microdata, OpenGraph → one `Item`.

The tag sends what it found (docs/tag.md); here it is understood. A page often speaks of more products than
the one it is about. The viewed one is, in this order: the one whose address is the page's own; the page's
`mainEntity`; the only one in JSON-LD, else in microdata, that is not another page's; the one OpenGraph
describes. Several that stand equal are none: a wrong view would teach every model something false.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from habitue_collector.enrich import item_url
from habitue_collector.events import MAX_ID_LENGTH, InvalidEvent, Item, RejectReason
from habitue_collector.wires import offers, schema_org
from habitue_collector.wires.addresses import Address, absolute
from habitue_collector.wires.breadcrumbs import category_of, own_category
from habitue_collector.wires.broken_json import read_json
from habitue_collector.wires.candidates import (
    GTINS,
    MAX_CANDIDATES,
    Candidate,
    add_what_others_say,
    addresses,
    choose,
    distinct,
    is_sold,
    may_be,
    resolve,
    resolved,
)
from habitue_collector.wires.microdata import products_in
from habitue_collector.wires.offers import Offer
from habitue_collector.wires.schema_org import Node, is_group, listed, spelled, words
from habitue_collector.wires.values import text

MAX_BLOCKS = 20
_PREFIXES: Final = ("sku:", "mpn:", "isbn:", "gtin:", "id:")
_NO_NUMBERS: Final = frozenset(("undefined", "null", "0"))  # a script's way to say nothing
_OPENGRAPH_PRODUCTS: Final = frozenset(("product", "og:product", "product.item", "product.group"))


@dataclass(slots=True)
class Viewed:
    """The product a page shows, and in which currency its prices are."""

    item: Item
    currency: str | None


def read(markup: dict[str, Any], page_url: str | None = None) -> Viewed:
    """The viewed product. Raises InvalidEvent: `no_product`, `ambiguous_product`.

    `markup` is any JSON object; members as the tag sends them: `jsonld`, `microdata`, `opengraph`,
    `canonical`, `platform_id`. `page_url` is where the visitor really is (it may name a variant).
    """
    canonical = markup.get("canonical")
    here = Address.read(page_url)
    page = Address.read(absolute(canonical, page_url)) or here
    blocks = [
        spelled(read_json(block) if isinstance(block, str) else block)
        for block in listed(markup.get("jsonld"))[:MAX_BLOCKS]
    ]
    found = schema_org.find(blocks)
    opengraph = _opengraph(markup.get("opengraph"))
    scopes = products_in(listed(markup.get("microdata"))[:MAX_CANDIDATES])
    linked = distinct(
        [(node, True) for node in found.main] + [(node, False) for node in found.roots[:MAX_CANDIDATES]]
    )
    microdata = distinct([(scope, False) for scope in scopes])
    for candidate in linked:
        resolve(candidate, found)
    platform_id = text(markup.get("platform_id"), MAX_ID_LENGTH)
    platform_id = None if platform_id in _NO_NUMBERS else platform_id
    linked = [one for one in linked if one.main or is_sold(one, page, platform_id)]
    chosen = choose(linked, microdata, opengraph, page, here)
    add_what_others_say(chosen, microdata if chosen in linked else linked)
    if opengraph and may_be(chosen, opengraph):
        chosen.nodes.append(opengraph)
    return _item(chosen, found, page, here, platform_id)


# ---- what it is --------------------------------------------------------------------------------------


def _item(
    chosen: Candidate,
    found: schema_org.Found,
    page: Address | None,
    here: Address | None,
    platform_id: str | None,
) -> Viewed:
    group, variant = _group_and_variant(chosen, found, here or page)
    speaks = Candidate([*([variant] if variant else []), *chosen.nodes, *([group] if group else [])], False)
    offer = _offer(speaks, here or page)
    names = [name for node in speaks.nodes if (name := words(node.get("name"))) is not None]
    category = category_of(found.breadcrumbs, names, [page, *addresses(speaks)]) or own_category(
        speaks.first("category"), names[0] if names else None
    )
    return Viewed(
        Item(
            _item_id(speaks, offer, platform_id, page),
            name=words(speaks.first("name")),
            brand=words(speaks.first("brand", "manufacturer")),
            category=category,
            price=offer.price,
            url=_url(speaks, offer, page),
            image_url=_image(speaks.first("image", "thumbnailUrl"), page),
            list_price=offer.list_price,
            availability=offer.availability,
            group_id=_group_id(speaks, group),
            platform_id=platform_id,
        ),
        offer.currency,
    )


def _group_and_variant(
    chosen: Candidate, found: schema_org.Found, at: Address | None
) -> tuple[Node | None, Node | None]:
    """The group a product belongs to, and the variant that a group's page shows."""
    for node in chosen.nodes:
        for said in listed(node.get("isVariantOf"))[:5]:
            parent = resolved(said, found)
            if parent is not None:
                return parent, None
    for node in chosen.nodes:
        if not is_group(node) and not node.get("hasVariant"):
            continue
        variants = [
            one for said in listed(node.get("hasVariant"))[:MAX_CANDIDATES] if (one := resolved(said, found))
        ]
        if variants:
            return node, _shown(variants, at)
        return node, None
    return None, None


def _shown(variants: list[Node], at: Address | None) -> Node:
    """The variant the address names, else the first to be had: shops open their pages with that one."""
    if at is not None and at.query:
        for variant in variants:
            if any(address.is_exactly(at) for address in addresses(Candidate([variant], False))):
                return variant
    for variant in variants:
        if offers.read(variant.get("offers")).availability in ("in_stock", None):
            return variant
    return variants[0]


def _offer(speaks: Candidate, at: Address | None) -> Offer:
    """The offer of the first object that names a price; what it leaves open, others say."""
    sku = words(speaks.first("sku"))
    read = [offers.read(node["offers"], sku, at) for node in speaks.nodes if node.get("offers")]
    priced = next((offer for offer in read if offer.price is not None), None)
    if priced is None:
        return read[0] if read else Offer()
    for other in read:
        priced.availability = priced.availability or other.availability
        priced.currency = priced.currency or other.currency
        if priced.list_price is None and other.price == priced.price:
            priced.list_price = other.list_price
    return priced


def _item_id(speaks: Candidate, offer: Offer, platform_id: str | None, page: Address | None) -> str:
    for said in (
        offer.sku if offer.named else None,
        *(node.get("sku") for node in speaks.nodes),
        offer.sku,
        *(node.get("productID") for node in speaks.nodes),
        *(node.get("mpn") for node in speaks.nodes),
        *(node.get(name) for node in speaks.nodes for name in GTINS),
        *(_property_value(node.get("identifier")) for node in speaks.nodes),
        platform_id,
        *([page.path if page.path != "/" else None] if page is not None else []),
    ):
        item_id = words(said, 2 * MAX_ID_LENGTH)
        if item_id is None or len(item_id) > MAX_ID_LENGTH or not item_id.isprintable():
            continue
        for prefix in _PREFIXES:
            if item_id.lower().startswith(prefix):
                item_id = item_id[len(prefix) :].strip()
        if item_id:
            return item_id
    raise InvalidEvent(RejectReason.NO_PRODUCT, "the markup's product has neither a number nor an address")


def _property_value(said: Any) -> Any:
    """https://schema.org/PropertyValue has a name that says what its value is."""
    (one, *_) = listed(said) or [None]
    return one.get("value") if isinstance(one, dict) else one


def _group_id(speaks: Candidate, group: Node | None) -> str | None:
    said = speaks.first("inProductGroupWithID", "item_group_id")
    if said is None and group is not None:
        said = group.get("productGroupID") or group.get("sku") or group.get("@id")
    return words(said, MAX_ID_LENGTH)


def _url(speaks: Candidate, offer: Offer, page: Address | None) -> str | None:
    own = (offer.url, speaks.first("url")) if offer.named else (speaks.first("url"), offer.url)
    for said in (*own, page.text if page is not None else None):
        if isinstance(said, list):
            said = said[0] if said else None
        whole = absolute(said, page.text if page is not None else None)
        if whole is not None and (url := item_url(whole)) is not None:
            return url
    return None


def _image(said: Any, page: Address | None) -> str | None:
    for one in listed(said)[:5]:
        if isinstance(one, dict):
            one = one.get("contentUrl") or one.get("url")
        if isinstance(one, list):
            one = one[0] if one else None
        whole = absolute(one, page.text if page is not None else None)
        if whole is not None and (image := item_url(whole)) is not None:
            return image
    return None


def _opengraph(said: Any) -> Node | None:
    """`og:*` and `product:*` as an object of schema.org; None when they speak of no product."""
    if not isinstance(said, dict):
        return None

    def tag(*names: str) -> Any:
        for name in names:
            value = said.get(name)
            if isinstance(value, list):
                value = value[0] if value else None
            if value not in (None, ""):
                return value
        return None

    price = tag("product:sale_price:amount", "product:price:amount", "og:price:amount")
    kind = tag("og:type")
    sku = tag("product:retailer_item_id", "product:retailer_part_no")
    if price is None and sku is None and str(kind).lower() not in _OPENGRAPH_PRODUCTS:
        return None
    node: Node = {
        "@type": "Product",
        "name": tag("og:title"),
        "sku": sku,
        "url": tag("og:url"),
        "image": tag("og:image:secure_url", "og:image", "og:image:url"),
        "brand": tag("product:brand", "og:brand"),
        "category": tag("product:category"),
        "item_group_id": tag("product:item_group_id"),
    }
    if price is not None:
        before = tag("product:original_price:amount", "og:price:standard_amount")
        if before is None and tag("product:sale_price:amount") is not None:
            before = tag("product:price:amount")
        node["offers"] = {
            "price": price,
            "priceCurrency": tag(
                "product:sale_price:currency", "product:price:currency", "og:price:currency"
            ),
            "availability": tag("product:availability", "og:availability"),
            "list_price": before,
        }
    return {name: value for name, value in node.items() if value is not None}
