"""A private Redis for every test that asks for one, and a log writer that speaks as the collector does."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import redis as redis_py

from habitue_collector.store import keys


class RedisServer:
    """A redis-server on a unix socket; `kill` is kill -9, `start` opens the same files again."""

    def __init__(self, folder: Path, binary: str) -> None:
        self.folder, self.binary = folder, binary
        self.socket = folder / "r.sock"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [
                self.binary, "--port", "0", "--unixsocket", str(self.socket), "--dir", str(self.folder),
                "--appendonly", "yes", "--appendfsync", "always", "--save", "",
            ],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        client = self.client()
        while True:
            try:
                client.ping()
                return
            except (redis_py.ConnectionError, redis_py.BusyLoadingError):
                assert self.process.poll() is None, "redis-server ended at once"

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
            self.socket.unlink(missing_ok=True)

    def client(self) -> Any:
        return redis_py.Redis(unix_socket_path=str(self.socket))


class Log:
    """Writes records into the logs as the collector does, and remembers what it wrote."""

    def __init__(self, redis: Any) -> None:
        self.redis = redis
        self.count = 0

    def event(self, profile_id: str | None = "anna", **members: Any) -> dict[str, Any]:
        self.count += 1
        record = {
            "event_id": f"e{self.count}",
            "kind": "page_view",
            "name": "Page",
            "timestamp": 1_772_400_000_000 + self.count,
            "received_at": 1_772_400_000_000 + self.count,
            "anonymous_id": profile_id,
            **members,
        }
        if profile_id is not None:
            record["profile_id"] = profile_id
        self.add("event", record, keys.bucket_of(profile_id or record["event_id"]))
        return record

    def add(self, record_type: str, record: dict[str, Any], bucket: int | None = None) -> None:
        place = keys.bucket_of(record["profile_id"]) if bucket is None else bucket
        self.redis.xadd(keys.log(place), {record_type: orjson.dumps(record)})


@pytest.fixture(scope="session")
def _redis_server() -> Iterator[RedisServer]:
    binary = shutil.which("redis-server") or shutil.which("valkey-server")
    if binary is None:
        pytest.skip("no redis-server on PATH")
    folder = Path(tempfile.mkdtemp(prefix="habitue-warehouse-"))  # a short path: sockets allow 108 bytes
    server = RedisServer(folder, binary)
    server.start()
    yield server
    server.kill()
    shutil.rmtree(folder)


@pytest.fixture
def redis_server(_redis_server: RedisServer) -> RedisServer:
    """The session's server, emptied; started again if the test before killed it."""
    if _redis_server.process is None:
        _redis_server.start()
    _redis_server.client().flushall()
    return _redis_server


@pytest.fixture
def redis(redis_server: RedisServer) -> Any:
    return redis_server.client()


@pytest.fixture
def log(redis: Any) -> Log:
    return Log(redis)


@pytest.fixture
def archive_dir(tmp_path: Path) -> Path:
    return tmp_path / "archive"
