"""Delivers events in the background: a bounded queue, daemon threads, batches, retries.

The host's threads only append. Everything that can take time or go wrong happens in threads of our own: one,
and up to four when events of several visitors wait.
"""

from __future__ import annotations

import json
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from habitue.breaker import jittered
from habitue.events import MAX_EVENT_BYTES
from habitue.processes import thread_started
from habitue.stats import Tally
from habitue.transport import Request, Response, Transport, TransportError, retry_after
from habitue.visit import NOBODY, Sender

MAX_BATCH_EVENTS = 100
MAX_BATCH_BYTES = 475_000  # Segment's limit for one request
MAX_AGE = 23 * 3_600.0  # s; the server recognises what it has seen for 24 h
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 60.0
REQUEST_SECONDS = 15.0
LANES = 4  # requests under way at a time; never two of one sender
IDLE_SECONDS = 60.0  # a client that somebody forgot keeps no thread
_AGAIN = frozenset((408, 425, 429))


@dataclass(frozen=True, slots=True)
class Pending:
    """An encoded event, when it was queued (s since 1970), as which, and whose request it came from."""

    body: bytes
    born: float
    number: int
    sender: Sender


@dataclass(slots=True)
class _Flush:
    """Somebody waits for so many events, the last of which has this number."""

    left: int
    last: int


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
        base_path: str = "/h",
        clock: Callable[[], float] = time.time,
        jitter: Callable[[], float] = jittered,
    ) -> None:
        """`linger` (s): how long the first event waits for others to travel with. `base_path`: where the
        server takes events of visitors."""
        self._transport = transport
        self._headers = dict(headers)
        self._tally = tally
        self._max_queue = max_queue
        self._max_queue_bytes = max_queue_bytes
        self._linger = linger
        self._base_path = base_path
        self._clock = clock
        self._jitter = jitter
        self._reset()

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)  # something to do, or something done
        # One queue per sender, the longest waiting first: a request to the server speaks for one visitor.
        self._queues: OrderedDict[Sender, deque[Pending]] = OrderedDict()
        self._waiting = 0
        self._queue_bytes = 0
        self._in_flight = 0
        self._busy: set[Sender] = set()
        self._put = 0
        self._flushes: list[_Flush] = []  # while there are any, everything is delivered at once
        self._closed = False
        self._last_chances: set[int] = set()  # closing: one attempt more for each thread, no pauses
        self._threads: set[threading.Thread] = set()
        self._idle = 0  # of them

    def after_fork(self) -> None:
        """The thread and the waiting events stayed with the parent, which delivers them."""
        closed = self._closed
        self._reset()
        self._closed = closed

    @property
    def queued(self) -> int:
        return self._waiting + self._in_flight

    def put(self, body: bytes, sender: Sender = NOBODY) -> None:
        """Queue an event; when there is no room, or it is too large, it is lost and counted."""
        size = len(body)
        if size > MAX_EVENT_BYTES:
            self._tally.lose("event_too_large", 1, f"({size} bytes)")
            return
        lost = None
        started = False
        with self._lock:
            if self._closed:
                lost = "closed"
            elif self._waiting >= self._max_queue or self._queue_bytes + size > self._max_queue_bytes:
                lost = "queue_full"
            else:
                queue = self._queues.get(sender)
                if queue is None:
                    if not self._threads or (
                        not self._idle and len(self._threads) < LANES and sender not in self._busy
                    ):
                        started = self._start()
                    queue = self._queues[sender] = deque()
                    if self._idle:
                        self._changed.notify_all()
                self._put += 1
                queue.append(Pending(body, self._clock(), self._put, sender))
                self._queue_bytes += size
                self._waiting += 1
                if self._waiting == MAX_BATCH_EVENTS:
                    self._changed.notify_all()
        # Outside of the lock: both may write a log line, and a host's log handler may track.
        if lost is not None:
            self._tally.lose(lost)
        elif started:
            thread_started()

    def flush(self, seconds: float) -> bool:
        """Wait until all that was put before is delivered or lost; False when time ran out."""
        until = time.monotonic() + seconds
        with self._lock:
            flush = _Flush(self._waiting + self._in_flight, self._put)
            self._flushes.append(flush)
            self._changed.notify_all()
            try:
                while flush.left > 0:
                    left = until - time.monotonic()
                    if left <= 0:
                        return False
                    self._changed.wait(left)
                return True
            finally:
                self._flushes.remove(flush)

    def close(self, seconds: float) -> None:
        """Deliver what is queued, as far as `seconds` allow; what is left then is lost and counted."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._changed.notify_all()
        self.flush(seconds)
        with self._lock:
            left = self._waiting
            for queue in self._queues.values():
                self._finish(queue)
            self._queues.clear()
            self._waiting = 0
            self._queue_bytes = 0
            self._changed.notify_all()
        if left:
            self._tally.lose("closed", left)

    def _start(self) -> bool:
        thread = threading.Thread(target=self._run, name="habitue", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the process may have no more of them; one is enough
            if not self._threads:
                raise
            return False
        self._threads.add(thread)
        return True

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
                    self._finish(batch)
                    self._in_flight -= len(batch)
                    self._busy.discard(batch[0].sender)
                    self._changed.notify_all()

    def _finish(self, events: Iterable[Pending]) -> None:
        """They are delivered or lost; the order of delivery is not the order in which they were put."""
        if self._flushes:
            numbers = [event.number for event in events]
            for flush in self._flushes:
                flush.left -= sum(number <= flush.last for number in numbers)

    def _take(self) -> list[Pending]:
        """The next batch, when it is full, has lingered, or somebody waits for it; empty at the end."""
        with self._lock:
            idle_until = time.monotonic() + IDLE_SECONDS
            while (sender := self._free()) is None:
                idle = idle_until - time.monotonic()
                if self._closed or idle <= 0:  # the next put starts another thread
                    self._threads.discard(threading.current_thread())
                    return []
                self._idle += 1
                self._changed.wait(idle)
                self._idle -= 1
            self._busy.add(sender)
            age = self._clock() - self._queues[sender][0].born
            until = time.monotonic() + self._linger - max(age, 0.0)
            while 0 < self._waiting < MAX_BATCH_EVENTS and not self._flushes and not self._closed:
                left = until - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            batch: list[Pending] = []
            size = 0
            queue = self._queues.pop(sender, None)
            while queue and len(batch) < MAX_BATCH_EVENTS:
                size += len(queue[0].body) + 1
                if batch and size > MAX_BATCH_BYTES - 2_000:  # the envelope
                    break
                event = queue.popleft()
                self._queue_bytes -= len(event.body)
                batch.append(event)
            if queue:  # the others first: whoever has many events keeps nobody waiting
                self._queues[sender] = queue
            self._waiting -= len(batch)
            self._in_flight += len(batch)
            if not batch:  # closing took what was left
                self._busy.discard(sender)
                self._threads.discard(threading.current_thread())
            return batch

    def _free(self) -> Sender | None:
        """Who has waited longest and has no request under way."""
        return next((sender for sender in self._queues if sender not in self._busy), None)

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
                if response.status == 200 and (results := _results(response, len(batch))) is not None:
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
                pause = retry_after(response.headers, self._clock())
            failures += 1
            pause = max(pause, self._pause(failures))
            if not self._wait(pause):
                self._tally.lose("closed", len(batch))
                return
            self._tally.retry()

    def _request(self, batch: Sequence[Pending]) -> Request:
        sent_at = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="milliseconds")
        sender = batch[0].sender
        envelope = b'"sentAt":"%s"' % sent_at.encode()
        path, headers = "/v1/batch", self._headers
        if sender.named:
            path = f"{self._base_path}/v1/batch"
            # A forged cookie is a new visitor: the same one in every attempt.
            nonce = sha256(sender.cookie.encode()).hexdigest()[:32] if sender.cookie else sender.nonce
            if sender.cookie:
                headers = {**headers, "x-habitue-visitor": sender.cookie}
            if nonce:
                envelope += b',"nonce":"%s"' % nonce.encode()
            if sender.consent:
                envelope += b',"context":{"consent":%s}' % sender.consent.encode()
        body = b'{%s,"batch":[%s]}' % (envelope, b",".join(event.body for event in batch))
        return Request("POST", path, body, headers)

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
                if self._closed:
                    own = threading.get_ident()
                    chance = own not in self._last_chances
                    self._last_chances.add(own)
                    return chance
                left = until - time.monotonic()
                if left <= 0:
                    return True
                self._changed.wait(left)

    def _count(self, batch: Sequence[Pending], results: Sequence[Mapping[str, object]]) -> None:
        delivered = len(batch)
        duplicates = 0
        for result in results:
            if result.get("status") == "rejected":
                delivered -= 1
                self._tally.lose(f"rejected_{str(result.get('reason'))[:64]}")
            elif result.get("duplicate") is True:
                duplicates += 1
        self._tally.deliver(delivered, duplicates)


def _results(response: Response, events: int) -> list[dict[str, object]] | None:
    """A verdict on each event; None when it is no collector's answer (a proxy's page, half an answer)."""
    try:
        answer = json.loads(response.body)
    except (ValueError, RecursionError):
        return None
    results = answer.get("results") if isinstance(answer, dict) else None
    if not isinstance(results, list) or len(results) != events:
        return None
    return results if all(isinstance(result, dict) for result in results) else None
