"""What the SDK costs its host, beside something that every shop does anyway: writing a dict as JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from habitue import Client, Visit, visiting
from habitue.testing import RecordingTransport
from habitue.transport import Request, Response

PROPERTIES = {
    "product_id": "SKU-001",
    "name": "Trail Runner",
    "price": 89.9,
    "currency": "EUR",
    "category": "Shoes/Trail",
    "brand": "Fjell",
}
EVENT = {
    "type": "track",
    "event": "Product Viewed",
    "userId": "4711",
    "messageId": "0123456789abcdef0123456789abcdef",
    "timestamp": "2026-11-22T00:00:00.000Z",
    "properties": PROPERTIES,
}


class Slow(RecordingTransport):
    """Away for the whole test: only the caller's own cost is measured."""

    def send(self, request: Request, seconds: float) -> Response:
        time.sleep(0.5)
        return Response(503, b"")


def microseconds(call: Callable[[], object]) -> float:
    """CPU of the calling thread, the best of some rounds."""
    best = 1.0
    for _ in range(10):
        began = time.thread_time()
        for _ in range(500):
            call()
        best = min(best, (time.thread_time() - began) / 500)
    return best * 1e6


def measure() -> dict[str, float]:
    client = Client("secret", transport=Slow(), max_queue=1_000_000)
    visit = Visit(cookie="id.stamp.sign", user_id="4711", url="https://shop.test/p/1", user_agent="x" * 110)
    figures = {"json.dumps": microseconds(lambda: json.dumps(EVENT))}
    figures["track"] = microseconds(lambda: client.track("Product Viewed", PROPERTIES, user_id="4711"))
    with visiting(visit):
        figures["track in a request"] = microseconds(lambda: client.track("Product Viewed", PROPERTIES))
    client.close(0.0)
    assert set(client.stats.lost) <= {"closed"}  # every event that was tracked was one
    return figures


def test_track_costs_no_more_than_three_times_its_json() -> None:
    figures = measure()
    base = figures["json.dumps"]
    print("".join(f"\n{name}: {cost:.1f} µs ({cost / base:.1f} ×)" for name, cost in figures.items()))
    assert figures["track"] < 4 * base
    assert figures["track in a request"] < 5 * base


@pytest.mark.long
def test_track_costs_ten_microseconds_at_most() -> None:
    figures = measure()
    assert figures["track"] <= 10
    assert figures["track in a request"] <= 12
