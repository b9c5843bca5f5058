"""Processes of a measurement: what CPU they used, and an orderly end."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

_TICK = os.sysconf("SC_CLK_TCK")


class Missing(RuntimeError):
    """Something the benchmark needs is not on this machine."""


def find_program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is None:
        raise Missing(f"{name} is not installed; on Debian: apt install {name}")
    return found


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far, all its threads; /proc/PID/stat counts in 10 ms."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / _TICK


def pin(pid: int, core: int) -> None:
    """Every thread of a process to one core, as far as there are cores."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(ProcessLookupError):
            os.sched_setaffinity(int(task.name), {core % (os.cpu_count() or 1)})


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for(what: str, condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what} did not happen within {seconds:.0f} s")
        time.sleep(0.02)


class Child:
    """A process that ends with the measurement. Its words go to `log`, shown when it fails."""

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        *,
        core: int | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.log = log
        with log.open("wb") as words:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=words,
                env={**os.environ, **(environ or {})},
            )
        if core is not None:
            pin(self.pid, core)

    @property
    def pid(self) -> int:
        return self.process.pid

    def wait_until(self, what: str, condition: Callable[[], bool], seconds: float = 60.0) -> None:
        def reached() -> bool:
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.process.args!r} ended:\n{self.log.read_text()[-3000:]}")
            return condition()

        wait_for(what, reached, seconds)

    def stop(self, seconds: float = 60.0) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
