"""The client for threads: `track`, `offers` and their like. None of them raises."""

from __future__ import annotations

import time
from collections.abc import Iterable
from types import TracebackType
from typing import Any

from habitue.offers import NoOffers, OfferLike, Offers
from habitue.processes import here
from habitue.questions import section_names
from habitue.reporter import Reporter, Who
from habitue.transport import Request, Response
from habitue.visit import Visit


class Client(Reporter[None]):
    """A shop's backend speaks to its Habitue server through one of these, made once per process.

    It may be made before a fork (gunicorn, uWSGI, Celery): each child starts its own thread when it
    first tracks. Arguments that make no event are counted in `stats.lost["invalid_argument"]` and
    logged once.
    """

    def offers(
        self,
        slot: str,
        *,
        visitor: str | None = None,
        user_id: Who = None,
        anonymous_id: str | None = None,
        page_type: str | None = None,
        item_id: str | int | None = None,
        category: str | None = None,
        deadline: float | None = None,
        fallback: Iterable[OfferLike] | None = None,
        sections: Iterable[str] = (),
    ) -> Offers:
        """The offers for a slot, or `fallback` when they cannot be had within `deadline` seconds.

        For the visitor of the current request, unless `visitor` (the value of the browser's cookie),
        `user_id` or `anonymous_id` say otherwise; `page_type`, `item_id` and `category` describe the page
        that the slot stands on. Without `fallback` those count that the client was made with. Events that
        were tracked a moment ago may still be on their way: `flush` first where they must count.
        With `sections` the same request asks for their order: see `sections` of the answer.
        """
        given: list[str] = []
        try:
            given = section_names(sections)
            named = user_id is not None or anonymous_id is not None
            visit = None if named and visitor is None else self._visit(visitor)
            if visit is not None:
                visit.personal = True
            request = self._asker.offers(
                [slot], visit, user_id, anonymous_id, page_type, item_id, category, given
            )
            response = self._ask(request, self._seconds(deadline))
            return self._asker.read_offers(response, slot, visit, given)
        except Exception as error:
            return self._fallback(slot, fallback, self._why("offers", error), given)

    def sections(
        self,
        names: Iterable[str],
        *,
        visitor: str | None = None,
        user_id: Who = None,
        anonymous_id: str | None = None,
        deadline: float | None = None,
    ) -> list[str]:
        """A page's sections (category paths, brands) in the order of what the visitor likes.

        As they were given when nothing is known of the visitor, and when the answer cannot be had within
        `deadline` seconds. Whose order it is is said as in `offers`.
        """
        given = list(names) if isinstance(names, (list, tuple)) else []
        try:
            given = section_names(given or names)
            if not given:
                return given
            named = user_id is not None or anonymous_id is not None
            visit = None if named and visitor is None else self._visit(visitor)
            if visit is not None:
                visit.personal = True
            request = self._asker.offers((), visit, user_id, anonymous_id, sections=given)
            response = self._ask(request, self._seconds(deadline))
            return self._asker.read_sections(response, given, visit)
        except Exception as error:
            self._why("sections", error)
            return given

    def profile(
        self,
        *,
        visitor: str | None = None,
        user_id: Who = None,
        anonymous_id: str | None = None,
        deadline: float | None = None,
    ) -> dict[str, Any] | None:
        """What is known of somebody; None of nobody, and when it cannot be had within `deadline` seconds."""
        try:
            visit = self._visit(visitor) if user_id is None and anonymous_id is None else None
            request = self._asker.profile(visit, user_id, anonymous_id)
            return self._asker.read_profile(self._ask(request, self._seconds(deadline)))
        except Exception as error:
            self._why("profile", error)
            return None

    def forget(
        self,
        *,
        visitor: str | None = None,
        user_id: Who = None,
        anonymous_id: str | None = None,
        timeout: float = 5.0,
    ) -> bool:
        """Erase somebody for good: True when the server has confirmed it, within `timeout` seconds.

        What is queued is delivered first, so that nothing comes after it. False must be tried again.
        """
        try:
            visit = self._visit(visitor) if user_id is None and anonymous_id is None else None
            request = self._asker.profile(visit, user_id, anonymous_id, "DELETE")
            until = time.monotonic() + timeout
            self.flush(timeout / 2)
            return self._asker.read_erased(self._ask(request, until - time.monotonic(), patient=True))
        except Exception as error:
            self._why("forget", error)
            return False

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until everything tracked so far is delivered (or lost); False after `timeout` seconds."""
        try:
            here()
            return self._worker.flush(timeout) if self._worker is not None else True
        except Exception as error:
            self._tally.lose("internal_error", 0, repr(error))
            return False

    def close(self, timeout: float = 5.0) -> None:
        """Deliver what is queued, as far as `timeout` seconds allow, and stop. What comes later is lost."""
        try:
            here()
            if self._worker is not None:
                self._worker.close(timeout)
            if self._transport is not None:
                self._transport.close()
        except Exception as error:
            self._tally.lose("internal_error", 0, repr(error))

    def settle(self, visit: Visit) -> None:
        """Before a visit's answer leaves: the cookie that it must carry. For the mounts."""
        try:
            request = visit.site.settling(self._asker, visit) if visit.site is not None else None
            if request is not None:
                self._asker.read_cookie(self._ask(request, self.deadline), visit)
        except Exception as error:
            self._why("cookie", error)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _told(self) -> None:
        return None

    def _ask(self, request: Request, seconds: float, patient: bool = False) -> Response:
        """`patient`: also when the breaker would rather wait."""
        here()
        if self._transport is None:
            raise NoOffers("disabled")
        if not self._breaker.allows() and not patient:
            raise NoOffers("circuit_open")
        response = self._transport.send(request, max(seconds, 0.0))
        self._answered(response.status, response.headers)
        return response
