"""Delivers events in the background: a bounded queue, one daemon thread, batches, retries.

The host's threads only append. Everything that can take time or go wrong happens in the thread.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from habitue.events import MAX_EVENT_BYTES
from habitue.stats import Tally
from habitue.transport import Request, Response, Transport, TransportError

MAX_BATCH_EVENTS = 100
MAX_BATCH_BYTES = 475_000  # Segment's limit for one request
MAX_AGE = 23 * 3_600.0  # s; the server recognises what it has seen for 24 h
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 60.0
LONGEST_RETRY_AFTER = 600.0
REQUEST_SECONDS = 15.0
IDLE_SECONDS = 60.0  # a client that somebody forgot keeps no thread
_AGAIN = frozenset((408, 425, 429))


@dataclass(frozen=True, slots=True)
class Pending:
    """An encoded event, and when it was queued (s since 1970)."""

    body: bytes
    born: float


class Worker:
    """`put` from any thread; a thread delivers in the order of the queue."""

    def __init__(
        self,
        transport: Transport,
        headers: Mapping[str, str],
        tally: Tally,
        *,
        max_queue: int = 10_000,
        max_queue_bytes: int = 33_554_432,
        linger: float = 0.2,
        clock: Callable[[], float] = time.time,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """`linger` (s): how long the first event waits for others to travel with."""
        self._transport = transport
        self._headers = dict(headers)
        self._tally = tally
        self._max_queue = max_queue
        self._max_queue_bytes = max_queue_bytes
        self._linger = linger
        self._clock = clock
        self._jitter = jitter
        self._reset()

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)  # something to do, or something done
        self._queue: deque[Pending] = deque()
        self._queue_bytes = 0
        self._in_flight = 0
        self._put = 0
        self._done = 0
        self._hurry = 0  # deliver at once up to this many done
        self._closed = False
        self._last_chance = False  # closing: one attempt more, no pauses
        self._thread: threading.Thread | None = None

    def after_fork(self) -> None:
        """The thread and the waiting events stayed with the parent, which delivers them."""
        closed = self._closed
        self._reset()
        self._closed = closed

    @property
    def queued(self) -> int:
        return len(self._queue) + self._in_flight

    def put(self, body: bytes) -> None:
        """Queue an event; when there is no room, or it is too large, it is lost and counted."""
        size = len(body)
        if size > MAX_EVENT_BYTES:
            self._tally.lose("event_too_large", 1, f"({size} bytes)")
            return
        with self._lock:
            if self._closed:
                lost = "closed"
            elif len(self._queue) >= self._max_queue or self._queue_bytes + size > self._max_queue_bytes:
                lost = "queue_full"
            else:
                if self._thread is None:
                    self._start()
                self._queue.append(Pending(body, self._clock()))
                self._queue_bytes += size
                self._put += 1
                waiting = len(self._queue)
                if waiting == 1 or waiting == MAX_BATCH_EVENTS:
                    self._changed.notify_all()
                return
        self._tally.lose(lost)

    def flush(self, seconds: float) -> bool:
        """Wait until all that was put before is delivered or lost; False when time ran out."""
        until = time.monotonic() + seconds
        with self._lock:
            target = self._put
            self._hurry = max(self._hurry, target)
            self._changed.notify_all()
            while self._done < target:
                left = until - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(left)
            return True

    def close(self, seconds: float) -> None:
        """Deliver what is queued, as far as `seconds` allow; what is left then is lost and counted."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._last_chance = True
            self._changed.notify_all()
        self.flush(seconds)
        with self._lock:
            left = len(self._queue)
            self._queue.clear()
            self._queue_bytes = 0
            self._done += left
            self._changed.notify_all()
        if left:
            self._tally.lose("closed", left)

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name="habitue", daemon=True)
        thread.start()
        self._thread = thread

    def _run(self) -> None:
        while True:
            batch = self._take()
            if not batch:
                return
            try:
                self._deliver(batch)
            except Exception as error:
                self._tally.lose("internal_error", len(batch), repr(error))
            finally:
                with self._lock:
                    self._done += len(batch)
                    self._in_flight = 0
                    self._changed.notify_all()

    def _take(self) -> list[Pending]:
        """The next batch, when it is full, has lingered, or somebody waits for it; empty at the end."""
        with self._lock:
            idle_until = time.monotonic() + IDLE_SECONDS
            while not self._queue:
                idle = idle_until - time.monotonic()
                if self._closed or idle <= 0:  # the next put starts another thread
                    self._thread = None
                    return []
                self._changed.wait(idle)
            until = time.monotonic() + self._linger
            while 0 < len(self._queue) < MAX_BATCH_EVENTS and self._hurry <= self._done and not self._closed:
                left = until - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            batch: list[Pending] = []
            size = 0
            while self._queue and len(batch) < MAX_BATCH_EVENTS:
                size += len(self._queue[0].body) + 1
                if batch and size > MAX_BATCH_BYTES - 1_000:  # the envelope
                    break
                event = self._queue.popleft()
                self._queue_bytes -= len(event.body)
                batch.append(event)
            self._in_flight = len(batch)
            if not batch:  # closing took what was left
                self._thread = None
            return batch

    def _deliver(self, batch: Sequence[Pending]) -> None:
        """Send until the server has confirmed every event, or they are too old, or we may not wait longer."""
        failures = 0
        while True:
            batch = self._young(batch)
            if not batch:
                return
            pause = 0.0
            try:
                response = self._transport.send(self._request(batch), REQUEST_SECONDS)
            except TransportError:
                pass
            else:
                if response.status == 200 and (results := _results(response)) is not None:
                    self._count(batch, results)
                    return
                if response.status in (400, 413) and len(batch) > 1:
                    # Somebody between us and the server finds it too large, or one of them bad.
                    half = len(batch) // 2
                    self._deliver(batch[:half])
                    self._deliver(batch[half:])
                    return
                if 300 <= response.status < 500 and response.status not in _AGAIN:
                    self._tally.lose(f"http_{response.status}", len(batch), response.body[:200])
                    return
                pause = _retry_after(response, self._clock())
            failures += 1
            pause = max(pause, self._pause(failures))
            if not self._wait(pause):
                self._tally.lose("closed", len(batch))
                return
            self._tally.retry()

    def _request(self, batch: Sequence[Pending]) -> Request:
        sent_at = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="milliseconds")
        body = b'{"sentAt":"%s","batch":[%s]}' % (sent_at.encode(), b",".join(event.body for event in batch))
        return Request("POST", "/v1/batch", body, self._headers)

    def _young(self, batch: Sequence[Pending]) -> Sequence[Pending]:
        oldest = self._clock() - MAX_AGE
        if batch[0].born > oldest:  # they are in the order of their birth
            return batch
        young = [event for event in batch if event.born > oldest]
        if len(young) < len(batch):
            self._tally.lose("too_old", len(batch) - len(young))
        return young

    def _pause(self, failures: int) -> float:
        """Full jitter: workers that failed together do not come back together."""
        longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(failures - 1, 16))
        return longest * (0.5 + 0.5 * self._jitter())

    def _wait(self, pause: float) -> bool:
        """Pause before the next attempt; False when there must not be one.

        A flush shortens nothing: the server may have asked for the pause. Closing allows one attempt
        more, at once.
        """
        until = time.monotonic() + pause
        with self._lock:
            while True:
                if self._last_chance:
                    self._last_chance = False
                    return True
                if self._closed:
                    return False
                left = until - time.monotonic()
                if left <= 0:
                    return True
                self._changed.wait(left)

    def _count(self, batch: Sequence[Pending], results: Sequence[object]) -> None:
        delivered = len(batch)
        duplicates = 0
        for result in results[: len(batch)]:
            if not isinstance(result, dict):
                continue
            if result.get("status") == "rejected":
                delivered -= 1
                self._tally.lose(f"rejected_{str(result.get('reason'))[:64]}")
            elif result.get("duplicate") is True:
                duplicates += 1
        self._tally.deliver(delivered, duplicates)


def _results(response: Response) -> list[object] | None:
    """The verdicts on the events; None when it is no collector's answer (a proxy's page, half an answer)."""
    try:
        answer = json.loads(response.body)
    except (ValueError, RecursionError):
        return None
    results = answer.get("results") if isinstance(answer, dict) else None
    return results if isinstance(results, list) else None


def _retry_after(response: Response, now: float) -> float:
    """Seconds from a Retry-After header: a number, or a date (RFC 9110 §10.2.3)."""
    value = response.headers.get("retry-after", "").strip()
    if not value:
        return 0.0
    try:
        seconds = float(value) if value.isdigit() else parsedate_to_datetime(value).timestamp() - now
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)
