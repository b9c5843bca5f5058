"""What somebody takes along is theirs, whole, and each event once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from habitue_warehouse.archive import Archiver
from habitue_warehouse.person import events_of


def test_everything_of_these_profiles_is_there_once(redis: Any, log: Any, archive_dir: Path) -> None:
    first = log.event("anna", properties={"a": [1, None]}, items=[{"item_id": "A"}])
    log.event("bert")
    log.event("user:7", event_id="e9")
    log.event("user:7", event_id="e9")
    Archiver(redis, archive_dir).run_once()
    found = events_of(archive_dir, ["anna", "user:7", "nobody"])
    assert [one["event_id"] for one in found] == [first["event_id"], "e9"]
    assert found[0]["properties"] == {"a": [1, None]}
    assert "log_ms" not in found[0]
    assert events_of(archive_dir.with_name("none"), ["anna"]) == []
