"""Names in a condition: which field is meant, and what was meant when there is none. Pure."""

from __future__ import annotations

from difflib import SequenceMatcher, get_close_matches

from habitue_recommender.conditions.errors import ConditionError
from habitue_recommender.conditions.fields import FIELDS, MAP
from habitue_recommender.conditions.tokens import quoted
from habitue_recommender.conditions.tree import Literal, Name, Node, Part, Read

# Words of other shops and tools for what has a name here.
_ALSO_CALLED = {
    "product": "item",
    "sku": "item.item_id",
    "item.id": "item.item_id",
    "item.sku": "item.item_id",
    "item.title": "item.name",
    "item.image": "item.image_url",
    "item.link": "item.url",
    "item.categories": "item.category",
    "item.quantity": "item.stock",
    "item.inventory": "item.stock",
    "item.is_new": "item.new",
    "user": "visitor",
    "customer": "visitor",
    "profile": "visitor",
    "visitor.segment": "visitor.segments",
    "visitor.id": "visitor.user_id",
    "visitor.cart.total": "visitor.cart.value",
    "visitor.cart.size": "visitor.cart.count",
    "visitor.orders.total": "visitor.orders.value",
    "visitor.orders.revenue": "visitor.orders.value",
    "visitor.logged_in": "visitor.known",
    "visitor.is_new": "visitor.new",
    "visitor.first_visit": "visitor.new",
    "visitor.sessions": "visitor.visits",
    "visitor.utm_campaign": "visitor.campaign",
    "now": "time.hour",
    "time.day_of_week": "time.weekday",
    "page.url": "visitor.landing",
    "placement": "slot",
}


def look_up(name: Name) -> Read:
    """The field of a name, with its key. Raises ConditionError."""
    parts = name.parts
    for count in range(len(parts), 0, -1):
        if any(part.quoted for part in parts[1:count]):
            continue
        field = FIELDS.get(".".join(part.text for part in parts[:count]))
        if field is None:
            continue
        rest = parts[count:]
        if not rest:
            return Read(field, at=name.at, length=name.length)
        kept = count + (field.type is MAP)  # what can be read, and what is too much behind it
        if len(parts) > kept:
            before = parts[kept - 1]
            start = before.at + before.length + before.quoted  # behind its bracket
            values = {"name": shown_parts(parts[:kept])}
            raise ConditionError("key_too_many", start, name.at + name.length - start, "", values)
        return Read(field, rest[0].text, at=name.at, length=name.length)
    raise ConditionError("unknown_field", name.at, name.length, _meant(parts), {"name": name.text[:80]})


def _meant(parts: tuple[Part, ...]) -> str:
    """The field whose name is nearest to what was written; "" when none is near."""
    written = ".".join(part.text for part in parts)[:80].lower().replace("-", "_")
    plain = _renamed(written)
    if plain in FIELDS:
        return plain
    # `price` alone, or `item.order.price`: the last word says most.
    last = plain.rpartition(".")[2]
    by_end = [one for one in FIELDS if one.endswith(f".{last}") and not one.startswith("page.item.")]
    group = plain.partition(".")[0]
    if by_end:
        return max(by_end, key=lambda one: (one.startswith(f"{group}."), _likeness(plain, one)))
    joined = {one.replace(".", "_"): one for one in FIELDS}
    close = get_close_matches(plain.replace(".", "_"), joined, 3, 0.72)
    if close:
        return joined[next((one for one in close if one.startswith(group)), close[0])]
    ends = {one.rpartition(".")[2]: one for one in reversed(list(FIELDS)) if not one.startswith("page.item.")}
    near = get_close_matches(last, ends, 1, 0.75)
    return ends[near[0]] if near else ""


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other, False).ratio()


def _renamed(written: str) -> str:
    for _ in range(3):
        if written in FIELDS:
            break
        head, dot, rest = written.partition(".")
        renamed = _ALSO_CALLED.get(written) or _ALSO_CALLED.get(head, head) + dot + rest
        if renamed == written:
            break
        written = renamed
    return written


def shown(node: Node) -> str:
    """How a field or a literal is written."""
    if isinstance(node, Read):
        if node.key is None:
            return node.field.name
        return f"{node.field.name}[{quoted(node.key)}]"
    if isinstance(node, Literal):
        value = node.value
        if value is None:
            return "null"
        if isinstance(value, bool):
            return "true" if value else "false"
        return quoted(value) if isinstance(value, str) else shown_number(value)
    return "…"


def shown_number(value: float | int) -> str:
    return str(value) if isinstance(value, int) else repr(value)


def shown_parts(parts: tuple[Part, ...]) -> str:
    return Name(parts).text
