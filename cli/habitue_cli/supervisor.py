"""Keeps everything running: the private Redis, web workers, the console, the background process.

It stays in the foreground, holds the listening socket (so that the port answers while a worker starts
anew), restarts what dies or falls silent, and takes everything down in order: workers, then the console
and the background process, then Redis. It must run in the main thread: signals arrive there, and Linux tells
children about the death of the thread that started them.
"""

from __future__ import annotations

import errno
import logging
import os
import resource
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Any

from habitue_collector.private_redis import PrivateRedis, PrivateRedisError, die_with_parent
from habitue_collector.settings import Settings

from .errors import CommandError
from .run_folder import RunFolder

logger = logging.getLogger("habitue.supervisor")

STARTING_SECONDS = 120.0  # until the first beat
SILENT_SECONDS = 30.0  # without a beat after that
STEADY_SECONDS = 10.0  # who ran this long starts again without a pause
MAX_PAUSE_SECONDS = 30.0
STOP_SECONDS = {"worker": 20.0, "console": 8.0, "background": 40.0, "task": 5.0}
BIND_SECONDS = 20.0  # workers of a killed supervisor may hold the port while they drain
BACKLOG = 2_048
LEAST_ROOM = 1_048_576  # bytes
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass(slots=True)
class Child:
    """One process that should be there. `verb` is what `habitue` calls it."""

    name: str
    verb: str
    arguments: list[str]
    once: bool = False  # a task: it runs to its end and is not started again
    process: subprocess.Popen[bytes] | None = None
    line: socket.socket | None = None
    started: float = 0.0
    last_beat: float | None = None
    failures: int = 0
    due: float | None = 0.0  # when to start it; None while it runs or when it is done

    @property
    def group(self) -> str:
        return self.verb if self.verb in STOP_SECONDS else "task"


