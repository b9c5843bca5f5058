"""The line between the supervisor and a child: beats go up; when it breaks, the child ends.

Linux also tells the child when its parent dies (`die_with_parent`); the line works everywhere and catches
what a signal cannot, a child that is stuck.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

BEAT_SECONDS = 1.0
GRACE_SECONDS = 15.0  # from the broken line to the hard end


class Lifeline:
    """The child's end. `beat` costs one non-blocking send; the first one means "I am ready"."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        line.setblocking(True)
        threading.Thread(target=self._wait_for_the_end, name="lifeline", daemon=True).start()

    @classmethod
    def from_descriptor(cls, descriptor: int | None) -> Lifeline | None:
        """From `--lifeline N`; None when started by hand."""
        return None if descriptor is None else cls(socket.socket(fileno=descriptor))

    def beat(self) -> None:
        # A full buffer means that the supervisor is behind, not that we are dead; a broken line is the
        # other thread's business.
        with suppress(OSError):
            self._line.send(b".", socket.MSG_DONTWAIT)

    def beat_from_a_thread(self, alive: Callable[[], bool]) -> None:
        """For a process without an event loop: beats as long as `alive()` says so."""

        def beating() -> None:
            while alive():
                self.beat()
                time.sleep(BEAT_SECONDS)

        threading.Thread(target=beating, name="heartbeat", daemon=True).start()

    def _wait_for_the_end(self) -> None:
        with suppress(OSError):
            while self._line.recv(64):
                pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE_SECONDS)
        os._exit(1)
