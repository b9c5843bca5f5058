"""SQL over the archive: its views, its formats, its prompt, and what it does not let through."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest

from habitue_warehouse.archive import Archiver
from habitue_warehouse.compaction import CompactionSettings, compact
from habitue_warehouse.sql import QueryRefused, connect, prompt, query, run_sql


@pytest.fixture
def archive(redis: Any, log: Any, archive_dir: Path) -> Path:
    log.event("anna", kind="search", search_term="boots, red")
    log.event("robot", bot=True)
    log.event(None, kept="counted")
    Archiver(redis, archive_dir).run_once()
    return archive_dir


def printed(archive: Path, sql: str, format: Any) -> str:
    out = io.StringIO()
    run_sql(archive, sql, format, out)
    return out.getvalue()


def test_an_empty_archive_has_all_views(archive_dir: Path) -> None:
    for view in ("events", "events_raw", "decisions", "moves", "profiles"):
        assert query(archive_dir, f"SELECT * FROM {view} WHERE date = '2026-03-01'")[1] == []


def test_bots_and_counted_are_flagged(archive: Path) -> None:
    names, rows = query(archive, "SELECT profile_id, bot, counted FROM events ORDER BY event_id")
    assert names == ["profile_id", "bot", "counted"]
    assert rows == [("anna", False, False), ("robot", True, False), (None, False, True)]


def test_formats(archive: Path) -> None:
    sql = "SELECT kind, search_term, date, [1, 2] AS list FROM events WHERE profile_id = 'anna'"
    assert (
        printed(archive, sql, "csv") == 'kind,search_term,date,list\nsearch,"boots, red",2026-03-01,"[1,2]"\n'
    )
    assert orjson.loads(printed(archive, sql, "json")) == [
        {"kind": "search", "search_term": "boots, red", "date": "2026-03-01", "list": [1, 2]}
    ]
    assert "boots, red" in printed(archive, sql, "table")


@pytest.mark.parametrize(
    "sql",
    [
        "COPY (SELECT 1) TO '{archive}/stolen.csv'", "CREATE TABLE x (a INT)", "DROP VIEW events",
        "INSTALL httpfs",
        "SET enable_external_access = true", "SELECT 1; SELECT 2", "ATTACH '/tmp/x.db'", "nonsense", "",
        "SELECT * FROM read_text('/etc/passwd')", "SELECT * FROM '/etc/passwd'", 
        "PRAGMA database_list; SELECT 1",
        "/**/ EXPLAIN ANALYZE COPY (SELECT 1) TO '{archive}/x.csv'",
        "EXPLAIN (ANALYZE) COPY (SELECT 1) TO '{archive}/x'",
        "SELECT * FROM read_csv('{archive}/../../secret.csv')",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{archive}/x.csv'",
    ],
)  # fmt: skip
def test_what_does_not_only_read_the_archive_is_refused(archive: Path, sql: str) -> None:
    (archive.parent.parent / "secret.csv").write_text("a\n1\n")
    before = sorted(archive.rglob("*"))
    with pytest.raises(QueryRefused):
        query(archive, sql.format(archive=archive))
    assert sorted(archive.rglob("*")) == before


def test_a_connection_cannot_leave_the_archive(archive: Path) -> None:
    connection = connect(archive)
    assert connection.execute("SELECT count(*) FROM events").fetchall() == [(3,)]
    for sql in ("SELECT * FROM read_text('/etc/passwd')", "SET enable_external_access = true"):
        with pytest.raises(duckdb.Error):
            connection.execute(sql)


def test_a_condition_on_the_day_reads_only_that_day(redis: Any, log: Any, archive_dir: Path) -> None:
    for day in range(3):
        log.event("anna", received_at=1_772_323_200_000 + day * 86_400_000)
    Archiver(redis, archive_dir).run_once()
    compact(archive_dir, CompactionSettings(settle_seconds=0, quiet_seconds=-1, grace_seconds=0))
    sql = "SELECT count(*) FROM events WHERE date = '2026-03-02'"
    assert query(archive_dir, sql)[1] == [(1,)]
    plan = query(archive_dir, f"EXPLAIN {sql}")[1][0][1]
    assert "Scanning Files: 1/3" in plan, plan


def test_the_prompt_goes_on_after_a_mistake(archive: Path) -> None:
    lines: Iterator[str] = iter(["SELECT count(*) AS n", "FROM events;", "SELEC;", ";", "exit"])
    asked: list[str] = []

    def read(sign: str) -> str:
        asked.append(sign)
        return next(lines)

    out = io.StringIO()
    prompt(archive, read, out, "csv")
    text = out.getvalue()
    assert "n\n3\n1 row\n" in text
    assert "syntax error" in text
    assert asked == ["sql> ", "  -> ", "sql> ", "sql> ", "sql> "]
