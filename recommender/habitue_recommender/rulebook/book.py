"""All of a shop's rules, segments, contents and slots, compiled together and ready for decisions. Pure.

What does not compile is left out and named in `problems`: a broken document costs itself, not its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from habitue_collector.profile import Profile
from habitue_recommender.catalog.catalog import Catalog
from habitue_recommender.rulebook.contents import Content, parse_content
from habitue_recommender.rulebook.contradictions import conflicts, may_meet, out_of_reach
from habitue_recommender.rulebook.documents import CONTENT, RULE, SEGMENT, SLOT
from habitue_recommender.rulebook.item_sets import ItemSets
from habitue_recommender.rulebook.mistakes import Mistake, Mistakes
from habitue_recommender.rulebook.rules import Rule, parse_rule
from habitue_recommender.rulebook.standing import CompiledRule as CompiledRule
from habitue_recommender.rulebook.standing import Here, Standing, stands
from habitue_recommender.segments.segment import Segments, parse_segment
from habitue_recommender.settings import RecommenderSettings
from habitue_recommender.slot_settings import parse_slot
from habitue_recommender.slots import Slot

Documents = Mapping[str, Mapping[str, Mapping[str, Any]]]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Problem:
    """A document that was left out, and why."""

    kind: str
    id: str
    mistakes: Mistakes

    def to_public(self) -> dict[str, Any]:
        return {"kind": self.kind, "id": self.id, "mistakes": self.mistakes.to_public()}


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
        self._by_rules: dict[tuple[int, ...], Here] = {}

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
            able = tuple(
                one
                for one in self.active
                if (not one.rule.slots or slot_id in one.rule.slots)
                and (not one.rule.page_types or page_type in one.rule.page_types)
            )
            # Slots in which the same rules can act share what these come to.
            numbers = tuple(one.number for one in able)
            found = self._by_rules.get(numbers) or _together(able)
            if len(self._by_place) < 1_000:  # page types come from pages, and anybody can make them up
                self._by_place[place] = self._by_rules[numbers] = found
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
            active.append(
                CompiledRule(rule, number, split.request, bit, split.narrow, reads_slot, split.many)
            )
        return tuple(active)

    # ---- what does not go together -------------------------------------------------------------------

    def contradictions(self, rule_id: str | None = None) -> list[Mistake]:
        """What two rules want that cannot both be, at the field of the later one.

        Of one rule: at its own fields, whichever of the two comes later, for who is writing it.
        """
        slots = self.slots.values()
        if rule_id is None:
            found = [mistake for one in self.active for mistake in out_of_reach(one.rule, slots)]
            return found + [mistake for _, _, mistake in self.clashes()]
        rules = [one.rule for one in self.active]
        own = next((rule for rule in rules if rule.id == rule_id), None)
        if own is None:
            return []
        found = list(out_of_reach(own, slots))
        for other in rules:
            if other is not own and may_meet(other, own):
                found += conflicts(other, own)
        return found

    def clashes(self) -> Iterator[tuple[str, str, Mistake]]:
        """All pairs of rules that do not go together, and what is wrong at a field of the second."""
        rules = [one.rule for one in self.active]
        for place, later in enumerate(rules):
            for earlier in rules[:place]:
                if may_meet(earlier, later):
                    for mistake in conflicts(earlier, later):
                        yield earlier.id, later.id, mistake


def _together(rules: tuple[CompiledRule, ...]) -> Here:
    standing = Standing()
    others = []
    for one in rules:
        if stands(one):
            standing.add(one)
        else:
            others.append(one)
    return Here(standing, tuple(others))
