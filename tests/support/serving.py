"""A real `habitue serve` in a folder of its own, on a free port."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path

START_SECONDS = 120.0


def until(condition: Callable[[], bool], what: str, seconds: float = START_SECONDS) -> None:
    """Wait for a condition, never for a time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(0.02)


def gone(pid: int) -> bool:
    """Ended, or a zombie that only waits for its parent to look."""
    try:
        return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return True


class Serving:
    """`with Serving(tmp_path) as habitue: habitue.get("/healthz")`. `habitue.log()` is what it said."""

    def __init__(
        self,
        data: Path,
        *,
        environ: Mapping[str, str] | None = None,
        arguments: tuple[str, ...] = ("serve",),
        before: str = "",
    ) -> None:
        self.data = data
        self._said = data.parent / f"{data.name}.log"
        self._environ = {"HABITUE_PORT": "0", "HABITUE_WORKERS": "2", **(environ or {})}
        self._command = [
            sys.executable,
            "-c",
            f"import sys\n{before}\nfrom habitue_cli.main import main\nsys.exit(main())",
            *arguments,
            "--data",
            str(data),
        ]
        self.process: subprocess.Popen[bytes] | None = None
        self._from = 0  # where this one's words begin in a log that it shares with an earlier one

    def start(self) -> Serving:
        with self._said.open("ab") as said:
            self._from = said.tell()
            self.process = subprocess.Popen(
                self._command,
                env={**os.environ, **self._environ},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        return self

    def __enter__(self) -> Serving:
        self.start()
        try:
            until(lambda: self.ended or "Ready on" in self.log(), "ready")
            assert not self.ended, self.log()
        except AssertionError:
            self.__exit__()  # nobody else would stop it
            raise
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @property
    def ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def log(self) -> str:
        return self._said.read_bytes()[self._from :].decode("utf-8", "replace")

    @property
    def address(self) -> str:
        return (self.data / "run/address").read_text().strip()

    def pid(self, name: str) -> int | None:
        try:
            return int((self.data / f"run/{name}.pid").read_text())
        except (FileNotFoundError, ValueError):
            return None

    def pids(self) -> dict[str, int]:
        return {path.stem: int(path.read_text()) for path in (self.data / "run").glob("*.pid")}

    def get(self, path: str) -> int:
        """The status of a GET; raises OSError when nobody answers."""
        try:
            with urllib.request.urlopen(self.address + path, timeout=60) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code
