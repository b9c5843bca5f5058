"""The difference of two rulebooks: which slots it touches, and who meets it there. Pure.

Times are taken out of what was changed: a rule that begins next week is tried on yesterday all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from habitue_collector.profile import Profile
from habitue_recommender.assignment import share_of
from habitue_recommender.conditions import Asked, Condition, Test
from habitue_recommender.contents import Content
from habitue_recommender.decide import consider
from habitue_recommender.page import Page
from habitue_recommender.rulebook import Rulebook
from habitue_recommender.rules import Rule
from habitue_recommender.slots import Slot

if TYPE_CHECKING:
    from habitue_recommender.recommender import Recommender

_T = TypeVar("_T")


class Change:
    """See the module. `slots` are the ids of those in which it can act."""

    def __init__(self, before: Rulebook, after: Rulebook, recommender: Recommender) -> None:
        segments = _changed_segments(before, after)
        rules = {
            *_changed(before.rules, after.rules, _rule_says),
            *_naming(before, segments),
            *_naming(after, segments),
        }
        contents = set(_changed(before.contents, after.contents, _content_says))
        contents |= {
            one.id
            for book in (before, after)
            for one in book.contents.values()
            if one.condition is not None and one.condition.segments & segments
        }
        self.before = _timeless(before, rules, contents)
        self.after = _timeless(after, rules, contents)
        self.recommender = recommender
        self._segments = segments
        self._slots = set(_changed(before.slots, after.slots, _same))
        self._parts: list[tuple[Rulebook, frozenset[str], frozenset[str], str, float, Test | None]] = []
        for book in (self.before, self.after):
            for one in book.active:
                if one.rule.id in rules:
                    where = one.rule.slots or frozenset(book.slots)
                    types = one.rule.page_types
                    purpose = f"rule:{one.rule.id}"
                    self._parts.append((book, where, types, purpose, one.rule.share, one.request))
            for content in book.contents.values():
                if content.id in contents and content.enabled:
                    purpose = f"content:{content.id}"
                    test = content.condition.test if content.condition is not None else None
                    self._parts.append((book, content.slots, frozenset(), purpose, content.share, test))
        self.slots = frozenset(self._slots | self._slots_of_parts())

    def _slots_of_parts(self) -> set[str]:
        """Where what was changed can act at all: a rule for product pages touches no slot of the cart's."""
        found: set[str] = set()
        for book, where, types, *_ in self._parts:
            for slot_id in where:
                slot = book.slots.get(slot_id)
                if slot is not None and (not types or not slot.page_types or types & set(slot.page_types)):
                    found.add(slot_id)
        return found

    def meets(self, profile: Profile, pages: Mapping[str, list[Page]], now: int) -> bool:
        """Whether this visitor can meet it, on one of these pages (by slot) or on a plain one."""
        if self._slots:
            return True  # who comes by sees another slot
        if self._segments and self._moved(profile, now):
            return True
        salt, catalog = self.recommender.settings.salt, self.recommender.reader.catalog
        asked: dict[tuple[int, Page], Asked] = {}
        for book, where, types, purpose, share, test in self._parts:
            if share < 1.0 and share_of(salt, purpose, profile.profile_id) >= share:
                continue
            if test is None:
                return True
            for slot_id in where:
                for page in pages.get(slot_id, ()):
                    if types and page.type not in types:
                        continue
                    known = asked.get((id(book), page))
                    if known is None:
                        known = asked[id(book), page] = Asked(
                            page,
                            profile,
                            now,
                            zone=book.zone,
                            segments=_segments_of(book, profile, now),
                            viewed=catalog.get(page.item_id) if page.item_id else None,
                        )
                    if test(known.for_slot(slot_id), None):
                        return True
        return False

    def _moved(self, profile: Profile, now: int) -> bool:
        """Whether somebody enters or leaves a segment that was changed."""
        old, new = self.before.segments_of(profile, now), self.after.segments_of(profile, now)
        return bool((old ^ new) & self._segments)

    def plain_pages(self) -> dict[str, list[Page]]:
        """A page of each type that a slot, or what was changed, speaks of."""
        found: dict[str, list[Page]] = {}
        for slot_id in self.slots:
            slot = self.after.slots.get(slot_id) or self.before.slots.get(slot_id)
            types = set(slot.page_types) if slot is not None else set()
            for _, where, wanted, *_ in self._parts:
                if slot_id in where:
                    types |= wanted
            found[slot_id] = [Page(one) for one in sorted(types)] or [Page()]
        return found

    def differs(self, slot_id: str, page: Page, profile: Profile | None, at: int) -> bool:
        """Whether this decision comes out another way."""
        return self._shown(self.before, slot_id, page, profile, at) != self._shown(
            self.after, slot_id, page, profile, at
        )

    def _shown(self, book: Rulebook, slot_id: str, page: Page, profile: Profile | None, at: int) -> list[str]:
        recommender = self.recommender
        slot = book.slots.get(slot_id)
        if slot is None:
            return []
        [(decision, _)] = consider(
            [slot],
            page,
            profile,
            recommender.reader.catalog,
            recommender.model,
            recommender.live,
            at,
            recommender.settings,
            rulebook=book,
            clock=_stopped,
        )
        return [offer.item.item_id for offer in decision.offers]


def _segments_of(book: Rulebook, profile: Profile, now: int) -> Callable[[], frozenset[str]]:
    return lambda: book.segments_of(profile, now)


def _stopped() -> float:
    return 0.0


def _changed(
    before: Mapping[str, _T], after: Mapping[str, _T], says: Callable[[_T], object]
) -> Iterator[str]:
    for one in {*before, *after}:
        old, new = before.get(one), after.get(one)
        if (says(old) if old is not None else None) != (says(new) if new is not None else None):
            yield one


def _same(slot: Slot) -> object:
    return slot


def _text(condition: Condition | None) -> str:
    return condition.text if condition is not None else ""


def _rule_says(rule: Rule) -> object:
    """What counts of a rule; a name or a note changes nothing. One that is off says nothing."""
    return (_text(rule.condition), replace(rule, condition=None, name="", note="")) if rule.enabled else None


def _content_says(content: Content) -> object:
    if not content.enabled:
        return None
    return (_text(content.condition), replace(content, condition=None, name="", note=""))


def _changed_segments(before: Rulebook, after: Rulebook) -> frozenset[str]:
    """Segments that were changed, and those that name one of them."""
    found = set(_changed(before.segments.by_id, after.segments.by_id, lambda one: one.condition.text))
    for book in (before, after):
        for one in book.segments:  # in the order of dependence: one pass is enough
            if one.needs & found:
                found.add(one.id)
    return frozenset(found)


def _naming(book: Rulebook, segments: frozenset[str]) -> Iterator[str]:
    for rule in book.rules.values():
        if rule.condition is not None and rule.condition.segments & segments:
            yield rule.id


def _timeless(book: Rulebook, rules: set[str], contents: set[str]) -> Rulebook:
    """The same with what was changed in force from ever to ever; weekdays and hours stay."""

    def always(one: Any) -> Any:
        return replace(one, validity=replace(one.validity, since=None, until=None))

    return Rulebook(
        {one: always(rule) if one in rules else rule for one, rule in book.rules.items()},
        book.segments,
        {one: always(content) if one in contents else content for one, content in book.contents.items()},
        book.slots,
        book.problems,
        book.zone,
        book.version,
        book.item_sets,
    )
