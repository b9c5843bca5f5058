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
_FIRST_ROWS = 1_024
_UNREAD = -2  # of truths and codes
_UNREAD_NUMBER = -np.inf

_NOBODY = Asked(Page(), None, 0)

_Scalar = TypeVar("_Scalar", np.int8, np.int32, np.float64)


class _Column(Generic[_Scalar]):
    """The answers to one question; `read` makes of an item what is kept."""

    def __init__(self, rows: int, unread: float, kind: type[_Scalar]) -> None:
        self.values: NDArray[_Scalar] = np.full(rows, unread, dtype=kind)
        self._unread = unread

    def grow(self, rows: int) -> None:
        more = np.full(rows - len(self.values), self._unread, dtype=self.values.dtype)
        self.values = np.concatenate([self.values, more])

    def forget(self, rows: Sequence[int]) -> None:
        self.values[rows] = self._unread

    def of(self, rows: NDArray[np.intp], items: Sequence[Item], read: Callable[[Item], Any]) -> Any:
        found = self.values[rows]
        unread = found == self._unread
        if unread.any():
            for at in unread.nonzero()[0].tolist():
                found[at] = self.values[rows[at]] = read(items[at])
        return found


class _Numbers(_Column[np.float64]):
    def __init__(self, rows: int) -> None:
        super().__init__(rows, _UNREAD_NUMBER, np.float64)
        self.exact = True  # until one of them is beyond what a float64 tells apart

    def taken(self, value: float | int | None) -> float:
        if value is None or value != value:
            return np.nan
        if not -EXACT <= value <= EXACT:
            self.exact = False
            return np.nan
        return float(value)


class _Codes(_Column[np.int32]):
    def __init__(self, rows: int) -> None:
        super().__init__(rows, _UNREAD, np.int32)
        self.code_of: dict[str, int] = {}

    def taken(self, value: str) -> int:
        return self.code_of.setdefault(value, len(self.code_of)) if value else -1


class _Kept:
    """Rows and columns that belong together."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        self.size = _FIRST_ROWS
        self.truths: dict[str, _Column[np.int8]] = {}
        self.numbers: dict[str, _Numbers] = {}
        self.codes: dict[str, _Codes] = {}

    def columns(self) -> list[_Column[Any]]:
        return [*self.truths.values(), *self.numbers.values(), *self.codes.values()]

    def rows_of(self, ids: Sequence[str]) -> NDArray[np.intp]:
        rows = self.rows
        found = list(map(rows.get, ids))
        if None in found:
            found = [rows.setdefault(item_id, len(rows)) for item_id in ids]
            if len(rows) > self.size:
                self.size = 2 * len(rows)
                for column in self.columns():
                    column.grow(self.size)
        return np.array(found, dtype=np.intp)


class ItemColumns:
    """Lives as long as a worker. `forget` what changed before asking for it again."""

    def __init__(self) -> None:
        self._kept = _Kept()
        self._lock = Lock()  # a preview may ask from another thread

    def table(self, items: Sequence[Item], ids: Sequence[str]) -> ItemTable:
        """These items, ready to be asked about; `ids` are theirs."""
        with self._lock:
            kept = self._kept
            if len(kept.rows) > _MOST_ROWS or len(kept.columns()) > _MOST_COLUMNS:
                kept = self._kept = _Kept()
            return ItemTable(kept, self._lock, items, ids)

    def forget(self, item_ids: Iterable[str]) -> None:
        """What was read of these is no longer so."""
        with self._lock:
            known = [row for item_id in item_ids if (row := self._kept.rows.get(item_id)) is not None]
            for column in self._kept.columns() if known else ():
                column.forget(known)

    def clear(self) -> None:
        with self._lock:
            self._kept = _Kept()


class ItemTable:
    """Some items of the columns: see `conditions.many.Table`."""

    __slots__ = ("_kept", "_lock", "_rows", "ids", "items", "kept")

    def __init__(self, kept: _Kept, lock: Lock, items: Sequence[Item], ids: Sequence[str]) -> None:
        self.items = items
        self.ids = ids
        self.kept: dict[str, Any] = {}
        self._kept = kept
        self._lock = lock
        self._rows = kept.rows_of(ids)

    def truths(self, asked: str, test: Test) -> Mask:
        known: Mask | None = self.kept.get(asked)
        if known is not None:
            return known
        with self._lock:
            column = self._kept.truths.get(asked)
            if column is None:
                column = self._kept.truths[asked] = _Column(self._kept.size, _UNREAD, np.int8)
            found: Mask = column.of(self._rows, self.items, lambda item: test(_NOBODY, item)) == 1
        self.kept[asked] = found
        return found

    def numbers(self, asked: str, get: Get) -> Floats | None:
        known: Floats | None = self.kept.get("number " + asked)
        if known is not None:
            return known
        with self._lock:
            column = self._kept.numbers.get(asked)
            if column is None:
                column = self._kept.numbers[asked] = _Numbers(self._kept.size)
            found: Floats = column.of(self._rows, self.items, lambda item: column.taken(get(_NOBODY, item)))
            if not column.exact:
                return None
        self.kept["number " + asked] = found
        return found

    def codes(self, asked: str, get: Get) -> tuple[Codes, Mapping[str, int]]:
        known: tuple[Codes, Mapping[str, int]] | None = self.kept.get("code " + asked)
        if known is not None:
            return known
        with self._lock:
            column = self._kept.codes.get(asked)
            if column is None or len(column.code_of) > 2 * self._kept.size:
                column = self._kept.codes[asked] = _Codes(self._kept.size)
            found: Codes = column.of(self._rows, self.items, lambda item: column.taken(get(_NOBODY, item)))
        self.kept["code " + asked] = found, column.code_of
        return found, column.code_of
