"""What the training under way learns from, so that one that was killed goes on with the same data.

    <data>/models/plan     JSON; there while a training runs, and after one that did not come to an end

Events come in all the time: a second try that read them too would be another artifact, and what was finished
of the first one worth nothing. The caller holds `artifact.exclusive`.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

FILE = "plan"
MOST_TRIES = 3
STALE = 24 * 3_600_000  # ms; whoever was killed so long ago begins anew, with newer data


@dataclass(frozen=True, slots=True)
class Plan:
    """One training. `until` (ms) is known when its data was read; later events are the next one's."""

    began: int  # ms, of the first try
    tries: int = 1
    until: int | None = None

    @property
    def is_hopeless(self) -> bool:
        return self.tries > MOST_TRIES


def begin(models_dir: Path, now: int) -> Plan:
    """The plan that an interrupted training left, with one more try, or a new one."""
    left = read(models_dir)
    if left is None or not 0 <= now - left.began < STALE:
        plan = Plan(now)
    else:
        plan = replace(left, tries=left.tries + 1)
    write(models_dir, plan)
    return plan


def read(models_dir: Path) -> Plan | None:
    try:
        raw = json.loads((models_dir / FILE).read_text())
        return Plan(int(raw["began"]), int(raw["tries"]), int(raw["until"]) if raw["until"] else None)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def write(models_dir: Path, plan: Plan) -> None:
    temporary = models_dir / f".{FILE}.new"
    with open(temporary, "w") as file:
        json.dump(asdict(plan), file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(models_dir / FILE)


def finish(models_dir: Path) -> None:
    """It came to its end, whatever the end was."""
    (models_dir / FILE).unlink(missing_ok=True)
