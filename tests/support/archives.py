"""An archive as the archiver would have left it, from events told in a test."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import orjson

from habitue_warehouse.partitions import Partition, open_duckdb
from habitue_warehouse.schema import EVENTS, LogRecord, row_of, structure

_ROWS = "SELECT unnest(from_json_strict(line, '{structure}')) FROM (SELECT unnest($1::VARCHAR[]) AS line)"
START = 1_767_225_600_000  # 2026-01-01


class Archive:
    """Tell it what happened, `write`, and read `folder`. Each event is a minute after the one before."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._records: list[dict[str, Any]] = []
        self._now = START

    def views(self, session: str, *items: str, who: str = "anna", **members: Any) -> Archive:
        for item in items:
            self._tell("product_view", [item], who, session_id=session, **members)
        return self

    def adds(self, session: str, item: str, who: str = "anna", **members: Any) -> Archive:
        return self._tell("add_to_cart", [item], who, session_id=session, **members)

    def buys(self, order: str, *items: str, who: str = "anna", **members: Any) -> Archive:
        return self._tell("purchase", list(items), who, order_id=order, **members)

    def write(self) -> Path:
        days: dict[str, list[Any]] = defaultdict(list)
        for number, record in enumerate(self._records):
            log = LogRecord(0, record["received_at"], number, "event", orjson.dumps(record), record)
            row = row_of(log)
            days[row.date].append(row.line)
        self.folder.mkdir(parents=True, exist_ok=True)
        connection = open_duckdb(self.folder)
        for date, lines in days.items():
            partition = Partition(self.folder, EVENTS, date)
            part = partition.write(connection, _ROWS.format(structure=structure(EVENTS)), [lines])
            assert part is not None
            partition.replace((), (part,))
        connection.close()
        return self.folder

    def _tell(self, kind: str, items: list[str], who: str, **members: Any) -> Archive:
        self._now += 60_000
        category = members.pop("category", None)
        self._records.append(
            {
                "event_id": f"e{len(self._records)}",
                "kind": kind,
                "name": kind,
                "timestamp": self._now,
                "received_at": self._now,
                "profile_id": who,
                "items": [
                    {"item_id": item, **({"category": category} if category else {})} for item in items
                ],
                **members,
            }
        )
        return self
