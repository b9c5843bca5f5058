"""All of a shop's rules, segments, contents and slots, compiled together and ready for decisions. Pure.

What does not compile is left out and named in `problems`: a broken document costs itself, not its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from habitue_collector.profile import Profile
from habitue_recommender.catalog import Catalog
from habitue_recommender.conditions import Asked, Condition, Test
from habitue_recommender.contents import Content, parse_content
from habitue_recommender.documents import CONTENT, RULE, SEGMENT, SLOT
from habitue_recommender.item_sets import ItemSets
from habitue_recommender.mistakes import Mistake, Mistakes
from habitue_recommender.rules import Consequence, Rule, parse_rule
from habitue_recommender.segments import Segments, parse_segment
from habitue_recommender.settings import RecommenderSettings
from habitue_recommender.slot_settings import parse_slot
from habitue_recommender.slots import Slot
from habitue_recommender.validity import ALWAYS, Validity

Documents = Mapping[str, Mapping[str, Mapping[str, Any]]]
_T = TypeVar("_T")
_MOST_PRODUCTS = 20_000


@dataclass(frozen=True, slots=True)
class Problem:
    """A document that was left out, and why."""

    kind: str
    id: str
    mistakes: Mistakes

    def to_public(self) -> dict[str, Any]:
        return {"kind": self.kind, "id": self.id, "mistakes": self.mistakes.to_public()}


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """An enabled rule with its condition taken apart.

    `request` is what it asks of page, visitor and time; `bit` the column of what it asks of the item alone
    (0: nothing); `mixed` makes the test of the rest, which is asked for each candidate of a request.
    """

    rule: Rule
    number: int  # its turn: the greater priority first
    request: Test | None = None
    bit: int = 0
    mixed: Callable[[Asked], Test] | None = None
    reads_slot: bool = False
    restricts: tuple[str, ...] = field(init=False)  # what it takes away, by the names of a document
    promotes: tuple[str, ...] = field(init=False)  # what it brings forward

    def __post_init__(self) -> None:
        object.__setattr__(self, "restricts", self.rule.consequence.restricts)
        object.__setattr__(self, "promotes", self.rule.consequence.promotes)

    @property
    def is_for_all(self) -> bool:
        """Whether it acts on every item alike."""
        return not self.bit and self.mixed is None


class Products(dict[int, float]):
    """Bits that lift → the product of their factors, computed when first asked for."""

    def __init__(self, other: Products | None = None) -> None:
        super().__init__()
        self._common: float = 1.0 if other is None else other._common  # of what lifts or buries everything
        self._factors: dict[int, float] = {} if other is None else other._factors.copy()

    def add(self, bit: int, factor: float) -> None:
        self.clear()
        if bit:
            self._factors[bit] = self._factors.get(bit, 1.0) * factor
        else:
            self._common *= factor

    def __missing__(self, hit: int) -> float:
        product, left = self._common, hit
        while left:
            bit = left & -left
            left ^= bit
            product *= self._factors[bit]
        if len(self) >= _MOST_PRODUCTS:
            self.clear()
        self[hit] = product
        return product


@dataclass(slots=True)
class Standing:
    """Rules that only ask the item, and so are the same for everybody: summed up once, as bits.

    `products` are the factors of what lifts and buries.
    """

    excluded: int = 0
    wanted: int = 0
    lifting: int = 0
    restricting: list[CompiledRule] = field(default_factory=list)
    lifts: list[CompiledRule] = field(default_factory=list)
    products: Products = field(default_factory=Products)

    def add(self, one: CompiledRule) -> None:
        consequence = one.rule.consequence
        if consequence.exclude:
            self.excluded |= one.bit
        if consequence.filter:
            self.wanted |= one.bit
        if consequence.exclude or consequence.filter:
            self.restricting.append(one)
        if consequence.factor != 1.0:
            self.lifting |= one.bit
            self.lifts.append(one)
            self.products.add(one.bit, consequence.factor)


@dataclass(frozen=True, slots=True)
class Here:
    """What can act in one slot on one type of page: the standing rules, and those that ask the request."""

    standing: Standing
    rules: tuple[CompiledRule, ...]


_STANDING = ("exclude", "filter", "boost", "bury")


def _stands(one: CompiledRule) -> bool:
    rule = one.rule
    if not one.bit or one.request is not None or one.mixed is not None:
        return False
    if rule.validity is not ALWAYS or rule.share < 1.0:
        return False
    does = {name: getattr(rule.consequence, name) for name in _STANDING}
    return rule.consequence == Consequence(**does)


class Rulebook:
    """See the module. `rules`, `segments` and `contents` hold all that compiled, enabled or not."""

    def __init__(
        self,
        rules: Mapping[str, Rule],
        segments: Segments,
        contents: Mapping[str, Content],
        slots: Mapping[str, Slot],
        problems: tuple[Problem, ...],
        zone: ZoneInfo,
        version: int,
        item_sets: ItemSets,
    ) -> None:
        self.rules = rules
        self.segments = segments
        self.contents = contents
        self.slots = slots
        self.problems = problems
        self.zone = zone
        self.version = version
        self.item_sets = item_sets
        enabled = [rule for rule in rules.values() if rule.enabled]
        enabled.sort(key=lambda rule: (-rule.priority, rule.id))
        self.active = self._take_apart(enabled)
        self._shown = sorted(
            (content for content in contents.values() if content.enabled),
            key=lambda content: (-content.priority, content.id),
        )
        self._by_place: dict[tuple[str, str], Here] = {}

    @classmethod
    def compile(
        cls,
        documents: Documents,
        *,
        settings: RecommenderSettings,
        version: int = 0,
        previous: Rulebook | None = None,
    ) -> Rulebook:
        """From raw documents by kind and id. What `previous` knows of items is taken over."""
        problems: list[Problem] = []

        def compiled(kind: str, read: Callable[[str, Mapping[str, Any]], _T]) -> dict[str, _T]:
            done: dict[str, _T] = {}
            for one, raw in sorted(documents.get(kind, {}).items()):
                try:
                    done[one] = read(one, raw)
                except Mistakes as mistakes:
                    problems.append(Problem(kind, one, mistakes))
            return done

        slots = dict(settings.slots)
        slots |= compiled(SLOT, lambda one, raw: parse_slot({**raw, "id": one}, slots.get(one)))
        found = compiled(SEGMENT, lambda one, raw: parse_segment({**raw, "id": one}))
        segments, circles = Segments.of(found)
        problems += [Problem(SEGMENT, one, mistakes) for one, mistakes in circles.items()]
        item_sets = previous.item_sets if previous is not None else ItemSets()
        return cls(
            compiled(RULE, lambda one, raw: parse_rule({**raw, "id": one})),
            segments,
            compiled(CONTENT, lambda one, raw: parse_content({**raw, "id": one})),
            slots,
            tuple(problems),
            ZoneInfo(settings.timezone),
            version,
            ItemSets() if item_sets.is_full else item_sets,
        )

    @property
    def is_idle(self) -> bool:
        """Whether nothing in it changes a decision; slots may differ all the same."""
        return not self.active and not self._shown

    def segments_of(self, profile: Profile | None, now: int) -> frozenset[str]:
        """The ids of the segments that this visitor is in."""
        return self.segments.of_profile(profile, now, self.zone)

    def rules_of(self, slot_id: str, page_type: str) -> Here:
        """What can act in this slot on such a page, the first one first."""
        place = (slot_id, page_type)
        found = self._by_place.get(place)
        if found is None:
            standing, rules = Standing(), []
            for one in self.active:
                rule = one.rule
                if rule.slots and slot_id not in rule.slots:
                    continue
                if rule.page_types and page_type not in rule.page_types:
                    continue
                if _stands(one):
                    standing.add(one)
                else:
                    rules.append(one)
            found = Here(standing, tuple(rules))
            if len(self._by_place) < 1_000:  # page types come from pages, and anybody can make them up
                self._by_place[place] = found
        return found

    def contents_of(self, slot_id: str) -> Iterator[Content]:
        return (content for content in self._shown if slot_id in content.slots)

    def warming(self, catalog: Catalog) -> Iterator[None]:
        """Steps that prepare what decisions would else find out one by one; for who has time in between."""
        wanted = {
            one.bit
            for one in self.active
            if one.bit and (one.rule.consequence.filter or one.rule.consequence.include_matching)
        }
        return self.item_sets.warming(catalog, wanted)

    def _take_apart(self, rules: list[Rule]) -> tuple[CompiledRule, ...]:
        splits = {rule.id: rule.condition.split() for rule in rules if rule.condition is not None}
        columns = {
            rule.condition.text: split.item
            for rule in rules
            if rule.condition is not None and (split := splits[rule.id]).item is not None
        }
        bits = self.item_sets.add({text: test for text, test in columns.items() if test is not None})
        active = []
        for number, rule in enumerate(rules):
            condition = rule.condition
            if condition is None:
                active.append(CompiledRule(rule, number))
                continue
            split = splits[rule.id]
            bit = bits[condition.text] if split.item is not None else 0
            reads_slot = "slot" in condition.fields
            active.append(CompiledRule(rule, number, split.request, bit, split.narrow, reads_slot))
        return tuple(active)

    # ---- what does not go together -------------------------------------------------------------------

    def contradictions(self, rule_id: str | None = None) -> list[Mistake]:
        """What two rules want that cannot both be, at the field of the later one.

        Of one rule: at its own fields, whichever of the two comes later, for who is writing it.
        """
        if rule_id is None:
            return [mistake for _, _, mistake in self._pairs()]
        rules = [one.rule for one in self.active]
        own = next((rule for rule in rules if rule.id == rule_id), None)
        others = [rule for rule in rules if own is not None and rule is not own and _may_meet(rule, own)]
        return [mistake for other in others if own is not None for mistake in _conflicts(other, own)]

    def _pairs(self) -> Iterator[tuple[str, str, Mistake]]:
        rules = [one.rule for one in self.active]
        for place, later in enumerate(rules):
            for earlier in rules[:place]:
                if _may_meet(earlier, later):
                    for mistake in _conflicts(earlier, later):
                        yield earlier.id, later.id, mistake


def _conflicts(earlier: Rule, later: Rule) -> Iterator[Mistake]:
    first, second = earlier.consequence, later.consequence
    name = earlier.name or earlier.id
    taken = {pin.position: pin.item_id for pin in first.pins}
    for place, pin in enumerate(second.pins):
        other = taken.get(pin.position)
        if other is not None and other != pin.item_id and earlier.priority == later.priority:
            yield Mistake(
                f"consequence.pin.{place}.position",
                f"“{name}” ({earlier.id}) pins {other} to position {pin.position} as well; "
                "give one of the two the greater priority.",
            )
    if _same_condition(earlier, later):
        if first.boost > 1.0 and second.bury > 1.0:
            yield Mistake("consequence.bury", f"“{name}” ({earlier.id}) boosts the same items.")
        if first.bury > 1.0 and second.boost > 1.0:
            yield Mistake("consequence.boost", f"“{name}” ({earlier.id}) buries the same items.")
        if first.exclude and second.filter:
            yield Mistake("consequence.filter", f"“{name}” ({earlier.id}) excludes the same items.")
        if first.filter and second.exclude:
            yield Mistake("consequence.exclude", f"“{name}” ({earlier.id}) shows nothing but these items.")
    for dimension in sorted(set(first.same) & set(second.different)):
        if earlier.condition is None and later.condition is None:
            yield Mistake("consequence.different", f"“{name}” ({earlier.id}) wants the same {dimension}.")
    for dimension in sorted(set(first.different) & set(second.same)):
        if earlier.condition is None and later.condition is None:
            yield Mistake("consequence.same", f"“{name}” ({earlier.id}) wants another {dimension}.")


def _may_meet(one: Rule, other: Rule) -> bool:
    """Whether both can act in one decision, as far as slots, pages, times and equal conditions tell.

    Two rules with different conditions on visitors may never meet; then neither is in the other's way.
    """
    return (
        (not one.slots or not other.slots or bool(one.slots & other.slots))
        and (not one.page_types or not other.page_types or bool(one.page_types & other.page_types))
        and _times_meet(one.validity, other.validity)
        and (_request(one.condition) == _request(other.condition))
    )


def _request(condition: Condition | None) -> str:
    """What stands for a condition's part that is not about the item."""
    if condition is None or not (condition.reads_visitor or condition.reads_time or _reads_page(condition)):
        return ""
    return condition.text


def _reads_page(condition: Condition) -> bool:
    return any(name == "slot" or name.startswith("page.") for name in condition.fields)


def _same_condition(one: Rule, other: Rule) -> bool:
    first = one.condition.text if one.condition is not None else ""
    second = other.condition.text if other.condition is not None else ""
    return first == second


def _times_meet(one: Validity, other: Validity) -> bool:
    if one.until is not None and other.since is not None and other.since >= one.until:
        return False
    if other.until is not None and one.since is not None and one.since >= other.until:
        return False
    return not one.weekdays or not other.weekdays or bool(one.weekdays & other.weekdays)
