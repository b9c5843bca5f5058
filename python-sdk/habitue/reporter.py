"""What both clients do alike: take what happened, and hand it to the worker. Never raises, never waits."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar
from uuid import UUID

from habitue.breaker import Breaker
from habitue.events import InvalidArgument, encode_event, identifier
from habitue.offers import NoOffers, OfferLike, Offers
from habitue.processes import close_at_exit, here, notice_forks
from habitue.questions import Asker
from habitue.stats import Stats, Tally
from habitue.transport import HTTPTransport, Transport, TransportError, retry_after
from habitue.visit import NOBODY, Consent, Visit, current_visit
from habitue.worker import Worker

USER_AGENT = "habitue-python/0.1.0"
DEADLINE = 0.3
HOST = "http://127.0.0.1:8000"

Told = TypeVar("Told")
Who = str | int | UUID | None
When = datetime | float | str | None
Members = Mapping[str, Any] | None
Amount = float | int | Decimal | str | None


class Reporter(Generic[Told]):
    """Events out, by a background thread. In a visitor's request each is that visitor's by itself."""

    def __init__(
        self,
        secret_key: str,
        host: str = HOST,
        *,
        transport: Transport | None = None,
        max_queue: int = 10_000,
        linger: float = 0.2,
        fallbacks: Mapping[str, Iterable[OfferLike]] | None = None,
        base_path: str = "/h",
        breaker: Breaker | None = None,
        deadline: float = DEADLINE,
    ) -> None:
        """`host` is where the Habitue server answers; `max_queue` counts events (and 32 MiB is the most
        they may weigh); `linger` (s) is how long an event waits for company. `fallbacks`: slot → offers
        for when the server has no answer; `base_path`: its `[server] base_path`; `breaker`: when it is left
        alone; `deadline` (s): how long a page may wait for offers, where the call says nothing else."""
        self._tally = Tally()
        self._transport: Transport | None = None
        self._worker: Worker | None = None
        self._secret = ""
        self._breaker = breaker if breaker is not None else Breaker()
        self._fallbacks: dict[str, list[OfferLike]] = {}
        self._asker = Asker({})
        self.host = host
        self.base_path = base_path
        self.deadline = deadline
        try:
            if not isinstance(secret_key, str) or not secret_key.isascii() or not secret_key.isprintable():
                raise ValueError("the secret key is plain text")
            if not secret_key:
                raise ValueError("there is no secret key")
            self._fallbacks = {slot: list(offers) for slot, offers in (fallbacks or {}).items()}
            self._secret = secret_key
            headers = {
                "authorization": f"Bearer {secret_key}",
                "content-type": "application/json",
                "user-agent": USER_AGENT,
            }
            self._asker = Asker(headers, base_path)
            self._transport = transport if transport is not None else HTTPTransport(host)
            self._prepare()
            self._worker = Worker(
                self._transport, headers, self._tally, max_queue=max_queue, linger=linger, base_path=base_path
            )
        except Exception as error:
            self._tally.lose("disabled", 0, error)
        notice_forks(self)
        if self._worker is not None:
            close_at_exit(self._worker)

    def _prepare(self) -> None:
        """What the first question would otherwise have to wait for."""

    # ---- what happens ------------------------------------------------------------------------

    def track(
        self,
        name: str,
        properties: Members = None,
        *,
        user_id: Who = None,
        anonymous_id: str | None = None,
        visitor: str | None = None,
        event_id: str | None = None,
        timestamp: When = None,
        context: Members = None,
    ) -> Told:
        """Something happened to somebody: `client.track("Product Viewed", {...}, user_id=42)`.

        Returns at once. In a request that a mount answers it is that visitor's; `visitor` (the value of the
        cookie), `user_id` and `anonymous_id` say otherwise. Give an `event_id` when the same fact may be told
        twice: it counts once within 24 h. A number as `timestamp` is seconds.
        """
        return self._put(
            "track",
            user_id,
            anonymous_id,
            visitor,
            context,
            name=name,
            properties=properties,
            event_id=event_id,
            timestamp=timestamp,
        )

    def page(
        self,
        name: str | None = None,
        properties: Members = None,
        *,
        user_id: Who = None,
        anonymous_id: str | None = None,
        visitor: str | None = None,
        event_id: str | None = None,
        timestamp: When = None,
        context: Members = None,
    ) -> Told:
        """A page was seen. Pages with the tag tell it themselves: this is for those without."""
        return self._put(
            "page",
            user_id,
            anonymous_id,
            visitor,
            context,
            name=name,
            properties=properties,
            event_id=event_id,
            timestamp=timestamp,
        )

    def identify(
        self,
        user_id: Who = None,
        traits: Members = None,
        *,
        anonymous_id: str | None = None,
        visitor: str | None = None,
        event_id: str | None = None,
        timestamp: When = None,
        context: Members = None,
    ) -> Told:
        """State attributes of a user. In that user's own request (or with `visitor`, or `anonymous_id`) it
        also says that this device is theirs: call it at login."""
        return self._put(
            "identify",
            user_id,
            anonymous_id,
            visitor,
            context,
            needs_user=True,
            traits=traits,
            event_id=event_id,
            timestamp=timestamp,
        )

    def alias(
        self,
        previous_id: str,
        user_id: Who = None,
        *,
        event_id: str | None = None,
        timestamp: When = None,
        context: Members = None,
    ) -> Told:
        """Whoever was known as `previous_id` (an anonymous_id) is this user: what was done before joins the
        user's profile."""
        visit = current_visit()
        if user_id is None and visit is not None:
            user_id = visit.user_id
        return self._put(
            "alias",
            user_id,
            previous_id,
            None,
            context,
            needs_user=True,
            previous_id=previous_id,
            event_id=event_id,
            timestamp=timestamp,
        )

    def order(
        self,
        order_id: str | int | UUID,
        items: Iterable[Mapping[str, Any]] = (),
        *,
        value: Amount = None,
        currency: str | None = None,
        properties: Members = None,
        user_id: Who = None,
        anonymous_id: str | None = None,
        visitor: str | None = None,
        event_id: str | None = None,
        timestamp: When = None,
        context: Members = None,
    ) -> Told:
        """An order was placed; it counts once for ever by its `order_id`, whoever reports it how often.

        `items`: `{item_id, quantity, price, …}`; `value`: what was paid, in `currency` (without it the sum
        of the items counts).
        """
        try:
            said: dict[str, Any] = {**(properties or {}), "order_id": identifier(order_id, "order_id")}
            said["products"] = list(items or ())
            if value is not None:
                said["total"] = value
            if currency is not None:
                said["currency"] = currency
        except Exception as error:
            self._tally.lose("invalid_argument", 1, repr(error))
            return self._told()
        return self._put(
            "track",
            user_id,
            anonymous_id,
            visitor,
            context,
            name="Order Completed",
            properties=said,
            event_id=event_id,
            timestamp=timestamp,
        )

    def consent(
        self,
        analytics: str | bool | None = None,
        personalization: str | bool | None = None,
        *,
        user_id: Who = None,
        anonymous_id: str | None = None,
        visitor: str | None = None,
        event_id: str | None = None,
        timestamp: When = None,
    ) -> Told:
        """The visitor agreed, or withdrew: `granted`, `denied`, `pending` or a boolean for each purpose.

        In a request that a mount answers it counts for the rest of it, and its answer sets the cookie, or
        takes it away.
        """
        try:
            whom = self._visit(visitor) if anonymous_id is None else None
            said: Consent = {"analytics": analytics, "personalization": personalization}
            stated = Visit(mode="assumed", consent=said)
            if not stated.consent:
                raise InvalidArgument("consent to what? analytics, personalization, or both")
            if whom is not None and (user_id is None or whom.user_id in (None, str(user_id))):
                whom.say(said)
                whom.withdrawn = not whom.keeps_profile
                stated = whom
            record = dict(stated.consent or {})
            context = {**stated.context, "consent": record}
        except Exception as error:
            self._tally.lose("invalid_argument", 1, repr(error))
            return self._told()
        return self._put(
            "track",
            user_id,
            anonymous_id,
            visitor,
            context,
            name="Consent Updated",
            properties=record,
            event_id=event_id,
            timestamp=timestamp,
        )

    @property
    def secret_key(self) -> str:
        """Empty when the client is disabled. For the mounts, which prove logins with it."""
        return self._secret

    @property
    def stats(self) -> Stats:
        """What became of the events so far, in this process."""
        return self._tally.snapshot(self._worker.queued if self._worker is not None else 0)

    # ---- behind it ---------------------------------------------------------------------------

    def _told(self) -> Told:
        raise NotImplementedError

    def _visit(self, visitor: str | None) -> Visit | None:
        """Of whom the call is, when it names no id: the cookie that was given, or the current request's."""
        if visitor is None:
            return current_visit()
        if not isinstance(visitor, str):
            raise InvalidArgument("visitor is the value of the cookie")
        visit = current_visit()
        if visit is not None and visit.cookie == visitor:
            return visit
        visit = Visit(cookie=visitor)
        if visit.cookie is None:
            raise InvalidArgument("visitor is the value of the cookie")
        return visit

    def _put(
        self,
        call: str,
        user_id: Who,
        anonymous_id: str | None,
        visitor: str | None,
        context: Members,
        *,
        needs_user: bool = False,
        **members: object,
    ) -> Told:
        worker = self._worker
        if worker is None:
            self._tally.lose("disabled")
            return self._told()
        try:
            here()
            sender, encoded = NOBODY, b""
            visit = self._visit(visitor) if anonymous_id is None else None
            if visit is not None:
                acting = visit.user_id
                if user_id is None:
                    user_id = acting
                if acting is None or str(user_id) == acting:
                    sender = visit.sender
                    visit.concerned = True
                    if context is None:
                        encoded = visit.encoded_context(acting, self._secret)
                    else:
                        context = {**visit.context_with_proof(acting, self._secret), **context}
                # Else somebody else's affairs are seen to, as in the back office: this is not their browser.
            if needs_user and user_id is None:
                raise InvalidArgument(f"{call} needs a user_id")
            body = encode_event(
                call,
                now=time.time(),
                user_id=user_id,
                anonymous_id=anonymous_id,
                context=context,
                encoded_context=encoded,
                sender_known=sender is not NOBODY,
                **members,
            )
            worker.put(body, sender)
        except InvalidArgument as error:
            self._tally.lose("invalid_argument", 1, error)
        except Exception as error:
            self._tally.lose("internal_error", 1, repr(error))
        return self._told()

    def _seconds(self, deadline: float | None) -> float:
        return max(0.0, self.deadline if deadline is None else deadline)

    def _fallback(
        self, slot: str, given: Iterable[OfferLike] | None, reason: str, sections: Sequence[str] = ()
    ) -> Offers:
        try:
            offers = self._fallbacks.get(slot, ()) if given is None else given
            return Offers(offers, missed=reason, sections=sections)
        except Exception:
            return Offers(missed=reason, sections=sections)

    def _why(self, call: str, error: Exception) -> str:
        """The reason of a miss; counts it, and tells the breaker when the server is to blame."""
        reason: str
        detail: object
        if isinstance(error, (NoOffers, TransportError)):
            reason, detail = error.reason, error.detail
        elif isinstance(error, InvalidArgument):
            reason, detail = "invalid_argument", error
        else:
            reason, detail = "internal_error", repr(error)
        if isinstance(error, TransportError):
            self._breaker.failed()
        self._tally.miss(call, reason, detail)
        return reason

    def _answered(self, status: int, headers: Mapping[str, str]) -> None:
        """An answer came: was it one, or the sign of a server in trouble?"""
        if status >= 500 or status == 429:
            self._breaker.failed(retry_after(headers, time.time()))
        else:
            self._breaker.succeeded()

    def after_fork(self) -> None:
        """In a child process: nothing of the parent's threads, connections and counts."""
        self._tally.after_fork()
        self._breaker.after_fork()
        if self._transport is not None:
            self._transport.after_fork()
        if self._worker is not None:
            self._worker.after_fork()
