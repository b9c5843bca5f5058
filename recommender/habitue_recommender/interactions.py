"""What people did with items, as plain arrays: the input of every model.

Item ids are text outside and indices inside; times are milliseconds since 1970 UTC.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import duckdb
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from habitue_recommender.sessions import Baskets, Sessions, Trails, newest, take
from habitue_recommender.vocabulary import Vocabulary

KINDS = ("product_view", "product_click", "add_to_cart", "purchase")  # `kinds` arrays index this tuple
KIND_WEIGHTS = np.array([1.0, 1.0, 2.0, 3.0], dtype=np.float32)  # what each says about liking an item
KIND_OF = {kind: index for index, kind in enumerate(KINDS)}
PURCHASE = KIND_OF["purchase"]

_Number = TypeVar("_Number", bound=np.generic)
Ints = NDArray[np.int32]

LONGEST_SESSION = 200  # events kept of a session or lines of a basket, the newest: a robot's
# session of 100,000 items would else make 10^10 pairs

class InvalidData(ValueError):
    """The data cannot be read as interactions; the text says what to do about it."""


@dataclass(frozen=True)
class Interactions:
    """Everything that models are fitted on."""

    vocabulary: Vocabulary
    sessions: Sessions
    baskets: Baskets
    users: int = 0  # how many people the indices speak of
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
        rows, columns, weights = [], [], []
        if len(self.sessions):
            per_event = np.repeat(self.sessions.visitors, self.sessions.lengths)
            mine = per_event >= 0
            rows.append(per_event[mine])
            columns.append(self.sessions.items[mine])
            weights.append(KIND_WEIGHTS[self.sessions.kinds[mine]])
        if len(self.baskets):
            mine_baskets = (self.baskets.users >= 0) & ~self.baskets.in_session
            lengths = np.diff(self.baskets.starts)
            mine = np.repeat(mine_baskets, lengths)
            rows.append(np.repeat(self.baskets.users, lengths)[mine])
            columns.append(self.baskets.items[mine])
            weights.append(np.full(int(mine.sum()), KIND_WEIGHTS[PURCHASE], dtype=np.float32))
        shape = (self.users, self.item_count)
        if not rows:
            return csr_matrix(shape, dtype=np.float32)
        return csr_matrix(
            (np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns))),
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
        starts, rows = take(starts, by_time)
        return Trails(starts, items[rows], ends[by_time], ordered[by_time])

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


def from_sessions(
    path: Path | str, vocabulary: Vocabulary | None = None, longest: int = LONGEST_SESSION
) -> Interactions:
    """Read a file of sessions (Parquet or CSV) with `session_id, item_id, timestamp`.

    Optional: `visitor_id`, `event` (a kind; a view when absent), `price` (not read). Timestamps are
    seconds or milliseconds since 1970, or dates. Rows may be in any order; equal times keep the
    file's. With a `vocabulary`, items that it does not know get the index -1 (for a test file).
    The purchases of a session are also a basket. Raises `InvalidData` with what is wrong.
    """
    path = Path(path)
    if not path.is_file():
        raise InvalidData(f"{path}: there is no such file")
    csv = path.suffix.lower() in {".csv", ".tsv", ".txt", ".gz"}
    # Everything in a CSV is read as text: the id 007 is not 7.
    source = "read_csv(?, all_varchar = true)" if csv else "read_parquet(?)"
    with _database() as db:
        try:
            types = _types(db, source, str(path))
            missing = [name for name in ("session_id", "item_id", "timestamp") if name not in types]
            if missing:
                raise InvalidData(
                    f"{path}: column {' and '.join(missing)} is missing; there is {', '.join(types) or 'none'}"
                )
            db.execute(_rows_of_file(types, source), [str(path)])
        except duckdb.Error as error:
            raise InvalidData(f"{path}: {_first_line(error)}") from error
        (unreadable,) = _one(db, "SELECT count(*) FROM rows WHERE session_id IS NULL OR item_id IS NULL OR ms IS NULL")
        db.execute("DELETE FROM rows WHERE session_id IS NULL OR item_id IS NULL OR ms IS NULL")
        (readable,) = _one(db, "SELECT count(*) FROM rows")
        if unreadable and not readable:
            raise InvalidData(f"{path}: no row has a session, an item and a time that can be read")
        return _interactions(db, vocabulary, longest)


def from_archive(archive_dir: Path | str, since: int | None = None, until: int | None = None) -> Interactions:
    """Read the warehouse's archive: `events/date=YYYY-MM-DD/part-*.parquet`.

    Events count once by `event_id`, orders once by `order_id`; bots and events that were only kept
    (counted, claimed) stay out. Sessions are `session_id`s with their viewed, clicked, added and
    bought items; baskets are purchases; people are `profile_id`s. `since` and `until` bound
    `timestamp` (ms; from … up to but without). An empty archive gives empty interactions.
    """
    files = sorted(str(path) for path in Path(archive_dir).glob("events/date=*/*.parquet"))
    source = "read_parquet(?, union_by_name = true, hive_partitioning = true)"
    with _database() as db:
        if not files:
            db.execute(_NO_ROWS)
            return _interactions(db, None, LONGEST_SESSION)
        try:
            types = _types(db, source, files)
            db.execute(_rows_of_archive(types, source), [files, list(KINDS), since or 0, until or 2**62])
        except duckdb.Error as error:
            raise InvalidData(f"{archive_dir}: the archive cannot be read: {_first_line(error)}") from error
        return _interactions(db, None, LONGEST_SESSION)


# Both readers fill one table `rows`: what one person did with one item at one time. `place` and
# `line` put events of equal times, and the items of one event, in order.
_NO_ROWS = """
CREATE TEMP TABLE rows (session_id VARCHAR, order_id VARCHAR, person VARCHAR, item_id VARCHAR,
    category VARCHAR, kind UTINYINT, ms BIGINT, place BIGINT, line BIGINT)
