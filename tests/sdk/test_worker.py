"""The worker's clock: pauses grow, and what is too old is given up."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from habitue.stats import Tally
from habitue.testing import RecordingTransport
from habitue.transport import retry_after
from habitue.worker import LONGEST_PAUSE, Worker


def worker_at(clock: Callable[[], float], transport: RecordingTransport, tally: Tally) -> Worker:
    return Worker(transport, {}, tally, linger=0.0, clock=clock, jitter=lambda: 1.0)


def test_events_older_than_23_hours_are_given_up_and_counted() -> None:
    now = 1_000_000.0
    tally = Tally()
    transport = RecordingTransport()
    transport.failing = 503
    worker = worker_at(lambda: now, transport, tally)
    worker.put(b'{"event":"old"}')
    assert not worker.flush(0.02)
    now += 23 * 3_600 + 1
    worker.put(b'{"event":"new"}')
    transport.failing = None
    assert worker.flush(10)
    worker.close(1)
    assert [event["event"] for event in transport.events] == ["new"]
    assert tally.snapshot(0).lost == {"too_old": 1}


def test_pauses_double_up_to_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("habitue.worker.FIRST_PAUSE", 0.5)
    worker = worker_at(lambda: 0.0, RecordingTransport(), Tally())
    assert [worker._pause(failures) for failures in (1, 2, 3, 4)] == [0.5, 1.0, 2.0, 4.0]
    assert worker._pause(50) == LONGEST_PAUSE


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("", 0.0),
        ("soon", 0.0),
        ("-1", 0.0),
        ("999999", 600.0),
        ("Sat, 21 Nov 2026 18:15:40 GMT", 10.0),
        ("Sat, 21 Nov 2020 18:15:40 GMT", 0.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float) -> None:
    assert retry_after({"retry-after": value}, 1_795_284_930.0) == seconds


def test_a_worker_with_nothing_to_do_keeps_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("habitue.worker.IDLE_SECONDS", 0.01)
    transport = RecordingTransport()
    worker = worker_at(lambda: 0.0, transport, Tally())
    for count in (1, 2):
        worker.put(b'{"event":"x"}')
        (thread,) = worker._threads
        assert worker.flush(5)
        thread.join(5)
        assert not thread.is_alive()
        assert len(transport.events) == count
