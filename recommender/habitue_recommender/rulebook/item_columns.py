"""What conditions ask of items alone, as arrays: a row for each item, a column for each question. Pure.

A value is read when an item first comes by and stays until the item changes, so a decision picks hundreds
of them with one operation. Rules that ask for visitor and item at once are held against these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import Lock
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from habitue_recommender.catalog.items import Item
from habitue_recommender.conditions.asked import Asked
from habitue_recommender.conditions.leaves import Test
from habitue_recommender.conditions.many import EXACT, Codes, Floats, Mask
from habitue_recommender.conditions.values import Get
from habitue_recommender.page import Page

_MOST_ROWS = 200_000  # of larger catalogs, what came by lately: past it all is read anew
_MOST_COLUMNS = 300
_FIRST_ROWS, _FIRST_COLUMNS = 1_024, 8

_NOBODY = Asked(Page(), None, 0)

_Scalar = TypeVar("_Scalar", np.bool_, np.int32, np.float64)


class _Block(Generic[_Scalar]):
    """All columns of one type; what is asked of one item lies together, and is fetched together."""

    def __init__(self, kind: type[_Scalar]) -> None:
        self.values: NDArray[_Scalar] = np.zeros((_FIRST_ROWS, _FIRST_COLUMNS), dtype=kind)
        self.places: dict[str, int] = {}  # column by what is asked
        self._reads: list[Callable[[Item], Any]] = []
        self._known = np.zeros(_FIRST_ROWS, dtype=np.int32)  # so many columns of a row are read

    def place(self, asked: str, read: Callable[[Item], Any]) -> int:
        """Where the column of this question is."""
        place = self.places.get(asked)
        if place is None:
            place = self.places[asked] = len(self._reads)
            self._reads.append(read)
            if place >= self.values.shape[1]:
                self.values = np.pad(self.values, ((0, 0), (0, place)))
        return place

    def grow(self, rows: int) -> None:
        more = rows - len(self._known)
        self.values = np.pad(self.values, ((0, more), (0, 0)))
        self._known = np.pad(self._known, (0, more))

    def forget(self, rows: Sequence[int]) -> None:
        self._known[rows] = 0

    def of(self, rows: NDArray[np.intp], items: Sequence[Item]) -> NDArray[_Scalar]:
        """All columns of these: (columns, items)."""
        columns = len(self._reads)
        behind = self._known[rows] < columns
        if behind.any():
            for at in behind.nonzero()[0].tolist():
                row, item = rows[at], items[at]
                for place in range(self._known[row], columns):
                    self.values[row, place] = self._reads[place](item)
                self._known[row] = columns
        return np.ascontiguousarray(self.values[rows, :columns].T)


class _Kept:
    """Rows and columns that belong together."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        self.truths = _Block(np.bool_)
        self.numbers = _Block(np.float64)
        self.codes = _Block(np.int32)
        self.blocks: tuple[_Block[Any], ...] = (self.truths, self.numbers, self.codes)
        self.inexact: set[str] = set()  # columns of numbers with one that an array cannot hold
        self.code_of: dict[str, int] = {}
        self._size = _FIRST_ROWS

    @property
    def is_full(self) -> bool:
        columns = sum(len(block.places) for block in self.blocks)
        return columns > _MOST_COLUMNS or max(len(self.rows), len(self.code_of)) > _MOST_ROWS

    def rows_of(self, ids: Sequence[str]) -> NDArray[np.intp]:
        rows = self.rows
        found = list(map(rows.get, ids))
        if None in found:
            found = [rows.setdefault(item_id, len(rows)) for item_id in ids]
            if len(rows) > self._size:
                self._size = 2 * len(rows)
                for block in self.blocks:
                    block.grow(self._size)
        return np.array(found, dtype=np.intp)

    def number(self, asked: str, value: float | int | None) -> float:
        if value is None or value != value:
            return np.nan
        if not -EXACT <= value <= EXACT:
            self.inexact.add(asked)
            return np.nan
        return float(value)

    def code(self, value: str) -> int:
        return self.code_of.setdefault(value, len(self.code_of)) if value else -1


class ItemColumns:
    """Lives as long as a worker. `forget` what changed before asking for it again."""

    def __init__(self) -> None:
        self._kept = _Kept()
        self._lock = Lock()  # a preview may ask from another thread

    def table(self, items: Sequence[Item], ids: Sequence[str]) -> ItemTable:
        """These items, ready to be asked about; `ids` are theirs."""
        with self._lock:
            if self._kept.is_full:
                self._kept = _Kept()
            return ItemTable(self._kept, self._lock, items, ids)

    def forget(self, item_ids: Iterable[str]) -> None:
        """What was read of these is no longer so."""
        with self._lock:
            known = [row for item_id in item_ids if (row := self._kept.rows.get(item_id)) is not None]
            for block in self._kept.blocks if known else ():
                block.forget(known)

    def clear(self) -> None:
        with self._lock:
            self._kept = _Kept()


class ItemTable:
    """Some items of the columns: see `conditions.many.Table`."""

    __slots__ = ("_codes", "_kept", "_lock", "_numbers", "_rows", "_truths", "ids", "items", "kept")

    def __init__(self, kept: _Kept, lock: Lock, items: Sequence[Item], ids: Sequence[str]) -> None:
        self.items = items
        self.ids = ids
        self.kept: dict[str, Any] = {}
        self._kept = kept
        self._lock = lock
        self._rows = kept.rows_of(ids)
        # (columns, items) of each block, when somebody asks for them.
        self._truths: NDArray[np.bool_] = np.empty((0, 0), dtype=np.bool_)
        self._numbers: Floats = np.empty((0, 0))
        self._codes: Codes = np.empty((0, 0), dtype=np.int32)

    def truths(self, asked: str, test: Test) -> Mask:
        block = self._kept.truths
        place = block.places.get(asked, -1)
        if not 0 <= place < len(self._truths):
            with self._lock:
                place = block.place(asked, lambda item: test(_NOBODY, item))
                self._truths = block.of(self._rows, self.items)
        found: Mask = self._truths[place]
        return found

    def numbers(self, asked: str, get: Get) -> Floats | None:
        block, kept = self._kept.numbers, self._kept
        place = block.places.get(asked, -1)
        if not 0 <= place < len(self._numbers):
            with self._lock:
                place = block.place(asked, lambda item: kept.number(asked, get(_NOBODY, item)))
                self._numbers = block.of(self._rows, self.items)
        return None if asked in kept.inexact else self._numbers[place]

    def codes(self, asked: str, get: Get) -> tuple[Codes, Mapping[str, int]]:
        block, kept = self._kept.codes, self._kept
        place = block.places.get(asked, -1)
        if not 0 <= place < len(self._codes):
            with self._lock:
                place = block.place(asked, lambda item: kept.code(get(_NOBODY, item)))
                self._codes = block.of(self._rows, self.items)
        return self._codes[place], kept.code_of