"""


def _rows_of_file(types: dict[str, str], source: str) -> str:
    person = '"visitor_id"::VARCHAR' if "visitor_id" in types else "NULL"
    event = 'lower("event"::VARCHAR)' if "event" in types else "''"
    purchase = f"{event} IN ('purchase', 'order', 'transaction', 'buy')"
    return f"""
    CREATE TEMP TABLE rows AS
    SELECT {_text("session_id", types)} AS session_id,
        CASE WHEN {purchase} THEN {_text("session_id", types)} END AS order_id,
        {person} AS person, {_text("item_id", types)} AS item_id, NULL::VARCHAR AS category,
        CASE WHEN {purchase} THEN {PURCHASE} WHEN {event} IN ('add_to_cart', 'addtocart', 'cart') THEN 2
             WHEN {event} IN ('product_click', 'click') THEN 1 ELSE 0 END::UTINYINT AS kind,
        {_milliseconds("timestamp", types)} AS ms, row_number() OVER () AS place, 0::BIGINT AS line
    FROM {source}"""


def _rows_of_archive(types: dict[str, str], source: str) -> str:
    def column(name: str, of_type: str) -> str:
        return f'"{name}"' if name in types else f"NULL::{of_type}"

    # A file in which no event ever had items has no such column, or one without a structure.
    items = column("items", "STRUCT(item_id VARCHAR, category VARCHAR)[]")
    category = "item.category" if "category" in types.get("items", "category") else "NULL"
    if "item_id" not in types.get("items", "item_id"):
        return _NO_ROWS
    return f"""
    CREATE TEMP TABLE rows AS
    WITH events AS (
        SELECT {column("session_id", "VARCHAR")} AS session_id, {column("order_id", "VARCHAR")} AS order_id,
            {column("profile_id", "VARCHAR")} AS person, {items} AS items, kind, "timestamp" AS ms,
            event_id, {column("log_ms", "BIGINT")} AS log_ms, {column("log_seq", "BIGINT")} AS log_seq
        FROM {source}
        WHERE list_contains($2, kind) AND "timestamp" >= $3 AND "timestamp" < $4
            AND coalesce({column("kept", "VARCHAR")}, '') = '' AND NOT coalesce({column("bot", "BOOLEAN")}, false)
        QUALIFY row_number() OVER (PARTITION BY event_id ORDER BY log_ms, log_seq) = 1
    ), told AS (  -- an order reported twice: the report that names most items
        SELECT * FROM events WHERE kind <> 'purchase'
        UNION ALL
        SELECT * FROM events WHERE kind = 'purchase'
        QUALIFY row_number() OVER (PARTITION BY coalesce(order_id, event_id) ORDER BY len(items) DESC, ms, event_id) = 1
    ), lines AS (
        SELECT * EXCLUDE (items), unnest(items) AS item, generate_subscripts(items, 1) AS line FROM told
    )
    SELECT session_id, CASE WHEN kind = 'purchase' THEN coalesce(order_id, event_id) END AS order_id, person,
        item.item_id::VARCHAR AS item_id, {category}::VARCHAR AS category,
        (list_position($2, kind) - 1)::UTINYINT AS kind, ms,
        row_number() OVER (ORDER BY ms, log_ms, log_seq, event_id) AS place, line
    FROM lines WHERE item.item_id IS NOT NULL AND item.item_id::VARCHAR <> ''"""


def _interactions(db: duckdb.DuckDBPyConnection, vocabulary: Vocabulary | None, longest: int) -> Interactions:
    db.execute("CREATE TEMP TABLE people AS SELECT DISTINCT person FROM rows WHERE person IS NOT NULL")
    db.execute("CREATE TEMP TABLE users AS SELECT person, row_number() OVER (ORDER BY person) - 1 AS who FROM people")
    db.execute(
        "CREATE TEMP TABLE items AS SELECT item_id, row_number() OVER (ORDER BY item_id) - 1 AS item"
        " FROM (SELECT DISTINCT item_id FROM rows)"
    )
    item_ids = [row[0] for row in db.execute("SELECT item_id FROM items ORDER BY item").fetchall()]
    if vocabulary is None:
        vocabulary = Vocabulary.of(item_ids)
        index = np.arange(len(item_ids), dtype=np.int32)
    else:
        index = vocabulary.indices(item_ids)
    (users,) = _one(db, "SELECT count(*) FROM users")
    categories = db.execute(
        "SELECT item, arg_max(category, ms) FROM rows JOIN items USING (item_id)"
        " WHERE category IS NOT NULL AND category <> '' GROUP BY item"
    ).fetchall()
    return Interactions(
        vocabulary,
        _sessions(db, index, longest),
        _baskets(db, index, longest),
        users,
        {int(index[item]): category for item, category in categories if index[item] >= 0},
    )


def _sessions(db: duckdb.DuckDBPyConnection, index: Ints, longest: int) -> Sessions:
    db.execute(
        "CREATE TEMP TABLE sessions AS SELECT session_id, max(ms) AS ended, min(person) AS person FROM rows"
        " WHERE session_id IS NOT NULL GROUP BY session_id"
    )
    visitors = db.execute(
        "SELECT coalesce(who, -1)::INTEGER AS who FROM sessions LEFT JOIN users USING (person)"
        " ORDER BY ended, session_id"
    ).fetchnumpy()["who"]
    events = db.execute(
        "SELECT (dense_rank() OVER (ORDER BY ended, session_id) - 1)::BIGINT AS session, item::INTEGER AS item, ms, kind"
        " FROM rows JOIN items USING (item_id) JOIN sessions USING (session_id)"
        " ORDER BY session, ms, place, line"
    ).fetchnumpy()
    starts, kept = newest(_starts(events["session"], len(visitors)), longest)
    return Sessions(
        starts,
        index[events["item"][kept]],
        _plain(events["ms"][kept], np.int64),
        _plain(events["kind"][kept], np.uint8),
        _plain(visitors, np.int32),
    )


def _baskets(db: duckdb.DuckDBPyConnection, index: Ints, longest: int) -> Baskets:
    db.execute(
        "CREATE TEMP TABLE orders AS SELECT order_id, min(ms) AS ordered, min(person) AS person,"
        " bool_or(session_id IS NOT NULL) AS in_session FROM rows WHERE order_id IS NOT NULL GROUP BY order_id"
    )
    orders = db.execute(
        "SELECT ordered, coalesce(who, -1)::INTEGER AS who, in_session FROM orders LEFT JOIN users USING (person)"
        " ORDER BY ordered, order_id"
    ).fetchnumpy()
    lines = db.execute(
        "SELECT basket, item FROM (SELECT DISTINCT (dense_rank() OVER (ORDER BY ordered, order_id) - 1)::BIGINT AS basket,"
        " item::INTEGER AS item FROM rows JOIN items USING (item_id) JOIN orders USING (order_id))"
        " ORDER BY basket, item"
    ).fetchnumpy()
    starts, kept = newest(_starts(lines["basket"], len(orders["ordered"])), longest)
    return Baskets(
        starts,
        index[lines["item"][kept]],
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


@contextmanager
def _database() -> Iterator[duckdb.DuckDBPyConnection]:
    with TemporaryDirectory(prefix="habitue-") as spill, duckdb.connect() as db:
        # The archive may be larger than memory; DuckDB then works on disk.
        db.execute(f"SET memory_limit = '4GB'; SET temp_directory = '{spill}'; SET TimeZone = 'UTC'")
        yield db


def _types(db: duckdb.DuckDBPyConnection, source: str, argument: str | list[str]) -> dict[str, str]:
    described = db.execute(f"DESCRIBE SELECT * FROM {source}", [argument]).fetchall()
    return {name: of_type for name, of_type, *_ in described}


def _text(name: str, types: dict[str, str]) -> str:
    if types[name] in {"DOUBLE", "FLOAT"}:  # integers that a missing value turned into floats
        return f'CASE WHEN "{name}" = floor("{name}") THEN "{name}"::BIGINT::VARCHAR ELSE "{name}"::VARCHAR END'
    return f"nullif(\"{name}\"::VARCHAR, '')"


def _milliseconds(name: str, types: dict[str, str]) -> str:
    if types[name].startswith(("TIMESTAMP", "DATE")):
        return f'epoch_ms("{name}"::TIMESTAMPTZ)'
    number = f'try_cast("{name}" AS DOUBLE)'
    # 10^11 is the year 1973 in milliseconds and 5138 in seconds.
    told = f"CASE WHEN {number} >= 1e11 THEN try_cast({number} AS BIGINT) ELSE try_cast(round({number} * 1000) AS BIGINT) END"
    if types[name] == "VARCHAR":
        return f'coalesce({told}, epoch_ms(try_cast("{name}" AS TIMESTAMPTZ)))'
    return told


def _one(db: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = db.execute(query).fetchone()
    assert row is not None
    return row


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
