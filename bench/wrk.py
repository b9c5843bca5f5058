"""Closed-loop load by wrk: beacons that differ, answers that are checked."""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .processes import cpu_seconds, find_program

SCRIPT = Path(__file__).with_name("beacons.lua")
CONNECTIONS = 64
# wrk's own 2 s call a stalled disk a wrong answer. What waited so long stands in p99 and in the rate; what is
# answered wrongly, or not at all, still ends the run.
PATIENCE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Load:
    """One run. `cpu` is seconds of user and system time by the name of the process."""

    seconds: float
    requests: int
    p50_ms: float
    p99_ms: float
    cpu: dict[str, float]

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds

    def cpu_us(self, name: str) -> float:
        """CPU microseconds per request."""
        return self.cpu[name] / self.requests * 1e6


def run_wrk(
    port: int,
    *,
    pids: dict[str, int],
    seconds: float,
    path: str = "/h/v1/batch",
    key: str = "bench",
    cookies: Path | None = None,
    events: int = 1,
    wanted: str = '"accepted"',
    core: int = 1,
    connections: int = CONNECTIONS,
) -> Load:
    """Load for `seconds`; raises RuntimeError when any answer is not what it should be."""
    with tempfile.TemporaryDirectory() as folder:
        totals = Path(folder, "totals")
        empty = Path(folder, "empty")
        empty.touch()
        command = ["taskset", "-c", str(core), find_program("wrk"), "-t1", f"-c{connections}"]
        command += [f"-d{max(1, round(seconds))}s", "--timeout", f"{PATIENCE_SECONDS}s"]
        command += ["-s", str(SCRIPT), f"http://127.0.0.1:{port}"]
        command += ["--", path, key, str(cookies or empty), str(events), str(totals), wanted]
        before = {name: cpu_seconds(pid) for name, pid in pids.items()}
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        used = {name: cpu_seconds(pid) - before[name] for name, pid in pids.items()}
        if ended.returncode or not totals.exists():
            raise RuntimeError(f"wrk failed: {ended.stdout}{ended.stderr}")
        lines = totals.read_text().splitlines()
    duration, requests, good, bad, p50, p99, errors = (float(line) for line in lines[:7])
    if bad or errors or not good:
        raise RuntimeError(
            f"{bad:.0f} wrong answers, {errors:.0f} errors, {good:.0f} right ones: {lines[7:]}"
        )
    return Load(duration / 1e6, int(requests), p50 / 1e3, p99 / 1e3, used)
