"""The demo without its year of history: a worker with the shop, the console's process, a small catalog.

Up in some seconds. What is made of events in the background (segments' counts, archive) needs the whole demo.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Coroutine
from itertools import islice
from pathlib import Path
from shutil import rmtree
from typing import Any

import httpx
from redis.asyncio import Redis

from .console import PASSWORD
from .house import RealRedis
from .serving import until

SECRET = "demo-secret"
ITEMS = 400


class LightDemo:
    """`with LightDemo() as demo: page.goto(demo.address)`. `signs_in` makes somebody who can sign in."""

    def __init__(self, items: int = ITEMS) -> None:
        self.redis = RealRedis()
        self.folder = Path(tempfile.mkdtemp(prefix="habitue-light-"))
        self._items = items
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._processes: list[subprocess.Popen[bytes]] = []
        self.last_item: dict[str, Any] = {}  # of the catalog: the one that sells least

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> LightDemo:
        self.redis.start()
        try:
            self._start("worker")
            self._start("console")
            until(lambda: self._status("/healthz") == 200, "the worker answers")
            self._fill()
            until(lambda: self._status("/console/rules") == 200, "the console answers")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.redis.remove()
        rmtree(self.folder, ignore_errors=True)

    def said(self) -> str:
        return (self.folder / "said").read_text("utf-8", "replace")

    def signs_in(self, name: str, role: str = "marketer") -> str:
        """An account for somebody; the password."""
        from habitue_console.roles import Role
        from habitue_console.users import User, Users, hash_password

        async def make() -> None:
            async with Redis.from_url(self.redis.url) as redis:
                user = User(name, Role(role), hash_password(PASSWORD), created=1)
                await Users(redis, lambda: 1).save(user)

        _in_thread(make())
        return PASSWORD

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """The API with the secret key."""
        headers = {"authorization": f"Bearer {SECRET}"}
        answer = httpx.request(method, self.address + path, json=body, headers=headers, timeout=20)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def _start(self, verb: str) -> None:
        with (self.folder / "said").open("ab") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", "habitue_cli", verb, "--demo", "--data", str(self.folder / "data")],
                env={
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
                    "HABITUE_PORT": str(self.port),
                    "HABITUE_REDIS_URL": self.redis.url,
                    "HABITUE_WORKERS": "1",
                },
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )
        self._processes.append(process)

    def _status(self, path: str) -> int:
        assert all(process.poll() is None for process in self._processes), self.said()
        try:
            return httpx.get(self.address + path, timeout=20).status_code
        except httpx.TransportError:
            return 0

    def _fill(self) -> None:
        """The best sellers of the demo's catalog."""
        from habitue_recommender.catalog.store import store_items
        from habitue_shop.journey import catalog_items

        async def fill() -> None:
            async with Redis.from_url(self.redis.url) as redis:
                items = list(islice(catalog_items(), self._items))
                self.last_item = items[-1]
                results = await store_items(redis, items, now=1)
                assert {one["status"] for one in results} == {"accepted"}

        _in_thread(fill())


def _in_thread(work: Coroutine[Any, Any, None]) -> None:
    """Playwright's loop runs in this thread: another one has a loop of its own."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(work)
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
