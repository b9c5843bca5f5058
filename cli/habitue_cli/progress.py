"""A progress bar on a terminal, a line now and then anywhere else."""

from __future__ import annotations

import logging
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

logger = logging.getLogger("habitue")

QUIET_SECONDS = 5.0


class Progress:
    """`with Progress("Reading") as progress: progress(done, total)`. A total of 0 is an unknown one."""

    def __init__(self, what: str) -> None:
        self.what = what
        self._rich: RichProgress | None = None
        self._task: TaskID | None = None
        self._said = time.monotonic()

    def __call__(self, done: int, total: int = 0) -> None:
        if self._rich is not None and self._task is not None:
            self._rich.update(self._task, completed=done, total=total or None)
        elif time.monotonic() - self._said > QUIET_SECONDS:
            self._said = time.monotonic()
            logger.info("%s: %s", self.what, f"{100 * done // total} %" if total else f"{done}")

    def __enter__(self) -> Progress:
        if sys.stderr.isatty():
            self._rich = bars()
            self._rich.start()
            self._task = self._rich.add_task(self.what, total=None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._rich is not None:
            self._rich.stop()


def bars() -> RichProgress:
    """rich's bars on stderr, for those who fill several of them; a line for each where nobody looks."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    class Lines(Progress):
        def add_task(self, description: str, *others: Any, **named: Any) -> TaskID:
            if self.disable:
                logger.info("%s", description[:1].upper() + description[1:])
            return super().add_task(description, *others, **named)

    return Lines(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
    )
