"""Which of the products in a page's markup is the one that the page shows.

Candidates are products as one or several objects describe them: themes and plugins often do it twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from habitue_collector.events import InvalidEvent, RejectReason
from habitue_collector.wires import offers
from habitue_collector.wires.addresses import Address
from habitue_collector.wires.schema_org import Found, Node, fold, listed, words

MAX_CANDIDATES = 40  # a public key may send anything: the work for one event stays within milliseconds
GTINS: Final = ("gtin13", "gtin", "gtin14", "gtin12", "gtin8", "ean", "isbn")
_AMOUNTS: Final = frozenset(("price", "lowPrice", "highPrice"))
_OF_AN_OFFER: Final = (*_AMOUNTS, "priceCurrency", "availability")
_BEHIND: Final = re.compile(r" [-–—|/] |, | \(")  # what parts a product's name from its variant's


@dataclass(slots=True)
class Candidate:
    """One product as several objects of the page describe it, the best one first."""

    nodes: list[Node]
    main: bool

    def first(self, *names: str) -> Any:
        """The first of these members that any of the objects has."""
        for node in self.nodes:
            for name in names:
                if node.get(name) not in (None, "", [], {}):
                    return node[name]
        return None


def choose(
    linked: list[Candidate],
    microdata: list[Candidate],
    opengraph: Node | None,
    page: Address | None,
    here: Address | None,
) -> Candidate:
    """The product of this page. Raises InvalidEvent: `ambiguous_product`, `no_product`."""
    several = False
    for address in (here, page):
        for candidates in (linked, microdata):
            matching = [one for one in candidates if address is not None and _is_at(one, address)]
            if len(matching) > 1 and address is not None:  # variants by their query: `?color=red`
                exact = [one for one in matching if any(a.is_exactly(address) for a in addresses(one))]
                matching = exact or matching
            if matching and _are_one(matching, here=True):
                return _best(matching)
            several = several or len(matching) > 1
    main = [one for one in linked if one.main]
    if main and _are_one(main):
        return _best(main)
    for candidates in (linked, microdata):
        here_too = [one for one in candidates if not _is_elsewhere(one, page, opengraph)]
        if here_too and not several and _are_one(candidates):
            return _best(here_too)
        if len(candidates) > 1 and opengraph is not None:
            named = [one for one in candidates if may_be(one, opengraph)]
            named = named or [one for one in candidates if _is_in_title(one, opengraph)]
            if named and _are_one(named):
                return _best(named)
        # All others are other pages': the page's own product needs no address.
        if len(here_too) == 1 and not several:
            return here_too[0]
        several = several or len(candidates) > 1
    if opengraph is not None and (opengraph.get("sku") or opengraph.get("offers")):
        return Candidate([opengraph], False)
    if several:
        raise InvalidEvent(
            RejectReason.AMBIGUOUS_PRODUCT,
            "the markup has several products and does not say which is the page's",
        )
    raise InvalidEvent(RejectReason.NO_PRODUCT, "the markup describes no product of this page")


def _are_one(candidates: list[Candidate], here: bool = False) -> bool:
    """One product, or its variants, or what a review tool says of it beside the theme: the name is the same.

    Variants have more behind it (`Trail Shoe - 42`, `Trail Shoe (red)`), or share their group. Of those that
    say that this page is theirs (`here`) a word in common is enough.
    """
    if len(candidates) < 2:
        return True
    keys = [_group_keys(one) for one in candidates]
    if any(all(hub & other for other in keys) for hub in keys):
        return True
    names = [fold(words(one.first("name"))) for one in candidates]
    if here:
        return bool(set.intersection(*(set(name.split()) for name in names)))
    return len({_BEHIND.split(name, maxsplit=1)[0].strip() for name in names}) == 1 and names[0] != ""


def _group_keys(candidate: Candidate) -> set[str]:
    """By what variants and their group name each other."""
    said = []
    for node in candidate.nodes:
        said += [node.get("@id"), node.get("inProductGroupWithID"), node.get("productGroupID")]
        for name in ("isVariantOf", "hasVariant"):
            for one in listed(node.get(name))[:MAX_CANDIDATES]:
                if isinstance(one, dict):
                    said += [one.get("@id"), one.get("productGroupID")]
    return {fold(one) for one in said if isinstance(one, str)} - {""}


def _best(candidates: list[Candidate]) -> Candidate:
    """Of one product's descriptions the first to be had, else the first with a price, else the first."""
    read = [(one, offers.read(one.first("offers"))) for one in candidates]
    for one, offer in read:
        if offer.price is not None and offer.availability in ("in_stock", None):
            return one
    return next((one for one, offer in read if offer.price is not None), candidates[0])


def is_sold(candidate: Candidate, page: Address | None, platform_id: str | None) -> bool:
    """Shops praise themselves as a Product with stars; a thing for sale has a price or a number."""
    if candidate.first("offers", "hasVariant", "sku", "mpn", "productID", *GTINS) is not None:
        return True
    return platform_id is not None or (page is not None and _is_at(candidate, page))


