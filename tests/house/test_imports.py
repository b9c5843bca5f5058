"""Rooms are imported only when they are needed."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAVY = {"numpy", "scipy", "implicit", "duckdb", "pandas", "pyarrow", "jinja2", "rich"}


def _modules_after(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
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
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "habitue_cli", "--help"], capture_output=True, check=True)
        best = min(best, time.perf_counter() - began)
    assert best < 0.3


def test_no_drawer_for_everything() -> None:
    rooms = ("collector", "warehouse", "recommender", "console", "cli", "python-sdk")
    names = {path.stem for room in rooms for path in (ROOT / room).rglob("*.py")}
    assert not names & {"utils", "util", "common", "helpers", "misc"}
