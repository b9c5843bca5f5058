"""Trains by itself: looks now and then whether it is due, and lets a process of its own do it, nicely."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from pathlib import Path

from habitue_recommender.retraining import due

logger = logging.getLogger("habitue.background")

FIRST_LOOK_SECONDS = 600.0  # after a start there is enough to do
LOOK_SECONDS = 60.0
STOP_SECONDS = 10.0


class SelfTraining:
    """`arguments` are those by which a child finds the same settings; `command` begins the training."""

    def __init__(
        self,
        folder: Path,
        arguments: list[str],
        *,
        every_hours: float,
        growth: float,
        first_look_seconds: float = FIRST_LOOK_SECONDS,
        command: tuple[str, ...] = (sys.executable, "-m", "habitue_cli", "train", "--if-better"),
    ) -> None:
        self._folder = folder
        self._arguments = arguments
        self._every_hours = every_hours
        self._growth = growth
        self._first_look_seconds = first_look_seconds
        self._command = command

    def run_forever(self, stop: threading.Event) -> None:
        """Until `stop` is set; a training under way is ended then, and goes on where it stopped next time."""
        if stop.wait(self._first_look_seconds):
            return
        while True:
            why = due(
                self._folder / "archive",
                self._folder / "models",
                time.time_ns() // 1_000_000,
                every_hours=self._every_hours,
                growth=self._growth,
            )
            if why is not None:
                self._train(why, stop)
            if stop.wait(LOOK_SECONDS):
                return

    def _train(self, why: str, stop: threading.Event) -> None:
        logger.info("training begins: %s", why)
        words = [*self._command, "--why", why, *self._arguments]
        said: list[str] = []
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            reader = threading.Thread(target=lambda: said.extend(process.stdout or ()), daemon=True)
            reader.start()
            while process.poll() is None:
                if stop.wait(0.5):
                    _end(process)
            reader.join(STOP_SECONDS)
        last = said[-1].strip() if said else ""
        (logger.info if process.returncode == 0 else logger.warning)("training ended: %s", last)


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
