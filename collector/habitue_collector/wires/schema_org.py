"""schema.org objects as pages really write them: which products stand there, and in which role.

https://schema.org/Product, https://developers.google.com/search/docs/appearance/structured-data/product.
The walk is bounded in objects and depth, and takes any JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field
from html import unescape
from typing import Any, Final

from habitue_collector.wires.values import text

MAX_NODES = 2_000
MAX_DEPTH = 30

Node = dict[str, Any]

_PRODUCTS: Final = frozenset(
    ("product", "productgroup", "productmodel", "individualproduct", "someproducts", "vehicle", "car", "book")
)
_GROUP: Final = "productgroup"
# Where an object's member leads to what the page is about, or only mentions.
_SAME: Final = frozenset(("@graph", "itemoffered", "@included"))
_ABOUT: Final = frozenset(("mainentity", "about", "mainentityofpage"))
_OF_A_PRODUCT: Final = frozenset(("hasvariant", "isvariantof", "model", "offers"))


@dataclass(slots=True)
class Found:
    """What a page's blocks hold: `main` products are named as a page's main entity, `roots` stand alone."""

    main: list[Node] = field(default_factory=list)
    roots: list[Node] = field(default_factory=list)
    mentioned: list[Node] = field(default_factory=list)
    breadcrumbs: list[Node] = field(default_factory=list)
    by_id: dict[str, Node] = field(default_factory=dict)


# Some shop systems write names in other letters (`Offers`), some as whole addresses or with a prefix.
_NAMES: Final = {
    name.lower(): name
    for name in (
        *(
            "aggregateRating",
            "availability",
            "brand",
            "category",
            "hasVariant",
            "image",
            "inProductGroupWithID",
        ),
        *("isVariantOf", "item", "itemListElement", "itemOffered", "lowPrice", "highPrice", "mainEntity"),
        *("mainEntityOfPage", "manufacturer", "mpn", "name", "offers", "position", "price", "priceCurrency"),
        *("priceSpecification", "priceType", "productGroupID", "productID", "sku", "url", "gtin", "gtin13"),
    )
}
_NO_TYPES: Final[frozenset[str]] = frozenset()
_VOCABULARY: Final = ("https://schema.org/", "http://schema.org/", "schema:")


def spelled(value: Any, room: list[int] | None = None, depth: int = 0) -> Any:
    """The same with the members' names as schema.org spells them; what is too deep or too much goes."""
    room = [MAX_NODES] if room is None else room
    if not isinstance(value, dict | list):
        return value
    room[0] -= 1
    if depth > MAX_DEPTH or room[0] < 0:
        return None
    if isinstance(value, list):
        return [spelled(one, room, depth + 1) for one in value[:MAX_NODES]]
    return {_name(str(name)): spelled(member, room, depth + 1) for name, member in value.items()}


def _name(name: str) -> str:
    for prefix in _VOCABULARY:
        name = name.removeprefix(prefix)
    return _NAMES.get(name.lower(), name) if not name.startswith("@") else name


def types_of(node: Node) -> Set[str]:
    """`Product` of `http://schema.org/Product`, `schema:Product` and lists of types; in lower case."""
    said = node.get("@type", node.get("type"))
    if said is None:
        return _NO_TYPES
    names = said if isinstance(said, list) else [said]
    return {
        name.replace("#", "/").rsplit("/", 1)[-1].rsplit(":", 1)[-1].lower()
        for name in names[:10]
        if isinstance(name, str)
    }


def is_product(node: Node) -> bool:
    return not _PRODUCTS.isdisjoint(types_of(node))


def is_group(node: Node) -> bool:
    return _GROUP in types_of(node)


