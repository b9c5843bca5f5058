"""Trains by itself: looks now and then whether it is due, and lets a process of its own do it, nicely."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from habitue_collector.private_redis import die_with_parent
from habitue_recommender.training import plan as training_plan
from habitue_recommender.training import trainings
from habitue_recommender.training.quiet_hours import QuietHours
from habitue_recommender.training.retraining import due

logger = logging.getLogger("habitue.background")

FIRST_LOOK_SECONDS = 600.0  # after a start there is enough to do
LOOK_SECONDS = 60.0
STOP_SECONDS = 10.0
WATCH_SECONDS = 0.5  # between two looks at the training under way
LEAST_MEMORY_MB = 1_024  # whatever half of a small machine is
EVALUATION_SIDES = (("new", ""), ("live", "_live"))


class SelfTraining:
    """`arguments` are those by which a child finds the same settings; `command` begins the training.

    `memory_mb` is what a training may take of its own (0: half of the machine's); one that takes more is
    ended, and not tried again before the next turn. `may` says whether it is our turn at all. When the
    system itself runs out of memory, the training is what it ends first.
    """

    def __init__(
        self,
        folder: Path,
        arguments: list[str],
        *,
        every_hours: float,
        growth: float,
        quiet: QuietHours | None = None,
        memory_mb: int = 0,
        first_look_seconds: float = FIRST_LOOK_SECONDS,
        may: Callable[[], bool] = lambda: True,
        command: tuple[str, ...] = (sys.executable, "-m", "habitue_cli", "train", "--if-better"),
    ) -> None:
        self._folder = folder
        self._arguments = arguments
        self._every_hours = every_hours
        self._growth = growth
        self._quiet = quiet or QuietHours()
        self._memory_bytes = (memory_mb or max(LEAST_MEMORY_MB, _machine_mb() // 2)) * 1_000_000
        self._running = False
        self._last: trainings.Training | None = None
        self._refused = 0
        self._first_look_seconds = first_look_seconds
        self._may = may
        self._command = command

    def run_forever(self, stop: threading.Event) -> None:
        """Until `stop` is set; a training under way ends then, and goes on where it stopped next time."""
        self.look_at_log()
        if stop.wait(self._first_look_seconds):
            return
        while True:
            now = time.time_ns() // 1_000_000
            why = None
            if not self._quiet.holds(now) and self._may():
                why = due(
                    self._folder / "archive",
                    self._folder / "models",
                    now,
                    every_hours=self._every_hours,
                    growth=self._growth,
                )
            if why is not None:
                self._train(why, stop)
            self.look_at_log()
            if stop.wait(LOOK_SECONDS):
                return

    def figures(self) -> dict[str, Any]:
        """For `/metrics`: the last training, what it measured, and how many in a row did not go live."""
        last = self._last
        if last is None:
            return {"training_running": int(self._running)}
        measured = {
            f"{name.partition('@')[0]}{end}": value
            for side, end in EVALUATION_SIDES
            for name, value in getattr(last, side).items()
            if name != "queries"
        }
        return {
            "training_running": int(self._running),
            "training_at": last.at / 1_000,
            "training_seconds": last.seconds,
            "trainings_refused": self._refused,
            "training_verdict": {last.verdict: 1},
            "training_quality": measured,
        }

    def look_at_log(self) -> None:
        """Once for many scrapes."""
        log = trainings.read(self._folder / "models")
        self._last = log[-1] if log else None
        self._refused = 0
        for one in reversed(log):
            if one.verdict not in (trainings.REFUSED, trainings.FAILED):
                break
            self._refused += 1

    def _train(self, why: str, stop: threading.Event) -> None:
        logger.info("training begins: %s", why)
        words = [*self._command, "--why", why, *self._arguments]
        said: list[str] = []
        began = time.time_ns() // 1_000_000
        too_much = 0
        with subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=_humbly
        ) as process:
            self._running = True
            reader = threading.Thread(target=lambda: said.extend(process.stdout or ()), daemon=True)
            reader.start()
            while process.poll() is None:
                if stop.wait(WATCH_SECONDS):
                    _end(process)
                elif (taken := _own_bytes(process.pid)) > self._memory_bytes:
                    too_much = taken
                    process.kill()
                    process.wait()
            reader.join(STOP_SECONDS)
        self._running = False
        last = said[-1].strip() if said else ""
        if too_much:
            last = self._note_too_much(began, why, too_much)
        elif process.returncode < 0 and not stop.is_set():
            last = f"{signal.Signals(-process.returncode).name}; it goes on where it stopped"
        (logger.info if process.returncode == 0 else logger.warning)("training ended: %s", last)

    def _note_too_much(self, began: int, why: str, taken: int) -> str:
        """Into the log, so that it is not due again at once."""
        models = self._folder / "models"
        text = (
            f"took {taken // 1_000_000} MB, {self._memory_bytes // 1_000_000} are allowed"
            " ([recommender] train_memory_mb)"
        )
        training_plan.finish(models)
        seconds = round(time.time() - began / 1_000, 1)
        trainings.note(
            models, trainings.Training(began, trainings.FAILED, why=why, seconds=seconds, note=text)
        )
        return text


def _humbly() -> None:
    """In the child, before anything else: it ends with us, and is the first to go when memory is short."""
    die_with_parent()
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")


def _own_bytes(pid: int) -> int:
    """Memory that a process shares with nobody; 0 where the system does not say."""
    try:
        with open(f"/proc/{pid}/status") as file:
            return next((int(line.split()[1]) * 1_024 for line in file if line.startswith("RssAnon:")), 0)
    except (OSError, ValueError):
        return 0


def _machine_mb() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1_000_000
    except (ValueError, OSError):
        return 0


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