@dataclass
class Supervisor:
    """`run` returns when everything is down again: 0 after a signal, 1 when a task failed.

    `arguments` are what every child gets, so that it loads the same settings. `on_ready` is called once,
    with the address, when all workers beat and all tasks are done.
    """

    settings: Settings
    arguments: list[str]
    environ: Mapping[str, str]
    tasks: list[Child] = field(default_factory=list)
    helpers: list[Child] = field(default_factory=list)  # more that should run, once the tasks are done
    on_ready: Callable[[str], None] = lambda address: logger.info("Ready on %s", address)

    def run(self) -> int:
        os.umask(0o077)  # archive and models speak of people: what is written here is for this user alone
        self._folder = RunFolder(self.settings.data.folder)
        self._folder.lock()
        self._one_was_killed = self._folder.read_pid("supervisor") is not None
        self._folder.forget_pids()
        self._folder.write_pid("supervisor", os.getpid())
        self._selector = selectors.DefaultSelector()
        self._stopping = False
        self._code = 0
        self._redis: PrivateRedis | None = None
        self._redis_due: float | None = None
        self._redis_failures = 0
        self._redis_started = 0.0
        self._children: list[Child] = []
        _raise_file_limit()
        before = self._catch_signals()
        try:
            with self._bind() as listener:
                self._listener = listener
                self._address = _address_of(listener)
                self._folder.write_address(self._address)
                try:
                    self._start_redis()
                    self._children = self._plan()
                    self._loop()
                finally:
                    self._take_down()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(-1)
            self._selector.close()
            self._folder.remove_pid("supervisor")
            (self._folder.path / "address").unlink(missing_ok=True)
            self._folder.unlock()
        return self._code

    def _plan(self) -> list[Child]:
        count = self._worker_count()
        workers = [
            Child(f"worker-{number}", "worker", ["--number", str(number)]) for number in range(1, count + 1)
        ]
        rest = [Child("background", "background", [])]
        if _has_console():
            rest.append(Child("console", "console", []))
        return [*workers, *rest, *self.tasks]

    def _worker_count(self) -> int:
        return self.settings.server.workers or os.cpu_count() or 1

    def _resolved(self) -> dict[str, str]:
        """What the settings left open, for the children."""
        port = self._address.rsplit(":", 1)[1]
        return {"HABITUE_PORT": port, "HABITUE_WORKERS": str(self._worker_count())}

    def _catch_signals(self) -> dict[signal.Signals, Any]:
        """A signal wakes the loop by a byte; the handler itself only notes it."""
        reader, self._wake = socket.socketpair()
        reader.setblocking(False)
        self._wake.setblocking(False)
        self._selector.register(reader, selectors.EVENT_READ, None)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)

        def stop(number: int, frame: FrameType | None) -> None:
            if self._stopping:  # a second Ctrl-C: no more patience
                for child in self._children:
                    if child.process:
                        child.process.kill()
            self._stopping = True

        before: dict[signal.Signals, Any] = {number: signal.signal(number, stop) for number in _STOP_SIGNALS}
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda number, frame: None)
        return before

    def _bind(self) -> socket.socket:
        host, port = self.settings.server.host, self.settings.server.port
        deadline = time.monotonic() + BIND_SECONDS
        while True:
            try:
                family = socket.AF_INET6 if ":" in host else socket.AF_INET
                return socket.create_server((host, port), family=family, backlog=BACKLOG)
            except OSError as error:
                busy = error.errno == errno.EADDRINUSE
                if busy and self._one_was_killed and time.monotonic() < deadline and not self._stopping:
                    time.sleep(0.1)
                    continue
                reason = "another program uses it" if busy else os.strerror(error.errno or 0)
                raise CommandError(
                    f"cannot listen on {host}:{port}: {reason}. HABITUE_PORT chooses another port"
                ) from None

    # --- Redis ---

    def _start_redis(self) -> None:
        if self.settings.redis.url:
            return
        self._redis = PrivateRedis(
            self.settings.data.folder, fsync=self.settings.redis.fsync, say=logger.info
        )
        self._redis.start()
        self._note_redis()

    def _note_redis(self) -> None:
        assert self._redis is not None
        assert self._redis.pid is not None
        self._redis_started = time.monotonic()
        self._folder.write_pid("redis", self._redis.pid)

    def _watch_redis(self, now: float) -> None:
        redis = self._redis
        if redis is None or redis.pid is not None:
            return
        if self._redis_due is None:
            ran = now - self._redis_started
            self._redis_failures = 0 if ran > STEADY_SECONDS else self._redis_failures + 1
            self._redis_due = now + _pause(self._redis_failures)
            self._folder.remove_pid("redis")
            logger.warning("Redis ended; starting it again%s", _no_room(self.settings.data.folder))
        if now >= self._redis_due:
            self._redis_due = None
            try:
                redis.spawn()
                self._note_redis()
            except (PrivateRedisError, OSError) as error:
                logger.error("Redis cannot be started again: %s", error)
                self._redis_failures += 1
                self._redis_due = now + _pause(self._redis_failures)

    # --- children ---

    def _loop(self) -> None:
        announced = False
        while not self._stopping:
            now = time.monotonic()
            self._watch_redis(now)
            for child in self._children:
                if child.process is not None and child.process.poll() is not None:
                    self._ended(child, now)
                elif child.process is not None:
                    self._check_beat(child, now)
                if child.due is not None and now >= child.due and not self._stopping:
                    self._start(child)
            if not announced and all(self._up(child) for child in self._children):
                announced = True
                self.on_ready(self._address)
                self._children += self.helpers
            self._listen(self._patience(time.monotonic()))

    def _up(self, child: Child) -> bool:
        if child.once:
            return child.process is None and child.due is None
        if child.verb == "console":
            return True  # the shop does not wait for it; its pages wait at the proxy
        return child.last_beat is not None and child.process is not None

    def _patience(self, now: float) -> float:
        dues = [child.due for child in self._children if child.due is not None]
        if self._redis_due is not None:
            dues.append(self._redis_due)
        return max(0.0, min([1.0, *(due - now for due in dues)]))

    def _listen(self, seconds: float) -> None:
        """Sleep until a beat, a signal or the time is up."""
        for key, _ in self._selector.select(seconds):
            child: Child | None = key.data
            with suppress(OSError):
                heard = key.fileobj.recv(4096)  # type: ignore[union-attr]  # all of them are sockets
                if child is not None and heard:
                    child.last_beat = time.monotonic()
                elif child is not None:
                    self._cut(child)

    def _start(self, child: Child) -> None:
        ours, theirs = socket.socketpair()
        descriptors = [theirs.fileno()]
        command = [sys.executable, "-m", "habitue_cli", child.verb, *child.arguments, *self.arguments]
        command += ["--lifeline", str(theirs.fileno())]
        if child.verb == "worker":
            descriptors.append(self._listener.fileno())
            command += ["--socket", str(self._listener.fileno())]
        parent = os.getpid()

        def in_the_child() -> None:
            die_with_parent()
            if os.getppid() != parent:
                os._exit(1)

        child.process = subprocess.Popen(
            command,
            env={**self.environ, **self._resolved()},
            stdin=subprocess.DEVNULL,
            pass_fds=descriptors,
            preexec_fn=in_the_child,
            start_new_session=True,  # Ctrl-C is ours; we stop them in order
        )
        theirs.close()
        ours.setblocking(False)
        child.line, child.due, child.last_beat = ours, None, None
        child.started = time.monotonic()
        self._selector.register(ours, selectors.EVENT_READ, child)
        self._folder.write_pid(child.name, child.process.pid)

    def _ended(self, child: Child, now: float) -> None:
        assert child.process is not None
        code = child.process.returncode
        child.process = None
        self._cut(child)
        self._folder.remove_pid(child.name)
        if child.once:
            if code != 0:
                logger.error("%s did not finish (%s); stopping", child.name, _how(code))
                self._code, self._stopping = 1, True
            return
        child.failures = 0 if now - child.started > STEADY_SECONDS else child.failures + 1
        pause = _pause(child.failures)
        child.due = now + pause
        logger.warning(
            "%s ended (%s); starting it again%s",
            child.name,
            _how(code),
            f" in {pause:.0f} s" if pause >= 1 else "",
        )

    def _check_beat(self, child: Child, now: float) -> None:
        assert child.process is not None
        if child.once:
            return
        limit = STARTING_SECONDS if child.last_beat is None else SILENT_SECONDS
        if now - (child.last_beat or child.started) > limit:
            logger.warning("%s has been silent for %.0f s; ending it", child.name, limit)
            child.process.kill()

    def _cut(self, child: Child) -> None:
        if child.line is not None:
            with suppress(KeyError):
                self._selector.unregister(child.line)
            child.line.close()
            child.line = None

    def _take_down(self) -> None:
        self._stopping = True
        logger.info("Stopping")
        for group in ("task", "worker", "console", "background"):
            self._stop([child for child in self._children if child.group == group], STOP_SECONDS[group])
        if self._redis is not None:
            self._redis.stop()
            self._folder.remove_pid("redis")

    def _stop(self, children: list[Child], seconds: float) -> None:
        running = [child for child in children if child.process is not None]
        for child in running:
            assert child.process is not None
            child.process.terminate()
        deadline = time.monotonic() + seconds
        for child in running:
            assert child.process is not None
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                logger.warning("%s did not stop within %.0f s; ending it", child.name, seconds)
                child.process.kill()
                child.process.wait()
            child.process = None
            self._cut(child)
            self._folder.remove_pid(child.name)


def _has_console() -> bool:
    """Without importing any of it: the supervisor stays small."""
    needed = ("jinja2", "argon2", "httpx", "python_multipart", "numpy", "duckdb", "habitue_console")
    return all(find_spec(module) is not None for module in needed)


def _pause(failures: int) -> float:
    """Seconds before the next start: none after one failure, then a quarter, doubling to half a minute."""
    return 0.0 if failures <= 1 else min(MAX_PAUSE_SECONDS, 0.25 * 2.0 ** (failures - 2))


def _how(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _no_room(folder: Path) -> str:
    """The commonest reason why a store ends, where it is one: it says so only in its own words."""
    with suppress(OSError):
        if shutil.disk_usage(folder).free < LEAST_ROOM:
            return f": the disk of {folder} is full, nothing more is accepted until there is room"
    return ""


def _address_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _raise_file_limit() -> None:
    """Each visitor's connection is a file; take what the system lets us have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
