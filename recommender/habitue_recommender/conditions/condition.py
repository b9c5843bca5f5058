"""A condition: a text, what it reads, and the test it was compiled to. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from habitue_recommender.catalog.items import Item
from habitue_recommender.conditions.asked import NO_ITEM, Asked
from habitue_recommender.conditions.binding import Bind, bound
from habitue_recommender.conditions.check import check, fields_named, segments_named
from habitue_recommender.conditions.closures import test_of
from habitue_recommender.conditions.fields import Source
from habitue_recommender.conditions.grammar import grow
from habitue_recommender.conditions.many import Many, many
from habitue_recommender.conditions.tree import Compare, Joined, Literal, Node, Operator, reads, walk

Test = Callable[[Asked, Item | None], bool]


@dataclass(frozen=True, slots=True)
class Split:
    """The parts of a condition that all must hold, by what they read; None where there is no such part.

    `request` reads page, visitor and time (its item may be None), `item` the item alone (its Asked is not
    looked at), `mixed` both; the last two want an item. `narrow(asked)` is the mixed part with all that it
    reads of the request already read: for many items of one request, and twice as quick. `many` asks item and
    mixed part of hundreds of items at once, where they have such a form.
    """

    request: Test | None
    item: Test | None
    mixed: Test | None
    narrow: Callable[[Asked], Test] | None
    many: Many | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """Built by `parse`. `test` and `bind` never raise; a missing value makes a comparison false."""

    text: str
    tree: Node = field(repr=False)
    fields: frozenset[str]
    segments: frozenset[str]
    sources: frozenset[Source]
    test: Test = field(repr=False)
    bind: Bind = field(repr=False)

    @property
    def reads_item(self) -> bool:
        return Source.ITEM in self.sources

    @property
    def reads_visitor(self) -> bool:
        return Source.VISITOR in self.sources

    @property
    def reads_page(self) -> bool:
        """Page or slot."""
        return Source.PAGE in self.sources

    @property
    def reads_time(self) -> bool:
        """Its answer can change although nothing happened."""
        return Source.TIME in self.sources

    def place_of(self, segment_id: str) -> tuple[int | None, int | None]:
        """Where in the text a segment is named first: position and length with its quotes."""
        for node in walk(self.tree):
            if isinstance(node, Compare) and isinstance(node.left, Literal) and node.left.value == segment_id:
                return node.left.at, node.left.length
        return None, None

    def split(self) -> Split:
        """The parts joined by && at the top, by what they read."""
        whole = self.tree
        joined = isinstance(whole, Joined) and whole.operator is Operator.AND
        request: list[Node] = []
        item: list[Node] = []
        mixed: list[Node] = []
        for part in whole.children if joined else (whole,):
            sources = reads(part)
            if Source.ITEM not in sources:
                request.append(part)
            elif len(sources) == 1:
                item.append(part)
            else:
                mixed.append(part)
        return Split(
            test_of(_all(request)) if request else None,  # type: ignore[arg-type]  # it reads no item
            test_of(_all(item)) if item else None,  # type: ignore[arg-type]  # asked with items only
            test_of(_all(mixed)) if mixed else None,  # type: ignore[arg-type]  # asked with items only
            bound(_all(mixed)) if mixed else None,  # type: ignore[arg-type]  # asked with items only
            many(_all(item + mixed)) if mixed else None,
        )

    def __str__(self) -> str:
        return self.text


def parse(text: str) -> Condition:
    """The condition of a text. Raises ConditionError at the first mistake."""
    return _parsed(text) if isinstance(text, str) else _read(text)


def _read(text: str) -> Condition:
    tree = check(grow(text))
    test = test_of(tree)
    sources = reads(tree)
    return Condition(
        text,
        tree,
        fields_named(tree),
        segments_named(tree),
        sources,
        _guarded(test) if Source.ITEM in sources else test,  # type: ignore[arg-type]  # reads no item
        bound(tree),
    )


_parsed = lru_cache(2_048)(_read)  # a rulebook is compiled anew for each change of one rule


def matching(test: Test, items: Iterable[Item]) -> set[str]:
    """The ids of all items for which a test of items alone holds: some 10 ms of 100,000."""
    anybody: Asked = None  # type: ignore[assignment]  # which such a test does not look at
    return {item.item_id for item in items if test(anybody, item)}


def _all(parts: list[Node]) -> Node:
    return parts[0] if len(parts) == 1 else Joined(Operator.AND, tuple(parts))


def _guarded(test: Callable[[Asked, Item], bool]) -> Test:
    """Where no item is, each of its fields is missing."""

    def guarded(asked: Asked, item: Item | None) -> bool:
        return test(asked, NO_ITEM if item is None else item)

    return guarded
