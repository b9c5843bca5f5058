"""A log writer that speaks as the collector does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from support.house import RealRedis

from habitue_collector.store import keys


class Log:
    """Writes records into the logs as the collector does, and remembers what it wrote."""

    def __init__(self, redis: Any) -> None:
        self.redis = redis
        self.count = 0

    def event(self, profile_id: str | None = "anna", **members: Any) -> dict[str, Any]:
        self.count += 1
        record = {
            "event_id": f"e{self.count}",
            "kind": "page_view",
            "name": "Page",
            "timestamp": 1_772_400_000_000 + self.count,
            "received_at": 1_772_400_000_000 + self.count,
            "anonymous_id": profile_id,
            **members,
        }
        if profile_id is not None:
            record["profile_id"] = profile_id
        self.add("event", record, keys.bucket_of(profile_id or record["event_id"]))
        return record

    def add(self, record_type: str, record: dict[str, Any], bucket: int | None = None) -> None:
        place = keys.bucket_of(record["profile_id"]) if bucket is None else bucket
        self.redis.xadd(keys.log(place), {record_type: orjson.dumps(record)})


@pytest.fixture
def redis(real: RealRedis) -> Any:
    return real.client()


@pytest.fixture
def log(redis: Any) -> Log:
    return Log(redis)


@pytest.fixture
def archive_dir(tmp_path: Path) -> Path:
    return tmp_path / "archive"
