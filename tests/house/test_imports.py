"""Rooms are imported only when they are needed."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAVY = {"numpy", "scipy", "implicit", "duckdb", "pandas", "pyarrow", "jinja2", "rich"}


def _modules_after(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120
    )
    return set(done.stdout.splitlines()[-1].split())


def test_the_light_collector_imports_nothing_heavy() -> None:
    assert not _modules_after("import habitue_collector.service, habitue_collector.app") & HEAVY


def test_help_imports_no_room_at_all() -> None:
    found = _modules_after("from habitue_cli.main import main; main(['--help'])")
    assert not found & (HEAVY | {"habitue_collector", "redis", "starlette", "uvicorn"})


def test_help_is_there_at_once() -> None:
    best = 9.0
    for _ in range(3):
        before = _processor_seconds()
        subprocess.run([sys.executable, "-m", "habitue_cli", "--help"], capture_output=True, check=True)
        best = min(best, _processor_seconds() - before)
    assert best < 0.2, "a twentieth of a second where nobody else uses the processor's caches"


def _processor_seconds() -> float:
    """What ended children used: a clock would count who else works on this machine."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_no_drawer_for_everything() -> None:
    rooms = ("collector", "warehouse", "recommender", "console", "cli", "python-sdk")
    names = {path.stem for room in rooms for path in (ROOT / room).rglob("*.py")}
    assert not names & {"utils", "util", "common", "helpers", "misc"}
