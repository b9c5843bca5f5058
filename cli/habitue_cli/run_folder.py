"""`<data>/run`: pid files, the lock of the data directory, the address it answers at."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from .errors import CommandError


class RunFolder:
    """One serving process may hold it."""

    def __init__(self, data: Path) -> None:
        self.path = data.resolve() / "run"
        self._lock: int | None = None

    def lock(self) -> None:
        """Raises CommandError, naming the pid that holds it."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise CommandError(
                f"process {holder or '(unknown)'} already serves from {self.path.parent};"
                " stop it, or give this one another folder with --data"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._lock = descriptor

    def unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def write_pid(self, name: str, pid: int) -> None:
        self._write(f"{name}.pid", str(pid))

    def remove_pid(self, name: str) -> None:
        (self.path / f"{name}.pid").unlink(missing_ok=True)

    def read_pid(self, name: str) -> int | None:
        """The pid in a file, or None when there is none."""
        try:
            return int((self.path / f"{name}.pid").read_text("ascii"))
        except (OSError, ValueError):
            return None

    def forget_pids(self) -> None:
        """What a killed supervisor left behind."""
        for file in self.path.glob("*.pid"):
            file.unlink(missing_ok=True)

    def write_address(self, url: str) -> None:
        self._write("address", url)

    def read_address(self) -> str | None:
        """Where the running server answers (`http://127.0.0.1:8000`), or None."""
        try:
            return (self.path / "address").read_text("ascii").strip()
        except OSError:
            return None

    def _write(self, name: str, text: str) -> None:
        temporary = self.path / f".{name}"
        temporary.write_text(f"{text}\n", "ascii")
        temporary.replace(self.path / name)
