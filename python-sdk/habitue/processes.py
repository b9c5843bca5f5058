"""The host's processes: they fork (gunicorn, uWSGI, Celery, multiprocessing) and they end."""

from __future__ import annotations

import atexit
import logging
import os
import sys
import time
import weakref
from collections.abc import Mapping
from typing import Any, Protocol

logger = logging.getLogger("habitue")

EXIT_SECONDS = 2.0  # how long a process' end may wait for what is still queued


class Forks(Protocol):
    """Whatever must begin anew in a child process."""

    def after_fork(self) -> None: ...


class Closes(Protocol):
    """Whatever has something to deliver before the process ends."""

    def close(self, seconds: float) -> None: ...


_forking: weakref.WeakSet[Forks] = weakref.WeakSet()
_closing: weakref.WeakSet[Closes] = weakref.WeakSet()  # a worker outlives a forgotten client until it is idle
_pid = os.getpid()
_prepared = 0  # the process that has been looked at already


def notice_forks(what: Forks) -> None:
    _forking.add(what)


def close_at_exit(what: Closes) -> None:
    _closing.add(what)


def here() -> None:
    """Begin anew if this is a child that Python was not told of: uWSGI forks behind its back."""
    if os.getpid() != _pid:
        _after_fork()


def thread_started() -> None:
    """Children of multiprocessing and billiard (Celery) end without `atexit`; their own way is this one."""
    global _prepared
    if _prepared == _pid:
        return
    _prepared = _pid
    for name in ("multiprocessing.util", "billiard.util"):
        module: Any = sys.modules.get(name)
        if module is not None and hasattr(module, "Finalize"):
            # Priority 100: before queues and pools of the host are taken down.
            module.Finalize(None, _at_exit, exitpriority=100)
    signals: Any = sys.modules.get("celery.signals")
    if signals is not None:  # Celery's own children do not even run those
        signals.worker_process_shutdown.connect(_at_exit, weak=False, dispatch_uid="habitue")
    warn_of_uwsgi()


def warn_of_uwsgi() -> bool:
    """Whether uWSGI runs us without threads: then events leave only while a request is being answered."""
    module: Any = sys.modules.get("uwsgi")
    if module is None:
        return False
    options: Mapping[str, Any] = getattr(module, "opt", {})

    def on(name: str) -> bool:
        value = options.get(name, False)
        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
        return text.lower() not in ("", "0", "false", "no", "off", "none")

    if "threads" in options or on("enable-threads"):
        return False
    logger.warning(
        "uWSGI runs without threads, so events cannot be delivered in the background:"
        " set enable-threads = true (or threads = 2)"
    )
    return True


def _after_fork() -> None:
    global _pid
    _pid = os.getpid()
    for what in list(_forking):
        what.after_fork()


def _at_exit(**_: object) -> None:
    until = time.monotonic() + EXIT_SECONDS  # together
    for what in list(_closing):
        what.close(max(0.0, until - time.monotonic()))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)