def resolve(candidate: Candidate, found: Found) -> None:
    """`{"@id": "#offer"}` stands for what has that id elsewhere in the page's blocks."""
    for node in candidate.nodes:
        for name in ("offers", "brand", "manufacturer", "image"):
            if isinstance(node.get(name), dict | list):
                node[name] = [resolved(one, found) or one for one in listed(node[name])[:MAX_CANDIDATES]]


def lift_offer(node: Node) -> None:
    """Old themes write the price, or its currency alone, beside the product instead of inside its offer."""
    beside = {name: node[name] for name in _OF_AN_OFFER if name in node}
    inside = [offer for offer in listed(node.get("offers"))[:MAX_CANDIDATES] if isinstance(offer, dict)]
    if not inside and not _AMOUNTS.isdisjoint(beside):
        node["offers"] = beside
    elif "priceCurrency" in beside:
        for offer in inside:
            offer.setdefault("priceCurrency", beside["priceCurrency"])


def addresses(candidate: Candidate) -> list[Address]:
    said = []
    for node in candidate.nodes:
        said += [node.get("url"), node.get("@id"), node.get("mainEntityOfPage")]
        said += [offer.get("url") for offer in listed(node.get("offers"))[:20] if isinstance(offer, dict)]
    addresses = []
    for value in said:
        if isinstance(value, dict):
            value = value.get("@id") or value.get("url")
        address = Address.read(value[0] if isinstance(value, list) and value else value)
        if address is not None and (address.path != "/" or address.query):
            addresses.append(address)
    return addresses


def _is_at(candidate: Candidate, page: Address) -> bool:
    return page.path != "/" and any(address.is_page(page) for address in addresses(candidate))


def _is_elsewhere(candidate: Candidate, page: Address | None, opengraph: Node | None) -> bool:
    """It has addresses, and all of them are other pages': a recommendation beside a product without markup.

    Shops reach one page by several paths (`/shoes/fjell`, `/products/fjell`): the last part decides.
    """
    if page is None or candidate.main:
        return False
    if opengraph is not None and may_be(candidate, opengraph):
        return False
    others = [address for address in addresses(candidate) if address.host in (page.host, None)]
    return bool(others) and not any(address.last == page.last for address in others)


def may_be(candidate: Candidate, opengraph: Node) -> bool:
    """OpenGraph describes the page itself; its title is the product's name, often the shop's behind it."""
    name, title = fold(words(candidate.first("name"))), fold(words(opengraph.get("name")))
    skus = {fold(words(one.get("sku"))) for one in (*candidate.nodes, opengraph)} - {""}
    if len(skus) == 1 and fold(words(opengraph.get("sku"))) in skus:
        return True
    if not name or not title:
        return False
    rest = title.removeprefix(name)
    return title == name or (rest != title and not rest[:1].isalnum())


def _is_in_title(candidate: Candidate, opengraph: Node) -> bool:
    """`Buy Trail Shoe online`: of several products it may tell the page's; of one alone it says nothing."""
    name, title = fold(words(candidate.first("name"))), fold(words(opengraph.get("name")))
    return bool(name) and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", title) is not None


def distinct(nodes: list[tuple[Node, bool]]) -> list[Candidate]:
    """Themes and plugins describe one product twice: the same id, number, address or name is the same one."""
    candidates: list[Candidate] = []
    by_key: dict[tuple[str, str], Candidate] = {}
    for node, main in nodes[:MAX_CANDIDATES]:
        lift_offer(node)
        own = _keys_of(node)
        known = next((by_key[key] for key in own if key in by_key), None)
        if known is not None and _contradicts(known, node):
            known = None
        if known is None:
            known = Candidate([], False)
            candidates.append(known)
        if not any(node is other for other in known.nodes):
            known.nodes.append(node)
        known.main = known.main or main
        for key in own:
            by_key.setdefault(key, known)
    return candidates


def _keys_of(node: Node) -> list[tuple[str, str]]:
    keys = []
    for name in ("@id", "sku", "url", "name"):
        said = fold(words(node.get(name)))
        if said:
            keys.append((name, said))
    return keys


def _contradicts(candidate: Candidate, node: Node) -> bool:
    """The same name, and another number: two variants, not one thing described twice."""
    numbers = {fold(words(one.get("sku"))) for one in (*candidate.nodes, node)} - {""}
    return len(numbers) > 1


def add_what_others_say(chosen: Candidate, others: list[Candidate]) -> None:
    """The same product in another notation fills what the first left out."""
    own = {key for node in chosen.nodes for key in _keys_of(node)}
    for other in others:
        if other is chosen or not any(key in own for node in other.nodes for key in _keys_of(node)):
            continue
        if not any(_contradicts(chosen, node) for node in other.nodes):
            chosen.nodes += other.nodes


def resolved(said: Any, found: Found) -> Node | None:
    if not isinstance(said, dict):
        return None
    identity = said.get("@id")
    if len(said) <= 2 and isinstance(identity, str):
        return found.by_id.get(identity, said)
    return said
