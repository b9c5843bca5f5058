"""The whole benchmark runs, and says what it measured."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(
    not all(shutil.which(name, path="/usr/sbin:/usr/bin:/bin") for name in ("nginx", "wrk", "redis-server")),
    reason="nginx, wrk and redis-server are needed",
)


def bench(*arguments: str) -> str:
    command = [sys.executable, "-m", "bench", "--quick", "--seconds", "1", *arguments]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.long
def test_the_table_has_every_row() -> None:
    table = bench("--only", "bare", "--only", "beacons", "--only", "batches", "--only", "profile")
    for row in (
        "nginx `return 204`",
        "bare path",
        "beacon of one event",
        "batches of 20",
        "profile of a visitor",
    ):
        assert row in table
