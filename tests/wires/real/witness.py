"""What a client's walk through the shop must have left behind, and nothing else."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
from e2e.tag.real_collector import ASSUMED, SECRET, RealCollector
from support.serving import until

from habitue_collector.store import keys

Record = dict[str, Any]

USER = "cust-4711"
KINDS = ("page_view", "page_view", "product_view", "add_to_cart", "identify", "purchase")
"""Of the whole walk, for clients of Segment's API."""
BROWSER_KEY, SERVER_KEY = ASSUMED, SECRET
HOUR = 3_600_000


class Witness:
    """Reads the log of one collector; each client's events are those after the mark that it set."""

    def __init__(self, collector: RealCollector) -> None:
        self.collector = collector
        self.address = collector.address
        self._orders = 0
        self.started = 0
        self._before: set[tuple[str, str]] = set()

    def begin(self) -> str:
        """Forget what there is; the id of this client's order."""
        self._before = {(event["event_id"], event["log"]) for event in self._all()}
        self.started = int(time.time() * 1000)
        self._orders += 1
        return f"ORD-{self._orders}"

    def events(self) -> list[Record]:
        found = [event for event in self._all() if (event["event_id"], event["log"]) not in self._before]
        return sorted(found, key=lambda event: event["received_at"])

    def wait(self, count: int) -> None:
        until(lambda: len(self.events()) >= count, f"{count} events, there are {self.names()}", 15)

    def names(self) -> list[str]:
        return [f"{event['kind']}: {event['name']}" for event in self.events()]

    def refused(self) -> Counter[str]:
        """Requests refused as a whole, by code, since the collector started."""
        return self._counted("habitue_refused_total", "code")

    def _counted(self, metric: str, label: str) -> Counter[str]:
        import urllib.request

        with urllib.request.urlopen(self.address + "/metrics", timeout=10) as response:
            lines = response.read().decode().splitlines()
        found: Counter[str] = Counter()
        for line in lines:
            if line.startswith(metric + "{"):
                labels, _, value = line.rpartition(" ")
                found[labels.partition(f'{label}="')[2].partition('"')[0]] += int(float(value))
        return found

    def _all(self) -> Iterator[Record]:
        client = self.collector.redis.client()
        for bucket in range(keys.BUCKETS):
            for _, entry in client.xrange(keys.log(bucket)):
                ((kind, record),) = entry.items()
                if kind == b"event":
                    yield {**orjson.loads(record), "log": str(bucket)}
        client.close()


@contextmanager
def witness() -> Iterator[Witness]:
    with RealCollector() as collector:
        yield Witness(collector)


def check(
    events: list[Record],
    order: str,
    started: int,
    kinds: tuple[str, ...] = KINDS,
    *,
    old_order: bool = False,
    device: str | None = None,
    named: tuple[str, ...] = ("identify", "purchase"),
) -> None:
    """Every event once, with the right ids, items, value and time."""
    assert Counter(event["kind"] for event in events) == Counter(kinds)
    assert len({event["event_id"] for event in events}) == len(events)
    assert len({event["anonymous_id"] for event in events}) == 1
    if device is not None:
        assert events[0]["anonymous_id"] == device
    assert not any(event.get("bot") or event.get("kept") for event in events)
    ended = int(time.time() * 1000)
    for event in events:
        ago = HOUR if old_order and event["kind"] == "purchase" else 0
        assert started - ago - 2_000 <= event["timestamp"] <= ended - ago + 2_000, event["name"]
        if event["kind"] in ("product_view", "add_to_cart", "cart_view"):
            (item,) = event["items"]
            assert item["item_id"] == "SKU-001"
            assert item["name"] == "Trail Shoe Größe 42"
            assert item["category"] == "Shoes/Trail"
            assert item["price"] == 89.9
        if event["kind"] in named:
            assert event["user_id"] == USER
    (purchase,) = (event for event in events if event["kind"] == "purchase")
    assert purchase["order_id"] == order
    assert purchase["value"] == 119.85
    assert purchase["currency"] == "EUR"
    assert [(item["item_id"], item["price"], item["quantity"]) for item in purchase["items"]] == [
        ("SKU-001", 89.9, 1.0),
        ("SKU-002", 12.5, 2.0),
    ]
