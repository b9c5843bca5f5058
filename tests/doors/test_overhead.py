"""What a mount adds to a beacon, against the same server asked directly: one connection, turn by turn."""

from __future__ import annotations

import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from support.serving import until
from support.shops import EXAMPLES, WRITE_KEY, configured

from .conftest import Shop

DENIED = {"consent": {"analytics": "denied", "personalization": "denied"}}
BODY = json.dumps({"writeKey": WRITE_KEY, "context": DENIED, "batch": []}).encode()


class Line:
    """One kept connection."""

    def __init__(self, url: str) -> None:
        split = urlsplit(url)
        self._http = http.client.HTTPConnection(str(split.hostname), split.port, timeout=20)

    def milliseconds(self) -> float:
        began = time.perf_counter()
        self._http.request("POST", "/h/v1/batch", BODY, {"content-type": "text/plain"})
        answer = self._http.getresponse()
        answer.read()
        assert answer.status == 200
        return (time.perf_counter() - began) * 1e3

    def close(self) -> None:
        self._http.close()


def tenth(times: list[float]) -> float:
    return statistics.quantiles(times, n=10)[0]


def added(name: str, server: str, url: str, rounds: int) -> dict[str, Any]:
    direct, through = Line(server), Line(url)
    for line in (direct, through):
        for _ in range(20):
            line.milliseconds()
    pairs = [(direct.milliseconds(), through.milliseconds()) for _ in range(rounds)]
    direct.close()
    through.close()
    told = {
        "directly": statistics.median(one for one, _ in pairs),
        "through the mount": statistics.median(other for _, other in pairs),
        # Of the quickest tenth: what else the machine does is not the mount's.
        "added": tenth([other for _, other in pairs]) - tenth([one for one, _ in pairs]),
    }
    print(f"\n{name}: {', '.join(f'{name} {value:.2f} ms' for name, value in told.items())}")
    return told


@pytest.mark.long
def test_a_mount_adds_little(shop: Shop) -> None:
    told = added(shop.name, shop.server, shop.url, 100)
    limit = 2.0 if shop.name == "fastapi" else 3.0  # werkzeug's own server makes a connection per request
    assert told["added"] < limit


GUNICORN = """
import sys, types
import shop
from django.core.wsgi import get_wsgi_application
sys.modules["served"] = types.ModuleType("served")
sys.modules["served"].application = get_wsgi_application()
threads = ["-k", "gthread", "--threads", "4", "--keep-alive", "60"]
sys.argv = ["gunicorn", *threads, "-b", sys.argv[1], "served:application"]
from gunicorn.app.wsgiapp import run
run()
"""
APART = {
    "django": (sys.executable, "-c", GUNICORN, "127.0.0.1:{port}"),
    "fastapi": (sys.executable, "-m", "uvicorn", "shop:app", "--port", "{port}", "--no-access-log"),
}


@contextmanager
def apart(name: str, server: str, folder: Path) -> Iterator[str]:
    """The shop in a process of its own, as it is run in earnest: who measures shares nothing with it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (folder / f"{name}.txt").open("wb") as said:
        process = subprocess.Popen(
            [part.format(port=port) for part in APART[name]],
            cwd=EXAMPLES / f"{name}_shop",
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
                **configured(server, folder),
            },
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
        try:
            until(lambda: _listens(port), f"the {name} shop answers", 60)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(20)


def _listens(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.long
@pytest.mark.parametrize("name", APART)
def test_a_mount_adds_a_millisecond_at_most(name: str, server: str, tmp_path: Path) -> None:
    with apart(name, server, tmp_path) as url:
        told = added(name, server, url, 2_000)
    assert told["added"] <= 1.0
