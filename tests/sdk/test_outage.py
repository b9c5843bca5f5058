"""The server is away while a shop goes on: nobody waits, memory is bounded, losses count, it resumes."""

from __future__ import annotations

import gc
import os
import socket
import statistics
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from support.fallback import FALLBACK
from support.raw_server import RawServer, hangs, raw_server

from habitue import Client

PROPERTIES = {"product_id": "SKU-001", "price": 89.9, "currency": "EUR", "brand": "Fjell"}


class Outage:
    """A server that hangs, then refuses, then is back; all of it behind one address."""

    def __init__(self, server: RawServer) -> None:
        self.server = server
        self.delivered: list[str] = []

    def back(self) -> None:
        self.server.behave = self._accept

    def refuses(self) -> None:
        self.server.behave = self._refuse

    def _refuse(self, connection: socket.socket, server: RawServer) -> None:
        with suppress(OSError):
            connection.sendall(b"HTTP/1.1 503 Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n")

    def _accept(self, connection: socket.socket, server: RawServer) -> None:
        import json

        events = json.loads(server.bodies[-1]).get("batch", [])
        self.delivered += [event["messageId"] for event in events]
        results = [{"index": index, "status": "accepted"} for index in range(len(events))]
        body = json.dumps({"results": results}).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))


def go_on(
    client: Client, seconds: float, per_second: int, midway: Callable[[], None]
) -> tuple[int, list[float], int]:
    """The shop tracks at its own pace and asks for offers once a second: events, µs of each, late answers."""
    took: list[float] = []
    late = 0
    began = time.monotonic()
    count = 0
    turned = False
    while (now := time.monotonic() - began) < seconds:
        if now > seconds / 2 and not turned:
            turned = True
            midway()
        if count < now * per_second:
            start = time.thread_time()  # what it costs the caller, however busy the machine is
            client.track("Product Viewed", PROPERTIES, user_id="u", event_id=f"event-{count}")
            took.append((time.thread_time() - start) * 1e6)
            count += 1
            if count % per_second == 0:
                start = time.monotonic()
                assert client.offers("home-hero", user_id="u", deadline=0.05, fallback=FALLBACK) == FALLBACK
                late += time.monotonic() - start > 1.0  # of 0.05: a machine that does much else wakes us late
        else:
            time.sleep(0.002)  # the shop's own pace, not a wait for anything
    return count, took, late


def resident() -> int:
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def outage(monkeypatch: pytest.MonkeyPatch, seconds: float, queue: int, resume: float) -> None:
    with raw_server(hangs) as server:
        away = Outage(server)
        client = Client("secret", server.url, max_queue=queue, linger=0.01)
        gc.collect()
        before = resident()
        count, took, late = go_on(client, seconds, 100, away.refuses)
        gc.collect()
        after = resident()
        stats = client.stats
        lost = stats.lost.get("queue_full", 0)
        print(
            f"\n{seconds:.0f} s away at 100 events/s: {count} tracked, {statistics.median(took):.1f} µs each;"
            f" {stats.queued} queued, {lost} lost and counted, {stats.retries} retries,"
            f" {(after - before) / 1e6:.1f} MB more, {late} late answers, offers {dict(stats.offers_missed)}"
        )
        assert statistics.median(took) < 200  # 7 on warm caches; a call now and then pays for cold ones
        assert late <= count / 5_000  # of one a second
        assert stats.queued <= queue + 100
        assert stats.queued + sum(stats.lost.values()) == count
        assert set(stats.lost) <= {"queue_full"}
        assert after - before < queue * 2_000 + 8_000_000
        away.back()
        assert client.flush(resume)
        stats = client.stats
        assert stats.delivered + stats.lost.get("queue_full", 0) == count
        # Nothing twice but what the server may have got before it hung up, under the same id.
        assert len(set(away.delivered)) == stats.delivered
        client.close()


def test_a_short_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("habitue.worker.REQUEST_SECONDS", 0.5)
    outage(monkeypatch, 1.5, 100, 30.0)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_ten_minutes_away_at_a_hundred_events_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("habitue.worker.FIRST_PAUSE", 0.5)
    monkeypatch.setattr("habitue.worker.REQUEST_SECONDS", 15.0)
    outage(monkeypatch, 600.0, 10_000, 120.0)
