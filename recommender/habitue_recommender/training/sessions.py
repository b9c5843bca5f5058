"""Sessions and baskets as plain arrays, rows of different length behind one another.

Item ids are indices of a vocabulary; times are milliseconds since 1970 UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Sessions:
    """Sessions in rows: session s is `items[starts[s]:starts[s + 1]]`, oldest event first.

    Sessions stand in the order of their last event. `visitors[s]` is an index of the person, or -1.
    """

    starts: Longs
    items: Ints
    timestamps: Longs
    kinds: Bytes
    visitors: Ints

    def __len__(self) -> int:
        return len(self.starts) - 1

    @cached_property
    def lengths(self) -> Longs:
        return np.diff(self.starts)

    @cached_property
    def ends(self) -> Longs:
        """When each session's last event was."""
        return self.timestamps[self.starts[1:] - 1]

    def take(self, rows: NDArray[np.intp]) -> Sessions:
        """These sessions only, in the given order."""
        starts, picked = take(self.starts, rows)
        return Sessions(
            starts, self.items[picked], self.timestamps[picked], self.kinds[picked], self.visitors[rows]
        )


@dataclass(frozen=True)
class Baskets:
    """Orders in rows: basket b is `items[starts[b]:starts[b + 1]]`, each item once, oldest order first."""

    starts: Longs
    items: Ints
    timestamps: Longs  # of the basket
    users: Ints  # index of the person, or -1
    in_session: NDArray[np.bool_]  # its purchase is also part of a session

    def __len__(self) -> int:
        return len(self.starts) - 1


@dataclass(frozen=True)
class Trails:
    """Item lists in the order of time; `ordered[t]` says whether the places inside mean anything."""

    starts: Longs
    items: Ints
    ends: Longs
    ordered: Bytes

    def __len__(self) -> int:
        return len(self.starts) - 1

    def matrix(self, item_count: int) -> csr_matrix:
        """Trail × item, 1 where it occurs; float32."""
        ones = np.ones(len(self.items), dtype=np.float32)
        # Copied: scipy sorts and sums in place.
        matrix = csr_matrix((ones, self.items, self.starts), shape=(len(self), item_count), copy=True)
        matrix.sum_duplicates()
        matrix.data[:] = 1.0
        return matrix


def take(starts: Longs, rows: NDArray[np.intp]) -> tuple[Longs, NDArray[np.intp]]:
    """The starts of these rows when they stand alone, and the places their values come from."""
    lengths = np.diff(starts)[rows]
    new_starts = np.zeros(len(rows) + 1, dtype=np.int64)
    np.cumsum(lengths, out=new_starts[1:])
    places = np.arange(new_starts[-1]) + np.repeat(starts[:-1][rows] - new_starts[:-1], lengths)
    return new_starts, places


def newest(starts: Longs, limit: int) -> tuple[Longs, NDArray[np.intp]]:
    """As `take`, but all rows, of each the last `limit` values."""
    from_end = np.repeat(starts[1:], np.diff(starts)) - np.arange(starts[-1])
    new_starts = np.zeros(len(starts), dtype=np.int64)
    np.cumsum(np.minimum(np.diff(starts), limit), out=new_starts[1:])
    return new_starts, np.flatnonzero(from_end <= limit)
