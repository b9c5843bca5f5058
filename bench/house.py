"""A real `habitue serve` with a data directory of its own, one worker on one core, Redis on the other."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import redis

from .processes import Child, free_port, pin

ROOT = Path(__file__).parent.parent
ROOMS = ("collector", "warehouse", "recommender", "console", "cli", "python-sdk")
KEY = "bench"
_TRIES = 30
WORKER_CORE, OTHER_CORE = 0, 1

_SETTINGS = """\
[lifetimes]
trim_lag_seconds = 86400

[[keys]]
key = "{key}"
kind = "browser"
consent = "assumed"
name = "bench"
origins = ["http://127.0.0.1"]

[[keys]]
key = "{secret}"
kind = "server"
name = "bench-server"
"""


class House(Child):
    """`folder` may hold models already; it is written to."""

    def __init__(self, folder: Path, fsync: str = "always") -> None:
        self.folder = folder
        self.port = free_port()
        self.secret = secrets.token_urlsafe(32)
        self.fsync = fsync
        config = folder / "bench.toml"
        config.write_text(_SETTINGS.format(key=KEY, secret=self.secret))
        command = [
            sys.executable,
            "-m",
            "habitue_cli",
            "serve",
            "--config",
            str(config),
            "--data",
            str(folder),
        ]
        environ = {
            "PYTHONPATH": os.pathsep.join(str(ROOT / room) for room in ROOMS),
            "HABITUE_PORT": str(self.port),
            "HABITUE_WORKERS": "1",
            "HABITUE_REDIS_FSYNC": fsync,
        }
        super().__init__(command, folder / "serve.log", environ=environ)
        self.wait_until("readyz", self.is_ready, 120)
        self.worker = self._pid("worker-1")
        self.redis_pid = self._pid("redis")
        pin(self.worker, WORKER_CORE)
        pin(self.redis_pid, OTHER_CORE)
        for other in ("background", "console"):
            pin(self._pid(other), OTHER_CORE)
        from habitue_collector.private_redis import socket_path

        self.redis = redis.Redis(unix_socket_path=str(socket_path(folder)))

    @property
    def pids(self) -> dict[str, int]:
        return {"worker": self.worker, "redis": self.redis_pid}

    def _pid(self, name: str) -> int:
        return int((self.folder / "run" / f"{name}.pid").read_text())

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def is_ready(self) -> bool:
        connection = self.connection()
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def is_archived(self) -> bool:
        """Whether the background process has caught up with everything that is in the logs."""
        from habitue_collector.store import keys

        for bucket in range(keys.BUCKETS):
            log = keys.log(bucket)
            if not self.redis.exists(log):
                continue
            newest = self.redis.xinfo_stream(log)["last-generated-id"]
            for group in self.redis.xinfo_groups(log):
                if group["pending"] or group["last-delivered-id"] != newest:
                    return False
        return True

    def cookies(self, count: int) -> list[str]:
        """The cookie values of so many new visitors, each with one page view behind them."""
        connection = self.connection()
        values = []
        for number in range(count):
            event = {"type": "page", "messageId": f"{secrets.token_hex(8)}-{number}", "properties": {}}
            answer = self.post(connection, "/h/v1/batch", {"writeKey": KEY, "batch": [event]})
            name, _, value = (answer.getheader("set-cookie") or "").split(";")[0].partition("=")
            if name != "habitue" or not value:
                raise RuntimeError(f"no cookie for a new visitor: {answer.getheaders()}")
            values.append(value)
        connection.close()
        return values

    @staticmethod
    def post(
        connection: http.client.HTTPConnection, path: str, body: object, cookie: str | None = None
    ) -> http.client.HTTPResponse:
        """What is prepared before anything is measured; where it is busy, again as it asks."""
        headers = {"Content-Type": "text/plain;charset=UTF-8", "Origin": "http://127.0.0.1"}
        headers["User-Agent"] = (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/131.0.0.0 Safari/537.36"
        )
        if cookie is not None:
            headers["Cookie"] = f"habitue={cookie}"
        for _ in range(_TRIES):
            connection.request("POST", path, json.dumps(body), headers)
            answer = connection.getresponse()
            said = answer.read()
            if answer.status != 503:
                break
            time.sleep(float(answer.getheader("retry-after") or 1))  # nothing is measured yet
        if answer.status != 200 or b'"rejected"' in said or b'"accepted"' not in said:
            raise RuntimeError(f"{path} answered {answer.status}: {said[:500]!r}")
        return answer

    def put_catalog(self, items: Iterator[dict[str, object]], lines: int = 2_000) -> int:
        """All items through `PUT /v1/catalog`; returns how many were accepted."""
        connection = self.connection()
        accepted = 0
        rows: list[bytes] = []

        def flush() -> None:
            nonlocal accepted
            headers = {"Authorization": f"Bearer {self.secret}", "Content-Type": "application/x-ndjson"}
            connection.request("PUT", "/v1/catalog", b"\n".join(rows), headers)
            answer = connection.getresponse()
            said = answer.read()
            if answer.status != 200:
                raise RuntimeError(f"PUT /v1/catalog answered {answer.status}: {said[:500]!r}")
            accepted += said.count(b'"accepted"')
            rows.clear()

        for item in items:
            rows.append(json.dumps(item).encode())
            if len(rows) == lines:
                flush()
        if rows:
            flush()
        connection.close()
        return accepted

    def events_in_log(self) -> int:
        """Event entries of all logs; nothing is trimmed within a day here."""
        keys = list(self.redis.scan_iter("{b*}:log", count=10_000))
        total = 0
        for key in keys:
            total += int(self.redis.xlen(key))
        return total
