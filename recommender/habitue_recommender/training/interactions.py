"""What people did with items, as plain arrays: the input of every model.

Item ids are text outside and indices inside; times are milliseconds since 1970 UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from habitue_recommender.kinds import KIND_OF as KIND_OF
from habitue_recommender.kinds import KIND_WEIGHTS, PURCHASE
from habitue_recommender.training import rows
from habitue_recommender.training.rows import InvalidData as InvalidData
from habitue_recommender.training.sessions import Baskets, Sessions, Trails, newest, take
from habitue_recommender.vocabulary import Vocabulary

_Number = TypeVar("_Number", bound=np.generic)

LONGEST_SESSION = 200  # events kept of a session or lines of a basket, the newest: a robot's
# session of 100,000 items would else make 10^10 pairs


@dataclass(frozen=True)
class Interactions:
    """Everything that models are fitted on."""

    vocabulary: Vocabulary
    sessions: Sessions
    baskets: Baskets
    people: tuple[str, ...] = ()  # whom the indices `visitors` and `users` speak of
    categories: Mapping[int, str] = field(default_factory=dict)  # item → path "A/B/C", where known

    @property
    def item_count(self) -> int:
        return len(self.vocabulary)

    @cached_property
    def now(self) -> int:
        """The latest time in the data; 0 when there is none."""
        latest = [int(part.timestamps.max()) for part in (self.sessions, self.baskets) if len(part)]
        return max(latest, default=0)

    @cached_property
    def histories(self) -> csr_matrix:
        """Person × item, the sum of the weights of what they did; float32.

        A purchase that stands in a session and in a basket counts once.
        """
        people, columns, weights = [], [], []
        if len(self.sessions):
            per_event = np.repeat(self.sessions.visitors, self.sessions.lengths)
            mine = per_event >= 0
            people.append(per_event[mine])
            columns.append(self.sessions.items[mine])
            weights.append(KIND_WEIGHTS[self.sessions.kinds[mine]])
        if len(self.baskets):
            mine_baskets = (self.baskets.users >= 0) & ~self.baskets.in_session
            lengths = np.diff(self.baskets.starts)
            mine = np.repeat(mine_baskets, lengths)
            people.append(np.repeat(self.baskets.users, lengths)[mine])
            columns.append(self.baskets.items[mine])
            weights.append(np.full(int(mine.sum()), KIND_WEIGHTS[PURCHASE], dtype=np.float32))
        shape = (len(self.people), self.item_count)
        if not people:
            return csr_matrix(shape, dtype=np.float32)
        return csr_matrix(
            (np.concatenate(weights), (np.concatenate(people), np.concatenate(columns))),
            shape=shape,
            dtype=np.float32,
        )

    @cached_property
    def trails(self) -> Trails:
        """Sessions, and the baskets that are not part of one, as one list in the order of time."""
        alone = np.flatnonzero(~self.baskets.in_session)
        basket_starts, picked = take(self.baskets.starts, alone)
        ends = np.concatenate([self.sessions.ends, self.baskets.timestamps[alone]])
        starts = np.concatenate([self.sessions.starts, basket_starts[1:] + self.sessions.starts[-1]])
        items = np.concatenate([self.sessions.items, self.baskets.items[picked]])
        ordered = np.zeros(len(ends), dtype=np.uint8)
        ordered[: len(self.sessions)] = 1
        by_time = np.argsort(ends, kind="stable")
        if len(alone) == 0 or len(self.sessions) == 0:
            return Trails(starts, items, ends, ordered)
        starts, places = take(starts, by_time)
        return Trails(starts, items[places], ends[by_time], ordered[by_time])

    def digest(self) -> str:
        """Equal for equal data, whatever file it came from."""
        digest = blake2b(digest_size=16)
        for item_id in self.vocabulary:
            digest.update(item_id.encode("utf-8", "surrogatepass") + b"\0")
        for part in (self.sessions, self.baskets):
            for name in part.__dataclass_fields__:
                digest.update(np.ascontiguousarray(getattr(part, name)).data)
        for item, path in sorted(self.categories.items()):
            digest.update(f"{item}={path}\0".encode("utf-8", "surrogatepass"))
        return digest.hexdigest()


def from_sessions(path: Path | str, longest: int = LONGEST_SESSION) -> Interactions:
    """Read a file of sessions (Parquet or CSV) with `session_id, item_id, timestamp`.

    Optional: `visitor_id`, `event` (a kind; a view when absent), `price` (not read). Timestamps are
    seconds or milliseconds since 1970, or dates. Rows may be in any order; equal times keep the
    file's. Of a session the newest `longest` events are kept. The purchases of a session are also a
    basket. Raises `InvalidData` with what is wrong.
    """
    with rows.of_file(Path(path)) as db:
        return _interactions(db, longest)


def from_orders(
    path: Path | str, since: int = 0, until: int = 2**62, catalog: Path | str | None = None
) -> Interactions:
    """Read a file of order lines (Parquet or CSV) with `order_id, user_id, item_id, timestamp`.

    Optional: `category`, or `catalog`, a file of items with their categories. An order stands at the time
    of its first line, and is read when that is from `since` to before `until` (ms). Raises `InvalidData`.
    """
    with rows.of_orders(Path(path), since, until, Path(catalog) if catalog else None) as db:
        return _interactions(db, 2**31)


def from_archive(archive_dir: Path | str, since: int | None = None, until: int | None = None) -> Interactions:
    """Read the warehouse's archive.

    Events count once by `event_id`, orders once by `order_id`; bots and events that were only kept
    (counted, claimed) stay out. Sessions are `session_id`s with their viewed, clicked, added and
    bought items; baskets are purchases; people are `profile_id`s. `since` and `until` bound
    `timestamp` (ms; from … up to but without). An empty archive gives empty interactions.
    Raises `InvalidData` when it cannot be read.
    """
    with rows.of_archive(Path(archive_dir), since or 0, until or 2**62) as db:
        return _interactions(db, LONGEST_SESSION)


def _interactions(db: duckdb.DuckDBPyConnection, longest: int) -> Interactions:
    db.execute("CREATE TEMP TABLE people AS SELECT DISTINCT person FROM rows WHERE person IS NOT NULL")
    db.execute(
        "CREATE TEMP TABLE users AS SELECT person, row_number() OVER (ORDER BY person) - 1 AS who FROM people"
    )
    db.execute(
        "CREATE TEMP TABLE items AS SELECT item_id, row_number() OVER (ORDER BY item_id) - 1 AS item"
        " FROM (SELECT DISTINCT item_id FROM rows)"
    )
    item_ids = [row[0] for row in db.execute("SELECT item_id FROM items ORDER BY item").fetchall()]
    people = tuple(row[0] for row in db.execute("SELECT person FROM users ORDER BY who").fetchall())
    categories = db.execute(
        "SELECT item, arg_max(category, ms) FROM rows JOIN items USING (item_id)"
        " WHERE category IS NOT NULL AND category <> '' GROUP BY item"
    ).fetchall()
    return Interactions(
        Vocabulary.of(item_ids),
        _sessions(db, longest),
        _baskets(db, longest),
        people,
        {int(item): category for item, category in categories},
    )


def _sessions(db: duckdb.DuckDBPyConnection, longest: int) -> Sessions:
    db.execute(
        "CREATE TEMP TABLE sessions AS SELECT session_id, max(ms) AS ended, min(person) AS person FROM rows"
        " WHERE session_id IS NOT NULL GROUP BY session_id"
    )
    visitors = _columns(
        db,
        "SELECT coalesce(who, -1)::INTEGER AS who FROM sessions LEFT JOIN users USING (person)"
        " ORDER BY ended, session_id",
    )["who"]
    events = _columns(
        db,
        "SELECT (dense_rank() OVER (ORDER BY ended, session_id) - 1)::BIGINT AS session,"
        " item::INTEGER AS item, ms, kind"
        " FROM rows JOIN items USING (item_id) JOIN sessions USING (session_id)"
        " ORDER BY session, ms, place, line",
    )
    starts, kept = newest(_starts(events["session"], len(visitors)), longest)
    return Sessions(
        starts,
        _plain(events["item"][kept], np.int32),
        _plain(events["ms"][kept], np.int64),
        _plain(events["kind"][kept], np.uint8),
        _plain(visitors, np.int32),
    )


def _baskets(db: duckdb.DuckDBPyConnection, longest: int) -> Baskets:
    db.execute(
        "CREATE TEMP TABLE orders AS SELECT order_id, min(ms) AS ordered, min(person) AS person,"
        " bool_or(session_id IS NOT NULL) AS in_session"
        " FROM rows WHERE order_id IS NOT NULL GROUP BY order_id"
    )
    orders = _columns(
        db,
        "SELECT ordered, coalesce(who, -1)::INTEGER AS who, in_session"
        " FROM orders LEFT JOIN users USING (person)"
        " ORDER BY ordered, order_id",
    )
    lines = _columns(
        db,
        "SELECT basket, item FROM (SELECT DISTINCT"
        " (dense_rank() OVER (ORDER BY ordered, order_id) - 1)::BIGINT AS basket,"
        " item::INTEGER AS item FROM rows JOIN items USING (item_id) JOIN orders USING (order_id))"
        " ORDER BY basket, item",
    )
    starts, kept = newest(_starts(lines["basket"], len(orders["ordered"])), longest)
    return Baskets(
        starts,
        _plain(lines["item"][kept], np.int32),
        _plain(orders["ordered"], np.int64),
        _plain(orders["who"], np.int32),
        _plain(orders["in_session"], np.bool_),
    )


def _starts(rows: NDArray[Any], count: int) -> NDArray[np.int64]:
    starts = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(np.bincount(rows, minlength=count), out=starts[1:])
    return starts


def _plain(array: NDArray[Any], dtype: type[_Number]) -> NDArray[_Number]:
    return np.ascontiguousarray(array, dtype=dtype)


def _columns(db: duckdb.DuckDBPyConnection, query: str) -> dict[str, NDArray[Any]]:
    return {name: np.asarray(column) for name, column in db.execute(query).fetchnumpy().items()}
