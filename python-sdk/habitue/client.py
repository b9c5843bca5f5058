"""The client: `track`, `identify`, `offers`, `flush`, `close`. None of them raises."""

from __future__ import annotations

import atexit
import json
import os
import time
import weakref
from collections.abc import Iterable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any

from habitue.events import InvalidArgument, encode, encode_event, identifier
from habitue.offers import NoOffers, Offer, Offers, offers_in
from habitue.stats import Stats, Tally
from habitue.transport import HTTPTransport, Request, Transport, TransportError
from habitue.worker import Worker

_USER_AGENT = "habitue-python/0.1.0"
EXIT_SECONDS = 2.0  # how long the interpreter's end may wait for what is still queued
DEADLINE = 0.3


class Client:
    """A shop's backend speaks to its Habitue server through one of these, made once per process.

    It may be made before a fork (gunicorn, uWSGI, Celery): each child starts its own thread when it
    first tracks. Arguments that make no event are counted in `stats.lost["invalid_argument"]` and
    logged once.
    """

    def __init__(
        self,
        secret_key: str,
        host: str = "http://127.0.0.1:8000",
        *,
        transport: Transport | None = None,
        max_queue: int = 10_000,
        linger: float = 0.2,
    ) -> None:
        """`host` is where the Habitue server answers; `max_queue` counts events (and 32 MiB is the most
        they may weigh); `linger` (s) is how long an event waits for company."""
        self._tally = Tally()
        self._transport: Transport | None = None
        self._worker: Worker | None = None
        self._secret = {"authorization": ""}
        try:
            if not isinstance(secret_key, str) or not secret_key.isascii() or not secret_key.isprintable():
                raise ValueError("the secret key is plain text")
            if not secret_key:
                raise ValueError("there is no secret key")
            self._secret = {
                "authorization": f"Bearer {secret_key}",
                "content-type": "application/json",
                "user-agent": _USER_AGENT,
            }
            self._transport = transport if transport is not None else HTTPTransport(host)
            self._worker = Worker(
                self._transport, self._secret, self._tally, max_queue=max_queue, linger=linger
            )
        except Exception as error:
            self._tally.lose("disabled", 0, error)
        _clients.add(self)
        if self._worker is not None:
            _workers.add(self._worker)

    def track(
        self,
        name: str,
        properties: Mapping[str, Any] | None = None,
        *,
        user_id: str | int | None = None,
        anonymous_id: str | None = None,
        event_id: str | None = None,
        timestamp: datetime | float | str | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        """Something happened to somebody: `client.track("Order Completed", {...}, user_id=42)`.

        Returns at once. Give an `event_id` when the same fact may be told twice: it counts once within
        24 h (an order counts once for ever by its `order_id`). A number as `timestamp` is seconds.
        """
        self._put(
            "track",
            name=name,
            properties=properties,
            user_id=user_id,
            anonymous_id=anonymous_id,
            event_id=event_id,
            timestamp=timestamp,
            context=context,
        )

    def identify(
        self,
        user_id: str | int,
        traits: Mapping[str, Any] | None = None,
        *,
        anonymous_id: str | None = None,
        event_id: str | None = None,
        timestamp: datetime | float | str | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        """State attributes of a user; with `anonymous_id`, also that this device is theirs."""
        self._put(
            "identify",
            traits=traits,
            user_id=user_id,
            anonymous_id=anonymous_id,
            event_id=event_id,
            timestamp=timestamp,
            context=context,
        )

    def offers(
        self,
        slot: str,
        *,
        visitor: str | None = None,
        user_id: str | int | None = None,
        anonymous_id: str | None = None,
        page_type: str | None = None,
        item_id: str | int | None = None,
        category: str | None = None,
        deadline: float = DEADLINE,
        fallback: Iterable[Offer] = (),
    ) -> Offers:
        """The offers for a slot, or `fallback` when they cannot be had within `deadline` seconds.

        `visitor` is the value of the browser's `habitue` cookie; `page_type`, `item_id` and `category`
        describe the page that the slot stands on. Events that were tracked a moment ago may still be on
        their way: `flush` first where they must count.
        """
        try:
            return self._offers(slot, visitor, user_id, anonymous_id, page_type, item_id, category, deadline)
        except (NoOffers, TransportError) as missed:
            reason, detail = missed.reason, missed.detail
        except InvalidArgument as error:
            reason, detail = "invalid_argument", error
        except Exception as error:
            reason, detail = "internal_error", repr(error)
        self._tally.miss(reason, detail)
        try:
            return Offers(fallback, missed=reason)
        except Exception:
            return Offers(missed=reason)

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until everything tracked so far is delivered (or lost); False after `timeout` seconds."""
        try:
            return self._worker.flush(timeout) if self._worker is not None else True
        except Exception as error:
            self._tally.lose("internal_error", 0, repr(error))
            return False

    def close(self, timeout: float = 5.0) -> None:
        """Deliver what is queued, as far as `timeout` seconds allow, and stop. What comes later is lost."""
        try:
            if self._worker is not None:
                self._worker.close(timeout)
            if self._transport is not None:
                self._transport.close()
        except Exception as error:
            self._tally.lose("internal_error", 0, repr(error))

    @property
    def stats(self) -> Stats:
        """What became of the events so far, in this process."""
        return self._tally.snapshot(self._worker.queued if self._worker is not None else 0)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _put(self, call: str, **members: object) -> None:
        if self._worker is None:
            self._tally.lose("disabled")
            return
        try:
            self._worker.put(encode_event(call, now=time.time(), **members))
        except InvalidArgument as error:
            self._tally.lose("invalid_argument", 1, error)
        except Exception as error:
            self._tally.lose("internal_error", 1, repr(error))

    def _offers(
        self,
        slot: str,
        visitor: str | None,
        user_id: str | int | None,
        anonymous_id: str | None,
        page_type: str | None,
        item_id: str | int | None,
        category: str | None,
        deadline: float,
    ) -> Offers:
        if self._transport is None:
            raise NoOffers("disabled")
        question: dict[str, Any] = {"slots": [identifier(slot, "slot")]}
        if user_id is not None:
            question["user_id"] = identifier(user_id, "user_id")
        if anonymous_id is not None:
            question["anonymous_id"] = identifier(anonymous_id, "anonymous_id")
        page = {
            member: str(value)
            for member, value in (("type", page_type), ("item_id", item_id), ("category", category))
            if value is not None
        }
        if page:
            question["page"] = page
        headers = self._secret
        if visitor:
            if not isinstance(visitor, str) or not visitor.isascii() or not visitor.isprintable():
                raise InvalidArgument("visitor is the value of the cookie")
            headers = {**headers, "x-habitue-visitor": visitor}
        request = Request("POST", "/v1/recommend", encode(question), headers)
        response = self._transport.send(request, max(deadline, 0.0))
        if response.status != 200:
            raise NoOffers(f"http_{response.status}", response.body[:200])
        try:
            answer = json.loads(response.body)
        except (ValueError, RecursionError):
            raise NoOffers("invalid_answer") from None
        return offers_in(answer, slot)

    def _after_fork(self) -> None:
        self._tally.after_fork()
        if self._transport is not None:
            self._transport.after_fork()
        if self._worker is not None:
            self._worker.after_fork()


_clients: weakref.WeakSet[Client] = weakref.WeakSet()
_workers: weakref.WeakSet[Worker] = weakref.WeakSet()  # a worker outlives a forgotten client until it is idle


def _after_fork() -> None:
    for client in list(_clients):
        client._after_fork()


def _at_exit() -> None:
    until = time.monotonic() + EXIT_SECONDS  # together
    for worker in list(_workers):
        worker.close(max(0.0, until - time.monotonic()))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)
