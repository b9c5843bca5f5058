"""The schema of what arrives: event names, the properties they carry and how often, and who sends them.

From the rollups `names`, `properties` and `traffic`; it blocks. Names and types only, never a value.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from habitue_warehouse.rollup_reader import Hours, RollupReader
from habitue_warehouse.rollup_tables import FIELDS, HOUR_MS
from habitue_warehouse.schema import DAY_MS

DAYS = 7
MOST_NAMES = 200


@dataclass(slots=True)
class Property:
    """One property of an event name: in which share of them it is, and its types, the most frequent first."""

    name: str
    share: float
    types: tuple[str, ...]


@dataclass(slots=True)
class Arriving:
    """One event name and what came with it; `fields` are the known ones, with their share."""

    kind: str
    name: str
    events: int
    sampled: int
    fields: dict[str, float] = field(default_factory=dict)
    properties: list[Property] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Sender:
    """One key and what it sent; `bots` are not among `events`."""

    source: str
    events: int
    counted: int
    claimed: int
    bots: int


def arriving(archive: Path, now: int) -> list[Arriving]:
    """The event names of the last seven days, the most frequent first."""
    reader, span = RollupReader(archive), _span(now)
    sums = ", ".join(f"sum(with_{one})::BIGINT AS with_{one}" for one in FIELDS)
    names = reader.rows(
        "SELECT kind, name, sum(events)::BIGINT AS events, sum(sampled)::BIGINT AS sampled,"
        f" {sums} FROM names GROUP BY kind, name ORDER BY events DESC, kind, name LIMIT {MOST_NAMES}",
        span,
    )
    rows = reader.rows(
        "SELECT kind, name, property, type, sum(events)::BIGINT AS events FROM properties"
        " GROUP BY ALL ORDER BY events DESC, property, type",
        span,
    )
    types: dict[tuple[str, str], dict[str, list[tuple[int, str]]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        types[row["kind"], row["name"]][row["property"]].append((row["events"], row["type"]))
    return [_arriving(row, types[row["kind"], row["name"]]) for row in names]


def senders(archive: Path, now: int) -> list[Sender]:
    """Who sent what in the last seven days, the busiest first."""
    rows = RollupReader(archive).rows(
        "SELECT source, coalesce(sum(events) FILTER (NOT bot), 0)::BIGINT AS events,"
        " coalesce(sum(events) FILTER (NOT bot AND kept = 'counted'), 0)::BIGINT AS counted,"
        " coalesce(sum(events) FILTER (NOT bot AND kept = 'claimed'), 0)::BIGINT AS claimed,"
        " coalesce(sum(events) FILTER (bot), 0)::BIGINT AS bots"
        " FROM traffic GROUP BY source ORDER BY events DESC, source",
        _span(now),
    )
    return [Sender(**row) for row in rows]


def refused_by_hour(archive: Path, now: int, hours: int) -> tuple[list[int], dict[str, list[int]]]:
    """The hours (ms) and, for each reason, how many events were refused in them."""
    span = Hours.last(hours, now)
    places = list(range(span.since, span.until, HOUR_MS))
    counts: dict[str, list[int]] = {}
    for row in RollupReader(archive).rows(
        "SELECT hour, reason, sum(events)::BIGINT AS events FROM rejects GROUP BY ALL", span
    ):
        of_reason = counts.setdefault(row["reason"], [0] * hours)
        of_reason[(row["hour"] - span.since) // HOUR_MS] += row["events"]
    return places, dict(sorted(counts.items(), key=lambda pair: -sum(pair[1])))


def _arriving(row: dict[str, Any], found: dict[str, list[tuple[int, str]]]) -> Arriving:
    sampled, events = max(1, row["sampled"]), max(1, row["events"])
    one = Arriving(row["kind"], row["name"], row["events"], row["sampled"])
    one.fields = {name: row[f"with_{name}"] / events for name in FIELDS if row[f"with_{name}"]}
    for name, types in found.items():
        count = sum(events for events, _ in types)
        one.properties.append(Property(name, min(1.0, count / sampled), tuple(type_ for _, type_ in types)))
    one.properties.sort(key=lambda known: (-known.share, known.name))
    return one


def _span(now: int) -> Hours:
    return Hours(now // DAY_MS * DAY_MS - (DAYS - 1) * DAY_MS, now + HOUR_MS)
