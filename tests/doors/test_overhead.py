"""What a mount adds to a beacon, against the same server asked directly: one connection, turn by turn."""

from __future__ import annotations

import http.client
import json
import statistics
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
from support.shops import WRITE_KEY

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


def added(shop: Shop, rounds: int) -> dict[str, Any]:
    direct, through = Line(shop.server), Line(shop.url)
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
    print(f"\n{shop.name}: {', '.join(f'{name} {value:.2f} ms' for name, value in told.items())}")
    return told


def test_a_mount_adds_little(shop: Shop) -> None:
    told = added(shop, 100)
    limit = 2.0 if shop.name == "fastapi" else 3.0  # werkzeug's own server makes a connection per request
    assert told["added"] < limit


@pytest.mark.long
def test_a_mount_adds_a_millisecond_at_most(shop: Shop) -> None:
    if shop.name == "flask":
        pytest.skip("the issue names ASGI and Django")
    told = added(shop, 1_000)
    assert told["added"] <= 1.0
