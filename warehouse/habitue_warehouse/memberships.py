"""Who is in which segment, as it stands in Redis, and how it comes back from the archive. Pure.

A member's record is the ids of its segments, sorted, with spaces between (an id has none). The archive has
every entering and leaving as a `segment` record among the moves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

SEGMENT = "segment"  # the record's type in the log
ENTERED, LEFT = "entered", "left"


def pack(segment_ids: Iterable[str]) -> str:
    """The stored form; "" is nobody's, and is not stored."""
    return " ".join(sorted(segment_ids))


def unpack(packed: bytes | str | None) -> frozenset[str]:
    """What `pack` wrote; nothing for None."""
    if not packed:
        return frozenset()
    return frozenset((packed if isinstance(packed, str) else packed.decode("utf-8", "replace")).split())


def follow(members: set[str], record: Mapping[str, Any]) -> None:
    """One record of the log: somebody entered a segment, or left it."""
    segment_id = record.get("segment_id")
    if isinstance(segment_id, str) and segment_id:
        (members.add if record.get("change") == ENTERED else members.discard)(segment_id)
