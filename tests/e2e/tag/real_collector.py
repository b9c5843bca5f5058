"""The product itself behind the pages: one web worker on a Redis of its own, and what it wrote down."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from shutil import rmtree
from types import TracebackType
from typing import Any, TypeVar

import orjson
from support.house import RealRedis
from support.serving import until

from habitue_collector.store import keys

ASSUMED, REQUIRED = "shop-assumed", "shop-required"
"""Browser keys: the shop has consent before it shows the tag; nothing about anybody before consent."""

SECRET = "the-secret-key-of-the-pages-tests"
KEYS = [
    {"key": ASSUMED, "kind": "browser", "consent": "assumed", "origins": ["*.test"]},
    {"key": REQUIRED, "kind": "browser", "consent": "required", "origins": ["*.test"]},
    {"key": SECRET, "kind": "server"},
]

PATIENCE_SECONDS = 120.0  # only what fails waits for so long
PORTS = range(20_000, 32_000)  # below those that the system gives to whoever connects to somebody
LOOK_SECONDS = 0.1  # many trials ask at once, and a look at 256 logs costs milliseconds
T = TypeVar("T")
Record = dict[str, Any]


class RealCollector:
    """`with RealCollector() as collector: …`; `demo` runs the demo shop, without its year of history."""

    def __init__(self, demo: bool = False) -> None:
        self.demo = demo
        self.redis = RealRedis()
        self.folder = Path(tempfile.mkdtemp(prefix="habitue-pages-"))
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._client: Any = None
        self._read: dict[int, bytes] = {}
        self._events: dict[str, list[Record]] = {}
        self._looked = 0.0

    def __enter__(self) -> RealCollector:
        self.redis.start()
        self._client = self.redis.client()
        command = [sys.executable, "-m", "habitue_cli", "worker", "--data", str(self.folder / "data")]
        said = (self.folder / "said").open("wb")
        self._process = subprocess.Popen(
            command + ["--demo"] * self.demo,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
                "HABITUE_PORT": str(self.port),
                "HABITUE_REDIS_URL": self.redis.url,
                "HABITUE_WORKERS": "1",
                "HABITUE_SHOP_HOSTS": '["*.test"]',
                "HABITUE_KEYS": json.dumps(KEYS),
            },
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
        said.close()
        until(self._answers, "the collector answers", PATIENCE_SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._client.close()
        self.redis.remove()
        rmtree(self.folder, ignore_errors=True)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def said(self) -> str:
        return (self.folder / "said").read_text()

    def events(self, host: str) -> list[Record]:
        """What is in the log about pages of this host, in the order in which it happened."""
        if time.monotonic() - self._looked > LOOK_SECONDS:
            self._look()
            self._looked = time.monotonic()
        return sorted(self._events.get(host, []), key=lambda event: event["timestamp"])

    def _look(self) -> None:
        asked = {keys.log(bucket): self._read.get(bucket, b"0") for bucket in range(keys.BUCKETS)}
        for name, entries in self._client.xread(asked, count=100_000):
            bucket = int(name.decode().partition("b")[2].partition("}")[0])
            for _, entry in entries:
                ((kind, record),) = entry.items()
                if kind == b"event":
                    event = orjson.loads(record)
                    self._events.setdefault(_host(event), []).append(event)
            self._read[bucket] = entries[-1][0]

    def wait(self, look: Callable[[], T], what: str, seconds: float = PATIENCE_SECONDS) -> T:
        """The first true value of `look`."""
        deadline = time.monotonic() + seconds
        while not (found := look()):
            assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
            time.sleep(0.02)
        return found

    def profile(self, profile_id: str) -> Record:
        """As the shop's backend reads it; {} when there is none."""
        return self.ask(f"/v1/profiles/{profile_id}") or {}

    def ask(self, path: str, body: bytes | None = None, method: str | None = None) -> Record | None:
        """A request with the secret key; None for 404."""
        secret = "demo-secret" if self.demo else SECRET
        request = urllib.request.Request(self.address + path, body, {"Authorization": f"Bearer {secret}"})
        request.method = method or ("GET" if body is None else "POST")
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as response:
                found: Record = json.loads(response.read())
                return found
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 404:
                    return None
                raise AssertionError(f"{path}: {error.code} {error.read().decode()}") from error

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.said()
        try:
            with urllib.request.urlopen(self.address + "/healthz", timeout=5) as response:
                return bool(response.status == 200)
        except OSError:
            return False


def _free_port() -> int:
    """A port that nobody takes in the seconds until the collector listens."""
    while True:
        with socket.socket() as free:
            try:
                free.bind(("127.0.0.1", random.choice(PORTS)))
            except OSError:
                continue
            return int(free.getsockname()[1])


def _host(event: Record) -> str:
    url = str(event.get("context", {}).get("page", {}).get("url", ""))
    return url.partition("//")[2].partition("/")[0].partition(":")[0]
