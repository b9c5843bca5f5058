"""What must be known of a page afterwards: the truth that stands beside it, read and compared."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

PAGES = Path(__file__).parent / "pages"
SENTINEL = "End of the trial"
QUIET_KINDS = {"page_view", "custom", "consent", "identify"}
Record = dict[str, Any]
Step = str | dict[str, Any]


@dataclass(frozen=True)
class Truth:
    """One page's expectations; what is not said is not judged, but `counts` is the whole list of kinds.

    `counts`: kind → how often, a number or [least, most]; page views, custom events and logins apart; an
    order that counts once is one. A value that is a list means any of these, `{{RUN}}` the trial's own id.
    `drive`: selectors to click, or {"wait": ms} for what must not happen, {"expect": counts} and
    {"until": expression} for what must, {"reload": true}, {"fill": [selector, text]}, {"js": code}, and
    {"denied"|"granted"|"withdrawn": true}: what the visitor has said so far.
    """

    name: str
    about: str = ""
    drive: tuple[Step, ...] = ()
    counts: Mapping[str, Any] = field(default_factory=dict)
    loose: tuple[str, ...] = ()
    page_views: int | None = 1
    names: Mapping[str, int] = field(default_factory=dict)
    strict_names: bool = False
    product: Mapping[str, Any] = field(default_factory=dict)
    carts: tuple[Mapping[str, Any], ...] = ()
    cart_lines: tuple[Any, ...] = ()
    items: Mapping[str, list[str]] = field(default_factory=dict)
    order: Mapping[str, Any] = field(default_factory=dict)
    user_id: str = ""
    search: str = ""
    consent: Mapping[str, str] = field(default_factory=dict)
    never: tuple[str, ...] = ()
    page: Mapping[str, Any] = field(default_factory=dict)
    key: Literal["assumed", "required"] = "assumed"
    tag: str = "consent=assumed"
    gpc: bool = False
    sdks: tuple[str, ...] = ()
    csps: tuple[str, ...] = ()
    settle: int = 300
    sentinel: bool = True
    query: Mapping[str, str] = field(default_factory=dict)
    path: str = "/"
    rare: bool = False  # True: tried in the long run only
    quiet: bool = True  # False: the page itself makes the browser complain on the console
    file: Path = PAGES


def read(path: Path) -> Iterator[Truth]:
    """The truths of one file: one, or one for each of its `cases`."""
    said = json.loads(path.read_text())
    known = {item.name for item in fields(Truth)}
    cases = said.pop("cases", [{}])
    assert set(said) <= known, f"{path.name}: {set(said) - known}"
    for number, case in enumerate(cases):
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in {**said, **case}.items()
        }
        name = path.stem if len(cases) == 1 else f"{path.stem}-{number + 1}"
        yield Truth(name, file=path.with_suffix(".html"), **values)


def all_truths() -> list[Truth]:
    return [truth for path in sorted(PAGES.glob("*.json")) for truth in read(path)]


def counts_of(events: Iterable[Record]) -> Counter[str]:
    """Kinds as the shop would count them: an order that is known already is no other one."""
    return Counter(event["kind"] for event in events if not event.get("order_known"))


def reached(found: Mapping[str, int], counts: Mapping[str, Any]) -> bool:
    return all(found.get(kind, 0) >= _range(wanted)[0] for kind, wanted in counts.items())


def judge(truth: Truth, run: str, events: list[Record]) -> Iterator[str]:
    """What the server knows and should not, or should and does not; nothing when all is well."""
    found = counts_of(events)
    for kind in sorted({*found, *truth.counts} - (QUIET_KINDS - set(truth.counts)) - set(truth.loose)):
        least, most = _range(truth.counts.get(kind, 0))
        if not least <= found[kind] <= most:
            yield f"{kind} × {found[kind]} instead of {truth.counts.get(kind, 0)}"
    if truth.page_views is not None and found["page_view"] != truth.page_views:
        yield f"page_view × {found['page_view']} instead of {truth.page_views}"
    names = Counter(event["name"] for event in events if event["kind"] == "custom")
    del names[SENTINEL]
    for name in {*truth.names, *(names if truth.strict_names else ())}:
        if names[name] != truth.names.get(name, 0):
            yield f"{name} × {names[name]} instead of {truth.names.get(name, 0)}"
    if truth.product:
        yield from _differences("product", truth.product, _view(events), run)
    carts = [event for event in events if event["kind"] == "add_to_cart"]
    for wanted, event in zip(truth.carts, carts, strict=False):
        yield from _differences("cart", wanted, _first(event), run)
    if truth.cart_lines:
        lines = [item for event in carts for item in event.get("items", [])]
        got = [(item.get("item_id"), item.get("quantity", 1)) for item in lines]
        if len(got) != len(truth.cart_lines) or not all(
            item_id in ids and quantity == amount
            for (item_id, quantity), (ids, amount) in zip(got, truth.cart_lines, strict=True)
        ):
            yield f"cart lines {got} instead of {truth.cart_lines}"
    # Two requests of one page may overtake each other; when it happened is what the page says.
    in_order = sorted(events, key=lambda event: event.get("timestamp", 0))
    for kind, ids in truth.items.items():
        listed = [i["item_id"] for event in in_order if event["kind"] == kind for i in event.get("items", [])]
        if listed != ids:
            yield f"items of {kind}: {listed} instead of {ids}"
    if truth.order:
        orders = [event for event in events if event["kind"] == "purchase" and not event.get("order_known")]
        yield from _differences("order", truth.order, _order(orders[0]) if orders else {}, run)
    if truth.search:
        terms = [event.get("search_term") for event in events if event["kind"] == "search"]
        if truth.search not in terms:
            yield f"search terms {terms} instead of {truth.search!r}"
    if truth.user_id:
        users = {event.get("user_id") for event in events if event["kind"] == "identify"}
        if users != {truth.user_id.replace("{{RUN}}", run)}:
            yield f"logins of {users}"


def _range(wanted: Any) -> tuple[int, int]:
    return (wanted[0], wanted[1]) if isinstance(wanted, list | tuple) else (wanted, wanted)


def _differences(what: str, wanted: Mapping[str, Any], got: Record, run: str) -> Iterator[str]:
    for name, value in wanted.items():
        value = value.replace("{{RUN}}", run) if isinstance(value, str) else value
        same = (
            got.get(name) in value if isinstance(value, list) and name != "items" else got.get(name) == value
        )
        if not same:
            yield f"{what}.{name} {got.get(name)!r} instead of {value!r}"


def _view(events: list[Record]) -> Record:
    """The first viewed product, whatever part of the record says it."""
    views = [event for event in events if event["kind"] == "product_view"]
    return _first(views[0]) if views else {}


def _first(event: Record) -> Record:
    properties = event.get("properties", {})
    (item, *_) = event.get("items") or [{}]
    return {"currency": event.get("currency"), **properties, **item.get("attributes", {}), **item}


def _order(event: Record) -> Record:
    return {
        "id": event.get("order_id"),
        "value": event.get("value"),
        "currency": event.get("currency"),
        "items": [[i["item_id"], i.get("price"), i.get("quantity")] for i in event.get("items", [])],
    }
