"""The log of trainings: when, why, how good the new artifact was beside the live one, and what became of it.

    <data>/models/trainings     JSON lines, oldest first, the last 500

Artifacts are deleted after a while; what they reached stays here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

FILE = "trainings"
KEPT = 500
PUBLISHED, REFUSED, STORED, UNCHANGED, FAILED = "published", "refused", "stored", "unchanged", "failed"


@dataclass(frozen=True, slots=True)
class Training:
    """One training. `new` and `live`: what `evaluation` measured of each (empty: nothing to compare with)."""

    at: int  # ms
    verdict: str
    digest: str = ""
    why: str = "by hand"  # or: schedule, new data, first
    seconds: float = 0.0
    live_digest: str = ""
    new: Mapping[str, float] = field(default_factory=dict)
    live: Mapping[str, float] = field(default_factory=dict)
    note: str = ""


def note(models_dir: Path | str, training: Training) -> None:
    """Append one training; a crash in between loses it or keeps it, never the others."""
    models_dir = Path(models_dir)
    models_dir.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(asdict(one)) for one in [*read(models_dir), training][-KEPT:]]
    temporary = models_dir / f".{FILE}.new"
    with open(temporary, "w") as file:
        file.write("".join(f"{line}\n" for line in lines))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(models_dir / FILE)


def read(models_dir: Path | str) -> list[Training]:
    """All that are kept, oldest first; lines of another version are passed over."""
    try:
        lines = (Path(models_dir) / FILE).read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    return [one for line in lines if (one := _parsed(line)) is not None]


def _parsed(line: str) -> Training | None:
    try:
        raw: Any = json.loads(line)
        return Training(**{name: raw[name] for name in Training.__slots__ if name in raw})
    except (ValueError, TypeError):
        return None
