"""Everything that the archive has of one person, for whoever wants to take it along."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import orjson

from habitue_collector.store.keys import bucket_of
from habitue_warehouse.sql import connect

_RETRIES = 10
_OURS = (
    "bucket",
    "log_ms",
    "log_seq",
    "extra",
    "date",
    "repeated",
)  # where a row lies says nothing of anybody
_JSON = ("context", "properties")


def events_of(archive_dir: Path | str, profile_ids: Sequence[str]) -> list[dict[str, Any]]:
    """The events folded into these profiles, each once, oldest first. Opens the row groups they may be in."""
    if not profile_ids:
        return []
    for attempt in range(_RETRIES):
        connection = connect(archive_dir, threads=1)
        try:
            # The files are sorted by both: values in the statement keep most row groups closed, where a join
            # reads one column of everything. The bucket reaches below the view's window, too.
            buckets = ", ".join(str(number) for number in sorted({bucket_of(one) for one in profile_ids}))
            cursor = connection.execute(
                f"SELECT * FROM events_raw WHERE bucket IN ({buckets})"
                f" AND profile_id IN ({', '.join('?' * len(profile_ids))})"
                " ORDER BY log_ms, received_at, log_seq",
                list(profile_ids),
            )
            names = [column[0] for column in cursor.description or ()]
            rows = cursor.fetchall()
            break
        except duckdb.IOException:  # a part was replaced between finding and reading: look again
            if attempt == _RETRIES - 1:
                raise
        finally:
            connection.close()
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        record = {name: value for name, value in zip(names, row, strict=True) if value is not None}
        told = {name: value for name, value in record.items() if name not in _OURS}
        for name in _JSON:
            if name in told:
                told[name] = orjson.loads(told[name])
        found.setdefault(record["event_id"], told)
    return list(found.values())
