"""Which items the conditions of rules hold for, remembered item by item. Pure.

What a condition asks of the item alone is the same for every visitor, so it is asked once: an item's answers
are the bits of one number, and a candidate is held against two hundred rules by a few operations on it. The
answers are found when an item first comes by (some 20 µs with a hundred conditions), or beforehand by
`warming`. One changed item costs its own answers, one new condition its own column.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from threading import Lock

from habitue_recommender.catalog.catalog import Catalog
from habitue_recommender.catalog.items import Item
from habitue_recommender.conditions import Asked, Test
from habitue_recommender.page import Page
from habitue_recommender.rulebook.item_columns import ItemColumns

LISTED = 500  # at least so many are kept of a condition that brings items in, or all there are
_STAMP = 48  # low bits of an answer: `updated_at` of the item that was asked about
_STAMP_MASK = (1 << _STAMP) - 1
_GENERATIONS = 3  # of answers from before a new column or a reload that are still of use
_MOST_COLUMNS = 2_000  # used or not; past it everything is asked anew
_PIECE = 50  # items between two pauses of `warming`
_STEP = 2_000  # the same where each is asked one thing only
_AT_ONCE = 10_000  # items that a decision looks at for a list: some 3 ms

NOBODY = Asked(Page(), None, 0)

_Answers = dict[str, int]


@dataclass(frozen=True, slots=True)
class _State:
    """All of it, exchanged by one assignment: a new column comes from another thread."""

    tests: tuple[Test, ...] = ()
    answers: _Answers = field(default_factory=dict)
    earlier: tuple[tuple[int, _Answers], ...] = ()  # (columns answered, answers), the latest first


class ItemSets:
    """Columns by their text, answers by item. Lives as long as a worker, from rulebook to rulebook."""

    def __init__(self) -> None:
        self.values = ItemColumns()  # for what conditions compare with the visitor
        self._state = _State()
        self._swapping = Lock()  # of the state: a rulebook is compiled in a thread of its own
        self._columns: dict[str, int] = {}
        self._lists: dict[int, _List] = {}
        self._growing: dict[int, _List] = {}  # that `warming` is at
        self._catalog: Catalog | None = None
        self._changed = 0

    @property
    def is_full(self) -> bool:
        return len(self._columns) > _MOST_COLUMNS

    def add(self, tests: Mapping[str, Test]) -> dict[str, int]:
        """The bit of each of these columns; those that are not there yet are added."""
        with self._swapping:
            new = {text: test for text, test in tests.items() if text not in self._columns}
            if new:
                state = self._state
                earlier = ((len(state.tests), state.answers), *state.earlier)[:_GENERATIONS]
                for text in new:
                    self._columns[text] = len(self._columns)
                self._state = _State((*state.tests, *new.values()), {}, earlier)
        return {text: 1 << (_STAMP + self._columns[text]) for text in tests}

    def follow(self, catalog: Catalog) -> None:
        """Be up to date with this catalog: called once in each decision, and free when nothing changed."""
        if catalog is self._catalog and catalog.changed == self._changed:
            return
        changed = catalog.changes_since(self._changed) if catalog is self._catalog else None
        self._catalog, self._changed = catalog, catalog.changed
        if changed is None:  # another copy: what has the same `updated_at` there is the same
            with self._swapping:
                state = self._state
                earlier = ((len(state.tests), state.answers), *state.earlier)[:_GENERATIONS]
                self._state = _State(state.tests, {}, earlier)
            self.values.clear()
            for one in (*self._lists.values(), *self._growing.values()):
                one.stale = True
            return
        self.values.forget(changed)
        for item_id in set(changed):
            self._state.answers.pop(item_id, None)
            item = catalog.get(item_id)
            for bit, one in (*self._lists.items(), *self._growing.items()):
                one.change(item_id, item if item is not None and self.bits(item) & bit else None)

    def answers(self) -> _Answers:
        """Answers by item_id, of those items that were asked about; for the others there is `bits`."""
        return self._state.answers

    def bits(self, item: Item) -> int:
        """The columns that hold for this item, as a number of bits."""
        state = self._state
        known = state.answers.get(item.item_id)
        if known is None or known & _STAMP_MASK != item.updated_at & _STAMP_MASK:
            known = state.answers[item.item_id] = self._ask(state, item)
        return known

    def matching(self, bit: int) -> list[Item]:
        """The newest items for which this column holds, `LISTED` or more if there are so many."""
        catalog = self._catalog
        if catalog is None:
            return []
        found = self._lists.get(bit)
        if found is None or (found.stale and len(catalog) <= 10 * LISTED):
            found = self._lists[bit] = _List()
        if found.is_short and not found.stale:
            # Of a large catalog a part: whoever asks must not wait, and `warming` looks at all of it.
            for _ in self._walk(catalog, bit, found, _AT_ONCE):
                pass
        known = (catalog.get(item_id) for _, item_id in found.keys)
        return [item for item in known if item is not None and (not found.stale or self.bits(item) & bit)]

    def warming(self, catalog: Catalog, listed: Iterable[int] = ()) -> Iterator[None]:
        """Ask everything about every item, in steps: some 2 s of CPU for 92,000 items and 100 columns."""
        self.follow(catalog)
        for bit in listed:
            found = self._lists.get(bit)
            if found is None or found.stale or found.is_short:
                # What is there goes on until the new one is whole.
                whole = self._growing[bit] = _List()
                yield from self._walk(catalog, bit, whole, len(catalog))
                self._lists[bit] = self._growing.pop(bit, whole)
        state = self._state
        if len(state.answers) >= len(catalog) or not state.tests:
            return
        for place, item_id in enumerate(list(catalog.items), 1):
            item = catalog.get(item_id)
            if item is not None:
                self.bits(item)
            if place % _PIECE == 0:
                yield
            if self._state is not state:  # others come after this
                return
        with self._swapping:
            if self._state is state:
                self._state = _State(state.tests, state.answers)

    def _ask(self, state: _State, item: Item) -> int:
        stamp = item.updated_at & _STAMP_MASK
        answers, first = stamp, 0
        for columns, earlier in state.earlier:
            before = earlier.get(item.item_id)
            if before is not None and before & _STAMP_MASK == stamp:
                answers, first = before, columns
                break
        bit = 1 << (_STAMP + first)
        for test in state.tests[first:]:
            if test(NOBODY, item):
                answers |= bit
            bit <<= 1
        return answers

    def _walk(self, catalog: Catalog, bit: int, found: _List, most: int) -> Iterator[None]:
        """Look at the next `most` items for a list that has too few, in steps."""
        state = self._state
        test = state.tests[bit.bit_length() - 1 - _STAMP]
        answers = state.answers
        start = place = found.walked
        for place, item in enumerate(islice(catalog.newest(), start, start + most), start + 1):
            known = answers.get(item.item_id)
            found.until = (-item.first_seen, item.item_id)
            if known & bit if known is not None else test(NOBODY, item):
                found.add(item)
                if len(found.keys) >= 2 * LISTED:
                    found.walked = 0  # when many of them go, it is looked at from the beginning
                    return
            if place % _STEP == 0:
                yield
        found.walked = place
        if place >= len(catalog):
            found.until = None


@dataclass(slots=True)
class _List:
    """The newest items of one column, of those that were `walked` over; `until` is the last of these."""

    keys: list[tuple[int, str]] = field(default_factory=list)  # (-first_seen, item_id)
    seen: dict[str, int] = field(default_factory=dict)  # item_id → -first_seen
    walked: int = 0
    until: tuple[int, str] | None = (-(1 << 62), "")  # None: all there are
    stale: bool = False

    @property
    def is_short(self) -> bool:
        return self.until is not None and len(self.keys) < LISTED

    def add(self, item: Item) -> None:
        if item.item_id not in self.seen:
            insort(self.keys, (-item.first_seen, item.item_id))
            self.seen[item.item_id] = -item.first_seen

    def change(self, item_id: str, item: Item | None) -> None:
        """An item changed: `item` when it belongs here now."""
        self.walked = max(0, self.walked - 1)  # if it is gone, all behind it have moved up
        before = self.seen.pop(item_id, None)
        if before is not None:
            at = bisect_left(self.keys, (before, item_id))
            del self.keys[at]
        if item is not None and (self.until is None or (-item.first_seen, item_id) <= self.until):
            self.add(item)
