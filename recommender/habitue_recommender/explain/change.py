"""The difference of two rulebooks: which slots it touches, and who meets it there. Pure.

Times are taken out of what was changed: a rule that begins next week is tried on yesterday all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from habitue_collector.profile import Profile
from habitue_recommender.assignment import share_of
from habitue_recommender.conditions import Asked, Condition, Test
from habitue_recommender.decide import consider
from habitue_recommender.page import Page
from habitue_recommender.rulebook.book import CompiledRule, Rulebook
from habitue_recommender.rulebook.contents import Content
from habitue_recommender.rulebook.rules import Rule
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
        self._parts: list[_Part] = []
        for book in (self.before, self.after):
            for one in book.active:
                if one.rule.id in rules:
                    self._parts.append(_Part.of_rule(book, one))
            for content in book.contents.values():
                if content.id in contents and content.enabled:
                    self._parts.append(_Part.of_content(book, content))
        self.slots = frozenset(self._slots | self._slots_of_parts())

    @property
    def meets_all(self) -> bool:
        """Whether nobody need be asked: it holds for everybody who comes by."""
        return bool(self._slots) or any(part.test is None and part.share >= 1.0 for part in self._parts)

    def _slots_of_parts(self) -> set[str]:
        """Where what was changed can act at all: a rule for product pages touches no slot of the cart's."""
        found: set[str] = set()
        for part in self._parts:
            for slot_id in part.slots:
                slot = part.book.slots.get(slot_id)
                if slot is None or not slot.enabled:
                    continue
                if not part.types or not slot.page_types or part.types & set(slot.page_types):
                    found.add(slot_id)
        return found

    def meets(self, profile: Profile, pages: Mapping[str, list[Page]], now: int) -> bool:
        """Whether this visitor can meet it, on one of these pages (by slot)."""
        if self.meets_all or (self._segments and self._moved(profile, now)):
            return True
        salt = self.recommender.settings.salt
        asked: dict[tuple[int, Page], Asked] = {}
        for part in self._parts:
            if part.share < 1.0 and share_of(salt, part.purpose, profile.profile_id) >= part.share:
                continue
            if part.test is None:
                return True
            for slot_id, page in part.places(pages):
                known = asked.get((id(part.book), page))
                if known is None:
                    known = asked[id(part.book), page] = self._asked(part.book, page, profile, now)
                if part.test(known.for_slot(slot_id), None):
                    return True
        return False

    def _asked(self, book: Rulebook, page: Page, profile: Profile, now: int) -> Asked:
        return Asked(
            page,
            profile,
            now,
            zone=book.zone,
            segments=lambda: book.segments_of(profile, now),
            viewed=self.recommender.reader.catalog.get(page.item_id) if page.item_id else None,
        )

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
            for part in self._parts:
                if slot_id in part.slots:
                    types |= part.types
            found[slot_id] = [Page(one) for one in sorted(types)] or [Page()]
        return found

    def differs(
        self, slot_id: str, page: Page, profile: Profile | None, at: int, together: Sequence[str] = ()
    ) -> bool:
        """Whether this decision comes out another way.

        `together` are the slots of its request in their order: they show nothing twice.
        """
        return self._shown(self.before, slot_id, page, profile, at, together) != self._shown(
            self.after, slot_id, page, profile, at, together
        )

    def _shown(
        self,
        book: Rulebook,
        slot_id: str,
        page: Page,
        profile: Profile | None,
        at: int,
        together: Sequence[str],
    ) -> list[str]:
        recommender = self.recommender
        if slot_id not in book.slots:
            return []
        slots = [book.slots[one] for one in together if one in book.slots] or [book.slots[slot_id]]
        decided = consider(
            slots,
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
        decision = next(decision for decision, _ in decided if decision.slot == slot_id)
        return [offer.item.item_id for offer in decision.offers]


@dataclass(frozen=True, slots=True)
class _Part:
    """One rule or content that was changed, as far as it asks for people and places."""

    book: Rulebook
    slots: frozenset[str]
    types: frozenset[str]  # of pages; none: each
    purpose: str  # of its share's hash
    share: float
    test: Test | None
    reads_page: bool

    @classmethod
    def of_rule(cls, book: Rulebook, one: CompiledRule) -> _Part:
        rule = one.rule
        return cls(
            book,
            rule.slots or frozenset(book.slots),
            rule.page_types,
            f"rule:{rule.id}",
            rule.share,
            one.request,
            _reads_page(rule.condition),
        )

    @classmethod
    def of_content(cls, book: Rulebook, content: Content) -> _Part:
        test = content.condition.test if content.condition is not None else None
        purpose = f"content:{content.id}"
        reads_page = _reads_page(content.condition)
        return cls(book, content.slots, frozenset(), purpose, content.share, test, reads_page)

    def places(self, pages: Mapping[str, list[Page]]) -> Iterator[tuple[str, Page]]:
        """Where it has to be asked: on one page when it does not ask for pages."""
        if not self.reads_page:
            yield "", Page()
            return
        for slot_id in self.slots:
            for page in pages.get(slot_id, ()):
                if not self.types or page.type in self.types:
                    yield slot_id, page


def _reads_page(condition: Condition | None) -> bool:
    return condition is not None and any(
        name == "slot" or name.startswith("page.") for name in condition.fields
    )


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
