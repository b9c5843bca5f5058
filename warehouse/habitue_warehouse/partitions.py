"""Partitions: one folder per table and UTC day, its parts, and the manifest that says which of them live.

    events/date=2026-03-01/_manifest.json
    events/date=2026-03-01/part-<number>.parquet

A reader reads only what manifests list. A writer puts a part beside the others (temporary name, fsync,
rename, fsync of the folder) and then replaces the manifest in one rename: before it nobody sees the new
part, after it nobody sees the ones it replaces, so rows are never seen twice and never missing. Whoever
is killed in between leaves a file that no manifest lists; `sweep` takes it away later.

Writers of one archive are serialised by a lock file for the moment of the replacement only. Who rewrites
parts (compaction, erasure) names the parts it has read: when they are not all alive any more, the
replacement is refused and the work is done again on what lies there now.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import orjson

from habitue_warehouse.schema import ROW_GROUP

MANIFEST = "_manifest.json"
_OURS = re.compile(r"^\.?part-[0-9a-f]{32}\.parquet(\.tmp)?$|^\._manifest\.json\.[0-9a-f]{32}\.tmp$")
ORPHAN_SECONDS = 3_600  # no writer takes longer between its file and its manifest

# A column of at most that many values in a group of rows has a dictionary, and with it a Bloom filter:
# `profile_id`, so that a day without a visitor is passed over.
_DICTIONARY = 8_192
PARQUET = f"FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP}, DICTIONARY_SIZE_LIMIT {_DICTIONARY}"


@dataclass(frozen=True, slots=True)
class Part:
    """One Parquet file. `level`: how often its rows were merged; `final`: the day's compaction wrote it.

    `min_ms` and `max_ms` bound the `log_ms` of its rows (`taken_at` for snapshots).
    """

    name: str
    rows: int
    bytes: int
    min_ms: int
    max_ms: int
    level: int = 0
    final: bool = False


@dataclass(frozen=True, slots=True)
class Retired:
    """A file that was replaced and is to be deleted: since when (milliseconds)."""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What lives in a partition, and what is about to go."""

    parts: tuple[Part, ...] = ()
    retired: tuple[Retired, ...] = ()

    @classmethod
    def parse(cls, data: bytes) -> Manifest:
        raw = orjson.loads(data)
        return cls(
            tuple(Part(**part) for part in raw["parts"]),
            tuple(Retired(**gone) for gone in raw.get("retired", ())),
        )

    def dump(self) -> bytes:
        return orjson.dumps(
            {
                "format": 1,
                "parts": [asdict(p) for p in self.parts],
                "retired": [asdict(r) for r in self.retired],
            },
            option=orjson.OPT_INDENT_2,
        )


class Stale(Exception):
    """The parts that were read have been replaced by somebody else meanwhile: read again."""


