"""What kind of machine a figure is from."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from .processes import find_program


def facts() -> dict[str, str]:
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    return {
        "machine": f"{os.cpu_count()} × {model}",
        "kernel": platform.release(),
        "python": platform.python_version(),
        "uvicorn": version("uvicorn"),
        "redis": _first(find_program("redis-server"), "--version"),
        "nginx": _first(find_program("nginx"), "-v"),
        "wrk": _first(find_program("wrk"), "-v"),
        "load before": f"{os.getloadavg()[0]:.2f}",
    }


def _first(*command: str) -> str:
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    return (ended.stdout + ended.stderr).splitlines()[0].split("Copyright")[0].strip()
