"""Rules: what a marketer wants where, for whom and when. Pure.

`parse_rule` makes a document into a frozen `Rule`, or raises all its mistakes at once. What rules do to a
decision is `ruling`; all of a shop's rules together are the `rulebook`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from habitue_recommender.conditions import Condition
from habitue_recommender.rulebook.reader import MAX_LIST, MAX_NAME, MAX_NOTE, Reader
from habitue_recommender.rulebook.validity import ALWAYS, Validity, read_validity
from habitue_recommender.slots import MAX_SIZE, Source

MOST_FACTOR = 100.0
LIKENESSES = ("category", "brand", "price_band")
_SOURCE = "source:"
_FIELDS = (
    *("id", "name", "note", "enabled", "priority"),
    *("condition", "consequence", "validity", "share"),
)
_CONDITION = ("slots", "page_types", "when")
CONSEQUENCES = (
    *("pin", "boost", "bury", "include", "exclude", "filter", "same", "different"),
    *("fallback", "limit", "cap", "in_cart"),
)


@dataclass(frozen=True, slots=True)
class Pin:
    item_id: str
    position: int  # from 1


@dataclass(frozen=True, slots=True)
class Cap:
    """In view so often, the last time within so many days: enough."""

    impressions: int
    days: float

    def told(self, count: float) -> dict[str, int | float]:
        """For who watches a decision: what there was and what is allowed."""
        return {"count": int(count), "impressions": self.impressions, "days": self.days}


@dataclass(frozen=True, slots=True)
class Consequence:
    """What a rule does. A `factor` above 1 lifts, below 1 buries, and 0 in a limit means none."""

    pins: tuple[Pin, ...] = ()
    boost: float = 1.0
    bury: float = 1.0
    include: tuple[str, ...] = ()
    include_matching: bool = False
    exclude: bool = False
    filter: bool = False
    same: tuple[str, ...] = ()
    different: tuple[str, ...] = ()
    fallback_items: tuple[str, ...] = ()
    fallback_sources: tuple[Source, ...] = ()
    per_brand: int = 0
    per_category: int = 0
    cap: Cap | None = None
    in_cart_never: bool = False

    @property
    def factor(self) -> float:
        return self.boost / self.bury

    @property
    def restricts(self) -> tuple[str, ...]:
        """What it takes away, by its names in a document; that holds for everybody, the holdout included."""
        does = {
            "exclude": self.exclude,
            "filter": self.filter,
            "same": bool(self.same),
            "different": bool(self.different),
            "in_cart": self.in_cart_never,
            "limit": bool(self.per_brand or self.per_category),
            "cap": self.cap is not None,
        }
        return tuple(name for name, is_meant in does.items() if is_meant)

    @property
    def promotes(self) -> tuple[str, ...]:
        """What it brings forward; the holdout sees nothing of that. `boost` stands for bury too."""
        does = {
            "pin": bool(self.pins),
            "include": bool(self.include or self.include_matching),
            "fallback": bool(self.fallback_items or self.fallback_sources),
            "boost": self.factor != 1.0,
        }
        return tuple(name for name, is_meant in does.items() if is_meant)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as it is applied. Without `slots` or `page_types` it holds in each."""

    id: str
    name: str = ""
    note: str = ""
    enabled: bool = True
    priority: int = 0  # the greater one wins a place that two want
    slots: frozenset[str] = frozenset()
    page_types: frozenset[str] = frozenset()
    condition: Condition | None = None
    consequence: Consequence = field(default_factory=Consequence)
    validity: Validity = ALWAYS
    share: float = 1.0  # of visitors, by a salted hash of rule and visitor

    @property
    def reads_item(self) -> bool:
        return self.condition is not None and self.condition.reads_item


def parse_rule(raw: object, *, now: int | None = None) -> Rule:
    """A rule's document. Raises `Mistakes`, all of them.

    With `now` (ms), for who saves one: an end in the past is a mistake too.
    """
    reader = Reader(raw, _FIELDS)
    rule_id = reader.id()
    where = reader.inside("condition", _CONDITION)
    condition = where.condition("when")
    reads_item = condition is not None and condition.reads_item
    rule = Rule(
        rule_id,
        reader.text("name", MAX_NAME),
        reader.text("note", MAX_NOTE),
        reader.flag("enabled", True),
        reader.whole("priority", -1_000, 1_000, 0),
        frozenset(where.words("slots", 100)),
        frozenset(where.words("page_types", 100)),
        condition,
        _consequence(reader, reads_item, has_condition=where.has("when")),
        read_validity(reader, now if reader.raw.get("enabled") is not False else None),
        reader.number("share", 0.0, 1.0, 1.0),
    )
    reader.finish()
    return rule