@dataclass(frozen=True, slots=True)
class Partition:
    """One table's rows of one UTC day."""

    archive_dir: Path
    table: str
    date: str

    @property
    def folder(self) -> Path:
        return self.archive_dir / self.table / f"date={self.date}"

    def manifest(self) -> Manifest:
        try:
            return Manifest.parse((self.folder / MANIFEST).read_bytes())
        except FileNotFoundError:
            return Manifest()

    def paths(self, parts: tuple[Part, ...] | None = None) -> list[str]:
        live = self.manifest().parts if parts is None else parts
        return [str(self.folder / part.name) for part in live]

    def write(
        self,
        connection: duckdb.DuckDBPyConnection,
        query: str,
        parameters: list[Any] | None = None,
        *,
        clock: str = "log_ms",
        level: int = 0,
        final: bool = False,
    ) -> Part | None:
        """Writes a query's rows as a part that nobody sees yet; None when there are no rows.

        `clock` is the column that `min_ms` and `max_ms` are taken from.
        """
        _make_folder(self.folder)
        name = f"part-{uuid4().hex}.parquet"
        temporary = self.folder / f".{name}.tmp"
        try:
            connection.execute(f"COPY ({query}) TO {literal(temporary)} ({PARQUET})", parameters)
            rows, first, last = connection.execute(
                f"SELECT count(*), min({clock}), max({clock}) FROM read_parquet({literal(temporary)})"
            ).fetchall()[0]
            if not rows:
                temporary.unlink()
                return None
            _sync(temporary)
            size = temporary.stat().st_size
            temporary.rename(self.folder / name)
            _sync(self.folder)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        return Part(name, rows, size, first or 0, last or 0, level, final)

    def replace(self, old: tuple[Part, ...], new: tuple[Part, ...], *, now: int | None = None) -> None:
        """Makes `new` live and retires `old`, in one step. Raises Stale unless all of `old` live."""
        with lock(self.archive_dir):
            manifest = self.manifest()
            names = {part.name for part in old}
            if len(names & {part.name for part in manifest.parts}) != len(names):
                for part in new:
                    (self.folder / part.name).unlink(missing_ok=True)
                raise Stale(str(self.folder))
            at = _now_ms() if now is None else now
            kept = tuple(part for part in manifest.parts if part.name not in names)
            retired = manifest.retired + tuple(Retired(part.name, at) for part in old)
            _make_folder(self.folder)
            write_durably(self.folder / MANIFEST, Manifest(kept + new, retired).dump())

    def sweep(self, grace_seconds: float, *, now: int | None = None) -> int:
        """Deletes what was retired that long ago, and what a killed writer left. Returns how many."""
        at = _now_ms() if now is None else now
        deleted = 0
        with lock(self.archive_dir):
            manifest = self.manifest()
            if manifest == Manifest() and not (self.folder / MANIFEST).exists():
                return 0  # without a manifest nobody knows what these files are
            due = {gone.name for gone in manifest.retired if at - gone.at >= grace_seconds * 1000}
            listed = {part.name for part in manifest.parts} | {gone.name for gone in manifest.retired}
            for path in self.folder.iterdir():
                orphan = (
                    path.name not in listed
                    and _OURS.match(path.name)
                    and at / 1000 - path.stat().st_mtime >= ORPHAN_SECONDS
                )
                if path.name in due or orphan:
                    path.unlink()
                    deleted += 1
            if due:
                _sync(self.folder)
                left = tuple(gone for gone in manifest.retired if gone.name not in due)
                write_durably(self.folder / MANIFEST, Manifest(manifest.parts, left).dump())
        return deleted


def partitions(archive_dir: Path, table: str) -> list[Partition]:
    """Every partition of a table, oldest day first."""
    try:
        names = sorted(os.listdir(archive_dir / table))
    except FileNotFoundError:
        return []
    return [
        Partition(archive_dir, table, name[5:])
        for name in names
        if re.fullmatch(r"date=\d{4}-\d\d-\d\d", name)
    ]


def live_paths(archive_dir: Path, table: str) -> list[str]:
    """The files that hold a table's rows now, oldest day first: what to give to `read_parquet`."""
    return [path for partition in partitions(archive_dir, table) for path in partition.paths()]


def latest_ms(archive_dir: Path, tables: tuple[str, ...]) -> int:
    """The latest log time of any archived row; 0 when there is none."""
    return max(
        (
            p.max_ms
            for table in tables
            for day in partitions(archive_dir, table)
            for p in day.manifest().parts
        ),
        default=0,
    )


@contextmanager
def lock(archive_dir: Path, name: str = ".lock", *, blocking: bool = True) -> Iterator[None]:
    """Holds a lock file of the archive; raises BlockingIOError when asked not to wait and it is taken."""
    archive_dir.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(archive_dir / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if blocking else fcntl.LOCK_NB))
        yield
    finally:
        os.close(descriptor)


def write_durably(path: Path, data: bytes) -> None:
    """Replaces a file in one step; when it returns, a power cut leaves the new content."""
    temporary = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync(path.parent)


def literal(value: object) -> str:
    """A text as an SQL literal."""
    return "'" + str(value).replace("'", "''") + "'"


def literals(values: list[str]) -> str:
    """Texts as an SQL list."""
    return "[" + ", ".join(literal(value) for value in values) + "]"


def open_duckdb(archive_dir: Path, memory_limit: str = "1GB", threads: int = 1) -> duckdb.DuckDBPyConnection:
    """A DuckDB in memory that sorts big things beside the archive, not in /tmp."""
    scratch = archive_dir / ".scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    return duckdb.connect(
        config={"memory_limit": memory_limit, "threads": threads, "temp_directory": str(scratch)}
    )


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    folder.mkdir(parents=True, exist_ok=True)
    # The new folder's own name must survive a power cut too, up to the archive's root.
    for parent in (folder.parent, folder.parent.parent):
        _sync(parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
