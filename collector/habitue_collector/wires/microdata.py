"""Microdata as the tag sends it, in schema.org's JSON form.

It comes as `{itemprop: [value, …]}`, nested scopes as objects.
https://html.spec.whatwg.org/multipage/microdata.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from habitue_collector.wires.schema_org import Node

MAX_DEPTH = 8
MAX_MEMBERS = 50
MAX_PRINT = 500  # characters by which two scopes are told apart
_FIRST_ONLY: Final = frozenset(
    ("name", "sku", "url", "productID", "mpn", "price", "priceCurrency", "availability")
)


def products_in(scopes: list[Any]) -> list[Node]:
    """The products of a page's scopes; one that stands inside another (a related one) is not the page's."""
    inside = {_print_of(one) for scope in scopes for one in _nested(scope)}
    alone = [scope for scope in scopes if _print_of(scope) not in inside]
    return [node for scope in alone if (node := as_schema_org(scope))]


def _nested(scope: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    if not isinstance(scope, dict) or depth > MAX_DEPTH:
        return
    for said in list(scope.values())[:MAX_MEMBERS]:
        for one in (said if isinstance(said, list) else [said])[:MAX_MEMBERS]:
            if isinstance(one, dict) and one:
                yield one
                yield from _nested(one, depth + 1)


def _print_of(scope: Any) -> str:
    return repr(scope)[:MAX_PRINT]


def as_schema_org(scope: Any, depth: int = 0) -> Node | None:
    """One scope as an object; a property said twice keeps its first value where only one can be meant."""
    if not isinstance(scope, dict) or depth > MAX_DEPTH:
        return None
    node: Node = {} if depth else {"@type": "Product"}
    for name, said in list(scope.items())[:MAX_MEMBERS]:
        if not isinstance(name, str):
            continue
        values = [
            value
            for one in (said if isinstance(said, list) else [said])[:MAX_MEMBERS]
            if (value := as_schema_org(one, depth + 1) if isinstance(one, dict) else one)
            not in (None, "", {})
        ]
        if not values:
            continue
        for member in name.split():
            node[member] = values[0] if len(values) == 1 or member in _FIRST_ONLY else values
    return node