def _consequence(reader: Reader, reads_item: bool, has_condition: bool) -> Consequence:
    inside = reader.inside("consequence", CONSEQUENCES)
    if not inside.raw and not inside.mistakes:
        inside.wrong("", f"say what the rule does; there are {', '.join(CONSEQUENCES)}")
    limit = inside.inside("limit", ("brand", "category"))
    if inside.has("limit") and not limit.raw:
        limit.wrong("", "say of what: brand, category or both", '{"brand": 2}')
    include, matching = _include(inside)
    fallback_items, fallback_sources = _fallback(inside)
    consequence = Consequence(
        _pins(inside, reads_item),
        inside.number("boost", 1.0, MOST_FACTOR, 1.0, above=True),
        inside.number("bury", 1.0, MOST_FACTOR, 1.0, above=True),
        include,
        matching,
        inside.flag("exclude"),
        inside.flag("filter"),
        inside.words("same", 3, LIKENESSES),
        inside.words("different", 3, LIKENESSES),
        fallback_items,
        fallback_sources,
        limit.whole("brand", 1, MAX_SIZE, 0),
        limit.whole("category", 1, MAX_SIZE, 0),
        _cap(inside),
        _in_cart(inside),
    )
    for name in ("filter", "include"):
        if inside.raw.get(name) is True and not reads_item and not _failed(reader, has_condition):
            inside.wrong(name, f"{name} needs a condition on the item: which ones?", 'item.brand == "Acme"')
    if consequence.exclude and consequence.filter:
        inside.wrong("filter", "filter beside exclude leaves nothing")
    for name in sorted(set(consequence.same) & set(consequence.different)):
        inside.wrong("different", f"the {name} cannot be the same and different")
    return consequence


def _failed(reader: Reader, has_condition: bool) -> bool:
    """Whether the expression is there and could not be read: nobody knows what it reads."""
    return has_condition and any(one.field == "condition.when" for one in reader.mistakes)


def read_cap(reader: Reader) -> Cap | None:
    return _cap(reader)


def _cap(reader: Reader) -> Cap | None:
    if not reader.has("cap"):
        return None
    inside = reader.inside("cap", ("impressions", "days"))
    if not inside.has("impressions"):
        inside.wrong("impressions", "say after how many times in view it is enough", "3")
    return Cap(inside.whole("impressions", 1, 10_000, 1), inside.number("days", 0.0, 366.0, 7.0, above=True))


def _pins(inside: Reader, reads_item: bool) -> tuple[Pin, ...]:
    pins: list[Pin] = []
    for one in inside.objects("pin", ("item_id", "position"), MAX_SIZE):
        if not one.raw:
            continue
        pin = Pin(one.text("item_id", MAX_NAME), one.whole("position", 1, MAX_SIZE, 1))
        if not pin.item_id:
            one.wrong("item_id", "say which item")
        if any(pin.item_id == other.item_id for other in pins):
            one.wrong("item_id", f"“{pin.item_id}” is pinned twice")
        if any(pin.position == other.position for other in pins):
            one.wrong("position", f"position {pin.position} is taken by another pin of this rule")
        pins.append(pin)
    if pins and reads_item:
        inside.wrong("pin", "a pin names its item itself, so the condition cannot ask for item as well")
    return tuple(pins)


def _include(inside: Reader) -> tuple[tuple[str, ...], bool]:
    value = inside.raw.get("include")
    if value is None or isinstance(value, bool):
        return (), value is True
    return inside.words("include", MAX_LIST), False


def _fallback(inside: Reader) -> tuple[tuple[str, ...], tuple[Source, ...]]:
    items: list[str] = []
    sources: list[Source] = []
    for place, word in enumerate(inside.words("fallback", MAX_LIST)):
        if not word.startswith(_SOURCE):
            items.append(word)
        elif (name := word[len(_SOURCE) :]) in set(Source):
            sources.append(Source(name))
        else:
            inside.wrong(f"fallback.{place}", f"“{name}” is not a source; there are {', '.join(Source)}")
    return tuple(items), tuple(sources)


def _in_cart(inside: Reader) -> bool:
    value = inside.raw.get("in_cart")
    if value not in (None, "never"):
        inside.wrong("in_cart", "this can only be “never”", "never")
    return value == "never"
