"""Pages of a visitor's past: each entry once, newest first, whatever the archive looks like."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import large_archive
from habitue_collector.store import keys
from habitue_console.timeline import Archived, Entry, Past, link_of, place_of, together
from habitue_warehouse import sql
from habitue_warehouse.partitions import Partition, open_duckdb
from habitue_warehouse.schema import EVENTS, LogRecord, row_of, structure

SHAPE = large_archive.Shape(
    visitors=60, events=3_000, days=4, items=30, decisions=600, until=1_780_000_000_000
)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    large_archive.write(folder, SHAPE)
    return folder


def pages(archived: Archived, profile_id: str, limit: int, **more: float) -> list[Past]:
    found: list[Past] = []
    before = None
    while True:
        found.append(archived.page(profile_id, before=before, limit=limit, **more))  # type: ignore[arg-type]
        before = found[-1].older
        if before is None:
            return found
        assert len(found) < 1_000


@pytest.mark.parametrize("limit", [1, 7, 50, 10_000])
def test_all_pages_together_are_everything_once(archive: Path, limit: int) -> None:
    who = "visitor-0000002"
    with sql.connect(archive) as connection:
        expected = connection.execute(
            "SELECT received_at, log_ms, log_seq FROM events WHERE profile_id = $1 UNION ALL"
            " SELECT timestamp, log_ms, log_seq FROM decisions WHERE profile_id = $1 ORDER BY ALL DESC",
            [who],
        ).fetchall()
    assert len(expected) > 30
    if limit == 1:
        expected, archived = expected[:12], Archived(archive)
        before, places = None, []
        for _ in expected:
            page = archived.page(who, before=before, limit=1)
            places += [entry.place for entry in page.entries]
            before = page.older
    else:
        places = [entry.place for page in pages(Archived(archive), who, limit) for entry in page.entries]
    assert places == expected


def test_a_page_without_time_stops_after_a_day_and_says_from_where_to_go_on(archive: Path) -> None:
    ticks = count()
    slow = Archived(archive, clock=lambda: float(next(ticks)))
    who = "visitor-0000002"
    short = pages(slow, who, 10_000, seconds=0.5)
    assert len(short) > 1
    whole = pages(Archived(archive), who, 10_000)
    assert [e.place for p in short for e in p.entries] == [e.place for p in whole for e in p.entries]


def test_an_export_begins_with_the_oldest(archive: Path) -> None:
    archived = Archived(archive)
    told = [entry.place for entry in archived.all("visitor-0000002")]
    assert told == sorted(told)
    assert told[::-1] == [e.place for p in pages(archived, "visitor-0000002", 50) for e in p.entries]


def test_an_empty_archive_has_no_past(tmp_path: Path) -> None:
    archived = Archived(tmp_path)
    assert archived.page("anybody") == Past((), None)
    assert archived.recent(5) == []
    assert list(archived.all("anybody")) == []


def test_who_was_here_last_comes_first_and_no_bot(archive: Path) -> None:
    found = Archived(archive).recent(10)
    assert found == sorted(found, key=lambda pair: -pair[1])
    assert "visitor-0000017" not in [who for who, _ in Archived(archive).recent(1_000)]


def test_what_was_imported_stands_where_it_happened(tmp_path: Path) -> None:
    """It came into the log today, after what is older there and happened later."""
    day, who = 86_400_000, "anna"
    now = SHAPE.until
    rows = f"from_json_strict(line, '{structure(EVENTS)}')"
    with open_duckdb(tmp_path) as connection:
        for item_id, happened, logged in (("new", now - day, now - day), ("old", now - 90 * day, now)):
            record = {
                "event_id": item_id,
                "kind": "product_view",
                "name": "viewed",
                "timestamp": happened,
                "received_at": happened,
                "profile_id": who,
                "items": [{"item_id": item_id}],
            }
            row = row_of(LogRecord(keys.bucket_of(who), logged, 0, "event", orjson.dumps(record), record))
            partition = Partition(tmp_path, EVENTS, row.date)
            part = partition.write(connection, f"SELECT unnest({rows}) FROM (SELECT $1 AS line)", [row.line])
            assert part is not None
            partition.replace((), (part,))
    first, second = pages(Archived(tmp_path), who, 1)
    told = [entry.record["items"][0]["item_id"] for entry in (*first.entries, *second.entries)]
    assert told == ["new", "old"]


def entry(ms: int, table: str = "events") -> Entry:
    return Entry((ms, ms, 0), table, "event", {"timestamp": ms})


@given(st.sets(st.integers(1, 60)), st.sets(st.integers(1, 60)), st.integers(1, 10))
def test_log_and_archive_together_lose_and_repeat_nothing(log: set[int], kept: set[int], limit: int) -> None:
    tail = [entry(ms) for ms in sorted(log, reverse=True)]
    told: list[int] = []
    before = None
    while True:
        rest = sorted((ms for ms in kept if before is None or (ms, ms, 0) < before), reverse=True)
        older = (rest[limit - 1], rest[limit - 1], 0) if len(rest) > limit else None
        archived = Past(tuple(entry(ms) for ms in rest[:limit]), older)
        newest = [one for one in tail if before is None or one.place < before]
        page = together(newest, archived, limit)
        assert len(page.entries) <= limit
        told += [one.place[0] for one in page.entries]
        before = page.older
        if before is None:
            break
    assert told == sorted(log | kept, reverse=True)


@given(st.text(max_size=50))
def test_any_text_is_a_place_or_none(text: str) -> None:
    place = place_of(text)
    assert place is None or place_of(link_of(place)) == place
