"""The client for event loops: as `Client`, with calls that wait without blocking. None of them raises."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Any

from habitue.async_transport import AsyncHTTPTransport
from habitue.offers import NoOffers, OfferLike, Offers
from habitue.processes import here
from habitue.questions import section_names
from habitue.reporter import Reporter, Who
from habitue.transport import HTTPTransport, Request, Response, TransportError
from habitue.visit import Visit


class Told:
    """It is told. May be awaited, and need not: nothing is waited for."""

    def __await__(self) -> Generator[None, None, None]:
        return
        yield


_TOLD = Told()


class AsyncClient(Reporter[Told]):
    """As `Client`, for asyncio. Events go to the same kind of background thread, so `track` and its like are
    plain calls (awaiting them is allowed); `offers`, `profile`, `forget`, `flush` and `close` are awaited."""

    async def offers(
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
        `user_id` or `anonymous_id` say otherwise. See `Client.offers`.
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
            response = await self._ask(request, self._seconds(deadline))
            return self._asker.read_offers(response, slot, visit, given)
        except Exception as error:
            return self._fallback(slot, fallback, self._why("offers", error), given)

    async def sections(
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
            response = await self._ask(request, self._seconds(deadline))
            return self._asker.read_sections(response, given, visit)
        except Exception as error:
            self._why("sections", error)
            return given

    async def profile(
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
            return self._asker.read_profile(await self._ask(request, self._seconds(deadline)))
        except Exception as error:
            self._why("profile", error)
            return None

    async def forget(
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
            await self.flush(timeout / 2)
            return self._asker.read_erased(await self._ask(request, until - time.monotonic(), patient=True))
        except Exception as error:
            self._why("forget", error)
            return False

    async def flush(self, timeout: float = 5.0) -> bool:
        """Wait until everything tracked so far is delivered (or lost); False after `timeout` seconds."""
        try:
            here()
            return await asyncio.to_thread(self._worker.flush, timeout) if self._worker is not None else True
        except Exception as error:
            self._tally.lose("internal_error", 0, repr(error))
            return False

    async def close(self, timeout: float = 5.0) -> None:
        """Deliver what is queued, as far as `timeout` seconds allow, and stop. What comes later is lost."""
        try:
            here()
            if self._worker is not None:
                await asyncio.to_thread(self._worker.close, timeout)
            if self._transport is not None:
                self._transport.close()
            if self._loop_transport is not None:
                await self._loop_transport.close()
        except Exception as error:
            self._tally.lose("internal_error", 0, repr(error))

    async def settle(self, visit: Visit) -> None:
        """Before a visit's answer leaves: the cookie that it must carry. For the mounts."""
        try:
            request = visit.site.settling(self._asker, visit) if visit.site is not None else None
            if request is not None:
                self._asker.read_cookie(await self._ask(request, self.deadline), visit)
        except Exception as error:
            self._why("cookie", error)

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def after_fork(self) -> None:
        super().after_fork()
        self._loop_transport = None

    def _prepare(self) -> None:
        if isinstance(self._transport, HTTPTransport):
            with suppress(ImportError):  # then each question is missed, and its reason counted
                import h11  # noqa: F401  # 15 ms of the event loop's time, which are not a visitor's

    def _told(self) -> Told:
        return _TOLD

    _loop_transport: AsyncHTTPTransport | None = None

    async def _ask(self, request: Request, seconds: float, patient: bool = False) -> Response:
        """`patient`: also when the breaker would rather wait."""
        here()
        if self._transport is None:
            raise NoOffers("disabled")
        if not self._breaker.allows() and not patient:
            raise NoOffers("circuit_open")
        if isinstance(self._transport, HTTPTransport):
            if self._loop_transport is None:
                self._loop_transport = AsyncHTTPTransport(self.host, self._transport.context)
            response = await self._loop_transport.send(request, max(seconds, 0.0))
        else:  # somebody's own, as in tests
            try:
                async with asyncio.timeout(max(seconds, 0.0)):
                    response = await asyncio.to_thread(self._transport.send, request, max(seconds, 0.0))
            except TimeoutError as error:
                raise TransportError("deadline", error) from None
        self._answered(response.status, response.headers)
        return response