def find(blocks: Iterable[Any]) -> Found:
    """Every product and breadcrumb list in the blocks, each once, by its role."""
    found = Found()
    waiting: list[tuple[Any, str, int]] = [(block, "root", 0) for block in blocks]
    waiting.reverse()
    left = MAX_NODES
    while waiting and left:
        left -= 1
        value, role, depth = waiting.pop()
        if isinstance(value, list):
            if depth < MAX_DEPTH:
                waiting.extend((entry, role, depth + 1) for entry in reversed(value[:MAX_NODES]))
            continue
        if not isinstance(value, dict):
            continue
        identity = value.get("@id")
        if isinstance(identity, str) and len(value) > 1:
            found.by_id.setdefault(identity, value)
        offered = value.get("itemOffered")
        if isinstance(offered, dict) and "offers" not in offered:  # the offer around the product
            offered["offers"] = {name: said for name, said in value.items() if name != "itemOffered"}
        types = types_of(value)
        product = bool(types) and not _PRODUCTS.isdisjoint(types)
        if product:
            {"root": found.roots, "main": found.main}.get(role, found.mentioned).append(value)
        elif "breadcrumblist" in types:
            found.breadcrumbs.append(value)
            continue
        if depth < MAX_DEPTH:
            inside = [
                (member, _role(product, str(name), role), depth + 1)
                for name, member in value.items()
                if isinstance(member, dict | list) and not (product and name == "offers")
            ]
            inside.reverse()
            waiting.extend(inside)
    _follow_main(blocks, found)
    return found


def _role(product: bool, name: str, role: str) -> str:
    """What a member's products are to the page; those of a product are its parts, or only mentioned."""
    name = name.lower()
    if product:
        return "part" if name in _OF_A_PRODUCT else "mentioned"
    if name in _ABOUT and role in ("root", "main"):
        return "main"
    return role if name in _SAME else "mentioned"


def _follow_main(blocks: Iterable[Any], found: Found) -> None:
    """`{"@type": "ItemPage", "mainEntity": {"@id": "…#product"}}` names a product that stands elsewhere."""
    for page in _pages(blocks):
        for name in ("mainEntity", "about"):
            for reference in listed(page.get(name)):
                if isinstance(reference, dict) and len(reference) == 1:
                    identity = reference.get("@id")
                    node = found.by_id.get(identity) if isinstance(identity, str) else None
                    known = any(node is main for main in found.main)
                    if node is not None and not known and is_product(node):
                        found.main.append(node)


def _pages(blocks: Iterable[Any]) -> Iterator[Node]:
    for block in blocks:
        for entry in listed(block)[:MAX_NODES]:
            if not isinstance(entry, dict):
                continue
            yield entry
            for node in listed(entry.get("@graph"))[:MAX_NODES]:
                if isinstance(node, dict):
                    yield node


def listed(value: Any) -> list[Any]:
    """One or many, as a list; PHP sends a list with a hole as an object with numbers for names."""
    if value is None:
        return []
    if isinstance(value, dict) and value and all(name.isdecimal() for name in value):
        return list(value.values())
    return value if isinstance(value, list) else [value]


def words(value: Any, limit: int = 1_024) -> str | None:
    """A text for people: entities resolved, tags and doubled spaces gone; of an object its name or value."""
    for _ in range(3):
        if isinstance(value, list):
            value = value[0] if value else None
        elif isinstance(value, dict):
            value = next(
                (value[name] for name in ("name", "@value", "value", "@id") if value.get(name) is not None),
                None,
            )
    said = text(value, 4 * limit)
    if said is None:
        return None
    for _ in range(2):  # `&amp;amp;` happens
        if "&" in said:
            said = unescape(said)
    if "<" in said:
        said = _without_tags(said)
    return text(" ".join(said.split()), limit)


def _without_tags(said: str) -> str:
    out, at = [], 0
    while (start := said.find("<", at)) >= 0:
        end = said.find(">", start)
        if end < 0 or not (said[start + 1 : start + 2].isalpha() or said[start + 1 : start + 2] == "/"):
            out.append(said[at : start + 1])
            at = start + 1
            continue
        out.append(said[at:start])
        at = end + 1
    return "".join([*out, said[at:]])


def fold(name: str | None) -> str:
    """The form in which names are compared."""
    return " ".join((name or "").casefold().split())
