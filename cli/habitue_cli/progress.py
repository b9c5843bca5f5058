"""A progress bar on a terminal, a line now and then anywhere else."""

from __future__ import annotations

import logging
import sys
import time
from typing import Any

logger = logging.getLogger("habitue")

QUIET_SECONDS = 5.0


class Progress:
    """`with Progress("Reading") as progress: progress(done, total)`."""

    def __init__(self, what: str, unit: str = "") -> None:
        self.what = what
        self.unit = unit
        self._bar: Any = None
        self._said = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        if sys.stderr.isatty():
            self._show(done, total)
        elif time.monotonic() - self._said > QUIET_SECONDS:
            self._said = time.monotonic()
            logger.info("%s: %d %%", self.what, 100 * done // max(total, 1))

    def _show(self, done: int, total: int) -> None:
        if self._bar is None:
            try:
                from tqdm import tqdm
            except ModuleNotFoundError:  # a nicety of the demo; the light installation does without
                return
            self._bar = tqdm(
                total=total, desc=self.what, unit=self.unit or "row", unit_scale=True, leave=True, ncols=80
            )
        self._bar.total = total
        self._bar.update(done - self._bar.n)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
